#include "lib/emit.h"

#include "lib/delta.h"
#include "lib/outbox.h"
#include "lib/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REASON_SIZE 512

/* The plan's digest, by which a person approves it, and the guards that ask for one. */

/* Records that a snapshot of this run does not show, if that leads to a delete or to a question. */
static int64_t missing_that_counts(const struct rt_emit *emit, enum rt_side side)
{
    if (emit->work->rules.config->side[side].deletes == RT_DELETES_IGNORE)
        return 0;
    return emit->work->counts[side].missing;
}

static void digest_missing(const struct rt_emit *emit, enum rt_side side, struct rt_hasher *hasher)
{
    char text[40];

    if (emit->work->emptied[side].held > 0) {
        snprintf(text, sizeof text, "emptied %" PRId64, emit->work->emptied[side].held);
        rt_hasher_add(hasher, rt_slice_str(text));
    }
    if (missing_that_counts(emit, side) == 0)
        return;
    snprintf(text, sizeof text, "missing %" PRId64, missing_that_counts(emit, side));
    rt_hasher_add(hasher, rt_slice_str(text));
}

static int digest_row(struct rt_emit *emit, struct rt_delta_format *format,
                      struct rt_hasher *hasher, const struct rt_plan_row *row, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_buf text = {0};
    struct rt_record record;
    struct rt_delta_cells cells;
    int rc = rt_store_load(emit->work->store, row->rid, &arena, &record, err);

    if (rc == 0) {
        cells = rt_delta_cells_of(&record, row->action);
        rc = rt_delta_row(format, &cells, &text, err);
        rt_hasher_add(hasher, rt_slice_str(rt_action_name(row->action)));
        rt_hasher_add(hasher, rt_buf_slice(&text));
    }
    rt_buf_clear(&text);
    rt_arena_clear(&arena);
    return rc;
}

int rt_emit_digest(struct rt_emit *emit, struct rt_err *err)
{
    struct rt_hasher *hasher = rt_hasher_new();
    int rc = 0;

    for (int s = 0; s < 2 && rc == 0; s++) {
        struct rt_delta_format format;

        rc = rt_delta_format_init(&format, &emit->work->rules, (enum rt_side)s, 0, err);
        rt_hasher_add(hasher, rt_slice_str(rt_side_name((enum rt_side)s)));
        digest_missing(emit, (enum rt_side)s, hasher);
        for (size_t i = 0; rc == 0 && i < emit->side[s].count; i++)
            rc = digest_row(emit, &format, hasher, &emit->side[s].rows[i], err);
        rt_delta_format_clear(&format);
    }
    rt_digest_hex(rt_hasher_end(hasher), emit->digest);
    emit->digest[16] = '\0'; /* 64 bits: enough to tell plans apart, short enough to type */
    rt_hasher_free(hasher);
    return rc;
}

struct handed {
    enum rt_side side;
    bool any;
};

static int note_handed(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    struct handed *handed = context;

    (void)err;
    if (delta->side == handed->side && (delta->state == RT_DELTA_HANDED || delta->handed_parts > 0))
        handed->any = true;
    return 0;
}

static bool guard_missing(const struct rt_emit *emit, enum rt_side side, char reason[REASON_SIZE])
{
    const struct rt_emptied *emptied = &emit->work->emptied[side];

    if (emptied->held > 0) {
        snprintf(reason, REASON_SIZE,
                 "%.255s: a snapshot without rows, from a side that was seen to hold %" PRId64
                 " records: if it is wrong, take it out of inbox/",
                 emptied->file, emptied->held);
        return true;
    }
    return rt_guard_missing_trips(emit->work->rules.config, missing_that_counts(emit, side),
                                  rt_store_count_held(emit->work->store, side), reason,
                                  REASON_SIZE);
}

static int guard_side(struct rt_emit *emit, enum rt_side side, char reason[REASON_SIZE],
                      struct rt_err *err)
{
    const struct rt_config *config = emit->work->rules.config;
    struct rt_side_plan *plan = &emit->side[side];
    struct handed handed = {.side = side};
    int64_t held = rt_store_count_held(emit->work->store, side), believed;

    if (rt_guard_deletes_trip(config, plan->deletes, reason, REASON_SIZE))
        return 1;
    if (!rt_guard_trips(config, plan->due, held, reason, REASON_SIZE))
        return 0;
    /* A side that does not show what it imported tells no IDs for that, and holds it. */
    if (rt_store_count_believed(emit->work->store, side, &believed, err) < 0)
        return -1;
    if (!rt_guard_trips(config, plan->due, held + believed, reason, REASON_SIZE))
        return 0;
    if (!emit->options->historical)
        return 1;
    if (rt_store_each_delta(emit->work->store, note_handed, &handed, err) < 0)
        return -1;
    if (handed.any) {
        size_t len = strlen(reason);

        snprintf(reason + len, REASON_SIZE - len,
                 "; --historical is for a side to which nothing was handed over yet");
    }
    return handed.any;
}

/* While the newest file of a side is older than max_age, its edits are unknown. */
static int check_age(struct rt_emit *emit, enum rt_side side, struct rt_err *err)
{
    const struct rt_side_config *settings = &emit->work->rules.config->side[side];
    char when[RT_TIME_SIZE], what[160];
    int64_t newest;

    if (settings->max_age == RT_NO_LIMIT || emit->side[side].count == 0)
        return 0;
    if (rt_store_newest_stamp(emit->work->store, side, &newest, err) < 0)
        return -1;
    if (newest != RT_NEVER && newest + settings->max_age >= emit->work->rules.now)
        return 0;
    if (newest == RT_NEVER)
        snprintf(what, sizeof what, "no file of %s was taken in yet, and max_age asks for one",
                 settings->label);
    else
        snprintf(what, sizeof what, "the newest file of %s is from %s, older than max_age",
                 settings->label, rt_time_format(newest, when));
    return rt_err_set(err, RT_STOPPED,
                      "%s: %zu %s due for it and not sent; fetch a newer one first", what,
                      emit->side[side].count, emit->side[side].count == 1 ? "row is" : "rows are");
}

/* A side whose header is locked gets no delta with another one. */
static int check_header(struct rt_emit *emit, enum rt_side side, struct rt_err *err)
{
    return emit->side[side].count == 0 ? 0 : rt_outbox_check_next(emit->work, side, err);
}

/* Does a guard of that kind stand against that side? 1, and why. */
static int trips(struct rt_emit *emit, enum rt_side side, bool is_about_missing,
                 char reason[REASON_SIZE], struct rt_err *err)
{
    if (is_about_missing)
        return guard_missing(emit, side, reason);
    return guard_side(emit, side, reason, err);
}

/* Another choice of rows is another plan. */
static bool is_choice(const struct rt_emit_options *options)
{
    return !options->is_to[0] || !options->is_to[1] || options->only_count ||
           options->limit != RT_NO_LIMIT;
}

/* Nothing, if this plan was approved. */
static int stop(struct rt_emit *emit, enum rt_side side, const char *reason, struct rt_err *err)
{
    if (emit->digest[0] == '\0' && rt_emit_digest(emit, err) < 0)
        return -1;
    if (emit->options->approve != NULL && strcmp(emit->options->approve, emit->digest) == 0)
        return 0;
    return rt_err_set(
        err, RT_STOPPED,
        "guard: %s: %s%s; look at it with roundtrip diff, then roundtrip emit --approve %s%s",
        emit->work->rules.config->side[side].label, reason,
        emit->options->approve ? ", and the approved plan is another one" : "", emit->digest,
        is_choice(emit->options) ? ", both with the same --to, --only and --limit" : "");
}

int rt_emit_guard(struct rt_emit *emit, struct rt_err *err)
{
    char reason[REASON_SIZE];

    for (int s = 0; s < 2; s++)
        if (check_age(emit, (enum rt_side)s, err) < 0)
            return -1;
    /* What is missing comes first: it is why there are deletes. */
    for (int i = 0; i < 4; i++) {
        int rc = trips(emit, (enum rt_side)(i % 2), i < 2, reason, err);

        if (rc < 0 || (rc == 1 && stop(emit, (enum rt_side)(i % 2), reason, err) < 0))
            return -1;
    }
    for (int s = 0; s < 2; s++)
        if (check_header(emit, (enum rt_side)s, err) < 0)
            return -1;
    return 0;
}
