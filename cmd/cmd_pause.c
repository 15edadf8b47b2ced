#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"

static const struct rt_option options[] = {
    {"reason", "TEXT", "why; status and every refused command tell it"},
    {NULL, NULL, NULL},
};

static int pause_now(struct rt_session *session, const char *reason, struct rt_arena *arena,
                     const char **paused, struct rt_err *err)
{
    if (rt_profile_pause(session->store, session->rules.now, reason, err) < 0 ||
        rt_store_get(session->store, "paused", arena, paused, err) < 0 ||
        rt_decide_note(&session->work, "pause", reason, err) < 0)
        return -1;
    return rt_session_commit(session, 0, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *paused;
    int was = -1, rc = -1;

    if (rt_args_count(args, 0, 0, err) < 0 || rt_session_begin(session, err) < 0)
        return -1;
    was = rt_store_get(session->store, "paused", &arena, &paused, err);
    if (was == 1)
        rc = 0;
    else if (was == 0)
        rc = pause_now(session, rt_session_reason(args, &arena), &arena, &paused, err);
    if (rc == 0 && session->json)
        rt_json_say(json_pack("{s:s, s:i, s:s, s:b}", "command", "pause", "status", 0, "paused",
                              paused, "changed", was == 0));
    else if (rc == 0)
        rt_tell(session, "%s %s\n", was == 1 ? "paused already," : "paused", paused);
    rt_arena_clear(&arena);
    return rc;
}

const struct rt_cmd rt_cmd_pause = {
    .name = "pause",
    .synopsis = "[--reason TEXT]",
    .summary = "fetch, emit and push nothing until resume",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE,
    .run = run,
};
