#include "lib/rid_set.h"

#include "lib/mem.h"

#include <stdlib.h>
#include <string.h>

static void grow(struct rt_rid_set *set, size_t word)
{
    size_t size = set->size ? set->size * 2 : 64;

    while (size <= word)
        size *= 2;
    set->words = rt_xrealloc(set->words, size * sizeof *set->words);
    memset(set->words + set->size, 0, (size - set->size) * sizeof *set->words);
    set->size = size;
}

bool rt_rid_set_add(struct rt_rid_set *set, int64_t rid)
{
    size_t word = (size_t)rid / 64;
    uint64_t bit = (uint64_t)1 << (rid % 64);

    if (word >= set->size)
        grow(set, word);
    if (set->words[word] & bit)
        return false;
    set->words[word] |= bit;
    set->count++;
    return true;
}

void rt_rid_set_remove(struct rt_rid_set *set, int64_t rid)
{
    if (!rt_rid_set_has(set, rid))
        return;
    set->words[(size_t)rid / 64] &= ~((uint64_t)1 << (rid % 64));
    set->count--;
}

bool rt_rid_set_has(const struct rt_rid_set *set, int64_t rid)
{
    size_t word = (size_t)rid / 64;

    return word < set->size && (set->words[word] >> (rid % 64) & 1);
}

int64_t rt_rid_set_next(const struct rt_rid_set *set, int64_t rid)
{
    size_t word = (size_t)(rid + 1) / 64;
    uint64_t below = ((uint64_t)1 << ((rid + 1) % 64)) - 1; /* of the first word, not above */

    for (; word < set->size; word++, below = 0)
        if (set->words[word] & ~below)
            return (int64_t)(word * 64) + __builtin_ctzll(set->words[word] & ~below);
    return 0;
}

void rt_rid_set_clear(struct rt_rid_set *set)
{
    free(set->words);
    *set = (struct rt_rid_set){0};
}
