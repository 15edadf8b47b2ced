#include "lib/merge_internal.h"

#include "lib/digest.h"

const char *rt_change_name(enum rt_change change)
{
    static const char *const names[RT_CHANGE_COUNT] = {
        "rejected", "repeated", "clash",   "stale", "excluded", "suspected",
        "conflict", "new",      "changed", "local", "echo",     "unchanged"};

    return names[change];
}

void rt_merge_note(struct look *look, const struct rt_field *field, struct rt_value before,
                   struct rt_value after, const char *outcome)
{
    struct rt_observed *out = look->out;

    if (out->changes ==
        NULL) /* a field has at most three notes: what was edited, replaced, unseen */
        out->changes = rt_arena_alloc(look->arena, 3 * (schema_of(look)->content_count + 1) *
                                                       sizeof *out->changes);
    out->changes[out->change_count++] = (struct rt_field_change){
        .field = field, .before = before, .after = after, .outcome = outcome};
}

/* ---- R4: merge ---- */

void rt_record_set_want(const struct rt_rules *rules, struct rt_record *record, size_t field,
                        struct rt_value value, struct rt_arena *arena)
{
    struct rt_content *want = rt_content_copy(rules->schema, record->want, arena);

    want->value[field] = value;
    record->want = want;
}

void rt_merge_set_want(struct look *look, size_t i, struct rt_value value)
{
    if (look->want == NULL) {
        look->want = rt_content_copy(schema_of(look), look->record->want, look->arena);
        look->record->want = look->want;
    }
    look->want->value[i] = value;
    look->out->want_changed = true;
}

static struct rt_conflict *find_conflict(struct rt_record *record, size_t field)
{
    for (size_t i = 0; i < record->conflict_count; i++)
        if (record->conflicts[i].field == field)
            return &record->conflicts[i];
    return NULL;
}

static void close_conflict(struct rt_record *record, struct rt_conflict *conflict)
{
    *conflict = record->conflicts[--record->conflict_count];
}

static void open_conflict(struct look *look, size_t field, const struct rt_value value[2],
                          bool is_first_seen)
{
    struct rt_record *record = look->record;
    struct rt_conflict *grown =
        rt_arena_alloc(look->arena, (record->conflict_count + 1) * sizeof *record->conflicts);

    if (record->conflict_count)
        memcpy(grown, record->conflicts, record->conflict_count * sizeof *grown);
    grown[record->conflict_count] = (struct rt_conflict){
        .field = field, .value = {value[0], value[1]}, .is_first_seen = is_first_seen};
    record->conflicts = grown;
    record->conflict_count++;
}

/* Which side's value does `conflict = newest` choose?  -1: it cannot be told, a person decides. */
static int newest_side(const struct look *look)
{
    int64_t here = look->row->modified_at;
    int64_t there = rt_end_changed_at(&look->record->end[rt_side_other(look->side)]);

    if (here == RT_NEVER || there == RT_NEVER || here == there)
        return -1;
    return (int)(here > there ? look->side : rt_side_other(look->side));
}

/* Both sides edited the field: the policy decides, or a person.  -1 for a person. */
static int winner(const struct look *look)
{
    if (look->rules->is_baseline)
        return -1;
    switch (look->rules->config->conflict) {
    case RT_CONFLICT_EXTERNAL:
        return RT_EXTERNAL;
    case RT_CONFLICT_NATIVE:
        return RT_NATIVE;
    case RT_CONFLICT_NEWEST:
        return newest_side(look);
    case RT_CONFLICT_REVIEW:
        break;
    }
    return -1;
}

void rt_merge_disagree(struct look *look, size_t i, const struct rt_value value[2],
                       bool is_first_seen)
{
    const struct rt_field *field = schema_of(look)->content[i];
    int wins = winner(look);
    enum rt_side other = rt_side_other(look->side);

    look->has_conflict = true;
    if (wins < 0) {
        open_conflict(look, i, value, is_first_seen);
        rt_merge_note(look, field, value[other], value[look->side],
                      is_first_seen ? "first-seen" : "conflict");
        return;
    }
    rt_merge_note(look, field, value[other], value[look->side],
                  wins == (int)look->side ? "won" : "lost");
    if (wins == (int)look->side)
        rt_merge_set_want(look, i, value[look->side]);
}

/* A later value of a side in a conflict replaces its earlier one; equal values close it. */
static void conflict_again(struct look *look, struct rt_conflict *conflict, struct rt_value value)
{
    const struct rt_field *field = schema_of(look)->content[conflict->field];
    struct rt_value before = conflict->value[look->side];
    enum rt_side other = rt_side_other(look->side);

    conflict->value[look->side] = value;
    rt_merge_note(look, field, before, value, "conflict");
    look->has_edit = true;
    if (rt_value_is_same(field, look->side, value, conflict->value[other])) {
        rt_merge_set_want(look, conflict->field, conflict->value[other]);
    } else if (rt_value_is_same(field, other, value, conflict->value[other])) {
        rt_merge_set_want(look, conflict->field, value);
    } else {
        look->has_conflict = true;
        return;
    }
    close_conflict(look->record, conflict);
}

/* In a repeated baseline too, what the sides hold differs, whoever edited it. */
static bool is_for_a_person(const struct look *look)
{
    return look->rules->is_baseline && look->record->end[rt_side_other(look->side)].seen != NULL;
}

/* The row tells a value of its own.  One of a field that is new, or was changed in schema.csv, is
   no edit, where the side was seen before: nobody did anything to the record. */
static void note_told(struct look *look, size_t i, struct rt_value want)
{
    const struct rt_content *seen = look->record->end[look->side].seen;

    if (!rt_value_is_known(want) && seen != NULL && !rt_value_is_known(seen->value[i]))
        look->has_first = true;
    else
        look->has_edit = true;
}

/* Both sides edited the field, as it seems. */
static void merge_both(struct look *look, size_t i, struct rt_value before, struct rt_value want)
{
    struct rt_value value = look->row->content->value[i], both[2];
    int64_t waiting = look->rules->is_baseline ? 0 : rt_merge_find_waiting(look);

    if (waiting != 0) {
        look->out->confirmed = waiting;
        rt_merge_note(look, schema_of(look)->content[i], value, want, "replaced");
        return;
    }
    both[look->side] = value;
    both[rt_side_other(look->side)] = want;
    rt_merge_disagree(look, i, both,
                      look->rules->is_baseline ||
                          (look->reference != NULL && !rt_value_is_known(before)));
}

/* A two-way field that the side edited: its value differs from the reference. */
static void merge_edit(struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value value = look->row->content->value[i];
    struct rt_value before = rt_content_value(look->reference, i),
                    want = rt_content_value(look->record->want, i);
    struct rt_conflict *conflict = find_conflict(look->record, i);

    if (conflict != NULL) {
        conflict_again(look, conflict, value);
    } else if (!rt_value_is_known(want) ||
               (look->reference && !is_for_a_person(look) &&
                rt_record_holds_same(look->record, field, look->side, before, want))) {
        rt_merge_note(look, field, before, value, "taken");
        rt_merge_set_want(look, i, value);
        note_told(look, i, want);
    } else if (rt_value_is_same(field, look->side, want, value)) {
        if (look->reference == NULL || !rt_value_is_known(before))
            return;
        rt_merge_note(look, field, before, value, "equal");
        look->has_edit = true;
    } else if (rt_value_is_same(field, rt_side_other(look->side), want, value)) {
        rt_merge_note(look, field, want, value,
                      "taken"); /* the same there: the richer value is kept */
        rt_merge_set_want(look, i, value);
        look->has_edit = true;
    } else {
        merge_both(look, i, before, want);
    }
}

/* The side's row is new, made by our insert, which has no column for what flows from there alone:
   an empty cell is no edit of what it held before the row was inserted again. */
static bool is_left_out(const struct look *look, struct rt_value value, struct rt_value want)
{
    return look->record->end[look->side].seen == NULL && rt_value_is_known(want) &&
           value.raw.len == 0;
}

/* The first that the source tells is what the other side holds already: nobody edited it. */
static bool is_first_and_same(const struct look *look, size_t i, struct rt_value want)
{
    enum rt_side other = rt_side_other(look->side);
    struct rt_value there = rt_content_value(look->record->end[other].seen, i);

    return !rt_value_is_known(want) && rt_value_is_known(there) &&
           rt_value_is_same(schema_of(look)->content[i], other, look->row->content->value[i],
                            there);
}

/* A one-way field on its source side: that side alone decides. */
static void follow_source(struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value value = look->row->content->value[i],
                    want = rt_content_value(look->record->want, i);
    bool was_changed = look->out->want_changed;

    if (rt_value_is_known(want) && rt_value_is_same(field, look->side, want, value))
        return;
    if (is_left_out(look, value, want))
        return;
    rt_merge_set_want(look, i, value);
    if (is_first_and_same(look, i, want)) {
        look->out->want_changed = was_changed;
        return;
    }
    rt_merge_note(look, field, rt_content_value(look->reference, i), value, "taken");
    note_told(look, i, want);
}

/* Nothing was ever written for the field: what the side held before its own edit stands for it, so
   that the edit is not due to be overwritten. */
static void keep_given(struct look *look, size_t i, struct rt_value before)
{
    struct rt_end *end = &look->record->end[look->side];
    struct rt_content *given = rt_content_copy(schema_of(look), end->given, look->arena);

    given->value[i] = before;
    end->given = given;
}

/* A field that does not flow from the side: an edit there is local, kept and shown, never due. */
static void note_local(struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_end *end = &look->record->end[look->side];
    struct rt_value value = look->row->content->value[i], before = rt_content_value(end->seen, i);
    struct rt_value given = rt_content_value(end->given, i),
                    want = rt_content_value(look->record->want, i);
    bool is_read_only = field->direction == RT_DIR_BOTH;

    if (rt_merge_is_ours(look, i))
        return;
    if (is_read_only && rt_value_is_known(want) &&
        !rt_value_is_same(field, look->side, value, want) &&
        !(rt_value_is_known(given) && rt_value_is_same(field, look->side, value, given)))
        end->is_read_only_edit = end->is_read_only_edit || look->was_read_only_edit ||
                                 !rt_value_is_known(before) ||
                                 !rt_value_is_same(field, look->side, value, before);
    if (rt_value_is_known(given) && rt_value_is_same(field, look->side, value, given))
        return;
    if (!rt_value_is_known(before))
        before = given; /* edited before its first look */
    if (!rt_value_is_known(before) || rt_value_is_same(field, look->side, value, before))
        return;
    rt_merge_note(look, field, before, value, is_read_only ? "read-only" : "local");
    look->has_local = true;
    if (!rt_value_is_known(given))
        keep_given(look, i, before);
}

static void merge_field(struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value value = look->row->content->value[i];
    struct rt_value before = rt_content_value(look->reference, i);

    if (!rt_value_is_known(value))
        return; /* the side has no such column */
    if (!rt_record_flows_to(look->rules, look->record, field, rt_side_other(look->side))) {
        note_local(look, i);
        return;
    }
    if (look->reference != NULL && rt_value_is_known(before) &&
        rt_merge_shows(look, look->reference, i))
        return;
    if (is_two_way(look->rules, look->record, field))
        merge_edit(look, i);
    else
        follow_source(look, i);
}

/* Taken for our own delivery, and about to be replaced: a user may have set it back. */
static void note_replaced(struct look *look)
{
    const struct rt_content *seen = look->record->end[look->side].seen, *want = look->record->want;

    if (look->reference == NULL || seen == NULL)
        return;
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];
        struct rt_value value = look->row->content->value[i];

        if (is_two_way(look->rules, look->record, field) &&
            rt_value_is_same(field, look->side, value, look->reference->value[i]) &&
            !rt_value_is_same(field, look->side, value, seen->value[i]) &&
            !rt_value_is_same(field, look->side, value, want->value[i]))
            rt_merge_note(look, field, value, want->value[i], "replaced");
    }
}

/* ---- one observation ---- */

/* R2.  Stale rows are not applied. */
static bool is_stale(const struct look *look)
{
    const struct rt_look *last = &look->record->end[look->side].look;
    int64_t modified = look->row->modified_at;
    bool is_older =
        modified != RT_NEVER && last->modified_at != RT_NEVER && modified < last->modified_at;

    if (last->stamp == RT_NEVER)
        return false;
    if (look->row->stamp != last->stamp)
        look->out->went_back = look->row->stamp > last->stamp && is_older;
    return look->row->stamp < last->stamp || is_older;
}

static bool is_same_text(struct rt_value a, struct rt_value b)
{
    return a.from == b.from && rt_slice_is_equal(a.raw, b.raw);
}

static void add_key(const struct rt_field *field, struct rt_value value, struct rt_buf *keys)
{
    size_t part = rt_digest_part_begin(keys);

    rt_value_key(field, RT_EXTERNAL, value, keys);
    rt_digest_part_end(keys, part);
}

static uint64_t end_keys(struct rt_buf *keys)
{
    uint64_t digest = rt_digest_of(rt_buf_slice(keys)).low;

    rt_buf_clear(keys);
    return digest ? digest : 1;
}

#define KEYS_ROOM 1024 /* bytes, for most records */

/* Digests of what is wanted now and, if `before` is not NULL, was before the row; most fields are
   the same in both. */
static void want_digests(const struct look *look, uint64_t *now, uint64_t *before)
{
    const struct rt_content *want = look->record->want, *old = look->want_before;
    struct rt_buf keys = {0}, old_keys = {0};

    rt_buf_reserve(&keys, KEYS_ROOM);
    if (before != NULL)
        rt_buf_reserve(&old_keys, KEYS_ROOM);
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];
        size_t begin = keys.len;

        if (!is_two_way(look->rules, look->record, field))
            continue;
        add_key(field, want->value[i], &keys);
        if (before != NULL && is_same_text(old->value[i], want->value[i]))
            rt_buf_add(&old_keys, keys.ptr + begin, keys.len - begin);
        else if (before != NULL)
            add_key(field, old->value[i], &old_keys);
    }
    *now = end_keys(&keys);
    if (before != NULL)
        *before = end_keys(&old_keys);
}

/* R8: a want that went A, B, A, B and would become A again. */
static void follow_trail(struct look *look)
{
    uint64_t *trail = look->record->trail, now;
    bool is_first = trail[RT_TRAIL_MAX - 1] == 0;

    want_digests(look, &now, is_first ? &trail[RT_TRAIL_MAX - 1] : NULL);
    if (trail[RT_TRAIL_MAX - 1] == now)
        return;
    look->record->is_flapping =
        trail[0] == now && trail[2] == now && trail[1] == trail[3] && trail[1] != 0;
    look->record->flap_allowed = false;
    memmove(trail, trail + 1, (RT_TRAIL_MAX - 1) * sizeof *trail);
    trail[RT_TRAIL_MAX - 1] = now;
}

static enum rt_change judge(const struct look *look, bool is_new)
{
    if (look->has_conflict)
        return RT_CHANGE_CONFLICT;
    if (is_new)
        return RT_CHANGE_NEW;
    if (look->has_edit || look->has_first || look->has_gone || look->out->came_back)
        return RT_CHANGE_CHANGED;
    if (look->has_local)
        return RT_CHANGE_LOCAL;
    return look->out->confirmed ? RT_CHANGE_ECHO : RT_CHANGE_UNCHANGED;
}

/* What the side holds now: the row, and for columns that it does not have what was known before.
   What is there already is used again, so that the state stores it once. */
static const struct rt_content *shown_content(struct look *look, const struct rt_content *seen)
{
    const struct rt_content *want = look->record->want;
    struct rt_content *shown = rt_content_copy(schema_of(look), seen, look->arena);
    bool is_seen = seen != NULL, is_want = want != NULL;

    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        if (rt_value_is_known(look->row->content->value[i]))
            shown->value[i] = look->row->content->value[i];
        is_seen = is_seen && is_same_text(shown->value[i], seen->value[i]);
        is_want = is_want && is_same_text(shown->value[i], want->value[i]);
    }
    return is_seen ? seen : is_want ? want : shown;
}

/* The first row of a record: nothing to compare with, so want is what the side shows and tells. */
static void apply_first(struct look *look)
{
    struct rt_content *want = rt_content_new(schema_of(look), look->arena);
    enum rt_side other = rt_side_other(look->side);

    for (size_t i = 0; i < schema_of(look)->content_count; i++)
        if (rt_record_flows_to(look->rules, look->record, schema_of(look)->content[i], other))
            want->value[i] = look->row->content->value[i];
    look->record->want = want;
    look->record->end[look->side].seen = shown_content(look, NULL);
    look->out->want_changed = true;
}

/* The side shows a longer text than it was said to be able to hold. */
static void raise_cuts(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];

    for (size_t i = 0; i < end->cut_count; i++) {
        size_t shown = rt_value_length(look->row->content->value[end->cuts[i].field]);

        if (shown > end->cuts[i].length)
            end->cuts[i].length = shown;
    }
}

/* It was due for neither side as one of them lacked it. */
static bool is_on_both_now(const struct look *look)
{
    return look->record->end[look->side].seen == NULL &&
           look->record->end[rt_side_other(look->side)].seen != NULL;
}

static void apply(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];
    bool is_found = is_on_both_now(look);

    look->want_before = look->record->want;
    note_replaced(look);
    look->was_read_only_edit = end->is_read_only_edit;
    end->is_read_only_edit = false;
    for (size_t i = 0; i < schema_of(look)->content_count; i++)
        merge_field(look, i);
    end->seen = shown_content(look, end->seen);
    raise_cuts(look);
    rt_merge_look_for_not_taken(look);
    if (look->out->want_changed)
        follow_trail(look);
    if (look->has_edit || look->has_conflict || is_found)
        look->record->not_due_until_edited = false;
}

/* The row is what we sent, cut short: noted as what the side shows, and waits for a person. */
static void apply_cut(struct look *look, int cut)
{
    struct rt_end *end = &look->record->end[look->side];

    look->reference = end->seen;
    for (size_t i = 0; i < schema_of(look)->content_count; i++)
        if (!is_two_way(look->rules, look->record, schema_of(look)->content[i]))
            merge_field(look, i);
    end->seen = shown_content(look, end->seen);
    rt_end_drop_sent(end, (size_t)cut + 1);
    end->is_cut = true;
    look->out->became_cut = true;
}

static void remember_look(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];
    const struct rt_row *row = look->row;

    end->look.stamp = row->stamp;
    if (row->modified_at != RT_NEVER)
        end->look.modified_at = row->modified_at;
    end->is_untimed = row->modified_at == RT_NEVER && end->look.modified_at != RT_NEVER;
    end->look.file = row->file;
    end->look.line = row->line;
    if (row->stamp >= end->flaw_stamp)
        end->flaw = RT_FLAW_NONE;
    end->is_excluded = false;
    end->is_passed_over = false;
    end->shows_other_id = row->id[rt_side_other(row->side)].len != 0;
    end->is_id_taken = end->is_id_taken && !end->shows_other_id;
}

static void give_birth(struct rt_record *record, const struct rt_row *row)
{
    record->born = row->side;
    record->born_file = row->file;
    record->born_line = row->line;
}

/* What an earlier baseline took a side to hold, nobody has seen there. */
static void drop_assumed(const struct rt_rules *rules, struct rt_record *record)
{
    for (int s = 0; s < 2; s++)
        if (rules->is_baseline && record->end[s].look.stamp == RT_NEVER)
            record->end[s].seen = NULL;
}

void rt_merge_observe(const struct rt_rules *rules, struct rt_record *record,
                      const struct rt_row *row, struct rt_arena *arena,
                      struct rt_observed *observed)
{
    struct look look = {.rules = rules,
                        .record = record,
                        .row = row,
                        .side = row->side,
                        .arena = arena,
                        .out = observed};
    bool is_new = record->want == NULL; /* nothing is known of it but its IDs */
    int cut;

    *observed = (struct rt_observed){0};
    if (is_stale(&look)) {
        observed->change = RT_CHANGE_STALE;
        if (observed->went_back)
            rt_end_set_flaw(&record->end[row->side], RT_FLAW_WENT_BACK, row->stamp);
        return;
    }
    if (is_new)
        give_birth(record, row);
    drop_assumed(rules, record);
    record->end[row->side].is_cut = rt_merge_is_still_cut(&look);
    cut = record->end[row->side].is_cut ? -1 : rt_merge_find_cut(&look);
    if (cut >= 0) {
        apply_cut(&look, cut);
    } else if (is_new) {
        apply_first(&look);
    } else if (!rt_merge_find_reference(&look)) {
        observed->change = RT_CHANGE_STALE;
        return;
    } else {
        apply(&look);
    }
    rt_merge_note_absence(&look);
    remember_look(&look);
    observed->change = judge(&look, is_new);
}
