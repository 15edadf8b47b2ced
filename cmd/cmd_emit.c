#include "cmd/choice.h"
#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/emit.h"
#include "lib/intake.h"
#include "lib/outbox.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct rt_option options[] = {
    {"to", "SIDE", "write for this side only"},
    {"only", "ID", "write this record only; may be repeated"},
    {"limit", "N", "write at most N rows a side"},
    {"approve", "PLAN", "carry out the plan that the guard stopped"},
    {"historical", NULL,
     "first load: sets the guard aside for a side to which nothing was handed over"},
    {"once", NULL, "work although the profile is paused, and leave it paused"},
    {NULL, NULL, NULL},
};

struct printed {
    const struct rt_session *session;
    enum rt_side side;
};

static int print_part(void *context, const struct rt_delta_part *part, struct rt_err *err)
{
    struct printed *printed = context;
    char *path = rt_outbox_path(printed->side, part->name);

    (void)err;
    rt_say_path(printed->session, path);
    free(path);
    return 0;
}

static int collect_part(void *context, const struct rt_delta_part *part, struct rt_err *err)
{
    (void)err;
    json_array_append_new(context, json_string(part->name));
    return 0;
}

static json_t *side_json(struct rt_session *session, const struct rt_emit *emit, enum rt_side side,
                         struct rt_err *err)
{
    const struct rt_side_plan *plan = &emit->side[side];
    struct rt_arena arena = {0};
    json_t *files = json_array(), *json;

    if (emit->written[side].number && rt_store_each_part(session->store, emit->written[side].number,
                                                         collect_part, files, err) < 0) {
        json_decref(files);
        return NULL;
    }
    json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "delta",
                     (json_int_t)emit->written[side].number, "rows", (json_int_t)plan->count,
                     "waiting", (json_int_t)rt_emit_later(plan), "review", (json_int_t)plan->review,
                     "excluded", (json_int_t)plan->excluded, "files", files);
    json_object_set_new(json, "in",
                        json_loads(rt_counts_json(&session->work.counts[side], &arena), 0, NULL));
    rt_arena_clear(&arena);
    return json;
}

static int report_json(struct rt_session *session, const struct rt_emit *emit, int status,
                       struct rt_err *err)
{
    json_t *root = json_pack("{s:s, s:i}", "command", "emit", "status", status);
    struct rt_arena arena = {0};

    for (int s = 0; s < 2; s++) {
        json_t *side = side_json(session, emit, (enum rt_side)s, err);

        if (side == NULL) {
            json_decref(root);
            return -1;
        }
        json_object_set_new(root, rt_side_name((enum rt_side)s), side);
    }
    json_object_set_new(root, "seconds",
                        json_loads(rt_seconds_json(&session->work, &arena), 0, NULL));
    rt_arena_clear(&arena);
    rt_json_say(root);
    return status;
}

static int report(struct rt_session *session, const struct rt_emit *emit, int status,
                  struct rt_err *err)
{
    rt_report_counts(session);
    if (session->json)
        return report_json(session, emit, status, err);
    for (int s = 0; s < 2; s++) {
        const struct rt_side_plan *plan = &emit->side[s];
        const char *label = session->config->side[s].label;
        int64_t later = rt_emit_later(plan);
        struct printed printed = {session, (enum rt_side)s};

        if (emit->written[s].number) {
            rt_tell(session, "to %s: %zu row%s in delta %06" PRId64 "\n", label, plan->count,
                    plan->count == 1 ? "" : "s", emit->written[s].number);
            if (rt_store_each_part(session->store, emit->written[s].number, print_part, &printed,
                                   err) < 0)
                return -1;
        }
        if (later || plan->review || plan->excluded)
            rt_tell(session,
                    "to %s: %" PRId64 " wait, %" PRId64 " in review, %" PRId64 " not to be sent\n",
                    label, later, plan->review, plan->excluded);
    }
    return status;
}

/* --only: says why a record is not due.  1 if nothing is to be written for any of them. */
static int explain_only(struct rt_session *session, struct rt_emit *emit,
                        const struct rt_args *args, struct rt_err *err)
{
    bool is_none = emit->side[0].count + emit->side[1].count == 0;

    for (size_t i = 0; i < emit->options->only_count; i++) {
        struct rt_arena arena = {0};
        struct rt_record record;
        int rc = rt_store_load(session->store, emit->options->only[i], &arena, &record, err);

        for (int s = 0; s < 2 && rc == 0; s++) {
            struct rt_decision decision;

            rc = rt_emit_decide(emit, &record, (enum rt_side)s, &decision, err);
            if (rc == 0 && !rt_action_is_sent(decision.action) && emit->options->is_to[s])
                rt_tell(session, "%s: not due for %s%s%s\n", rt_args_each(args, "only", i),
                        session->config->side[s].label, *decision.reason ? ": " : "",
                        decision.reason);
        }
        rt_arena_clear(&arena);
        if (rc < 0)
            return -1;
    }
    return is_none && session->json ? report_json(session, emit, RT_DIFFERS, err) : is_none;
}

static int emit_all(struct rt_session *session, const struct rt_args *args, struct rt_emit *emit,
                    struct rt_err *err)
{
    int status, rc;

    if (rt_emit_plan(emit, err) < 0 || rt_emit_guard(emit, err) < 0)
        return -1;
    if (emit->options->only_count) {
        rc = explain_only(session, emit, args, err);
        if (rc != 0)
            return rc; /* nothing is committed */
    }
    if (rt_outbox_tell_stops(&session->work, err) < 0 || rt_emit_write(emit, err) < 0)
        return -1;
    status = rt_choice_status(session, emit);
    if (rt_session_commit(session, status, err) < 0)
        return -1;
    return report(session, emit, status, err);
}

static int check(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    return rt_args_count(args, 0, 0, err) < 0 ? -1 : rt_choice_check(session, args, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_choice choice = {0};
    struct rt_emit emit = {0};
    int rc = -1;

    if (rt_work_prepare(&session->work, err) < 0 || rt_session_begin(session, err) < 0 ||
        rt_outbox_notice_gone(&session->work, err) < 0 ||
        rt_intake_inbox(&session->work, err) < 0 || rt_choice_read(session, args, &choice, err) < 0)
        goto out;
    rt_emit_init(&emit, &session->work, &choice.options);
    rc = emit_all(session, args, &emit, err);
out:
    rt_emit_clear(&emit);
    rt_choice_clear(&choice);
    return rc;
}

const struct rt_cmd rt_cmd_emit = {
    .name = "emit",
    .synopsis = "[--to SIDE] [--only ID]... [--limit N] [--approve PLAN] [--historical] [--once]",
    .summary = "write delta import files, one per side, that carry both IDs",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT |
             RT_NEEDS_ACTIVE | RT_NEEDS_FRESH,
    .check = check,
    .run = run,
};
