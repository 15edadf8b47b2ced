#include "cmd/status.h"

#include "lib/outbox.h"
#include "lib/plan.h"
#include "lib/profile.h"

#include <dirent.h>
#include <stdlib.h>

struct reading {
    struct rt_session *session;
    struct rt_status *status;
    enum rt_side side;
    int64_t run_started, pushed_before; /* of the last `run` that emitted */
};

/* ---- files ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int see_file(void *context, const struct rt_file *file, struct rt_err *err)
{
    struct reading *r = context;
    struct rt_status_side *side = &r->status->side[file->side];

    (void)err;
    if (file->state == RT_FILE_TAKEN && file->stamp >= side->newest_stamp) {
        side->newest_stamp = file->stamp;
        side->newest = rt_arena_strdup(&r->status->arena, file->name);
    }
    return 0;
}

/* People and scripts put files into the inbox too, which the ledger learns of at the next emit. */
static int64_t count_inbox(const struct rt_session *session, enum rt_side side)
{
    char *path = rt_xasprintf("%s/inbox/%s", session->profile, rt_side_name(side));
    DIR *dir = opendir(path);
    struct dirent *entry;
    int64_t count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    if (dir != NULL)
        closedir(dir);
    free(path);
    return count;
}

/* ---- deltas ---- */

static int see_delta(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    struct reading *r = context;
    struct rt_status_side *side = &r->status->side[delta->side];

    (void)err;
    if (delta->state == RT_DELTA_WITHDRAWN)
        return 0;
    side->emitted = later(side->emitted, delta->written_at);
    side->pushed = later(side->pushed, delta->handed_at);
    if (delta->state != RT_DELTA_HANDED) {
        if (side->outbox_deltas++ == 0)
            side->outbox_since = delta->written_at; /* the oldest comes first */
        side->outbox_rows += delta->rows;
    }
    return 0;
}

/* ---- review, under way ---- */

#define OVERDUE "overdue"

static void count_item(struct rt_status *status, const char *kind)
{
    size_t i = 0;

    while (i < status->review_count && strcmp(status->review[i].kind, kind) != 0)
        i++;
    if (i == status->review_count) {
        status->review = rt_arena_grow(&status->arena, status->review, i, sizeof *status->review);
        status->review[status->review_count++] =
            (struct rt_status_kind){rt_arena_strdup(&status->arena, kind), 0};
    }
    status->review[i].items++;
    status->review_items++;
}

/* What is overdue is counted by the deltas: the list has it from the day on, noted or not. */
static int see_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct reading *r = context;

    (void)err;
    if (strcmp(item->kind, OVERDUE) != 0)
        count_item(r->status, item->kind);
    return 0;
}

static int see_flight(void *context, int64_t number, int64_t rows, struct rt_err *err)
{
    struct reading *r = context;
    struct rt_status_side *side = &r->status->side[r->side];
    const struct rt_config *config = r->session->config;
    struct rt_arena arena = {0};
    struct rt_status_delta entry = {.number = number, .rows = rows};
    struct rt_delta delta = {.state = RT_DELTA_WITHDRAWN};
    bool is_waived;
    int rc = rt_store_delta(r->session->store, number, &arena, &delta, err);

    rt_arena_clear(&arena);
    if (rc < 0 || delta.state != RT_DELTA_HANDED)
        return rc < 0 ? -1 : 0;
    if (rt_store_is_waived(r->session->store, &delta, &is_waived, err) < 0)
        return -1;
    entry.handed_at = delta.gone_at; /* the last of its parts */
    entry.is_overdue = config->side[r->side].shows_imports && !is_waived &&
                       rt_store_is_late(&delta, config->overdue, r->session->rules.now);
    side->flight = rt_arena_grow(&r->status->arena, side->flight, side->flight_count, sizeof entry);
    side->flight[side->flight_count++] = entry;
    side->flight_rows += rows;
    if (entry.is_overdue) {
        side->overdue_rows += rows;
        count_item(r->status, OVERDUE);
    }
    return 0;
}

/* ---- due ---- */

static int see_due(void *context, const char *action, const char *reason, int64_t rows,
                   struct rt_err *err)
{
    struct reading *r = context;
    struct rt_status_side *side = &r->status->side[r->side];
    struct rt_arena *arena = &r->status->arena;

    (void)err;
    side->due = rt_arena_grow(arena, side->due, side->due_count, sizeof *side->due);
    side->due[side->due_count++] = (struct rt_status_due){rt_arena_strdup(arena, action),
                                                          rt_arena_strdup(arena, reason), rows};
    if (strcmp(action, rt_action_name(RT_ACTION_WAIT)) == 0)
        side->waiting += rows;
    else if (strcmp(action, rt_action_name(RT_ACTION_REVIEW)) == 0)
        side->review += rows;
    else if (strcmp(action, rt_action_name(RT_ACTION_EXCLUDE)) == 0)
        side->excluded += rows;
    else
        side->ready += rows;
    return 0;
}

/* ---- all of it ---- */

static int see_run(void *context, const struct rt_run *run, struct rt_err *err)
{
    static const char *const commands[] = {"fetch", "emit", "push"};
    struct reading *r = context;
    bool is_run = strcmp(run->command, "run") == 0, has_failed;

    (void)err;
    /* Of a file that was refused (65) the others were taken in, and what was due was written. */
    has_failed = run->status >= RT_STOPPED && run->status != RT_DATA;
    /* A run is noted when it has emitted; where its push then failed, that is noted too. */
    if (is_run && has_failed && run->started == r->run_started)
        r->status->ran[2] = r->pushed_before;
    if (run->ended == RT_NEVER || has_failed)
        return 0;
    if (is_run) {
        r->run_started = run->started;
        r->pushed_before = r->status->ran[2];
    }
    for (int i = 0; i < 3; i++)
        if (is_run || strcmp(run->command, commands[i]) == 0)
            r->status->ran[i] = run->ended; /* the last one, also if a clock was set back since */
    return 0;
}

static int read_side(struct reading *r, struct rt_err *err)
{
    struct rt_session *session = r->session;
    struct rt_status_side *side = &r->status->side[r->side];
    const struct rt_side_config *settings = &session->config->side[r->side];
    struct rt_fetch_state fetch;

    side->waiting_files = count_inbox(session, r->side);
    side->is_too_old = settings->max_age != RT_NO_LIMIT &&
                       (side->newest_stamp == RT_NEVER ||
                        side->newest_stamp + settings->max_age < session->rules.now);
    if (rt_profile_last_fetch(session->store, r->side, &fetch, err) < 0)
        return -1;
    side->has_source = rt_profile_has_source(settings);
    side->must_fetch = side->has_source && fetch.is_required;
    side->fetched = fetch.at;
    if (!r->status->is_changed &&
        rt_outbox_stops_at(&session->work, r->side, &side->stops_at, err) < 0)
        return -1;
    if (rt_store_each_due_group(session->store, r->side, see_due, r, err) < 0)
        return -1;
    return rt_store_each_flight(session->store, r->side, settings->own_id_only, see_flight, r, err);
}

int rt_status_read(struct rt_session *session, struct rt_status *status, struct rt_err *err)
{
    struct reading r = {.session = session, .status = status, .run_started = RT_NEVER};
    struct rt_buf changes = {0};

    *status = (struct rt_status){.ran = {RT_NEVER, RT_NEVER, RT_NEVER}};
    for (int s = 0; s < 2; s++)
        status->side[s].newest_stamp = status->side[s].emitted = status->side[s].pushed =
            status->side[s].outbox_since = RT_NEVER;
    if (rt_store_get(session->store, "paused", &status->arena, &status->paused, err) < 0 ||
        rt_profile_contract_changes(session->store, session->schema, session->config, &changes,
                                    err) < 0)
        return -1;
    status->is_changed = changes.len != 0;
    rt_buf_clear(&changes);
    if (rt_store_each_run(session->store, RT_NEVER, see_run, &r, err) < 0 ||
        rt_store_each_file(session->store, see_file, &r, err) < 0 ||
        rt_store_each_delta(session->store, see_delta, &r, err) < 0 ||
        rt_store_each_item(session->store, NULL, see_item, &r, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++) {
        r.side = (enum rt_side)s;
        if (read_side(&r, err) < 0)
            return -1;
    }
    return 0;
}

void rt_status_clear(struct rt_status *status)
{
    rt_arena_clear(&status->arena);
}
