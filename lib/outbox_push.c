#include "lib/outbox_hand.h"

#include "lib/fault.h"
#include "lib/filename.h"
#include "lib/spool.h"

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

static int record_hand_over(struct rt_push *push, struct rt_delta *delta,
                            const struct rt_delta_part *part, int64_t at, struct rt_err *err)
{
    struct rt_store *store = push->work->store;

    if (rt_store_begin(store, err) < 0)
        return -1;
    if (rt_outbox_handed(push->work, delta, part, part->name, at, err) < 0 ||
        rt_hand_bind(push, err) < 0 || rt_store_commit(store, err) < 0) {
        rt_store_abort(store);
        return -1;
    }
    return rt_outbox_finish(push->work, err);
}

/* A delta that its loader would make in part a second time is not handed over.  Of one that was
 * handed over in part, which cannot be taken back, the rest is. */
static int find_doubt(struct rt_push *push, const struct rt_delta *delta, struct rt_err *doubt,
                      struct rt_err *err)
{
    rt_err_clear(doubt);
    if (delta->handed_parts > 0)
        return rt_outbox_tell_known_of(push->work, delta, err);
    if (rt_outbox_check_new(push->work, delta, 1, delta->rows, doubt) == 0 ||
        doubt->code == RT_STOPPED)
        return 0;
    *err = *doubt;
    return -1;
}

/* `doubt`, if it is set, says why the part must not be handed over once more. */
static int push_part(struct rt_push *push, struct rt_delta *delta, const struct rt_delta_part *part,
                     const struct rt_err *doubt, struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[delta->side];
    int64_t at = push->work->rules.now;
    char *path = NULL;
    int rc = -1;

    if (rt_output_name_check(settings, part->name, err) < 0) {
        rt_err_set(err, RT_CONFIG,
                   "file name \"%s\" is not allowed by require_name and forbid_name any more: "
                   "roundtrip withdraw %06" PRId64 ", and the next emit names it anew",
                   part->name, delta->number);
        goto out;
    }
    if (local_file(push, delta, part, &path, err) < 0)
        goto out;
    rt_log_info(push->work->log, "handing over %s", part->name);
    if (rt_hand_over(push, delta->side, path, part->name, doubt, err) < 0)
        goto out;
    if (RT_STEP("push.delivered") < 0) {
        rt_err_errno(err, RT_IO, "%s: after handing it over", part->name);
        goto out;
    }
    rc = record_hand_over(push, delta, part, at, err);
    if (rc == 0 && push->options->tell)
        push->options->tell(push->options->context, delta->side, delta->number, part->name);
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

/* Done in the order of the parts.  The first part decides a doubt: where it is there, the delta was
 * handed over in part. */
static int push_parts(struct rt_push *push, struct rt_delta *delta, const struct rt_part_list *list,
                      struct rt_err *err)
{
    struct rt_err doubt;

    if (find_doubt(push, delta, &doubt, err) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        if (list->parts[i].is_handed)
            continue;
        if (rt_stop_requested())
            return rt_err_set(err, RT_STOPPED,
                              "stopped by a signal: the rest stays in the outbox; run it again");
        if (push_part(push, delta, &list->parts[i], doubt.code ? &doubt : NULL, err) < 0)
            return -1;
        rt_err_clear(&doubt);
    }
    return 0;
}

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
        return push_parts(push, delta, &list, err);
    if (rt_outbox_tell_known_of(push->work, delta, err) < 0)
        return -1;
    if (rt_outbox_is_taken_by_others(settings))
        tell_waiting(push, delta, &list);
    else
        tell_parts(push, delta, &list);
    return 0;
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
    for (size_t i = 0; rc == 0 && i < list.count; i++)
        if (options->is_side[list.deltas[i].side])
            rc = push_delta(&push, &list.deltas[i], &arena, err);
out:
    rt_hand_close(&push);
    rt_arena_clear(&arena);
    return rc;
}
