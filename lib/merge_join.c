#include "lib/merge_internal.h"

/* What was sent for either, in the order in which it was: the newest is what the side holds. */
static void join_sent(struct rt_end *into, const struct rt_end *from)
{
    const struct rt_end before = *into;
    size_t i = 0, j = 0;

    into->sent_count = 0;
    while (i < before.sent_count || j < from->sent_count) {
        bool is_before = j == from->sent_count ||
                         (i < before.sent_count && before.sent[i].delta <= from->sent[j].delta);

        if (into->sent_count == RT_SENT_MAX)
            rt_end_drop_sent(into, 1);
        into->sent[into->sent_count++] = is_before ? before.sent[i++] : from->sent[j++];
    }
    if (from->given != NULL && (into->given == NULL || from->given_delta > into->given_delta)) {
        into->given = from->given;
        into->given_delta = from->given_delta;
        into->given_at = from->given_at;
    }
}

/* Joins what is known of the two values of one field. */
static void join_field(struct look *look, size_t i, struct rt_value external,
                       struct rt_value native)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value both[2] = {external, native};

    if (!rt_value_is_known(native))
        return;
    if (!rt_value_is_known(external) ||
        rt_record_flow(look->rules, look->record, field) == RT_DIR_TO_EXTERNAL) {
        rt_merge_set_want(look, i, native);
        return;
    }
    if (rt_value_is_same(field, RT_NATIVE, external, native))
        return;
    if (!is_two_way(look->rules, look->record, field)) {
        if (field->direction == RT_DIR_BOTH) /* single trip: it may not differ there */
            look->record->end[RT_NATIVE].is_read_only_edit = true;
        return;
    }
    if (rt_value_is_same(field, RT_EXTERNAL, external, native))
        rt_merge_set_want(
            look, i, native); /* the platform cannot hold the difference: keep the richer one */
    else
        rt_merge_disagree(look, i, both, look->rules->is_baseline);
}

void rt_merge_join(const struct rt_rules *rules, struct rt_record *into, struct rt_record *from,
                   struct rt_arena *arena, struct rt_observed *observed)
{
    struct rt_row row = {.side = RT_NATIVE,
                         .modified_at = rt_end_changed_at(&from->end[RT_NATIVE])};
    struct look look = {.rules = rules,
                        .record = into,
                        .row = &row,
                        .side = RT_NATIVE,
                        .arena = arena,
                        .out = observed};
    struct rt_end merged = from->end[RT_NATIVE];
    const struct rt_content *other = from->want;

    *observed = (struct rt_observed){0};
    if (from->rid < into->rid) { /* the one that was shown first */
        into->born = from->born;
        into->born_file = from->born_file;
        into->born_line = from->born_line;
    }
    join_sent(&merged, &into->end[RT_NATIVE]);
    into->end[RT_NATIVE] = merged;
    join_sent(&into->end[RT_EXTERNAL], &from->end[RT_EXTERNAL]);
    for (size_t i = 0; other != NULL && i < rules->schema->content_count; i++)
        join_field(&look, i, rt_content_value(into->want, i), other->value[i]);
    into->is_held = into->is_held || from->is_held;
    into->is_suspect = false;
    into->not_due_until_edited = false; /* both sides hold it by now */
    observed->change = look.has_conflict                         ? RT_CHANGE_CONFLICT
                       : observed->want_changed || look.has_edit ? RT_CHANGE_CHANGED
                                                                 : RT_CHANGE_UNCHANGED;
}

/* What the suspect was last seen to hold, as the row that the insert should have been shown by. */
static struct rt_row row_of(const struct rt_record *record, const struct rt_record *suspect,
                            enum rt_side side)
{
    const struct rt_end *end = &suspect->end[side];
    struct rt_row row = {.side = side,
                         .content = (struct rt_content *)(uintptr_t)end->seen,
                         .modified_at = rt_end_changed_at(end),
                         .stamp = end->look.stamp,
                         .file = end->look.file,
                         .line = end->look.line};

    row.id[side] = end->id;
    row.id[rt_side_other(side)] = record->end[rt_side_other(side)].id;
    return row;
}

void rt_merge_echo(const struct rt_rules *rules, struct rt_record *record,
                   const struct rt_record *suspect, struct rt_arena *arena,
                   struct rt_observed *observed)
{
    enum rt_side side = suspect->born;
    const struct rt_end *from = &suspect->end[side];
    struct rt_end *end = &record->end[side];
    struct rt_row row = row_of(record, suspect, side);

    end->id = from->id;
    rt_merge_observe(rules, record, &row, arena, observed);
    end->shows_other_id = false;
    end->flaw = from->flaw; /* a later row of it may be in question */
    end->flaw_stamp = from->flaw_stamp;
    end->is_marked = from->is_marked;
    record->is_held = record->is_held || suspect->is_held;
    if (from->absence != RT_PRESENT) /* or a later snapshot may lack it */
        rt_merge_absent(rules, record, side, from->absence == RT_DELETED ? RT_DELETED : RT_MISSING);
}

void rt_merge_take(const struct rt_rules *rules, struct rt_record *record, enum rt_side side,
                   struct rt_arena *arena)
{
    for (size_t i = 0; i < record->conflict_count; i++)
        rt_record_set_want(rules, record, record->conflicts[i].field,
                           record->conflicts[i].value[side], arena);
    record->conflict_count = 0;
}

void rt_merge_shown_is_edit(const struct rt_rules *rules, struct rt_record *record,
                            enum rt_side side, struct rt_arena *arena)
{
    struct rt_end *end = &record->end[side];

    for (size_t i = 0; i < end->not_taken_count; i++) {
        size_t f = end->not_taken[i].field;

        if (rt_value_is_same(rules->schema->content[f], side, record->want->value[f],
                             end->not_taken[i].value))
            rt_record_set_want(rules, record, f, end->seen->value[f], arena);
    }
    for (size_t i = 0; end->not_taken_count && i < end->sent_count; i++)
        end->sent[i].is_given_up = !end->sent[i].is_trusted;
    rt_end_settle_not_taken(end);
    for (size_t f = 0; end->is_cut && f < rules->schema->content_count; f++)
        if (rt_value_is_cut(rules->schema->content[f], side, end->seen->value[f],
                            record->want->value[f]))
            rt_record_set_want(rules, record, f, end->seen->value[f], arena);
    end->is_cut = false;
}

static const struct rt_cut *find_cut(const struct rt_end *end, size_t field)
{
    for (size_t i = 0; i < end->cut_count; i++)
        if (end->cuts[i].field == field)
            return &end->cuts[i];
    return NULL;
}

void rt_merge_accept_cut(const struct rt_rules *rules, struct rt_record *record, enum rt_side side,
                         struct rt_arena *arena)
{
    const struct rt_schema *schema = rules->schema;
    struct rt_end *end = &record->end[side];
    struct rt_cut *cuts;
    size_t n = 0;

    if (!end->is_cut)
        return;
    cuts = rt_arena_alloc(arena, (schema->content_count + 1) * sizeof *cuts);
    for (size_t f = 0; f < schema->content_count; f++) {
        const struct rt_cut *before = find_cut(end, f);
        struct rt_value seen = end->seen->value[f];

        if (rt_record_flows_to(rules, record, schema->content[f], side) &&
            rt_value_is_cut(schema->content[f], side, seen, record->want->value[f]))
            cuts[n++] = (struct rt_cut){f, rt_value_length(seen)};
        else if (before != NULL)
            cuts[n++] = *before;
    }
    end->cuts = cuts;
    end->cut_count = n;
    end->is_cut = false;
}
