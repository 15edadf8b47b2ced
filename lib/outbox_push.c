#include "lib/outbox_internal.h"

#include "lib/command.h"
#include "lib/decide.h"
#include "lib/fault.h"
#include "lib/filename.h"
#include "lib/source.h"
#include "lib/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- one hand-over after the other ---- */

struct push {
    struct rt_work *work;
    const struct rt_push_options *options;
    struct rt_remote *remote[2]; /* opened when first needed */
    struct rt_buf crosswalk;     /* what the last load printed */
    int64_t began_ms;            /* on rt_clock_monotonic_ms */
};

#define CROSSWALK_MAX ((size_t)256 << 20)

static int keep_output(void *context, const char *bytes, size_t len, struct rt_err *err)
{
    struct rt_buf *out = context;

    if (out->len + len > CROSSWALK_MAX)
        return rt_err_set(
            err, RT_DATA,
            "load printed more than a crosswalk of %zu bytes: let it print only pairs of IDs",
            CROSSWALK_MAX);
    rt_buf_add(out, bytes, len);
    return 0;
}

/* transport = command: load takes the file, and may print the IDs that it gave. */
static int load(struct push *push, const struct rt_side_config *settings, const char *path,
                struct rt_err *err)
{
    char *full = realpath(path, NULL);
    struct rt_command command = {.text = settings->load,
                                 .argument = full ? full : path,
                                 .folder = push->work->profile,
                                 .deadline_ms =
                                     rt_clock_monotonic_ms() + settings->deadline * 1000};
    int rc;

    rc = rt_command_run(&command, keep_output, &push->crosswalk, err);
    free(full);
    return rc;
}

static int open_remote(struct push *push, enum rt_side side, struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];
    int64_t deadline = push->began_ms + settings->deadline * 1000;

    if (push->remote[side] != NULL)
        return 0;
    return rt_remote_open_patient(settings, push->work->profile, deadline, push->work->log,
                                  &push->remote[side], err);
}

/* A connection that was lost on the way is made again: delivering looks first what is there. */
static int deliver(struct push *push, enum rt_side side, const char *path, const char *name,
                   struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];

    for (int left = settings->retries;; left--) {
        struct rt_remote *remote;

        if (open_remote(push, side, err) < 0)
            return -1;
        remote = push->remote[side];
        if (rt_remote_deliver(remote, path, settings->imports, name, err) == 0)
            return 0;
        if (err->code != RT_UNREACHABLE || left <= 0 ||
            rt_clock_monotonic_ms() >= remote->deadline_ms)
            return -1;
        rt_log_warn(push->work->log, "%s; connecting again", err->msg);
        rt_remote_close(remote);
        push->remote[side] = NULL;
    }
}

/* The part's file in the outbox; made again from the state if somebody removed it. */
static int local_file(struct push *push, const struct rt_delta *delta,
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

/* What a load printed: pairs of IDs to bind.  It has ended with 0, so the delta is handed over
 * whatever that is: to run it again could make every row twice. */
static int bind_crosswalk(struct push *push, struct rt_err *err)
{
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_bind_counts counts = {{0}};

    if (push->crosswalk.len == 0)
        return 0;
    rt_source_from_memory(&memory, rt_buf_slice(&push->crosswalk), &source);
    if (rt_decide_bind_csv(push->work, &source, "the output of load", RT_TOLD_BY_LOADER, &counts,
                           err) < 0) {
        if (err->code != RT_DATA)
            return -1;
        rt_log_warn(push->work->log,
                    "%s: from there on no pairs of IDs are learnt: give them to roundtrip bind",
                    err->msg);
    }
    rt_log_info(push->work->log, "%lld %s of IDs learnt from load", (long long)counts.of[RT_BOUND],
                counts.of[RT_BOUND] == 1 ? "pair" : "pairs");
    return 0;
}

static int record_hand_over(struct push *push, struct rt_delta *delta,
                            const struct rt_delta_part *part, int64_t at, struct rt_err *err)
{
    struct rt_store *store = push->work->store;

    if (rt_store_begin(store, err) < 0)
        return -1;
    if (rt_outbox_handed(push->work, delta, part, part->name, at, err) < 0 ||
        bind_crosswalk(push, err) < 0 || rt_store_commit(store, err) < 0) {
        rt_store_abort(store);
        return -1;
    }
    return rt_outbox_finish(push->work, err);
}

/* With -q nothing else tells which side and file an error is about. */
static int hand_over(struct push *push, enum rt_side side, const char *path, const char *name,
                     struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];

    rt_buf_reset(&push->crosswalk);
    if (settings->transport != RT_TRANSPORT_COMMAND)
        return deliver(push, side, path, name, err) == 0
                   ? 0
                   : rt_err_context(err, "%s", settings->label);
    return load(push, settings, path, err) == 0
               ? 0
               : rt_err_context(err, "%s: %s", settings->label, name);
}

static int push_part(struct push *push, struct rt_delta *delta, const struct rt_delta_part *part,
                     struct rt_err *err)
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
    if (hand_over(push, delta->side, path, part->name, err) < 0)
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
static int accept_header(struct push *push, enum rt_side side, struct rt_err *err)
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
static void tell_waiting(const struct push *push, const struct rt_delta *delta,
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
static int check_header(const struct push *push, const struct rt_delta *delta, struct rt_err *err)
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

static int push_delta(struct push *push, struct rt_delta *delta, struct rt_arena *arena,
                      struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[delta->side];
    struct rt_part_list list;

    if (rt_outbox_list_parts(push->work, delta->number, arena, &list, err) < 0)
        return -1;
    if (check_header(push, delta, err) < 0)
        return -1;
    if (rt_outbox_is_taken_by_others(settings)) {
        tell_waiting(push, delta, &list);
        return 0;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.parts[i].is_handed)
            continue;
        if (rt_stop_requested())
            return rt_err_set(err, RT_STOPPED,
                              "stopped by a signal: the rest stays in the outbox; run it again");
        if (push->options->dry_run && push->options->tell)
            push->options->tell(push->options->context, delta->side, delta->number,
                                list.parts[i].name);
        if (!push->options->dry_run && push_part(push, delta, &list.parts[i], err) < 0)
            return -1;
    }
    return 0;
}

int rt_outbox_push(struct rt_work *work, const struct rt_push_options *options, struct rt_err *err)
{
    struct push push = {.work = work, .options = options, .began_ms = rt_clock_monotonic_ms()};
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
    rt_remote_close(push.remote[0]);
    rt_remote_close(push.remote[1]);
    rt_buf_clear(&push.crosswalk);
    rt_arena_clear(&arena);
    return rc;
}

/* ---- again ---- */

/* A delta that is handed over once more.  What was done of it is noted part by part, so that one
   that broke off goes on under the names it began with: no part is given twice. */
struct again {
    struct push *push;
    struct rt_delta delta;
    struct rt_part_list parts;
    int64_t done; /* parts of it */
    int64_t at;   /* when it began; in the names */
};

/* The bytes that were handed over, or none. */
static int check_archived(const struct rt_delta *delta, const struct rt_delta_part *part,
                          const char *path, struct rt_err *err)
{
    struct rt_file_facts facts;

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return rt_err_set(err, RT_USAGE,
                          "delta %06" PRId64 " is not in archive/out any more (keep_archive): "
                          "roundtrip retry %" PRId64 " makes its rows due again",
                          delta->number, delta->number);
    if (rt_spool_facts(path, &facts, err) < 0)
        return -1;
    if (!rt_digest_is_equal(facts.digest, part->digest))
        return rt_err_set(err, RT_STOPPED,
                          "%s: it is not what was handed over: put it back from a backup; or "
                          "roundtrip retry %" PRId64 " makes its rows due again",
                          path, delta->number);
    return 0;
}

/* It was handed over before the other end was told of a new header. */
static int check_header_again(struct rt_work *work, const struct rt_delta *delta,
                              struct rt_err *err)
{
    if (rt_outbox_check_header(work, delta->side, delta->header, err) == 0)
        return 0;
    if (err->code != RT_STOPPED)
        return -1;
    return rt_err_set(err, RT_STOPPED,
                      "delta %06" PRId64 " has another header than the one that is locked for %s "
                      "now: roundtrip retry %" PRId64 " makes its rows due again",
                      delta->number, work->rules.config->side[delta->side].label, delta->number);
}

/* Where a part's bytes are, and the new name that they get; caller frees both. */
static char *archived_path(const struct again *again, const struct rt_delta_part *part)
{
    return rt_xasprintf("%s/archive/out/%s/%s", again->push->work->profile,
                        rt_side_name(again->delta.side), part->name);
}

static int check_part(const struct again *again, const struct rt_delta_part *part,
                      struct rt_err *err)
{
    const struct rt_config *config = again->push->work->rules.config;
    char *path = archived_path(again, part), *name = rt_name_again(part->name, again->at);
    int rc = check_archived(&again->delta, part, path, err);

    if (rc == 0)
        rc = rt_output_name_check(&config->side[again->delta.side], name, err);
    free(path);
    free(name);
    return rc;
}

/* Without anybody to hand it to, the copy in the outbox is all.  The loader gets a file of the new
   name, which one that goes by names takes for another. */
static int give_again(struct push *push, enum rt_side side, const char *from, const char *name,
                      struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];
    char *folder, *copy;
    int rc;

    rt_buf_reset(&push->crosswalk);
    if (settings->transport != RT_TRANSPORT_COMMAND && settings->imports != NULL)
        return deliver(push, side, from, name, err);
    folder = rt_outbox_folder(push->work, side);
    copy = rt_xasprintf("%s/%s", folder, name);
    rc = access(copy, F_OK) == 0 ? 0 : rt_spool_copy(from, folder, name, err);
    if (rc == 0 && !rt_outbox_is_taken_by_others(settings)) {
        struct rt_err late;

        rc = load(push, settings, copy, err);
        if (rt_spool_remove(copy, &late) < 0 && rc == 0) {
            *err = late;
            rc = -1;
        }
    }
    free(folder);
    free(copy);
    return rc;
}

/* `part` NULL: that it begins. */
static int record_again(struct again *again, const struct rt_delta_part *part, struct rt_err *err)
{
    struct rt_store *store = again->push->work->store;

    if (rt_store_begin(store, err) < 0)
        return -1;
    if (rt_outbox_handed_again(again->push->work, &again->delta, part, again->at, err) < 0 ||
        (part != NULL && bind_crosswalk(again->push, err) < 0) || rt_store_commit(store, err) < 0) {
        rt_store_abort(store);
        return -1;
    }
    return rt_outbox_finish(again->push->work, err);
}

static int put_again(struct again *again, const struct rt_delta_part *part, struct rt_err *err)
{
    const struct rt_push_options *options = again->push->options;
    char *from = archived_path(again, part), *name = rt_name_again(part->name, again->at);
    int rc = 0;

    if (!options->dry_run)
        rc = give_again(again->push, again->delta.side, from, name, err);
    if (rc == 0 && RT_STEP("push.delivered") < 0)
        rc = rt_err_errno(err, RT_IO, "%s: after handing it over", name);
    if (rc == 0 && !options->dry_run)
        rc = record_again(again, part, err);
    if (rc == 0 && options->tell != NULL)
        options->tell(options->context, again->delta.side, again->delta.number, name);
    free(from);
    free(name);
    return rc;
}

/* All that can stand against it, before anything is done. */
static int prepare_again(struct again *again, int64_t number, struct rt_arena *arena,
                         struct rt_err *err)
{
    struct rt_work *work = again->push->work;
    int rc = rt_outbox_find_handed(work, number, arena, &again->delta, err);

    if (rc == 0)
        rc = rt_outbox_check_later(work, &again->delta, err);
    if (rc == 0)
        rc = check_header_again(work, &again->delta, err);
    if (rc == 0)
        rc = rt_outbox_list_parts(work, number, arena, &again->parts, err);
    if (rc == 0)
        rc = rt_outbox_unfinished_again(work, number, &again->done, &again->at, err);
    if (rc == 0)
        rc = rt_outbox_check_new(work, &again->delta, &again->parts, again->done, err);
    for (size_t i = 0; rc == 0 && i < again->parts.count; i++)
        if (again->parts.parts[i].part > again->done)
            rc = check_part(again, &again->parts.parts[i], err);
    return rc;
}

int rt_outbox_again(struct rt_work *work, int64_t number, const struct rt_push_options *options,
                    struct rt_err *err)
{
    struct push push = {.work = work, .options = options, .began_ms = rt_clock_monotonic_ms()};
    struct again again = {.push = &push};
    struct rt_arena arena = {0};
    int rc = prepare_again(&again, number, &arena, err);

    if (rc == 0 && again.done > 0)
        rt_log_info(work->log,
                    "delta %06" PRId64 ": %" PRId64 " of %" PRId64
                    " parts were handed over again before: here is the rest",
                    number, again.done, again.delta.parts);
    if (rc == 0 && again.done == 0 && !options->dry_run)
        rc = record_again(&again, NULL, err);
    for (size_t i = 0; rc == 0 && i < again.parts.count; i++)
        if (again.parts.parts[i].part > again.done)
            rc = put_again(&again, &again.parts.parts[i], err);
    rt_remote_close(push.remote[0]);
    rt_remote_close(push.remote[1]);
    rt_buf_clear(&push.crosswalk);
    rt_arena_clear(&arena);
    return rc;
}
