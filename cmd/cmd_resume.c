#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"
#include "lib/profile.h"

#include <inttypes.h>

/* Written before the pause, and perhaps long ago: it goes out as it is. */
static int tell_waiting(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    const struct rt_session *session = context;
    char when[RT_TIME_SIZE];

    (void)err;
    if (delta->state == RT_DELTA_HANDED || delta->state == RT_DELTA_WITHDRAWN)
        return 0;
    rt_tell(session, "delta %06" PRId64 " to %s, written %s, is %s\n", delta->number,
            session->config->side[delta->side].label, rt_time_format(delta->written_at, when),
            delta->handed_parts
                ? "handed over in part: the next push\ndoes the rest first"
                : "not handed over yet: the next push\ndoes that first; roundtrip withdraw takes "
                  "it back");
    return 0;
}

static int resume_now(struct rt_session *session, struct rt_err *err)
{
    if (rt_profile_resume(session->store, session->config, err) < 0 ||
        rt_decide_note(&session->work, "resume", NULL, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if (rt_profile_has_source(&session->config->side[s]))
            rt_tell(session, "%s must be fetched before anything is sent\n",
                    session->config->side[s].label);
    if (rt_store_each_delta(session->store, tell_waiting, session, err) < 0)
        return -1;
    return rt_session_commit(session, 0, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *paused = "";
    int was, rc = -1;

    if (rt_args_count(args, 0, 0, err) < 0 || rt_session_begin(session, err) < 0)
        return -1;
    was = rt_store_get(session->store, "paused", &arena, &paused, err);
    if (was >= 0)
        rc = resume_now(session, err);
    if (rc == 0 && session->json)
        rt_json_say(
            json_pack("{s:s, s:i, s:b}", "command", "resume", "status", 0, "changed", was == 1));
    else if (rc == 0 && was == 1)
        rt_tell(session, "resumed; it was paused %s\n", paused);
    else if (rc == 0)
        rt_tell(session, "it was not paused\n");
    rt_arena_clear(&arena);
    return rc;
}

const struct rt_cmd rt_cmd_resume = {
    .name = "resume",
    .synopsis = "",
    .summary = "end a pause, or turn a new profile on",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE,
    .run = run,
};
