#include "lib/store_digests.h"
#include "lib/store_internal.h"

#include <stdio.h>

/*
 * What a side's digest file (digest_file.h) may still be believed of.
 *
 * The state keeps the generation of each side's file, the highest record number of that moment, and
 * in `touched` every record that changed since: those, and newer records, are looked at as if there
 * were no file.  Changes of a transaction are collected in memory and written at its commit.
 */

static const char *const meta_keys[2] = {"digests_external", "digests_native"};

void rt_store_touch(struct rt_store *store, int64_t rid, const bool is_touched[2])
{
    if (!is_touched[0] && !is_touched[1])
        return;
    store->touched = rt_xgrow(store->touched, store->touched_count, sizeof *store->touched);
    store->touched[store->touched_count++] = (struct rt_touch){rid, {is_touched[0], is_touched[1]}};
}

void rt_store_touch_side(struct rt_store *store, int64_t rid, enum rt_side side)
{
    const bool is_touched[2] = {side == RT_EXTERNAL, side == RT_NATIVE};

    rt_store_touch(store, rid, is_touched);
}

size_t rt_store_touch_count(const struct rt_store *store)
{
    return store->touched_count;
}

int64_t rt_store_touched_at(const struct rt_store *store, enum rt_side side, size_t i)
{
    return store->touched[i].is_touched[side] ? store->touched[i].rid : 0;
}

int rt_store_digests(struct rt_store *store, enum rt_side side, struct rt_store_digests *digests,
                     struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *value = NULL;
    int rc = rt_store_get(store, meta_keys[side], &arena, &value, err);
    unsigned long long high = 0, low = 0;
    long long highest = 0;

    if (rc == 1 && sscanf(value, "%16llx%16llx %lld", &high, &low, &highest) != 3)
        rc = 0;
    *digests = (struct rt_store_digests){{high, low}, highest};
    rt_arena_clear(&arena);
    return rc;
}

static int visit_all(struct rt_store *store, sqlite3_stmt *stmt, rt_store_visit *visit,
                     void *context, struct rt_err *err)
{
    int rc;

    while ((rc = rt_store_step(store, stmt, err)) == 1)
        if (visit(context, sqlite3_column_int64(stmt, 0), err) < 0) {
            sqlite3_reset(stmt);
            return -1;
        }
    return rc;
}

int rt_store_each_touched(struct rt_store *store, enum rt_side side, rt_store_visit *visit,
                          void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT rid FROM touched WHERE side = ?1 ORDER BY rid", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rc = visit_all(store, stmt, visit, context, err);
    for (size_t i = store->touched_from[side]; rc == 0 && i < store->touched_count; i++)
        if (store->touched[i].is_touched[side])
            rc = visit(context, store->touched[i].rid, err);
    return rc;
}

int rt_store_each_newer(struct rt_store *store, int64_t rid, rt_store_visit *visit, void *context,
                        struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare_beside(
        store, "SELECT rid FROM all_record WHERE rid > ?1 ORDER BY rid", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    return visit_all(store, stmt, visit, context, err);
}

static int forget_touched(struct rt_store *store, enum rt_side side, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "DELETE FROM touched WHERE side = ?1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    return rt_store_run(store, stmt, err);
}

int rt_store_set_digests(struct rt_store *store, enum rt_side side, struct rt_digest seed,
                         struct rt_digest *generation, struct rt_err *err)
{
    struct rt_store_digests before;
    struct rt_digest parts[2];
    char value[80];

    if (rt_store_digests(store, side, &before, err) < 0 || forget_touched(store, side, err) < 0)
        return -1;
    parts[0] = before.generation;
    parts[1] = seed;
    *generation = rt_digest_of(rt_slice_from((const char *)parts, sizeof parts));
    store->touched_from[side] = store->touched_count;
    snprintf(value, sizeof value, "%016llx%016llx %lld", (unsigned long long)generation->high,
             (unsigned long long)generation->low, (long long)store->next_rid - 1);
    return rt_store_set(store, meta_keys[side], value, err);
}

int rt_store_drop_digests(struct rt_store *store, enum rt_side side, struct rt_err *err)
{
    return forget_touched(store, side, err) < 0 ? -1
                                                : rt_store_set(store, meta_keys[side], NULL, err);
}

static int save_side(struct rt_store *store, enum rt_side side, struct rt_err *err)
{
    struct rt_store_digests digests;
    int rc = rt_store_digests(store, side, &digests, err);

    for (size_t i = store->touched_from[side]; rc == 1 && i < store->touched_count; i++) {
        sqlite3_stmt *stmt;

        if (!store->touched[i].is_touched[side] || store->touched[i].rid > digests.highest)
            continue;
        stmt = rt_store_prepare(store, "INSERT OR IGNORE INTO touched VALUES (?1, ?2)", err);
        if (stmt == NULL)
            return -1;
        rt_bind_int(stmt, 1, side);
        rt_bind_int(stmt, 2, store->touched[i].rid);
        if (rt_store_run(store, stmt, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

int rt_store_save_touched(struct rt_store *store, struct rt_err *err)
{
    for (int s = 0; s < 2; s++)
        if (save_side(store, (enum rt_side)s, err) < 0)
            return -1;
    return 0;
}

void rt_store_forget_touched(struct rt_store *store)
{
    store->touched_count = store->touched_from[0] = store->touched_from[1] = 0;
}
