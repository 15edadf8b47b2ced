#include "lib/store_internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/*
 * The numbers that a transaction counts with.  They are loaded when it begins, and those that
 * changed are written before it ends or sets a savepoint.
 */

static const struct counter {
    const char *key;
    size_t at; /* in struct rt_store */
    int64_t otherwise;
} counters[RT_COUNTERS] = {
    {"next_rid", offsetof(struct rt_store, next_rid), 1},
    {"next_cid", offsetof(struct rt_store, next_cid), 1},
    {"recent", offsetof(struct rt_store, recent), 0},
    {"held_external", offsetof(struct rt_store, held[RT_EXTERNAL]), 0},
    {"held_native", offsetof(struct rt_store, held[RT_NATIVE]), 0},
    {"snapshot_external", offsetof(struct rt_store, snapshot_stamp[RT_EXTERNAL]), RT_NEVER},
    {"snapshot_native", offsetof(struct rt_store, snapshot_stamp[RT_NATIVE]), RT_NEVER},
};

static int64_t *number_of(struct rt_store *store, size_t i)
{
    return (int64_t *)(void *)((char *)store + counters[i].at);
}

static void take_number(struct rt_store *store, struct rt_slice key, int64_t value)
{
    for (size_t i = 0; i < RT_COUNTERS; i++)
        if (rt_slice_is_str(key, counters[i].key)) {
            *number_of(store, i) = value;
            store->stored[i] = (struct rt_stored_number){true, value};
        }
}

int rt_store_load_counters(struct rt_store *store, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT key, CAST(value AS INTEGER) FROM meta WHERE key IN ('next_rid', 'next_cid',"
        " 'recent', 'held_external', 'held_native', 'snapshot_external', 'snapshot_native')",
        err);
    int rc;

    store->formers = RT_FORMER_UNKNOWN;
    for (size_t i = 0; i < RT_COUNTERS; i++) {
        *number_of(store, i) = counters[i].otherwise;
        store->stored[i].is_there = false;
    }
    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1)
        take_number(store, rt_column_slice(stmt, 0), sqlite3_column_int64(stmt, 1));
    return rc;
}

int rt_store_save_counters(struct rt_store *store, struct rt_err *err)
{
    char text[24];

    for (size_t i = 0; i < RT_COUNTERS; i++) {
        int64_t value = *number_of(store, i);

        if (store->stored[i].is_there && store->stored[i].value == value)
            continue;
        snprintf(text, sizeof text, "%" PRId64, value);
        if (rt_store_set(store, counters[i].key, text, err) < 0)
            return -1;
        store->stored[i] = (struct rt_stored_number){true, value};
    }
    return 0;
}
