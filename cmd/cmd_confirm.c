#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"
#include "lib/outbox.h"

#include <inttypes.h>

static void report(const struct rt_session *session, int64_t delta, const struct rt_delivery *done)
{
    if (session->json) {
        rt_json_say(json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:b}", "command", "confirm",
                              "status", 0, "delta", (json_int_t)delta, "rows",
                              (json_int_t)done->rows, "confirmed", (json_int_t)done->changed,
                              "known", (json_int_t)done->known, "newer", (json_int_t)done->newer,
                              "repeated", done->is_repeated));
        return;
    }
    if (done->is_repeated) {
        rt_say("delta %06" PRId64 " was confirmed before: nothing to do\n", delta);
        return;
    }
    rt_say("delta %06" PRId64 ": %" PRId64 " of %" PRId64 " row%s confirmed", delta, done->changed,
           done->rows, done->rows == 1 ? "" : "s");
    if (done->known)
        rt_say(", %" PRId64 " known before", done->known);
    if (done->newer)
        rt_say(", %" PRId64 " observed since: what was seen counts", done->newer);
    rt_say("\n");
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_delivery done;
    int64_t delta;

    if (rt_args_count(args, 1, 1, err) < 0 || rt_session_begin(session, err) < 0 ||
        rt_outbox_notice_gone(&session->work, err) < 0 ||
        rt_session_delta(session, args->words[0], &delta, err) < 0 ||
        rt_decide_confirm(&session->work, delta, &done, err) < 0 ||
        rt_session_commit(session, 0, err) < 0)
        return -1;
    report(session, delta, &done);
    return 0;
}

const struct rt_cmd rt_cmd_confirm = {
    .name = "confirm",
    .synopsis = "DELTA",
    .summary = "say that a delta was imported",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT,
    .run = run,
};
