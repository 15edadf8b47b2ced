#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"

#include <inttypes.h>

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    int64_t released = 0, rid;
    bool changed;

    if (rt_args_count(args, 1, args->word_count, err) < 0 || rt_session_begin(session, err) < 0)
        return -1;
    for (size_t i = 0; i < args->word_count; i++) {
        if (rt_session_record(session, args->words[i], &rid, err) < 0 ||
            rt_decide_release(&session->work, rid, &changed, err) < 0)
            return -1;
        released += changed;
        if (!changed)
            rt_tell(session, "%s: is not held\n", args->words[i]);
    }
    if (rt_session_commit(session, 0, err) < 0)
        return -1;
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:I}", "command", "release", "status", 0, "released",
                              (json_int_t)released));
    else
        rt_say("%" PRId64 " record%s released\n", released, released == 1 ? "" : "s");
    return 0;
}

const struct rt_cmd rt_cmd_release = {
    .name = "release",
    .synopsis = "ID...",
    .summary = "send for held records again: their newest values go out, once",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT,
    .run = run,
};
