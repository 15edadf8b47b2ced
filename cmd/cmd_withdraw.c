#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"
#include "lib/outbox.h"

#include <inttypes.h>

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    int64_t delta, rows;

    if (rt_args_count(args, 1, 1, err) < 0 || rt_session_begin(session, err) < 0 ||
        rt_outbox_notice_gone(&session->work, err) < 0 ||
        rt_session_delta(session, args->words[0], &delta, err) < 0 ||
        rt_decide_withdraw(&session->work, delta, &rows, err) < 0 ||
        rt_session_commit(session, 0, err) < 0)
        return -1;
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:I, s:I}", "command", "withdraw", "status", 0, "delta",
                              (json_int_t)delta, "rows", (json_int_t)rows));
    else
        rt_say("delta %06" PRId64 " is withdrawn: %" PRId64 " row%s due again\n", delta, rows,
               rows == 1 ? " is" : "s are");
    return 0;
}

const struct rt_cmd rt_cmd_withdraw = {
    .name = "withdraw",
    .synopsis = "DELTA",
    .summary = "take a delta that was not handed over back out of the outbox",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT,
    .run = run,
};
