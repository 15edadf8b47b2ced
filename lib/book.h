/*
 * Keeping the book: what the pure rules decided about a record is saved, told and listed here.
 * Finds records by their IDs, saves them with the digest of their last row, keeps the review list
 * and the record's story up to date.
 */
#ifndef RT_BOOK_H
#define RT_BOOK_H

#include "lib/identity.h"
#include "lib/merge.h"
#include "lib/work.h"

/* The records that a row's two IDs lead to, and what R1 says of it. */
struct rt_found {
    struct rt_record record[2]; /* by side of the ID; valid where at[s] is not NULL */
    struct rt_record *at[2];    /* the same record twice if both IDs lead to one */
    enum rt_identity verdict;
};

/* Looks up the ID of side `first` first, and the other one only if the record does not have it. */
int rt_book_find(struct rt_work *work, const struct rt_slice id[2], enum rt_side first,
                 struct rt_arena *arena, struct rt_found *found, struct rt_err *err) RT_MUST_CHECK;

/* The record that had this one's ID of `side` before, where the other side finds rows by it: 1 and
 * *before, which lives in the arena; 0: there is none, or not exactly one; -1. */
int rt_book_find_before(struct rt_work *work, const struct rt_record *record, enum rt_side side,
                        struct rt_arena *arena, struct rt_record *before,
                        struct rt_err *err) RT_MUST_CHECK;

/* What is the record called on that side now that was called so before?  The other side was told
 * the old one, and that is what comes back from there; is_lone: with the ID that is not known yet
 * of an insert.  1: *id is the one it has now; 0, -1. */
int rt_book_find_renamed(struct rt_work *work, enum rt_side side, bool is_lone, struct rt_slice *id,
                         struct rt_arena *arena, struct rt_err *err) RT_MUST_CHECK;

/* Rows that a person must decide about, as JSON, and the kind of the item that has them. */
struct rt_question {
    enum rt_kind kind;
    const char *rows;
};

/* Saves a record, keeps its review items, and marks it touched. */
int rt_book_save(struct rt_work *work, struct rt_record *record, struct rt_err *err) RT_MUST_CHECK;

/* The same, with what the rows of a file brought: `print` as for rt_store_save, and a question.
 * Either may be NULL. */
int rt_book_save_rows(struct rt_work *work, struct rt_record *record,
                      const struct rt_digest *const print[2], const struct rt_question *question,
                      struct rt_err *err) RT_MUST_CHECK;

/* The record's own item of that kind.  1: it is open; 0, -1. */
int rt_book_open_item(struct rt_work *work, const struct rt_record *record, enum rt_kind kind,
                      struct rt_arena *arena, struct rt_item *item,
                      struct rt_err *err) RT_MUST_CHECK;

/* The row of an item that stands by itself, from a file of this stamp, is a question about this
   record from now on.  1: it is, or was before; 0: the record waits for another answer about that
   side; -1. */
int rt_book_ask(struct rt_work *work, struct rt_record *record, const struct rt_item *item,
                int64_t stamp, struct rt_err *err) RT_MUST_CHECK;

/* Writes a line of the record's story: what a row was, and which fields changed. */
int rt_book_tell(struct rt_work *work, const struct rt_record *record, const struct rt_row *row,
                 const struct rt_observed *observed, struct rt_err *err) RT_MUST_CHECK;

/* The same of what another record had been shown to hold on that side; nothing, if no field
 * changed.
 */
int rt_book_tell_merged(struct rt_work *work, const struct rt_record *record, enum rt_side side,
                        const struct rt_observed *observed, struct rt_err *err) RT_MUST_CHECK;

/* A line of the story that is not about a row; `text` is put into the detail, NULL for none. */
int rt_book_note(struct rt_work *work, const struct rt_record *record, int side, const char *what,
                 const char *text, struct rt_err *err) RT_MUST_CHECK;

/* The rows that somebody has to decide about, as JSON, by kind of item; NULL: none. */
struct rt_questions {
    const char *rows[RT_KIND_COUNT];
};

/* What the record's open items ask about rows; they live in the arena. */
int rt_book_questions(struct rt_work *work, const struct rt_record *from, struct rt_arena *arena,
                      struct rt_questions *questions, struct rt_err *err) RT_MUST_CHECK;
/* Removes a record whose part another one takes over: its story goes on there, and its questions
 * about rows, which live in the arena, once rt_book_take_over saves the other one. */
int rt_book_remove(struct rt_work *work, struct rt_record *from, int64_t into,
                   struct rt_arena *arena, struct rt_questions *questions,
                   struct rt_err *err) RT_MUST_CHECK;
int rt_book_take_over(struct rt_work *work, struct rt_record *into,
                      const struct rt_questions *questions, struct rt_err *err) RT_MUST_CHECK;

/* R1: makes one record of two; `from` is gone afterwards.  Saves, tells, and journals nothing. */
int rt_book_join(struct rt_work *work, struct rt_record *into, struct rt_record *from,
                 struct rt_arena *arena, struct rt_observed *observed,
                 struct rt_err *err) RT_MUST_CHECK;

#endif
