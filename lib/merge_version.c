#include "lib/merge_internal.h"

#include "lib/filename.h"
#include "lib/plant.h"

/* ---- R3: the reference ---- */

/* Could the row's file show the version?  A file cannot show what came later; one whose name tells
   the day alone may be from any time of it. */
static bool can_show(const struct look *look, const struct rt_version *version)
{
    int64_t stamp = look->row->stamp;
    int64_t latest = stamp + rt_stamp_slack(look->rules->config->side[look->side].stamp);

    if (RT_PLANTED("single-base"))
        return false;
    return version->handed != RT_NEVER && version->handed <= latest &&
           (version->until == RT_NEVER || stamp < version->until);
}

/* Has the other end had its time (import_lag) to import it before a file of this stamp? */
static bool is_late(const struct look *look, const struct rt_version *version)
{
    return version->gone != RT_NEVER &&
           version->gone + look->rules->config->import_lag <= look->row->stamp;
}

/* What the side was seen to hold is as it was cut there: another beginning of our text is an edit.
 */
bool rt_merge_shows(const struct look *look, const struct rt_content *from, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];
    struct rt_value value = look->row->content->value[i], before = from->value[i];

    return from == look->record->end[look->side].seen
               ? rt_value_is_same(field, look->side, value, before)
               : rt_record_holds_same(look->record, field, look->side, value, before);
}

/* In how many two-way fields does the row differ from this content?  A value that is not known,
   since the field is new or was changed, tells nothing. */
static size_t distance(const struct look *look, const struct rt_content *from)
{
    size_t n = 0;

    for (size_t i = 0; i < schema_of(look)->content_count; i++)
        if (is_two_way(look->rules, look->record, schema_of(look)->content[i]) &&
            rt_value_is_known(from->value[i]) && !rt_merge_shows(look, from, i))
            n++;
    return n;
}

static bool shows_version(const struct look *look, const struct rt_version *version)
{
    return rt_record_shows(look->rules, look->record, look->side, look->row->content,
                           version->content);
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

/* The newest version that the row shows whole, or -1. */
static int find_shown(const struct look *look)
{
    const struct rt_end *end = &look->record->end[look->side];

    for (int i = (int)end->sent_count - 1; i >= 0; i--)
        if (can_show(look, &end->sent[i]) && shows_version(look, &end->sent[i]))
            return i;
    return -1;
}

/* A hand-over that seemed to fail may have put there what waits in the outbox. */
int64_t rt_merge_find_waiting(const struct look *look)
{
    const struct rt_end *end = &look->record->end[look->side];

    for (size_t i = end->sent_count; i-- > 0;)
        if (end->sent[i].handed == RT_NEVER && shows_version(look, &end->sent[i]))
            return end->sent[i].delta;
    return 0;
}

/* The version with the fewest differing two-way fields; -1: what was seen; -2: nothing to compare
   with. Ties: a version handed over more than import_lag before the stamp, unless a person gave it
   up, then seen, then the newest. */
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
        int class = is_late(look, v) && !v->is_given_up ? 0 : 2;
        size_t d;

        if (!can_show(look, v))
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

/* Was the version there before the row was edited?  It had its time to be imported, or the record
   is on that side by nothing else. One that may still come is not: a row can look like it. */
static bool was_there(const struct look *look, int sent)
{
    const struct rt_end *end = &look->record->end[look->side];

    return is_late(look, &end->sent[sent]) || (end->seen == NULL && sent == 0);
}

/* An edit on top of a version of ours, which is settled then as by an echo: the next edit starts
   from what was seen. Nothing proves that they saw all of the version, so that is noted. */
static void edited_over(struct look *look, int nearest, size_t differing)
{
    struct rt_end *end = &look->record->end[look->side];
    const struct rt_content *version = end->sent[nearest].content;

    rt_end_settle_not_taken(end);
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];

        if (is_two_way(look->rules, look->record, field) &&
            !rt_record_holds_same(look->record, field, look->side, look->row->content->value[i],
                                  version->value[i]))
            rt_merge_note(look, field, version->value[i], look->row->content->value[i], "unseen");
    }
    if (differing && was_there(look, nearest))
        rt_end_drop_sent(end, (size_t)nearest + 1);
    else if (differing)
        for (int i = 0; i <= nearest; i++)
            end->sent[i].is_trusted = false;
}

/* The version was to store the other side's ID, too, which the row has not. */
static bool lacks_its_id(const struct look *look, const struct rt_version *version)
{
    return look->rules->config->side[look->side].store_ids && version->has_other_id &&
           look->row->id[rt_side_other(look->side)].len == 0;
}

/* Is the row what was seen there before, while the version that it shows, or an older one of ours,
   may still come?  It may be from before an older one, such as when the side's own edit won against
   that; and from before one that tells nothing new but the other side's ID, if it lacks that.  Once
   they were dropped, they would look like an edit when they are there. */
static bool is_from_before(const struct look *look, int shown)
{
    const struct rt_end *end = &look->record->end[look->side];
    bool is_awaited = lacks_its_id(look, &end->sent[shown]);

    if (end->seen == NULL || is_late(look, &end->sent[shown]))
        return false;
    for (int i = 0; i < shown; i++)
        is_awaited = is_awaited || (end->sent[i].is_trusted && !is_late(look, &end->sent[i]) &&
                                    !shows_version(look, &end->sent[i]));
    for (size_t i = 0; is_awaited && i < schema_of(look)->content_count; i++)
        if (rt_record_flows_to(look->rules, look->record, schema_of(look)->content[i],
                               look->side) &&
            !rt_merge_shows(look, end->seen, i))
            return false;
    return is_awaited;
}

/* The side has all that was written last for it, also where a person said meanwhile that it be
   written again (`read-only`, dismissed): it is no edit of theirs, and is not due. */
static void take_as_written(struct look *look, int shown)
{
    struct rt_end *end = &look->record->end[look->side];
    const struct rt_content *version = end->sent[shown].content;
    struct rt_content *given = NULL;

    if (end->given == NULL || (size_t)shown + 1 < end->sent_count)
        return;
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];

        if (is_two_way(look->rules, look->record, field) || !rt_value_is_known(version->value[i]) ||
            rt_value_is_same(field, look->side, end->given->value[i], version->value[i]))
            continue;
        if (given == NULL)
            given = rt_content_copy(schema_of(look), end->given, look->arena);
        given->value[i] = version->value[i];
    }
    if (given != NULL)
        end->given = given;
}

static void list_ours(struct look *look)
{
    const struct rt_end *end = &look->record->end[look->side];

    for (size_t i = 0; i < end->sent_count; i++)
        if (can_show(look, &end->sent[i]))
            look->ours[look->ours_count++] = end->sent[i].content;
}

bool rt_merge_is_ours(const struct look *look, size_t i)
{
    const struct rt_field *field = schema_of(look)->content[i];

    if (!rt_record_flows_to(look->rules, look->record, field, look->side))
        return false;
    for (size_t k = 0; k < look->ours_count; k++) {
        struct rt_value sent = look->ours[k]->value[i];

        if (rt_value_is_known(sent) && rt_record_holds_same(look->record, field, look->side,
                                                            look->row->content->value[i], sent))
            return true;
    }
    return false;
}

/* Finds look->reference, and drops or distrusts the versions that the row settles.  False: the row
   shows what was there before a `confirm`, so it tells nothing new. */
bool rt_merge_find_reference(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];
    int shown = find_shown(look), nearest;
    size_t differing;

    list_ours(look);
    if (shown >= 0 && end->sent[shown].delta == 0)
        return false;
    if (shown >= 0 && !is_from_before(look, shown)) {
        look->reference = reference_from(look, end->sent[shown].content);
        look->out->confirmed = end->sent[shown].delta;
        if (end->sent[shown].has_other_id && is_late(look, &end->sent[shown]))
            end->is_id_taken = false; /* told in vain: it keeps no ID of ours */
        take_as_written(look, shown);
        rt_end_drop_sent(end, (size_t)shown + 1);
        rt_end_settle_not_taken(end);
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

/* ---- R7: not taken ---- */

/* Versions that should be there by now and are not: not imported, or set back.  True if there is
 * one. */
static bool give_up_late(const struct look *look, const struct rt_content **newest, int64_t *delta)
{
    struct rt_end *end = &look->record->end[look->side];
    bool any = false;

    for (size_t i = 0; i < end->sent_count; i++) {
        struct rt_version *v = &end->sent[i];

        if (!v->is_trusted || !can_show(look, v) || !is_late(look, v))
            continue;
        v->is_trusted = false;
        *newest = v->content;
        *delta = v->delta;
        any = true;
    }
    return any;
}

/* Does want differ from what the side was seen to hold, in a two-way field? */
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

bool rt_merge_is_behind(const struct rt_rules *rules, const struct rt_record *record,
                        enum rt_side side)
{
    const struct rt_content *want = record->want, *given = record->end[side].given,
                            *seen = record->end[side].seen;

    if (wants_more(rules, record, side))
        return true;
    for (size_t i = 0; want != NULL && seen != NULL && i < rules->schema->content_count; i++) {
        const struct rt_field *field = rules->schema->content[i];
        struct rt_value there =
            given != NULL && rt_value_is_known(given->value[i]) ? given->value[i] : seen->value[i];

        if (rt_record_flows_to(rules, record, field, side) && !is_two_way(rules, record, field) &&
            rt_value_is_known(want->value[i]) &&
            !rt_value_is_same(field, side, there, want->value[i]))
            return true;
    }
    return false;
}

void rt_merge_look_for_not_taken(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side];
    const struct rt_content *sent = NULL;
    struct rt_missing_value *missing;
    size_t n = 0;

    if (!give_up_late(look, &sent, &end->not_taken_delta) ||
        !wants_more(look->rules, look->record, look->side))
        return;
    if (look->rules->config->resend && end->resends < RT_RESEND_MAX) {
        end->resends++;
        look->out->resend = true;
        return;
    }
    missing = rt_arena_alloc(look->arena, (schema_of(look)->content_count + 1) * sizeof *missing);
    for (size_t i = 0; i < schema_of(look)->content_count; i++) {
        const struct rt_field *field = schema_of(look)->content[i];

        if (is_two_way(look->rules, look->record, field) && rt_value_is_known(sent->value[i]) &&
            !rt_record_holds_same(look->record, field, look->side, end->seen->value[i],
                                  sent->value[i]))
            missing[n++] = (struct rt_missing_value){i, sent->value[i]};
    }
    end->not_taken = missing;
    end->not_taken_count = n;
    look->out->not_taken = n > 0;
}

/* ---- `altered`: a first echo that is a strict prefix of what was sent ---- */

/* The newest version that the row could show, if it shows it but for texts that were cut short; -1.
   A version that it shows whole is an echo of that one. */
int rt_merge_find_cut(const struct look *look)
{
    const struct rt_end *end = &look->record->end[look->side];
    const struct rt_version *v = NULL;
    bool any = false;

    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta && end->sent[i].is_trusted && can_show(look, &end->sent[i]))
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
bool rt_merge_is_still_cut(const struct look *look)
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
