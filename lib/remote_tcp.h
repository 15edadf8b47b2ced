/*
 * A TCP connection with time limits.  Sockets are non-blocking, closed on exec, without Nagle's
 * delay, and given up by the kernel too when the peer is dead.  What fails here is RT_UNREACHABLE.
 */
#ifndef RT_REMOTE_TCP_H
#define RT_REMOTE_TCP_H

#include "lib/err.h"

#include <stdint.h>

/* `timeout_s` for each address, and never past deadline_ms.  The descriptor, or -1. */
int rt_tcp_connect(const char *host, int port, int64_t timeout_s, int64_t deadline_ms,
                   struct rt_err *err) RT_MUST_CHECK;

/* Waits for `events` of poll(2): 1 ready, 0 nothing until then, or a signal asks to stop, -1 errno.
 */
int rt_tcp_wait(int fd, short events, int64_t until_ms) RT_MUST_CHECK;

#endif
