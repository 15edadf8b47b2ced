#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"
#include "lib/outbox.h"

#include <inttypes.h>
#include <unistd.h>

static const struct rt_option options[] = {
    {"rekey", NULL, "a side gave a record another ID: SIDE OLD NEW"},
    {NULL, NULL, NULL},
};

static int report(const struct rt_session *session, const struct rt_bind_counts *counts)
{
    int64_t bound = counts->of[RT_BOUND], before = counts->of[RT_BOUND_BEFORE],
            ahead = counts->of[RT_BOUND_AHEAD], rejected = counts->of[RT_BOUND_REJECTED];
    int status = rejected ? RT_DATA : 0;

    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "command", "bind", "status", status,
                              "bound", (json_int_t)bound, "known", (json_int_t)before, "ahead",
                              (json_int_t)ahead, "rejected", (json_int_t)rejected));
    else
        rt_say("%" PRId64 " bound, %" PRId64 " known already, %" PRId64
               " ahead of their rows, %" PRId64 " rejected\n",
               bound, before, ahead, rejected);
    return status;
}

static int finish(struct rt_session *session, const struct rt_bind_counts *counts,
                  struct rt_err *err)
{
    if (rt_session_commit(session, counts->of[RT_BOUND_REJECTED] ? RT_DATA : 0, err) < 0 ||
        rt_outbox_tell_stops(&session->work, err) < 0)
        return -1;
    return report(session, counts);
}

static int bind_file(struct rt_session *session, const char *path, struct rt_err *err)
{
    struct rt_bind_counts counts;

    if (strcmp(path, "-") != 0 && access(path, F_OK) != 0)
        return rt_err_set(
            err, RT_USAGE,
            "%s: there is no such file; a pair is two words: roundtrip bind EXTERNAL NATIVE", path);
    if (rt_decide_bind_file(&session->work, path, &counts, err) < 0)
        return -1;
    return finish(session, &counts, err);
}

static int bind_pair(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_slice id[2];
    struct rt_bind_counts counts = {{0}};
    struct rt_buf why = {0};
    enum rt_bound outcome;
    int rc;

    if (rt_session_id(session, RT_EXTERNAL, args->words[0], &id[RT_EXTERNAL], err) < 0 ||
        rt_session_id(session, RT_NATIVE, args->words[1], &id[RT_NATIVE], err) < 0)
        return -1;
    rc = rt_decide_bind(&session->work, id, RT_TOLD_BY_PERSON, &outcome, &why, err);
    if (rc == 0 && why.len)
        rc = rt_err_set(err, RT_USAGE, "%s", rt_buf_str(&why));
    rt_buf_clear(&why);
    if (rc < 0)
        return -1;
    counts.of[outcome] = 1;
    return finish(session, &counts, err);
}

static int rekey(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    enum rt_side side;
    struct rt_slice from, to;

    if (rt_args_count(args, 3, 3, err) < 0 ||
        rt_session_side(session, args->words[0], &side, err) < 0 ||
        rt_session_id(session, side, args->words[1], &from, err) < 0 ||
        rt_session_id(session, side, args->words[2], &to, err) < 0 ||
        rt_decide_rekey(&session->work, side, from, to, err) < 0 ||
        rt_session_commit(session, 0, err) < 0)
        return -1;
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:s, s:s, s:s}", "command", "bind", "status", 0, "side",
                              rt_side_name(side), "from", from.ptr, "to", to.ptr));
    else
        rt_say("%s ID %s is %s now\n", rt_side_name(side), from.ptr, to.ptr);
    return 0;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    if (rt_args_count(args, 1, 3, err) < 0 || rt_session_begin(session, err) < 0)
        return -1;
    if (rt_args_has(args, "rekey"))
        return rekey(session, args, err);
    if (rt_args_count(args, 1, 2, err) < 0)
        return -1;
    return args->word_count == 1 ? bind_file(session, args->words[0], err)
                                 : bind_pair(session, args, err);
}

const struct rt_cmd rt_cmd_bind = {
    .name = "bind",
    .synopsis = "FILE | EXTERNAL NATIVE | --rekey SIDE OLD NEW",
    .summary = "learn pairs of IDs from a crosswalk CSV, one pair, or a changed ID",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT,
    .run = run,
};
