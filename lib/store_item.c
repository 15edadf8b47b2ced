/*
 * The review list.  One open item for each kind and subject; closed ones stay, as history.  The
 * walk collects first: a visitor may open, change and close items.
 */
#include "lib/store_internal.h"

#include <stdlib.h>

static void bind_item(sqlite3_stmt *stmt, const struct rt_item *item)
{
    rt_bind_text(stmt, 1, item->kind);
    rt_bind_text(stmt, 2, item->subject);
    rt_bind_int(stmt, 3, item->rid);
    rt_bind_int(stmt, 4, item->side);
    rt_bind_int(stmt, 5, item->file);
    rt_bind_int(stmt, 6, item->line);
    rt_bind_text(stmt, 7, item->detail);
}

/* 1: there was an open one, and it says now what `item` says; 0: there is none. */
static int update_item(struct rt_store *store, struct rt_item *item, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "UPDATE item SET version = version + (rid IS NOT nullif(?3, 0)"
        " OR side IS NOT nullif(?4, -1) OR file IS NOT nullif(?5, 0) OR line IS NOT nullif(?6, 0)"
        " OR detail IS NOT ?7),"
        " rid = nullif(?3, 0), side = nullif(?4, -1), file = nullif(?5, 0), line = nullif(?6, 0),"
        " detail = ?7 WHERE kind = ?1 AND subject = ?2 AND is_open"
        " RETURNING item, opened, version",
        err);
    int rc;

    if (stmt == NULL)
        return -1;
    bind_item(stmt, item);
    rc = rt_store_step(store, stmt, err);
    if (rc != 1)
        return rc;
    item->number = sqlite3_column_int64(stmt, 0);
    item->opened = sqlite3_column_int64(stmt, 1);
    item->version = sqlite3_column_int64(stmt, 2);
    return rt_store_run(store, stmt, err) < 0 ? -1 : 1;
}

/* Sets number, opened, version, is_open and how to what is stored. */
int rt_store_put_item(struct rt_store *store, struct rt_item *item, struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc = update_item(store, item, err);

    item->is_open = true;
    item->how = NULL;
    if (rc != 0)
        return rc < 0 ? -1 : rt_store_note_question(store, item->number, err);
    stmt = rt_store_prepare(store,
                            "INSERT INTO item (kind, subject, rid, side, file, line, detail,"
                            " opened, version, is_open) VALUES (?1, ?2, nullif(?3, 0),"
                            " nullif(?4, -1), nullif(?5, 0), nullif(?6, 0), ?7, ?8, 1, 1)",
                            err);
    if (stmt == NULL)
        return -1;
    bind_item(stmt, item);
    rt_bind_int(stmt, 8, item->opened);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    item->number = sqlite3_last_insert_rowid(store->db);
    item->version = 1;
    return rt_store_note_question(store, item->number, err);
}

/* One that is not open stays as it is. */
int rt_store_close_item(struct rt_store *store, const char *kind, const char *subject,
                        const char *how, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store,
                         "UPDATE item SET is_open = 0, how = ?3, version = version + 1"
                         " WHERE kind = ?1 AND subject = ?2 AND is_open",
                         err);

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, kind);
    rt_bind_text(stmt, 2, subject);
    rt_bind_text(stmt, 3, how);
    return rt_store_run(store, stmt, err);
}

int rt_store_end_item(struct rt_store *store, int64_t number, const char *how, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "UPDATE item SET is_open = 0, how = ?2, version = version + is_open WHERE item = ?1",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, number);
    rt_bind_text(stmt, 2, how);
    return rt_store_run(store, stmt, err);
}

int rt_store_is_waived(struct rt_store *store, const struct rt_delta *delta, bool *is_waived,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store,
                         "SELECT 1 FROM item WHERE kind = 'overdue' AND subject = 'd' || ?1"
                         " AND NOT is_open AND how = 'dismissed' AND opened > ?2",
                         err);
    int rc;

    *is_waived = false;
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, delta->number);
    rt_bind_int(stmt, 2, delta->gone_at);
    rc = rt_store_step(store, stmt, err);
    if (rc < 0)
        return -1;
    *is_waived = rc == 1;
    sqlite3_reset(stmt);
    return 0;
}

static void read_item(sqlite3_stmt *stmt, struct rt_arena *arena, struct rt_item *item)
{
    item->number = sqlite3_column_int64(stmt, 0);
    item->kind = rt_column_str(stmt, 1, arena);
    item->subject = rt_column_str(stmt, 2, arena);
    item->rid = sqlite3_column_int64(stmt, 3);
    item->side = sqlite3_column_int(stmt, 4);
    item->file = sqlite3_column_int64(stmt, 5);
    item->line = sqlite3_column_int64(stmt, 6);
    item->opened = sqlite3_column_int64(stmt, 7);
    item->version = sqlite3_column_int64(stmt, 8);
    item->is_open = sqlite3_column_int(stmt, 9) != 0;
    item->how = rt_column_str(stmt, 10, arena);
    item->detail = rt_column_str(stmt, 11, arena);
}

static int take_one(struct rt_store *store, sqlite3_stmt *stmt, struct rt_arena *arena,
                    struct rt_item *item, struct rt_err *err)
{
    int rc = rt_store_step(store, stmt, err);

    if (rc == 1) {
        read_item(stmt, arena, item);
        sqlite3_reset(stmt);
    }
    return rc;
}

int rt_store_item(struct rt_store *store, int64_t number, struct rt_arena *arena,
                  struct rt_item *item, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT " RT_ITEM_COLUMNS " FROM item WHERE item = ?1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, number);
    return take_one(store, stmt, arena, item, err);
}

int rt_store_open_item(struct rt_store *store, const char *kind, const char *subject,
                       struct rt_arena *arena, struct rt_item *item, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT " RT_ITEM_COLUMNS " FROM item WHERE kind = ?1 AND subject = ?2 AND is_open",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, kind);
    rt_bind_text(stmt, 2, subject);
    return take_one(store, stmt, arena, item, err);
}

int rt_store_each_found(struct rt_store *store, sqlite3_stmt *stmt, rt_store_visit_item *visit,
                        void *context, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_item *items = NULL;
    size_t count = 0;
    int rc;

    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        items = rt_xgrow(items, count, sizeof *items);
        read_item(stmt, &arena, &items[count++]);
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, &items[i], err) < 0 ? -1 : 0;
    free(items);
    rt_arena_clear(&arena);
    return rc;
}

int rt_store_each_item(struct rt_store *store, const char *kind, rt_store_visit_item *visit,
                       void *context, struct rt_err *err)
{
    static const char all[] = "SELECT " RT_ITEM_COLUMNS " FROM item WHERE is_open ORDER BY item";
    static const char of_kind[] = /* a look-up: each decision asks what is refused */
        "SELECT " RT_ITEM_COLUMNS " FROM item WHERE is_open AND kind = ?1 ORDER BY item";
    sqlite3_stmt *stmt = rt_store_prepare(store, kind ? of_kind : all, err);

    if (stmt == NULL)
        return -1;
    if (kind != NULL)
        rt_bind_text(stmt, 1, kind);
    return rt_store_each_found(store, stmt, visit, context, err);
}

int rt_store_each_dismissed(struct rt_store *store, rt_store_visit_item *visit, void *context,
                            struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT " RT_ITEM_COLUMNS " FROM item WHERE how = 'dismissed' ORDER BY item", err);

    return stmt == NULL ? -1 : rt_store_each_found(store, stmt, visit, context, err);
}

int rt_store_last_item(struct rt_store *store, int64_t *number, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT coalesce(max(item), 0) FROM item WHERE is_open", err);

    *number = 0;
    if (stmt == NULL || rt_store_step(store, stmt, err) < 0)
        return -1;
    *number = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}
