#include "lib/fault.h"
#include "lib/filename.h"
#include "lib/outbox_hand.h"
#include "lib/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* A delta that is handed over once more.  What was done of it is noted part by part, so that one
   that broke off goes on under the names it began with: no part is given twice. */
struct again {
    struct rt_push *push;
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
static int give_again(struct rt_push *push, enum rt_side side, const char *from, const char *name,
                      struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];
    char *folder, *copy;
    int rc;

    if (settings->transport != RT_TRANSPORT_COMMAND && settings->imports != NULL)
        return rt_hand_over(push, side, from, name, err);
    folder = rt_outbox_folder(push->work, side);
    copy = rt_xasprintf("%s/%s", folder, name);
    rc = access(copy, F_OK) == 0 ? 0 : rt_spool_copy(from, folder, name, err);
    if (rc == 0 && !rt_outbox_is_taken_by_others(settings)) {
        struct rt_err late;

        rc = rt_hand_over(push, side, copy, name, err);
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
        (part != NULL && rt_hand_bind(again->push, err) < 0) || rt_store_commit(store, err) < 0) {
        rt_store_abort(store);
        return -1;
    }
    return rt_outbox_carry_out(again->push->work, err);
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

/* Only the parts behind those that were done are to go. */
static int check_rows_again(const struct again *again, struct rt_err *err)
{
    struct rt_row_range range = {again->delta.number, 1, again->delta.rows};
    struct rt_doubt doubt;

    for (size_t i = 0; i < again->parts.count; i++)
        if (again->parts.parts[i].part <= again->done)
            range.first += again->parts.parts[i].rows;
    range.count -= range.first - 1;
    if (rt_outbox_find_doubt(again->push->work, &range, &again->delta, &doubt, err) < 0)
        return -1;
    if (doubt.why.code == RT_OK)
        return 0;
    *err = doubt.why;
    return -1;
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
        rc = check_rows_again(again, err);
    for (size_t i = 0; rc == 0 && i < again->parts.count; i++)
        if (again->parts.parts[i].part > again->done)
            rc = check_part(again, &again->parts.parts[i], err);
    return rc;
}

int rt_outbox_again(struct rt_work *work, int64_t number, const struct rt_push_options *options,
                    struct rt_err *err)
{
    struct rt_push push = {.work = work, .options = options, .began_ms = rt_clock_monotonic_ms()};
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
    rt_hand_close(&push);
    rt_arena_clear(&arena);
    return rc;
}
