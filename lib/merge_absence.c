#include "lib/merge_internal.h"

/* Gone there, by a delete of its own that is sent on or by one that we wrote. */
static bool is_delete_sent(const struct rt_end *end)
{
    return end->absence == RT_ABSENCE_DELETE || end->absence == RT_ABSENCE_TOLD;
}

void rt_merge_absent(const struct rt_rules *rules, struct rt_record *record, enum rt_side side,
                     enum rt_absence how)
{
    struct rt_end *end = &record->end[side], *other = &record->end[rt_side_other(side)];
    bool is_propagated = rt_record_deletes(rules, record, side) == RT_DELETES_PROPAGATE;

    if (end->absence != RT_PRESENT)
        return;
    end->absence = is_propagated ? RT_ABSENCE_DELETE : how;
    end->edit_vs_delete = other->absence == RT_PRESENT &&
                          (record->conflict_count > 0 || rt_merge_is_behind(rules, record, side));
    other->edit_vs_delete = false; /* gone on both sides: nothing is left to be inserted again */
}

/* Gone there before an edit had arrived. */
static bool is_behind(const struct look *look, const struct rt_end *other)
{
    return (other->absence == RT_MISSING || other->absence == RT_DELETED) &&
           rt_merge_is_behind(look->rules, look->record, rt_side_other(look->side));
}

/* The delete that is still wanted may not have been carried out yet when the file was written. */
static bool is_told_lately(const struct look *look, const struct rt_end *end,
                           const struct rt_end *other)
{
    return end->absence == RT_ABSENCE_TOLD && other->absence == RT_ABSENCE_DELETE &&
           (end->told_at == RT_NEVER ||
            look->row->stamp < end->told_at + look->rules->config->import_lag);
}

/* R7 of a delete: not carried out, or taken back.  It goes out again, or a person decides. */
static void delete_not_taken(struct look *look, struct rt_end *end, struct rt_end *other)
{
    if (other->absence != RT_ABSENCE_DELETE)
        return;
    if (look->rules->config->resend && end->resends < RT_RESEND_MAX)
        end->resends++;
    else
        other->edit_vs_delete = true;
}

/* The mark over which a person let an edit win: what takes it away may not have been there yet when
   the file was written. */
static bool is_overruled(const struct look *look, const struct rt_end *end)
{
    return end->is_marked && end->absence == RT_PRESENT &&
           (end->given_at == RT_NEVER ||
            look->row->stamp < end->given_at + look->rules->config->import_lag);
}

void rt_merge_note_absence(struct look *look)
{
    struct rt_end *end = &look->record->end[look->side],
                  *other = &look->record->end[rt_side_other(look->side)];
    bool was_told = end->absence == RT_ABSENCE_TOLD;

    if (look->row->is_deleted && is_overruled(look, end))
        return;
    if (look->row->is_deleted) {
        end->is_marked = true;
        look->has_gone = end->absence == RT_PRESENT;
        look->out->confirmed |= was_told;
        rt_merge_absent(look->rules, look->record, look->side, RT_DELETED);
        return;
    }
    if (end->absence == RT_PRESENT)
        end->is_marked = false;
    else if (!is_told_lately(look, end, other)) {
        look->out->came_back = true;
        rt_end_untell(end);
        if (was_told)
            delete_not_taken(look, end, other);
        if (!was_told && (is_delete_sent(other) || is_behind(look, other)))
            other->edit_vs_delete = true;
    }
    if ((look->has_edit || look->has_conflict) && other->absence != RT_PRESENT &&
        other->absence != RT_ABSENCE_KEPT)
        other->edit_vs_delete = true;
}
