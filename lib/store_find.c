#include "lib/store_internal.h"

/* ---- scratch mode: a record is pulled into the temporary table when it is first asked for ---- */

int rt_store_pull(struct rt_store *store, int64_t rid, struct rt_err *err)
{
    sqlite3_stmt *mark =
        rt_store_prepare(store, "INSERT OR IGNORE INTO temp.pulled VALUES (?1)", err);
    sqlite3_stmt *copy;

    if (mark == NULL)
        return -1;
    rt_bind_int(mark, 1, rid);
    if (rt_store_run(store, mark, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) == 0)
        return 0; /* pulled before; it may be gone since */
    copy = rt_store_prepare_beside(
        store, "INSERT INTO temp.record_base SELECT * FROM main.record WHERE rid = ?1", err);
    if (copy == NULL)
        return -1;
    rt_bind_int(copy, 1, rid);
    return rt_store_run(store, copy, err);
}

static int pull_by_id(struct rt_store *store, enum rt_side side, struct rt_slice id,
                      struct rt_err *err)
{
    sqlite3_stmt *stmt = side == RT_EXTERNAL
                             ? rt_store_prepare_beside(
                                   store, "SELECT rid FROM main.record WHERE external_id = ?1", err)
                             : rt_store_prepare_beside(
                                   store, "SELECT rid FROM main.record WHERE native_id = ?1", err);
    int64_t rid;
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_slice(stmt, 1, id);
    rc = rt_store_step(store, stmt, err);
    if (rc != 1)
        return rc;
    rid = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return rt_store_pull(store, rid, err);
}

/* ---- by ID ---- */

void rt_store_forget_found(struct rt_store *store)
{
    rt_buf_reset(&store->found_id[0]);
    rt_buf_reset(&store->found_id[1]);
}

int rt_store_find_row(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t *rid,
                      sqlite3_stmt **stmt, struct rt_err *err)
{
    int rc;

    *rid = 0;
    if (rt_store_is_scratch(store) && pull_by_id(store, side, id, err) < 0)
        return -1;
    *stmt = side == RT_EXTERNAL
                ? rt_store_prepare_beside(store,
                                          "SELECT rid, external_print, external_stamp FROM record"
                                          " WHERE external_id = ?1",
                                          err)
                : rt_store_prepare_beside(store,
                                          "SELECT rid, native_print, native_stamp FROM record"
                                          " WHERE native_id = ?1",
                                          err);
    if (*stmt == NULL)
        return -1;
    rt_bind_slice(*stmt, 1, id);
    rc = rt_store_step(store, *stmt, err);
    if (rc == 1)
        *rid = sqlite3_column_int64(*stmt, RT_FOUND_RID);
    if (rc >= 0) {
        store->found_rid[side] = *rid;
        rt_buf_reset(&store->found_id[side]);
        rt_buf_add_slice(&store->found_id[side], id);
    }
    return rc;
}

int rt_store_find(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t *rid,
                  struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc;

    *rid = 0;
    if (id.len == 0)
        return 0;
    if (store->bulk != NULL)
        return rt_store_bulk_find(store, side, id, rid, err);
    if (rt_slice_is_equal(rt_buf_slice(&store->found_id[side]), id)) {
        *rid = store->found_rid[side];
        return *rid != 0;
    }
    rc = rt_store_find_row(store, side, id, rid, &stmt, err);
    if (rc == 1)
        sqlite3_reset(stmt);
    return rc;
}
