#include "lib/intake_internal.h"

#include "lib/json_of.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define LINES_TOLD 8

/*
 * R9, one file, one say.  The first reading finds the records that more than one row speaks of; the
 * second sets their rows aside by ID, and at the end of the file each group is judged:
 *
 *     all rows equal                           the first counts, the others are `repeated`
 *     modified_at in all, one of them newest   that one counts, the others are `repeated`
 *     otherwise                                all are `repeated`, and a person must decide
 */

/* Where the first entry of this ID is, or has to be noted: its number, from 1, or 0. */
static size_t *slot_of(const struct rt_intake *in, enum rt_side side, struct rt_slice id)
{
    size_t mask = in->repeat_slot_count - 1;
    size_t i = (size_t)(rt_digest_of(id).low + (uint64_t)side) & mask;

    for (; in->repeat_slots[i] != 0; i = (i + 1) & mask) {
        const struct rt_repeat_id *known = &in->repeat_ids[in->repeat_slots[i] - 1];

        if (known->side == side && rt_slice_is_equal(known->id, id))
            break;
    }
    return &in->repeat_slots[i];
}

bool rt_intake_find_repeat(const struct rt_intake *in, const struct rt_slice id[2], size_t *group)
{
    size_t first = 0;

    for (int s = 0; s < 2 && in->repeat_id_count > 0; s++) {
        size_t entry = id[s].len ? *slot_of(in, (enum rt_side)s, id[s]) : 0;

        if (entry != 0 && (first == 0 || entry < first))
            first = entry;
    }
    if (first > 0)
        *group = in->repeat_ids[first - 1].group;
    return first > 0;
}

static void grow_slots(struct rt_intake *in)
{
    in->repeat_slot_count = in->repeat_slot_count ? in->repeat_slot_count * 2 : 64;
    free(in->repeat_slots);
    in->repeat_slots = rt_xcalloc(in->repeat_slot_count, sizeof *in->repeat_slots);
    for (size_t i = 0; i < in->repeat_id_count; i++)
        *slot_of(in, in->repeat_ids[i].side, in->repeat_ids[i].id) = i + 1;
}

static void add_id(struct rt_intake *in, enum rt_side side, struct rt_slice id, size_t group)
{
    size_t *slot;

    if (id.len == 0)
        return;
    if (in->repeat_id_count * 2 >= in->repeat_slot_count)
        grow_slots(in);
    slot = slot_of(in, side, id);
    if (*slot != 0)
        return; /* an earlier group has it */
    in->repeat_ids = rt_xgrow(in->repeat_ids, in->repeat_id_count, sizeof *in->repeat_ids);
    in->repeat_ids[in->repeat_id_count++] = (struct rt_repeat_id){
        .id = rt_arena_dup(&in->file_arena, id), .side = side, .group = group};
    *slot = in->repeat_id_count;
}

void rt_intake_add_repeat(struct rt_intake *in, const struct rt_record *record,
                          const struct rt_row *row)
{
    size_t group = in->group_count++;

    for (int s = 0; s < 2; s++) {
        add_id(in, (enum rt_side)s, record->end[s].id, group);
        if (!rt_slice_is_equal(record->end[s].id, row->id[s]))
            add_id(in, (enum rt_side)s, row->id[s], group);
    }
    in->must_read_again = true;
}

void rt_intake_set_aside(struct rt_intake *in, size_t group, const struct rt_row *row,
                         struct rt_digest print, bool is_eligible)
{
    const struct rt_schema *schema = in->work->rules.schema;
    struct rt_repeat_row *kept;

    in->repeats = rt_xgrow(in->repeats, in->repeat_count, sizeof *in->repeats);
    kept = &in->repeats[in->repeat_count++];
    *kept = (struct rt_repeat_row){
        .group = group, .row = *row, .print = print, .is_eligible = is_eligible};
    kept->row.content = rt_content_copy(schema, row->content, &in->file_arena);
    for (size_t i = 0; i < schema->content_count; i++)
        kept->row.content->value[i].raw = rt_arena_dup(&in->file_arena, row->content->value[i].raw);
    for (int s = 0; s < 2; s++)
        kept->row.id[s] = rt_arena_dup(&in->file_arena, row->id[s]);
}

static bool is_equal_row(const struct rt_intake *in, const struct rt_row *a, const struct rt_row *b)
{
    const struct rt_schema *schema = in->work->rules.schema;

    if (a->modified_at != b->modified_at || a->is_deleted != b->is_deleted)
        return false;
    for (size_t i = 0; i < schema->content_count; i++)
        if (!rt_value_is_same(schema->content[i], in->side, a->content->value[i],
                              b->content->value[i]))
            return false;
    return true;
}

struct group { /* the rows that speak of one record, in the order of the file */
    struct rt_repeat_row *rows;
    size_t count;
};

/* The row of a group that counts; NULL: a person must say. */
static struct rt_repeat_row *choose(const struct rt_intake *in, const struct group *group)
{
    struct rt_repeat_row *first = &group->rows[0], *newest = first;
    bool all_equal = true, all_told = first->row.modified_at != RT_NEVER, is_tie = false;

    for (size_t i = 1; i < group->count; i++) {
        struct rt_repeat_row *r = &group->rows[i];

        all_equal = all_equal && is_equal_row(in, &first->row, &r->row);
        all_told = all_told && r->row.modified_at != RT_NEVER;
        if (r->row.modified_at > newest->row.modified_at) {
            newest = r;
            is_tie = false;
        } else if (r->row.modified_at == newest->row.modified_at &&
                   !is_equal_row(in, &newest->row, &r->row)) {
            is_tie = true;
        }
    }
    if (all_equal)
        return first;
    return all_told && !is_tie ? newest : NULL;
}

static char *rows_json(const struct rt_intake *in, const struct group *group)
{
    json_t *list = json_array();
    char *text;

    for (size_t i = 0; i < group->count; i++) {
        text = rt_intake_row_json(in->work, &group->rows[i].row);
        json_array_append_new(list, json_loads(text, JSON_ALLOW_NUL, NULL));
        free(text);
    }
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

/* Nothing is sent for the record until then, unless a newer file has shown it already.  1: that is
 * asked now. */
static int freeze(struct rt_intake *in, struct rt_record *record,
                  const struct rt_question *question, struct rt_err *err)
{
    struct rt_end *end = &record->end[in->side];
    int rc;

    rt_rid_set_add(&in->seen, record->rid);
    if (rt_end_is_ahead(end, in->file.stamp))
        return 0;
    rc = rt_intake_is_dismissed(in, question, end, err);
    if (rc < 0)
        return -1;
    if (rc == 1 && (end->flaw == RT_FLAW_NONE || end->flaw_stamp == in->file.stamp))
        return 0;
    if (rc == 1) { /* it is what the side shows now, and settles what an older file asked */
        rt_end_set_flaw(end, RT_FLAW_NONE, in->file.stamp);
        return rt_book_save(in->work, record, err);
    }
    rt_end_set_flaw(end, RT_FLAW_REPEATED, in->file.stamp);
    in->counts.frozen++;
    return rt_book_save_rows(in->work, record, NULL, question, err) < 0 ? -1 : 1;
}

static bool has_same_ids(const struct rt_row *a, const struct rt_row *b)
{
    return rt_slice_is_equal(a->id[0], b->id[0]) && rt_slice_is_equal(a->id[1], b->id[1]);
}

/* The rows may speak of two records, which one of them says are the same.  first: a record of the
 * first row that has any, or 0.  1: a question is open; 0, -1. */
static int freeze_all(struct rt_intake *in, const struct group *group,
                      const struct rt_question *question, int64_t *first, struct rt_err *err)
{
    struct rt_rid_set done = {0};
    struct rt_found found;
    int rc = 0, asked = 0;

    *first = 0;
    for (size_t i = 0; i < group->count && rc == 0; i++) {
        const struct rt_row *row = &group->rows[i].row;

        if (i > 0 && has_same_ids(row, &group->rows[i - 1].row))
            continue;
        rc = rt_book_find(in->work, row->id, in->side, &in->row_arena, &found, err);
        for (int s = 0; s < 2 && rc == 0; s++) {
            if (found.at[s] == NULL || !rt_rid_set_add(&done, found.at[s]->rid))
                continue;
            if (*first == 0)
                *first = found.at[s]->rid;
            rc = freeze(in, found.at[s], question, err);
            asked |= rc == 1;
            rc = rc < 0 ? -1 : 0;
        }
    }
    rt_rid_set_clear(&done);
    return rc < 0 ? -1 : asked;
}

/* "lines 3 and 9 speak of the same record and differ", in an arena; of many the first ones. */
static const char *explain(struct rt_intake *in, const struct group *group)
{
    struct rt_buf lines = {0};
    const char *text;

    for (size_t i = 0; i < group->count && i < LINES_TOLD; i++)
        rt_buf_printf(&lines, "%s%lld",
                      i == 0                  ? ""
                      : i + 1 == group->count ? " and "
                                              : ", ",
                      (long long)group->rows[i].row.line);
    text = rt_arena_printf(&in->row_arena, "lines %s%s speak of the same record and differ",
                           rt_buf_str(&lines), group->count > LINES_TOLD ? " and more" : "");
    rt_buf_clear(&lines);
    return text;
}

/* A person must say which row counts. */
static int put_to_people(struct rt_intake *in, const struct group *group, struct rt_err *err)
{
    const struct rt_row *first = &group->rows[0].row;
    const char *why = explain(in, group);
    char *rows = rows_json(in, group), *detail = rt_json_of_sentence(why);
    struct rt_question question = {RT_KIND_REPEATED, rows};
    struct rt_event event = {.run = in->work->run,
                             .at = in->work->rules.now,
                             .side = (int)in->side,
                             .file = in->file.id,
                             .line = first->line,
                             .what = rt_change_name(RT_CHANGE_REPEATED),
                             .id_of = {first->id[0], first->id[1]},
                             .detail = detail};
    int rc = freeze_all(in, group, &question, &event.rid, err);

    if (rc == 0 && event.rid == 0)
        rc = rt_intake_list_rows(in, &question, first->id, first->line, err);
    if (rc == 1 && in->disputed++ < RT_ROWS_TOLD)
        rt_log_warn(in->work->log, "%s: %s: %s", in->file.name, why, rt_intake_where(in));
    if (rc >= 0)
        rc = rt_store_add_event(in->work->store, &event, err);
    free(detail);
    free(rows);
    return rc;
}

static int judge(struct rt_intake *in, const struct group *group, struct rt_err *err)
{
    struct rt_repeat_row *counts = choose(in, group);

    rt_arena_reset(&in->row_arena);
    for (size_t i = 0; i < group->count; i++)
        if (&group->rows[i] != counts)
            rt_intake_count(in, RT_CHANGE_REPEATED);
    if (counts == NULL)
        return put_to_people(in, group, err);
    return rt_intake_apply(in, &counts->row, counts->print, counts->is_eligible, err);
}

static int compare_repeats(const void *a, const void *b)
{
    const struct rt_repeat_row *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->row.line < y->row.line ? -1 : x->row.line > y->row.line;
}

int rt_intake_judge_repeats(struct rt_intake *in, struct rt_err *err)
{
    struct group group;

    if (in->repeat_count > 0)
        qsort(in->repeats, in->repeat_count, sizeof *in->repeats, compare_repeats);
    for (size_t i = 0; i < in->repeat_count; i += group.count) {
        group = (struct group){.rows = &in->repeats[i], .count = 1};
        while (i + group.count < in->repeat_count &&
               group.rows[group.count].group == group.rows[0].group)
            group.count++;
        if (judge(in, &group, err) < 0)
            return -1;
    }
    return 0;
}
