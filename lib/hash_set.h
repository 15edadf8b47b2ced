/*
 * A set of numbers of any size but 0, for example of hashes.  16 to 32 bytes an entry.
 * Zero-initialised is empty and ready.
 */
#ifndef RT_HASH_SET_H
#define RT_HASH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_hash_set {
    int64_t *slots; /* 0: free */
    size_t size;    /* a power of two, or 0 */
    size_t count;
};

bool rt_hash_set_add(struct rt_hash_set *set, int64_t number); /* true: it was not in it */
void rt_hash_set_clear(struct rt_hash_set *set);

#endif
