#include "lib/merge.h"

#include "lib/digest.h"

const char *rt_change_name(enum rt_change change)
{
    static const char *const names[RT_CHANGE_COUNT] = {
        "rejected", "repeated", "clash",   "stale", "excluded", "suspected",
        "conflict", "new",      "changed", "local", "echo",     "unchanged"};

    return names[change];
}

/* What one observation works on. */
struct look {
    const struct rt_rules *rules;
    struct rt_record *record;
    const struct rt_row *row;
    enum rt_side side;
    struct rt_arena *arena;
    struct rt_observed *out;
    const struct rt_content *reference; /* what the side's user started from; NULL: nothing known */
    const struct rt_content *want_before;
    struct rt_content *want; /* the record's new want, once a field of it has changed */
    bool has_conflict, has_edit, has_local;
    bool was_read_only_edit; /* before this row */
};

static const struct rt_schema *schema_of(const struct look *look)
{
    return look->rules->schema;
}

static struct rt_value value_in(const struct rt_content *content, size_t field)
{
    return content ? content->value[field] : (struct rt_value){{NULL, 0}, RT_FROM_UNKNOWN};
}

static bool is_two_way(const struct rt_rules *rules, const struct rt_record *record,
                       const struct rt_field *field)
{
    return rt_record_flow(rules, record, field) == RT_DIR_BOTH;
}

static void note(struct look *look, const struct rt_field *field, struct rt_value before,
                 struct rt_value after, const char *outcome)
{
    struct rt_observed *out = look->out;

    if (out->changes ==
        NULL) /* a field has at most three notes: what was edited, replaced, unseen */
        out->changes = rt_arena_alloc(look->arena, 4 * (schema_of(look)->content_count + 1) *
                                                       sizeof *out->changes);
    out->changes[out->change_count++] = (struct rt_field_change){
        .field = field, .before = before, .after = after, .outcome = outcome};
}

/* ---- R3: the reference ---- */

/* Could a file of this stamp show the version?  A file cannot show what came later. */
static bool can_show(const struct rt_version *version, int64_t stamp)
{
    return version->handed != RT_NEVER && version->handed <= stamp &&
           (version->until == RT_NEVER || stamp < version->until);
}

/* Has the other end had its time (import_lag) to import it before a file of this stamp? */
static bool is_late(const struct look *look, const struct rt_version *version)
{
    return version->gone != RT_NEVER &&
           version->gone + look->rules->config->import_lag <= look->row->stamp;
}

/* In how many two-way fields does the row differ from this content? */
static size_t distance(const struct look *look, const struct rt_content *from)
{
    size_t n = 0;

    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];

        if (is_two_way(look->rules, look->record, field) &&
            !rt_record_holds_same(look->record, field, look->side, look->row->content->value[i],
                                  from->value[i]))
            n++;
    }
    return n;
}

/* Is the row equal to a version in all fields that flow to the side? */
static bool shows_version(const struct look *look, const struct rt_version *version)
{
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];
        struct rt_value sent = version->content->value[i];

        if (rt_record_flows_to(look->rules, look->record, field, look->side) &&
            rt_value_is_known(sent) &&
            !rt_record_holds_same(look->record, field, look->side, look->row->content->value[i],
                                  sent))
            return false;
    }
    return true;
}

/* Two-way fields from the version, the others from what the side was seen to hold. */
static const struct rt_content *reference_from(struct look *look, const struct rt_content *version)
{
    const struct rt_content *seen = look->record->end[look->side].seen;
    struct rt_content *mixed = rt_content_copy(schema_of(look), seen, look->arena);

    for (size_t i = 0; i < schema_of(look)->content_count; i++)
        if (is_two_way(look->rules, look->record, schema_of(look)->content[i]) &&
            rt_value_is_known(version->value[i]))
            mixed->value[i] = version->value[i];
    return mixed;
}

void rt_record_drop_sent(struct rt_end *end, size_t count)
{
    memmove(end->sent, end->sent + count, (end->sent_count - count) * sizeof *end->sent);
    end->sent_count -= count;
}

static void clear_not_taken(struct rt_end *end)
{
    end->not_taken_count = 0;
    end->resends = 0;
}

/* The newest version that the row shows whole, or -1. */
static int find_shown(const struct look *look)
{
    const struct rt_end *end = &look->record->end[look->side];

    for (int i = (int)end->sent_count - 1; i >= 0; i--)
        if (can_show(&end->sent[i], look->row->stamp) && shows_version(look, &end->sent[i]))
            return i;
    return -1;
}

/* The version with the fewest differing two-way fields; -1: what was seen; -2: nothing to compare
   with. Ties: a version handed over more than import_lag before the stamp, then seen, then the
   newest. */
static int find_nearest(const struct look *look, size_t *differing)
{
    const struct rt_end *end = &look->record->end[look->side];
    int best = -2, best_class = 3;
    size_t best_distance = 0;

    if (end->seen != NULL) {
        best = -1;
        best_class = 1;
        best_distance = distance(look, end->seen);
    }
    for (int i = (int)end->sent_count - 1; i >= 0; i--) {
        const struct rt_version *v = &end->sent[i];
        int class = is_late(look, v) ? 0 : 2;
        size_t d;

        if (!can_show(v, look->row->stamp))
            continue;
        d = distance(look, v->content);
        if (best == -2 || d < best_distance || (d == best_distance && class < best_class)) {
            best = i;
            best_class = class;
            best_distance = d;
        }
    }
    *differing = best_distance;
    return best;
}

/* An edit on top of a version of ours: it was there, and nothing proves that they saw all of it. */
static void edited_over(struct look *look, int nearest, size_t differing)
{
    struct rt_end *end = &look->record->end[look->side];
    const struct rt_content *version = end->sent[nearest].content;

    clear_not_taken(end);
    if (differing)
        for (int i = 0; i <= nearest; i++)
            end->sent[i].is_trusted = false;
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];

        if (is_two_way(look->rules, look->record, field) &&
            !rt_record_holds_same(look->record, field, look->side, look->row->content->value[i],
                                  version->value[i]))
            note(look, field, version->value[i], look->row->content->value[i], "unseen");
    }
}

/* Finds look->reference, and drops or distrusts the versions that the row settles.  False: the row
   shows what was there before a `confirm`, so it tells nothing new. */
static bool find_reference(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];
    int shown = find_shown(look), nearest;
    size_t differing;

    if (shown >= 0 && end->sent[shown].delta == 0)
        return false;
    if (shown >= 0) {
        look->reference = reference_from(look, end->sent[shown].content);
        look->out->confirmed = end->sent[shown].delta;
        rt_record_drop_sent(end, (size_t)shown + 1);
        clear_not_taken(end);
        return true;
    }
    look->reference = end->seen;
    if (end->seen != NULL && distance(look, end->seen) == 0)
        return true;
    nearest = find_nearest(look, &differing);
    if (nearest >= 0) {
        look->reference = reference_from(look, end->sent[nearest].content);
        edited_over(look, nearest, differing);
    }
    return true;
}

/* ---- R4: merge ---- */

void rt_record_set_want(const struct rt_rules *rules, struct rt_record *record, size_t field,
                        struct rt_value value, struct rt_arena *arena)
{
    struct rt_content *want = rt_content_copy(rules->schema, record->want, arena);

    want->value[field] = value;
    record->want = want;
}

static void set_want(struct look *look, size_t i, struct rt_value value)
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
    look->has_conflict = true;
}

/* Which side's value does `conflict = newest` choose?  -1: it cannot be told, a person decides. */
static int newest_side(const struct look *look)
{
    int64_t here = look->row->modified_at;
    int64_t there = look->record->end[rt_side_other(look->side)].look.modified_at;

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

static void disagree(struct look *look, size_t i, const struct rt_value value[2],
                     bool is_first_seen)
{
    const struct rt_field *field = schema_of(look)->content[i];
    int wins = winner(look);
    enum rt_side other = rt_side_other(look->side);

    if (wins < 0) {
        open_conflict(look, i, value, is_first_seen);
        note(look, field, value[other], value[look->side],
             is_first_seen ? "first-seen" : "conflict");
        return;
    }
    note(look, field, value[other], value[look->side], wins == (int)look->side ? "won" : "lost");
    look->has_edit = true;
    if (wins == (int)look->side)
        set_want(look, i, value[look->side]);
}

/* A later value of a side in a conflict replaces its earlier one; equal values close it. */
static void conflict_again(struct look *look, struct rt_conflict *conflict, struct rt_value value)
{
    const struct rt_field *field = schema_of(look)->content[conflict->field];
    struct rt_value before = conflict->value[look->side];
    enum rt_side other = rt_side_other(look->side);

    conflict->value[look->side] = value;
    note(look, field, before, value, "conflict");
    look->has_edit = true;
    if (rt_value_is_same(field, look->side, value, conflict->value[other])) {
        set_want(look, conflict->field, conflict->value[other]);
    } else if (rt_value_is_same(field, other, value, conflict->value[other])) {
        set_want(look, conflict->field, value);
    } else {
        look->has_conflict = true;
        return;
    }
    close_conflict(look->record, conflict);
}

/* A two-way field that the side edited: its value differs from the reference. */
static void merge_edit(struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value value = look->row->content->value[i];
    struct rt_value before = value_in(look->reference, i), want = value_in(look->record->want, i);
    struct rt_conflict *conflict = find_conflict(look->record, i);
    struct rt_value both[2];

    if (conflict != NULL) {
        conflict_again(look, conflict, value);
    } else if (!rt_value_is_known(want) ||
               (look->reference &&
                rt_record_holds_same(look->record, field, look->side, before, want))) {
        note(look, field, before, value, "taken");
        set_want(look, i, value);
        look->has_edit = true;
    } else if (rt_value_is_same(field, look->side, want, value)) {
        if (look->reference == NULL || !rt_value_is_known(before))
            return;
        note(look, field, before, value, "equal");
        look->has_edit = true;
    } else if (rt_value_is_same(field, rt_side_other(look->side), want, value)) {
        note(look, field, want, value, "taken"); /* the same there: the richer value is kept */
        set_want(look, i, value);
        look->has_edit = true;
    } else {
        both[look->side] = value;
        both[rt_side_other(look->side)] = want;
        disagree(look, i, both,
                 look->rules->is_baseline ||
                     (look->reference != NULL && !rt_value_is_known(before)));
    }
}

/* A one-way field on its source side: that side alone decides. */
static void follow_source(struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value value = look->row->content->value[i], want = value_in(look->record->want, i);

    if (rt_value_is_known(want) && rt_value_is_same(field, look->side, want, value))
        return;
    note(look, field, value_in(look->reference, i), value, "taken");
    set_want(look, i, value);
    look->has_edit = true;
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
    struct rt_value value = look->row->content->value[i], before = value_in(end->seen, i);
    struct rt_value given = value_in(end->given, i), want = value_in(look->record->want, i);
    bool is_read_only = field->direction == RT_DIR_BOTH;

    if (is_read_only && rt_value_is_known(want) &&
        !rt_value_is_same(field, look->side, value, want) &&
        !(rt_value_is_known(given) && rt_value_is_same(field, look->side, value, given)))
        end->is_read_only_edit = end->is_read_only_edit || look->was_read_only_edit ||
                                 !rt_value_is_known(before) ||
                                 !rt_value_is_same(field, look->side, value, before);
    if (rt_value_is_known(given) && rt_value_is_same(field, look->side, value, given))
        return;
    if (end->seen == NULL || !rt_value_is_known(before) ||
        rt_value_is_same(field, look->side, value, before))
        return;
    note(look, field, before, value, is_read_only ? "read-only" : "local");
    look->has_local = true;
    if (!rt_value_is_known(given))
        keep_given(look, i, before);
}

static void merge_field(struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value value = look->row->content->value[i];
    struct rt_value before = value_in(look->reference, i);

    if (!rt_value_is_known(value))
        return; /* the side has no such column */
    if (!rt_record_flows_to(look->rules, look->record, field, rt_side_other(look->side))) {
        note_local(look, i);
        return;
    }
    if (look->reference != NULL && rt_value_is_known(before) &&
        rt_record_holds_same(look->record, field, look->side, value, before))
        return;
    if (is_two_way(look->rules, look->record, field))
        merge_edit(look, i);
    else
        follow_source(look, i);
}

/* Taken for our own delivery, and about to be replaced: it could be a user's set-back, so note it.
 */
static void note_replaced(struct look *look)
{
    const struct rt_content *seen = look->record->end[look->side].seen, *want = look->record->want;

    if (look->reference == NULL || seen == NULL || want == NULL)
        return;
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];
        struct rt_value value = look->row->content->value[i];

        if (is_two_way(look->rules, look->record, field) &&
            rt_value_is_same(field, look->side, value, look->reference->value[i]) &&
            !rt_value_is_same(field, look->side, value, seen->value[i]) &&
            !rt_value_is_same(field, look->side, value, want->value[i]))
            note(look, field, value, want->value[i], "replaced");
    }
}

/* ---- R7: not taken ---- */

/* Versions that should be there by now and are not: not imported, or set back.  True if there is
 * one. */
static bool give_up_late(const struct look *look, const struct rt_content **newest, int64_t *delta)
{
    struct rt_end *end = &look->record->end[look->side];
    bool any = false;

    for (size_t i = 0; i < end->sent_count; i++) {
        struct rt_version *v = &end->sent[i];

        if (!v->is_trusted || !can_show(v, look->row->stamp) || !is_late(look, v))
            continue;
        v->is_trusted = false;
        *newest = v->content;
        *delta = v->delta;
        any = true;
    }
    return any;
}

/* Does want differ from what the side was seen to hold? */
static bool wants_more(const struct rt_rules *rules, const struct rt_record *record,
                       enum rt_side side)
{
    const struct rt_content *want = record->want, *seen = record->end[side].seen;

    for (size_t i = 0; want != NULL && seen != NULL && i < rules->schema->content_count; i++) {
        const struct rt_field *field = rules->schema->content[i];

        if (is_two_way(rules, record, field) && rt_value_is_known(want->value[i]) &&
            !rt_record_holds_same(record, field, side, seen->value[i], want->value[i]))
            return true;
    }
    return false;
}

#define RESEND_MAX 2 /* R7: accepted by itself, twice at most */

static void look_for_not_taken(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];
    const struct rt_content *sent = NULL;
    struct rt_missing_value *missing;
    size_t n = 0;

    if (!give_up_late(look, &sent, &end->not_taken_delta) ||
        !wants_more(look->rules, look->record, look->side))
        return;
    if (look->rules->config->resend && end->resends < RESEND_MAX) {
        end->resends++;
        look->out->resend = true;
        return;
    }
    missing = rt_arena_alloc(look->arena, (schema_of(look)->content_count + 1) * sizeof *missing);
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];

        if (is_two_way(look->rules, look->record, field) && rt_value_is_known(sent->value[i]) &&
            !rt_value_is_same(field, look->side, sent->value[i], end->seen->value[i]))
            missing[n++] = (struct rt_missing_value){i, sent->value[i]};
    }
    end->not_taken = missing;
    end->not_taken_count = n;
    look->out->not_taken = n > 0;
}

/* ---- `altered`: a first echo that is a strict prefix of what was sent ---- */

/* The newest version that the row could show, if it shows it but for texts that were cut short; -1.
   A version that it shows whole is an echo of that one. */
static int find_cut(const struct look *look)
{
    const struct rt_end *end = &look->record->end[look->side];
    const struct rt_version *v = NULL;
    bool any = false;

    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta && end->sent[i].is_trusted &&
            can_show(&end->sent[i], look->row->stamp))
            v = &end->sent[i];
    if (v == NULL || find_shown(look) >= 0 || (end->seen && distance(look, end->seen) == 0))
        return -1;
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];
        struct rt_value shown = look->row->content->value[i], sent = v->content->value[i];

        if (!rt_record_flows_to(look->rules, look->record, field, look->side) ||
            !rt_value_is_known(sent) ||
            rt_record_holds_same(look->record, field, look->side, shown, sent))
            continue;
        if (!rt_value_is_cut(field, look->side, shown, sent))
            return -1;
        any = true;
    }
    return any ? (int)(v - end->sent) : -1;
}

/* Does the row show the cut text that waits for a person, unchanged? */
static bool is_still_cut(const struct look *look)
{
    const struct rt_end *end = &look->record->end[look->side];

    for (size_t i = 0; end->is_cut && i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];
        struct rt_value shown = look->row->content->value[i];

        if (rt_record_flows_to(look->rules, look->record, field, look->side) &&
            rt_value_is_same(field, look->side, shown, end->seen->value[i]) &&
            rt_value_is_cut(field, look->side, shown, look->record->want->value[i]))
            return true;
    }
    return false;
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

static uint64_t want_digest(const struct look *look, const struct rt_content *want)
{
    struct rt_hasher *hasher = rt_hasher_new();
    struct rt_buf key = {0};
    struct rt_digest digest;

    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];

        if (!is_two_way(look->rules, look->record, field))
            continue;
        rt_buf_reset(&key);
        rt_value_key(field, RT_EXTERNAL, want->value[i], &key);
        rt_hasher_add(hasher, rt_buf_slice(&key));
    }
    digest = rt_hasher_end(hasher);
    rt_hasher_free(hasher);
    rt_buf_clear(&key);
    return digest.low ? digest.low : 1;
}

/* R8: a want that went A, B, A, B and would become A again. */
static void follow_trail(struct look *look)
{
    uint64_t *trail = look->record->trail, now;

    if (look->want_before == NULL)
        return; /* the first want: the trail begins when it changes */
    if (trail[RT_TRAIL_MAX - 1] == 0)
        trail[RT_TRAIL_MAX - 1] = want_digest(look, look->want_before);
    now = want_digest(look, look->record->want);
    if (trail[RT_TRAIL_MAX - 1] == now)
        return;
    look->record->is_flapping =
        trail[0] == now && trail[2] == now && trail[1] == trail[3] && trail[1] != 0;
    look->record->flap_allowed = false;
    memmove(trail, trail + 1, (RT_TRAIL_MAX - 1) * sizeof *trail);
    trail[RT_TRAIL_MAX - 1] = now;
}

void rt_merge_absent(const struct rt_rules *rules, struct rt_record *record, enum rt_side side,
                     enum rt_absence how)
{
    struct rt_end *end = &record->end[side];
    bool is_propagated = rules->config->side[side].deletes == RT_DELETES_PROPAGATE;

    if (end->absence != RT_PRESENT)
        return;
    end->absence = is_propagated ? RT_ABSENCE_DELETE : how;
    end->edit_vs_delete = wants_more(rules, record, side);
}

static void note_absence(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side],
                  *other = &look->record->end[rt_side_other(look->side)];

    if (look->row->is_deleted) {
        rt_merge_absent(look->rules, look->record, look->side, RT_DELETED);
        return;
    }
    if (end->absence != RT_PRESENT) {
        look->out->came_back = true;
        end->absence = RT_PRESENT;
        end->edit_vs_delete = false;
    }
    if (look->has_edit && other->absence != RT_PRESENT && other->absence != RT_ABSENCE_KEPT)
        other->edit_vs_delete = true;
}

static enum rt_change judge(const struct look *look, bool is_new)
{
    if (look->has_conflict)
        return RT_CHANGE_CONFLICT;
    if (is_new)
        return RT_CHANGE_NEW;
    if (look->has_edit || look->row->is_deleted || look->out->came_back)
        return RT_CHANGE_CHANGED;
    if (look->has_local)
        return RT_CHANGE_LOCAL;
    return look->out->confirmed ? RT_CHANGE_ECHO : RT_CHANGE_UNCHANGED;
}

static bool is_same_text(struct rt_value a, struct rt_value b)
{
    return a.from == b.from && rt_slice_is_equal(a.raw, b.raw);
}

/* What the side holds now: the row, and for columns that it does not have what was known before.  A
   content that is there already is used again, so that the state stores it once. */
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

/* The first row of a new record: nothing to compare with, so want is what the side shows and may
 * tell. */
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

static void apply(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];

    look->want_before = look->record->want;
    note_replaced(look);
    look->was_read_only_edit = end->is_read_only_edit;
    end->is_read_only_edit = false;
    for (size_t i = 0; i < schema_of(look)->content_count; i++)
        merge_field(look, i);
    end->seen = shown_content(look, end->seen);
    if (look->record->want == NULL)
        look->record->want = rt_content_new(schema_of(look), look->arena);
    look_for_not_taken(look);
    if (look->out->want_changed)
        follow_trail(look);
    if (look->has_edit || look->has_conflict)
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
    rt_record_drop_sent(end, (size_t)cut + 1);
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
    end->look.file = row->file;
    end->look.line = row->line;
    end->flaw = RT_FLAW_NONE;
    end->is_excluded = false;
    end->shows_other_id = row->id[rt_side_other(row->side)].len != 0;
}

void rt_merge_observe(const struct rt_rules *rules, struct rt_record *record,
                      const struct rt_row *row, bool is_new, struct rt_arena *arena,
                      struct rt_observed *observed)
{
    struct look look = {.rules = rules,
                        .record = record,
                        .row = row,
                        .side = row->side,
                        .arena = arena,
                        .out = observed};
    int cut;

    *observed = (struct rt_observed){0};
    if (is_stale(&look)) {
        observed->change = RT_CHANGE_STALE;
        if (observed->went_back)
            record->end[row->side].flaw = RT_FLAW_WENT_BACK;
        return;
    }
    record->end[row->side].is_cut = is_still_cut(&look);
    cut = record->end[row->side].is_cut ? -1 : find_cut(&look);
    if (cut >= 0) {
        apply_cut(&look, cut);
    } else if (is_new) {
        apply_first(&look);
    } else if (!find_reference(&look)) {
        observed->change = RT_CHANGE_STALE;
        return;
    } else {
        apply(&look);
    }
    note_absence(&look);
    remember_look(&look);
    observed->change = judge(&look, is_new);
}

/* ---- joins and decisions of people ---- */

static void append_sent(struct rt_end *into, const struct rt_end *from)
{
    for (size_t i = 0; i < from->sent_count; i++) {
        if (into->sent_count == RT_SENT_MAX)
            rt_record_drop_sent(into, 1);
        into->sent[into->sent_count++] = from->sent[i];
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
        set_want(look, i, native);
        return;
    }
    if (!is_two_way(look->rules, look->record, field) ||
        rt_value_is_same(field, RT_NATIVE, external, native))
        return;
    if (rt_value_is_same(field, RT_EXTERNAL, external, native))
        set_want(look, i,
                 native); /* the platform cannot hold the difference: keep the richer one */
    else
        disagree(look, i, both, look->rules->is_baseline);
}

void rt_merge_join(const struct rt_rules *rules, struct rt_record *into, struct rt_record *from,
                   struct rt_arena *arena, struct rt_observed *observed)
{
    struct rt_row row = {.side = RT_NATIVE, .modified_at = from->end[RT_NATIVE].look.modified_at};
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
    merged.sent_count = 0;
    append_sent(&merged, &into->end[RT_NATIVE]);
    append_sent(&merged, &from->end[RT_NATIVE]);
    if (merged.given == NULL || into->end[RT_NATIVE].given_delta > merged.given_delta) {
        merged.given = into->end[RT_NATIVE].given;
        merged.given_delta = into->end[RT_NATIVE].given_delta;
        merged.given_at = into->end[RT_NATIVE].given_at;
    }
    into->end[RT_NATIVE] = merged;
    append_sent(&into->end[RT_EXTERNAL], &from->end[RT_EXTERNAL]);
    if (into->end[RT_EXTERNAL].given == NULL)
        into->end[RT_EXTERNAL].given = from->end[RT_EXTERNAL].given;
    for (size_t i = 0; other != NULL && i < rules->schema->content_count; i++)
        join_field(&look, i, value_in(into->want, i), other->value[i]);
    into->is_held = into->is_held || from->is_held;
    into->is_suspect = false;
    into->not_due_until_edited = false; /* both sides hold it by now */
    observed->change = look.has_conflict                         ? RT_CHANGE_CONFLICT
                       : observed->want_changed || look.has_edit ? RT_CHANGE_CHANGED
                                                                 : RT_CHANGE_UNCHANGED;
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
    clear_not_taken(end);
    for (size_t f = 0; end->is_cut && f < rules->schema->content_count; f++)
        if (rt_value_is_cut(rules->schema->content[f], side, end->seen->value[f],
                            record->want->value[f]))
            rt_record_set_want(rules, record, f, end->seen->value[f], arena);
    end->is_cut = false;
}
