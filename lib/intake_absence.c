#include "lib/intake_internal.h"

#include "lib/plant.h"

#include <stdlib.h>

/*
 * R10: what a snapshot does not show.  A record is missing if its ID was read in no row (also not
 * in a rejected, excluded or clashing one), if no row had an unreadable ID, if the side was seen to
 * hold it, in no later file, and if it is not only in flight.
 */

struct absent {
    struct rt_intake *in;
    int64_t *rids;
    size_t count;
    int64_t held;
};

static int collect_unseen(void *context, int64_t rid, struct rt_err *err)
{
    struct absent *absent = context;

    (void)err;
    if (rt_rid_set_has(&absent->in->seen, rid))
        return 0;
    absent->rids = rt_xgrow(absent->rids, absent->count, sizeof *absent->rids);
    absent->rids[absent->count++] = rid;
    return 0;
}

static int collect(void *context, const struct rt_print_entry *entry, struct rt_err *err)
{
    struct absent *absent = context;

    /* Never shown and without an ID, it is there by what a person or a baseline says alone. */
    if (entry->stamp != RT_NEVER || entry->id[absent->in->side].len)
        absent->held++;
    return entry->stamp > absent->in->file.stamp ? 0 : collect_unseen(context, entry->rid, err);
}

/* Is what we know of it there only what a person confirmed, and that after the file was written?
   Then the file may be from before our delivery (R10: it is not only in flight).  1, 0, -1. */
static int is_confirmed_later(const struct rt_intake *in, const struct rt_record *record,
                              struct rt_err *err)
{
    int64_t at = RT_NEVER;

    if (record->end[in->side].look.stamp != RT_NEVER)
        return 0;
    if (rt_store_first_confirmed(in->work->store, record->rid, in->side, &at, err) < 0)
        return -1;
    return at != RT_NEVER && in->file.stamp < at;
}

/* A row that was marked as deleted, and is gone altogether now: an edit that wins is inserted. */
static int forget_mark(struct rt_intake *in, struct rt_record *record, struct rt_err *err)
{
    struct rt_end *end = &record->end[in->side];

    if (!end->is_marked || end->look.stamp > in->file.stamp)
        return 0;
    end->is_marked = false;
    if (end->absence == RT_DELETED)
        end->absence = RT_MISSING;
    return rt_book_save(in->work, record, err);
}

static int mark_missing(struct rt_intake *in, int64_t rid, struct rt_err *err)
{
    struct rt_event event = {.run = in->work->run,
                             .at = in->work->rules.now,
                             .side = (int)in->side,
                             .file = in->file.id};
    struct rt_record record;
    struct rt_end *end;
    int rc;

    rt_arena_reset(&in->row_arena);
    if (rt_store_load(in->work->store, rid, &in->row_arena, &record, err) < 0)
        return -1;
    end = &record.end[in->side];
    /* Without an ID it is in flight still, whatever `confirm` said: which row it is cannot be told.
     */
    if (end->absence != RT_PRESENT)
        return forget_mark(in, &record, err);
    if (end->seen == NULL || end->id.len == 0 || end->look.stamp > in->file.stamp)
        return 0;
    rc = is_confirmed_later(in, &record, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rt_merge_absent(&in->work->rules, &record, in->side, RT_MISSING);
    end->look.stamp = in->file.stamp; /* a row of an older file does not bring it back */
    in->counts.missing++;
    if (rt_book_save(in->work, &record, err) < 0)
        return -1;
    event.rid = rid;
    event.what = "missing";
    event.id_of[0] = record.end[0].id;
    event.id_of[1] = record.end[1].id;
    return rt_store_add_event(in->work->store, &event, err);
}

/* A row had an unreadable ID, and may have been the record's: whether the snapshot shows it cannot
   be told, so a row of an older file still counts (R2). */
static int pass_over(struct rt_intake *in, int64_t rid, struct rt_err *err)
{
    struct rt_record record;
    struct rt_end *end;

    rt_arena_reset(&in->row_arena);
    if (rt_store_load(in->work->store, rid, &in->row_arena, &record, err) < 0)
        return -1;
    end = &record.end[in->side];
    if (end->look.stamp == RT_NEVER || end->look.stamp > in->file.stamp || end->is_passed_over ||
        end->absence != RT_PRESENT)
        return 0;
    end->is_passed_over = true;
    return rt_store_save(in->work->store, &record, NULL, err);
}

static int compare_rids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void note_emptied(struct rt_intake *in, int64_t held)
{
    struct rt_emptied *emptied = &in->work->emptied[in->side];

    free(emptied->file);
    *emptied = (struct rt_emptied){.file = rt_xstrdup(in->file.name), .held = held};
}

int rt_intake_absent(struct rt_intake *in, struct rt_err *err)
{
    struct absent absent = {.in = in};
    int rc = -1;

    if (!in->file.is_snapshot && !RT_PLANTED("absence-deletes"))
        return 0;
    if ((int64_t)in->seen.count == rt_store_last_record(in->work->store) && in->counts.rows > 0)
        rc = 0; /* it shows all that there are */
    else if (in->known.file != NULL && in->counts.rows > 0)
        rc = rt_intake_each_unseen(in, collect_unseen, &absent, err);
    else
        rc = rt_store_each_print(in->work->store, in->side, collect, &absent, err);
    if (rc < 0)
        goto out;
    if (in->counts.rows == 0 && absent.held > 0)
        note_emptied(in, absent.held);
    if (absent.count > 0)
        qsort(absent.rids, absent.count, sizeof *absent.rids, compare_rids);
    for (size_t i = 0; rc == 0 && i < absent.count; i++)
        rc = in->has_unreadable_id ? pass_over(in, absent.rids[i], err)
                                   : mark_missing(in, absent.rids[i], err);
    if (rc == 0)
        rt_store_set_snapshot(in->work->store, in->side, in->file.stamp);
out:
    free(absent.rids);
    return rc;
}
