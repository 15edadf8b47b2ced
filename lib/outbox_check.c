#include "lib/outbox_internal.h"

#include <inttypes.h>

/* What stands against handing a delta over, row by row. */

struct check {
    struct rt_work *work;
    const struct rt_delta *delta;
    struct rt_doubt *doubt;
    bool is_shown; /* so far */
};

static int visit_later(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    const struct check *check = context;
    struct rt_delta_row last;

    if (rt_store_last_row(check->work->store, row->rid, check->delta->side, RT_DELTA_COMMITTED,
                          &last, err) < 0)
        return -1;
    if (last.delta <= check->delta->number)
        return 0;
    return rt_err_set(err, RT_STOPPED,
                      "delta %06" PRId64 " is out of date: a later version of row %" PRId64
                      " went out with delta %06" PRId64 "; use roundtrip retry",
                      check->delta->number, row->position, last.delta);
}

/* Does the side's loader find the row by the other ID, which was written with it?  Of a pair of IDs
 * that no file showed, only what was handed over tells that it is there. */
static bool is_found_by_other_id(const struct check *check, const struct rt_end *end)
{
    const struct rt_rules *rules = &check->work->rules;
    enum rt_side side = check->delta->side;

    if (rules->config->side[side].own_id_only ||
        rules->schema->id[rt_side_other(side)][0]->column[side].out == NULL)
        return false;
    return end->seen == NULL ? check->delta->state == RT_DELTA_HANDED : end->shows_other_id;
}

/* What becomes of a row that was written as new, or as a delete, if its loader gets it. */
enum fate { WANTED, MADE_AGAIN, MAYBE_AGAIN, DELETED_IN_VAIN, MAYBE_IN_VAIN };

/* A person let the record stay, or it came back to the side that had lacked it, and the delete was
   taken back with that.  One that is inserted again has no ID there: its old row is to go. */
static enum fate foresee_delete(const struct check *check, const struct rt_record *record)
{
    enum rt_side side = check->delta->side;
    const struct rt_end *end = &record->end[side], *other = &record->end[rt_side_other(side)];

    if (end->edit_vs_delete || other->edit_vs_delete)
        return MAYBE_IN_VAIN;
    return end->id.len > 0 && end->absence == RT_PRESENT && other->absence != RT_ABSENCE_DELETE
               ? DELETED_IN_VAIN
               : WANTED;
}

static int foresee_insert(const struct check *check, const struct rt_record *record,
                          struct rt_arena *arena, enum fate *fate, struct rt_err *err)
{
    const struct rt_end *end = &record->end[check->delta->side];
    struct rt_rid_list suspects = {0};

    *fate = WANTED;
    if (end->id.len == 0 &&
        rt_store_suspects_of(check->work->store, record->rid, arena, &suspects, err) < 0)
        return -1;
    if (suspects.count > 0)
        *fate = MAYBE_AGAIN;
    else if (rt_end_is_there(end) && !is_found_by_other_id(check, end))
        *fate = MADE_AGAIN;
    return 0;
}

static void say_maybe_made(const struct check *check, int64_t position)
{
    rt_err_set(&check->doubt->why, RT_STOPPED,
               "row %" PRId64 " of delta %06" PRId64
               " may be there, without its ID, and would be made once more: decide that first "
               "(roundtrip review list --kind suspected)",
               position, check->delta->number);
}

static void say_made(const struct check *check, int64_t position, struct rt_slice id)
{
    int64_t delta = check->delta->number;

    if (check->delta->state == RT_DELTA_HANDED)
        rt_err_set(&check->doubt->why, RT_STOPPED,
                   "row %" PRId64 " of delta %06" PRId64
                   " is there already, as %.*s, and would be made once more: roundtrip retry "
                   "%" PRId64 " makes those due again that are not",
                   position, delta, RT_SLICE_FMT(id), delta);
    else
        rt_err_set(&check->doubt->why, RT_STOPPED,
                   "row %" PRId64 " of delta %06" PRId64
                   " is there already, as %.*s, and would be made once more: roundtrip withdraw "
                   "%06" PRId64 ", and the next emit writes what is still due",
                   position, delta, RT_SLICE_FMT(id), delta);
}

/* Once a part of it is handed over, a delta cannot be taken back any more. */
static void say_maybe_deleted(const struct check *check, int64_t position, struct rt_slice id)
{
    int64_t delta = check->delta->number;

    if (check->delta->state == RT_DELTA_HANDED || check->delta->handed_parts > 0)
        rt_err_set(&check->doubt->why, RT_STOPPED,
                   "row %" PRId64 " of delta %06" PRId64
                   " deletes %.*s, which was edited or came back since: decide that first "
                   "(roundtrip review list --kind edit-vs-delete)",
                   position, delta, RT_SLICE_FMT(id));
    else
        rt_err_set(&check->doubt->why, RT_STOPPED,
                   "row %" PRId64 " of delta %06" PRId64
                   " deletes %.*s, which was edited or came back since: roundtrip withdraw "
                   "%06" PRId64 ", or decide that first (roundtrip review list --kind "
                   "edit-vs-delete)",
                   position, delta, RT_SLICE_FMT(id), delta);
}

static void say_deleted(const struct check *check, int64_t position, struct rt_slice id)
{
    int64_t delta = check->delta->number;

    if (check->delta->state == RT_DELTA_HANDED)
        rt_err_set(&check->doubt->why, RT_STOPPED,
                   "row %" PRId64 " of delta %06" PRId64
                   " deletes %.*s, which is not to be deleted any more: roundtrip retry %" PRId64
                   " makes those due again that are",
                   position, delta, RT_SLICE_FMT(id), delta);
    else
        rt_err_set(&check->doubt->why, RT_STOPPED,
                   "row %" PRId64 " of delta %06" PRId64
                   " deletes %.*s, which is not to be deleted any more: roundtrip withdraw "
                   "%06" PRId64 ", and the next emit writes what is still due",
                   position, delta, RT_SLICE_FMT(id), delta);
}

/* Tells of the first row, one that a person must decide about before others. */
static void note_fate(const struct check *check, int64_t position, struct rt_slice id,
                      enum fate fate)
{
    struct rt_doubt *doubt = check->doubt;

    if (fate == MAYBE_AGAIN && doubt->maybe++ == 0)
        say_maybe_made(check, position);
    if (fate == MAYBE_IN_VAIN && doubt->maybe++ == 0)
        say_maybe_deleted(check, position, id);
    if (fate == MADE_AGAIN && doubt->made++ + doubt->deleted == 0 && doubt->maybe == 0)
        say_made(check, position, id);
    if (fate == DELETED_IN_VAIN && doubt->deleted++ + doubt->made == 0 && doubt->maybe == 0)
        say_deleted(check, position, id);
}

static int visit_doubtful(void *context, int64_t position, int64_t rid, bool is_delete,
                          struct rt_err *err)
{
    struct check *check = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    enum fate fate = WANTED;
    int rc = rt_store_load(check->work->store, rid, &arena, &record, err);

    if (rc == 0 && is_delete)
        fate = foresee_delete(check, &record);
    else if (rc == 0)
        rc = foresee_insert(check, &record, &arena, &fate, err);
    if (rc == 0)
        note_fate(check, position, record.end[check->delta->side].id, fate);
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_check_later(struct rt_work *work, const struct rt_delta *delta, struct rt_err *err)
{
    struct check check = {.work = work, .delta = delta};

    return rt_store_each_row(work->store, &(struct rt_row_range){delta->number, 1, delta->rows},
                             visit_later, &check, err);
}

int rt_outbox_find_doubt(struct rt_work *work, const struct rt_row_range *range,
                         const struct rt_delta *delta, struct rt_doubt *doubt, struct rt_err *err)
{
    struct check check = {.work = work, .delta = delta, .doubt = doubt};

    *doubt = (struct rt_doubt){0};
    return rt_store_each_doubtful_row(work->store, range, delta->side, visit_doubtful, &check, err);
}

/* A delete is known as one that we wrote: nothing tells whether it was done. */
static int visit_shown(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    struct check *check = context;
    const struct rt_rules *rules = &check->work->rules;
    enum rt_side side = check->delta->side;
    const struct rt_content *version;
    struct rt_arena arena = {0};
    struct rt_record record;
    int rc = -1;

    if (!check->is_shown)
        return 0;
    if (rt_store_load(check->work->store, row->rid, &arena, &record, err) == 0 &&
        rt_store_content(check->work->store, row->cid, &arena, &version, err) == 0) {
        const struct rt_end *end = &record.end[side];

        check->is_shown = row->action != RT_ROW_DELETE && end->seen != NULL &&
                          rt_end_is_there(end) &&
                          rt_record_shows(rules, &record, side, end->seen, version) &&
                          (end->shows_other_id || !rules->config->side[side].store_ids ||
                           row->id[rt_side_other(side)].len == 0);
        rc = 0;
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_is_shown(struct rt_work *work, const struct rt_row_range *range,
                       const struct rt_delta *delta, struct rt_err *err)
{
    struct check check = {.work = work, .delta = delta, .is_shown = true};

    return rt_store_each_row(work->store, range, visit_shown, &check, err) < 0 ? -1
                                                                               : check.is_shown;
}

int rt_outbox_judge(struct rt_work *work, const struct rt_delta *delta,
                    const struct rt_delta_part *part, struct rt_doubt *doubt,
                    enum rt_readiness *readiness, struct rt_err *err)
{
    struct rt_row_range range = {delta->number, part->first, part->rows};
    int is_shown;

    *readiness = RT_PART_READY;
    if (rt_outbox_find_doubt(work, &range, delta, doubt, err) < 0)
        return -1;
    if (doubt->maybe > 0)
        *readiness = RT_PART_STOPS;
    else if (doubt->made + doubt->deleted > 0) {
        is_shown = rt_outbox_is_shown(work, &range, delta, err);
        if (is_shown < 0)
            return -1;
        *readiness = is_shown                  ? RT_PART_SHOWN
                     : delta->handed_parts > 0 ? RT_PART_TOLD
                                               : RT_PART_STOPS;
    }
    return 0;
}

/* ---- what waits in the outbox ---- */

static int stops_at(struct rt_work *work, const struct rt_delta *delta, struct rt_arena *arena,
                    bool *stops, struct rt_err *err)
{
    enum rt_readiness readiness = RT_PART_READY;
    struct rt_part_list list;
    struct rt_doubt doubt;

    *stops = false;
    if (rt_outbox_check_header(work, delta->side, delta->header, err) < 0) {
        *stops = err->code == RT_STOPPED;
        if (*stops)
            rt_err_clear(err);
        return *stops ? 0 : -1;
    }
    if (rt_outbox_list_parts(work, delta->number, arena, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count && readiness != RT_PART_STOPS; i++)
        if (!list.parts[i].is_handed &&
            rt_outbox_judge(work, delta, &list.parts[i], &doubt, &readiness, err) < 0)
            return -1;
    *stops = readiness == RT_PART_STOPS;
    return 0;
}

int rt_outbox_stops_at(struct rt_work *work, enum rt_side side, int64_t *delta, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta_list list = {0};
    bool stops = false;
    int rc = 0;

    *delta = 0;
    if (!rt_outbox_is_taken_by_others(&work->rules.config->side[side]))
        rc = rt_outbox_list_deltas(work, RT_DELTA_OUTBOX, &arena, &list, err);
    for (size_t i = 0; rc == 0 && !stops && i < list.count; i++)
        if (list.deltas[i].side == side) {
            rc = stops_at(work, &list.deltas[i], &arena, &stops, err);
            *delta = stops ? list.deltas[i].number : 0;
        }
    rt_arena_clear(&arena);
    return rc;
}

/* How many rows push would stop at; or tells that a person must decide first, and counts none. */
static int count_stops(struct rt_work *work, const struct rt_delta *delta,
                       const struct rt_part_list *list, struct rt_doubt *all, struct rt_err *err)
{
    const struct rt_side_config *settings = &work->rules.config->side[delta->side];
    bool is_noted = !rt_outbox_is_taken_by_others(settings); /* what the side shows whole */
    enum rt_readiness readiness;
    struct rt_doubt doubt;

    *all = (struct rt_doubt){0};
    for (size_t i = 0; i < list->count; i++) {
        if (rt_outbox_judge(work, delta, &list->parts[i], &doubt, &readiness, err) < 0)
            return -1;
        if (doubt.maybe > 0) {
            rt_log_warn(work->log, "%s: %s", settings->label, doubt.why.msg);
            *all = (struct rt_doubt){0};
            return 0;
        }
        if (readiness != RT_PART_SHOWN || !is_noted)
            all->made += doubt.made;
        all->deleted += doubt.deleted;
    }
    return 0;
}

static void tell_stops(struct rt_work *work, const struct rt_delta *delta,
                       const struct rt_doubt *all)
{
    if (all->made > 0)
        rt_log_warn(work->log,
                    "delta %06" PRId64 " in the outbox still inserts %" PRId64
                    " record%s that %s holds: roundtrip withdraw %06" PRId64
                    ", and the next emit writes what is still due",
                    delta->number, all->made, all->made == 1 ? "" : "s",
                    work->rules.config->side[delta->side].label, delta->number);
    if (all->deleted > 0)
        rt_log_warn(work->log,
                    "delta %06" PRId64 " in the outbox still deletes %" PRId64
                    " record%s not to be deleted any more: roundtrip withdraw %06" PRId64
                    ", and the next emit writes what is still due",
                    delta->number, all->deleted, all->deleted == 1 ? "" : "s", delta->number);
}

int rt_outbox_tell_stops_of(struct rt_work *work, const struct rt_delta *delta, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_part_list list;
    struct rt_doubt all;
    int rc = 0;

    if (delta->handed_parts > 0) /* cannot be withdrawn any more */
        return 0;
    if (rt_outbox_list_parts(work, delta->number, &arena, &list, err) < 0 ||
        count_stops(work, delta, &list, &all, err) < 0)
        rc = -1;
    else
        tell_stops(work, delta, &all);
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_tell_stops(struct rt_work *work, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta_list list;
    int rc = rt_outbox_list_deltas(work, RT_DELTA_OUTBOX, &arena, &list, err);

    for (size_t i = 0; rc == 0 && i < list.count; i++)
        rc = rt_outbox_tell_stops_of(work, &list.deltas[i], err);
    rt_arena_clear(&arena);
    return rc;
}
