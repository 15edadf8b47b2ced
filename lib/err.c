#include "lib/err.h"

#include "lib/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rt_keep_to_one_line(char *text)
{
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        const unsigned char *p = (const unsigned char *)text;

        n = rt_utf8_length(p, left);
        if (n == 0 || rt_utf8_is_control(p, n)) {
            n = n > 0 ? n : 1;
            memset(text, '?', n);
        }
    }
}

int rt_err_set(struct rt_err *err, enum rt_code code, const char *fmt, ...)
{
    va_list ap;

    err->code = code;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    rt_keep_to_one_line(err->msg);
    return -1;
}

int rt_err_errno(struct rt_err *err, enum rt_code code, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    size_t len;

    err->code = code;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    rt_keep_to_one_line(err->msg);
    len = strlen(err->msg);
    snprintf(err->msg + len, sizeof err->msg - len, ": %s", strerror(saved));
    errno = saved;
    return -1;
}

int rt_err_context(struct rt_err *err, const char *fmt, ...)
{
    char context[sizeof err->msg];
    size_t len, room, old;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(context, sizeof context - 2, fmt, ap);
    va_end(ap);
    rt_keep_to_one_line(context);
    strcat(context, ": ");
    len = strlen(context);
    room = sizeof err->msg - len - 1;
    old = strnlen(err->msg, room);
    memmove(err->msg + len, err->msg, old);
    memcpy(err->msg, context, len);
    err->msg[len + old] = '\0';
    return -1;
}

void rt_err_clear(struct rt_err *err)
{
    err->code = RT_OK;
    err->msg[0] = '\0';
}
