/*
 * A pointer and a length: how all CSV data travels.  Bytes are borrowed, never owned, may hold
 * anything, and are not NUL-terminated.  An empty slice may have a NULL pointer.
 */
#ifndef RT_SLICE_H
#define RT_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct rt_slice {
    const char *ptr;
    size_t len;
};

/* For printf's "%.*s". */
#define RT_SLICE_FMT(s) ((int)(s).len), ((s).ptr ? (s).ptr : "")

static inline struct rt_slice rt_slice_from(const void *ptr, size_t len)
{
    return (struct rt_slice){ptr, len};
}

static inline struct rt_slice rt_slice_str(const char *text)
{
    return (struct rt_slice){text, text ? strlen(text) : 0};
}

static inline bool rt_slice_is_equal(struct rt_slice a, struct rt_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool rt_slice_is_str(struct rt_slice a, const char *text)
{
    return rt_slice_is_equal(a, rt_slice_str(text));
}

static inline bool rt_slice_has_prefix(struct rt_slice a, struct rt_slice prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

/* Byte order, shorter first where one is a prefix of the other: <0, 0, >0. */
static inline int rt_slice_compare(struct rt_slice a, struct rt_slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

    return c ? c : (a.len > b.len) - (a.len < b.len);
}

#endif
