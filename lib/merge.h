/*
 * Taking one row into account: R2 (staleness), R3 (which version did they edit?), R4 (merge), the
 * noticing half of R7 (not taken) and R8 (flapping); R1's joins, R10's absences, and the answers of
 * people that change what both sides should hold.  Pure.
 *
 * rt_merge_observe changes the record and tells what the row was and which fields changed; the
 * caller saves the record and keeps the story.  A row that must not be applied (stale) changes
 * nothing.
 */
#ifndef RT_MERGE_H
#define RT_MERGE_H

#include "lib/record.h"

/* R14, in this order: each row taken in is exactly one of these. */
enum rt_change {
    RT_CHANGE_REJECTED,
    RT_CHANGE_REPEATED,
    RT_CHANGE_CLASH,
    RT_CHANGE_STALE,
    RT_CHANGE_EXCLUDED,
    RT_CHANGE_SUSPECTED,
    RT_CHANGE_CONFLICT,
    RT_CHANGE_NEW,
    RT_CHANGE_CHANGED,
    RT_CHANGE_LOCAL,
    RT_CHANGE_ECHO,
    RT_CHANGE_UNCHANGED
};
#define RT_CHANGE_COUNT 12

const char *rt_change_name(enum rt_change change);

/* An incoming row, seen through the schema; borrowed until the next row. */
struct rt_row {
    enum rt_side side;
    struct rt_slice id[2];      /* by side; len 0: not there */
    struct rt_content *content; /* values of the fields that the side has; others unknown */
    int64_t modified_at;        /* RT_NEVER: not told */
    bool is_deleted;            /* marked so by a `deleted` field */
    int64_t stamp;              /* of its file */
    int64_t file, line;
};

/* What happened to one field. */
struct rt_field_change {
    const struct rt_field *field;
    struct rt_value before, after; /* after: as the side shows it */
    /* "taken", "equal", "conflict", "first-seen", "won" and "lost" (a conflict, by policy),
       "local", "read-only", "unseen" (ours, edited over), "replaced" */
    const char *outcome;
};

struct rt_observed {
    enum rt_change change;
    bool went_back; /* stale, and review went-back */
    bool want_changed;
    bool became_cut;                 /* review altered */
    bool not_taken;                  /* R7: newly not taken */
    bool resend;                     /* R7: newly not taken, and accepted by itself */
    bool came_back;                  /* was missing or deleted, and is there again */
    int64_t confirmed;               /* delta of the version that the row shows; 0: none */
    struct rt_field_change *changes; /* in the arena */
    size_t change_count;
};

/*
 * Takes `row` into account for `record` (R2, R3, R4, R7).  Identity (R1) is settled already: the
 * record has the IDs.  A record that nothing is known of is born with this row.  New contents live
 * in `arena`.
 */
void rt_merge_observe(const struct rt_rules *rules, struct rt_record *record,
                      const struct rt_row *row, struct rt_arena *arena,
                      struct rt_observed *observed);

/* R1, join: `from` becomes part of `into`; they have no common past, so each field that differs is
   decided as in R4.  `into` has the external ID, `from` the native one.  observed->change: what the
   join did; the row that caused it is the first in R14's order of this and its own. */
void rt_merge_join(const struct rt_rules *rules, struct rt_record *into, struct rt_record *from,
                   struct rt_arena *arena, struct rt_observed *observed);

/* R11: `suspect`, which one side showed, is the lost echo of an insert of `record`: what was seen
   of it is an observation of that. */
void rt_merge_echo(const struct rt_rules *rules, struct rt_record *record,
                   const struct rt_record *suspect, struct rt_arena *arena,
                   struct rt_observed *observed);

/* R10: the side does not have the record any more (RT_MISSING, or RT_DELETED where it said so).  An
   edit that had not arrived there is edit-vs-delete. */
void rt_merge_absent(const struct rt_rules *rules, struct rt_record *record, enum rt_side side,
                     enum rt_absence how);

/* Decides a conflict: want takes that side's value for every conflicting field, and the list is
 * emptied. */
void rt_merge_take(const struct rt_rules *rules, struct rt_record *record, enum rt_side side,
                   struct rt_arena *arena);

/* R7 and `altered`, dismissed: what the side shows for these fields is its edit. */
void rt_merge_shown_is_edit(const struct rt_rules *rules, struct rt_record *record,
                            enum rt_side side, struct rt_arena *arena);

/* `altered`, accepted: the side cannot hold more of these texts than it shows. */
void rt_merge_accept_cut(const struct rt_rules *rules, struct rt_record *record, enum rt_side side,
                         struct rt_arena *arena);

/* Sets one field of want, copying it first. */
void rt_record_set_want(const struct rt_rules *rules, struct rt_record *record, size_t field,
                        struct rt_value value, struct rt_arena *arena);

#endif
