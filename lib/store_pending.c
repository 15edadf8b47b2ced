#include "lib/store_internal.h"
#include "lib/store_schema.h"

/* R11: pending inserts by the digests of what was sent, and who is suspected to be which. */

int rt_store_add_pending(struct rt_store *store, int64_t rid, enum rt_side side,
                         struct rt_digest print, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "INSERT OR IGNORE INTO pending VALUES (?1, ?2, ?3)", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_digest(stmt, 2, print);
    rt_bind_int(stmt, 3, rid);
    return rt_store_run(store, stmt, err);
}

int rt_store_drop_pending(struct rt_store *store, int64_t rid, enum rt_side side, bool *any,
                          struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "DELETE FROM pending WHERE rid = ?1 AND side = ?2", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, side);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    *any = sqlite3_changes(store->db) > 0;
    return 0;
}

int rt_store_list_pending(struct rt_store *store, struct rt_pending **list, size_t *count,
                          struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT DISTINCT p.rid, p.side, c.cid, c.layout FROM pending AS p"
        " JOIN delta_row AS r ON r.rid = p.rid JOIN delta AS d ON d.delta = r.delta"
        " JOIN content AS c ON c.cid = r.cid WHERE d.side = p.side ORDER BY 1, 2, 3",
        err);
    int rc;

    *list = NULL;
    *count = 0;
    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        *list = rt_xgrow(*list, *count, sizeof **list);
        (*list)[(*count)++] = (struct rt_pending){.rid = sqlite3_column_int64(stmt, 0),
                                                  .side = (enum rt_side)sqlite3_column_int(stmt, 1),
                                                  .cid = sqlite3_column_int64(stmt, 2),
                                                  .layout = sqlite3_column_int64(stmt, 3)};
    }
    return rc;
}

/* Collects what a query of one column of record numbers gives. */
static int collect(struct rt_store *store, sqlite3_stmt *stmt, struct rt_arena *arena,
                   struct rt_rid_list *list, struct rt_err *err)
{
    int rc;

    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        list->rids = rt_arena_grow(arena, list->rids, list->count, sizeof *list->rids);
        list->rids[list->count++] = sqlite3_column_int64(stmt, 0);
    }
    return rc;
}

int rt_store_has_pending(struct rt_store *store, enum rt_side side, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT 1 FROM pending WHERE side = ?1 LIMIT 1", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rc = rt_store_step(store, stmt, err);
    sqlite3_reset(stmt);
    return rc;
}

int rt_store_find_pending(struct rt_store *store, enum rt_side side,
                          const struct rt_digest print[2], struct rt_arena *arena,
                          struct rt_rid_list *list, struct rt_err *err)
{
    /* Each part stops after 20, too: thousands may be equal, such as by a weak fingerprint. */
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT rid FROM (SELECT rid FROM pending WHERE side = ?1 AND print = ?2"
        " ORDER BY rid LIMIT 20) UNION SELECT rid FROM (SELECT rid FROM pending"
        " WHERE side = ?1 AND print = ?3 ORDER BY rid LIMIT 20) ORDER BY rid LIMIT 20",
        err);

    *list = (struct rt_rid_list){0};
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_digest(stmt, 2, print[0]);
    rt_bind_digest(stmt, 3, print[1]);
    return collect(store, stmt, arena, list, err);
}

int rt_store_add_suspect(struct rt_store *store, int64_t rid, int64_t candidate, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "INSERT OR IGNORE INTO suspect VALUES (?1, ?2)", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, candidate);
    return rt_store_run(store, stmt, err);
}

int rt_store_candidates(struct rt_store *store, int64_t rid, struct rt_arena *arena,
                        struct rt_rid_list *list, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT candidate FROM suspect WHERE rid = ?1 ORDER BY candidate", err);

    *list = (struct rt_rid_list){0};
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    return collect(store, stmt, arena, list, err);
}

int rt_store_suspects_of(struct rt_store *store, int64_t candidate, struct rt_arena *arena,
                         struct rt_rid_list *list, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT rid FROM suspect WHERE candidate = ?1 ORDER BY rid", err);

    *list = (struct rt_rid_list){0};
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, candidate);
    return collect(store, stmt, arena, list, err);
}

int rt_store_drop_suspect(struct rt_store *store, int64_t rid, int64_t candidate,
                          struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "DELETE FROM suspect WHERE rid = ?1 AND (?2 = 0 OR candidate = ?2)", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, candidate);
    return rt_store_run(store, stmt, err);
}
