/*
 * Messages on the way: what the library has to tell while it works, and how far it is.  The library
 * calls these; what happens with them (standard error, a progress bar, nothing) is decided in cmd/.
 * Nothing secret and no cell text may go in: IDs, file names, lines and counts only.
 */
#ifndef RT_LOG_H
#define RT_LOG_H

#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>

enum rt_log_level { RT_LOG_WARN, RT_LOG_INFO, RT_LOG_DEBUG };

enum rt_unit { RT_UNIT_BYTES, RT_UNIT_ROWS };

/* How far one piece of work is.  Who begins to tell also tells that it is over. */
struct rt_progress {
    const char *what; /* a name of at most a few words: a file, "writing" */
    enum rt_unit unit;
    uint64_t done, total; /* total 0: not known */
    bool is_over;
};

struct rt_log {
    void (*message)(void *context, enum rt_log_level level, const char *text);
    void (*progress)(void *context, const struct rt_progress *progress);
    void *context;
};

/* A NULL log, or one without functions, swallows everything. */
void rt_log_warn(const struct rt_log *log, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_log_info(const struct rt_log *log, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_log_debug(const struct rt_log *log, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_log_progress(const struct rt_log *log, struct rt_progress progress);

#endif
