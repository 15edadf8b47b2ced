/*
 * The little that is needed of UTF-8: is it valid, where do characters (code points) begin.
 */
#ifndef RT_UTF8_H
#define RT_UTF8_H

#include "lib/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that starts here, or 0 if none does: truncated, overlong, surrogate, over
 * U+10FFFF (Unicode 15, table 3-7). */
static inline size_t rt_utf8_length(const unsigned char *p, size_t len)
{
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xC2 ? 0
               : p[0] < 0xE0 ? 2
               : p[0] < 0xF0 ? 3
               : p[0] < 0xF5 ? 4
                             : 0;

    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

/* Is the character of n bytes that starts here one that a terminal obeys?  U+0080 to U+009F are,
 * too: U+009B begins what ESC [ begins. */
static inline bool rt_utf8_is_control(const unsigned char *p, size_t n)
{
    return (n == 1 && (p[0] < 0x20 || p[0] == 0x7F)) || (n == 2 && p[0] == 0xC2 && p[1] < 0xA0);
}

static inline bool rt_utf8_is_valid(struct rt_slice text)
{
    size_t n;

    for (size_t i = 0; i < text.len; i += n) {
        n = rt_utf8_length((const unsigned char *)text.ptr + i, text.len - i);
        if (n == 0)
            return false;
    }
    return true;
}

/* How many bytes the first `max` characters take. */
static inline size_t rt_utf8_prefix(struct rt_slice text, size_t max)
{
    size_t characters = 0;

    if (text.len <= max)
        return text.len;
    for (size_t i = 0; i < text.len; i++) {
        if (((unsigned char)text.ptr[i] & 0xC0) != 0x80 && ++characters > max)
            return i;
    }
    return text.len;
}

/* The longest prefix of at most `bytes` bytes that cuts no character. */
static inline size_t rt_utf8_fit(struct rt_slice text, size_t bytes)
{
    if (text.len <= bytes)
        return text.len;
    while (bytes > 0 && ((unsigned char)text.ptr[bytes] & 0xC0) == 0x80)
        bytes--;
    return bytes;
}

#endif
