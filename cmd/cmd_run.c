#include "cmd/choice.h"
#include "cmd/cmd.h"
#include "cmd/json.h"

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

struct told {
    const struct rt_session *session;
    json_t *fetched, *handed_over; /* for --json */
};

static void tell_fetched(void *context, const char *path)
{
    struct told *told = context;

    json_array_append_new(told->fetched, json_string(path));
    rt_tell(told->session, "fetched %s\n", path);
}

static void tell_pushed(void *context, enum rt_side side, int64_t delta, const char *name)
{
    struct told *told = context;
    const struct rt_session *session = told->session;

    json_array_append_new(told->handed_over,
                          json_pack("{s:s, s:I, s:s}", "side", rt_side_name(side), "delta",
                                    (json_int_t)delta, "name", name));
    if (!session->json)
        rt_say("%s\n", name);
    rt_tell(session, "handed over to %s: %s\n", session->config->side[side].label, name);
}

/* If one side's fetch fails, nothing is emitted or pushed: its edits are unknown. */
static int fetch_both(struct rt_session *session, const struct rt_args *args, struct told *told,
                      struct rt_err *err)
{
    struct rt_fetch_options fetch = {.full = rt_args_has(args, "full"),
                                     .stamp = RT_NEVER,
                                     .tell = tell_fetched,
                                     .context = told};

    return rt_fetch_both(&session->work, &fetch, err) == 0
               ? 0
               : rt_err_context(err, "nothing was emitted or pushed");
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

static void say_json(const struct rt_session *session, const struct told *told, int status)
{
    struct rt_arena arena = {0};
    json_t *root = json_pack("{s:s, s:i}", "command", "run", "status", status);

    for (int i = 0; i < 2; i++)
        json_object_set_new(root, rt_side_name((enum rt_side)i),
                            json_loads(rt_counts_json(&session->work.counts[i], &arena), 0, NULL));
    json_object_set_new(root, "seconds",
                        json_loads(rt_seconds_json(&session->work, &arena), 0, NULL));
    json_object_set(root, "fetched", told->fetched);
    json_object_set(root, "handed_over", told->handed_over);
    rt_json_say(root);
    rt_arena_clear(&arena);
}

static int check(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    (void)session;
    return rt_args_count(args, 0, 0, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct told told = {session, json_array(), json_array()};
    struct rt_push_options push = {.is_side = {true, true}, .tell = tell_pushed, .context = &told};
    int status = 0;

    if (rt_work_prepare(&session->work, err) < 0 || fetch_both(session, args, &told, err) < 0 ||
        rt_profile_check_fresh(session->store, session->config, err) < 0 ||
        emit_both(session, args, &status, err) < 0 ||
        rt_outbox_push(&session->work, &push, err) < 0)
        status = -1;
    if (status >= 0 && session->json)
        say_json(session, &told, status);
    json_decref(told.fetched);
    json_decref(told.handed_over);
    return status;
}

const struct rt_cmd rt_cmd_run = {
    .name = "run",
    .synopsis = "[--full] [--once]",
    .summary = "fetch, emit and push under one lock: for cron",
    .options = options,
    .needs =
        RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT | RT_NEEDS_ACTIVE,
    .check = check,
    .run = run,
};
