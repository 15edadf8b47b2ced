#include "cmd/choice.h"
#include "cmd/cmd.h"

#include "lib/emit.h"
#include "lib/fetch.h"
#include "lib/intake.h"
#include "lib/outbox.h"
#include "lib/profile.h"

#include <inttypes.h>

static const struct rt_option options[] = {
    {"full", NULL, "ask for snapshots: the weekly re-processing"},
    {"once", NULL, "work although the profile is paused, and leave it paused"},
    {NULL, NULL, NULL},
};

static void tell_fetched(void *context, const char *path)
{
    rt_tell(context, "fetched %s\n", path);
}

static void tell_pushed(void *context, enum rt_side side, int64_t delta, const char *name)
{
    const struct rt_session *session = context;

    (void)delta;
    if (!session->json)
        rt_say("%s\n", name);
    rt_tell(session, "handed over to %s: %s\n", session->config->side[side].label, name);
}

/* If one side's fetch fails, nothing is emitted or pushed: its edits are unknown. */
static int fetch_both(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_fetch_options fetch = {.full = rt_args_has(args, "full"),
                                     .stamp = RT_NEVER,
                                     .tell = tell_fetched,
                                     .context = session};

    for (int s = 0; s < 2; s++)
        if (rt_fetch_side(&session->work, (enum rt_side)s, &fetch, err) < 0)
            return rt_err_context(err, "fetch from %s, so nothing was emitted or pushed",
                                  session->config->side[s].label);
    return 0;
}

static int emit_both(struct rt_session *session, const struct rt_args *args, int *status,
                     struct rt_err *err)
{
    struct rt_choice choice = {0};
    struct rt_emit emit = {0};
    int rc = -1;

    if (rt_session_begin(session, err) < 0 || rt_outbox_notice_gone(&session->work, err) < 0 ||
        rt_intake_inbox(&session->work, err) < 0 || rt_choice_read(session, args, &choice, err) < 0)
        goto out;
    rt_emit_init(&emit, &session->work, &choice.options);
    if (rt_emit_plan(&emit, err) < 0 || rt_emit_guard(&emit, err) < 0 ||
        rt_emit_write(&emit, err) < 0)
        goto out;
    *status = rt_choice_status(session, &emit);
    rc = rt_session_commit(session, *status, err);
    rt_report_counts(session);
    for (int s = 0; rc == 0 && s < 2; s++)
        if (emit.written[s].number)
            rt_tell(session, "to %s: %zu row%s in delta %06" PRId64 "\n",
                    session->config->side[s].label, emit.side[s].count,
                    emit.side[s].count == 1 ? "" : "s", emit.written[s].number);
out:
    rt_emit_clear(&emit);
    rt_choice_clear(&choice);
    return rc;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_push_options push = {
        .is_side = {true, true}, .tell = tell_pushed, .context = session};
    struct rt_arena arena = {0};
    int status = 0;

    if (rt_args_count(args, 0, 0, err) < 0 || rt_work_prepare(&session->work, err) < 0 ||
        fetch_both(session, args, err) < 0 ||
        rt_profile_check_fresh(session->store, session->config, err) < 0 ||
        emit_both(session, args, &status, err) < 0 ||
        rt_outbox_push(&session->work, &push, err) < 0)
        return -1;
    if (session->json)
        rt_say("{\"command\":\"run\",\"status\":%d,\"external\":%s,\"native\":%s}\n", status,
               rt_counts_json(&session->work.counts[0], &arena),
               rt_counts_json(&session->work.counts[1], &arena));
    rt_arena_clear(&arena);
    return status;
}

const struct rt_cmd rt_cmd_run = {
    .name = "run",
    .synopsis = "[--full] [--once]",
    .summary = "fetch, emit and push under one lock: for cron",
    .options = options,
    .needs =
        RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT | RT_NEEDS_ACTIVE,
    .run = run,
};
