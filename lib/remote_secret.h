/*
 * Secrets come from a command that prints them or from a file that only its owner can read; never
 * from the command line or the settings, and never into a log.
 */
#ifndef RT_REMOTE_SECRET_H
#define RT_REMOTE_SECRET_H

#include "lib/err.h"
#include "lib/mem.h"

#include <stdint.h>

/* Runs a shell command in `folder` and takes the first line it prints, without its end.  RT_REFUSED
   when it fails, prints nothing or takes too long. */
int rt_secret_from_command(const char *command, const char *folder, int64_t until_ms,
                           struct rt_buf *secret, struct rt_err *err) RT_MUST_CHECK;

/* Is the file a regular one that belongs to us or to root, and that nobody else can read?
 * RT_REFUSED. */
int rt_secret_check_file(const char *path, struct rt_err *err) RT_MUST_CHECK;

/* Overwrites and frees. */
void rt_secret_clear(struct rt_buf *secret);

#endif
