/*
 * Deltas, their parts and their rows.
 *
 * The walks over deltas and parts collect first; the one over rows, of which a delta can have very
 * many, reads some hundreds at a time and calls back between two queries.  So every visitor may
 * change what it walks over, and may walk again.
 *
 * In scratch mode the rows of earlier deltas are only in the file, and those of new ones only in
 * the temporary table: both are read.
 */
#include "lib/store_internal.h"

#include <stdlib.h>

#define ROWS_AT_ONCE 512
#define DELTA_MAX    100000000 /* more is damage: times are kept in an array by number */

#define DELTA_COLUMNS                                                                              \
    "delta, side, state, written_at, handed_at, gone_at, confirmed_at, rows, parts,"               \
    " coalesce(run, 0), header,"                                                                   \
    " (SELECT count(*) FROM part WHERE part.delta = delta.delta AND is_handed)"

#define ROW_COLUMNS "position, rid, action, external_id, native_id, cid"
#define ROW_WHERE   "WHERE delta = ?1 AND position >= ?2 AND position < ?3"

/* ---- when a delta was handed over ---- */

bool rt_store_is_late(const struct rt_delta *delta, int64_t overdue, int64_t now)
{
    return delta->state == RT_DELTA_HANDED && delta->gone_at != RT_NEVER &&
           delta->gone_at + overdue <= now;
}

/* A withdrawn delta went nowhere, and where only the hand-over is known, the file was gone with it.
 */
static struct rt_delta_times times_of(const struct rt_delta *delta)
{
    struct rt_delta_times times = {delta->handed_at, delta->gone_at};

    if (delta->state == RT_DELTA_WITHDRAWN)
        times.handed = times.gone = RT_NEVER;
    if (times.gone == RT_NEVER && delta->state == RT_DELTA_HANDED)
        times.gone = times.handed;
    return times;
}

static void set_times(struct rt_store *store, int64_t number, struct rt_delta_times times)
{
    if (number >= store->delta_times_count) {
        size_t count = (size_t)number + 1;

        store->delta_times =
            rt_xrealloc(store->delta_times, (count + count / 2) * sizeof *store->delta_times);
        for (size_t i = (size_t)store->delta_times_count; i < count + count / 2; i++)
            store->delta_times[i] = (struct rt_delta_times){RT_NEVER, RT_NEVER};
        store->delta_times_count = (int64_t)(count + count / 2);
    }
    store->delta_times[number] = times;
}

static int load_times(struct rt_store *store, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT delta, state, handed_at, gone_at FROM delta WHERE delta BETWEEN 1 AND ?1",
        err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, DELTA_MAX);
    store->delta_times_count = 0;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        struct rt_delta delta = {.number = sqlite3_column_int64(stmt, 0),
                                 .state = (enum rt_delta_state)sqlite3_column_int(stmt, 1),
                                 .handed_at = rt_column_time(stmt, 2),
                                 .gone_at = rt_column_time(stmt, 3)};

        set_times(store, delta.number, times_of(&delta));
    }
    if (rc < 0)
        store->delta_times_count = -1;
    return rc;
}

/* A delta that is not there yet has its number, but was not handed over: while emit writes its
 * rows. */
int rt_store_delta_times(struct rt_store *store, int64_t delta, int64_t *handed, int64_t *gone,
                         struct rt_err *err)
{
    *handed = *gone = RT_NEVER;
    if (store->delta_times_count < 0 && load_times(store, err) < 0)
        return -1;
    if (delta > 0 && delta < store->delta_times_count) {
        *handed = store->delta_times[delta].handed;
        *gone = store->delta_times[delta].gone;
    }
    return 0;
}

int rt_store_last_row(struct rt_store *store, int64_t rid, enum rt_side side,
                      enum rt_delta_state from, struct rt_delta_row *row, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store,
                         "SELECT d.delta, r.cid, r.position FROM main.delta_row AS r"
                         " JOIN delta AS d ON d.delta = r.delta"
                         " WHERE r.rid = ?1 AND d.side = ?2 AND d.state BETWEEN ?3 AND ?4"
                         " ORDER BY d.delta DESC LIMIT 1",
                         err);
    int rc;

    *row = (struct rt_delta_row){.rid = rid};
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, side);
    rt_bind_int(stmt, 3, from);
    rt_bind_int(stmt, 4, RT_DELTA_HANDED);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        row->delta = sqlite3_column_int64(stmt, 0);
        row->cid = sqlite3_column_int64(stmt, 1);
        row->position = sqlite3_column_int64(stmt, 2);
        sqlite3_reset(stmt);
    }
    return rc < 0 ? -1 : 0;
}

int rt_store_first_confirmed(struct rt_store *store, int64_t rid, enum rt_side side, int64_t *at,
                             struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT min(d.confirmed_at) FROM main.delta_row AS r JOIN delta AS d ON d.delta = r.delta"
        " WHERE r.rid = ?1 AND d.side = ?2",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, side);
    if (rt_store_step(store, stmt, err) != 1)
        return -1;
    *at = rt_column_time(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

/* ---- deltas ---- */

static void read_delta(sqlite3_stmt *stmt, struct rt_arena *arena, struct rt_delta *delta)
{
    delta->number = sqlite3_column_int64(stmt, 0);
    delta->side = (enum rt_side)sqlite3_column_int(stmt, 1);
    delta->state = (enum rt_delta_state)sqlite3_column_int(stmt, 2);
    delta->written_at = sqlite3_column_int64(stmt, 3);
    delta->handed_at = rt_column_time(stmt, 4);
    delta->gone_at = rt_column_time(stmt, 5);
    delta->confirmed_at = rt_column_time(stmt, 6);
    delta->rows = sqlite3_column_int64(stmt, 7);
    delta->parts = sqlite3_column_int64(stmt, 8);
    delta->run = sqlite3_column_int64(stmt, 9);
    delta->header = rt_arena_dup(arena, rt_column_slice(stmt, 10));
    delta->handed_parts = sqlite3_column_int64(stmt, 11);
}

static void bind_delta(sqlite3_stmt *stmt, const struct rt_delta *delta)
{
    rt_bind_int(stmt, 1, delta->number);
    rt_bind_int(stmt, 2, delta->side);
    rt_bind_int(stmt, 3, delta->state);
    rt_bind_int(stmt, 4, delta->written_at);
    rt_bind_time(stmt, 5, delta->handed_at);
    rt_bind_time(stmt, 6, delta->gone_at);
    rt_bind_time(stmt, 7, delta->confirmed_at);
    rt_bind_int(stmt, 8, delta->rows);
    rt_bind_int(stmt, 9, delta->parts);
    rt_bind_int(stmt, 10, delta->run);
    rt_bind_slice(stmt, 11, delta->header);
}

int rt_store_next_delta(struct rt_store *store, int64_t *number, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT coalesce(max(delta), 0) + 1 FROM delta", err);

    *number = 0;
    if (stmt == NULL || rt_store_step(store, stmt, err) < 0)
        return -1;
    *number = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

/* A number that is not 0 is kept: it is in the name of the files, and a rebuild must give it again.
 */
int rt_store_add_delta(struct rt_store *store, struct rt_delta *delta, struct rt_err *err)
{
    sqlite3_stmt *stmt;

    if (delta->number == 0 && rt_store_next_delta(store, &delta->number, err) < 0)
        return -1;
    if (delta->number < 1 || delta->number > DELTA_MAX)
        return rt_err_set(err, RT_INTERNAL, "%s: %lld cannot be the number of a delta", store->path,
                          (long long)delta->number);
    stmt = rt_store_prepare(store,
                            "INSERT INTO delta VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                            " nullif(?10, 0), ?11)",
                            err);
    if (stmt == NULL)
        return -1;
    bind_delta(stmt, delta);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    if (store->delta_times_count >= 0)
        set_times(store, delta->number, times_of(delta));
    return 0;
}

int rt_store_update_delta(struct rt_store *store, const struct rt_delta *delta, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store,
                         "UPDATE delta SET side = ?2, state = ?3, written_at = ?4, handed_at = ?5,"
                         " gone_at = ?6, confirmed_at = ?7, rows = ?8, parts = ?9,"
                         " run = nullif(?10, 0), header = ?11 WHERE delta = ?1",
                         err);

    if (stmt == NULL)
        return -1;
    bind_delta(stmt, delta);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) != 1)
        return rt_err_set(err, RT_INTERNAL, "%s: there is no delta %lld", store->path,
                          (long long)delta->number);
    if (store->delta_times_count >= 0)
        set_times(store, delta->number, times_of(delta));
    return 0;
}

int rt_store_delta(struct rt_store *store, int64_t number, struct rt_arena *arena,
                   struct rt_delta *delta, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT " DELTA_COLUMNS " FROM delta WHERE delta = ?1", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, number);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        read_delta(stmt, arena, delta);
        sqlite3_reset(stmt);
    }
    return rc;
}

static int visit_deltas(struct rt_store *store, sqlite3_stmt *stmt, rt_store_visit_delta *visit,
                        void *context, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta *deltas = NULL;
    size_t count = 0;
    int rc;

    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        deltas = rt_xgrow(deltas, count, sizeof *deltas);
        read_delta(stmt, &arena, &deltas[count++]);
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, &deltas[i], err) < 0 ? -1 : 0;
    free(deltas);
    rt_arena_clear(&arena);
    return rc;
}

int rt_store_each_delta(struct rt_store *store, rt_store_visit_delta *visit, void *context,
                        struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT " DELTA_COLUMNS " FROM delta ORDER BY delta", err);

    return stmt ? visit_deltas(store, stmt, visit, context, err) : -1;
}

int rt_store_each_delta_in(struct rt_store *store, enum rt_delta_state state,
                           rt_store_visit_delta *visit, void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT " DELTA_COLUMNS " FROM delta WHERE state = ?1 ORDER BY delta", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, state);
    return visit_deltas(store, stmt, visit, context, err);
}

/* ---- parts ---- */

int rt_store_add_part(struct rt_store *store, const struct rt_delta_part *part, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "INSERT INTO part VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, part->delta);
    rt_bind_int(stmt, 2, part->part);
    rt_bind_text(stmt, 3, part->name);
    rt_bind_int(stmt, 4, part->first);
    rt_bind_int(stmt, 5, part->rows);
    rt_bind_int(stmt, 6, (int64_t)part->size);
    rt_bind_digest(stmt, 7, part->digest);
    rt_bind_int(stmt, 8, part->is_handed);
    return rt_store_run(store, stmt, err);
}

int rt_store_set_part_handed(struct rt_store *store, int64_t delta, int64_t part,
                             struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "UPDATE part SET is_handed = 1 WHERE delta = ?1 AND part = ?2", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, delta);
    rt_bind_int(stmt, 2, part);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) != 1)
        return rt_err_set(err, RT_INTERNAL, "%s: delta %lld has no part %lld", store->path,
                          (long long)delta, (long long)part);
    return 0;
}

#define PART_COLUMNS "delta, part, name, first, rows, size, digest, is_handed"

static void read_part(sqlite3_stmt *stmt, struct rt_arena *arena, struct rt_delta_part *part)
{
    part->delta = sqlite3_column_int64(stmt, 0);
    part->part = sqlite3_column_int64(stmt, 1);
    part->name = rt_column_str(stmt, 2, arena);
    part->first = sqlite3_column_int64(stmt, 3);
    part->rows = sqlite3_column_int64(stmt, 4);
    part->size = (uint64_t)sqlite3_column_int64(stmt, 5);
    part->digest = rt_column_digest(stmt, 6);
    part->is_handed = sqlite3_column_int(stmt, 7) != 0;
}

int rt_store_part(struct rt_store *store, int64_t delta, int64_t number, struct rt_arena *arena,
                  struct rt_delta_part *part, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT " PART_COLUMNS " FROM part WHERE delta = ?1 AND part = ?2", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, delta);
    rt_bind_int(stmt, 2, number);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        read_part(stmt, arena, part);
        sqlite3_reset(stmt);
    }
    return rc;
}

int rt_store_each_part(struct rt_store *store, int64_t delta, rt_store_visit_part *visit,
                       void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "SELECT " PART_COLUMNS " FROM part WHERE delta = ?1 ORDER BY part", err);
    struct rt_arena arena = {0};
    struct rt_delta_part *parts = NULL;
    size_t count = 0;
    int rc = -1;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, delta);
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        parts = rt_xgrow(parts, count, sizeof *parts);
        read_part(stmt, &arena, &parts[count++]);
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, &parts[i], err) < 0 ? -1 : 0;
    free(parts);
    rt_arena_clear(&arena);
    return rc;
}

int rt_store_find_part(struct rt_store *store, const char *name, int64_t *delta, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT delta FROM part WHERE name = ?1", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, name);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        *delta = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    return rc;
}

/* ---- rows ---- */

int rt_store_add_row(struct rt_store *store, const struct rt_delta_row *row, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "INSERT INTO delta_row VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, row->delta);
    rt_bind_int(stmt, 2, row->position);
    rt_bind_int(stmt, 3, row->rid);
    rt_bind_int(stmt, 4, row->action);
    rt_bind_slice(stmt, 5, row->id[RT_EXTERNAL]);
    rt_bind_slice(stmt, 6, row->id[RT_NATIVE]);
    rt_bind_int(stmt, 7, row->cid);
    return rt_store_run(store, stmt, err);
}

static sqlite3_stmt *prepare_rows(struct rt_store *store, struct rt_err *err)
{
    if (!rt_store_is_scratch(store))
        return rt_store_prepare(
            store, "SELECT " ROW_COLUMNS " FROM delta_row " ROW_WHERE " ORDER BY position LIMIT ?4",
            err);
    return rt_store_prepare(store,
                            "SELECT " ROW_COLUMNS " FROM temp.delta_row " ROW_WHERE
                            " UNION ALL SELECT " ROW_COLUMNS " FROM main.delta_row " ROW_WHERE
                            " ORDER BY position LIMIT ?4",
                            err);
}

static void read_row(sqlite3_stmt *stmt, struct rt_arena *arena, struct rt_delta_row *row)
{
    row->position = sqlite3_column_int64(stmt, 0);
    row->rid = sqlite3_column_int64(stmt, 1);
    row->action = (enum rt_action_code)sqlite3_column_int(stmt, 2);
    row->id[RT_EXTERNAL] = rt_arena_dup(arena, rt_column_slice(stmt, 3));
    row->id[RT_NATIVE] = rt_arena_dup(arena, rt_column_slice(stmt, 4));
    row->cid = sqlite3_column_int64(stmt, 5);
}

/* Which rows: positions `first` to before `end`. */
struct range {
    int64_t delta, first, end;
};

/* How many were read, at most ROWS_AT_ONCE; -1. */
static int load_rows(struct rt_store *store, const struct range *range, struct rt_delta_row *rows,
                     struct rt_arena *arena, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_rows(store, err);
    int count = 0, rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, range->delta);
    rt_bind_int(stmt, 2, range->first);
    rt_bind_int(stmt, 3, range->end);
    rt_bind_int(stmt, 4, ROWS_AT_ONCE);
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        rows[count].delta = range->delta;
        read_row(stmt, arena, &rows[count++]);
    }
    return rc < 0 ? -1 : count;
}

int rt_store_each_row(struct rt_store *store, const struct rt_row_range *range,
                      rt_store_visit_row *visit, void *context, struct rt_err *err)
{
    struct range left = {range->delta, range->first,
                         range->count > INT64_MAX - range->first ? INT64_MAX
                                                                 : range->first + range->count};
    struct rt_delta_row *rows = rt_xcalloc(ROWS_AT_ONCE, sizeof *rows);
    struct rt_arena arena = {0};
    int loaded, rc = 0;

    do {
        rt_arena_reset(&arena);
        loaded = load_rows(store, &left, rows, &arena, err);
        for (int i = 0; i < loaded && rc == 0; i++)
            rc = visit(context, &rows[i], err) < 0 ? -1 : 0;
        if (loaded > 0)
            left.first = rows[loaded - 1].position + 1;
    } while (rc == 0 && loaded == ROWS_AT_ONCE);
    free(rows);
    rt_arena_clear(&arena);
    return loaded < 0 ? -1 : rc;
}
