/*
 * What people ask: how much is under way, what is due and why, which deltas carried a record.
 *
 * The walks collect first, so a visitor may walk again and may change what it likes.
 */
#include "lib/store_digests.h"
#include "lib/store_internal.h"
#include "lib/store_schema.h"

#include <stdlib.h>

/* ---- rows under way, by delta ---- */

struct flight {
    int64_t delta, rows;
};

struct flights {
    struct flight *items; /* in order of delta */
    size_t count;
};

static void count_flight(struct flights *flights, int64_t delta)
{
    size_t at = flights->count;

    while (at > 0 && flights->items[at - 1].delta > delta)
        at--;
    if (at > 0 && flights->items[at - 1].delta == delta) {
        flights->items[at - 1].rows++;
        return;
    }
    flights->items = rt_xgrow(flights->items, flights->count, sizeof *flights->items);
    memmove(flights->items + at + 1, flights->items + at,
            (flights->count - at) * sizeof *flights->items);
    flights->items[at] = (struct flight){delta, 1};
    flights->count++;
}

/* `sent` as store_record.c packs it.  What is no longer trusted to be there is not under way. */
static void count_versions(struct flights *flights, const char *sent)
{
    while (sent != NULL && *sent) {
        int64_t delta, position, cid, trusted;

        if (rt_store_take_number(&sent, ':', &delta) &&
            rt_store_take_number(&sent, ':', &position) && rt_store_take_number(&sent, ':', &cid) &&
            rt_store_take_number(&sent, ':', &trusted) && delta > 0 && trusted == 1)
            count_flight(flights, delta);
        sent = strchr(sent, ' ');
        sent = sent ? sent + 1 : NULL;
    }
}

static sqlite3_stmt *prepare_sent(struct rt_store *store, enum rt_side side, struct rt_err *err)
{
    if (side == RT_EXTERNAL)
        return rt_store_prepare(
            store, "SELECT external_sent FROM all_record WHERE external_sent IS NOT NULL", err);
    return rt_store_prepare(
        store, "SELECT native_sent FROM all_record WHERE native_sent IS NOT NULL", err);
}

/* Inserts that only a `confirm` speaks for: they still wait for their ID (R6). */
static int count_confirmed(struct rt_store *store, enum rt_side side, struct flights *flights,
                           struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc = rt_store_has_pending(store, side, err);

    if (rc != 1)
        return rc;
    stmt = rt_store_prepare(
        store,
        "SELECT d.delta FROM (SELECT DISTINCT rid FROM pending WHERE side = ?1) AS p"
        " JOIN all_record AS r ON r.rid = p.rid JOIN delta AS d"
        " ON d.delta = CASE ?1 WHEN 0 THEN r.external_delta ELSE r.native_delta END"
        " WHERE d.confirmed_at IS NOT NULL"
        " AND CASE ?1 WHEN 0 THEN r.external_id ELSE r.native_id END IS NULL",
        err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    while ((rc = rt_store_step(store, stmt, err)) == 1)
        count_flight(flights, sqlite3_column_int64(stmt, 0));
    return rc;
}

int rt_store_each_flight(struct rt_store *store, enum rt_side side, bool own_id_only,
                         rt_store_visit_flight *visit, void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_sent(store, side, err);
    struct flights flights = {0};
    int rc;

    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1)
        count_versions(&flights, (const char *)sqlite3_column_text(stmt, 0));
    if (rc == 0 && own_id_only)
        rc = count_confirmed(store, side, &flights, err);
    for (size_t i = 0; i < flights.count && rc == 0; i++)
        rc = visit(context, flights.items[i].delta, flights.items[i].rows, err) < 0 ? -1 : 0;
    free(flights.items);
    return rc;
}

/* ---- rows that may be out of date ---- */

struct doubtful {
    int64_t position, rid;
    bool is_delete;
};

static sqlite3_stmt *prepare_doubtful(struct rt_store *store, const struct rt_row_range *range,
                                      enum rt_side side, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store,
                         "SELECT r.position, r.rid, r.action = ?6"
                         " FROM main.delta_row AS r JOIN all_record AS k ON k.rid = r.rid"
                         " WHERE r.delta = ?1 AND r.position >= ?2 AND r.position < ?3"
                         " AND (r.action = ?6 OR r.action = ?4"
                         " AND CASE ?5 WHEN 0 THEN r.external_id ELSE r.native_id END IS NULL"
                         " AND (CASE ?5 WHEN 0 THEN k.external_id ELSE k.native_id END IS NOT NULL"
                         " OR EXISTS (SELECT 1 FROM suspect AS s WHERE s.candidate = r.rid)))"
                         " ORDER BY r.position",
                         err);

    if (stmt == NULL)
        return NULL;
    rt_bind_int(stmt, 1, range->delta);
    rt_bind_int(stmt, 2, range->first);
    rt_bind_int(stmt, 3, range->first + range->count);
    rt_bind_int(stmt, 4, RT_ROW_INSERT);
    rt_bind_int(stmt, 5, side);
    rt_bind_int(stmt, 6, RT_ROW_DELETE);
    return stmt;
}

int rt_store_each_doubtful_row(struct rt_store *store, const struct rt_row_range *range,
                               enum rt_side side, rt_store_visit_doubtful *visit, void *context,
                               struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_doubtful(store, range, side, err);
    struct doubtful *rows = NULL;
    size_t count = 0;
    int rc;

    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        rows = rt_xgrow(rows, count, sizeof *rows);
        rows[count++] =
            (struct doubtful){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                              sqlite3_column_int(stmt, 2) != 0};
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, rows[i].position, rows[i].rid, rows[i].is_delete, err) < 0 ? -1 : 0;
    free(rows);
    return rc;
}

/* ---- what is due, by reason ---- */

struct group {
    const char *action, *reason;
    int64_t rows;
};

int rt_store_each_due_group(struct rt_store *store, enum rt_side side, rt_store_visit_due *visit,
                            void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store,
                                          "SELECT action, reason, count(*) FROM due WHERE side = ?1"
                                          " GROUP BY action, reason ORDER BY count(*) DESC, 1, 2",
                                          err);
    struct rt_arena arena = {0};
    struct group *groups = NULL;
    size_t count = 0;
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        groups = rt_xgrow(groups, count, sizeof *groups);
        groups[count++] =
            (struct group){rt_column_str(stmt, 0, &arena), rt_column_str(stmt, 1, &arena),
                           sqlite3_column_int64(stmt, 2)};
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, groups[i].action, groups[i].reason, groups[i].rows, err) < 0 ? -1 : 0;
    free(groups);
    rt_arena_clear(&arena);
    return rc;
}

/* ---- the deltas that carried a record ---- */

#define ROW_COLUMNS "delta, position, rid, action, external_id, native_id, cid"

static sqlite3_stmt *prepare_rows_of(struct rt_store *store, struct rt_err *err)
{
    if (!rt_store_is_scratch(store))
        return rt_store_prepare(
            store, "SELECT " ROW_COLUMNS " FROM delta_row WHERE rid = ?1 ORDER BY 1, 2", err);
    return rt_store_prepare(store,
                            "SELECT " ROW_COLUMNS " FROM temp.delta_row WHERE rid = ?1 UNION ALL"
                            " SELECT " ROW_COLUMNS
                            " FROM main.delta_row WHERE rid = ?1 ORDER BY 1, 2",
                            err);
}

int rt_store_each_row_of(struct rt_store *store, int64_t rid, rt_store_visit_row *visit,
                         void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_rows_of(store, err);
    struct rt_arena arena = {0};
    struct rt_delta_row *rows = NULL;
    size_t count = 0;
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        rows = rt_xgrow(rows, count, sizeof *rows);
        rows[count++] =
            (struct rt_delta_row){.delta = sqlite3_column_int64(stmt, 0),
                                  .position = sqlite3_column_int64(stmt, 1),
                                  .rid = sqlite3_column_int64(stmt, 2),
                                  .action = (enum rt_action_code)sqlite3_column_int(stmt, 3),
                                  .id = {rt_arena_dup(&arena, rt_column_slice(stmt, 4)),
                                         rt_arena_dup(&arena, rt_column_slice(stmt, 5))},
                                  .cid = sqlite3_column_int64(stmt, 6)};
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, &rows[i], err) < 0 ? -1 : 0;
    free(rows);
    rt_arena_clear(&arena);
    return rc;
}

/* Before all records are changed at once: none is only in memory. */
static int keep_none(struct rt_store *store, struct rt_err *err)
{
    if (rt_store_write_kept(store, err) < 0)
        return -1;
    rt_store_unkeep_all(store);
    return 0;
}

int rt_store_forget_modified(struct rt_store *store, enum rt_side side, struct rt_err *err)
{
    if (keep_none(store, err) < 0)
        return -1;
    return rt_store_exec(store,
                         side == RT_EXTERNAL ? "UPDATE record_base SET external_modified = NULL;"
                                               "UPDATE record_recent SET external_modified = NULL"
                                             : "UPDATE record_base SET native_modified = NULL;"
                                               "UPDATE record_recent SET native_modified = NULL",
                         err);
}

int rt_store_forget_prints(struct rt_store *store, struct rt_err *err)
{
    if (rt_store_drop_digests(store, RT_EXTERNAL, err) < 0 ||
        rt_store_drop_digests(store, RT_NATIVE, err) < 0 || keep_none(store, err) < 0)
        return -1;
    return rt_store_exec(store,
                         "UPDATE record_base SET external_print = NULL, native_print = NULL;"
                         "UPDATE record_recent SET external_print = NULL, native_print = NULL",
                         err);
}
