/*
 * A file that comes late may name a record by the ID that it had then (store_former.c): its row is
 * about that record.  But it is not if the ID means something else by the time of the file:
 *
 *     missing in a snapshot, inserted again   the snapshot is older: the row was brought back, or
 *                                             its ID was given to another one; before anything was
 *                                             sent, it is the row if it shows the same
 *     bind --rekey                            an older file shows the record under its ID of now
 */
#include "lib/book.h"
#include "lib/intake_internal.h"

#include <string.h>

struct past {
    enum rt_side side;
    int64_t missing; /* the last snapshot that told so; 0: none */
    int64_t gone;    /* the one before it was inserted again; 0: it was not */
    int64_t rekeyed; /* when; RT_NEVER */
};

static int see_event(void *context, const struct rt_event *event, struct rt_err *err)
{
    struct past *past = context;

    (void)err;
    if (event->side != (int)past->side)
        return 0;
    if (strcmp(event->what, "missing") == 0) {
        past->missing = event->file;
    } else if (strcmp(event->what, "insert-again") == 0) {
        past->gone = past->missing;
        past->rekeyed = RT_NEVER;
    } else if (strcmp(event->what, "rekey") == 0) {
        past->gone = 0;
        past->rekeyed = event->at;
    }
    return 0;
}

/* Is the file from when the record had that ID?  1, 0, -1. */
static int is_from_before(struct rt_intake *in, const struct rt_record *record, struct rt_err *err)
{
    const struct rt_end *end = &record->end[in->side];
    struct past past = {.side = in->side, .rekeyed = RT_NEVER};
    struct rt_file file;
    int64_t newest;

    if (rt_store_newest_stamp(in->work->store, in->side, &newest, err) < 0 ||
        rt_store_each_event(in->work->store, record->rid, see_event, &past, err) < 0)
        return -1;
    if (newest == RT_NEVER || in->file.stamp >= newest)
        return 0;
    if (past.gone == 0)
        return rt_end_is_ahead(end, in->file.stamp) || end->look.stamp <= past.rekeyed;
    if (rt_store_file_by_id(in->work->store, past.gone, &in->row_arena, &file, err) < 0)
        return -1;
    return in->file.stamp < file.stamp;
}

/* Does the row show what the record held there before it was missing?  Nothing is kept of that once
   a delta was withdrawn. */
static bool is_as_before(const struct rt_intake *in, const struct rt_content *held,
                         const struct rt_row *row)
{
    const struct rt_schema *schema = in->work->rules.schema;

    for (size_t i = 0; held != NULL && i < schema->content_count; i++)
        if (rt_value_is_known(held->value[i]) && rt_value_is_known(row->content->value[i]) &&
            !rt_value_is_same(schema->content[i], in->side, held->value[i], row->content->value[i]))
            return false;
    return true;
}

/* It was to be inserted again, and is not on its way yet. */
static bool awaits_insert(const struct rt_end *end)
{
    return end->id.len == 0 && end->seen == NULL && end->given_delta == 0 && end->sent_count == 0;
}

/* The row is there again: inserted, too, it would be there twice. */
static int take_back(struct rt_intake *in, struct rt_record *record, struct rt_slice id,
                     struct rt_err *err)
{
    record->end[in->side].id = id;
    if (rt_book_note(in->work, record, (int)in->side, "brought-back",
                     "before it was inserted again", err) < 0)
        return -1;
    return rt_book_save(in->work, record, err);
}

int rt_intake_name_as_now(struct rt_intake *in, struct rt_row *row, struct rt_err *err)
{
    struct rt_slice *id = &row->id[in->side];
    struct rt_record record;
    int64_t rid, user;
    int rc = id->len ? rt_store_find_former(in->work->store, in->side, *id, &rid, err) : 0;

    if (rc != 1)
        return rc;
    rc = rt_store_find(in->work->store, in->side, *id, &user, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (rt_store_load(in->work->store, rid, &in->row_arena, &record, err) < 0)
        return -1;
    rc = is_from_before(in, &record, err);
    if (rc == 0 && row->id[rt_side_other(in->side)].len == 0 &&
        awaits_insert(&record.end[in->side]) && is_as_before(in, record.end[in->side].given, row))
        return take_back(in, &record, *id, err);
    if (rc != 1)
        return rc;
    *id = record.end[in->side].id;
    if (id->len)
        return 0;
    rt_intake_count(in, RT_CHANGE_STALE);
    return rt_book_note(in->work, &record, (int)in->side, rt_change_name(RT_CHANGE_STALE),
                        "from before it is inserted again", err) < 0
               ? -1
               : 1;
}
