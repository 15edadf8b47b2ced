#include "lib/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void out_of_memory(void)
{
    /* No clean-up: the next run finds what a kill would have left, which is a tested path. */
    fputs("roundtrip: out of memory\n", stderr);
    abort();
}

void *rt_xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (p == NULL)
        out_of_memory();
    return p;
}

void *rt_xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    if (p == NULL)
        out_of_memory();
    return p;
}

void *rt_xrealloc(void *ptr, size_t size)
{
    void *p = realloc(ptr, size ? size : 1);

    if (p == NULL)
        out_of_memory();
    return p;
}

char *rt_xstrdup(const char *text)
{
    return rt_xstrndup(text, strlen(text));
}

char *rt_xstrndup(const char *text, size_t len)
{
    char *p = rt_xmalloc(len + 1);

    if (len)
        memcpy(p, text, len);
    p[len] = '\0';
    return p;
}

static char *format(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *format(const char *fmt, va_list ap)
{
    char *text = NULL;
    va_list copy;
    int len;

    va_copy(copy, ap);
    len = vsnprintf(NULL, 0, fmt, copy);
    va_end(copy);
    if (len < 0)
        out_of_memory();
    text = rt_xmalloc((size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, ap);
    return text;
}

char *rt_xasprintf(const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = format(fmt, ap);
    va_end(ap);
    return text;
}

void *rt_xgrow(void *array, size_t count, size_t element_size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    if (count > SIZE_MAX / 2 / element_size)
        out_of_memory();
    return rt_xrealloc(array, (count ? count * 2 : 1) * element_size);
}

struct rt_arena_block {
    struct rt_arena_block *next;
    size_t used, size;
    max_align_t data[];
};

static struct rt_arena_block *block_new(size_t size)
{
    struct rt_arena_block *block = rt_xmalloc(sizeof *block + size);

    block->next = NULL;
    block->used = 0;
    block->size = size;
    return block;
}

static void *take(struct rt_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    size_t need = (size + align - 1) / align * align;
    struct rt_arena_block *block = arena->head;
    void *p;

    if (block == NULL || block->size - block->used < need) {
        size_t want = block == NULL ? 4096 : block->size * 2 > 1048576 ? 1048576 : block->size * 2;

        block = block_new(want < need ? need : want);
        block->next = arena->head;
        arena->head = block;
    }
    p = (char *)block->data + block->used;
    block->used += need;
    arena->total += need;
    return p;
}

void *rt_arena_alloc(struct rt_arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

void *rt_arena_grow(struct rt_arena *arena, void *array, size_t count, size_t element_size)
{
    void *grown;

    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    if (count > SIZE_MAX / 4 / element_size)
        out_of_memory();
    grown = take(arena, (count ? count * 2 : 1) * element_size);
    return count ? memcpy(grown, array, count * element_size) : grown;
}

struct rt_slice rt_arena_dup(struct rt_arena *arena, struct rt_slice bytes)
{
    char *p = take(arena, bytes.len + 1);

    if (bytes.len)
        memcpy(p, bytes.ptr, bytes.len);
    p[bytes.len] = '\0';
    return rt_slice_from(p, bytes.len);
}

char *rt_arena_strdup(struct rt_arena *arena, const char *text)
{
    size_t len = strlen(text);
    char *p = take(arena, len + 1);

    memcpy(p, text, len + 1);
    return p;
}

char *rt_arena_printf(struct rt_arena *arena, const char *fmt, ...)
{
    va_list ap;
    char *text, *p;

    va_start(ap, fmt);
    text = format(fmt, ap);
    va_end(ap);
    p = rt_arena_strdup(arena, text);
    free(text);
    return p;
}

void rt_arena_reset(struct rt_arena *arena)
{
    struct rt_arena_block *keep = arena->head;

    if (keep == NULL)
        return;
    while (keep->next != NULL) {
        struct rt_arena_block *next = keep->next;

        keep->next = next->next;
        free(next);
    }
    keep->used = 0;
    arena->total = 0;
}

void rt_arena_clear(struct rt_arena *arena)
{
    while (arena->head != NULL) {
        struct rt_arena_block *block = arena->head;

        arena->head = block->next;
        free(block);
    }
    arena->total = 0;
}

void rt_buf_reserve(struct rt_buf *buf, size_t more)
{
    size_t cap = buf->cap ? buf->cap : 64;

    if (more > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4)
        out_of_memory();
    while (cap < buf->len + more + 1)
        cap *= 2;
    if (cap != buf->cap) {
        buf->ptr = rt_xrealloc(buf->ptr, cap);
        buf->cap = cap;
    }
}

void rt_buf_add(struct rt_buf *buf, const void *bytes, size_t len)
{
    if (len >= buf->cap - buf->len)
        rt_buf_reserve(buf, len);
    if (len)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void rt_buf_add_slice(struct rt_buf *buf, struct rt_slice bytes)
{
    rt_buf_add(buf, bytes.ptr, bytes.len);
}

void rt_buf_add_str(struct rt_buf *buf, const char *text)
{
    rt_buf_add(buf, text, strlen(text));
}

void rt_buf_printf(struct rt_buf *buf, const char *fmt, ...)
{
    va_list ap, again;
    int len;

    rt_buf_reserve(buf, 32);
    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(buf->ptr + buf->len, buf->cap - buf->len, fmt, ap);
    if (len < 0)
        out_of_memory();
    if ((size_t)len >= buf->cap - buf->len) {
        rt_buf_reserve(buf, (size_t)len);
        vsnprintf(buf->ptr + buf->len, buf->cap - buf->len, fmt, again);
    }
    va_end(again);
    va_end(ap);
    buf->len += (size_t)len;
}

void rt_buf_reset(struct rt_buf *buf)
{
    buf->len = 0;
    if (buf->ptr != NULL)
        buf->ptr[0] = '\0';
}

void rt_buf_clear(struct rt_buf *buf)
{
    free(buf->ptr);
    *buf = (struct rt_buf){0};
}

struct rt_slice rt_buf_slice(const struct rt_buf *buf)
{
    return rt_slice_from(buf->ptr, buf->len);
}

const char *rt_buf_str(const struct rt_buf *buf)
{
    return buf->ptr ? buf->ptr : "";
}
