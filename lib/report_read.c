#include "lib/report_read.h"

#include <jansson.h>
#include <stdlib.h>

struct reading {
    struct rt_store *store;
    const struct rt_config *config;
    struct rt_report *report;
    enum rt_side side;
};

/* ---- runs ---- */

static int see_first(void *context, const struct rt_run *run, struct rt_err *err)
{
    int64_t *first = context;

    (void)err;
    if (*first == RT_NEVER)
        *first = run->started;
    return 0;
}

static struct rt_report_command *find_command(struct rt_report *report, const char *name)
{
    for (size_t i = 0; i < report->command_count; i++)
        if (strcmp(report->commands[i].name, name) == 0)
            return &report->commands[i];
    report->commands = rt_arena_grow(&report->arena, report->commands, report->command_count,
                                     sizeof *report->commands);
    report->commands[report->command_count] =
        (struct rt_report_command){.name = rt_arena_strdup(&report->arena, name)};
    return &report->commands[report->command_count++];
}

static void add_seconds(struct rt_report *report, struct rt_report_command *command,
                        int64_t seconds)
{
    command->seconds =
        rt_arena_grow(&report->arena, command->seconds, command->count, sizeof *command->seconds);
    command->seconds[command->count++] = seconds;
}

static int64_t count_of(const json_t *counts, const char *const *words)
{
    int64_t sum = 0;

    for (; *words != NULL; words++)
        sum += json_integer_value(json_object_get(counts, *words));
    return sum;
}

static void add_counts(struct rt_report *report, const char *text, size_t at)
{
    static const char *const fresh[] = {"new", NULL}, *const changed[] = {"changed", NULL},
                             *const questions[] = {"rejected",  "repeated", "clash",
                                                   "suspected", "conflict", NULL};
    static const char *const *const words[RT_CHART_SERIES] = {fresh, changed, questions};
    json_t *counts = text ? json_loads(text, 0, NULL) : NULL;

    for (int s = 0; s < 2; s++) {
        const json_t *of = json_object_get(counts, rt_side_name((enum rt_side)s));

        for (int i = 0; i < RT_CHART_SERIES; i++)
            report->side[s].came[i][at] += count_of(of, words[i]);
    }
    json_decref(counts);
}

static int see_run(void *context, const struct rt_run *run, struct rt_err *err)
{
    struct rt_report *report = ((struct reading *)context)->report;
    struct rt_report_command *command;
    size_t at;

    (void)err;
    if (!rt_report_place(report, run->started, &at))
        return 0;
    command = find_command(report, run->command);
    if (run->ended == RT_NEVER) {
        command->unfinished++;
        return 0;
    }
    command->failed += run->status >= RT_STOPPED;
    add_seconds(report, command, run->ended - run->started);
    if (run->ended - run->started > report->longest[at])
        report->longest[at] = run->ended - run->started;
    add_counts(report, run->counts, at);
    return 0;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* ---- deltas ---- */

static int see_handed(void *context, const struct rt_store_handed *handed, struct rt_err *err)
{
    struct rt_report *report = ((struct reading *)context)->report;
    size_t at;

    (void)err;
    if (rt_report_place(report, handed->at, &at))
        report->side[handed->side].handed[handed->action - RT_ROW_INSERT][at] += handed->rows;
    return 0;
}

static enum rt_report_delivery delivery_of(const struct rt_delta *delta)
{
    return delta->state == RT_DELTA_WITHDRAWN ? RT_DELIVERY_WITHDRAWN
           : delta->state == RT_DELTA_HANDED  ? RT_DELIVERY_SEEN
                                              : RT_DELIVERY_OUTBOX;
}

/* All that was handed over counts as seen at first; see_flight takes back what is under way. */
static int see_delta(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    struct rt_report_side *side = &((struct reading *)context)->report->side[delta->side];
    enum rt_report_delivery state = delivery_of(delta);

    (void)err;
    side->deliveries[state].deltas++;
    side->deliveries[state].rows += delta->rows;
    return 0;
}

static int see_flight(void *context, int64_t number, int64_t rows, struct rt_err *err)
{
    struct reading *r = context;
    struct rt_report_side *side = &r->report->side[r->side];
    struct rt_arena arena = {0};
    struct rt_delta delta = {.state = RT_DELTA_WITHDRAWN};
    enum rt_report_delivery state = RT_DELIVERY_UNSEEN;
    bool is_waived;
    int rc = rt_store_delta(r->store, number, &arena, &delta, err);

    rt_arena_clear(&arena);
    if (rc < 0 || delta.state != RT_DELTA_HANDED)
        return rc < 0 ? -1 : 0;
    if (rt_store_is_waived(r->store, &delta, &is_waived, err) < 0)
        return -1;
    if (side->shows_imports && !is_waived &&
        rt_store_is_late(&delta, r->config->overdue, r->report->now))
        state = RT_DELIVERY_OVERDUE;
    side->deliveries[RT_DELIVERY_SEEN].deltas--;
    side->deliveries[RT_DELIVERY_SEEN].rows -= rows;
    side->deliveries[state].deltas++;
    side->deliveries[state].rows += rows;
    return 0;
}

/* ---- what waits ---- */

static int see_due(void *context, const char *action, const char *reason, int64_t rows,
                   struct rt_err *err)
{
    struct reading *r = context;
    struct rt_report_side *side = &r->report->side[r->side];
    struct rt_arena *arena = &r->report->arena;

    (void)err;
    side->due = rt_arena_grow(&r->report->arena, side->due, side->due_count, sizeof *side->due);
    side->due[side->due_count++] = (struct rt_report_due){rt_arena_strdup(arena, action),
                                                          rt_arena_strdup(arena, reason), rows};
    return 0;
}

static int see_pending(void *context, const struct rt_store_insert *insert, struct rt_err *err)
{
    struct reading *r = context;
    struct rt_report_side *side = &r->report->side[r->side];

    (void)err;
    side->pending_count++;
    if (side->pending_listed < RT_REPORT_LISTED)
        side->pending[side->pending_listed++] =
            (struct rt_report_pending){.id = rt_arena_dup(&r->report->arena, insert->other_id).ptr,
                                       .since = insert->handed_at,
                                       .delta = insert->delta};
    return 0;
}

static int read_side(struct reading *r, struct rt_err *err)
{
    const struct rt_side_config *settings = &r->config->side[r->side];
    struct rt_report_side *side = &r->report->side[r->side];

    side->label = settings->label;
    side->shows_imports = settings->shows_imports;
    if (rt_store_each_flight(r->store, r->side, settings->own_id_only, see_flight, r, err) < 0 ||
        rt_store_each_due_group(r->store, r->side, see_due, r, err) < 0)
        return -1;
    return rt_store_each_insert(r->store, r->side, see_pending, r, err);
}

int rt_report_read(struct rt_store *store, const struct rt_config *config, int64_t now,
                   int64_t since, struct rt_report *report, struct rt_err *err)
{
    struct reading r = {.store = store, .config = config, .report = report};
    int64_t first = RT_NEVER;

    if (rt_store_each_run(store, RT_NEVER, see_first, &first, err) < 0)
        return -1;
    rt_report_init(report, now, first, since);
    report->name = config->name;
    if (rt_store_each_run(store, report->days.first * 86400, see_run, &r, err) < 0 ||
        rt_store_each_handed(store, report->days.first * 86400, see_handed, &r, err) < 0 ||
        rt_store_each_delta(store, see_delta, &r, err) < 0)
        return -1;
    for (size_t i = 0; i < report->command_count; i++)
        qsort(report->commands[i].seconds, report->commands[i].count, sizeof(int64_t), compare);
    for (int s = 0; s < 2; s++) {
        r.side = (enum rt_side)s;
        if (read_side(&r, err) < 0)
            return -1;
    }
    return 0;
}
