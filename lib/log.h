/*
 * Messages on the way: what the library has to tell while it works, and how far it is.  The library
 * calls these; what happens with them (standard error, a progress bar, nothing) is decided in cmd/.
 * Nothing secret and no cell text may go in: IDs, file names, lines and counts only.
 */
#ifndef RT_LOG_H
#define RT_LOG_H

#include "lib/err.h"

#include <stdint.h>

enum rt_log_level { RT_LOG_WARN, RT_LOG_INFO, RT_LOG_DEBUG };

struct rt_log {
    void (*message)(void *context, enum rt_log_level level, const char *text);
    void (*progress)(void *context, const char *what, uint64_t done,
                     uint64_t total); /* total 0: not known */
    void *context;
};

/* A NULL log, or one without functions, swallows everything. */
void rt_log_warn(const struct rt_log *log, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_log_info(const struct rt_log *log, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_log_debug(const struct rt_log *log, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_log_progress(const struct rt_log *log, const char *what, uint64_t done, uint64_t total);

#endif
