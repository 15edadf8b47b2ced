#include "lib/prints.h"

#include "lib/mem.h"

#include <stdlib.h>

struct entry {
    uint64_t key; /* of the ID */
    int64_t rid;  /* 0: free */
    struct rt_digest print;
};

struct rt_prints {
    struct entry *entries;
    size_t size, count;
};

struct rt_prints *rt_prints_new(size_t expected)
{
    struct rt_prints *prints = rt_xcalloc(1, sizeof *prints);

    prints->size = 64;
    while (prints->size < expected * 2)
        prints->size *= 2;
    prints->entries = rt_xcalloc(prints->size, sizeof *prints->entries);
    return prints;
}

void rt_prints_free(struct rt_prints *prints)
{
    if (prints == NULL)
        return;
    free(prints->entries);
    free(prints);
}

static void put(struct rt_prints *prints, const struct entry *entry)
{
    size_t i = (size_t)entry->key & (prints->size - 1);

    while (prints->entries[i].rid != 0)
        i = (i + 1) & (prints->size - 1);
    prints->entries[i] = *entry;
    prints->count++;
}

static void grow(struct rt_prints *prints)
{
    struct rt_prints old = *prints;

    prints->size *= 2;
    prints->count = 0;
    prints->entries = rt_xcalloc(prints->size, sizeof *prints->entries);
    for (size_t i = 0; i < old.size; i++)
        if (old.entries[i].rid != 0)
            put(prints, &old.entries[i]);
    free(old.entries);
}

void rt_prints_add(struct rt_prints *prints, struct rt_slice id, int64_t rid,
                   struct rt_digest print)
{
    struct entry entry = {.key = rt_digest_of(id).low, .rid = rid, .print = print};

    if (prints->count * 2 >= prints->size)
        grow(prints);
    put(prints, &entry);
}

int64_t rt_prints_find(const struct rt_prints *prints, struct rt_slice id, struct rt_digest print)
{
    uint64_t key = rt_digest_of(id).low;

    for (size_t i = (size_t)key & (prints->size - 1); prints->entries[i].rid != 0;
         i = (i + 1) & (prints->size - 1))
        if (prints->entries[i].key == key && rt_digest_is_equal(prints->entries[i].print, print))
            return prints->entries[i].rid;
    return 0;
}
