/*
 * The outbox: how a delta becomes a file, gets its name, and is handed over.
 *
 * Before the commit the bytes of each part lie, fsynced, in outbox/SIDE/ under a hidden name made
 * from the delta's number; after it they are renamed to their own.  rt_outbox_finish does that, and
 * every other move of files that a commit decided; it runs after each commit and at the start of
 * each run, so whatever a kill left half way is finished first.  A part whose bytes were lost is
 * made again from the state: the same bytes, or an error.
 */
#ifndef RT_OUTBOX_H
#define RT_OUTBOX_H

#include "lib/remote.h"
#include "lib/work.h"

/* ---- writing a delta's parts, inside the transaction ---- */

struct rt_stage;

int64_t rt_outbox_parts(const struct rt_work *work, enum rt_side side, int64_t rows);

/* Begins the files of a delta.  Refuses names that the side forbids (RT_CONFIG). */
int rt_stage_open(struct rt_work *work, const struct rt_delta *delta, struct rt_stage **stage,
                  struct rt_err *err) RT_MUST_CHECK;
int rt_stage_add(struct rt_stage *stage, struct rt_slice row, struct rt_err *err) RT_MUST_CHECK;
int rt_stage_end(struct rt_stage *stage,
                 struct rt_err *err) RT_MUST_CHECK; /* all parts are durable, under hidden names */
void rt_stage_close(struct rt_stage *stage);

/* ---- the header lock ---- */

/* RT_STOPPED if the header that the side's next delta would have is not the one that is locked. */
int rt_outbox_check_next(struct rt_work *work, enum rt_side side, struct rt_err *err) RT_MUST_CHECK;

/* ---- after a commit, and at the start of every run that changes something ---- */

/*
 * Makes the moves that the state has decided: publishes committed deltas, empties the inbox of
 * files that were taken in, appends to the journal, removes what unfinished runs left.  With the
 * profile's lock held; opens a transaction of its own for what it finishes.
 */
int rt_outbox_finish(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* The same, but for what unfinished runs left: one push has thousands of commits, and folders of
 * thousands of files. */
int rt_outbox_carry_out(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* The part of it that is in the state: committed deltas are published, no move is left.  Inside a
 * transaction. */
int rt_outbox_note_published(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* Deltas of a side without `imports` count as handed over when their files are gone.  Inside a
 * transaction. */
int rt_outbox_notice_gone(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* Tells of deltas in the outbox that insert a record for a side whose ID for it is known by now, or
   where another row is suspected to be it, and of those that delete one that is to stay, or may be.
 */
int rt_outbox_tell_stops(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* The first delta for a side at which push stops, for its header or its rows (a look at the other
   end may tell that it was handed over); 0. */
int rt_outbox_stops_at(struct rt_work *work, enum rt_side side, int64_t *delta,
                       struct rt_err *err) RT_MUST_CHECK;

/* ---- handing over ---- */

struct rt_push_options {
    bool is_side[2];
    bool dry_run;
    bool accept_header;
    /* called for each part handed over (or that would be): delta number and name */
    void (*tell)(void *context, enum rt_side side, int64_t delta, const char *name);
    void *context;
};

/* Hands over what is in the outbox, in order; one part is finished before the next starts. */
int rt_outbox_push(struct rt_work *work, const struct rt_push_options *options,
                   struct rt_err *err) RT_MUST_CHECK;

/* A delta that was handed over, whole; else RT_USAGE with what to do. */
int rt_outbox_find_handed(struct rt_work *work, int64_t number, struct rt_arena *arena,
                          struct rt_delta *delta, struct rt_err *err) RT_MUST_CHECK;

/* The same bytes under a new name, which is told; refused if a later version of one of its rows
   went out.  What was given up of it is awaited again. */
int rt_outbox_again(struct rt_work *work, int64_t delta, const struct rt_push_options *options,
                    struct rt_err *err) RT_MUST_CHECK;

/* Takes a delta that was not handed over back out; its rows are due again.  Inside a transaction.
 */
int rt_outbox_withdraw(struct rt_work *work, int64_t delta, struct rt_err *err) RT_MUST_CHECK;

/* Path of a part's file in the outbox, relative to the profile; caller frees. */
char *rt_outbox_path(enum rt_side side, const char *name);

#endif
