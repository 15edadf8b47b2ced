/*
 * 128-bit digests (XXH3), for noticing change.  Not proof against an adversary: the bytes
 * themselves are kept.  The only user of xxhash.
 */
#ifndef RT_DIGEST_H
#define RT_DIGEST_H

#include "lib/mem.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct rt_digest {
    uint64_t high, low;
};

#define RT_DIGEST_HEX 33 /* 32 hexadecimal digits and a NUL */

struct rt_digest rt_digest_of(struct rt_slice bytes);
bool rt_digest_is_equal(struct rt_digest a, struct rt_digest b);
const char *rt_digest_hex(struct rt_digest digest, char out[RT_DIGEST_HEX]);

/* A digest of a sequence of parts, each with its length, so that ("ab","c") differs from
 * ("a","bc"). */
struct rt_hasher;
struct rt_hasher *rt_hasher_new(void);
void rt_hasher_add(struct rt_hasher *hasher, struct rt_slice part); /* with its length */
void rt_hasher_add_bytes(struct rt_hasher *hasher,
                         struct rt_slice bytes); /* without: for streams */
struct rt_digest rt_hasher_end(const struct rt_hasher *hasher);
void rt_hasher_free(struct rt_hasher *hasher);

/* The same digest from one piece of memory, which is faster where the parts are short: the text
 * between the two calls, at the end of `parts`, is one part.  Then rt_digest_of(parts). */
size_t rt_digest_part_begin(struct rt_buf *parts);
void rt_digest_part_end(struct rt_buf *parts, size_t begun);

unsigned rt_digest_library_version(void); /* xxhash's: 801 is 0.8.1 */

#endif
