#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/outbox.h"

static const struct rt_option options[] = {
    {"to", "SIDE", "the side, instead of the word"},
    {"dry-run", NULL, "only say what would be handed over"},
    {"once", NULL, "work although the profile is paused, and leave it paused"},
    {"accept-header", NULL, "the other end is ready for the new header: lock this one"},
    {"again", "DELTA", "hand a delta over once more, the same bytes under a new name"},
    {NULL, NULL, NULL},
};

struct told {
    struct rt_session *session;
    bool is_dry;
    json_t *list;
};

static void tell(void *context, enum rt_side side, int64_t delta, const char *name)
{
    struct told *told = context;

    told->session->has_done = !told->is_dry;
    if (told->session->json)
        json_array_append_new(told->list, json_pack("{s:s, s:I, s:s}", "side", rt_side_name(side),
                                                    "delta", (json_int_t)delta, "name", name));
    else
        rt_say("%s\n", name);
}

static int push_again(struct rt_session *session, const char *word,
                      const struct rt_push_options *push, struct rt_err *err)
{
    int64_t delta;

    if (rt_session_delta(session, word, &delta, err) < 0 ||
        rt_outbox_again(&session->work, delta, push, err) < 0)
        return -1;
    if (push->dry_run)
        rt_tell(session, "delta %06lld would be handed over again under a new name\n",
                (long long)delta);
    else
        rt_tell(session,
                "delta %06lld was handed over again under a new name: it is awaited as on the "
                "first day\n",
                (long long)delta);
    return 0;
}

static int note_run(struct rt_session *session, struct rt_err *err)
{
    if (rt_session_begin(session, err) < 0)
        return -1;
    return rt_session_commit(session, 0, err);
}

static int check(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    enum rt_side side;
    int chosen;

    if (rt_args_count(args, 0, 1, err) < 0)
        return -1;
    chosen = rt_session_chosen_side(session, args, &side, err);
    if (chosen < 0)
        return -1;
    if (rt_args_has(args, "again") && (chosen == 1 || rt_args_has(args, "accept-header")))
        return rt_err_set(
            err, RT_USAGE,
            "--again names a delta, and goes with neither a side nor --accept-header");
    return 0;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct told told = {session, rt_args_has(args, "dry-run"), json_array()};
    struct rt_push_options push = {.is_side = {true, true},
                                   .dry_run = told.is_dry,
                                   .accept_header = rt_args_has(args, "accept-header"),
                                   .tell = tell,
                                   .context = &told};
    enum rt_side side;
    int chosen, rc = -1;

    chosen = rt_session_chosen_side(session, args, &side, err);
    if (chosen < 0)
        goto out;
    if (chosen == 1)
        push.is_side[rt_side_other(side)] = false;
    if (rt_args_get(args, "again") != NULL)
        rc = push_again(session, rt_args_get(args, "again"), &push, err);
    else
        rc = rt_outbox_push(&session->work, &push, err);
    if (rc == 0 && !push.dry_run)
        rc = note_run(session, err);
    if (rc == 0 && session->json)
        rt_json_say(json_pack("{s:s, s:i, s:b, s:O}", "command", "push", "status", 0, "dry_run",
                              push.dry_run, "handed_over", told.list));
out:
    json_decref(told.list);
    return rc;
}

const struct rt_cmd rt_cmd_push = {
    .name = "push",
    .synopsis = "[SIDE] [--to SIDE] [--dry-run] [--once] [--accept-header] | push --again DELTA",
    .summary = "hand over what is in the outbox, in order",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT |
             RT_NEEDS_ACTIVE | RT_NEEDS_FRESH,
    .check = check,
    .run = run,
};
