/*
 * Lines for archive/journal, in the same transaction as what they tell.
 *
 * After the commit, journal_tail says what belongs at which offset of the file; when that is
 * written and synced, journal_done forgets the lines.  A kill between the two repeats the same
 * bytes at the same offset.  Nothing may be added between the two calls.
 */
#include "lib/store_internal.h"

#include <stdio.h>

int rt_store_add_journal(struct rt_store *store, const char *line, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "INSERT INTO journal (line) VALUES (?1)", err);

    if (stmt == NULL)
        return -1;
    if (strchr(line, '\n') != NULL)
        return rt_err_set(err, RT_INTERNAL, "a journal line with a line break in it: %.60s", line);
    rt_bind_text(stmt, 1, line);
    return rt_store_run(store, stmt, err);
}

int rt_store_journal_length(struct rt_store *store, uint64_t *length, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'journal_length'", err);
    int rc;

    *length = 0;
    if (stmt == NULL)
        return -1;
    rc = rt_store_step(store, stmt, err);
    if (rc < 0)
        return -1;
    if (rc == 1)
        *length = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int rt_store_journal_tail(struct rt_store *store, uint64_t *offset, struct rt_buf *text,
                          struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT line FROM journal ORDER BY entry", err);
    int rc;

    rt_buf_reset(text);
    if (stmt == NULL || rt_store_journal_length(store, offset, err) < 0)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        rt_buf_add_slice(text, rt_column_slice(stmt, 0));
        rt_buf_add_char(text, '\n');
    }
    return rc;
}

static int move_on(struct rt_store *store, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "INSERT INTO meta SELECT 'journal_length', CAST("
        " (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'journal_length')"
        " + (SELECT coalesce(sum(length(CAST(line AS BLOB)) + 1), 0) FROM journal) AS TEXT)"
        " WHERE true ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        err);

    if (stmt == NULL || rt_store_run(store, stmt, err) < 0)
        return -1;
    stmt = rt_store_prepare(store, "DELETE FROM journal", err);
    return stmt == NULL ? -1 : rt_store_run(store, stmt, err);
}

/* Both changes or none, also where the caller has no transaction of its own. */
int rt_store_journal_done(struct rt_store *store, struct rt_err *err)
{
    if (rt_store_exec(store, "SAVEPOINT journal", err) < 0)
        return -1;
    if (move_on(store, err) < 0) {
        sqlite3_exec(store->db, "ROLLBACK TO journal; RELEASE journal", NULL, NULL, NULL);
        return -1;
    }
    return rt_store_exec(store, "RELEASE journal", err);
}

int rt_store_journal_waiting(struct rt_store *store, int64_t *lines, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store,
                                          "SELECT coalesce((SELECT max(entry) FROM journal) - "
                                          "(SELECT min(entry) FROM journal) + 1, 0)",
                                          err);

    *lines = 0;
    if (stmt == NULL || rt_store_step(store, stmt, err) < 0)
        return -1;
    *lines = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int rt_store_journal_set(struct rt_store *store, uint64_t length, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "DELETE FROM journal", err);
    char text[24];

    if (stmt == NULL || rt_store_run(store, stmt, err) < 0)
        return -1;
    snprintf(text, sizeof text, "%llu", (unsigned long long)length);
    return rt_store_set(store, "journal_length", text, err);
}
