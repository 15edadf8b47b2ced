/*
 * What the parts of merge share: merge.c (R2, R4), merge_version.c (R3, R7: which of our versions a
 * row shows, or should), merge_absence.c (R10) and merge_join.c (R1's joins, and what people
 * decide).  For them alone.
 */
#ifndef RT_MERGE_INTERNAL_H
#define RT_MERGE_INTERNAL_H

#include "lib/merge.h"

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
    bool has_conflict, has_edit, has_first, has_local, has_gone;
    bool was_read_only_edit;                    /* before this row */
    const struct rt_content *ours[RT_SENT_MAX]; /* versions under way that its file could show */
    size_t ours_count;
};

static inline const struct rt_schema *schema_of(const struct look *look)
{
    return look->rules->schema;
}

static inline bool is_two_way(const struct rt_rules *rules, const struct rt_record *record,
                              const struct rt_field *field)
{
    return rt_record_flow(rules, record, field) == RT_DIR_BOTH;
}

/* Adds a line to the record's story: at most three a field. */
void rt_merge_note(struct look *look, const struct rt_field *field, struct rt_value before,
                   struct rt_value after, const char *outcome);

#define RT_RESEND_MAX 2 /* R7: accepted by itself, twice at most */

/* ---- merge_version.c ---- */

/* R3: finds look->reference, and drops or distrusts the versions that the row settles.  False: the
   row shows what was there before a `confirm`, so it tells nothing new. */
bool rt_merge_find_reference(struct look *look);

/* The delta in the outbox that holds the record as the row shows it, or 0.  What the other side has
   edited since it was written is no conflict. */
int64_t rt_merge_find_waiting(const struct look *look);

/* Does the row show field i as it is in `from`? */
bool rt_merge_shows(const struct look *look, const struct rt_content *from, size_t i);

/* Does the row show in field i what one of our versions brought there, be it while a newer one is
   under way? */
bool rt_merge_is_ours(const struct look *look, size_t i);

/* The index of the newest version that the row could show, if it shows it but for texts that were
   cut short; -1. */
int rt_merge_find_cut(const struct look *look);

/* Does the row show the cut text that waits for a person, unchanged? */
bool rt_merge_is_still_cut(const struct look *look);

/* R7, once the row is what the side was seen to hold. */
void rt_merge_look_for_not_taken(struct look *look);

/* Does want differ from what the side was seen to hold, in a two-way field, or does it hold a
   one-way value that was not written for that side yet? */
bool rt_merge_is_behind(const struct rt_rules *rules, const struct rt_record *record,
                        enum rt_side side);

/* ---- merge_absence.c ---- */

/* R10: the row tells that the side has the record, or that it is deleted there. */
void rt_merge_note_absence(struct look *look);

/* ---- merge.c ---- */

void rt_merge_set_want(struct look *look, size_t i, struct rt_value value);

/* Both sides edited the field: the policy decides, or there is a conflict. */
void rt_merge_disagree(struct look *look, size_t i, const struct rt_value value[2],
                       bool is_first_seen);

#endif
