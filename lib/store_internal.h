/*
 * What the files of the store share.  For store*.c only.
 *
 * Statements are prepared once and kept by the address of their text, so every SQL text stands as
 * one literal beside the function that runs it.  Table names are never qualified: in scratch mode
 * the temporary table of the same name comes first, which is the whole trick.
 */
#ifndef RT_STORE_INTERNAL_H
#define RT_STORE_INTERNAL_H

#include "lib/store.h"

#include <sqlite3.h>

#define RT_STORE_APPLICATION_ID 0x52547270 /* "RTrp" */
#define RT_STORE_VERSION        3          /* PRAGMA user_version: number of migrations */

#define RT_SHARED_MAX       4
#define RT_STATEMENT_PLACES 256
#define RT_COUNTERS         7

#define RT_STORE_DAMAGED "the file is damaged; restore it from a backup, or run roundtrip rebuild"

struct rt_layout; /* store_content.c */
struct rt_bulk;   /* store_bulk.c */
struct rt_kept;   /* store_kept.c */

struct rt_store {
    sqlite3 *db;
    char *path;
    enum rt_store_mode mode;
    bool is_empty; /* there is no file: a reader's own, empty state */
    bool in_transaction;
    struct rt_statement {
        const char *sql;
        sqlite3_stmt *stmt;
        bool is_of_records; /* names one of their tables */
    } * statements;
    size_t statement_count;
    size_t places[RT_STATEMENT_PLACES]; /* by address of the text: where it may be among them */
    struct rt_stored_number {
        bool is_there;
        int64_t value;
    } stored[RT_COUNTERS];      /* what meta has of the numbers that follow */
    int64_t next_rid, next_cid; /* valid in a transaction */
    int64_t held[2];            /* records with an ID on that side; valid in a transaction */
    int64_t snapshot_stamp[2];  /* of the newest snapshot taken in */
    int64_t recent;             /* records in record_recent; valid in a transaction */
    bool is_first_load;         /* the transaction began with an empty state */
    const struct rt_schema *schema;
    struct rt_layout *layouts; /* those met so far */
    size_t layout_count;
    int64_t layout; /* number of the current one */
    struct rt_delta_times {
        int64_t handed, gone;
    } * delta_times; /* by delta number; loaded on first use, renewed when a delta changes */
    int64_t delta_times_count;
    const struct rt_content *shared[RT_SHARED_MAX]; /* of the record that is being loaded */
    size_t shared_count;
    struct rt_touch { /* a record whose row on a side is no longer what a digest file says */
        int64_t rid;
        bool is_touched[2];
    } * touched; /* in this transaction, in order */
    size_t touched_count;
    size_t touched_from[2];    /* earlier ones are part of the side's new digest file */
    struct rt_bulk *bulk;      /* or NULL */
    struct rt_kept *kept;      /* or NULL */
    struct rt_buf found_id[2]; /* the ID that was looked up last, until IDs change; empty: none */
    int64_t found_rid[2];      /* its record; 0: there is none */
    enum { RT_FORMER_UNKNOWN, RT_FORMER_NONE, RT_FORMER_SOME } formers; /* in a transaction */
    bool has_questions;    /* store_question.c has its table */
    struct rt_buf scratch; /* for building texts */
};

/* Fills err from SQLite's last error: RT_BUSY, RT_IO, RT_STOPPED or RT_INTERNAL.  Returns -1. */
int rt_store_fail(struct rt_store *store, const char *doing, struct rt_err *err);

/* A prepared, reset statement; borrowed.  NULL with err set on failure.  If it is about records,
 * those that were put off (store_kept.c) are written first. */
sqlite3_stmt *rt_store_prepare(struct rt_store *store, const char *sql,
                               struct rt_err *err) RT_MUST_CHECK;

/* The same for a statement that those which were put off do not concern: it looks for an ID or a
 * number, which they have already, or its caller has asked rt_store_kept. */
sqlite3_stmt *rt_store_prepare_beside(struct rt_store *store, const char *sql,
                                      struct rt_err *err) RT_MUST_CHECK;

/* Steps a statement: 1 a row, 0 done, -1.  After 0 and -1 it is reset. */
int rt_store_step(struct rt_store *store, sqlite3_stmt *stmt, struct rt_err *err) RT_MUST_CHECK;

/* Runs a statement that gives no rows. */
int rt_store_run(struct rt_store *store, sqlite3_stmt *stmt, struct rt_err *err) RT_MUST_CHECK;

/* Runs SQL text without parameters, when records that were put off are written. */
int rt_store_exec(struct rt_store *store, const char *sql, struct rt_err *err) RT_MUST_CHECK;

/* Binding: times that are RT_NEVER, and NULL texts, become NULL. Texts are not copied: they must
 * live until the step. */
void rt_bind_int(sqlite3_stmt *stmt, int index, int64_t value);
void rt_bind_time(sqlite3_stmt *stmt, int index, int64_t t);
void rt_bind_text(sqlite3_stmt *stmt, int index, const char *text);
void rt_bind_slice(sqlite3_stmt *stmt, int index, struct rt_slice text); /* len 0: NULL */
void rt_bind_digest(sqlite3_stmt *stmt, int index,
                    struct rt_digest digest); /* 16 bytes, big-endian */

int64_t rt_column_time(sqlite3_stmt *stmt, int index);
struct rt_slice rt_column_slice(sqlite3_stmt *stmt, int index); /* borrowed until the next step */
const char *rt_column_str(sqlite3_stmt *stmt, int index,
                          struct rt_arena *arena); /* NULL stays NULL */
struct rt_digest rt_column_digest(sqlite3_stmt *stmt, int index);

/* Tables (store_schema.c): makes or migrates them; sets up the temporary ones of scratch mode. */
int rt_store_migrate(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_begin_scratch(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* Numbers kept in meta (store_counters.c): loaded at begin, saved at commit. */
int rt_store_load_counters(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_save_counters(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* store_pack.c: what a record's row keeps packed in one column. */
int64_t rt_store_pack_end(const struct rt_end *end);
void rt_store_unpack_end(struct rt_end *end, int64_t flags);
int64_t rt_store_pack_record(const struct rt_record *record);
void rt_store_unpack_record(struct rt_record *record, int64_t flags);
const char *rt_store_pack_sent(const struct rt_end *end,
                               struct rt_buf *out); /* NULL: nothing was sent */
int rt_store_unpack_sent(struct rt_store *store, const char *text, struct rt_arena *arena,
                         struct rt_end *end, struct rt_err *err) RT_MUST_CHECK;
/* A number of what rt_store_pack_sent wrote, and `behind` after it, which *text is moved behind;
   '\0': whatever comes after it. */
bool rt_store_take_number(const char **text, char behind, int64_t *value);
const char *rt_store_pack_trail(const struct rt_record *record, char out[80]);
/* Does anything of a record go into its `open` column? */
bool rt_store_has_open(const struct rt_record *record);
char *rt_store_pack_open(const struct rt_store *store,
                         const struct rt_record *record); /* caller frees */
int rt_store_unpack_open(struct rt_store *store, const char *text, struct rt_arena *arena,
                         struct rt_record *record, struct rt_err *err) RT_MUST_CHECK;

/* A state of an earlier version says only that cuts were accepted, in the flags of an end: they are
   those that it shows. */
void rt_store_unpack_old_cuts(struct rt_store *store, int64_t flags, enum rt_side side,
                              struct rt_arena *arena, struct rt_record *record);

/* store_find.c: in scratch mode, takes the record into the temporary table, once. */
int rt_store_pull(struct rt_store *store, int64_t rid, struct rt_err *err) RT_MUST_CHECK;

/* store_find.c: the record with that ID, with what its row of that side is recognised by.  1, with
   the statement on that row, to be reset; 0; -1. */
enum { RT_FOUND_RID, RT_FOUND_PRINT, RT_FOUND_STAMP };
int rt_store_find_row(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t *rid,
                      sqlite3_stmt **stmt, struct rt_err *err) RT_MUST_CHECK;

/* store_record.c: rt_store_content, once for all places of a record. */
int rt_store_share_content(struct rt_store *store, int64_t cid, struct rt_arena *arena,
                           const struct rt_content **content, struct rt_err *err) RT_MUST_CHECK;

/* store_content.c */
int rt_store_put_content(struct rt_store *store, struct rt_content *content,
                         struct rt_err *err) RT_MUST_CHECK;
void rt_store_forget_layouts(struct rt_store *store);

/* The indexes by which IDs are found (store_schema.c). */
int rt_store_drop_id_indexes(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_make_id_indexes(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* store_find.c: what was found by ID may no longer be so. */
void rt_store_forget_found(struct rt_store *store);

/* store_bulk.c; with store->bulk only */
void rt_store_bulk_add(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t rid);
int rt_store_bulk_find(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t *rid,
                       struct rt_err *err) RT_MUST_CHECK;
void rt_store_bulk_forget(struct rt_store *store);

/* store_recent.c: are records that change written to record_recent?  And at a commit, what is there
   moves to record_base when it has become much. */
bool rt_store_appends(const struct rt_store *store);
int rt_store_compact(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* store_kept.c: keeps a copy of a record as it is in the tables, where there is room; finds one, or
   NULL; forgets one, which is written first if that was put off; forgets all as they are. */
void rt_store_keep(struct rt_store *store, const struct rt_record *record);
struct rt_record *rt_store_kept(struct rt_store *store, int64_t rid);
int rt_store_unkeep(struct rt_store *store, int64_t rid, struct rt_err *err) RT_MUST_CHECK;
void rt_store_unkeep_all(struct rt_store *store);

/* Keeps a record whose row is to be written later; false: there is no room, write it now.
   `is_insert`: its table does not have it yet.  And writes all that were put off. */
bool rt_store_put_off(struct rt_store *store, const struct rt_record *record, bool is_insert);
int rt_store_write_kept(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* store_record.c: writes a record's row into the table it belongs to (record->is_recent). */
int rt_store_write_row(struct rt_store *store, const struct rt_record *record, bool is_insert,
                       struct rt_err *err) RT_MUST_CHECK;

/* store_item.c: visits what the statement finds.  Reads all before: a visit may change the list. */
#define RT_ITEM_COLUMNS                                                                            \
    "item, kind, subject, coalesce(rid, 0), coalesce(side, -1), coalesce(file, 0),"                \
    " coalesce(line, 0), opened, version, is_open, how, detail"
int rt_store_each_found(struct rt_store *store, sqlite3_stmt *stmt, rt_store_visit_item *visit,
                        void *context, struct rt_err *err) RT_MUST_CHECK;

/* store_question.c: an item was opened, or tells now of other rows. */
int rt_store_note_question(struct rt_store *store, int64_t number,
                           struct rt_err *err) RT_MUST_CHECK;

/* store_touch.c */
void rt_store_touch(struct rt_store *store, int64_t rid, const bool is_touched[2]);
int rt_store_save_touched(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
void rt_store_forget_touched(struct rt_store *store);

/* store_delta.c: when a delta was handed over (R3) and from when import_lag counts (R7). */
int rt_store_delta_times(struct rt_store *store, int64_t delta, int64_t *handed, int64_t *gone,
                         struct rt_err *err) RT_MUST_CHECK;

#endif
