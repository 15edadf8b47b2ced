/*
 * What a report asks: rows handed over by day and action, and inserts whose ID is not known yet.
 * Rows and records are read from the file, also in scratch mode: a report changes neither.
 */
#include "lib/store_internal.h"

int rt_store_each_handed(struct rt_store *store, int64_t since, rt_store_visit_handed *visit,
                         void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT d.side, d.handed_at, r.action, count(*) FROM delta AS d"
        " JOIN main.delta_row AS r ON r.delta = d.delta WHERE d.state = ?1 AND d.handed_at >= ?2"
        " GROUP BY d.delta, r.action ORDER BY d.delta, r.action",
        err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, RT_DELTA_HANDED);
    rt_bind_int(stmt, 2, since);
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        struct rt_store_handed handed = {.side = (enum rt_side)sqlite3_column_int(stmt, 0),
                                         .at = sqlite3_column_int64(stmt, 1),
                                         .action = (enum rt_action_code)sqlite3_column_int(stmt, 2),
                                         .rows = sqlite3_column_int64(stmt, 3)};

        if (visit(context, &handed, err) < 0) {
            sqlite3_reset(stmt);
            return -1;
        }
    }
    return rc;
}

int rt_store_each_insert(struct rt_store *store, enum rt_side side, rt_store_visit_insert *visit,
                         void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "WITH waits AS MATERIALIZED"
        " (SELECT p.rid, CASE ?1 WHEN 0 THEN r.native_id ELSE r.external_id END AS other_id"
        " FROM (SELECT DISTINCT rid FROM pending WHERE side = ?1) AS p"
        " JOIN main.record AS r ON r.rid = p.rid"
        " WHERE CASE ?1 WHEN 0 THEN r.external_id ELSE r.native_id END IS NULL)"
        " SELECT v.other_id, min(d.handed_at), d.delta FROM waits AS v"
        " JOIN main.delta_row AS w ON w.rid = v.rid AND w.action = ?2"
        " JOIN delta AS d ON d.delta = w.delta AND d.side = ?1 AND d.state = ?3"
        " GROUP BY v.rid ORDER BY 2, v.rid",
        err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_int(stmt, 2, RT_ROW_INSERT);
    rt_bind_int(stmt, 3, RT_DELTA_HANDED);
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        struct rt_store_insert insert = {.other_id = rt_column_slice(stmt, 0),
                                         .handed_at = sqlite3_column_int64(stmt, 1),
                                         .delta = sqlite3_column_int64(stmt, 2)};

        if (visit(context, &insert, err) < 0) {
            sqlite3_reset(stmt);
            return -1;
        }
    }
    return rc;
}
