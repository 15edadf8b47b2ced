/*
 * A side that cannot be reached does not keep the other one from its turn: its failure is kept
 * until the other side had that, and is then the failure of the whole.
 */
#ifndef RT_UNREACHED_H
#define RT_UNREACHED_H

#include "lib/err.h"
#include "lib/log.h"

#include <stdbool.h>

/* Zero-initialised: both sides were reached so far. */
struct rt_unreached {
    bool is_kept;
    struct rt_err err;
};

/* After a failure of one side.  0: it is kept, go on with the other side; -1: go no further, since
 * it is of another kind or the second one. */
int rt_unreached_keep(struct rt_unreached *unreached, const struct rt_err *err) RT_MUST_CHECK;

/* The result of the whole, where both sides had their turn with this result.  What is kept and not
 * returned is told as a warning. */
int rt_unreached_end(const struct rt_unreached *unreached, const struct rt_log *log, int rc,
                     struct rt_err *err) RT_MUST_CHECK;

#endif
