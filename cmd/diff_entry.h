/* What diff tells of one record: its IDs, what is done for each side, and why. */
#ifndef RT_DIFF_ENTRY_H
#define RT_DIFF_ENTRY_H

#include "lib/emit.h"

/* One thing to tell: a row's event, or a record that is due. */
struct rt_diff_entry {
    const char *side, *change;
    struct rt_slice id[2];
    struct rt_decision decision[2];
    char reason[400];
};

/* Fills in IDs, decisions and reason of the record.  side: whose row brought it up; -1: none.  The
 * IDs last as long as the arena. */
int rt_diff_entry_decide(struct rt_emit *emit, int64_t rid, int side, struct rt_arena *arena,
                         struct rt_diff_entry *entry, struct rt_err *err) RT_MUST_CHECK;

bool rt_diff_entry_is_none(const struct rt_diff_entry *entry); /* nothing is done for either side */

#endif
