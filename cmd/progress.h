/*
 * One line on standard error that tells how far a long piece of work is, at what rate, and when it
 * will be done.  Only on a terminal; --no-progress and -q turn it off.
 */
#ifndef RT_PROGRESS_H
#define RT_PROGRESS_H

#include "cmd/cmd.h"

void rt_progress_show(struct rt_session *session, const struct rt_progress *progress);

/* Takes the line away, for what else is said. */
void rt_progress_clear(struct rt_session *session);

#endif
