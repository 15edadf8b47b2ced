/*
 * The state made again from the archive (invariant 7 of ARCHITECTURE.md).
 *
 * The journal tells what was done, in order: which files were taken in, what was emitted, handed
 * over and decided, under which settings, and when.  It is all done again, by the same code, into a
 * new file; what that code would write into the journal must be what is there, line by line, down
 * to the digests of the deltas.  So a rebuilt state is the state that was lost, or there is an
 * error that names the line where the two part.
 *
 *     no state, or a damaged one    everything is done again
 *     an older one (of a backup)    what came after it is done again, on a copy
 *     one that is up to date        nothing to do
 *
 * The new file takes the place of the old one in one step at the end; the old one stays beside it.
 * It can be killed at any time and run again.
 */
#ifndef RT_REBUILD_H
#define RT_REBUILD_H

#include "lib/err.h"
#include "lib/log.h"

#include <stdbool.h>
#include <stdint.h>

struct rt_rebuild_result {
    bool is_whole;     /* the state was up to date: nothing was done */
    bool is_continued; /* from the older state that was there */
    int64_t lines;     /* of the journal, done again */
    int64_t files, deltas;
    char *old; /* where the old state is, relative to the profile; NULL: there was none */
};

/* With the profile's lock held.  RT_STOPPED if the archive does not reach back, does not fit
   together, or comes out differently; then the profile is as it was.  Caller frees result->old. */
int rt_rebuild(const char *profile, int64_t now, const struct rt_log *log,
               struct rt_rebuild_result *result, struct rt_err *err) RT_MUST_CHECK;

#endif
