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

    rt_store_unkeep(store, rid);
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

int rt_store_is_unchanged(struct rt_store *store, const struct rt_glance *glance, int64_t *rid,
                          struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int64_t stamp;
    bool same;
    int rc = rt_store_find(store, glance->side, glance->id[glance->side], rid, err);

    if (rc != 1)
        return rc;
    stmt = glance->side == RT_EXTERNAL
               ? rt_store_prepare(
                     store, "SELECT external_print, external_stamp FROM record WHERE rid = ?1", err)
               : rt_store_prepare(
                     store, "SELECT native_print, native_stamp FROM record WHERE rid = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, *rid);
    rc = rt_store_step(store, stmt, err);
    if (rc != 1)
        return rc;
    same = sqlite3_column_type(stmt, 0) != SQLITE_NULL &&
           rt_digest_is_equal(rt_column_digest(stmt, 0), glance->print);
    stamp = rt_column_time(stmt, 1);
    sqlite3_reset(stmt);
    if (stamp < store->snapshot_stamp[glance->side])
        stamp = store->snapshot_stamp[glance->side];
    if (!same || stamp > glance->stamp)
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

int rt_store_count_held(struct rt_store *store, enum rt_side side, int64_t *count,
                        struct rt_err *err)
{
    (void)err;
    *count = store->held[side];
    return 0;
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
