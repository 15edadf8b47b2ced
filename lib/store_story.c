/*
 * Runs, and what happened to each record.
 *
 * The walk over runs collects first.  The walks over events, of which a run can have very many,
 * read some hundreds at a time and call back between two queries.  So a visitor may add to the
 * story, and may walk again; what it adds is not visited.
 *
 * In scratch mode earlier events are only in the file, and new ones only in the temporary table:
 * both are read, and the numbers go on counting.
 */
#include "lib/store_internal.h"

#include <stdlib.h>

#define EVENTS_AT_ONCE 256

#define EVENT_COLUMNS                                                                              \
    "event, coalesce(rid, 0), coalesce(run, 0), at, coalesce(side, -1), coalesce(file, 0),"        \
    " coalesce(line, 0), what, external_id, native_id, detail"
#define OF_RECORD "WHERE rid = ?1 AND event > ?2 AND event <= ?3"
#define OF_RUN    "WHERE run = ?1 AND event > ?2 AND event <= ?3"

/* ---- runs ---- */

int rt_store_begin_run(struct rt_store *store, const char *command, int64_t now, int64_t *run,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "INSERT INTO run (command, started) VALUES (?1, ?2)", err);

    if (stmt == NULL)
        return -1;
    rt_bind_text(stmt, 1, command);
    rt_bind_int(stmt, 2, now);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    *run = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int rt_store_end_run(struct rt_store *store, int64_t run, int64_t now, int status,
                     const char *counts, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store, "UPDATE run SET ended = ?2, status = ?3, counts = ?4 WHERE run = ?1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, run);
    rt_bind_int(stmt, 2, now);
    rt_bind_int(stmt, 3, status);
    rt_bind_text(stmt, 4, counts);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) != 1)
        return rt_err_set(err, RT_INTERNAL, "%s: there is no run %lld", store->path,
                          (long long)run);
    return 0;
}

/* A run that has not ended, or was killed, has the time RT_NEVER and the status -1. */
static void read_run(sqlite3_stmt *stmt, struct rt_arena *arena, struct rt_run *run)
{
    run->id = sqlite3_column_int64(stmt, 0);
    run->command = rt_column_str(stmt, 1, arena);
    run->started = sqlite3_column_int64(stmt, 2);
    run->ended = rt_column_time(stmt, 3);
    run->status = sqlite3_column_int(stmt, 4);
    run->counts = rt_column_str(stmt, 5, arena);
}

int rt_store_each_run(struct rt_store *store, int64_t since, rt_store_visit_run *visit,
                      void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "SELECT run, command, started, ended, coalesce(status, -1), counts FROM run"
        " WHERE started >= ?1 ORDER BY run",
        err);
    struct rt_arena arena = {0};
    struct rt_run *runs = NULL;
    size_t count = 0;
    int rc = -1;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, since);
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        runs = rt_xgrow(runs, count, sizeof *runs);
        read_run(stmt, &arena, &runs[count++]);
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = visit(context, &runs[i], err) < 0 ? -1 : 0;
    free(runs);
    rt_arena_clear(&arena);
    return rc;
}

/* ---- events ---- */

static sqlite3_stmt *prepare_newest(struct rt_store *store, struct rt_err *err)
{
    if (!rt_store_is_scratch(store))
        return rt_store_prepare(store, "SELECT coalesce(max(event), 0) FROM event", err);
    return rt_store_prepare(store,
                            "SELECT max((SELECT coalesce(max(event), 0) FROM temp.event),"
                            " (SELECT coalesce(max(event), 0) FROM main.event))",
                            err);
}

static int get_newest(struct rt_store *store, int64_t *event, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_newest(store, err);

    if (stmt == NULL || rt_store_step(store, stmt, err) < 0)
        return -1;
    *event = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int rt_store_add_event(struct rt_store *store, const struct rt_event *event, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "INSERT INTO event VALUES (nullif(?1, 0), nullif(?2, 0), nullif(?3, 0), ?4,"
        " nullif(?5, -1), nullif(?6, 0), nullif(?7, 0), ?8, ?9, ?10, ?11)",
        err);
    int64_t number = 0;

    if (stmt == NULL)
        return -1;
    if (rt_store_is_scratch(store)) {
        if (get_newest(store, &number, err) < 0)
            return -1;
        number++;
    }
    rt_bind_int(stmt, 1, number);
    rt_bind_int(stmt, 2, event->rid);
    rt_bind_int(stmt, 3, event->run);
    rt_bind_int(stmt, 4, event->at);
    rt_bind_int(stmt, 5, event->side);
    rt_bind_int(stmt, 6, event->file);
    rt_bind_int(stmt, 7, event->line);
    rt_bind_text(stmt, 8, event->what);
    rt_bind_slice(stmt, 9, event->id_of[RT_EXTERNAL]);
    rt_bind_slice(stmt, 10, event->id_of[RT_NATIVE]);
    rt_bind_text(stmt, 11, event->detail);
    return rt_store_run(store, stmt, err);
}

static void read_event(sqlite3_stmt *stmt, struct rt_arena *arena, struct rt_event *event)
{
    event->id = sqlite3_column_int64(stmt, 0);
    event->rid = sqlite3_column_int64(stmt, 1);
    event->run = sqlite3_column_int64(stmt, 2);
    event->at = sqlite3_column_int64(stmt, 3);
    event->side = sqlite3_column_int(stmt, 4);
    event->file = sqlite3_column_int64(stmt, 5);
    event->line = sqlite3_column_int64(stmt, 6);
    event->what = rt_column_str(stmt, 7, arena);
    event->id_of[RT_EXTERNAL] = rt_arena_dup(arena, rt_column_slice(stmt, 8));
    event->id_of[RT_NATIVE] = rt_arena_dup(arena, rt_column_slice(stmt, 9));
    event->detail = rt_column_str(stmt, 10, arena);
}

/* Which events: those of record or run `of`, after `last` and up to `end`. */
struct range {
    bool is_run;
    int64_t of, last, end;
};

static sqlite3_stmt *prepare_events(struct rt_store *store, bool is_run, struct rt_err *err)
{
    bool is_scratch = rt_store_is_scratch(store);

    if (is_run && is_scratch)
        return rt_store_prepare(store,
                                "SELECT " EVENT_COLUMNS " FROM temp.event " OF_RUN
                                " UNION ALL SELECT " EVENT_COLUMNS " FROM main.event " OF_RUN
                                " ORDER BY event LIMIT ?4",
                                err);
    if (is_run)
        return rt_store_prepare(
            store, "SELECT " EVENT_COLUMNS " FROM event " OF_RUN " ORDER BY event LIMIT ?4", err);
    if (is_scratch)
        return rt_store_prepare(store,
                                "SELECT " EVENT_COLUMNS " FROM temp.event " OF_RECORD
                                " UNION ALL SELECT " EVENT_COLUMNS " FROM main.event " OF_RECORD
                                " ORDER BY event LIMIT ?4",
                                err);
    return rt_store_prepare(
        store, "SELECT " EVENT_COLUMNS " FROM event " OF_RECORD " ORDER BY event LIMIT ?4", err);
}

/* How many were read, at most EVENTS_AT_ONCE; -1. */
static int load_events(struct rt_store *store, const struct range *range, struct rt_event *events,
                       struct rt_arena *arena, struct rt_err *err)
{
    sqlite3_stmt *stmt = prepare_events(store, range->is_run, err);
    int count = 0, rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, range->of);
    rt_bind_int(stmt, 2, range->last);
    rt_bind_int(stmt, 3, range->end);
    rt_bind_int(stmt, 4, EVENTS_AT_ONCE);
    while ((rc = rt_store_step(store, stmt, err)) == 1)
        read_event(stmt, arena, &events[count++]);
    return rc < 0 ? -1 : count;
}

static int walk(struct rt_store *store, struct range *range, rt_store_visit_event *visit,
                void *context, struct rt_err *err)
{
    struct rt_event *events;
    struct rt_arena arena = {0};
    int loaded, rc = 0;

    if (get_newest(store, &range->end, err) < 0)
        return -1;
    events = rt_xcalloc(EVENTS_AT_ONCE, sizeof *events);
    do {
        rt_arena_reset(&arena);
        loaded = load_events(store, range, events, &arena, err);
        for (int i = 0; i < loaded && rc == 0; i++)
            rc = visit(context, &events[i], err) < 0 ? -1 : 0;
        if (loaded > 0)
            range->last = events[loaded - 1].id;
    } while (rc == 0 && loaded == EVENTS_AT_ONCE);
    free(events);
    rt_arena_clear(&arena);
    return loaded < 0 ? -1 : rc;
}

int rt_store_each_event(struct rt_store *store, int64_t rid, rt_store_visit_event *visit,
                        void *context, struct rt_err *err)
{
    struct range range = {.is_run = false, .of = rid};

    return walk(store, &range, visit, context, err);
}

int rt_store_each_run_event(struct rt_store *store, int64_t run, rt_store_visit_event *visit,
                            void *context, struct rt_err *err)
{
    struct range range = {.is_run = true, .of = run};

    return walk(store, &range, visit, context, err);
}

int rt_store_move_events(struct rt_store *store, int64_t from, int64_t to, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "UPDATE event SET rid = ?2 WHERE rid = ?1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, from);
    rt_bind_int(stmt, 2, to);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    stmt = rt_store_prepare(store, "UPDATE delta_row SET rid = ?2 WHERE rid = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, from);
    rt_bind_int(stmt, 2, to);
    return rt_store_run(store, stmt, err);
}
