/* What the fuzz targets share.  A promise that is not kept ends the process, which is a finding. */
#ifndef RT_FUZZ_H
#define RT_FUZZ_H

#include "lib/err.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's, or replay.c's, entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_need(bool is_kept, const char *promise)
{
    if (is_kept)
        return;
    fprintf(stderr, "not kept: %s\n", promise);
    abort();
}

/* Takes one byte from the front; 0 where there is none. */
static inline unsigned fuzz_byte(struct rt_slice *input)
{
    unsigned byte = 0;

    if (input->len == 0)
        return 0;
    byte = (unsigned char)*input->ptr;
    *input = rt_slice_from(input->ptr + 1, input->len - 1);
    return byte;
}

/* Takes what stands before the first `end`, and that; all if there is none. */
static inline struct rt_slice fuzz_until(struct rt_slice *input, char end)
{
    const char *at = input->len ? memchr(input->ptr, end, input->len) : NULL;
    size_t len = at ? (size_t)(at - input->ptr) : input->len;
    struct rt_slice part = rt_slice_from(input->ptr, len);
    size_t taken = len + (at != NULL);

    *input = rt_slice_from(taken ? input->ptr + taken : input->ptr, input->len - taken);
    return part;
}

/* A failure is told in one line, and nothing that a terminal would obey is in it. */
static inline void fuzz_need_error(const struct rt_err *err, enum rt_code code)
{
    fuzz_need(err->code == code, "a refusal has its own status");
    fuzz_need(err->msg[0] != '\0', "a refusal has words");
    for (const char *p = err->msg; *p; p++)
        fuzz_need((unsigned char)*p >= 0x20 && *p != 0x7f, "a message is one line, of text alone");
}

#endif
