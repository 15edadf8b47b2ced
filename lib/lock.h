/*
 * The kernel lock on a profile: held by whoever changes it, gone with the process, so no stale
 * locks. An open-file-description lock (fcntl F_OFD_SETLK) on PROFILE/.lock, which stays; the
 * holder writes its process id and command into it, so that the second run can say who holds it.
 */
#ifndef RT_LOCK_H
#define RT_LOCK_H

#include "lib/err.h"

struct rt_lock;

/* Waits up to wait_seconds; then RT_BUSY and "held by process 4711 (roundtrip run) since ...". */
int rt_lock_open(const char *profile, const char *command, int wait_seconds, struct rt_lock **lock,
                 struct rt_err *err) RT_MUST_CHECK;
void rt_lock_close(struct rt_lock *lock);

#endif
