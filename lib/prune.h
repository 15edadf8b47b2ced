/*
 * keep_archive: files leave the archive when they are older than that, counted from when they were
 * taken in or handed over.  The journal stays.  What the state does not know stays too: a person
 * has to look at it, as rebuild says.
 */
#ifndef RT_PRUNE_H
#define RT_PRUNE_H

#include "lib/work.h"

/* After the commit and rt_outbox_finish: nothing is to be moved there any more. */
int rt_prune_archive(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

#endif
