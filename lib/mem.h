/*
 * Memory.  Out of memory ends the process at once: a crash is a tested path, and sizes
 * that come from input are capped by their readers before they get here.
 *
 * Three lifetimes in this program: a row (borrowed until the next one), a run (an arena, freed at
 * its end) and a handle (explicit close).
 */
#ifndef RT_MEM_H
#define RT_MEM_H

#include "lib/err.h"
#include "lib/slice.h"

#include <stdarg.h>
#include <stddef.h>

/* Never return NULL.  The caller frees with free(). */
void *rt_xmalloc(size_t size);
void *rt_xcalloc(size_t count, size_t size);
void *rt_xrealloc(void *ptr, size_t size);
char *rt_xstrdup(const char *text);
char *rt_xstrndup(const char *text, size_t len);
char *rt_xasprintf(const char *fmt, ...) RT_PRINTF(1, 2);

/* Makes room for one more element in an array of `count` elements: doubles at powers of two. */
void *rt_xgrow(void *array, size_t count, size_t element_size);

/* An arena: many small allocations, one free.  Zero-initialised is empty and ready. */
struct rt_arena {
    struct rt_arena_block *head;
    size_t total; /* bytes handed out since init or reset */
};

void *rt_arena_alloc(struct rt_arena *arena, size_t size); /* aligned for any type, zeroed */
void *rt_arena_grow(struct rt_arena *arena, void *array, size_t count,
                    size_t element_size); /* as rt_xgrow */
char *rt_arena_strdup(struct rt_arena *arena, const char *text);
struct rt_slice rt_arena_dup(struct rt_arena *arena, struct rt_slice bytes); /* NUL behind it */
char *rt_arena_printf(struct rt_arena *arena, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_arena_reset(struct rt_arena *arena); /* forgets all; keeps one block for re-use */
void rt_arena_clear(struct rt_arena *arena); /* frees all */

/* Growable bytes.  Zero-initialised is empty and ready; always NUL-terminated once not empty. */
struct rt_buf {
    char *ptr;
    size_t len;
    size_t cap;
};

void rt_buf_add(struct rt_buf *buf, const void *bytes, size_t len);
void rt_buf_add_slice(struct rt_buf *buf, struct rt_slice bytes);
void rt_buf_add_str(struct rt_buf *buf, const char *text);
void rt_buf_printf(struct rt_buf *buf, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_buf_reserve(struct rt_buf *buf, size_t more);
void rt_buf_reset(struct rt_buf *buf); /* empty, keeps its memory */
void rt_buf_clear(struct rt_buf *buf); /* frees */
struct rt_slice rt_buf_slice(const struct rt_buf *buf);
const char *rt_buf_str(
    const struct rt_buf *buf); /* "" when empty; borrowed until the next change */

static inline void rt_buf_add_char(struct rt_buf *buf, char c)
{
    if (buf->cap - buf->len <= 1)
        rt_buf_reserve(buf, 1);
    buf->ptr[buf->len++] = c;
    buf->ptr[buf->len] = '\0';
}

#endif
