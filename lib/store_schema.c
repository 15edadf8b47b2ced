#include "lib/store_internal.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The tables, as roundtrip-state(5) describes them.  A migration is a list of tables and indexes
 * made in one transaction; a table that scratch mode needs says how: copied whole (small), or empty
 * with what it lacks pulled or joined in when it is asked for (large).
 */
enum scratch { COPIED, EMPTY };

/* The newest version of a record is in record_recent, or else in record_base (store_recent.c). */
#define RECORD_BODY                                                                                \
    "(rid INTEGER PRIMARY KEY, external_id TEXT, native_id TEXT, born INTEGER NOT NULL, "          \
    "born_file "                                                                                   \
    "INTEGER,"                                                                                     \
    " born_line INTEGER, want INTEGER, flags INTEGER NOT NULL, open TEXT, trail TEXT,"             \
    " external_seen INTEGER, external_stamp INTEGER, external_modified INTEGER, external_file "    \
    "INTEGER,"                                                                                     \
    " external_line INTEGER, external_print BLOB, external_given INTEGER, external_delta INTEGER," \
    " external_sent TEXT, external_flags INTEGER NOT NULL,"                                        \
    " native_seen INTEGER, native_stamp INTEGER, native_modified INTEGER, native_file INTEGER,"    \
    " native_line INTEGER, native_print BLOB, native_given INTEGER, native_delta INTEGER,"         \
    " native_sent TEXT, native_flags INTEGER NOT NULL) STRICT"

static const struct table {
    const char *name;
    enum scratch scratch;
    const char *body;
} tables[] = {
    {"meta", COPIED, "(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"},
    {"layout", COPIED, "(layout INTEGER PRIMARY KEY, fields TEXT NOT NULL UNIQUE) STRICT"},
    {"content", EMPTY,
     "(cid INTEGER PRIMARY KEY, layout INTEGER NOT NULL, origin TEXT NOT NULL, body TEXT NOT NULL) "
     "STRICT"},
    {"record_base", EMPTY, RECORD_BODY},
    {"due", COPIED,
     "(seq INTEGER PRIMARY KEY AUTOINCREMENT, rid INTEGER NOT NULL, side INTEGER NOT NULL,"
     " since INTEGER NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL, UNIQUE (rid, side)) "
     "STRICT"},
    {"file", COPIED,
     "(file INTEGER PRIMARY KEY, side INTEGER NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL,"
     " size INTEGER NOT NULL, mtime INTEGER, stamp INTEGER NOT NULL, has_stamp INTEGER NOT NULL,"
     " is_snapshot INTEGER NOT NULL, state INTEGER NOT NULL, run INTEGER, path TEXT, counts TEXT,"
     " remote TEXT) STRICT"},
    {"delta", COPIED,
     "(delta INTEGER PRIMARY KEY, side INTEGER NOT NULL, state INTEGER NOT NULL, written_at "
     "INTEGER NOT NULL,"
     " handed_at INTEGER, gone_at INTEGER, confirmed_at INTEGER, rows INTEGER NOT NULL, parts "
     "INTEGER NOT NULL,"
     " run INTEGER, header TEXT NOT NULL) STRICT"},
    {"part", COPIED,
     "(delta INTEGER NOT NULL, part INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, first INTEGER NOT "
     "NULL,"
     " rows INTEGER NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL, is_handed INTEGER NOT "
     "NULL,"
     " PRIMARY KEY (delta, part)) STRICT, WITHOUT ROWID"},
    {"delta_row", EMPTY,
     "(delta INTEGER NOT NULL, position INTEGER NOT NULL, rid INTEGER NOT NULL, action INTEGER NOT "
     "NULL,"
     " external_id TEXT, native_id TEXT, cid INTEGER NOT NULL, PRIMARY KEY (delta, position))"
     " STRICT, WITHOUT ROWID"},
    {"run", COPIED,
     "(run INTEGER PRIMARY KEY, command TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,"
     " status INTEGER, counts TEXT) STRICT"},
    {"event", EMPTY,
     "(event INTEGER PRIMARY KEY, rid INTEGER, run INTEGER, at INTEGER NOT NULL, side INTEGER, "
     "file INTEGER,"
     " line INTEGER, what TEXT NOT NULL, external_id TEXT, native_id TEXT, detail TEXT) STRICT"},
    {"item", COPIED,
     "(item INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL, rid "
     "INTEGER,"
     " side INTEGER, file INTEGER, line INTEGER, opened INTEGER NOT NULL, version INTEGER NOT NULL,"
     " is_open INTEGER NOT NULL, how TEXT, detail TEXT) STRICT"},
    {"waiting", COPIED,
     "(rid INTEGER NOT NULL, side INTEGER NOT NULL, delta INTEGER NOT NULL, PRIMARY KEY (rid, "
     "side))"
     " STRICT, WITHOUT ROWID"},
    {"pending", COPIED,
     "(side INTEGER NOT NULL, print BLOB NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (side, print, "
     "rid))"
     " STRICT, WITHOUT ROWID"},
    {"suspect", COPIED,
     "(rid INTEGER NOT NULL, candidate INTEGER NOT NULL, PRIMARY KEY (rid, candidate)) STRICT, "
     "WITHOUT ROWID"},
    {"former", COPIED,
     "(side INTEGER NOT NULL, id TEXT NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (side, id, rid))"
     " STRICT, WITHOUT ROWID"},
    {"sighting", COPIED,
     "(side INTEGER NOT NULL, remote TEXT NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (side, "
     "remote))"
     " STRICT, WITHOUT ROWID"},
    {"move", COPIED,
     "(move INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, target TEXT NOT NULL) STRICT"},
    {"journal", COPIED, "(entry INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL) STRICT"},
    {"touched", COPIED,
     "(side INTEGER NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (side, rid)) STRICT, WITHOUT "
     "ROWID"},
    {"record_recent", EMPTY, RECORD_BODY},
};

static const struct index {
    const char *name, *on;
    bool is_unique;
} indexes[] = {
    {"record_external", "record_base (external_id) WHERE external_id IS NOT NULL", true},
    {"record_native", "record_base (native_id) WHERE native_id IS NOT NULL", true},
    {"record_external_sent", "record_base (rid) WHERE external_sent IS NOT NULL", false},
    {"record_native_sent", "record_base (rid) WHERE native_sent IS NOT NULL", false},
    {"delta_row_rid", "delta_row (rid)", false},
    {"file_digest", "file (side, digest)", false},
    {"file_path", "file (path)", false},
    {"file_remote", "file (side, remote) WHERE remote IS NOT NULL", false},
    {"event_rid", "event (rid) WHERE rid IS NOT NULL", false},
    {"event_run", "event (run)", false},
    {"pending_rid", "pending (rid)", false},
    {"former_rid", "former (rid)", false},
    {"suspect_candidate", "suspect (candidate)", false},
    {"waiting_delta", "waiting (delta)", false},
    {"item_open", "item (kind, subject) WHERE is_open", true},
    {"recent_external", "record_recent (external_id) WHERE external_id IS NOT NULL", true},
    {"recent_native", "record_recent (native_id) WHERE native_id IS NOT NULL", true},
    {"recent_external_sent", "record_recent (rid) WHERE external_sent IS NOT NULL", false},
    {"recent_native_sent", "record_recent (rid) WHERE native_sent IS NOT NULL", false},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* How many of them a state of format 1, 2 ... has; 0: an empty file. */
static const size_t tables_of[RT_STORE_VERSION] = {0, COUNT(tables) - 2, COUNT(tables) - 1};
static const size_t indexes_of[RT_STORE_VERSION] = {0, COUNT(indexes) - 4, COUNT(indexes) - 4};

/* What people and queries call a record. */
#define RECORD_VIEW                                                                                \
    "VIEW record AS SELECT * FROM record_recent UNION ALL"                                         \
    " SELECT * FROM record_base WHERE rid NOT IN (SELECT rid FROM record_recent)"

static int make_table(struct rt_store *store, const struct table *table, const char *where,
                      struct rt_err *err)
{
    char *sql = rt_xasprintf("CREATE %s TABLE %s %s", where, table->name, table->body);
    int rc = rt_store_exec(store, sql, err);

    free(sql);
    return rc;
}

static int make_index(struct rt_store *store, const struct index *index, const char *database,
                      struct rt_err *err)
{
    char *sql = rt_xasprintf("CREATE %s INDEX %s%s ON %s", index->is_unique ? "UNIQUE" : "",
                             database, index->name, index->on);
    int rc = rt_store_exec(store, sql, err);

    free(sql);
    return rc;
}

/* Makes what a state of an older format lacks. */
static int make_tables(struct rt_store *store, int64_t version, struct rt_err *err)
{
    char pragma[64];

    if (version > 0 && rt_store_exec(store, "ALTER TABLE record RENAME TO record_base", err) < 0)
        return -1;
    for (size_t i = tables_of[version]; i < COUNT(tables); i++)
        if (make_table(store, &tables[i], "", err) < 0)
            return -1;
    for (size_t i = indexes_of[version]; i < COUNT(indexes); i++)
        if (make_index(store, &indexes[i], "", err) < 0)
            return -1;
    if (rt_store_exec(store, "CREATE " RECORD_VIEW, err) < 0)
        return -1;
    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d", RT_STORE_APPLICATION_ID);
    if (rt_store_exec(store, pragma, err) < 0)
        return -1;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", RT_STORE_VERSION);
    return rt_store_exec(store, pragma, err);
}

#define ID_INDEXES 2 /* the first ones */

int rt_store_drop_id_indexes(struct rt_store *store, struct rt_err *err)
{
    return rt_store_exec(store, "DROP INDEX record_external; DROP INDEX record_native", err);
}

int rt_store_make_id_indexes(struct rt_store *store, struct rt_err *err)
{
    for (size_t i = 0; i < ID_INDEXES; i++)
        if (make_index(store, &indexes[i], "", err) < 0)
            return -1;
    return 0;
}

static int copy_table(struct rt_store *store, const char *name, struct rt_err *err)
{
    char *sql = rt_xasprintf("INSERT INTO temp.%s SELECT * FROM main.%s", name, name);
    int rc = rt_store_exec(store, sql, err);

    free(sql);
    return rc;
}

static int make_scratch(struct rt_store *store, struct rt_err *err)
{
    for (size_t i = 0; i < COUNT(tables); i++) {
        if (make_table(store, &tables[i], "TEMP", err) < 0)
            return -1;
        if (tables[i].scratch == COPIED && copy_table(store, tables[i].name, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < COUNT(indexes); i++)
        if (make_index(store, &indexes[i], "temp.", err) < 0)
            return -1;
    return rt_store_exec(store, "CREATE TEMP TABLE pulled (rid INTEGER PRIMARY KEY) STRICT", err);
}

/* `all_record` and `all_content`: what a pass over everything reads. */
int rt_store_begin_scratch(struct rt_store *store, struct rt_err *err)
{
    if (make_scratch(store, err) < 0)
        return -1;
    return rt_store_exec(
        store,
        "CREATE TEMP " RECORD_VIEW ";"
        "CREATE TEMP VIEW all_record AS SELECT * FROM temp.record_recent UNION ALL"
        " SELECT * FROM temp.record_base WHERE rid NOT IN (SELECT rid FROM temp.record_recent)"
        " UNION ALL SELECT * FROM main.record_recent"
        " WHERE rid NOT IN (SELECT rid FROM temp.pulled)"
        " UNION ALL SELECT * FROM main.record_base"
        " WHERE rid NOT IN (SELECT rid FROM temp.pulled)"
        " AND rid NOT IN (SELECT rid FROM main.record_recent);"
        "CREATE TEMP VIEW all_content AS SELECT * FROM temp.content UNION ALL"
        " SELECT * FROM main.content",
        err);
}

static int get_pragma(struct rt_store *store, const char *sql, int64_t *value, struct rt_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        *value = sqlite3_column_int64(stmt, 0);
    else
        rc = rt_store_fail(store, "reading the state", err);
    sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? 0 : -1;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool rt_store_is_newer(const char *path)
{
    unsigned char head[100] = {0}; /* SQLite's file header: user_version at 60, application at 68 */
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof head, f) : 0;

    if (f != NULL)
        fclose(f);
    return n == sizeof head && big_endian(head + 68) == RT_STORE_APPLICATION_ID &&
           big_endian(head + 60) > RT_STORE_VERSION;
}

int rt_store_migrate(struct rt_store *store, struct rt_err *err)
{
    int64_t application = 0, version = 0, objects = 0;

    if (get_pragma(store, "PRAGMA application_id", &application, err) < 0 ||
        get_pragma(store, "PRAGMA user_version", &version, err) < 0 ||
        get_pragma(store, "SELECT count(*) FROM main.sqlite_schema", &objects, err) < 0)
        return -1;
    if (version > RT_STORE_VERSION && application == RT_STORE_APPLICATION_ID)
        return rt_err_set(err, RT_STOPPED,
                          "%s: written by a newer roundtrip (format %lld, this program knows %d): "
                          "update the program",
                          store->path, (long long)version, RT_STORE_VERSION);
    if (version == RT_STORE_VERSION && application == RT_STORE_APPLICATION_ID)
        return 0;
    if (version > 0 && version < RT_STORE_VERSION && application == RT_STORE_APPLICATION_ID) {
        if (store->mode == RT_STORE_READ || store->mode == RT_STORE_SCRATCH)
            return rt_err_set(err, RT_STOPPED,
                              "%s: written by an older roundtrip (format %lld): run roundtrip emit "
                              "once, which brings it up to date",
                              store->path, (long long)version);
    } else if (application != 0 || version != 0 || objects != 0) {
        return rt_err_set(err, RT_STOPPED, "%s: not a state of roundtrip: move it away",
                          store->path);
    } else if (store->mode != RT_STORE_CREATE && !store->is_empty) {
        return rt_err_set(err, RT_STOPPED,
                          "%s: an empty state: restore it from a backup, or remove it and run "
                          "roundtrip rebuild",
                          store->path);
    }
    if (rt_store_exec(store, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (make_tables(store, version, err) < 0 || rt_store_exec(store, "COMMIT", err) < 0) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return 0;
}
