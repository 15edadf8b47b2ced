/*
 * Shell commands of the settings (transport = command): what they print is read, nothing is shown
 * to them but their arguments.  They run in the profile folder, in a process group of their own,
 * which is ended when the time is over or the program is asked to stop.  Their standard error is
 * ours.
 */
#ifndef RT_COMMAND_H
#define RT_COMMAND_H

#include "lib/err.h"
#include "lib/mem.h"

#include <stdint.h>

struct rt_command {
    const char *text;     /* for /bin/sh -c */
    const char *argument; /* its $1, or NULL */
    const char *folder;   /* where it runs */
    int64_t deadline_ms;  /* on rt_clock_monotonic_ms */
};

/* Called with each piece of what the command prints. */
typedef int rt_command_output(void *context, const char *bytes, size_t len, struct rt_err *err);

/* Runs it to its end.  RT_UNREACHABLE if it ends with another status than 0, or takes too long. */
int rt_command_run(const struct rt_command *command, rt_command_output *output, void *context,
                   struct rt_err *err) RT_MUST_CHECK;

#endif
