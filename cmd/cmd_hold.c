#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"

#include <inttypes.h>

static const struct rt_option options[] = {
    {"reason", "TEXT", "why; show tells it"},
    {NULL, NULL, NULL},
};

/* 1: *delta is in the outbox, with the record's newest row for that side. */
static int find_waiting(struct rt_session *session, int64_t rid, enum rt_side side,
                        struct rt_arena *arena, struct rt_delta *delta, struct rt_err *err)
{
    struct rt_store *store = session->work.store;
    struct rt_delta_row row;

    if (rt_store_last_row(store, rid, side, RT_DELTA_COMMITTED, &row, err) < 0)
        return -1;
    if (row.delta == 0)
        return 0;
    if (rt_store_delta(store, row.delta, arena, delta, err) < 0)
        return -1;
    return delta->state < RT_DELTA_HANDED;
}

/* A delta is handed over as it was written: what waits in the outbox is told. */
static int tell_outbox(struct rt_session *session, const char *id, int64_t rid, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta delta = {0};
    int rc = 0;

    for (int s = 0; s < 2 && rc >= 0; s++) {
        rc = find_waiting(session, rid, (enum rt_side)s, &arena, &delta, err);
        if (rc == 1)
            rt_tell(session,
                    "%s: delta %06" PRId64 " in the outbox has a row of it, and goes out as it is: "
                    "roundtrip withdraw %06" PRId64 " takes it back\n",
                    id, delta.number, delta.number);
    }
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

/* *held: how many were not held before. */
static int hold_all(struct rt_session *session, const struct rt_args *args, int64_t *held,
                    struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *reason = rt_session_reason(args, &arena);
    int64_t rid;
    bool changed;
    int rc = 0;

    *held = 0;
    for (size_t i = 0; rc == 0 && i < args->word_count; i++) {
        rc = rt_session_record(session, args->words[i], &rid, err);
        if (rc == 0)
            rc = rt_decide_hold(&session->work, rid, reason, &changed, err);
        if (rc == 0 && !changed)
            rt_tell(session, "%s: is held already\n", args->words[i]);
        if (rc == 0)
            rc = tell_outbox(session, args->words[i], rid, err);
        *held += rc == 0 && changed;
    }
    rt_arena_clear(&arena);
    return rc;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    int64_t held;

    if (rt_args_count(args, 1, args->word_count, err) < 0 || rt_session_begin(session, err) < 0 ||
        hold_all(session, args, &held, err) < 0 || rt_session_commit(session, 0, err) < 0)
        return -1;
    if (session->json)
        rt_json_say(
            json_pack("{s:s, s:i, s:I}", "command", "hold", "status", 0, "held", (json_int_t)held));
    else
        rt_say("%" PRId64 " record%s held: nothing is sent for %s until roundtrip release\n", held,
               held == 1 ? "" : "s", held == 1 ? "it" : "them");
    return 0;
}

const struct rt_cmd rt_cmd_hold = {
    .name = "hold",
    .synopsis = "ID... [--reason TEXT]",
    .summary = "send nothing for single records until they are released",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT,
    .run = run,
};
