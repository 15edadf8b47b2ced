#include "lib/store_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- R7: records that wait because a delta's values were not taken ---- */

/* Opens the delta's item with the number of records that wait, or closes it when there are none
 * left. */
static int sync_delta_item(struct rt_store *store, int64_t delta, int64_t now, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT count(*), min(side) FROM waiting WHERE delta = ?1", err);
    char subject[32], detail[64];
    struct rt_item item = {
        .kind = "not-taken", .subject = subject, .opened = now, .detail = detail};
    int64_t count;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, delta);
    if (rt_store_step(store, stmt, err) != 1)
        return -1;
    count = sqlite3_column_int64(stmt, 0);
    item.side = (int)sqlite3_column_int64(stmt, 1);
    sqlite3_reset(stmt);
    snprintf(subject, sizeof subject, "d%" PRId64, delta);
    if (count == 0)
        return rt_store_close_item(store, item.kind, subject, "settled by later files", err);
    snprintf(detail, sizeof detail, "{\"delta\":%" PRId64 ",\"rows\":%" PRId64 "}", delta, count);
    return rt_store_put_item(store, &item, err);
}

/* One record more or less waits.  Counting them each time would take a delta's rows squared. */
static int count_in_delta_item(struct rt_store *store, int64_t delta, int by, int64_t now,
                               struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store,
                         "UPDATE item SET version = version + 1,"
                         " detail = json_set(detail, '$.rows', (detail ->> '$.rows') + ?2)"
                         " WHERE kind = 'not-taken' AND subject = 'd' || ?1 AND is_open"
                         " AND (detail ->> '$.rows') + ?2 > 0",
                         err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, delta);
    rt_bind_int(stmt, 2, by);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    return sqlite3_changes(store->db) == 1 ? 0 : sync_delta_item(store, delta, now, err);
}

int rt_store_set_waiting(struct rt_store *store, int64_t rid, enum rt_side side, int64_t delta,
                         int64_t now, struct rt_err *err)
{
    sqlite3_stmt *find =
        rt_store_prepare(store, "SELECT delta FROM waiting WHERE rid = ?1 AND side = ?2", err);
    sqlite3_stmt *set;
    int64_t before = 0;

    if (find == NULL)
        return -1;
    rt_bind_int(find, 1, rid);
    rt_bind_int(find, 2, side);
    switch (rt_store_step(store, find, err)) {
    case 1:
        before = sqlite3_column_int64(find, 0);
        sqlite3_reset(find);
        break;
    case 0:
        break;
    default:
        return -1;
    }
    if (before == delta)
        return 0;
    if (delta == 0)
        set = rt_store_prepare(store, "DELETE FROM waiting WHERE rid = ?1 AND side = ?2", err);
    else
        set = rt_store_prepare(store,
                               "INSERT INTO waiting VALUES (?1, ?2, ?3)"
                               " ON CONFLICT (rid, side) DO UPDATE SET delta = excluded.delta",
                               err);
    if (set == NULL)
        return -1;
    rt_bind_int(set, 1, rid);
    rt_bind_int(set, 2, side);
    if (delta != 0)
        rt_bind_int(set, 3, delta);
    if (rt_store_run(store, set, err) < 0)
        return -1;
    if (before != 0 && count_in_delta_item(store, before, -1, now, err) < 0)
        return -1;
    return delta != 0 ? count_in_delta_item(store, delta, 1, now, err) : 0;
}

int rt_store_each_waiting(struct rt_store *store, int64_t delta, rt_store_visit_waiting *visit,
                          void *context, struct rt_err *err)
{
    int64_t rid = 0;

    /* One look-up a step: the visitor usually ends the wait of what it visits. */
    for (;;) {
        sqlite3_stmt *stmt = rt_store_prepare(
            store,
            "SELECT rid, side FROM waiting WHERE delta = ?1 AND rid > ?2 ORDER BY rid LIMIT 1",
            err);
        enum rt_side side;
        int rc;

        if (stmt == NULL)
            return -1;
        rt_bind_int(stmt, 1, delta);
        rt_bind_int(stmt, 2, rid);
        rc = rt_store_step(store, stmt, err);
        if (rc != 1)
            return rc;
        rid = sqlite3_column_int64(stmt, 0);
        side = sqlite3_column_int64(stmt, 1) == RT_NATIVE ? RT_NATIVE : RT_EXTERNAL;
        sqlite3_reset(stmt);
        if (visit(context, rid, side, err) < 0)
            return -1;
    }
}

/* ---- moves of files ---- */

int rt_store_add_move(struct rt_store *store, const char *from, const char *to, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "INSERT INTO move (source, target) VALUES (?1, ?2)", err);

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, from);
    rt_bind_text(stmt, 2, to);
    return rt_store_run(store, stmt, err);
}

int rt_store_each_move(struct rt_store *store, rt_store_visit_move *visit, void *context,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT source, target FROM move ORDER BY move", err);
    int rc;

    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        if (visit(context, (const char *)sqlite3_column_text(stmt, 0),
                  (const char *)sqlite3_column_text(stmt, 1), err) < 0) {
            sqlite3_reset(stmt);
            return -1;
        }
    }
    return rc;
}

int rt_store_drop_moves(struct rt_store *store, struct rt_err *err)
{
    return rt_store_exec(store, "DELETE FROM move", err);
}

bool rt_store_has_moves(struct rt_store *store)
{
    struct rt_err ignored;
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT 1 FROM move LIMIT 1", &ignored);
    bool has = stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW;

    if (stmt != NULL)
        sqlite3_reset(stmt);
    return has;
}

/* ---- what a fetch saw at the other end and did not take yet ---- */

int rt_store_sighting(struct rt_store *store, enum rt_side side, const char *remote, int64_t now,
                      int64_t *first, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "INSERT INTO sighting VALUES (?1, ?2, ?3) ON CONFLICT (side, remote) DO UPDATE"
        " SET first = min(first, excluded.first) RETURNING first",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_text(stmt, 2, remote);
    rt_bind_int(stmt, 3, now);
    if (rt_store_step(store, stmt, err) != 1)
        return -1;
    *first = sqlite3_column_int64(stmt, 0);
    while (rt_store_step(store, stmt, err) == 1)
        ;
    return 0;
}
