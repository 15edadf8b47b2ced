/*
 * A file that the program makes for people, at a path that they name: whole or not at all, in the
 * place of the one that was made before.
 */
#ifndef RT_PUBLISH_H
#define RT_PUBLISH_H

#include "lib/err.h"
#include "lib/slice.h"

/*
 * Writes `bytes` to `path`.  A regular file there is replaced, and its permissions kept, if it is
 * empty or has `mark` within its first 4 KiB: it is an earlier one.  Anything else that is there is
 * not ours to replace (RT_USAGE); a link is followed; a pipe or device is written to.  RT_IO.
 */
int rt_publish(const char *path, struct rt_slice bytes, const char *mark,
               struct rt_err *err) RT_MUST_CHECK;

/* RT_USAGE if the path does not end with the name of a file. */
int rt_publish_check_name(const char *path, struct rt_err *err) RT_MUST_CHECK;

/* The same questions for what is written in another way: the name of a file, and nothing there, or
 * a regular file that is empty or has the mark?  RT_USAGE: no. */
int rt_publish_may_replace(const char *path, const char *mark, struct rt_err *err) RT_MUST_CHECK;

#endif
