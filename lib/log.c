#include "lib/log.h"

#include "lib/err.h"

#include <stdarg.h>
#include <stdio.h>

static void send(const struct rt_log *log, enum rt_log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void send(const struct rt_log *log, enum rt_log_level level, const char *fmt, va_list ap)
{
    char text[1024];

    if (log == NULL || log->message == NULL)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    rt_keep_to_one_line(text);
    log->message(log->context, level, text);
}

void rt_log_warn(const struct rt_log *log, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    send(log, RT_LOG_WARN, fmt, ap);
    va_end(ap);
}

void rt_log_info(const struct rt_log *log, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    send(log, RT_LOG_INFO, fmt, ap);
    va_end(ap);
}

void rt_log_debug(const struct rt_log *log, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    send(log, RT_LOG_DEBUG, fmt, ap);
    va_end(ap);
}

void rt_log_progress(const struct rt_log *log, struct rt_progress progress)
{
    if (log != NULL && log->progress != NULL)
        log->progress(log->context, &progress);
}
