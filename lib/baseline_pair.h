/* Baseline: records that have no ID in common, but are the only ones that look the same on both
 * sides. */
#ifndef RT_BASELINE_PAIR_H
#define RT_BASELINE_PAIR_H

#include "lib/work.h"

/* Joins the records whose `fingerprint` fields are unique on both sides, as either side can hold
   them, whichever baseline read them.  *paired counts them. */
int rt_baseline_pair(struct rt_work *work, int64_t *paired, struct rt_err *err) RT_MUST_CHECK;

#endif
