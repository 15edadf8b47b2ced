/*
 * What people decide: pairs of IDs, deliveries that are known to have been taken or not, records
 * that are held, and the answers to the questions of the review list.
 *
 * Each function works inside the caller's transaction, saves what it changed with the record's
 * story and its review items, notes at once what is due because of it, and leaves a line in the
 * journal that says it by IDs, delta and file numbers, so that it can be done again from the
 * archive.  What cannot be done is RT_USAGE and changes nothing; the caller then gives the
 * transaction up.
 */
#ifndef RT_DECIDE_H
#define RT_DECIDE_H

#include "lib/csv_reader.h"
#include "lib/work.h"

/* Saves a record after a decision and notes what is due for it, so that the next emit looks at it.
 */
int rt_decide_save(struct rt_work *work, struct rt_record *record,
                   struct rt_err *err) RT_MUST_CHECK;

/* ---- deliveries ---- */

/* Takes a delta that was not handed over back out of the outbox; its rows are due again. */
int rt_decide_withdraw(struct rt_work *work, int64_t delta, int64_t *rows,
                       struct rt_err *err) RT_MUST_CHECK;

struct rt_delivery {
    int64_t rows;     /* of the delta */
    int64_t changed;  /* rows that the decision was about */
    int64_t known;    /* rows that the side was seen to hold, or that were decided before */
    int64_t newer;    /* rows that it was seen without since the hand-over: what was seen counts */
    bool is_repeated; /* confirmed already: nothing was done */
};

/*
 * It was imported: seen takes what the delta wrote, for each row of which nothing newer was
 * observed. What was seen before stays known for files stamped before now.  An insert into an
 * own-id side still waits for its ID.
 */
int rt_decide_confirm(struct rt_work *work, int64_t delta, struct rt_delivery *done,
                      struct rt_err *err) RT_MUST_CHECK;

/* It was not taken: its rows are due again, with the newest want.  What was sent stays known, in
   case that it arrives after all. */
int rt_decide_retry(struct rt_work *work, int64_t delta, struct rt_delivery *done,
                    struct rt_err *err) RT_MUST_CHECK;

/* The same for all that is under way for one record.  *versions: how many those were. */
int rt_decide_retry_record(struct rt_work *work, int64_t rid, int64_t *versions,
                           struct rt_err *err) RT_MUST_CHECK;

/* It is on its way again, the same bytes: what was given up of these rows of it, or did not show in
   time, is awaited as on the first day, and is not due. */
int rt_decide_await(struct rt_work *work, const struct rt_delta *delta,
                    const struct rt_row_range *rows, struct rt_err *err) RT_MUST_CHECK;

/* R12.  *changed: false if it was so already.  `reason` may be NULL. */
int rt_decide_hold(struct rt_work *work, int64_t rid, const char *reason, bool *changed,
                   struct rt_err *err) RT_MUST_CHECK;
int rt_decide_release(struct rt_work *work, int64_t rid, bool *changed,
                      struct rt_err *err) RT_MUST_CHECK;

/* A decision about the profile as a whole ("pause", "resume") into the journal; `reason` may be
 * NULL. */
int rt_decide_note(struct rt_work *work, const char *what, const char *reason,
                   struct rt_err *err) RT_MUST_CHECK;

/* What is there now is accepted (rt_profile_accept_schema); questions that cannot be answered under
 * it end. */
int rt_decide_accept_schema(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* ---- pairs of IDs ---- */

enum rt_bound {
    RT_BOUND,         /* learnt, or two records became one */
    RT_BOUND_BEFORE,  /* the two were a pair already */
    RT_BOUND_AHEAD,   /* no record has either ID yet: the pair is kept for when its rows come */
    RT_BOUND_REJECTED /* would break one-to-one, or is no ID */
};

/* Who said that two IDs are one record: for the story. */
enum rt_teller { RT_TOLD_BY_PERSON, RT_TOLD_BY_LOADER };

/* `why` says in words what stands against it, for REJECTED.  -1 only for failures. */
int rt_decide_bind(struct rt_work *work, const struct rt_slice pair[2], enum rt_teller teller,
                   enum rt_bound *outcome, struct rt_buf *why, struct rt_err *err) RT_MUST_CHECK;

struct rt_bind_counts {
    int64_t of[4]; /* by enum rt_bound */
};

/*
 * A crosswalk CSV: columns external_id and native_id, or the names of the ID fields where an ID has
 * several.  Lines that cannot be bound are told with file and line, and counted.  RT_DATA if it is
 * no such CSV.  `name` is for messages.
 */
int rt_decide_bind_csv(struct rt_work *work, const struct rt_source *source, const char *name,
                       enum rt_teller teller, struct rt_bind_counts *counts,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_decide_bind_file(struct rt_work *work, const char *path, struct rt_bind_counts *counts,
                        struct rt_err *err) RT_MUST_CHECK;

/* That side gave a record another ID. */
int rt_decide_rekey(struct rt_work *work, enum rt_side side, struct rt_slice from,
                    struct rt_slice to, struct rt_err *err) RT_MUST_CHECK;

/* ---- the review list ---- */

enum rt_verb { RT_VERB_ACCEPT, RT_VERB_DISMISS, RT_VERB_TAKE };

/* Decides an open item.  `side` counts for RT_VERB_TAKE only. */
int rt_decide_item(struct rt_work *work, const struct rt_item *item, enum rt_verb verb,
                   enum rt_side side, struct rt_err *err) RT_MUST_CHECK;

/* Opens and closes the `overdue` items: deltas that were handed over longer ago than `overdue`, and
   of which rows were not seen there yet. */
int rt_decide_note_overdue(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

#endif
