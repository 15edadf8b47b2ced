/*
 * Open items about rows, found by the place of a row or by an ID that it names.  Each decision asks
 * for them, and there may be tens of thousands: so the answer comes from a table of this connection
 * alone, made when it is first asked for and kept up to date from then on.  It may name items that
 * are closed by now; the look at the item itself says.
 */
#include "lib/store_internal.h"

#define KINDS "('clash', 'repeated', 'rejected')"

/* Of a repeated row the detail has all, else the one. */
#define ADD                                                                                        \
    "INSERT OR REPLACE INTO question SELECT item, file, line,"                                     \
    " coalesce(json_extract(detail, '$.rows.file'), json_extract(detail, '$.rows[0].file')),"      \
    " coalesce(json_extract(detail, '$.rows.line'), json_extract(detail, '$.rows[0].line')),"      \
    " json_extract(detail, '$.external_id'), json_extract(detail, '$.native_id') FROM item"        \
    " WHERE is_open AND kind IN " KINDS

static int make(struct rt_store *store, struct rt_err *err)
{
    if (store->has_questions)
        return 0;
    if (rt_store_exec(
            store,
            "DROP TABLE IF EXISTS temp.question;"
            "CREATE TEMP TABLE question (item INTEGER PRIMARY KEY, file INTEGER, line INTEGER,"
            " row_file INTEGER, row_line INTEGER, external_id TEXT, native_id TEXT);"
            "CREATE INDEX temp.question_place ON question (line, file);"
            "CREATE INDEX temp.question_row ON question (row_line, row_file);"
            "CREATE INDEX temp.question_external ON question (external_id);"
            "CREATE INDEX temp.question_native ON question (native_id);" ADD,
            err) < 0)
        return -1;
    store->has_questions = true;
    return 0;
}

int rt_store_note_question(struct rt_store *store, int64_t number, struct rt_err *err)
{
    sqlite3_stmt *stmt;

    if (!store->has_questions)
        return 0;
    stmt = rt_store_prepare(store, ADD " AND item = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, number);
    return rt_store_run(store, stmt, err);
}

/* A statement about a place: its file and line; or NULL. */
static sqlite3_stmt *prepare_at(struct rt_store *store, const char *sql,
                                const struct rt_row_place *place, struct rt_err *err)
{
    sqlite3_stmt *stmt = make(store, err) < 0 ? NULL : rt_store_prepare(store, sql, err);

    if (stmt != NULL) {
        rt_bind_int(stmt, 1, place->file);
        rt_bind_int(stmt, 2, place->line);
    }
    return stmt;
}

int rt_store_each_about_row(struct rt_store *store, const struct rt_row_place *row,
                            rt_store_visit_item *visit, void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_at(store,
                                    "SELECT " RT_ITEM_COLUMNS " FROM item WHERE is_open AND item IN"
                                    " (SELECT item FROM question"
                                    " WHERE row_file = ?1 AND row_line = ?2) ORDER BY item",
                                    row, err);

    return stmt == NULL ? -1 : rt_store_each_found(store, stmt, visit, context, err);
}

int rt_store_each_unknown_at(struct rt_store *store, const struct rt_row_place *place,
                             rt_store_visit_item *visit, void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_at(store,
                                    "SELECT " RT_ITEM_COLUMNS " FROM item WHERE is_open"
                                    " AND rid IS NULL AND item IN (SELECT item FROM question"
                                    " WHERE file = ?1 AND line = ?2) ORDER BY item",
                                    place, err);

    return stmt == NULL ? -1 : rt_store_each_found(store, stmt, visit, context, err);
}

int rt_store_each_unknown_of(struct rt_store *store, const char *ids, rt_store_visit_item *visit,
                             void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt;

    if (make(store, err) < 0)
        return -1;
    stmt = rt_store_prepare(store,
                            "SELECT " RT_ITEM_COLUMNS " FROM item WHERE is_open AND rid IS NULL"
                            " AND item IN (SELECT item FROM question WHERE external_id IN"
                            " (SELECT value FROM json_each(?1)) UNION SELECT item FROM question"
                            " WHERE native_id IN (SELECT value FROM json_each(?1)))"
                            " ORDER BY item",
                            err);
    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, ids);
    return rt_store_each_found(store, stmt, visit, context, err);
}
