#include "lib/store_internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- packed columns ---- */

/* external_flags, native_flags: what is known of an end besides contents and looks. */
enum {
    END_SHOWS_OTHER_ID = 1,
    END_EXCLUDED = 2,
    END_CUT = 4,
    END_ACCEPTS_CUT = 8,
    END_READ_ONLY_EDIT = 16,
    END_EDIT_VS_DELETE = 32,
    END_ABSENCE_SHIFT = 8,  /* 4 bits */
    END_FLAW_SHIFT = 12,    /* 4 bits */
    END_RESENDS_SHIFT = 16, /* 4 bits */
    END_BITS = 15
};

enum {
    RECORD_HELD = 1,
    RECORD_SUSPECT = 2,
    RECORD_FLAPPING = 4,
    RECORD_FLAP_ALLOWED = 8,
    RECORD_NOT_DUE = 16,
    RECORD_ITEMS_SHIFT = 8 /* kinds of open review items */
};

static int64_t pack_end(const struct rt_end *end)
{
    return (end->shows_other_id ? END_SHOWS_OTHER_ID : 0) | (end->is_excluded ? END_EXCLUDED : 0) |
           (end->is_cut ? END_CUT : 0) | (end->accepts_cut ? END_ACCEPTS_CUT : 0) |
           (end->is_read_only_edit ? END_READ_ONLY_EDIT : 0) |
           (end->edit_vs_delete ? END_EDIT_VS_DELETE : 0) |
           (int64_t)end->absence << END_ABSENCE_SHIFT | (int64_t)end->flaw << END_FLAW_SHIFT |
           (int64_t)end->resends << END_RESENDS_SHIFT;
}

static void unpack_end(struct rt_end *end, int64_t flags)
{
    end->shows_other_id = flags & END_SHOWS_OTHER_ID;
    end->is_excluded = flags & END_EXCLUDED;
    end->is_cut = flags & END_CUT;
    end->accepts_cut = flags & END_ACCEPTS_CUT;
    end->is_read_only_edit = flags & END_READ_ONLY_EDIT;
    end->edit_vs_delete = flags & END_EDIT_VS_DELETE;
    end->absence = (enum rt_absence)(flags >> END_ABSENCE_SHIFT & END_BITS);
    end->flaw = (enum rt_flaw)(flags >> END_FLAW_SHIFT & END_BITS);
    end->resends = (int)(flags >> END_RESENDS_SHIFT & END_BITS);
}

static int64_t pack_record(const struct rt_record *record)
{
    return (record->is_held ? RECORD_HELD : 0) | (record->is_suspect ? RECORD_SUSPECT : 0) |
           (record->is_flapping ? RECORD_FLAPPING : 0) |
           (record->flap_allowed ? RECORD_FLAP_ALLOWED : 0) |
           (record->not_due_until_edited ? RECORD_NOT_DUE : 0) |
           (int64_t)record->items << RECORD_ITEMS_SHIFT;
}

static void unpack_record(struct rt_record *record, int64_t flags)
{
    record->is_held = flags & RECORD_HELD;
    record->is_suspect = flags & RECORD_SUSPECT;
    record->is_flapping = flags & RECORD_FLAPPING;
    record->flap_allowed = flags & RECORD_FLAP_ALLOWED;
    record->not_due_until_edited = flags & RECORD_NOT_DUE;
    record->items = (unsigned)(flags >> RECORD_ITEMS_SHIFT);
}

/* sent: "delta:position:cid:trusted:other_id:until" for each version, oldest first, blanks between.
 */
static const char *pack_sent(const struct rt_end *end, struct rt_buf *out)
{
    rt_buf_reset(out);
    for (size_t i = 0; i < end->sent_count; i++) {
        const struct rt_version *v = &end->sent[i];

        rt_buf_printf(out, "%s%" PRId64 ":%" PRId64 ":%" PRId64 ":%d:%d:%" PRId64, i ? " " : "",
                      v->delta, v->position, v->content->cid, v->is_trusted, v->has_other_id,
                      v->until);
    }
    return out->len ? rt_buf_str(out) : NULL;
}

static int unpack_version(struct rt_store *store, const char *text, struct rt_arena *arena,
                          struct rt_version *v, struct rt_err *err)
{
    int64_t cid = 0;
    int trusted = 0, other = 0;

    if (sscanf(text, "%" SCNd64 ":%" SCNd64 ":%" SCNd64 ":%d:%d:%" SCNd64, &v->delta, &v->position,
               &cid, &trusted, &other, &v->until) != 6)
        return rt_err_set(err, RT_STOPPED, "%s: a version cannot be read: the file is damaged",
                          store->path);
    v->is_trusted = trusted != 0;
    v->has_other_id = other != 0;
    if (v->delta == 0)
        v->handed = v->gone = 0; /* what was seen before a `confirm`: always old enough */
    else if (rt_store_delta_times(store, v->delta, &v->handed, &v->gone, err) < 0)
        return -1;
    return rt_store_content(store, cid, arena, &v->content, err);
}

static int unpack_sent(struct rt_store *store, const char *text, struct rt_arena *arena,
                       struct rt_end *end, struct rt_err *err)
{
    while (text != NULL && *text && end->sent_count < RT_SENT_MAX) {
        if (unpack_version(store, text, arena, &end->sent[end->sent_count], err) < 0)
            return -1;
        end->sent_count++;
        text = strchr(text, ' ');
        text = text ? text + 1 : NULL;
    }
    return 0;
}

static const char *pack_trail(const struct rt_record *record, char out[80])
{
    const uint64_t *t = record->trail;

    if (t[RT_TRAIL_MAX - 1] == 0)
        return NULL;
    snprintf(out, 80, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64, t[0], t[1], t[2], t[3]);
    return out;
}

/* ---- open questions: conflicts and values not taken, as JSON (few records have any) ---- */

static json_t *value_to_json(struct rt_value value)
{
    if (!rt_value_is_known(value))
        return json_null();
    return json_pack("{s:s, s:s%}", "of", value.from == RT_FROM_EXTERNAL ? "external" : "native",
                     "value", value.raw.ptr ? value.raw.ptr : "", value.raw.len);
}

static struct rt_value value_from_json(const json_t *json, struct rt_arena *arena)
{
    struct rt_value value = {{NULL, 0}, RT_FROM_UNKNOWN};
    const json_t *text = json_object_get(json, "value");
    const char *of = json_string_value(json_object_get(json, "of"));

    if (text == NULL || of == NULL)
        return value;
    value.raw =
        rt_arena_dup(arena, rt_slice_from(json_string_value(text), json_string_length(text)));
    value.from = strcmp(of, "external") == 0 ? RT_FROM_EXTERNAL : RT_FROM_NATIVE;
    return value;
}

static char *pack_open(const struct rt_schema *schema, const struct rt_record *record)
{
    json_t *root = json_object(), *list = json_array();
    char *text;

    for (size_t i = 0; i < record->conflict_count; i++) {
        const struct rt_conflict *c = &record->conflicts[i];

        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o, s:b}", "field", schema->content[c->field]->name,
                            "external", value_to_json(c->value[RT_EXTERNAL]), "native",
                            value_to_json(c->value[RT_NATIVE]), "first_seen", c->is_first_seen));
    }
    json_object_set_new(root, "conflicts", list);
    for (int s = 0; s < 2; s++) {
        const struct rt_end *end = &record->end[s];

        if (end->not_taken_count == 0)
            continue;
        list = json_array();
        for (size_t i = 0; i < end->not_taken_count; i++)
            json_array_append_new(list, json_pack("{s:s, s:o}", "field",
                                                  schema->content[end->not_taken[i].field]->name,
                                                  "sent", value_to_json(end->not_taken[i].value)));
        json_object_set_new(
            root, s == RT_EXTERNAL ? "not_taken_external" : "not_taken_native",
            json_pack("{s:I, s:o}", "delta", (json_int_t)end->not_taken_delta, "fields", list));
    }
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void unpack_conflicts(const struct rt_schema *schema, const json_t *list,
                             struct rt_arena *arena, struct rt_record *record)
{
    const json_t *entry;
    size_t i;

    record->conflicts =
        rt_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *record->conflicts);
    json_array_foreach(list, i, entry)
    {
        const struct rt_field *field =
            rt_schema_find(schema, json_string_value(json_object_get(entry, "field")));

        if (field == NULL || field->content_index == RT_NOT_CONTENT)
            continue; /* the field left the schema, and the conflict with it */
        record->conflicts[record->conflict_count++] = (struct rt_conflict){
            .field = field->content_index,
            .value = {value_from_json(json_object_get(entry, "external"), arena),
                      value_from_json(json_object_get(entry, "native"), arena)},
            .is_first_seen = json_is_true(json_object_get(entry, "first_seen"))};
    }
}

static void unpack_not_taken(const struct rt_schema *schema, const json_t *from,
                             struct rt_arena *arena, struct rt_end *end)
{
    const json_t *list = json_object_get(from, "fields"), *entry;
    size_t i;

    if (list == NULL)
        return;
    end->not_taken_delta = json_integer_value(json_object_get(from, "delta"));
    end->not_taken = rt_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *end->not_taken);
    json_array_foreach(list, i, entry)
    {
        const struct rt_field *field =
            rt_schema_find(schema, json_string_value(json_object_get(entry, "field")));

        if (field != NULL && field->content_index != RT_NOT_CONTENT)
            end->not_taken[end->not_taken_count++] = (struct rt_missing_value){
                field->content_index, value_from_json(json_object_get(entry, "sent"), arena)};
    }
}

static int unpack_open(struct rt_store *store, const char *text, struct rt_arena *arena,
                       struct rt_record *record, struct rt_err *err)
{
    json_t *root;

    if (text == NULL)
        return 0;
    root = json_loads(text, JSON_ALLOW_NUL, NULL);
    if (root == NULL)
        return rt_err_set(err, RT_STOPPED,
                          "%s: record %" PRId64 " cannot be read: the file is damaged", store->path,
                          record->rid);
    unpack_conflicts(store->schema, json_object_get(root, "conflicts"), arena, record);
    unpack_not_taken(store->schema, json_object_get(root, "not_taken_external"), arena,
                     &record->end[RT_EXTERNAL]);
    unpack_not_taken(store->schema, json_object_get(root, "not_taken_native"), arena,
                     &record->end[RT_NATIVE]);
    json_decref(root);
    return 0;
}

/* ---- scratch mode: a record is pulled into the temporary table when it is first asked for ---- */

static int pull(struct rt_store *store, int64_t rid, struct rt_err *err)
{
    sqlite3_stmt *mark =
        rt_store_prepare(store, "INSERT OR IGNORE INTO temp.pulled VALUES (?1)", err);
    sqlite3_stmt *copy;

    if (mark == NULL)
        return -1;
    rt_bind_int(mark, 1, rid);
    if (rt_store_run(store, mark, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) == 0)
        return 0; /* pulled before; it may be gone since */
    copy = rt_store_prepare(
        store, "INSERT INTO temp.record SELECT * FROM main.record WHERE rid = ?1", err);
    if (copy == NULL)
        return -1;
    rt_bind_int(copy, 1, rid);
    return rt_store_run(store, copy, err);
}

static int pull_by_id(struct rt_store *store, enum rt_side side, struct rt_slice id,
                      struct rt_err *err)
{
    sqlite3_stmt *stmt =
        side == RT_EXTERNAL
            ? rt_store_prepare(store, "SELECT rid FROM main.record WHERE external_id = ?1", err)
            : rt_store_prepare(store, "SELECT rid FROM main.record WHERE native_id = ?1", err);
    int64_t rid;
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_slice(stmt, 1, id);
    rc = rt_store_step(store, stmt, err);
    if (rc != 1)
        return rc;
    rid = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return pull(store, rid, err);
}

/* ---- find, load, save ---- */

int rt_store_find(struct rt_store *store, enum rt_side side, struct rt_slice id, int64_t *rid,
                  struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc;

    *rid = 0;
    if (id.len == 0)
        return 0;
    if (rt_store_is_scratch(store) && pull_by_id(store, side, id, err) < 0)
        return -1;
    stmt = side == RT_EXTERNAL
               ? rt_store_prepare(store, "SELECT rid FROM record WHERE external_id = ?1", err)
               : rt_store_prepare(store, "SELECT rid FROM record WHERE native_id = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_slice(stmt, 1, id);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        *rid = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    return rc;
}

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

static int load_content(struct rt_store *store, sqlite3_stmt *stmt, int column,
                        struct rt_arena *arena, const struct rt_content **content,
                        struct rt_err *err)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return 0;
    return rt_store_content(store, sqlite3_column_int64(stmt, column), arena, content, err);
}

static int load_end(struct rt_store *store, sqlite3_stmt *stmt, enum rt_side side,
                    struct rt_arena *arena, struct rt_record *record, struct rt_err *err)
{
    struct rt_end *end = &record->end[side];
    int at = first_column(side);
    int64_t gone;

    end->id =
        rt_arena_dup(arena, rt_column_slice(stmt, side == RT_EXTERNAL ? EXTERNAL_ID : NATIVE_ID));
    record->stored_id[side] = end->id.len != 0;
    unpack_end(end, sqlite3_column_int64(stmt, at + FLAGS));
    end->look.stamp = rt_column_time(stmt, at + STAMP);
    end->look.modified_at = rt_column_time(stmt, at + MODIFIED);
    end->look.file = sqlite3_column_int64(stmt, at + LOOK_FILE);
    end->look.line = sqlite3_column_int64(stmt, at + LOOK_LINE);
    end->given_delta = sqlite3_column_int64(stmt, at + DELTA);
    if (load_content(store, stmt, at + SEEN, arena, &end->seen, err) < 0 ||
        load_content(store, stmt, at + GIVEN, arena, &end->given, err) < 0 ||
        unpack_sent(store, rt_column_str(stmt, at + SENT, arena), arena, end, err) < 0)
        return -1;
    if (end->given_delta &&
        rt_store_delta_times(store, end->given_delta, &end->given_at, &gone, err) < 0)
        return -1;
    /* The newest snapshot showed every record that is not noted otherwise, without touching its
     * row. */
    if (end->look.stamp != RT_NEVER && end->look.stamp < store->snapshot_stamp[side] &&
        end->absence == RT_PRESENT && end->flaw == RT_FLAW_NONE && !end->is_excluded)
        end->look.stamp = store->snapshot_stamp[side];
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
    unpack_record(record, sqlite3_column_int64(stmt, RECORD_FLAGS));
    if (trail != NULL)
        sscanf(trail, "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &record->trail[0],
               &record->trail[1], &record->trail[2], &record->trail[3]);
    if (load_content(store, stmt, WANT, arena, &record->want, err) < 0 ||
        unpack_open(store, rt_column_str(stmt, OPEN, arena), arena, record, err) < 0 ||
        load_end(store, stmt, RT_EXTERNAL, arena, record, err) < 0 ||
        load_end(store, stmt, RT_NATIVE, arena, record, err) < 0)
        return -1;
    return 0;
}

int rt_store_load(struct rt_store *store, int64_t rid, struct rt_arena *arena,
                  struct rt_record *record, struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int rc;

    rt_record_init(record);
    if (rt_store_is_scratch(store) && pull(store, rid, err) < 0)
        return -1;
    stmt = rt_store_prepare(store, "SELECT * FROM record WHERE rid = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rc = rt_store_step(store, stmt, err);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return rt_err_set(err, RT_STOPPED,
                          "%s: record %" PRId64 " is not there: the file is damaged", store->path,
                          rid);
    rc = load_row(store, stmt, arena, record, err);
    sqlite3_reset(stmt);
    return rc;
}

/* Contents are shared: each is stored once, however many places of the record point to it. */
static int store_content(struct rt_store *store, const struct rt_content *content,
                         struct rt_err *err)
{
    if (content == NULL || content->cid != 0)
        return 0;
    return rt_store_put_content(store, (struct rt_content *)(uintptr_t)content, err);
}

static int store_contents(struct rt_store *store, const struct rt_record *record,
                          struct rt_err *err)
{
    if (store_content(store, record->want, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++) {
        const struct rt_end *end = &record->end[s];

        if (store_content(store, end->seen, err) < 0 || store_content(store, end->given, err) < 0)
            return -1;
        for (size_t i = 0; i < end->sent_count; i++)
            if (store_content(store, end->sent[i].content, err) < 0)
                return -1;
    }
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
    rt_bind_text(stmt, at + SENT, pack_sent(end, sent));
    rt_bind_int(stmt, at + FLAGS, pack_end(end));
}

/* A row is recognised by its digest alone only while seeing it again would change nothing. */
static void bind_print(sqlite3_stmt *stmt, int index, const struct rt_end *end,
                       const struct rt_digest *print)
{
    if (print != NULL && rt_end_is_quiet(end))
        rt_bind_digest(stmt, index, *print);
    else
        sqlite3_bind_null(stmt, index);
}

#define SAVE_VALUES                                                                                \
    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"   \
    " ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30"

static sqlite3_stmt *save_statement(struct rt_store *store, const struct rt_record *record,
                                    struct rt_err *err)
{
    if (record->rid == 0)
        return rt_store_prepare(store, "INSERT INTO record VALUES (" SAVE_VALUES ")", err);
    return rt_store_prepare(
        store,
        "UPDATE record SET external_id = ?2, native_id = ?3, born = ?4, born_file = ?5, born_line "
        "= ?6, want = ?7,"
        " flags = ?8, open = ?9, trail = ?10,"
        " external_seen = ?11, external_stamp = ?12, external_modified = ?13, external_file = ?14,"
        " external_line = ?15, external_print = CASE ?31 WHEN 1 THEN external_print ELSE ?16 END,"
        " external_given = ?17, external_delta = ?18, external_sent = ?19, external_flags = ?20,"
        " native_seen = ?21, native_stamp = ?22, native_modified = ?23, native_file = ?24,"
        " native_line = ?25, native_print = CASE ?32 WHEN 1 THEN native_print ELSE ?26 END,"
        " native_given = ?27, native_delta = ?28, native_sent = ?29, native_flags = ?30 WHERE rid "
        "= ?1",
        err);
}

/* 1: leave the digest in the row as it is: nobody has a newer one, and it is still good. */
static int keeps_print(const struct rt_end *end, const struct rt_digest *print)
{
    return print == NULL && rt_end_is_quiet(end);
}

int rt_store_save(struct rt_store *store, struct rt_record *record,
                  const struct rt_digest *const print[2], struct rt_err *err)
{
    struct rt_buf sent[2] = {{0}, {0}};
    char trail[80], *open = NULL;
    sqlite3_stmt *stmt;
    bool is_new = record->rid == 0;
    int rc = -1;

    if (store_contents(store, record, err) < 0)
        return -1;
    stmt = save_statement(store, record, err);
    if (stmt == NULL)
        return -1;
    if (record->conflict_count || record->end[0].not_taken_count || record->end[1].not_taken_count)
        open = pack_open(store->schema, record);
    if (is_new)
        record->rid = store->next_rid++;
    rt_bind_int(stmt, 1 + RID, record->rid);
    rt_bind_slice(stmt, 1 + EXTERNAL_ID, record->end[RT_EXTERNAL].id);
    rt_bind_slice(stmt, 1 + NATIVE_ID, record->end[RT_NATIVE].id);
    rt_bind_int(stmt, 1 + BORN, record->born);
    bind_number(stmt, 1 + BORN_FILE, record->born_file);
    bind_number(stmt, 1 + BORN_LINE, record->born_line);
    bind_content(stmt, 1 + WANT, record->want);
    rt_bind_int(stmt, 1 + RECORD_FLAGS, pack_record(record));
    rt_bind_text(stmt, 1 + OPEN, open);
    rt_bind_text(stmt, 1 + TRAIL, pack_trail(record, trail));
    for (int s = 0; s < 2; s++) {
        bind_end(stmt, 1 + first_column((enum rt_side)s), &record->end[s], &sent[s]);
        bind_print(stmt, 1 + first_column((enum rt_side)s) + PRINT, &record->end[s],
                   print ? print[s] : NULL);
        if (!is_new)
            rt_bind_int(stmt, 31 + s, keeps_print(&record->end[s], print ? print[s] : NULL));
        store->held[s] += (record->end[s].id.len != 0) - record->stored_id[s];
        record->stored_id[s] = record->end[s].id.len != 0;
    }
    rc = rt_store_run(store, stmt, err);
    free(open);
    rt_buf_clear(&sent[0]);
    rt_buf_clear(&sent[1]);
    return rc;
}

int rt_store_remove(struct rt_store *store, int64_t rid, struct rt_err *err)
{
    sqlite3_stmt *count = rt_store_prepare(
        store, "SELECT external_id IS NOT NULL, native_id IS NOT NULL FROM record WHERE rid = ?1",
        err);
    sqlite3_stmt *stmt;

    if (count == NULL)
        return -1;
    rt_bind_int(count, 1, rid);
    if (rt_store_step(store, count, err) == 1) {
        store->held[RT_EXTERNAL] -= sqlite3_column_int64(count, 0);
        store->held[RT_NATIVE] -= sqlite3_column_int64(count, 1);
        sqlite3_reset(count);
    }
    stmt = rt_store_prepare(store, "DELETE FROM record WHERE rid = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    if (rt_store_run(store, stmt, err) < 0)
        return -1;
    stmt = rt_store_prepare(store, "DELETE FROM due WHERE rid = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    return rt_store_run(store, stmt, err);
}

/* ---- passes and glances ---- */

static int note_look(struct rt_store *store, const struct rt_glance *glance, int64_t rid,
                     struct rt_err *err)
{
    sqlite3_stmt *stmt =
        glance->side == RT_EXTERNAL
            ? rt_store_prepare(
                  store,
                  "UPDATE record SET external_stamp = ?2, external_file = ?3, external_line = ?4"
                  " WHERE rid = ?1",
                  err)
            : rt_store_prepare(
                  store,
                  "UPDATE record SET native_stamp = ?2, native_file = ?3, native_line = ?4"
                  " WHERE rid = ?1",
                  err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, glance->stamp);
    rt_bind_int(stmt, 3, glance->file);
    rt_bind_int(stmt, 4, glance->line);
    return rt_store_run(store, stmt, err);
}

int rt_store_is_unchanged(struct rt_store *store, const struct rt_glance *glance, int64_t *rid,
                          struct rt_err *err)
{
    sqlite3_stmt *stmt;
    int64_t stamp;
    bool same;
    int rc = rt_store_find(store, glance->side, glance->id[glance->side], rid, err);

    if (rc != 1)
        return rc;
    stmt = glance->side == RT_EXTERNAL
               ? rt_store_prepare(
                     store, "SELECT external_print, external_stamp FROM record WHERE rid = ?1", err)
               : rt_store_prepare(
                     store, "SELECT native_print, native_stamp FROM record WHERE rid = ?1", err);
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, *rid);
    rc = rt_store_step(store, stmt, err);
    if (rc != 1)
        return rc;
    same = sqlite3_column_type(stmt, 0) != SQLITE_NULL &&
           rt_digest_is_equal(rt_column_digest(stmt, 0), glance->print);
    stamp = rt_column_time(stmt, 1);
    sqlite3_reset(stmt);
    if (stamp < store->snapshot_stamp[glance->side])
        stamp = store->snapshot_stamp[glance->side];
    if (!same || stamp > glance->stamp)
        return 0;
    if (!glance->is_snapshot && note_look(store, glance, *rid, err) < 0)
        return -1;
    return 1;
}

int rt_store_each_print(struct rt_store *store, enum rt_side side, rt_store_take_print *take,
                        void *context, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        side == RT_EXTERNAL
            ? rt_store_prepare(store,
                               "SELECT rid, external_id, native_id, external_print, external_stamp "
                               "FROM all_record"
                               " WHERE external_seen IS NOT NULL",
                               err)
            : rt_store_prepare(
                  store,
                  "SELECT rid, external_id, native_id, native_print, native_stamp FROM all_record"
                  " WHERE native_seen IS NOT NULL",
                  err);
    int rc;

    if (stmt == NULL)
        return -1;
    while ((rc = rt_store_step(store, stmt, err)) == 1) {
        struct rt_print_entry entry = {.rid = sqlite3_column_int64(stmt, 0),
                                       .id = {rt_column_slice(stmt, 1), rt_column_slice(stmt, 2)},
                                       .has_print = sqlite3_column_type(stmt, 3) != SQLITE_NULL,
                                       .print = rt_column_digest(stmt, 3),
                                       .stamp = rt_column_time(stmt, 4)};

        if (take(context, &entry, err) < 0) {
            sqlite3_reset(stmt);
            return -1;
        }
    }
    return rc;
}

int rt_store_each_record(struct rt_store *store, rt_store_visit *visit, void *context,
                         struct rt_err *err)
{
    int64_t rid = 0;

    /* One look-up a step, so that the visitor may change what it likes. */
    for (;;) {
        sqlite3_stmt *stmt = rt_store_prepare(
            store, "SELECT rid FROM all_record WHERE rid > ?1 ORDER BY rid LIMIT 1", err);
        int rc;

        if (stmt == NULL)
            return -1;
        rt_bind_int(stmt, 1, rid);
        rc = rt_store_step(store, stmt, err);
        if (rc != 1)
            return rc;
        rid = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
        if (visit(context, rid, err) < 0)
            return -1;
    }
}

int rt_store_count_held(struct rt_store *store, enum rt_side side, int64_t *count,
                        struct rt_err *err)
{
    (void)err;
    *count = store->held[side];
    return 0;
}

int rt_store_count_records(struct rt_store *store, int64_t *count, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT count(*) FROM all_record", err);

    if (stmt == NULL || rt_store_step(store, stmt, err) != 1)
        return -1;
    *count = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

/* ---- due ---- */

int rt_store_put_due(struct rt_store *store, const struct rt_due_entry *entry, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "INSERT INTO due (rid, side, since, action, reason) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (rid, side) DO UPDATE SET action = excluded.action, reason = excluded.reason"
        " WHERE action <> excluded.action OR reason <> excluded.reason",
        err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, entry->rid);
    rt_bind_int(stmt, 2, entry->side);
    rt_bind_int(stmt, 3, entry->since);
    rt_bind_text(stmt, 4, entry->action);
    rt_bind_text(stmt, 5, entry->reason);
    return rt_store_run(store, stmt, err);
}

int rt_store_drop_due(struct rt_store *store, int64_t rid, enum rt_side side, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "DELETE FROM due WHERE rid = ?1 AND side = ?2", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rt_bind_int(stmt, 2, side);
    return rt_store_run(store, stmt, err);
}

int rt_store_next_due(struct rt_store *store, enum rt_side side, struct rt_arena *arena,
                      struct rt_due_entry *entry, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store,
                                          "SELECT seq, rid, since, action, reason FROM due WHERE "
                                          "side = ?1 AND seq > ?2 ORDER BY seq LIMIT 1",
                                          err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    rt_bind_int(stmt, 2, entry->seq);
    rc = rt_store_step(store, stmt, err);
    if (rc == 1) {
        *entry = (struct rt_due_entry){.seq = sqlite3_column_int64(stmt, 0),
                                       .rid = sqlite3_column_int64(stmt, 1),
                                       .side = side,
                                       .since = sqlite3_column_int64(stmt, 2),
                                       .action = rt_column_str(stmt, 3, arena),
                                       .reason = rt_column_str(stmt, 4, arena)};
        sqlite3_reset(stmt);
    }
    return rc;
}

int rt_store_count_due(struct rt_store *store, enum rt_side side, int64_t *count,
                       struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT count(*) FROM due WHERE side = ?1", err);

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, side);
    if (rt_store_step(store, stmt, err) != 1)
        return -1;
    *count = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int rt_store_has_record(struct rt_store *store, int64_t rid, bool *there, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(store, "SELECT 1 FROM all_record WHERE rid = ?1", err);
    int rc;

    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, rid);
    rc = rt_store_step(store, stmt, err);
    *there = rc == 1;
    if (rc == 1)
        sqlite3_reset(stmt);
    return rc < 0 ? -1 : 0;
}
