#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"
#include "lib/outbox.h"

#include <inttypes.h>

struct retried {
    int64_t rows;  /* that are due again */
    int64_t known; /* that the side was seen to hold, or that had nothing under way */
};

static int retry_delta(struct rt_session *session, const char *word, int64_t delta,
                       struct retried *retried, struct rt_err *err)
{
    struct rt_delivery done;

    if (rt_decide_retry(&session->work, delta, &done, err) < 0)
        return -1;
    retried->rows += done.changed;
    retried->known += done.known;
    if (done.known)
        rt_tell(session,
                "%s: %" PRId64 " of %" PRId64
                " row%s seen there already, or confirmed, or retried before\n",
                word, done.known, done.rows, done.rows == 1 ? " was" : "s were");
    return 0;
}

static int retry_record(struct rt_session *session, const char *word, int64_t rid,
                        struct retried *retried, struct rt_err *err)
{
    int64_t versions;

    if (rt_decide_retry_record(&session->work, rid, &versions, err) < 0)
        return -1;
    if (versions == 0)
        rt_tell(session, "%s: nothing that was handed over is under way for it\n", word);
    retried->rows += versions > 0;
    retried->known += versions == 0;
    return 0;
}

/* A delta, or an ID where there is no such delta. */
static int retry_word(struct rt_session *session, const char *word, struct retried *retried,
                      struct rt_err *err)
{
    struct rt_err no_delta, no_record;
    int64_t delta, rid;
    bool is_delta = rt_session_delta(session, word, &delta, &no_delta) == 0;
    bool is_record = rt_session_record(session, word, &rid, &no_record) == 0;

    if (is_delta && is_record)
        return rt_err_set(err, RT_USAGE,
                          "%s is both a delta and an ID: write external:%s or native:%s, or the "
                          "delta's file name",
                          word, word, word);
    if (is_delta)
        return retry_delta(session, word, delta, retried, err);
    if (is_record)
        return retry_record(session, word, rid, retried, err);
    if (no_delta.code != RT_USAGE)
        *err = no_delta;
    else if (no_record.code != RT_USAGE || strstr(no_record.msg, "both"))
        *err = no_record;
    else
        return rt_err_set(
            err, RT_USAGE,
            "%s: there is no such delta, and no record has this ID: see roundtrip status", word);
    return -1;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct retried retried = {0};

    if (rt_args_count(args, 1, args->word_count, err) < 0 || rt_session_begin(session, err) < 0 ||
        rt_outbox_notice_gone(&session->work, err) < 0)
        return -1;
    for (size_t i = 0; i < args->word_count; i++)
        if (retry_word(session, args->words[i], &retried, err) < 0)
            return -1;
    if (rt_session_commit(session, 0, err) < 0)
        return -1;
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:I, s:I}", "command", "retry", "status", 0, "rows",
                              (json_int_t)retried.rows, "known", (json_int_t)retried.known));
    else
        rt_say("%" PRId64 " row%s due again\n", retried.rows, retried.rows == 1 ? " is" : "s are");
    return 0;
}

const struct rt_cmd rt_cmd_retry = {
    .name = "retry",
    .synopsis = "DELTA|ID...",
    .summary = "say that a delta, or what was sent for a record, was not taken",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT,
    .run = run,
};
