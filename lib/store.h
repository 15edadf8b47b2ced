/*
 * The state: one SQLite file that says what every other file means.
 *
 * The only user of sqlite3 (store*.c).  Tables are documented in roundtrip-state(5).  Opened in one
 * of three ways: to change it, under the profile's lock; to read it; or as a scratch copy, for
 * `diff` and others that compute what would come of something: then the file is opened read-only
 * and every change goes to temporary tables that are gone at close, so that the same code does it
 * and leaves the profile as it was.
 *
 * Everything between begin and commit is one transaction, with synchronous=EXTRA: once commit has
 * returned it survives a power cut.  A savepoint lets one refused file leave no trace.
 *
 * Failures: RT_IO for reading and writing (disk full), RT_BUSY when another process holds SQLite's
 * lock for long, RT_STOPPED for a state that is not ours to use (newer than the program, another
 * program's file, damaged).
 */
#ifndef RT_STORE_H
#define RT_STORE_H

#include "lib/digest.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/merge.h"
#include "lib/record.h"
#include "lib/side.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct rt_store;

enum rt_store_mode {
    RT_STORE_CREATE, /* make it if it is not there; change it */
    RT_STORE_READ,   /* read-only */
    RT_STORE_SCRATCH /* read-only; changes are seen by this process alone and gone at close */
};

int rt_store_open(const char *path, enum rt_store_mode mode, struct rt_store **store,
                  struct rt_err *err) RT_MUST_CHECK;
/* Was the file written by a newer program?  Looks at its first bytes only. */
bool rt_store_is_newer(const char *path);
void rt_store_close(struct rt_store *store); /* without a commit before it, changes are lost */
bool rt_store_is_scratch(const struct rt_store *store);
const char *rt_store_library_version(void);

/* Many look-ups outside a transaction between these two are spared locking the file one by one.
 * After an error there the state is only good for closing. */
int rt_store_hold(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_let_go(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

int rt_store_begin(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_commit(struct rt_store *store,
                    struct rt_err *err) RT_MUST_CHECK; /* step: store.commit */
bool rt_store_in_transaction(const struct rt_store *store);
void rt_store_abort(struct rt_store *store); /* no transaction: nothing */
int rt_store_savepoint(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_release(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_rewind(struct rt_store *store,
                    struct rt_err *err) RT_MUST_CHECK; /* back to the savepoint, which ends */

/* Is the file what SQLite wrote?  RT_STOPPED with what is wrong. */
int rt_store_verify(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* A consistent copy of the whole state, as a file of its own that must not exist. */
int rt_store_backup(struct rt_store *store, const char *path, struct rt_err *err) RT_MUST_CHECK;

/* Single values: pause, journal length, fingerprints.  get: 1 and *value in the arena, 0, -1. */
int rt_store_get(struct rt_store *store, const char *key, struct rt_arena *arena,
                 const char **value, struct rt_err *err) RT_MUST_CHECK;
int rt_store_set(struct rt_store *store, const char *key, const char *value,
                 struct rt_err *err) RT_MUST_CHECK; /* NULL removes */

/* The same for values with NULs in them, such as a header in UTF-16. */
int rt_store_get_bytes(struct rt_store *store, const char *key, struct rt_arena *arena,
                       struct rt_slice *value, struct rt_err *err) RT_MUST_CHECK;
int rt_store_set_bytes(struct rt_store *store, const char *key, struct rt_slice value,
                       struct rt_err *err) RT_MUST_CHECK;

/*
 * Tells which schema the contents are read and written with.  Contents written under an earlier
 * layout are mapped by field name when they are loaded; a field that was not there, or was written
 * in another way (type, format, zone, codes), is unknown (roundtrip-schema(5)).
 */
int rt_store_use_schema(struct rt_store *store, const struct rt_schema *schema,
                        struct rt_err *err) RT_MUST_CHECK;

/* Around many new records, in a transaction: if the state is empty they go in without indexes,
 * which are made at the end.  Otherwise, and in scratch mode, nothing happens. */
int rt_store_bulk_begin(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
int rt_store_bulk_end(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* Many records will be looked up and changed: more of the state is kept in memory, 16 MiB. */
int rt_store_expect_many(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* ---- records ---- */

/* 1: *rid is the record with that ID; 0: there is none; -1. */
int rt_store_find(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t *rid,
                  struct rt_err *err) RT_MUST_CHECK;

/* Loads record `rid`, which must be there, into the arena. */
int rt_store_load(struct rt_store *store, int64_t rid, struct rt_arena *arena,
                  struct rt_record *record, struct rt_err *err) RT_MUST_CHECK;

/* The same to be planned and written: as a rule the store's own copy, which stays until the
   transaction ends, and may be changed and saved, but given no contents that it did not have; in
   the arena where the store has no room. */
int rt_store_borrow(struct rt_store *store, int64_t rid, struct rt_arena *arena,
                    struct rt_record **record, struct rt_err *err) RT_MUST_CHECK;

/* Saves a record; one with rid 0 is new and gets its number. Contents with cid 0 are appended.
   `print[s]`: the digest of the side's last row as it came (rt_rowmap_print), NULL to leave what is
   there. */
int rt_store_save(struct rt_store *store, struct rt_record *record,
                  const struct rt_digest *const print[2], struct rt_err *err) RT_MUST_CHECK;

int rt_store_has_record(struct rt_store *store, int64_t rid, bool *there,
                        struct rt_err *err) RT_MUST_CHECK;

/* Removes a record that was joined into another. */
int rt_store_remove(struct rt_store *store, int64_t rid, struct rt_err *err) RT_MUST_CHECK;

/* Loads one content by its number. */
int rt_store_content(struct rt_store *store, int64_t cid, struct rt_arena *arena,
                     const struct rt_content **content, struct rt_err *err) RT_MUST_CHECK;

/*
 * The quick way to see that a row is the same as last time.  Looks the row's own ID up, and
 * compares the digest of the row as it came.  1: same, nothing can change, *rid; 0: not known to be
 * the same. For a changes file also notes that the record was looked at (`stamp`, `file`, `line`).
 */
struct rt_glance {
    enum rt_side side;
    struct rt_slice id[2];
    struct rt_digest print;
    int64_t stamp, file, line;
    bool is_snapshot; /* then the look need not be noted: the snapshot's stamp counts for all */
};
int rt_store_is_unchanged(struct rt_store *store, const struct rt_glance *glance, int64_t *rid,
                          struct rt_err *err) RT_MUST_CHECK;

/* How many records a side holds (has an ID there for), for the guard; cheap: kept as a running
 * number. */
int64_t rt_store_count_held(const struct rt_store *store, enum rt_side side);
/* How many more it holds under an ID that is not known: seen there without, confirmed, or sent.
 * Reads all records. */
int rt_store_count_believed(struct rt_store *store, enum rt_side side, int64_t *count,
                            struct rt_err *err) RT_MUST_CHECK;
/* The highest number that a record ever had; in a transaction. */
int64_t rt_store_last_record(const struct rt_store *store);
int rt_store_count_records(struct rt_store *store, int64_t *count,
                           struct rt_err *err) RT_MUST_CHECK;

/* Called with the number of one record after the other; its -1 ends the walk. */
typedef int rt_store_visit(void *context, int64_t rid, struct rt_err *err);

/* One pass: the quick digests of all records of a side, for a snapshot.  `take` gets ID and digest.
 */
struct rt_print_entry {
    int64_t rid;
    struct rt_slice id[2];
    struct rt_digest print;
    bool has_print;   /* false: has no digest, must be looked at */
    int64_t stamp;    /* of the last file that showed it, but for snapshots */
    int64_t known_at; /* the same with the newest snapshot, as if that had shown every record */
};
typedef int rt_store_take_print(void *context, const struct rt_print_entry *entry,
                                struct rt_err *err);
int rt_store_each_print(struct rt_store *store, enum rt_side side, rt_store_take_print *take,
                        void *context, struct rt_err *err) RT_MUST_CHECK;

/* A snapshot of that side was taken in: its stamp counts as the look of every record that it
   showed. Those that it did not show are marked otherwise. */
void rt_store_set_snapshot(struct rt_store *store, enum rt_side side, int64_t stamp);

/* ---- what is due ---- */

/* A record that is due for a side and was not sent yet, or waits; kept in the order they became
 * due. */
struct rt_due_entry {
    int64_t seq; /* the order; set by the store */
    int64_t rid;
    enum rt_side side;
    int64_t since;
    const char *action, *reason; /* words of rt_decision */
};
/* The entry of that side that follows entry->seq (0: the first): 1, 0, -1.  Texts live in the
 * arena. */
int rt_store_next_due(struct rt_store *store, enum rt_side side, struct rt_arena *arena,
                      struct rt_due_entry *entry, struct rt_err *err) RT_MUST_CHECK;
/* Notes that a record is due for a side, or why it waits; one that is noted already keeps its
 * place. */
int rt_store_put_due(struct rt_store *store, const struct rt_due_entry *entry,
                     struct rt_err *err) RT_MUST_CHECK;
int rt_store_drop_due(struct rt_store *store, int64_t rid, enum rt_side side,
                      struct rt_err *err) RT_MUST_CHECK;

/* ---- files taken in: the ledger ---- */

enum rt_file_state {
    RT_FILE_WAITING, /* in the inbox, known with its stamp */
    RT_FILE_TAKEN,
    RT_FILE_REFUSED, /* moved to rejects/ */
    RT_FILE_KNOWN    /* same bytes as one that was taken before: a no-op */
};

struct rt_file {
    int64_t id;
    enum rt_side side;
    const char *name; /* as it came */
    struct rt_digest digest;
    bool is_unhashed; /* the digest is told only when the file has been read; never in the state */
    uint64_t size;
    int64_t mtime;
    int64_t stamp;
    bool has_stamp; /* told by fetch --stamp or the name: not only the mtime */
    bool is_snapshot;
    enum rt_file_state state;
    int64_t run;
    const char *path;   /* where its bytes are, relative to the profile */
    const char *counts; /* R14 as JSON, or NULL */
    const char *remote; /* how the other end called it, with size and time; or NULL */
};

int rt_store_add_file(struct rt_store *store, struct rt_file *file,
                      struct rt_err *err) RT_MUST_CHECK; /* sets id */
int rt_store_update_file(struct rt_store *store, const struct rt_file *file,
                         struct rt_err *err) RT_MUST_CHECK;
/* 1 and *file in the arena, 0, -1 */
int rt_store_file_by_id(struct rt_store *store, int64_t id, struct rt_arena *arena,
                        struct rt_file *file, struct rt_err *err) RT_MUST_CHECK;
int rt_store_file_by_path(struct rt_store *store, const char *path, struct rt_arena *arena,
                          struct rt_file *file, struct rt_err *err) RT_MUST_CHECK;
/* When the run that took it in began: 1, 0, -1. */
int rt_store_file_taken_at(struct rt_store *store, const char *path, int64_t *at,
                           struct rt_err *err) RT_MUST_CHECK;
/* The file of that side taken in with those bytes, the newest by stamp. */
int rt_store_file_by_digest(struct rt_store *store, enum rt_side side, struct rt_digest digest,
                            struct rt_arena *arena, struct rt_file *file,
                            struct rt_err *err) RT_MUST_CHECK;
/* Does the ledger have a file of that side with that size? 1, 0, -1 */
int rt_store_has_file_of_size(struct rt_store *store, enum rt_side side, uint64_t size,
                              struct rt_err *err) RT_MUST_CHECK;
/* By the other end's name, size and time: was it fetched already? */
int rt_store_file_by_remote(struct rt_store *store, enum rt_side side, const char *remote,
                            struct rt_arena *arena, struct rt_file *file,
                            struct rt_err *err) RT_MUST_CHECK;
/* The newest stamp of a taken file of that side; RT_NEVER. */
int rt_store_newest_stamp(struct rt_store *store, enum rt_side side, int64_t *stamp,
                          struct rt_err *err) RT_MUST_CHECK;
/* The highest number of a file; 0. */
int rt_store_last_file(struct rt_store *store, int64_t *last, struct rt_err *err) RT_MUST_CHECK;
/* Walks the ledger in order of id. */
typedef int rt_store_visit_file(void *context, const struct rt_file *file, struct rt_err *err);
int rt_store_each_file(struct rt_store *store, rt_store_visit_file *visit, void *context,
                       struct rt_err *err) RT_MUST_CHECK;

/* ---- deltas: the outbox ---- */

enum rt_delta_state {
    RT_DELTA_COMMITTED, /* its rows are in the state; the files may not all be published yet */
    RT_DELTA_OUTBOX,    /* its files are in outbox/ */
    RT_DELTA_HANDED,    /* handed over, all parts */
    RT_DELTA_WITHDRAWN
};

struct rt_delta {
    int64_t number;
    enum rt_side side;
    enum rt_delta_state state;
    int64_t written_at;
    int64_t handed_at, gone_at; /* RT_NEVER */
    int64_t confirmed_at;       /* by `confirm`; RT_NEVER */
    int64_t rows;
    int64_t parts;
    int64_t handed_parts;
    int64_t run;
    struct rt_slice header; /* its first line, as it is in the file: in UTF-16 it has NULs */
};

/* Handed over, all parts, for longer than that setting. */
bool rt_store_is_late(const struct rt_delta *delta, int64_t overdue, int64_t now);

struct rt_delta_part {
    int64_t delta, part;
    const char *name;
    int64_t first, rows; /* positions first .. first+rows-1 */
    uint64_t size;
    struct rt_digest digest;
    bool is_handed;
};

struct rt_delta_row {
    int64_t delta, position;
    int64_t rid;
    enum rt_action_code { RT_ROW_INSERT = 1, RT_ROW_UPDATE = 2, RT_ROW_DELETE = 3 } action;
    struct rt_slice id[2]; /* as written */
    int64_t cid;
};

int rt_store_add_delta(struct rt_store *store, struct rt_delta *delta,
                       struct rt_err *err) RT_MUST_CHECK; /* sets number */
int rt_store_next_delta(struct rt_store *store, int64_t *number, struct rt_err *err) RT_MUST_CHECK;
int rt_store_update_delta(struct rt_store *store, const struct rt_delta *delta,
                          struct rt_err *err) RT_MUST_CHECK;
int rt_store_delta(struct rt_store *store, int64_t number, struct rt_arena *arena,
                   struct rt_delta *delta, struct rt_err *err) RT_MUST_CHECK; /* 1, 0, -1 */
typedef int rt_store_visit_delta(void *context, const struct rt_delta *delta, struct rt_err *err);
int rt_store_each_delta(struct rt_store *store, rt_store_visit_delta *visit, void *context,
                        struct rt_err *err) RT_MUST_CHECK;
int rt_store_each_delta_in(struct rt_store *store, enum rt_delta_state state,
                           rt_store_visit_delta *visit, void *context,
                           struct rt_err *err) RT_MUST_CHECK;
int rt_store_add_part(struct rt_store *store, const struct rt_delta_part *part,
                      struct rt_err *err) RT_MUST_CHECK;
int rt_store_set_part_handed(struct rt_store *store, int64_t delta, int64_t part,
                             struct rt_err *err) RT_MUST_CHECK;
int rt_store_part(struct rt_store *store, int64_t delta, int64_t number, struct rt_arena *arena,
                  struct rt_delta_part *part, struct rt_err *err) RT_MUST_CHECK; /* 1, 0, -1 */
typedef int rt_store_visit_part(void *context, const struct rt_delta_part *part,
                                struct rt_err *err);
int rt_store_each_part(struct rt_store *store, int64_t delta, rt_store_visit_part *visit,
                       void *context, struct rt_err *err) RT_MUST_CHECK;
int rt_store_find_part(struct rt_store *store, const char *name, int64_t *delta,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_store_add_row(struct rt_store *store, const struct rt_delta_row *row,
                     struct rt_err *err) RT_MUST_CHECK;
typedef int rt_store_visit_row(void *context, const struct rt_delta_row *row, struct rt_err *err);
/* Positions first .. first + count - 1 of a delta. */
struct rt_row_range {
    int64_t delta, first, count;
};
int rt_store_each_row(struct rt_store *store, const struct rt_row_range *range,
                      rt_store_visit_row *visit, void *context, struct rt_err *err) RT_MUST_CHECK;

/* The record's newest row for the side of those handed over (from = RT_DELTA_HANDED), or of all but
   withdrawn ones (RT_DELTA_COMMITTED): its delta, 0 if there is none, position and content. */
int rt_store_last_row(struct rt_store *store, int64_t rid, enum rt_side side,
                      enum rt_delta_state from, struct rt_delta_row *row,
                      struct rt_err *err) RT_MUST_CHECK;
/* When a delta with a row of the record was first confirmed by a person; RT_NEVER. */
int rt_store_first_confirmed(struct rt_store *store, int64_t rid, enum rt_side side, int64_t *at,
                             struct rt_err *err) RT_MUST_CHECK;

/* Rows of handed-over or waiting deltas that a side was not seen to hold yet, counted by delta, in
   order.  Only records with something under way are looked at.  `own_id_only` is the side's: an
   insert of which only a `confirm` speaks still waits for its ID there (R6). */
typedef int rt_store_visit_flight(void *context, int64_t delta, int64_t rows, struct rt_err *err);
int rt_store_each_flight(struct rt_store *store, enum rt_side side, bool own_id_only,
                         rt_store_visit_flight *visit, void *context,
                         struct rt_err *err) RT_MUST_CHECK;

/* Rows of a delta for `side` that may be out of date: those written as new, without an ID of its
   own, while by now that is known, or another record is suspected to be the one there (R11); and
   all deletes. */
typedef int rt_store_visit_doubtful(void *context, int64_t position, int64_t rid, bool is_delete,
                                    struct rt_err *err);
int rt_store_each_doubtful_row(struct rt_store *store, const struct rt_row_range *range,
                               enum rt_side side, rt_store_visit_doubtful *visit, void *context,
                               struct rt_err *err) RT_MUST_CHECK;

/* What is due for a side, counted by action and reason, the most frequent first. */
typedef int rt_store_visit_due(void *context, const char *action, const char *reason, int64_t rows,
                               struct rt_err *err);
int rt_store_each_due_group(struct rt_store *store, enum rt_side side, rt_store_visit_due *visit,
                            void *context, struct rt_err *err) RT_MUST_CHECK;

/* The delta rows that carried a record, oldest first. */
int rt_store_each_row_of(struct rt_store *store, int64_t rid, rt_store_visit_row *visit,
                         void *context, struct rt_err *err) RT_MUST_CHECK;

/* Rows that were handed over since a time, by delta and action.  The visitor must not walk itself.
 */
struct rt_store_handed {
    enum rt_side side;
    int64_t at;
    enum rt_action_code action;
    int64_t rows;
};
typedef int rt_store_visit_handed(void *context, const struct rt_store_handed *handed,
                                  struct rt_err *err);
int rt_store_each_handed(struct rt_store *store, int64_t since, rt_store_visit_handed *visit,
                         void *context, struct rt_err *err) RT_MUST_CHECK;

/* Inserts that were handed over to a side which has not told its ID yet, the oldest first, each
   with the record's ID on the other side and its first hand-over. */
struct rt_store_insert {
    struct rt_slice other_id; /* borrowed during the visit */
    int64_t handed_at, delta;
};
typedef int rt_store_visit_insert(void *context, const struct rt_store_insert *insert,
                                  struct rt_err *err);
int rt_store_each_insert(struct rt_store *store, enum rt_side side, rt_store_visit_insert *visit,
                         void *context, struct rt_err *err) RT_MUST_CHECK;

/* IDs of held records; of records whose ID on a side begins with a text, in order.  The visitor
   must not walk itself. */
struct rt_store_ids {
    enum rt_side side;
    struct rt_slice id[2]; /* borrowed during the visit */
};
struct rt_store_prefix {
    enum rt_side side;
    const char *text;
    int64_t most;
};
typedef int rt_store_visit_ids(void *context, const struct rt_store_ids *ids, struct rt_err *err);
int rt_store_each_held(struct rt_store *store, rt_store_visit_ids *visit, void *context,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_store_each_id_from(struct rt_store *store, const struct rt_store_prefix *prefix,
                          rt_store_visit_ids *visit, void *context,
                          struct rt_err *err) RT_MUST_CHECK;

/* ---- the story: runs and events ---- */

struct rt_run {
    int64_t id;
    const char *command;
    int64_t started, ended;
    int status;
    const char *counts; /* JSON, or NULL */
};

int rt_store_begin_run(struct rt_store *store, const char *command, int64_t now, int64_t *run,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_store_end_run(struct rt_store *store, int64_t run, int64_t now, int status,
                     const char *counts, struct rt_err *err) RT_MUST_CHECK;
typedef int rt_store_visit_run(void *context, const struct rt_run *run, struct rt_err *err);
int rt_store_each_run(struct rt_store *store, int64_t since, rt_store_visit_run *visit,
                      void *context, struct rt_err *err) RT_MUST_CHECK;

/* Something that happened to a record, or to a row that belongs to none (rid 0). */
struct rt_event {
    int64_t id;
    int64_t rid;
    int64_t run, at;
    int side; /* or -1 */
    int64_t file, line;
    const char *what; /* a word of R14, or "emit", "confirm", "bind", "take" ... */
    struct rt_slice id_of[2];
    const char *detail; /* JSON: [[field, before, after, outcome], ...] or {"text": ...}; NULL:
                           nothing more */
};
int rt_store_add_event(struct rt_store *store, const struct rt_event *event,
                       struct rt_err *err) RT_MUST_CHECK;
/* The story of a record that was joined into another goes on there, and so do its delta rows. */
int rt_store_move_events(struct rt_store *store, int64_t from, int64_t to,
                         struct rt_err *err) RT_MUST_CHECK;
typedef int rt_store_visit_event(void *context, const struct rt_event *event, struct rt_err *err);
int rt_store_each_event(struct rt_store *store, int64_t rid, rt_store_visit_event *visit,
                        void *context, struct rt_err *err) RT_MUST_CHECK; /* of one record */
int rt_store_each_run_event(struct rt_store *store, int64_t run, rt_store_visit_event *visit,
                            void *context, struct rt_err *err) RT_MUST_CHECK; /* of one run */

/* ---- the list for people ---- */

struct rt_item {
    int64_t number;
    const char *kind;
    const char *subject; /* "r12" a record, "d5" a delta, "f7" a file, "f7:12" a line of a file,
                            "i01:..." an ID that no record had when its row came */
    int64_t rid;         /* 0: none */
    int side;            /* or -1 */
    int64_t file, line;
    int64_t opened;
    int64_t version; /* counts up when it changes */
    bool is_open;
    const char *how;    /* how it ended, or NULL */
    const char *detail; /* JSON */
};
/* Opens an item, or keeps the open one of the same kind and subject up to date. */
int rt_store_put_item(struct rt_store *store, struct rt_item *item,
                      struct rt_err *err) RT_MUST_CHECK;
int rt_store_close_item(struct rt_store *store, const char *kind, const char *subject,
                        const char *how, struct rt_err *err) RT_MUST_CHECK;
/* Ends an item by its number, and says how; one that is closed already gets the new words. */
int rt_store_end_item(struct rt_store *store, int64_t number, const char *how,
                      struct rt_err *err) RT_MUST_CHECK;
/* Did a person dismiss its overdue item since it was last handed over: nobody waits for it? */
int rt_store_is_waived(struct rt_store *store, const struct rt_delta *delta, bool *is_waived,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_store_item(struct rt_store *store, int64_t number, struct rt_arena *arena,
                  struct rt_item *item, struct rt_err *err) RT_MUST_CHECK; /* 1, 0, -1 */
/* The open item of that kind and subject.  1, 0, -1. */
int rt_store_open_item(struct rt_store *store, const char *kind, const char *subject,
                       struct rt_arena *arena, struct rt_item *item,
                       struct rt_err *err) RT_MUST_CHECK;
typedef int rt_store_visit_item(void *context, const struct rt_item *item, struct rt_err *err);
int rt_store_each_item(struct rt_store *store, const char *kind, rt_store_visit_item *visit,
                       void *context,
                       struct rt_err *err) RT_MUST_CHECK; /* open ones; kind NULL: all */

/* Open ones about rows (clash, repeated, rejected): */
struct rt_row_place {
    int64_t file, line;
};
/* whose row, the first of several, is this one; */
int rt_store_each_about_row(struct rt_store *store, const struct rt_row_place *row,
                            rt_store_visit_item *visit, void *context,
                            struct rt_err *err) RT_MUST_CHECK;
/* that stand by themselves, their record waiting for another answer, if any: at that place; */
int rt_store_each_unknown_at(struct rt_store *store, const struct rt_row_place *place,
                             rt_store_visit_item *visit, void *context,
                             struct rt_err *err) RT_MUST_CHECK;
/* the same, if they name one of the IDs, a JSON array. */
int rt_store_each_unknown_of(struct rt_store *store, const char *ids, rt_store_visit_item *visit,
                             void *context, struct rt_err *err) RT_MUST_CHECK;

/* Those that a person has dismissed. */
int rt_store_each_dismissed(struct rt_store *store, rt_store_visit_item *visit, void *context,
                            struct rt_err *err) RT_MUST_CHECK;
/* The number of the newest open item, 0: there is none.  It grows when one is opened. */
int rt_store_last_item(struct rt_store *store, int64_t *number, struct rt_err *err) RT_MUST_CHECK;

/* R7: which records wait because a delta's values were not taken.  Sets the delta that a record
   waits for on a side (0: none), and opens, keeps or closes the delta's `not-taken` item
   accordingly. */
int rt_store_set_waiting(struct rt_store *store, int64_t rid, enum rt_side side, int64_t delta,
                         int64_t now, struct rt_err *err) RT_MUST_CHECK;
typedef int rt_store_visit_waiting(void *context, int64_t rid, enum rt_side side,
                                   struct rt_err *err);
int rt_store_each_waiting(struct rt_store *store, int64_t delta, rt_store_visit_waiting *visit,
                          void *context, struct rt_err *err) RT_MUST_CHECK;

/* ---- IDs that a record had before ---- */

/* The state's ID of that side gives way to the record's; rt_store_save's own. */
int rt_store_note_former(struct rt_store *store, const struct rt_record *record, enum rt_side side,
                         struct rt_err *err) RT_MUST_CHECK;
/* 1, 0, -1 */
int rt_store_is_former(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t rid,
                       struct rt_err *err) RT_MUST_CHECK;
/* 1: exactly one record had it; 0, -1 */
int rt_store_find_former(struct rt_store *store, enum rt_side side, struct rt_slice id,
                         int64_t *rid, struct rt_err *err) RT_MUST_CHECK;
int rt_store_move_former(struct rt_store *store, int64_t from, int64_t into,
                         struct rt_err *err) RT_MUST_CHECK;

/* ---- R11: pending inserts, and suspects (suspect.h) ---- */

struct rt_rid_list { /* in the arena */
    int64_t *rids;
    size_t count;
};

int rt_store_add_pending(struct rt_store *store, int64_t rid, enum rt_side side,
                         struct rt_digest print, struct rt_err *err) RT_MUST_CHECK;
int rt_store_drop_pending(struct rt_store *store, int64_t rid, enum rt_side side, bool *any,
                          struct rt_err *err) RT_MUST_CHECK;
/* Is any insert to that side pending? 1, 0, -1 */
int rt_store_has_pending(struct rt_store *store, enum rt_side side,
                         struct rt_err *err) RT_MUST_CHECK;
/* Pending inserts to that side with one of the two digests; at most 20. */
int rt_store_find_pending(struct rt_store *store, enum rt_side side,
                          const struct rt_digest print[2], struct rt_arena *arena,
                          struct rt_rid_list *list, struct rt_err *err) RT_MUST_CHECK;
int rt_store_add_suspect(struct rt_store *store, int64_t rid, int64_t candidate,
                         struct rt_err *err) RT_MUST_CHECK;
int rt_store_candidates(struct rt_store *store, int64_t rid, struct rt_arena *arena,
                        struct rt_rid_list *list, struct rt_err *err) RT_MUST_CHECK;
int rt_store_suspects_of(struct rt_store *store, int64_t candidate, struct rt_arena *arena,
                         struct rt_rid_list *list, struct rt_err *err) RT_MUST_CHECK;
/* candidate 0: whatever it is. */
int rt_store_drop_suspect(struct rt_store *store, int64_t rid, int64_t candidate,
                          struct rt_err *err) RT_MUST_CHECK;

/* ---- what a fetch saw at the other end ---- */

/* Notes that `remote` (name, size and time) was seen now; *first: when it was seen first. */
int rt_store_sighting(struct rt_store *store, enum rt_side side, const char *remote, int64_t now,
                      int64_t *first, struct rt_err *err) RT_MUST_CHECK;

/* ---- moves of files that the last commit decided, and that may still have to be made ---- */

int rt_store_add_move(struct rt_store *store, const char *from, const char *to,
                      struct rt_err *err) RT_MUST_CHECK;
typedef int rt_store_visit_move(void *context, const char *from, const char *to,
                                struct rt_err *err);
int rt_store_each_move(struct rt_store *store, rt_store_visit_move *visit, void *context,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_store_drop_moves(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
bool rt_store_has_moves(struct rt_store *store);

/* ---- the journal: lines wait here until they are in archive/journal ---- */

int rt_store_add_journal(struct rt_store *store, const char *line,
                         struct rt_err *err) RT_MUST_CHECK;
/* What is to be appended at which offset of the file; *text empty: nothing. */
int rt_store_journal_tail(struct rt_store *store, uint64_t *offset, struct rt_buf *text,
                          struct rt_err *err) RT_MUST_CHECK;
int rt_store_journal_done(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
/* Rebuild: how many lines wait; they are in the file already, which is `length` bytes long. */
int rt_store_journal_waiting(struct rt_store *store, int64_t *lines,
                             struct rt_err *err) RT_MUST_CHECK;
int rt_store_journal_set(struct rt_store *store, uint64_t length, struct rt_err *err) RT_MUST_CHECK;
int rt_store_journal_length(struct rt_store *store, uint64_t *length,
                            struct rt_err *err) RT_MUST_CHECK;

#endif
