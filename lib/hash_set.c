#include "lib/hash_set.h"

#include "lib/mem.h"

#include <stdlib.h>

static size_t slot_of(const struct rt_hash_set *set, int64_t number)
{
    size_t i = (size_t)((uint64_t)number * 0x9e3779b97f4a7c15u >> 17) & (set->size - 1);

    while (set->slots[i] != 0 && set->slots[i] != number)
        i = (i + 1) & (set->size - 1);
    return i;
}

static void grow(struct rt_hash_set *set)
{
    struct rt_hash_set bigger = {.size = set->size ? set->size * 2 : 64};

    bigger.slots = rt_xcalloc(bigger.size, sizeof *bigger.slots);
    for (size_t i = 0; i < set->size; i++)
        if (set->slots[i] != 0)
            bigger.slots[slot_of(&bigger, set->slots[i])] = set->slots[i];
    bigger.count = set->count;
    free(set->slots);
    *set = bigger;
}

bool rt_hash_set_add(struct rt_hash_set *set, int64_t number)
{
    size_t i;

    if (set->count * 2 >= set->size)
        grow(set);
    i = slot_of(set, number);
    if (set->slots[i] == number)
        return false;
    set->slots[i] = number;
    set->count++;
    return true;
}

void rt_hash_set_clear(struct rt_hash_set *set)
{
    free(set->slots);
    *set = (struct rt_hash_set){0};
}
