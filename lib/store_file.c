/*
 * The ledger of files.  It is small (a few files a day), so the walk collects it first: a visitor
 * may change the ledger and walk it again.
 */
#include "lib/store_internal.h"

#include <stdlib.h>

#define COLUMNS                                                                                    \
    "file, side, name, digest, size, mtime, stamp, has_stamp, is_snapshot, state,"                 \
    " coalesce(run, 0), path, counts, remote"

static void read_file(sqlite3_stmt *stmt, struct rt_arena *arena, struct rt_file *file)
{
    file->id = sqlite3_column_int64(stmt, 0);
    file->side = (enum rt_side)sqlite3_column_int(stmt, 1);
    file->name = rt_column_str(stmt, 2, arena);
    file->digest = rt_column_digest(stmt, 3);
    file->size = (uint64_t)sqlite3_column_int64(stmt, 4);
    file->mtime = rt_column_time(stmt, 5);
    file->stamp = sqlite3_column_int64(stmt, 6);
    file->has_stamp = sqlite3_column_int(stmt, 7) != 0;
    file->is_snapshot = sqlite3_column_int(stmt, 8) != 0;
    file->state = (enum rt_file_state)sqlite3_column_int(stmt, 9);
    file->run = sqlite3_column_int64(stmt, 10);
    file->path = rt_column_str(stmt, 11, arena);
    file->counts = rt_column_str(stmt, 12, arena);
    file->remote = rt_column_str(stmt, 13, arena);
}

/* ?1 is the number of the file, in both statements that write one. */
static void bind_file(sqlite3_stmt *stmt, const struct rt_file *file)
{
    rt_bind_int(stmt, 1, file->id);
    rt_bind_int(stmt, 2, file->side);
    rt_bind_text(stmt, 3, file->name);
    rt_bind_digest(stmt, 4, file->digest);
    rt_bind_int(stmt, 5, (int64_t)file->size);
    rt_bind_time(stmt, 6, file->mtime);
    rt_bind_int(stmt, 7, file->stamp);
    rt_bind_int(stmt, 8, file->has_stamp);
    rt_bind_int(stmt, 9, file->is_snapshot);
    rt_bind_int(stmt, 10, file->state);
    rt_bind_int(stmt, 11, file->run);
    rt_bind_text(stmt, 12, file->path);
    rt_bind_text(stmt, 13, file->counts);
    rt_bind_text(stmt, 14, file->remote);
}

static int take_one(struct rt_store *store, sqlite3_stmt *stmt, struct rt_arena *arena,
                    struct rt_file *file, struct rt_err *err)
{
    int rc = rt_store_step(store, stmt, err);

    if (rc == 1) {
        read_file(stmt, arena, file);
        sqlite3_reset(stmt);
    }
    return rc;
}

/* An id that is not 0 is kept: a rebuild gives files the numbers they had. */
int rt_store_add_file(struct rt_store *store, struct rt_file *file, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "INSERT INTO file VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
        " nullif(?11, 0), ?12, ?13, ?14)",
        err);

    if (stmt == NULL)
        return -1;
    bind_file(stmt, file);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    file->id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int rt_store_update_file(struct rt_store *store, const struct rt_file *file, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "UPDATE file SET side = ?2, name = ?3, digest = ?4, size = ?5, mtime = ?6, stamp = ?7,"
        " has_stamp = ?8, is_snapshot = ?9, state = ?10, run = nullif(?11, 0), path = ?12,"
        " counts = ?13, remote = ?14 WHERE file = ?1",
        err);

    if (stmt == NULL)
        return -1;
    bind_file(stmt, file);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) != 1)
        return rt_err_set(err, RT_INTERNAL, "%s: the ledger has no file %lld", store->path,
                          (long long)file->id);
    return 0;
}

int rt_store_file_by_id(struct rt_store *store, int64_t id, struct rt_arena *arena,
                        struct rt_file *file, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT " COLUMNS " FROM file WHERE file = ?1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, id);
    return take_one(store, stmt, arena, file, err);
}

int rt_store_has_file_of_size(struct rt_store *store, enum rt_side side, uint64_t size,
                              struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT 1 FROM file WHERE side = ?1 AND size = ?2 LIMIT 1", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_int(stmt, 2, (int64_t)size);
    rc = rt_store_step(store, stmt, err);
    sqlite3_reset(stmt);
    return rc;
}

/* A name in the inbox can come again after its file has moved on: the newest one counts. */
int rt_store_file_by_path(struct rt_store *store, const char *path, struct rt_arena *arena,
                          struct rt_file *file, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT " COLUMNS " FROM file WHERE path = ?1 ORDER BY file DESC LIMIT 1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, path);
    return take_one(store, stmt, arena, file, err);
}

int rt_store_file_taken_at(struct rt_store *store, const char *path, int64_t *at,
                           struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store,
                                          "SELECT run.started FROM file JOIN run USING (run)"
                                          " WHERE file.path = ?1 ORDER BY file.file DESC LIMIT 1",
                                          err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, path);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1)
        *at = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return rc;
}

int rt_store_file_by_digest(struct rt_store *store, enum rt_side side, struct rt_digest digest,
                            struct rt_arena *arena, struct rt_file *file, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT " COLUMNS " FROM file WHERE side = ?1 AND digest = ?2 AND state = ?3"
        " ORDER BY stamp DESC, file DESC LIMIT 1",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_digest(stmt, 2, digest);
    rt_bind_int(stmt, 3, RT_FILE_TAKEN);
    return take_one(store, stmt, arena, file, err);
}

int rt_store_file_by_remote(struct rt_store *store, enum rt_side side, const char *remote,
                            struct rt_arena *arena, struct rt_file *file, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT " COLUMNS " FROM file WHERE side = ?1 AND remote = ?2 ORDER BY file DESC LIMIT 1",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_text(stmt, 2, remote);
    return take_one(store, stmt, arena, file, err);
}

int rt_store_newest_stamp(struct rt_store *store, enum rt_side side, int64_t *stamp,
                          struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT max(stamp) FROM file WHERE side = ?1 AND state = ?2", err);

    *stamp = RT_NEVER;
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_int(stmt, 2, RT_FILE_TAKEN);
    if (rt_store_step(store, stmt, err) < 0)
        return -1;
    *stamp = rt_column_time(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int rt_store_last_file(struct rt_store *store, int64_t *last, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT coalesce(max(file), 0) FROM file", err);

    if (stmt == NULL || rt_store_step(store, stmt, err) < 0)
        return -1;
    *last = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int rt_store_each_file(struct rt_store *store, rt_store_visit_file *visit, void *context,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT " COLUMNS " FROM file ORDER BY file", err);
    struct rt_arena arena = {0};
    struct rt_file *files = NULL;
    size_t count = 0;
    int rc = -1;

    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        files = rt_xgrow(files, count, sizeof *files);
        read_file(stmt, &arena, &files[count++]);
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, &files[i], err) < 0 ? -1 : 0;
    free(files);
    rt_arena_clear(&arena);
    return rc;
}
