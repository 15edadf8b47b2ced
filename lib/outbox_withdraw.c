#include "lib/outbox_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct withdraw {
    struct rt_work *work;
    const struct rt_delta *delta;
};

/* An insert cannot go from under an edit of the same record that waits behind it: that would be
   sent to a side that does not have the record.  It can once the record is there by other ways, as
   by a hand-over that seemed to fail. */
static int check_insert(const struct rt_delta_row *row, const struct rt_end *end,
                        struct rt_err *err)
{
    if (row->action != RT_ROW_INSERT || rt_end_is_there(end))
        return 0;
    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta > row->delta && end->sent[i].handed == RT_NEVER)
            return rt_err_set(err, RT_USAGE,
                              "delta %06" PRId64 " inserts a record that delta %06" PRId64
                              " in the outbox updates: withdraw that one first",
                              row->delta, end->sent[i].delta);
    return 0;
}

/* What was written for the side before, and handed over; where nothing was, what it was seen to
   hold stays. */
static int give_back(const struct withdraw *w, int64_t rid, struct rt_end *end,
                     struct rt_arena *arena, struct rt_err *err)
{
    struct rt_delta_row last;

    if (rt_store_last_row(w->work->store, rid, w->delta->side, RT_DELTA_HANDED, &last, err) < 0)
        return -1;
    end->given_delta = last.delta;
    return last.delta ? rt_store_content(w->work->store, last.cid, arena, &end->given, err) : 0;
}

/* The newest version that nobody said was not taken; NULL. */
static const struct rt_version *newest_left(const struct rt_end *end)
{
    for (size_t i = end->sent_count; i-- > 0;)
        if (!end->sent[i].is_given_up)
            return &end->sent[i];
    return NULL;
}

/* The record has no ID there any more, since the edit won over the delete: its old row must go
   before it is inserted again, or there would be two. */
static int check_delete(const struct rt_delta_row *row, const struct rt_end *end,
                        struct rt_err *err)
{
    if (row->action != RT_ROW_DELETE || end->id.len > 0)
        return 0;
    return rt_err_set(err, RT_USAGE,
                      "delta %06" PRId64 " deletes the old row of a record that is inserted again "
                      "(edit-vs-delete): hand it over with roundtrip push",
                      row->delta);
}

/* Takes a version back: it never left, so nothing ever held it. */
static int withdraw_row(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    struct withdraw *w = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    struct rt_end *end;
    const struct rt_version *left;
    size_t kept = 0;
    int rc = -1;

    if (rt_store_load(w->work->store, row->rid, &arena, &record, err) < 0)
        goto out;
    end = &record.end[w->delta->side];
    if (check_insert(row, end, err) < 0 || check_delete(row, end, err) < 0)
        goto out;
    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta != w->delta->number)
            end->sent[kept++] = end->sent[i];
    end->sent_count = kept;
    if (end->given_delta == w->delta->number) {
        left = newest_left(end);
        end->given = left ? left->content : end->seen;
        end->given_delta = left ? left->delta : 0;
        if (kept == 0 && give_back(w, row->rid, end, &arena, err) < 0)
            goto out;
    }
    if (row->action == RT_ROW_DELETE)
        rt_end_untell(end);
    rc = rt_store_save(w->work->store, &record, NULL, err);
    rt_work_touch(w->work, row->rid);
out:
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_withdraw(struct rt_work *work, int64_t number, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta delta;
    struct rt_part_list parts;
    struct withdraw w = {work, &delta};
    int rc = rt_store_delta(work->store, number, &arena, &delta, err);

    if (rc == 0)
        rc = rt_err_set(err, RT_USAGE,
                        "there is no delta %06" PRId64 ": see outbox/ and archive/out", number);
    else if (rc == 1 && delta.state != RT_DELTA_HANDED && delta.handed_parts > 0)
        rc = rt_err_set(err, RT_USAGE,
                        "delta %06" PRId64 " was handed over in part, and cannot be taken back: "
                        "hand over the rest with roundtrip push",
                        number);
    else if (rc == 1 && delta.state == RT_DELTA_HANDED)
        rc = rt_err_set(
            err, RT_USAGE,
            "delta %06" PRId64
            " was handed over, and cannot be taken back: if it was not imported, roundtrip retry",
            number);
    else if (rc == 1 && delta.state == RT_DELTA_WITHDRAWN)
        rc =
            rt_err_set(err, RT_USAGE,
                       "delta %06" PRId64 " was withdrawn already: its rows are due again", number);
    if (rc < 0 || rt_outbox_list_parts(work, number, &arena, &parts, err) < 0 ||
        rt_store_each_row(work->store, &(struct rt_row_range){number, 1, delta.rows}, withdraw_row,
                          &w, err) < 0)
        goto fail;
    delta.state = RT_DELTA_WITHDRAWN;
    if (rt_store_update_delta(work->store, &delta, err) < 0 ||
        rt_outbox_journal(work, "withdraw", &delta, err) < 0)
        goto fail;
    for (size_t i = 0; i < parts.count; i++) {
        char *from = rt_outbox_path(delta.side, parts.parts[i].name);
        char *to = rt_xasprintf("rejects/withdrawn-%s", parts.parts[i].name);

        rc = rt_store_add_move(work->store, from, to, err);
        free(from);
        free(to);
        if (rc < 0)
            goto fail;
    }
    rt_arena_clear(&arena);
    return 0;
fail:
    rt_arena_clear(&arena);
    return -1;
}
