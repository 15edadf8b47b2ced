/*
 * Planted bugs, for one test only: it puts one in and looks whether the random histories, or the
 * power cuts, find it.
 *
 * RT_PLANTED("name") is 0, and leaves nothing in the program, but where RT_PLANT is defined: there
 * it is true if ROUNDTRIP_PLANTED=name is in the environment.  The bugs:
 *
 *     single-base       a row is compared with what was last seen, not with what we sent since (R3)
 *     one-in-flight     only the newest version that was sent is remembered (R5)
 *     absence-deletes   what a file of changes does not name counts as missing (R10)
 *     ledger-by-name    a file is known by its name, whatever its bytes (R2)
 *     pending-twice     an edit of a pending insert goes out before its ID is known (R6)
 *     no-fsync          files get their names before their bytes are durable
 *     no-folder-fsync   names are taken for durable without a word to the disk
 *     state-unsynced    SQLite does not wait for the disk
 *     file-first        a delta can be seen before the state that knows it is committed
 *     no-recovery       what was committed and not published is taken for published
 */
#ifndef RT_PLANT_H
#define RT_PLANT_H

#ifdef RT_PLANT
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool rt_planted(const char *name)
{
    const char *planted = getenv("ROUNDTRIP_PLANTED");

    return planted != NULL && strcmp(planted, name) == 0;
}
#define RT_PLANTED(name) rt_planted(name)
#else
#define RT_PLANTED(name) 0
#endif

#endif
