#include "lib/store_internal.h"

/*
 * IDs that a record had before (`bind --rekey`, a clash that was accepted, an edit that was
 * inserted again): the other side may show them for as long as it was not told the new one.
 */

static int change(struct rt_store *store, const char *sql, enum rt_side side, struct rt_slice id,
                  int64_t rid, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, sql, err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_slice(stmt, 2, id);
    rt_bind_int(stmt, 3, rid);
    return rt_store_run(store, stmt, err);
}

/* The row in record_base that counts no more would keep the ID from another record. */
static int give_free(struct rt_store *store, const struct rt_record *record, enum rt_side side,
                     struct rt_err *err)
{
    const char *sql = side == RT_EXTERNAL ? "UPDATE record_base SET external_id = NULL"
                                            " WHERE external_id = ?2 AND rid = ?3"
                                          : "UPDATE record_base SET native_id = NULL"
                                            " WHERE native_id = ?2 AND rid = ?3";

    return change(store, sql, side, record->stored_id[side], record->rid, err);
}

int rt_store_note_former(struct rt_store *store, const struct rt_record *record, enum rt_side side,
                         struct rt_err *err)
{
    struct rt_slice was = record->stored_id[side], is = record->end[side].id;

    if (rt_slice_is_equal(was, is))
        return 0;
    store->formers = RT_FORMER_UNKNOWN;
    if (was.len && (give_free(store, record, side, err) < 0 ||
                    change(store, "INSERT OR IGNORE INTO former VALUES (?1, ?2, ?3)", side, was,
                           record->rid, err) < 0))
        return -1;
    if (is.len == 0)
        return 0;
    return change(store, "DELETE FROM former WHERE side = ?1 AND id = ?2 AND rid = ?3", side, is,
                  record->rid, err);
}

int rt_store_is_former(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t rid,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT 1 FROM former WHERE side = ?1 AND id = ?2 AND rid = ?3", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_slice(stmt, 2, id);
    rt_bind_int(stmt, 3, rid);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1)
        sqlite3_reset(stmt);
    return rc;
}

/* Few states have any, and every new record asks.  1, 0, -1. */
static int has_any(struct rt_store *store, struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc;

    if (store->formers != RT_FORMER_UNKNOWN)
        return store->formers == RT_FORMER_SOME;
    stmt = rt_store_prepare(store, "SELECT 1 FROM former LIMIT 1", err);
    rc = stmt ? rt_store_step(store, stmt, err) : -1;
    sqlite3_reset(stmt);
    if (rc >= 0 && store->in_transaction)
        store->formers = rc == 1 ? RT_FORMER_SOME : RT_FORMER_NONE;
    return rc;
}

int rt_store_find_former(struct rt_store *store, enum rt_side side, struct rt_slice id,
                         int64_t *rid, struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc = has_any(store, err);

    if (rc != 1)
        return rc;
    stmt = rt_store_prepare(store, "SELECT rid FROM former WHERE side = ?1 AND id = ?2", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_slice(stmt, 2, id);
    rc = rt_store_step(store, stmt, err);
    if (rc != 1)
        return rc;
    *rid = sqlite3_column_int64(stmt, 0);
    rc = rt_store_step(store, stmt, err);
    sqlite3_reset(stmt);
    return rc < 0 ? -1 : rc == 0; /* of two records it says nothing */
}

int rt_store_move_former(struct rt_store *store, int64_t from, int64_t into, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "UPDATE OR REPLACE former SET rid = ?2 WHERE rid = ?1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, from);
    rt_bind_int(stmt, 2, into);
    return rt_store_run(store, stmt, err);
}
