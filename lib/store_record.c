#include "lib/store_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- load, save ---- */

/* Column numbers of one end, from its first. */
enum { SEEN, STAMP, MODIFIED, LOOK_FILE, LOOK_LINE, PRINT, GIVEN, DELTA, SENT, FLAGS, END_COLUMNS };
enum {
    RID,
    EXTERNAL_ID,
    NATIVE_ID,
    BORN,
    BORN_FILE,
    BORN_LINE,
    WANT,
    RECORD_FLAGS,
    OPEN,
    TRAIL,
    FIRST_END
};

static int first_column(enum rt_side side)
{
    return FIRST_END + (side == RT_NATIVE ? END_COLUMNS : 0);
}

/* A record often holds one content in several places: it is read once. */
int rt_store_share_content(struct rt_store *store, int64_t cid, struct rt_arena *arena,
                           const struct rt_content **content, struct rt_err *err)
{
    for (size_t i = 0; i < store->shared_count; i++)
        if (store->shared[i]->cid == cid) {
            *content = store->shared[i];
            return 0;
        }
    if (rt_store_content(store, cid, arena, content, err) < 0)
        return -1;
    if (store->shared_count < RT_SHARED_MAX)
        store->shared[store->shared_count++] = *content;
    return 0;
}

static int load_content(struct rt_store *store, sqlite3_stmt *stmt, int column,
                        struct rt_arena *arena, const struct rt_content **content,
                        struct rt_err *err)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return 0;
    return rt_store_share_content(store, sqlite3_column_int64(stmt, column), arena, content, err);
}

/* Nothing says why the newest snapshot should not have shown it. */
static bool is_before_snapshot(const struct rt_store *store, const struct rt_end *end,
                               enum rt_side side)
{
    return end->look.stamp != RT_NEVER && end->look.stamp < store->snapshot_stamp[side] &&
           end->absence == RT_PRESENT && end->flaw == RT_FLAW_NONE && !end->is_excluded;
}

/* What is not in a record's own row: the times of deltas, and of the newest snapshot, which showed
   every record that is not noted otherwise. */
static int renew_end(struct rt_store *store, struct rt_record *record, enum rt_side side,
                     struct rt_err *err)
{
    struct rt_end *end = &record->end[side];
    int64_t handed, gone, last = end->given_delta;
    struct rt_delta_row row;

    for (size_t i = 0; i < end->sent_count; i++) {
        struct rt_version *v = &end->sent[i];

        v->handed = v->gone = 0; /* what was seen before a `confirm`: always old enough */
        if (v->delta && rt_store_delta_times(store, v->delta, &v->handed, &v->gone, err) < 0)
            return -1;
    }
    end->given_at = RT_NEVER;
    if (last && rt_store_delta_times(store, last, &end->given_at, &gone, err) < 0)
        return -1;
    /* What waits in the outbox does not hide what went before it. */
    if (last && end->given_at == RT_NEVER &&
        (rt_store_last_row(store, record->rid, side, RT_DELTA_HANDED, &row, err) < 0 ||
         rt_store_delta_times(store, row.delta, &end->given_at, &gone, err) < 0))
        return -1;
    end->told_at = RT_NEVER;
    if (end->absence == RT_ABSENCE_TOLD &&
        (rt_store_last_row(store, record->rid, side, RT_DELTA_COMMITTED, &row, err) < 0 ||
         rt_store_delta_times(store, row.delta, &handed, &end->told_at, err) < 0))
        return -1;
    if (is_before_snapshot(store, end, side) && !end->is_passed_over)
        end->look.stamp = store->snapshot_stamp[side];
    return 0;
}

static int load_end(struct rt_store *store, sqlite3_stmt *stmt, enum rt_side side,
                    struct rt_arena *arena, struct rt_record *record, struct rt_err *err)
{
    struct rt_end *end = &record->end[side];
    int at = first_column(side);

    end->id =
        rt_arena_dup(arena, rt_column_slice(stmt, side == RT_EXTERNAL ? EXTERNAL_ID : NATIVE_ID));
    record->stored_id[side] = end->id;
    rt_store_unpack_end(end, sqlite3_column_int64(stmt, at + FLAGS));
    end->look.stamp = rt_column_time(stmt, at + STAMP);
    end->look.modified_at = rt_column_time(stmt, at + MODIFIED);
    end->look.file = sqlite3_column_int64(stmt, at + LOOK_FILE);
    end->look.line = sqlite3_column_int64(stmt, at + LOOK_LINE);
    end->given_delta = sqlite3_column_int64(stmt, at + DELTA);
    record->print[side] = rt_column_digest(stmt, at + PRINT);
    if (load_content(store, stmt, at + SEEN, arena, &end->seen, err) < 0 ||
        load_content(store, stmt, at + GIVEN, arena, &end->given, err) < 0 ||
        rt_store_unpack_sent(store, rt_column_str(stmt, at + SENT, arena), arena, end, err) < 0)
        return -1;
    rt_store_unpack_old_cuts(store, sqlite3_column_int64(stmt, at + FLAGS), side, arena, record);
    return renew_end(store, record, side, err);
}

static int renew(struct rt_store *store, struct rt_record *record, struct rt_err *err)
{
    for (int s = 0; s < 2; s++)
        if (renew_end(store, record, (enum rt_side)s, err) < 0)
            return -1;
    return 0;
}

static int load_row(struct rt_store *store, sqlite3_stmt *stmt, struct rt_arena *arena,
                    struct rt_record *record, struct rt_err *err)
{
    const char *trail = rt_column_str(stmt, TRAIL, arena);

    record->rid = sqlite3_column_int64(stmt, RID);
    record->born = sqlite3_column_int64(stmt, BORN) == RT_NATIVE ? RT_NATIVE : RT_EXTERNAL;
    record->born_file = sqlite3_column_int64(stmt, BORN_FILE);
    record->born_line = sqlite3_column_int64(stmt, BORN_LINE);
    rt_store_unpack_record(record, sqlite3_column_int64(stmt, RECORD_FLAGS));
    if (trail != NULL)
        sscanf(trail, "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &record->trail[0],
               &record->trail[1], &record->trail[2], &record->trail[3]);
    if (load_content(store, stmt, WANT, arena, &record->want, err) < 0 ||
        rt_store_unpack_open(store, rt_column_str(stmt, OPEN, arena), arena, record, err) < 0 ||
        load_end(store, stmt, RT_EXTERNAL, arena, record, err) < 0 ||
        load_end(store, stmt, RT_NATIVE, arena, record, err) < 0)
        return -1;
    return 0;
}

/* 1: its row, to be read from *stmt; 0: there is no such record. */
static int select_row(struct rt_store *store, int64_t rid, struct rt_record *record,
                      sqlite3_stmt **stmt, struct rt_err *err)
{
    int rc = 0;

    for (int i = store->recent == 0; i < 2 && rc == 0; i++) {
        *stmt =
            i == 0
                ? rt_store_prepare_beside(store, "SELECT * FROM record_recent WHERE rid = ?1", err)
                : rt_store_prepare_beside(store, "SELECT * FROM record_base WHERE rid = ?1", err);
        if (*stmt == NULL)
            return -1;
        rt_bind_int(*stmt, 1, rid);
        rc = rt_store_step(store, *stmt, err);
        record->is_recent = i == 0;
    }
    return rc;
}

int rt_store_load(struct rt_store *store, int64_t rid, struct rt_arena *arena,
                  struct rt_record *record, struct rt_err *err)
{
    const struct rt_record *kept = rt_store_kept(store, rid);
    sqlite3_stmt *stmt;
    int rc;

    if (kept != NULL) {
        *record = *kept;
        return renew(store, record, err);
    }
    rt_record_init(record);
    if (rt_store_is_scratch(store) && rt_store_pull(store, rid, err) < 0)
        return -1;
    rc = select_row(store, rid, record, &stmt, err);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return rt_err_set(err, RT_STOPPED, "%s: record %" PRId64 " is not there: " RT_STORE_DAMAGED,
                          store->path, rid);
    store->shared_count = 0;
    rc = load_row(store, stmt, arena, record, err);
    sqlite3_reset(stmt);
    return rc;
}

int rt_store_borrow(struct rt_store *store, int64_t rid, struct rt_arena *arena,
                    struct rt_record **record, struct rt_err *err)
{
    *record = rt_store_kept(store, rid);
    if (*record != NULL)
        return renew(store, *record, err);
    *record = rt_arena_alloc(arena, sizeof **record);
    if (rt_store_load(store, rid, arena, *record, err) < 0)
        return -1;
    rt_store_keep(store, *record);
    if (rt_store_kept(store, rid) != NULL)
        *record = rt_store_kept(store, rid);
    return 0;
}

/* Contents are shared: each is stored once, however many places of the record point to it. */
static int store_contents(struct rt_store *store, struct rt_record *record, struct rt_err *err)
{
    const struct rt_content **places[RT_RECORD_CONTENTS];
    size_t count = rt_record_contents(record, places);

    for (size_t i = 0; i < count; i++)
        if ((*places[i])->cid == 0 &&
            rt_store_put_content(store, (struct rt_content *)(uintptr_t)*places[i], err) < 0)
            return -1;
    return 0;
}

static void bind_content(sqlite3_stmt *stmt, int index, const struct rt_content *content)
{
    if (content == NULL)
        sqlite3_bind_null(stmt, index);
    else
        rt_bind_int(stmt, index, content->cid);
}

static void bind_number(sqlite3_stmt *stmt, int index, int64_t number) /* 0: NULL */
{
    if (number == 0)
        sqlite3_bind_null(stmt, index);
    else
        rt_bind_int(stmt, index, number);
}

static void bind_end(sqlite3_stmt *stmt, int at, const struct rt_end *end, struct rt_buf *sent)
{
    bind_content(stmt, at + SEEN, end->seen);
    rt_bind_time(stmt, at + STAMP, end->look.stamp);
    rt_bind_time(stmt, at + MODIFIED, end->look.modified_at);
    bind_number(stmt, at + LOOK_FILE, end->look.file);
    bind_number(stmt, at + LOOK_LINE, end->look.line);
    bind_content(stmt, at + GIVEN, end->given);
    bind_number(stmt, at + DELTA, end->given_delta);
    rt_bind_text(stmt, at + SENT, rt_store_pack_sent(end, sent));
    rt_bind_int(stmt, at + FLAGS, rt_store_pack_end(end));
}

static void bind_print(sqlite3_stmt *stmt, int index, struct rt_digest print)
{
    if (rt_digest_is_equal(print, (struct rt_digest){0, 0}))
        sqlite3_bind_null(stmt, index);
    else
        rt_bind_digest(stmt, index, print);
}

#define SAVE_VALUES                                                                                \
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"    \
    " ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)"

#define SAVE_IDS " external_id = ?2, native_id = ?3,"

#define SAVE_CHANGES                                                                               \
    " born = ?4, born_file = ?5, born_line = ?6, want = ?7, flags = ?8, open = ?9, trail = ?10,"   \
    " external_seen = ?11, external_stamp = ?12, external_modified = ?13, external_file = ?14,"    \
    " external_line = ?15, external_print = ?16, external_given = ?17, external_delta = ?18,"      \
    " external_sent = ?19, external_flags = ?20, native_seen = ?21, native_stamp = ?22,"           \
    " native_modified = ?23, native_file = ?24, native_line = ?25, native_print = ?26,"            \
    " native_given = ?27, native_delta = ?28, native_sent = ?29, native_flags = ?30"               \
    " WHERE rid = ?1"

#define STILL_IN_BASE " AND rid NOT IN (SELECT rid FROM record_recent)"

static bool has_new_id(const struct rt_record *record)
{
    return !rt_slice_is_equal(record->end[0].id, record->stored_id[0]) ||
           !rt_slice_is_equal(record->end[1].id, record->stored_id[1]);
}

/* In its place.  The IDs are left out where they stay: their indexes would be written all the same.
 */
static sqlite3_stmt *update_statement(struct rt_store *store, const struct rt_record *record,
                                      struct rt_err *err)
{
    if (record->is_recent)
        return has_new_id(record)
                   ? rt_store_prepare_beside(store,
                                             "UPDATE record_recent SET" SAVE_IDS SAVE_CHANGES, err)
                   : rt_store_prepare_beside(store, "UPDATE record_recent SET" SAVE_CHANGES, err);
    return has_new_id(record)
               ? rt_store_prepare_beside(
                     store, "UPDATE record_base SET" SAVE_IDS SAVE_CHANGES STILL_IN_BASE, err)
               : rt_store_prepare_beside(store, "UPDATE record_base SET" SAVE_CHANGES STILL_IN_BASE,
                                         err);
}

static sqlite3_stmt *write_statement(struct rt_store *store, const struct rt_record *record,
                                     bool is_insert, struct rt_err *err)
{
    if (!is_insert)
        return update_statement(store, record, err);
    return record->is_recent
               ? rt_store_prepare_beside(store, "INSERT INTO record_recent" SAVE_VALUES, err)
               : rt_store_prepare_beside(store, "INSERT INTO record_base" SAVE_VALUES, err);
}

int rt_store_write_row(struct rt_store *store, const struct rt_record *record, bool is_insert,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt = write_statement(store, record, is_insert, err);
    struct rt_buf sent[2] = {{0}, {0}};
    char trail[80], *open = NULL;
    int rc;

    if (stmt == NULL)
        return -1;
    if (rt_store_has_open(record))
        open = rt_store_pack_open(store, record);
    rt_bind_int(stmt, 1 + RID, record->rid);
    rt_bind_slice(stmt, 1 + EXTERNAL_ID, record->end[RT_EXTERNAL].id);
    rt_bind_slice(stmt, 1 + NATIVE_ID, record->end[RT_NATIVE].id);
    rt_bind_int(stmt, 1 + BORN, record->born);
    bind_number(stmt, 1 + BORN_FILE, record->born_file);
    bind_number(stmt, 1 + BORN_LINE, record->born_line);
    bind_content(stmt, 1 + WANT, record->want);
    rt_bind_int(stmt, 1 + RECORD_FLAGS, rt_store_pack_record(record));
    rt_bind_text(stmt, 1 + OPEN, open);
    rt_bind_text(stmt, 1 + TRAIL, rt_store_pack_trail(record, trail));
    for (int s = 0; s < 2; s++) {
        bind_end(stmt, 1 + first_column((enum rt_side)s), &record->end[s], &sent[s]);
        bind_print(stmt, 1 + first_column((enum rt_side)s) + PRINT, record->print[s]);
    }
    rc = rt_store_run(store, stmt, err);
    if (rc == 0 && sqlite3_changes(store->db) != 1)
        rc = rt_err_set(err, RT_INTERNAL, "%s: record %" PRId64 " is not where it was", store->path,
                        record->rid);
    free(open);
    rt_buf_clear(&sent[0]);
    rt_buf_clear(&sent[1]);
    return rc;
}

/* An ID belongs to one record.  The indexes tell for each table alone. */
static int check_new_ids(struct rt_store *store, const struct rt_record *record, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        struct rt_slice id = record->end[s].id;
        int64_t rid;
        int rc;

        if (rt_slice_is_equal(id, record->stored_id[s]))
            continue;
        rc = rt_store_find(store, (enum rt_side)s, id, &rid, err);
        if (rc < 0)
            return -1;
        if (rc == 1 && rid != record->rid)
            return rt_err_set(err, RT_INTERNAL, "%s: two records would have the %s ID %.*s",
                              store->path, rt_side_name((enum rt_side)s), (int)id.len, id.ptr);
    }
    return 0;
}

/* The digest in the row stays as it is: nobody has a newer one, and it is still good. */
static bool keeps_print(const struct rt_record *record, enum rt_side side,
                        const struct rt_digest *print)
{
    return print == NULL && rt_record_is_quiet(record, side);
}

/* Does a row that says the same as before still mean that nothing changed?  Whatever else it would
   do now, it must be looked at again. */
static void touch(struct rt_store *store, const struct rt_record *record,
                  const struct rt_digest *const print[2])
{
    bool is_touched[2];

    for (int s = 0; s < 2; s++) {
        const struct rt_end *end = &record->end[s];

        is_touched[s] = has_new_id(record) ||
                        !keeps_print(record, (enum rt_side)s, print ? print[s] : NULL) ||
                        (end->seen != NULL && end->look.stamp == RT_NEVER);
    }
    rt_store_touch(store, record->rid, is_touched);
}

/* A row is recognised by its digest alone only while seeing it again would change nothing.  No new
   digest: the one that the record has is still good, if there is one. */
static void set_prints(struct rt_record *record, const struct rt_digest *const print[2])
{
    for (int s = 0; s < 2; s++)
        if (!rt_record_is_quiet(record, (enum rt_side)s))
            record->print[s] = (struct rt_digest){0, 0};
        else if (print != NULL && print[s] != NULL)
            record->print[s] = *print[s];
}

/* Does the record's row go into a table that does not have it yet?  What changes moves to
   record_recent. */
static bool choose_table(struct rt_store *store, struct rt_record *record)
{
    if (record->is_recent || !rt_store_appends(store))
        return record->rid == 0;
    record->is_recent = true;
    store->recent++;
    return true;
}

/* Its IDs are what others look for. */
static int write_with_ids(struct rt_store *store, struct rt_record *record, bool is_new,
                          bool is_insert, struct rt_err *err)
{
    int rc = rt_store_write_row(store, record, is_insert, err);

    for (int s = 0; rc == 0 && s < 2; s++) {
        store->held[s] += (record->end[s].id.len != 0) - (record->stored_id[s].len != 0);
        if (store->bulk != NULL && record->end[s].id.len &&
            !rt_slice_is_equal(record->end[s].id, record->stored_id[s]))
            rt_store_bulk_add(store, (enum rt_side)s, record->end[s].id, record->rid);
        if (!is_new)
            rc = rt_store_note_former(store, record, (enum rt_side)s, err);
        record->stored_id[s] = record->end[s].id;
    }
    if (rc == 0)
        rt_store_keep(store, record);
    return rc;
}

int rt_store_save(struct rt_store *store, struct rt_record *record,
                  const struct rt_digest *const print[2], struct rt_err *err)
{
    bool is_new = record->rid == 0, is_renamed = has_new_id(record), is_insert;

    if (store_contents(store, record, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++) /* last shown by an older file: the snapshot passed over it */
        record->end[s].is_passed_over = record->end[s].is_passed_over ||
                                        is_before_snapshot(store, &record->end[s], (enum rt_side)s);
    if (is_renamed) {
        if (check_new_ids(store, record, err) < 0)
            return -1;
        rt_store_forget_found(store);
    }
    is_insert = choose_table(store, record);
    if (is_new)
        record->rid = store->next_rid++;
    else
        touch(store, record, print);
    set_prints(record, print);
    if (!is_new && !is_renamed && rt_store_put_off(store, record, is_insert))
        return 0;
    if (!is_new && rt_store_unkeep(store, record->rid, err) < 0)
        return -1;
    return write_with_ids(store, record, is_new, is_insert, err);
}

static int delete_from(struct rt_store *store, const char *sql, int64_t rid, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, sql, err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    return rt_store_run(store, stmt, err);
}

int rt_store_remove(struct rt_store *store, int64_t rid, struct rt_err *err)
{
    sqlite3_stmt *count = rt_store_prepare(
        store, "SELECT external_id IS NOT NULL, native_id IS NOT NULL FROM record WHERE rid = ?1",
        err);
    const bool is_touched[2] = {true, true};

    if (count == NULL || (rt_store_is_scratch(store) && rt_store_pull(store, rid, err) < 0))
        return -1;
    if (rt_store_unkeep(store, rid, err) < 0)
        return -1;
    rt_store_touch(store, rid, is_touched);
    rt_store_forget_found(store);
    rt_bind_int(count, 1, rid);
    if (rt_store_step(store, count, err) == 1) {
        store->held[RT_EXTERNAL] -= sqlite3_column_int64(count, 0);
        store->held[RT_NATIVE] -= sqlite3_column_int64(count, 1);
        sqlite3_reset(count);
    }
    if (delete_from(store, "DELETE FROM record_recent WHERE rid = ?1", rid, err) < 0)
        return -1;
    store->recent -= sqlite3_changes(store->db);
    if (delete_from(store, "DELETE FROM record_base WHERE rid = ?1", rid, err) < 0)
        return -1;
    return delete_from(store, "DELETE FROM due WHERE rid = ?1", rid, err);
}

int rt_store_has_record(struct rt_store *store, int64_t rid, bool *there, struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc;

    *there = rt_store_kept(store, rid) != NULL;
    if (*there)
        return 0;
    stmt = rt_store_prepare_beside(store, "SELECT 1 FROM all_record WHERE rid = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rc = rt_store_step(store, stmt, err);
    *there = rc == 1;
    if (rc == 1)
        sqlite3_reset(stmt);
    return rc < 0 ? -1 : 0;
}
