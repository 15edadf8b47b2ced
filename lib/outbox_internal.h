/* What the files of the outbox share.  For outbox*.c only. */
#ifndef RT_OUTBOX_INTERNAL_H
#define RT_OUTBOX_INTERNAL_H

#include "lib/outbox.h"

/* outbox/SIDE of the profile, and the hidden name of a part; caller frees. */
char *rt_outbox_folder(const struct rt_work *work, enum rt_side side);
char *rt_outbox_hidden(int64_t delta, int64_t part);

/* Makes a part's bytes again from the state, under its hidden name.  RT_STOPPED if they are not the
 * same. */
int rt_outbox_render(struct rt_work *work, const struct rt_delta *delta,
                     const struct rt_delta_part *part, struct rt_err *err) RT_MUST_CHECK;

/* All parts of a delta, in an arena. */
struct rt_part_list {
    struct rt_delta_part *parts;
    size_t count;
};
int rt_outbox_list_parts(struct rt_work *work, int64_t delta, struct rt_arena *arena,
                         struct rt_part_list *list, struct rt_err *err) RT_MUST_CHECK;

/* All deltas that are in a state, in order. */
struct rt_delta_list {
    struct rt_delta *deltas;
    size_t count;
};
int rt_outbox_list_deltas(struct rt_work *work, enum rt_delta_state state, struct rt_arena *arena,
                          struct rt_delta_list *list, struct rt_err *err) RT_MUST_CHECK;

/* Journals that a delta was withdrawn, or a header accepted (delta 0): "withdraw", "accept-header".
 */
int rt_outbox_journal(struct rt_work *work, const char *what, const struct rt_delta *delta,
                      struct rt_err *err) RT_MUST_CHECK;

/* RT_STOPPED if this header is not the one of the side's first handed-over delta. */
int rt_outbox_check_header(struct rt_work *work, enum rt_side side, struct rt_slice header,
                           struct rt_err *err) RT_MUST_CHECK;
/* The header that a side's deltas have now; and to lock one. */
int rt_outbox_header(struct rt_work *work, enum rt_side side, struct rt_buf *out,
                     struct rt_err *err) RT_MUST_CHECK;
int rt_outbox_lock_header(struct rt_work *work, enum rt_side side, struct rt_slice header,
                          struct rt_err *err) RT_MUST_CHECK;

/* Does nothing hand its deltas over, so that others take them from the outbox? */
bool rt_outbox_is_taken_by_others(const struct rt_side_config *settings);

/* Is the file of a part that was not handed over gone from the outbox? */
bool rt_outbox_is_taken(const struct rt_work *work, const struct rt_delta *delta,
                        const struct rt_delta_part *part);

/* Notes a part as handed over at `at` and, with the last one, its delta; moves its file, which the
 * outbox has as `name`, to archive/out. */
int rt_outbox_handed(struct rt_work *work, struct rt_delta *delta, const struct rt_delta_part *part,
                     const char *name, int64_t at, struct rt_err *err) RT_MUST_CHECK;

/* Its side shows all rows of the part, which is noted as handed over in the same transaction: they
 * are not awaited any more. */
int rt_outbox_shown(struct rt_work *work, const struct rt_delta *delta,
                    const struct rt_delta_part *part, struct rt_err *err) RT_MUST_CHECK;

/* rt_outbox_handed for a delta that was handed over before, inside a transaction: `part`, or that
 * it begins (NULL).  `at`: when it began. */
int rt_outbox_handed_again(struct rt_work *work, struct rt_delta *delta,
                           const struct rt_delta_part *part, int64_t at,
                           struct rt_err *err) RT_MUST_CHECK;

/* RT_STOPPED if a later version of a row of it went out. */
int rt_outbox_check_later(struct rt_work *work, const struct rt_delta *delta,
                          struct rt_err *err) RT_MUST_CHECK;
/* Rows that would do harm: that were written as new, and that the loader would make once more; and
 * deletes that are not wanted any more. */
struct rt_doubt {
    int64_t made;      /* are there: their ID is known by now, and the loader would not find them */
    int64_t deleted;   /* are to stay: the delete was taken back, by a row or by a person */
    int64_t maybe;     /* may be there: another row is suspected to be it (R11); may be to stay: a
                          question `edit-vs-delete` is open (R10) */
    struct rt_err why; /* RT_STOPPED: about the first of them, one to be decided before others */
};
int rt_outbox_find_doubt(struct rt_work *work, const struct rt_row_range *range,
                         const struct rt_delta *delta, struct rt_doubt *doubt,
                         struct rt_err *err) RT_MUST_CHECK;

/* 1: the side shows all of these rows, as they were written; 0; -1. */
int rt_outbox_is_shown(struct rt_work *work, const struct rt_row_range *range,
                       const struct rt_delta *delta, struct rt_err *err) RT_MUST_CHECK;

/*
 * May a part be handed over, as far as the state tells?  With what speaks against it in *doubt.
 * Where nothing is left of that but to look whether its file is at the other end, and it is not,
 * push stops, but for the rest of a delta that was handed over in part: that cannot be taken back.
 */
enum rt_readiness { RT_PART_READY, RT_PART_SHOWN, RT_PART_STOPS, RT_PART_TOLD };
int rt_outbox_judge(struct rt_work *work, const struct rt_delta *delta,
                    const struct rt_delta_part *part, struct rt_doubt *doubt,
                    enum rt_readiness *readiness, struct rt_err *err) RT_MUST_CHECK;

/* rt_outbox_tell_stops of one delta. */
int rt_outbox_tell_stops_of(struct rt_work *work, const struct rt_delta *delta,
                            struct rt_err *err) RT_MUST_CHECK;

/* What was done of an earlier one that broke off; else 0 parts, and now. */
int rt_outbox_unfinished_again(struct rt_work *work, int64_t delta, int64_t *done, int64_t *at,
                               struct rt_err *err) RT_MUST_CHECK;

#endif
