#include "lib/outbox_internal.h"

#include <inttypes.h>

/* What stands against handing a delta over again, row by row. */

struct check {
    struct rt_work *work;
    const struct rt_delta *delta;
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

/* Does the side's loader find the row by the other ID, which was written with it? */
static bool is_found_by_other_id(const struct check *check, const struct rt_end *end)
{
    const struct rt_rules *rules = &check->work->rules;
    enum rt_side side = check->delta->side;

    return !rules->config->side[side].own_id_only &&
           rules->schema->id[rt_side_other(side)][0]->column[side].out != NULL &&
           (end->seen == NULL || end->shows_other_id);
}

/* What was sent as new, and is there by now, or may be, the loader would make once more. */
static int check_new(struct check *check, const struct rt_delta_row *row,
                     const struct rt_record *record, struct rt_arena *arena, struct rt_err *err)
{
    const struct rt_end *end = &record->end[check->delta->side];
    struct rt_rid_list suspects = {0};

    if (end->id.len == 0 &&
        rt_store_suspects_of(check->work->store, row->rid, arena, &suspects, err) < 0)
        return -1;
    if (suspects.count > 0)
        return rt_err_set(err, RT_STOPPED,
                          "row %" PRId64 " of delta %06" PRId64
                          " may be there, without its ID, and would be made once more: decide that "
                          "first (roundtrip review list --kind suspected)",
                          row->position, check->delta->number);
    if (end->id.len == 0 || end->absence != RT_PRESENT || is_found_by_other_id(check, end))
        return 0;
    return rt_err_set(err, RT_STOPPED,
                      "row %" PRId64 " of delta %06" PRId64
                      " is there already, as %.*s, and would be made once more: roundtrip retry "
                      "%" PRId64 " makes those due again that are not",
                      row->position, check->delta->number, RT_SLICE_FMT(end->id),
                      check->delta->number);
}

static int visit_new(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    struct check *check = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    int rc = 0;

    if (row->action != RT_ROW_INSERT || row->id[check->delta->side].len != 0)
        return 0;
    if (rt_store_load(check->work->store, row->rid, &arena, &record, err) < 0 ||
        check_new(check, row, &record, &arena, err) < 0)
        rc = -1;
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_check_later(struct rt_work *work, const struct rt_delta *delta, struct rt_err *err)
{
    struct check check = {work, delta};

    return rt_store_each_row(work->store, &(struct rt_row_range){delta->number, 1, delta->rows},
                             visit_later, &check, err);
}

int rt_outbox_check_new(struct rt_work *work, const struct rt_delta *delta,
                        const struct rt_part_list *parts, int64_t done, struct rt_err *err)
{
    struct rt_row_range range = {delta->number, 1, delta->rows};
    struct check check = {work, delta};

    for (size_t i = 0; i < parts->count; i++)
        if (parts->parts[i].part <= done)
            range.first += parts->parts[i].rows;
    range.count -= range.first - 1;
    return rt_store_each_row(work->store, &range, visit_new, &check, err);
}
