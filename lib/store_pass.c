#include "lib/store_internal.h"

/* ---- passes and glances ---- */

static int note_look_in(struct rt_store *store, const char *sql, const struct rt_glance *glance,
                        int64_t rid, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, sql, err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, glance->stamp);
    rt_bind_int(stmt, 3, glance->file);
    rt_bind_int(stmt, 4, glance->line);
    return rt_store_run(store, stmt, err);
}

#define EXTERNAL_LOOK                                                                              \
    " SET external_stamp = ?2, external_file = ?3, external_line = ?4 WHERE rid = ?1"
#define NATIVE_LOOK " SET native_stamp = ?2, native_file = ?3, native_line = ?4 WHERE rid = ?1"

static int note_look(struct rt_store *store, const struct rt_glance *glance, int64_t rid,
                     struct rt_err *err)
{
    bool is_external = glance->side == RT_EXTERNAL;

    if (rt_store_unkeep(store, rid, err) < 0)
        return -1;
    if (note_look_in(store,
                     is_external ? "UPDATE record_recent" EXTERNAL_LOOK
                                 : "UPDATE record_recent" NATIVE_LOOK,
                     glance, rid, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) == 1)
        return 0;
    return note_look_in(
        store, is_external ? "UPDATE record_base" EXTERNAL_LOOK : "UPDATE record_base" NATIVE_LOOK,
        glance, rid, err);
}

/* The digest and the time of the row that the record is recognised by.  1, 0: it has none, -1. */
static int find_print(struct rt_store *store, const struct rt_glance *glance, int64_t *rid,
                      struct rt_digest *print, int64_t *stamp, struct rt_err *err)
{
    const struct rt_record *kept;
    sqlite3_stmt *stmt;
    int rc = rt_store_find_row(store, glance->side, glance->id[glance->side], rid, &stmt, err);

    if (rc != 1)
        return rc;
    kept = rt_store_kept(store, *rid);
    if (kept != NULL) {
        *print = kept->print[glance->side];
        *stamp = kept->end[glance->side].look.stamp;
    } else {
        *print = rt_column_digest(stmt, RT_FOUND_PRINT);
        *stamp = rt_column_time(stmt, RT_FOUND_STAMP);
    }
    sqlite3_reset(stmt);
    return !rt_digest_is_equal(*print, (struct rt_digest){0, 0});
}

int rt_store_is_unchanged(struct rt_store *store, const struct rt_glance *glance, int64_t *rid,
                          struct rt_err *err)
{
    struct rt_digest print;
    int64_t stamp;
    int rc;

    if (store->bulk != NULL) /* there are no indexes to look in */
        return 0;
    rc = find_print(store, glance, rid, &print, &stamp, err);
    if (rc != 1)
        return rc;
    if (stamp < store->snapshot_stamp[glance->side])
        stamp = store->snapshot_stamp[glance->side];
    if (!rt_digest_is_equal(print, glance->print) || stamp > glance->stamp)
        return 0;
    if (!glance->is_snapshot && note_look(store, glance, *rid, err) < 0)
        return -1;
    return 1;
}

int rt_store_each_print(struct rt_store *store, enum rt_side side, rt_store_take_print *take,
                        void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        side == RT_EXTERNAL
            ? rt_store_prepare(store,
                               "SELECT rid, external_id, native_id, external_print, external_stamp "
                               "FROM all_record"
                               " WHERE external_seen IS NOT NULL",
                               err)
            : rt_store_prepare(
                  store,
                  "SELECT rid, external_id, native_id, native_print, native_stamp FROM all_record"
                  " WHERE native_seen IS NOT NULL",
                  err);
    int rc;

    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        struct rt_print_entry entry = {.rid = sqlite3_column_int64(stmt, 0),
                                       .id = {rt_column_slice(stmt, 1), rt_column_slice(stmt, 2)},
                                       .has_print = sqlite3_column_type(stmt, 3) != SQLITE_NULL,
                                       .print = rt_column_digest(stmt, 3),
                                       .stamp = rt_column_time(stmt, 4)};

        entry.known_at =
            entry.stamp < store->snapshot_stamp[side] ? store->snapshot_stamp[side] : entry.stamp;
        if (take(context, &entry, err) < 0) {
            sqlite3_reset(stmt);
            return -1;
        }
    }
    return rc;
}

int64_t rt_store_count_held(const struct rt_store *store, enum rt_side side)
{
    return store->held[side];
}

int rt_store_count_believed(struct rt_store *store, enum rt_side side, int64_t *count,
                            struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        side == RT_EXTERNAL ? "SELECT count(*) FROM all_record WHERE external_id IS NULL"
                              " AND (external_seen IS NOT NULL OR external_sent IS NOT NULL)"
                            : "SELECT count(*) FROM all_record WHERE native_id IS NULL"
                              " AND (native_seen IS NOT NULL OR native_sent IS NOT NULL)",
        err);

    if (stmt == NULL || rt_store_step(store, stmt, err) != 1)
        return -1;
    *count = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int64_t rt_store_last_record(const struct rt_store *store)
{
    return store->next_rid - 1;
}

int rt_store_count_records(struct rt_store *store, int64_t *count, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT count(*) FROM all_record", err);

    if (stmt == NULL || rt_store_step(store, stmt, err) != 1)
        return -1;
    *count = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}
