/*
 * What goes out: looks at every record that is due or was touched, decides for both sides, asks the
 * guards, and writes the deltas (R5, R6).
 *
 *     plan     decides; changes nothing but the list of what is due.  diff stops here.
 *     write    inside the same transaction: versions, delta rows, and the bytes under a hidden name
 *     commit   of the transaction, by the caller
 *     rt_outbox_finish   gives the files their names
 */
#ifndef RT_EMIT_H
#define RT_EMIT_H

#include "lib/plan.h"
#include "lib/work.h"

struct rt_emit_options {
    bool is_to[2];       /* --to; both: no choice */
    const int64_t *only; /* records of --only; count 0: all */
    size_t only_count;
    int64_t limit;       /* RT_NO_LIMIT */
    const char *approve; /* digest of a plan, or NULL */
    bool historical;
};

struct rt_plan_row {
    int64_t rid;
    enum rt_action action;
    bool is_noted; /* it is on the list of what is due */
};

struct rt_side_plan {
    struct rt_plan_row *rows; /* what will be written, in order */
    size_t count;
    int64_t due;     /* rows that could go now, before --limit: what the guard counts */
    int64_t deletes; /* those that a side's `deletes = propagate` sends on */
    int64_t waiting, review, excluded; /* open, but not to be sent now */
    struct rt_rid_set chosen;
    bool is_blocked;  /* a refused file of the side is undecided (R9): nothing is sent */
    char reason[160]; /* of the block */
};

struct rt_emit {
    struct rt_work *work;
    const struct rt_emit_options *options;
    struct rt_side_plan side[2];
    char digest[RT_DIGEST_HEX]; /* of the plan; "" until asked for */
    struct rt_delta written[2]; /* number 0: none */
};

void rt_emit_init(struct rt_emit *emit, struct rt_work *work,
                  const struct rt_emit_options *options);
void rt_emit_clear(struct rt_emit *emit);

/* Decides.  -1 only for failures. */
int rt_emit_plan(struct rt_emit *emit, struct rt_err *err) RT_MUST_CHECK;

/* For a single record, without a plan: notes which sides a refused file blocks, and tells what the
   rules, the blocks and the side's encoding say, before --only, --to and --limit. */
int rt_emit_note_blocks(struct rt_emit *emit, struct rt_err *err) RT_MUST_CHECK;
int rt_emit_judge(struct rt_emit *emit, const struct rt_record *record, enum rt_side side,
                  struct rt_decision *decision, struct rt_err *err) RT_MUST_CHECK;

/* What the plan says of one record and side, with everything that stands against it. */
int rt_emit_decide(struct rt_emit *emit, const struct rt_record *record, enum rt_side side,
                   struct rt_decision *decision, struct rt_err *err) RT_MUST_CHECK;

/* Rows of a plan that are not sent now but go later: they wait, or --limit left them out. */
int64_t rt_emit_later(const struct rt_side_plan *plan);

/* Computes emit->digest: over every row that these options, --limit among them, would write, and
   over what a snapshot lacks. */
int rt_emit_digest(struct rt_emit *emit, struct rt_err *err) RT_MUST_CHECK;

/* The guards, and the header lock: RT_STOPPED with what to do, for a guard with the plan's digest,
 * if the plan may not be carried out. */
int rt_emit_guard(struct rt_emit *emit, struct rt_err *err) RT_MUST_CHECK;

/* Writes the deltas: rows, versions, and bytes under hidden names in outbox/.  Brings the `overdue`
   items up to date. */
int rt_emit_write(struct rt_emit *emit, struct rt_err *err) RT_MUST_CHECK;

#endif
