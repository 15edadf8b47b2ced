/*
 * Files that come in place of CSV: workbooks, archives, a web page instead of an export.  What such
 * a file breaks first as CSV says nothing to whoever sent it, so they are told by how they begin.
 */
#ifndef RT_NOT_CSV_H
#define RT_NOT_CSV_H

#include "lib/slice.h"

#define RT_NOT_CSV_HEAD ((size_t)64) /* bytes of a file's beginning that are enough */

/* Is this much of a file's beginning enough: the first line that is not blank, or so many bytes? */
bool rt_not_csv_is_enough(struct rt_slice head);

/* What it is and what to do; static.  NULL: it may be CSV. */
const char *rt_not_csv(struct rt_slice head);

#endif
