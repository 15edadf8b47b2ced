/* What the files about decisions share.  For decide*.c and baseline*.c only. */
#ifndef RT_DECIDE_INTERNAL_H
#define RT_DECIDE_INTERNAL_H

#include "lib/book.h"
#include "lib/decide.h"

#include <jansson.h>

/* A journal line: `members` (taken over) behind "at" and "what". */
int rt_decide_journal(struct rt_work *work, const char *what, json_t *members,
                      struct rt_err *err) RT_MUST_CHECK;

/* Notes what is due for a record that is saved already. */
int rt_decide_note_due(struct rt_work *work, const struct rt_record *record,
                       struct rt_err *err) RT_MUST_CHECK;

/* Notes it for all that is due for a side, if no refused file blocks it any more. */
int rt_decide_note_unblocked(struct rt_work *work, enum rt_side side,
                             struct rt_err *err) RT_MUST_CHECK;

/* The record's IDs into `members`, or its number where it has none. */
void rt_decide_add_ids(json_t *members, const struct rt_record *record);

/* R5 again: nothing of what was written for the side is trusted to be there; of one delta, or of
   all (0).  False if there was nothing. */
bool rt_decide_distrust(struct rt_record *record, enum rt_side side, int64_t delta);

/* A row out of an item's detail; it and what it points to live in the arena.  A value that was
   written in another way than now is unknown. */
int rt_decide_read_row(const struct rt_work *work, const json_t *json, struct rt_arena *arena,
                       struct rt_row *row, struct rt_err *err) RT_MUST_CHECK;

/* Takes the row into account after all, whatever its modified_at says. */
int rt_decide_apply_row(struct rt_work *work, const struct rt_row *row, struct rt_arena *arena,
                        struct rt_err *err) RT_MUST_CHECK;

/* IDs of records that were given an answer about a row. */
struct rt_freed {
    json_t *ids; /* an array; NULL: none */
};

void rt_decide_free_up(struct rt_freed *freed, const struct rt_record *record);
void rt_decide_clear_freed(struct rt_freed *freed);

/* R9: rows in question that stand on the list by themselves, as their records waited for another
   answer: the records wait for them now. */
int rt_decide_ask_next(struct rt_work *work, const struct rt_freed *freed,
                       struct rt_err *err) RT_MUST_CHECK;

/* R1: makes one record of what the row's two IDs name; an ID that either had instead becomes a
   record of its own, which is not due until it is edited. */
int rt_decide_pair_as(struct rt_work *work, const struct rt_row *row, struct rt_arena *arena,
                      struct rt_err *err) RT_MUST_CHECK;

#endif
