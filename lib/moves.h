/*
 * Files that leave the inbox when what they say is committed.  The folder is everybody's: another
 * file may be put in the place of one that was read, at any time, and must not go to the archive in
 * its place, unread.
 *
 *     hold    right after a file was read: a second, hidden name in the inbox keeps its bytes
 *     make    after the commit, and at each start: moves what was read; what has taken its name
 *             meanwhile stays, for the next run
 *
 * Where a file cannot have two names, or was written to in place, its size, time and digest tell
 * whether it is still what was read.
 */
#ifndef RT_MOVES_H
#define RT_MOVES_H

#include "lib/work.h"

/* `path`: of a file in the inbox that was `size` bytes when it was read.  RT_IO also if it is not
 * any more. */
int rt_moves_hold(const char *path, uint64_t size, struct rt_err *err) RT_MUST_CHECK;

/* The one wording for a file of the inbox that did not stand still.  Always -1. */
int rt_moves_changed(struct rt_err *err, const char *path);

/* Makes all moves that the state tells of.  May be repeated; the hidden names are left to
 * rt_spool_sweep. */
int rt_moves_make(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* Nothing was committed: the hidden names go.  What stays of them goes at the next start. */
void rt_moves_release(const char *profile);

#endif
