#include "lib/digest.h"

#include "lib/mem.h"

#include <stdio.h>
#include <stdlib.h>
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

void rt_hasher_add(struct rt_hasher *hasher, struct rt_slice part)
{
    uint64_t len = part.len;
    unsigned char le[8];

    for (int i = 0; i < 8; i++)
        le[i] = (unsigned char)(len >> (8 * i));
    XXH3_128bits_update(hasher->state, le, sizeof le);
    rt_hasher_add_bytes(hasher, part);
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
