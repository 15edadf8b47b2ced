#include "lib/decide_internal.h"

#include "lib/json_of.h"
#include "lib/store_schema.h"
#include "lib/suspect.h"

/*
 * Rows that were set aside for a person, taken into account after all.
 */

static struct rt_slice text_of(const json_t *json, struct rt_arena *arena)
{
    if (!json_is_string(json))
        return rt_slice_from(NULL, 0);
    return rt_arena_dup(arena, rt_json_slice_of(json));
}

int rt_decide_read_row(const struct rt_work *work, const json_t *json, struct rt_arena *arena,
                       struct rt_row *row, struct rt_err *err)
{
    const struct rt_schema *schema = work->rules.schema;
    int64_t layout = json_integer_value(json_object_get(json, "layout"));
    const char *side = json_string_value(json_object_get(json, "side"));
    const json_t *values = json_object_get(json, "values"),
                 *modified = json_object_get(json, "modified_at");

    *row = (struct rt_row){.side = side != NULL && strcmp(side, "native") == 0 ? RT_NATIVE
                                                                               : RT_EXTERNAL,
                           .id = {text_of(json_object_get(json, "external_id"), arena),
                                  text_of(json_object_get(json, "native_id"), arena)},
                           .content = rt_content_new(schema, arena),
                           .modified_at = modified ? json_integer_value(modified) : RT_NEVER,
                           .is_deleted = json_is_true(json_object_get(json, "is_deleted")),
                           .stamp = json_integer_value(json_object_get(json, "stamp")),
                           .file = json_integer_value(json_object_get(json, "file")),
                           .line = json_integer_value(json_object_get(json, "line"))};
    for (size_t i = 0; i < schema->content_count; i++) {
        const struct rt_field *field = schema->content[i];
        const json_t *value = json_object_get(values, field->name);
        int rc = value ? rt_store_is_readable(work->store, layout, field, row->side, err) : 0;

        if (rc < 0)
            return -1;
        if (rc == 1)
            row->content->value[i] =
                (struct rt_value){text_of(value, arena), rt_from_side(row->side)};
    }
    return 0;
}

/* R11 holds for a row that a person lets count, too: one that looks like the lost echo of a pending
   insert is bound to that, or waits as one of `suspects`. */
static int make_record(struct rt_work *work, const struct rt_row *row, struct rt_arena *arena,
                       struct rt_record *fresh, struct rt_rid_list *suspects, struct rt_err *err)
{
    rt_record_init(fresh);
    if (rt_suspect_find(work, row, arena, suspects, err) < 0)
        return -1;
    if (suspects->count != 1 || !work->rules.config->bind_suspected)
        return 0;
    suspects->count = 0;
    if (rt_store_load(work->store, suspects->rids[0], arena, fresh, err) < 0)
        return -1;
    fresh->end[row->side].id = row->id[row->side];
    return rt_book_note(work, fresh, (int)row->side, "bind", "a suspected duplicate was bound",
                        err);
}

static int clash(const struct rt_row *row, const struct rt_found *found, struct rt_err *err)
{
    const struct rt_record *records[2] = {found->at[0], found->at[1]};
    struct rt_buf text = {0};

    rt_identity_explain(row->id, records, &text);
    rt_err_set(err, RT_USAGE, "the row cannot count: %s", rt_buf_str(&text));
    rt_buf_clear(&text);
    return -1;
}

int rt_decide_apply_row(struct rt_work *work, const struct rt_row *row, struct rt_arena *arena,
                        struct rt_err *err)
{
    struct rt_record fresh, *record;
    struct rt_observed observed;
    struct rt_rid_list suspects = {0};
    struct rt_found found;

    if (rt_book_find(work, row->id, row->side, arena, &found, err) < 0)
        return -1;
    if (found.verdict == RT_IDENTITY_CLASH)
        return clash(row, &found, err);
    record = found.at[0] ? found.at[0] : found.at[1];
    if (record == NULL) {
        record = &fresh;
        if (make_record(work, row, arena, record, &suspects, err) < 0)
            return -1;
    }
    if (found.verdict == RT_IDENTITY_JOIN &&
        rt_book_join(work, found.at[RT_EXTERNAL], found.at[RT_NATIVE], arena, &observed, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if (record->end[s].id.len == 0)
            record->end[s].id = row->id[s];
    record->end[row->side].look.modified_at = RT_NEVER; /* a person said that this row counts */
    rt_merge_observe(&work->rules, record, row, arena, &observed);
    record->end[row->side].flaw = RT_FLAW_NONE;
    if (suspects.count > 0 && rt_suspect_keep(work, record, &suspects, arena, err) < 0)
        return -1;
    if (rt_decide_save(work, record, err) < 0)
        return -1;
    return rt_book_tell(work, record, row, &observed, err);
}

/* ---- clash: pairing as the row says ---- */

/* What the side was seen to hold may flow on from there: the want of a record of its own. */
static const struct rt_content *want_from(const struct rt_rules *rules,
                                          const struct rt_record *record, enum rt_side side,
                                          struct rt_arena *arena)
{
    const struct rt_content *seen = record->end[side].seen;
    struct rt_content *want = rt_content_new(rules->schema, arena);

    for (size_t i = 0; seen != NULL && i < rules->schema->content_count; i++)
        if (rt_record_flows_to(rules, record, rules->schema->content[i], rt_side_other(side)))
            want->value[i] = seen->value[i];
    return want;
}

/* Takes a side's ID, and all that is known of it there, out of a record.  Its rows in question are
 * asked about there: the last save leaves out those of the other side. */
static int split_off(struct rt_work *work, struct rt_record *record, enum rt_side side,
                     struct rt_arena *arena, struct rt_err *err)
{
    struct rt_record own, empty;
    struct rt_questions questions;

    if (rt_book_questions(work, record, arena, &questions, err) < 0)
        return -1;
    rt_record_init(&own);
    rt_record_init(&empty);
    own.born = side;
    own.born_file = record->end[side].look.file;
    own.born_line = record->end[side].look.line;
    own.end[side] = record->end[side];
    own.want = want_from(&work->rules, &own, side, arena);
    own.not_due_until_edited = true;
    record->end[side] = empty.end[side];
    record->conflict_count = 0; /* they were about the two that are parted now */
    if (rt_decide_save(work, record, err) < 0 ||
        rt_book_take_over(work, &own, &questions, err) < 0 || rt_decide_save(work, &own, err) < 0 ||
        rt_book_note(work, record, -1, "split", "an ID that it had is a record of its own now",
                     err) < 0)
        return -1;
    return rt_book_note(work, &own, -1, "split", "was part of another record", err);
}

int rt_decide_pair_as(struct rt_work *work, const struct rt_row *row, struct rt_arena *arena,
                      struct rt_err *err)
{
    struct rt_found found;

    if (rt_book_find(work, row->id, row->side, arena, &found, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++) {
        enum rt_side other = rt_side_other((enum rt_side)s);
        struct rt_record *record = found.at[s];

        if (record == NULL || record->end[other].id.len == 0 ||
            rt_slice_is_equal(record->end[other].id, row->id[other]))
            continue;
        if (split_off(work, record, other, arena, err) < 0)
            return -1;
    }
    return rt_decide_apply_row(work, row, arena, err);
}
