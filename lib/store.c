#include "lib/store_internal.h"

#include "lib/fault.h"
#include "lib/plant.h"
#include "lib/store_checked.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long to wait for a reader that holds SQLite's lock: longer than any status or diff of a daily
 * file. */
#define BUSY_TIMEOUT_MS 30000

/* ---- errors and statements ---- */

static enum rt_code code_of(int rc)
{
    if (rc == SQLITE_IOERR_DATA) /* a page that is not what was written (store_checked.h) */
        return RT_STOPPED;
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RT_BUSY;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return RT_IO;
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return RT_REFUSED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return RT_STOPPED;
    default:
        return RT_INTERNAL;
    }
}

int rt_store_fail(struct rt_store *store, const char *doing, struct rt_err *err)
{
    int rc = sqlite3_extended_errcode(store->db);
    enum rt_code code = code_of(rc);
    const char *advice = "";

    if (code == RT_STOPPED)
        advice = ": " RT_STORE_DAMAGED;
    else if ((rc & 0xff) == SQLITE_FULL)
        advice = ": make room on its disk, and on that of temporary files (TMPDIR, or /var/tmp)";
    else if (code == RT_BUSY)
        advice = ": another process is using it; try again";
    else if (code == RT_REFUSED)
        advice = ": whoever runs this must be able to write to it, and to its folder";
    return rt_err_set(err, code, "%s: %s: %s%s", store->path, doing, sqlite3_errmsg(store->db),
                      advice);
}

/* For what concerns no rows of records. */
static int exec_beside(struct rt_store *store, const char *sql, struct rt_err *err)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return rt_store_fail(store, "working on the state", err);
}

int rt_store_exec(struct rt_store *store, const char *sql, struct rt_err *err)
{
    return rt_store_write_kept(store, err) < 0 ? -1 : exec_beside(store, sql, err);
}

/* What a pass over everything reads, all_record and all_content, is two databases in scratch mode,
 * and else the table itself. */
static char *plain_names(const char *sql)
{
    char *text = rt_xstrdup(sql);

    for (char *p = text; (p = strstr(p, "all_")) != NULL;)
        memmove(p, p + 4, strlen(p + 4) + 1);
    return text;
}

static int prepare(struct rt_store *store, struct rt_statement *statement)
{
    char *text = rt_store_is_scratch(store) ? NULL : plain_names(statement->sql);
    int rc = sqlite3_prepare_v3(store->db, text ? text : statement->sql, -1,
                                SQLITE_PREPARE_PERSISTENT, &statement->stmt, NULL);

    free(text);
    return rc;
}

static struct rt_statement *find_statement(struct rt_store *store, const char *sql,
                                           struct rt_err *err)
{
    struct rt_statement *known;
    size_t *place = &store->places[(uintptr_t)sql / 16 % RT_STATEMENT_PLACES]; /* mostly right */

    if (*place >= store->statement_count || store->statements[*place].sql != sql)
        for (*place = 0; *place < store->statement_count; ++*place)
            if (store->statements[*place].sql == sql)
                break;
    if (*place < store->statement_count)
        return &store->statements[*place];
    store->statements =
        rt_xgrow(store->statements, store->statement_count, sizeof *store->statements);
    known = &store->statements[store->statement_count];
    known->sql = sql;
    known->is_of_records = strstr(sql, "record") != NULL;
    if (prepare(store, known) != SQLITE_OK) {
        rt_store_fail(store, "preparing a query", err);
        return NULL;
    }
    store->statement_count++;
    return known;
}

sqlite3_stmt *rt_store_prepare_beside(struct rt_store *store, const char *sql, struct rt_err *err)
{
    struct rt_statement *known = find_statement(store, sql, err);

    if (known == NULL)
        return NULL;
    sqlite3_reset(known->stmt);
    return known->stmt;
}

sqlite3_stmt *rt_store_prepare(struct rt_store *store, const char *sql, struct rt_err *err)
{
    struct rt_statement *known = find_statement(store, sql, err);
    sqlite3_stmt *stmt = known ? known->stmt : NULL;

    if (stmt == NULL || (known->is_of_records && rt_store_write_kept(store, err) < 0))
        return NULL;
    sqlite3_reset(stmt);
    return stmt;
}

int rt_store_step(struct rt_store *store, sqlite3_stmt *stmt, struct rt_err *err)
{
    int rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        rt_store_fail(store, "reading or writing the state", err);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

int rt_store_run(struct rt_store *store, sqlite3_stmt *stmt, struct rt_err *err)
{
    int rc = rt_store_step(store, stmt, err);

    if (rc == 1) {
        sqlite3_reset(stmt);
        return rt_err_set(err, RT_INTERNAL, "%s: a statement gave a row where none was expected",
                          store->path);
    }
    return rc;
}

void rt_bind_int(sqlite3_stmt *stmt, int index, int64_t value)
{
    sqlite3_bind_int64(stmt, index, value);
}

void rt_bind_time(sqlite3_stmt *stmt, int index, int64_t t)
{
    if (t == RT_NEVER)
        sqlite3_bind_null(stmt, index);
    else
        sqlite3_bind_int64(stmt, index, t);
}

void rt_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
    sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC);
}

void rt_bind_slice(sqlite3_stmt *stmt, int index, struct rt_slice text)
{
    if (text.len == 0)
        sqlite3_bind_null(stmt, index);
    else
        sqlite3_bind_text64(stmt, index, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void rt_bind_digest(sqlite3_stmt *stmt, int index, struct rt_digest digest)
{
    unsigned char bytes[16];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(digest.high >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char)(digest.low >> (56 - 8 * i));
    }
    sqlite3_bind_blob(stmt, index, bytes, sizeof bytes, SQLITE_TRANSIENT);
}

int64_t rt_column_time(sqlite3_stmt *stmt, int index)
{
    return sqlite3_column_type(stmt, index) == SQLITE_NULL ? RT_NEVER
                                                           : sqlite3_column_int64(stmt, index);
}

struct rt_slice rt_column_slice(sqlite3_stmt *stmt, int index)
{
    const char *text = (const char *)sqlite3_column_text(stmt, index);

    return rt_slice_from(text, text ? (size_t)sqlite3_column_bytes(stmt, index) : 0);
}

const char *rt_column_str(sqlite3_stmt *stmt, int index, struct rt_arena *arena)
{
    struct rt_slice text = rt_column_slice(stmt, index);

    return text.ptr ? rt_arena_dup(arena, text).ptr : NULL;
}

struct rt_digest rt_column_digest(sqlite3_stmt *stmt, int index)
{
    const unsigned char *bytes = sqlite3_column_blob(stmt, index);
    struct rt_digest digest = {0, 0};

    if (bytes == NULL || sqlite3_column_bytes(stmt, index) != 16)
        return digest;
    for (int i = 0; i < 8; i++) {
        digest.high = digest.high << 8 | bytes[i];
        digest.low = digest.low << 8 | bytes[8 + i];
    }
    return digest;
}

/* ---- open and close ---- */

const char *rt_store_library_version(void)
{
    return sqlite3_libversion();
}

bool rt_store_is_scratch(const struct rt_store *store)
{
    return store->mode == RT_STORE_SCRATCH;
}

/* The state holds what people wrote about people: nobody else may read it. */
static int make_private(const char *path, struct rt_err *err)
{
    FILE *f;
    mode_t old;

    if (access(path, F_OK) == 0)
        return 0;
    old = umask(077);
    f = fopen(path, "ab");
    umask(old);
    if (f == NULL)
        return rt_err_errno(err, RT_IO, "cannot make %s", path);
    fclose(f);
    return 0;
}

/* SQLite does not say why it cannot open a file, and opens one that it may not write to read-only.
 * Not by opening it: to close it again would give up SQLite's locks. */
static int check_access(const struct rt_store *store, int mode, struct rt_err *err)
{
    if (access(store->path, mode) == 0)
        return 0;
    if (errno != EACCES)
        return rt_err_errno(err, errno == EROFS ? RT_REFUSED : RT_IO, "cannot open %s",
                            store->path);
    return rt_err_set(err, RT_REFUSED,
                      "cannot open %s: permission denied: run it as the user whose profile this is",
                      store->path);
}

static int configure(struct rt_store *store, struct rt_err *err)
{
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return rt_store_exec(
        store,
        RT_PLANTED("state-unsynced")
            ? "PRAGMA synchronous = OFF"
            : "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON; PRAGMA temp_store = FILE;"
              "PRAGMA cache_size = -2048",
        err);
}

static int open_database(struct rt_store *store, struct rt_err *err)
{
    bool is_reader = store->mode != RT_STORE_CREATE;
    int flags = is_reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int always = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX; /* one thread uses it */

    /* A run that was killed leaves a journal, which only a writer can roll back: the state becomes
     * what it was. */
    if (is_reader) {
        char *journal = rt_xasprintf("%s-journal", store->path);

        if (access(journal, F_OK) == 0)
            flags = SQLITE_OPEN_READWRITE;
        free(journal);
    }
    if (!is_reader && make_private(store->path, err) < 0)
        return -1;
    /* No state yet: a reader works on an empty one of its own. */
    store->is_empty = is_reader && access(store->path, F_OK) != 0 && errno == ENOENT;
    if (store->is_empty)
        flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    else if (check_access(store, is_reader ? R_OK : R_OK | W_OK, err) < 0)
        return -1;
    if ((store->is_empty
             ? sqlite3_open_v2(":memory:", &store->db, flags, NULL)
             : rt_store_open_checked(store->path, &store->db, flags | always)) != SQLITE_OK)
        return rt_store_fail(store, "cannot open the state", err);
    return 0;
}

int rt_store_open(const char *path, enum rt_store_mode mode, struct rt_store **store,
                  struct rt_err *err)
{
    struct rt_store *s = rt_xcalloc(1, sizeof *s);

    *store = NULL;
    s->path = rt_xstrdup(path);
    s->mode = mode;
    s->delta_times_count = -1;
    if (open_database(s, err) < 0 || configure(s, err) < 0 || rt_store_migrate(s, err) < 0)
        goto out;
    /* A reader works on one moment of the state, whatever is written meanwhile. */
    if (mode != RT_STORE_CREATE && rt_store_exec(s, "BEGIN", err) < 0)
        goto out;
    if ((mode == RT_STORE_SCRATCH && rt_store_begin_scratch(s, err) < 0) ||
        rt_store_load_counters(s, err) < 0)
        goto out;
    *store = s;
    s = NULL;
out:
    rt_store_close(s);
    return *store ? 0 : -1;
}

int rt_store_expect_many(struct rt_store *store, struct rt_err *err)
{
    return rt_store_exec(store, "PRAGMA cache_size = -16384", err);
}

void rt_store_close(struct rt_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].stmt);
    free(store->statements);
    sqlite3_close(store->db);
    rt_store_bulk_forget(store);
    rt_store_forget_layouts(store);
    rt_store_unkeep_all(store);
    free(store->delta_times);
    free(store->touched);
    rt_buf_clear(&store->scratch);
    rt_buf_clear(&store->found_id[0]);
    rt_buf_clear(&store->found_id[1]);
    free(store->path);
    free(store);
}

/* ---- transactions ---- */

/* A reader holds it all the time. */
int rt_store_hold(struct rt_store *store, struct rt_err *err)
{
    return store->mode == RT_STORE_CREATE ? rt_store_exec(store, "BEGIN", err) : 0;
}

int rt_store_let_go(struct rt_store *store, struct rt_err *err)
{
    return store->mode == RT_STORE_CREATE ? rt_store_exec(store, "COMMIT", err) : 0;
}

int rt_store_begin(struct rt_store *store, struct rt_err *err)
{
    if (!rt_store_is_scratch(store) && rt_store_exec(store, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    store->in_transaction = true;
    rt_store_forget_found(store);
    if (rt_store_load_counters(store, err) < 0)
        return -1;
    store->is_first_load = store->next_rid == 1;
    return 0;
}

int rt_store_commit(struct rt_store *store, struct rt_err *err)
{
    if (rt_store_write_kept(store, err) < 0 ||
        (!rt_store_is_scratch(store) && rt_store_compact(store, err) < 0))
        return -1;
    if (rt_store_save_counters(store, err) < 0)
        return -1;
    if (rt_store_is_scratch(store))
        return 0;
    if (rt_store_save_touched(store, err) < 0)
        return -1;
    rt_store_forget_touched(store);
    if (RT_STEP("store.commit") < 0)
        return rt_err_errno(err, RT_IO, "%s: committing", store->path);
    if (rt_store_exec(store, "COMMIT", err) < 0)
        return -1;
    store->in_transaction = false;
    rt_store_unkeep_all(store);
    return RT_STEP("store.committed") < 0
               ? rt_err_errno(err, RT_IO, "%s: after the commit", store->path)
               : 0;
}

bool rt_store_in_transaction(const struct rt_store *store)
{
    return store->in_transaction;
}

void rt_store_abort(struct rt_store *store)
{
    if (store == NULL || !store->in_transaction)
        return;
    store->in_transaction = false;
    rt_store_unkeep_all(store);
    store->delta_times_count = -1;
    rt_store_forget_touched(store);
    rt_store_forget_found(store);
    rt_store_bulk_forget(store);
    store->has_questions = false;
    if (!rt_store_is_scratch(store))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int rt_store_savepoint(struct rt_store *store, struct rt_err *err)
{
    if (rt_store_save_counters(store, err) < 0)
        return -1;
    return rt_store_exec(store, "SAVEPOINT file", err);
}

int rt_store_release(struct rt_store *store, struct rt_err *err)
{
    return exec_beside(store, "RELEASE file", err);
}

int rt_store_rewind(struct rt_store *store, struct rt_err *err)
{
    store->delta_times_count = -1;
    rt_store_forget_layouts(store);
    rt_store_bulk_forget(store);
    rt_store_unkeep_all(store);
    rt_store_forget_found(store);
    store->has_questions = false;
    store->touched_from[0] = store->touched_from[1] = 0; /* too many, after a refused file */
    if (rt_store_exec(store, "ROLLBACK TO file; RELEASE file", err) < 0)
        return -1;
    /* Its layout may be new. */
    if (store->schema != NULL && rt_store_use_schema(store, store->schema, err) < 0)
        return -1;
    return rt_store_load_counters(store, err);
}

/* ---- single values ---- */

int rt_store_get_bytes(struct rt_store *store, const char *key, struct rt_arena *arena,
                       struct rt_slice *value, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT value FROM meta WHERE key = ?1", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, key);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        *value = rt_arena_dup(arena, rt_column_slice(stmt, 0));
        sqlite3_reset(stmt);
    }
    return rc;
}

int rt_store_get(struct rt_store *store, const char *key, struct rt_arena *arena,
                 const char **value, struct rt_err *err)
{
    struct rt_slice bytes;
    int rc = rt_store_get_bytes(store, key, arena, &bytes, err);

    if (rc == 1)
        *value = bytes.ptr;
    return rc;
}

int rt_store_set_bytes(struct rt_store *store, const char *key, struct rt_slice value,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt;

    if (value.ptr == NULL)
        stmt = rt_store_prepare(store, "DELETE FROM meta WHERE key = ?1", err);
    else
        stmt = rt_store_prepare(store,
                                "INSERT INTO meta VALUES (?1, ?2)"
                                " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                                " WHERE value <> excluded.value",
                                err);
    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, key);
    if (value.ptr != NULL)
        sqlite3_bind_text64(stmt, 2, value.ptr, value.len, SQLITE_STATIC, SQLITE_UTF8);
    return rt_store_run(store, stmt, err);
}

int rt_store_set(struct rt_store *store, const char *key, const char *value, struct rt_err *err)
{
    return rt_store_set_bytes(store, key, value ? rt_slice_str(value) : (struct rt_slice){NULL, 0},
                              err);
}

void rt_store_set_snapshot(struct rt_store *store, enum rt_side side, int64_t stamp)
{
    if (stamp > store->snapshot_stamp[side])
        store->snapshot_stamp[side] = stamp;
}

/* ---- care of the file ---- */

int rt_store_verify(struct rt_store *store, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "PRAGMA main.integrity_check(1)", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rc = rt_store_step(store, stmt, err);
    if (rc == 1 && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
        rc = rt_err_set(err, RT_STOPPED,
                        "%s: damaged: %s: restore it from a backup, or run roundtrip rebuild",
                        store->path, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_reset(stmt);
    return rc < 0 ? -1 : 0;
}

int rt_store_backup(struct rt_store *store, const char *path, struct rt_err *err)
{
    sqlite3_backup *backup = NULL;
    sqlite3 *copy = NULL;
    int rc;

    if (rt_store_open_checked(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) == SQLITE_OK)
        backup = sqlite3_backup_init(copy, "main", store->db, "main");
    rc = backup ? sqlite3_backup_step(backup, -1) : SQLITE_ERROR;
    sqlite3_backup_finish(backup);
    if (rc != SQLITE_DONE)
        rt_err_set(err, RT_IO, "cannot write the copy: %s",
                   copy ? sqlite3_errmsg(copy) : "out of memory");
    sqlite3_close(copy);
    return rc == SQLITE_DONE ? 0 : -1;
}
