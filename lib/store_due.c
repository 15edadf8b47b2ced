#include "lib/store_internal.h"

/* ---- due ---- */

int rt_store_put_due(struct rt_store *store, const struct rt_due_entry *entry, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "INSERT INTO due (rid, side, since, action, reason) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (rid, side) DO UPDATE SET action = excluded.action, reason = excluded.reason"
        " WHERE action <> excluded.action OR reason <> excluded.reason",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, entry->rid);
    rt_bind_int(stmt, 2, entry->side);
    rt_bind_int(stmt, 3, entry->since);
    rt_bind_text(stmt, 4, entry->action);
    rt_bind_text(stmt, 5, entry->reason);
    return rt_store_run(store, stmt, err);
}

int rt_store_drop_due(struct rt_store *store, int64_t rid, enum rt_side side, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "DELETE FROM due WHERE rid = ?1 AND side = ?2", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, side);
    return rt_store_run(store, stmt, err);
}

int rt_store_next_due(struct rt_store *store, enum rt_side side, struct rt_arena *arena,
                      struct rt_due_entry *entry, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store,
                                          "SELECT seq, rid, since, action, reason FROM due WHERE "
                                          "side = ?1 AND seq > ?2 ORDER BY seq LIMIT 1",
                                          err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_int(stmt, 2, entry->seq);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        *entry = (struct rt_due_entry){.seq = sqlite3_column_int64(stmt, 0),
                                       .rid = sqlite3_column_int64(stmt, 1),
                                       .side = side,
                                       .since = sqlite3_column_int64(stmt, 2),
                                       .action = rt_column_str(stmt, 3, arena),
                                       .reason = rt_column_str(stmt, 4, arena)};
        sqlite3_reset(stmt);
    }
    return rc;
}
