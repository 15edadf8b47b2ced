#include "lib/digest.h"

#include "lib/mem.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct rt_hasher {
    XXH3_state_t *state;
};

static struct rt_digest from_xxh(XXH128_hash_t hash)
{
    return (struct rt_digest){hash.high64, hash.low64};
}

struct rt_digest rt_digest_of(struct rt_slice bytes)
{
    return from_xxh(XXH3_128bits(bytes.ptr, bytes.len));
}

bool rt_digest_is_equal(struct rt_digest a, struct rt_digest b)
{
    return a.high == b.high && a.low == b.low;
}

const char *rt_digest_hex(struct rt_digest digest, char out[RT_DIGEST_HEX])
{
    snprintf(out, RT_DIGEST_HEX, "%016llx%016llx", (unsigned long long)digest.high,
             (unsigned long long)digest.low);
    return out;
}

struct rt_hasher *rt_hasher_new(void)
{
    struct rt_hasher *hasher = rt_xmalloc(sizeof *hasher);

    hasher->state = XXH3_createState();
    if (hasher->state == NULL)
        abort();
    XXH3_128bits_reset(hasher->state);
    return hasher;
}

void rt_hasher_add_bytes(struct rt_hasher *hasher, struct rt_slice bytes)
{
    if (bytes.len)
        XXH3_128bits_update(hasher->state, bytes.ptr, bytes.len);
}

#define LENGTH_SIZE 8 /* bytes, the lowest first */

static void write_length(void *out, uint64_t len)
{
    len = htole64(len);
    memcpy(out, &len, sizeof len);
}

void rt_hasher_add(struct rt_hasher *hasher, struct rt_slice part)
{
    unsigned char length[LENGTH_SIZE];

    write_length(length, part.len);
    XXH3_128bits_update(hasher->state, length, sizeof length);
    rt_hasher_add_bytes(hasher, part);
}

size_t rt_digest_part_begin(struct rt_buf *parts)
{
    static const unsigned char none[LENGTH_SIZE];

    rt_buf_add(parts, none, sizeof none);
    return parts->len;
}

void rt_digest_part_end(struct rt_buf *parts, size_t begun)
{
    write_length(parts->ptr + begun - LENGTH_SIZE, parts->len - begun);
}

struct rt_digest rt_hasher_end(const struct rt_hasher *hasher)
{
    return from_xxh(XXH3_128bits_digest(hasher->state));
}

void rt_hasher_free(struct rt_hasher *hasher)
{
    if (hasher == NULL)
        return;
    XXH3_freeState(hasher->state);
    free(hasher);
}

unsigned rt_digest_library_version(void)
{
    return XXH_versionNumber();
}
