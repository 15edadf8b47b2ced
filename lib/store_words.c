/* IDs that a person may be about to type: of held records, and those that begin in some way. */
#include "lib/store_internal.h"

/* Hands on what a query gives in its two columns. */
static int visit_all(struct rt_store *store, sqlite3_stmt *stmt, enum rt_side side,
                     rt_store_visit_ids *visit, void *context, struct rt_err *err)
{
    int rc;

    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        struct rt_store_ids ids = {.side = side,
                                   .id = {rt_column_slice(stmt, 0), rt_column_slice(stmt, 1)}};

        if (visit(context, &ids, err) < 0) {
            sqlite3_reset(stmt);
            return -1;
        }
    }
    return rc;
}

int rt_store_each_held(struct rt_store *store, rt_store_visit_ids *visit, void *context,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT external_id, native_id FROM record WHERE flags & 1 ORDER BY rid", err);

    return stmt == NULL ? -1 : visit_all(store, stmt, RT_EXTERNAL, visit, context, err);
}

static sqlite3_stmt *prepare_prefix(struct rt_store *store, enum rt_side side, struct rt_err *err)
{
    if (side == RT_EXTERNAL)
        return rt_store_prepare(store,
                                "SELECT external_id, native_id FROM record WHERE external_id >= ?1"
                                " AND external_id < ?1 || char(1114111) ORDER BY external_id"
                                " LIMIT ?2",
                                err);
    return rt_store_prepare(store,
                            "SELECT external_id, native_id FROM record WHERE native_id >= ?1"
                            " AND native_id < ?1 || char(1114111) ORDER BY native_id LIMIT ?2",
                            err);
}

int rt_store_each_id_from(struct rt_store *store, const struct rt_store_prefix *prefix,
                          rt_store_visit_ids *visit, void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_prefix(store, prefix->side, err);

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, prefix->text);
    rt_bind_int(stmt, 2, prefix->most);
    return visit_all(store, stmt, prefix->side, visit, context, err);
}
