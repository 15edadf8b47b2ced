#include "cmd/diff_entry.h"

#include "lib/review.h"

#include <stdio.h>

/* Nothing is due of the record, but something is asked about it: what stands in the question would
 * go to the side that did not bring it up; a native edit that is read-only would be overwritten
 * there. */
static void tell_question(const struct rt_record *record, int side, struct rt_diff_entry *entry)
{
    enum rt_side to = rt_side_other((enum rt_side)side);

    for (int kind = 0; kind < RT_KIND_COUNT; kind++) {
        if (!(record->items & RT_KIND_BIT(kind)))
            continue;
        if (kind == RT_KIND_READ_ONLY)
            to = RT_NATIVE;
        entry->decision[to].action = RT_ACTION_REVIEW;
        snprintf(entry->reason, sizeof entry->reason, "%s", rt_kind_text((enum rt_kind)kind)->name);
        return;
    }
}

bool rt_diff_entry_is_none(const struct rt_diff_entry *entry)
{
    return entry->decision[0].action == RT_ACTION_NONE &&
           entry->decision[1].action == RT_ACTION_NONE;
}

int rt_diff_entry_decide(struct rt_emit *emit, int64_t rid, int side, struct rt_arena *arena,
                         struct rt_diff_entry *entry, struct rt_err *err)
{
    struct rt_record record;
    const char *why[2];

    if (rt_store_load(emit->work->store, rid, arena, &record, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++) {
        if (rt_emit_decide(emit, &record, (enum rt_side)s, &entry->decision[s], err) < 0)
            return -1;
        entry->id[s] = record.end[s].id;
        why[s] = entry->decision[s].reason;
    }
    if (*why[0] && *why[1])
        snprintf(entry->reason, sizeof entry->reason, "external: %s; native: %s", why[0], why[1]);
    else
        snprintf(entry->reason, sizeof entry->reason, "%s%s", why[0], why[1]);
    if (side >= 0 && rt_diff_entry_is_none(entry))
        tell_question(&record, side, entry);
    return 0;
}
