#include "cmd/cmd.h"

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    (void)session;
    (void)args;
    return rt_err_set(err, RT_INTERNAL, "not written yet");
}

const struct rt_cmd rt_cmd_check = {
    .name = "check", .synopsis = "", .summary = "", .needs = 0, .run = run};
