#include "lib/outbox_hand.h"

#include "lib/fault.h"
#include "lib/filename.h"
#include "lib/spool.h"
#include "lib/unreached.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* The part's file in the outbox; made again from the state if somebody removed it. */
static int local_file(struct rt_push *push, const struct rt_delta *delta,
                      const struct rt_delta_part *part, char **path, struct rt_err *err)
{
    struct rt_work *work = push->work;
    struct rt_file_facts facts;
    char *hidden, *from;
    int rc = 0;

    *path = rt_xasprintf("%s/outbox/%s/%s", work->profile, rt_side_name(delta->side), part->name);
    if (access(*path, F_OK) != 0) {
        hidden = rt_outbox_hidden(delta->number, part->part);
        from = rt_xasprintf("%s/outbox/%s/%s", work->profile, rt_side_name(delta->side), hidden);
        rc = rt_outbox_render(work, delta, part, err);
        if (rc == 0)
            rc = rt_spool_move(from, *path, err);
        free(hidden);
        free(from);
    }
    if (rc == 0)
        rc = rt_spool_facts(*path, &facts, err);
    if (rc == 0 && !rt_digest_is_equal(facts.digest, part->digest))
        rc = rt_err_set(err, RT_STOPPED,
                        "%s: it is not what emit wrote: remove it, and the next push makes it "
                        "again from the state",
                        *path);
    return rc;
}

/* When that was which its side shows already, only its beginning tells: a file may show it from
   then on (R3). */
static int note_hand_over(struct rt_push *push, struct rt_delta *delta,
                          const struct rt_delta_part *part, bool is_shown, struct rt_err *err)
{
    struct rt_work *work = push->work;
    int64_t at = is_shown ? delta->written_at : work->rules.now;

    if (rt_outbox_handed(work, delta, part, part->name, at, err) < 0)
        return -1;
    return is_shown ? rt_outbox_shown(work, delta, part, err) : rt_hand_bind(push, err);
}

static int record_hand_over(struct rt_push *push, struct rt_delta *delta,
                            const struct rt_delta_part *part, bool is_shown, struct rt_err *err)
{
    struct rt_store *store = push->work->store;

    if (rt_store_begin(store, err) < 0)
        return -1;
    if (note_hand_over(push, delta, part, is_shown, err) < 0 || rt_store_commit(store, err) < 0) {
        rt_store_abort(store);
        return -1;
    }
    if (rt_outbox_carry_out(push->work, err) < 0)
        return -1;
    if (push->options->tell)
        push->options->tell(push->options->context, delta->side, delta->number, part->name);
    return 0;
}

static int check_name(const struct rt_push *push, const struct rt_delta *delta,
                      const struct rt_delta_part *part, struct rt_err *err)
{
    if (rt_output_name_check(&push->work->rules.config->side[delta->side], part->name, err) == 0)
        return 0;
    return rt_err_set(err, RT_CONFIG,
                      "file name \"%s\" is not allowed by require_name and forbid_name any more: "
                      "roundtrip withdraw %06" PRId64 ", and the next emit names it anew",
                      part->name, delta->number);
}

static int push_part(struct rt_push *push, struct rt_delta *delta, const struct rt_delta_part *part,
                     struct rt_err *err)
{
    char *path = NULL;
    int rc = -1;

    if (check_name(push, delta, part, err) < 0 || local_file(push, delta, part, &path, err) < 0)
        goto out;
    rt_log_info(push->work->log, "handing over %s", part->name);
    if (rt_hand_over(push, delta->side, path, part->name, err) < 0)
        goto out;
    if (RT_STEP("push.delivered") < 0) {
        rt_err_errno(err, RT_IO, "%s: after handing it over", part->name);
        goto out;
    }
    rc = record_hand_over(push, delta, part, false, err);
out:
    free(path);
    return rc;
}

/* --accept-header: the other end is ready for the header that deltas have now. */
static int accept_header(struct rt_push *push, enum rt_side side, struct rt_err *err)
{
    struct rt_store *store = push->work->store;
    struct rt_delta as_if = {.side = side};
    struct rt_buf header = {0};
    int rc = rt_outbox_header(push->work, side, &header, err);

    if (rc == 0)
        rc = rt_outbox_check_header(push->work, side, rt_buf_slice(&header), err);
    if (rc < 0 && err->code == RT_STOPPED) {
        rc = rt_store_begin(store, err);
        if (rc == 0)
            rc = rt_outbox_lock_header(push->work, side, rt_buf_slice(&header), err);
        if (rc == 0)
            rc = rt_outbox_journal(push->work, "accept-header", &as_if, err);
        if (rc == 0)
            rc = rt_store_commit(store, err);
        if (rc < 0)
            rt_store_abort(store);
        else
            rc = rt_outbox_finish(push->work, err); /* what comes next may stop the push */
    }
    rt_buf_clear(&header);
    return rc;
}

/* Only a dry run still meets one that was taken. */
static void tell_waiting(const struct rt_push *push, const struct rt_delta *delta,
                         const struct rt_part_list *list)
{
    bool is_taken = true;

    for (size_t i = 0; i < list->count; i++)
        is_taken = is_taken && (list->parts[i].is_handed ||
                                rt_outbox_is_taken(push->work, delta, &list->parts[i]));
    if (is_taken)
        rt_log_info(push->work->log,
                    "delta %06" PRId64 " was taken from outbox/%s: the next push notes it",
                    delta->number, rt_side_name(delta->side));
    else
        rt_log_info(push->work->log,
                    "delta %06" PRId64 " waits in outbox/%s until it is taken from there",
                    delta->number, rt_side_name(delta->side));
}

/* --accept-header locks the header that deltas have now: it is of no help for a delta that was
   written with another one. */
static int check_header(const struct rt_push *push, const struct rt_delta *delta,
                        struct rt_err *err)
{
    bool is_old;
    struct rt_buf now = {0};
    int rc = rt_outbox_header(push->work, delta->side, &now, err);

    is_old = !rt_slice_is_equal(delta->header, rt_buf_slice(&now));
    rt_buf_clear(&now);
    if (rc < 0)
        return -1;
    if (!push->options->accept_header) {
        rc = rt_outbox_check_header(push->work, delta->side, delta->header, err);
        if (rc == 0 || err->code != RT_STOPPED)
            return rc;
    }
    if (!is_old)
        return rc;
    return rt_err_set(err, RT_STOPPED,
                      "delta %06" PRId64 " was written with another header than deltas for %s have "
                      "now: roundtrip withdraw %06" PRId64 ", and the next emit writes it anew",
                      delta->number, push->work->rules.config->side[delta->side].label,
                      delta->number);
}

/* ---- what a hand-over that seemed to fail has done ---- */

static int note_shown(struct rt_push *push, struct rt_delta *delta,
                      const struct rt_delta_part *part, struct rt_err *err)
{
    char *path = NULL;
    int rc = local_file(push, delta, part, &path, err);

    rt_log_info(push->work->log, "%s shows all of %s: it was handed over",
                push->work->rules.config->side[delta->side].label, part->name);
    if (rc == 0)
        rc = record_hand_over(push, delta, part, true, err);
    free(path);
    return rc;
}

static int is_there(struct rt_push *push, const struct rt_delta *delta,
                    const struct rt_delta_part *part, struct rt_err *err)
{
    char *path = NULL;
    int rc = local_file(push, delta, part, &path, err);

    if (rc == 0)
        rc = rt_hand_look(push, delta->side, path, part->name, err);
    free(path);
    return rc;
}

/* A part of it was handed over, so it cannot be taken back. */
static void tell_rest(const struct rt_push *push, const struct rt_delta *delta,
                      const struct rt_doubt *doubt)
{
    if (doubt->made > 0)
        rt_log_warn(push->work->log,
                    "delta %06" PRId64 " was handed over in part, and the rest inserts %" PRId64
                    " record%s that %s holds: look there for what is twice",
                    delta->number, doubt->made, doubt->made == 1 ? "" : "s",
                    push->work->rules.config->side[delta->side].label);
    if (doubt->deleted > 0)
        rt_log_warn(push->work->log,
                    "delta %06" PRId64 " was handed over in part, and the rest deletes %" PRId64
                    " record%s not to be deleted any more: look there for what is gone",
                    delta->number, doubt->deleted, doubt->deleted == 1 ? "" : "s");
}

/* What would do harm is not handed over, unless its file is there: then it was. */
static int judge_part(struct rt_push *push, const struct rt_delta *delta,
                      const struct rt_delta_part *part, enum rt_readiness *readiness,
                      struct rt_err *err)
{
    const char *label = push->work->rules.config->side[delta->side].label;
    struct rt_doubt doubt;
    int rc = rt_outbox_judge(push->work, delta, part, &doubt, readiness, err);

    if (rc < 0 || *readiness == RT_PART_READY || *readiness == RT_PART_SHOWN)
        return rc;
    rc = is_there(push, delta, part, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (*readiness == RT_PART_STOPS) {
        *err = doubt.why;
        return rt_err_context(err, "%s", label);
    }
    tell_rest(push, delta, &doubt);
    return 0;
}

/* Nothing is handed over before all parts were looked at. */
static int push_parts(struct rt_push *push, struct rt_delta *delta, const struct rt_part_list *list,
                      struct rt_arena *arena, struct rt_err *err)
{
    enum rt_readiness *readiness = rt_arena_alloc(arena, list->count * sizeof *readiness);

    for (size_t i = 0; i < list->count; i++)
        if (!list->parts[i].is_handed &&
            judge_part(push, delta, &list->parts[i], &readiness[i], err) < 0)
            return -1;
    for (size_t i = 0; i < list->count; i++) {
        const struct rt_delta_part *part = &list->parts[i];
        int rc;

        if (part->is_handed)
            continue;
        if (rt_stop_requested())
            return rt_err_set(err, RT_STOPPED,
                              "stopped by a signal: the rest stays in the outbox; run it again");
        rc = readiness[i] == RT_PART_SHOWN ? note_shown(push, delta, part, err)
                                           : push_part(push, delta, part, err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* ---- all that waits ---- */

static void tell_parts(const struct rt_push *push, const struct rt_delta *delta,
                       const struct rt_part_list *list)
{
    const struct rt_push_options *options = push->options;

    for (size_t i = 0; options->tell != NULL && i < list->count; i++)
        if (!list->parts[i].is_handed)
            options->tell(options->context, delta->side, delta->number, list->parts[i].name);
}

static int push_delta(struct rt_push *push, struct rt_delta *delta, struct rt_arena *arena,
                      struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[delta->side];
    struct rt_part_list list;

    if (rt_outbox_list_parts(push->work, delta->number, arena, &list, err) < 0 ||
        check_header(push, delta, err) < 0)
        return -1;
    if (!rt_outbox_is_taken_by_others(settings) && !push->options->dry_run)
        return push_parts(push, delta, &list, arena, err);
    if (rt_outbox_tell_stops_of(push->work, delta, err) < 0)
        return -1;
    if (rt_outbox_is_taken_by_others(settings))
        tell_waiting(push, delta, &list);
    else
        tell_parts(push, delta, &list);
    return 0;
}

/* What waits for one side comes in order, so its first failure ends that side's turn. */
static int push_all(struct rt_push *push, struct rt_delta_list *list, struct rt_arena *arena,
                    struct rt_err *err)
{
    bool is_turn[2] = {push->options->is_side[0], push->options->is_side[1]};
    struct rt_unreached unreached = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        struct rt_delta *delta = &list->deltas[i];

        if (!is_turn[delta->side] || push_delta(push, delta, arena, err) == 0)
            continue;
        is_turn[delta->side] = false;
        rc = rt_unreached_keep(&unreached, err);
    }
    return rt_unreached_end(&unreached, push->work->log, rc, err);
}

int rt_outbox_push(struct rt_work *work, const struct rt_push_options *options, struct rt_err *err)
{
    struct rt_push push = {.work = work, .options = options, .began_ms = rt_clock_monotonic_ms()};
    struct rt_arena arena = {0};
    struct rt_delta_list list;
    int rc = -1;

    if (!options->dry_run) {
        if (rt_store_begin(work->store, err) < 0)
            goto out;
        if (rt_outbox_notice_gone(work, err) < 0 || rt_store_commit(work->store, err) < 0) {
            rt_store_abort(work->store);
            goto out;
        }
        if (rt_outbox_finish(work, err) < 0)
            goto out;
    }
    rc = 0;
    for (int s = 0; rc == 0 && s < 2; s++)
        if (options->accept_header && options->is_side[s] && !options->dry_run)
            rc = accept_header(&push, (enum rt_side)s, err);
    if (rc == 0)
        rc = rt_outbox_list_deltas(work, RT_DELTA_OUTBOX, &arena, &list, err);
    if (rc == 0)
        rc = push_all(&push, &list, &arena, err);
out:
    rt_hand_close(&push);
    rt_arena_clear(&arena);
    return rc;
}
