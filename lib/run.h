/*
 * One run of a command that changes the state: its line in the story (R14), and the two lines in
 * the journal between which everything that it did stands, so that a rebuild can do it again.
 */
#ifndef RT_RUN_H
#define RT_RUN_H

#include "lib/work.h"

/* Inside the transaction; sets work->run. */
int rt_run_begin(struct rt_work *work, const char *command, struct rt_err *err) RT_MUST_CHECK;
int rt_run_end(struct rt_work *work, int status, int64_t ended, struct rt_err *err) RT_MUST_CHECK;

#endif
