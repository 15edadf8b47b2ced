#include "lib/store_internal.h"

#include <stdlib.h>

/*
 * Loading into an empty state: the indexes of the IDs are made after the rows, in one go, and until
 * then the IDs are found by hashes in memory, 8 to 16 bytes each.
 */

struct rt_keys {
    uint64_t *slots; /* upper half: a part of the ID's hash; lower half: the record, 0: free */
    size_t size, count;
};

struct rt_bulk {
    struct rt_keys keys[2];
};

static uint64_t hash_of(struct rt_slice id)
{
    return rt_digest_of(id).low;
}

static void put(struct rt_keys *keys, uint64_t hash, uint64_t slot)
{
    size_t i = (size_t)hash & (keys->size - 1);

    while (keys->slots[i] != 0)
        i = (i + 1) & (keys->size - 1);
    keys->slots[i] = slot;
    keys->count++;
}

/* The part of the hash that is kept also tells the place, up to 2^32 slots. */
static void grow(struct rt_keys *keys)
{
    struct rt_keys old = *keys;

    keys->size = old.size ? old.size * 2 : 4096;
    keys->count = 0;
    keys->slots = rt_xcalloc(keys->size, sizeof *keys->slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i] != 0)
            put(keys, old.slots[i] >> 32, old.slots[i]);
    free(old.slots);
}

void rt_store_bulk_add(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t rid)
{
    struct rt_keys *keys = &store->bulk->keys[side];
    uint64_t hash = hash_of(id) >> 32;

    if (keys->count * 3 >= keys->size * 2)
        grow(keys);
    put(keys, hash, hash << 32 | (uint64_t)rid);
}

static int has_id(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t rid,
                  struct rt_err *err)
{
    sqlite3_stmt *stmt =
        side == RT_EXTERNAL
            ? rt_store_prepare(store, "SELECT external_id FROM record_base WHERE rid = ?1", err)
            : rt_store_prepare(store, "SELECT native_id FROM record_base WHERE rid = ?1", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        rc = rt_slice_is_equal(rt_column_slice(stmt, 0), id);
        sqlite3_reset(stmt);
    }
    return rc;
}

int rt_store_bulk_find(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t *rid,
                       struct rt_err *err)
{
    const struct rt_keys *keys = &store->bulk->keys[side];
    uint64_t hash = hash_of(id) >> 32;

    if (keys->size == 0)
        return 0;
    for (size_t i = (size_t)hash & (keys->size - 1); keys->slots[i] != 0;
         i = (i + 1) & (keys->size - 1)) {
        int rc = 0;

        if (keys->slots[i] >> 32 == hash)
            rc = has_id(store, side, id, (int64_t)(keys->slots[i] & UINT32_MAX), err);
        if (rc == 1)
            *rid = (int64_t)(keys->slots[i] & UINT32_MAX);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int rt_store_bulk_begin(struct rt_store *store, struct rt_err *err)
{
    if (store->next_rid != 1 || rt_store_is_scratch(store) || store->bulk != NULL)
        return 0;
    if (rt_store_drop_id_indexes(store, err) < 0)
        return -1;
    store->bulk = rt_xcalloc(1, sizeof *store->bulk);
    return 0;
}

int rt_store_bulk_end(struct rt_store *store, struct rt_err *err)
{
    if (store->bulk == NULL)
        return 0;
    rt_store_bulk_forget(store);
    return rt_store_make_id_indexes(store, err);
}

void rt_store_bulk_forget(struct rt_store *store)
{
    if (store->bulk == NULL)
        return;
    free(store->bulk->keys[0].slots);
    free(store->bulk->keys[1].slots);
    free(store->bulk);
    store->bulk = NULL;
}
