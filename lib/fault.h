/*
 * Named steps, and the flag that asks the program to stop.
 *
 * Every step after which a kill would leave something half way has a name: RT_STEP("spool.rename").
 * In a build with RT_FAULTS (presets dev and asan) ROUNDTRIP_FAULT=N:kill ends the process at the
 * N-th step that it reaches, N:term asks it to stop there, N:ENOSPC (EIO, EMFILE, ECONNRESET) makes
 * that step fail; and ROUNDTRIP_STEPS=FILE appends the names in the order they were reached.  In a
 * release build a step costs nothing.
 *
 * SIGINT and SIGTERM set a flag; loops ask rt_stop_requested() at points where stopping is safe.
 */
#ifndef RT_FAULT_H
#define RT_FAULT_H

#include "lib/err.h"

#include <stdbool.h>

#ifdef RT_FAULTS
int rt_fault_step(const char *name); /* 0, or -1 with errno set when this step is to fail */
#define RT_STEP(name) rt_fault_step(name)
#else
#define RT_STEP(name) 0
#endif

void rt_stop_install(void); /* installs the handlers; ignores SIGPIPE and SIGXFSZ */
bool rt_stop_requested(void);

/* 0: there is something to read, or the end of it; RT_STOPPED if we are to stop instead. */
int rt_stop_wait(int fd, struct rt_err *err) RT_MUST_CHECK;

#endif
