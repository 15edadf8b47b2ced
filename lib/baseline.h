/*
 * The one-off start: both sides already hold this.  The files are taken in as agreed, nothing is
 * sent for what is equal, and the rest is told:
 *
 *     a two-way field differs    review `first-seen`
 *     ... with `prefer`          that side's value counts, and is due for the other one
 *     a one-way field differs    the receiving side's value is local
 *     ... with its source `prefer`red    it is due
 *     on one side only           not due until it is edited
 *     ... with `insert` of the side that lacks it    due
 *
 * Records pair by their IDs, then by `fingerprint` fields where those are unique on both sides.
 * With one file, the other side is taken to hold the same for all rows that have its ID; and for
 * the others where it does not show what it imported, and does not need its ID.
 */
#ifndef RT_BASELINE_H
#define RT_BASELINE_H

#include "lib/work.h"

struct rt_baseline_options {
    const char *path[2]; /* by side; NULL: no file of that side */
    int prefer, insert;  /* a side, or -1 */
    const char *report;  /* path of the CSV report, or NULL */
};

struct rt_baseline_result {
    int64_t agreed; /* records that both sides hold, without a difference */
    int64_t differing;
    int64_t only[2]; /* on that side only */
    int64_t paired;  /* by fingerprint */
    int64_t due[2];  /* for that side */
};

/* Inside the caller's transaction.  RT_USAGE if anything was ever handed over, or waits in the
   outbox; RT_DATA if a file is refused.  The report is written before it returns. */
int rt_baseline_run(struct rt_work *work, const struct rt_baseline_options *options,
                    struct rt_baseline_result *result, struct rt_err *err) RT_MUST_CHECK;

#endif
