#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"

#include <inttypes.h>

static const struct rt_option options[] = {
    {"reason", "TEXT", "why; show tells it"},
    {NULL, NULL, NULL},
};

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    int64_t held = 0, rid;
    bool changed;

    if (rt_args_count(args, 1, args->word_count, err) < 0 || rt_session_begin(session, err) < 0)
        return -1;
    for (size_t i = 0; i < args->word_count; i++) {
        if (rt_session_record(session, args->words[i], &rid, err) < 0 ||
            rt_decide_hold(&session->work, rid, rt_args_get(args, "reason"), &changed, err) < 0)
            return -1;
        held += changed;
        if (!changed)
            rt_tell(session, "%s: is held already\n", args->words[i]);
    }
    if (rt_session_commit(session, 0, err) < 0)
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
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE,
    .run = run,
};
