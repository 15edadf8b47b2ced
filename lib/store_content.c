#include "lib/json_text.h"
#include "lib/store_internal.h"
#include "lib/store_schema.h"

#include <stdlib.h>

/*
 * Contents: the values of one version of a record, appended once and never changed.  A row holds
 * the layout (which fields, in which order and way of writing), one letter a field that tells whose
 * way of writing the value is in (e, n, or - for unknown; one letter in all where they agree), and
 * the values as a JSON array of strings.
 */

struct rt_layout {
    int64_t number;
    size_t count;
    size_t *to;           /* content index in the current schema, or RT_NOT_CONTENT */
    bool *is_readable[2]; /* by the side whose writing a value is in: still written the same way? */
};

void rt_store_forget_layouts(struct rt_store *store)
{
    for (size_t i = 0; i < store->layout_count; i++) {
        free(store->layouts[i].to);
        free(store->layouts[i].is_readable[0]);
        free(store->layouts[i].is_readable[1]);
    }
    free(store->layouts);
    store->layouts = NULL;
    store->layout_count = 0;
}

/* How a side writes a field, as one word: what must stay the same for stored text to keep its
 * meaning.  With this table of codes. */
static void describe_writing(const struct rt_field *field, enum rt_side side,
                             const struct rt_codes *codes, struct rt_buf *out)
{
    struct rt_hasher *hasher = rt_hasher_new();
    char hex[RT_DIGEST_HEX];

    rt_hasher_add(hasher, rt_slice_str(rt_type_name(field->type)));
    rt_hasher_add(hasher,
                  rt_slice_str(field->column[side].format ? field->column[side].format : ""));
    if (field->type == RT_TYPE_DATETIME)
        rt_hasher_add(hasher, rt_slice_str(field->timezone[side] ? field->timezone[side] : ""));
    for (size_t i = 0; i < codes->count; i++) {
        rt_hasher_add(hasher, rt_slice_str(codes->pairs[i].code[0]));
        rt_hasher_add(hasher, rt_slice_str(codes->pairs[i].code[1]));
    }
    rt_buf_add_str(out, rt_digest_hex(rt_hasher_end(hasher), hex));
    rt_hasher_free(hasher);
}

/* A line of a layout: "name external-writing native-writing". */
static void describe_field(const struct rt_field *field, const struct rt_codes *codes,
                           struct rt_buf *out)
{
    rt_buf_printf(out, "%s ", field->name);
    describe_writing(field, RT_EXTERNAL, codes, out);
    rt_buf_add_char(out, ' ');
    describe_writing(field, RT_NATIVE, codes, out);
}

static void describe_layout(const struct rt_schema *schema, struct rt_buf *out)
{
    for (size_t i = 0; i < schema->content_count; i++) {
        describe_field(schema->content[i], &schema->content[i]->codes, out);
        rt_buf_add_char(out, '\n');
    }
}

/* The layout's own number behind the line keeps it apart from the one that is like it now. */
int rt_store_keep_codes(struct rt_store *store, const struct rt_field *field,
                        const struct rt_codes *old, struct rt_err *err)
{
    sqlite3_stmt *stmt = rt_store_prepare(
        store,
        "UPDATE layout SET fields = substr(replace(char(10) || fields, char(10) || ?1, char(10) ||"
        " ?2 || ' ' || layout), 2) WHERE instr(char(10) || fields, char(10) || ?1)",
        err);
    struct rt_buf before = {0}, now = {0};
    int rc = -1;

    if (stmt == NULL)
        return -1;
    describe_field(field, old, &before);
    describe_field(field, &field->codes, &now);
    rt_bind_text(stmt, 1, rt_buf_str(&before));
    rt_bind_text(stmt, 2, rt_buf_str(&now));
    rc = strcmp(rt_buf_str(&before), rt_buf_str(&now)) != 0 ? rt_store_run(store, stmt, err) : 0;
    rt_buf_clear(&before);
    rt_buf_clear(&now);
    return rc < 0 ? -1 : rt_store_use_schema(store, store->schema, err);
}

static bool is_kept(const struct rt_schema *schema, const bool *is_new, const char *line)
{
    char *name = rt_xstrndup(line, strcspn(line, " "));
    const struct rt_field *field = rt_schema_find(schema, name);

    free(name);
    return field != NULL && field->content_index != RT_NOT_CONTENT && !is_new[field->content_index];
}

/* A dash, which no name begins with, in front of the lines of fields that are not known any more.
 */
static void cross_out(const struct rt_schema *schema, const bool *is_new, int64_t layout,
                      const char *fields, struct rt_buf *out)
{
    for (const char *line = fields, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        if (*line == '-' || is_kept(schema, is_new, line))
            rt_buf_printf(out, "%.*s\n", (int)(end - line), line);
        else
            rt_buf_printf(out, "-%.*s %lld\n", (int)(end - line), line, (long long)layout);
    }
}

/* One layout; 0 if there is none behind *layout. */
static int forget_in(struct rt_store *store, const bool *is_new, int64_t *layout,
                     struct rt_err *err)
{
    sqlite3_stmt *next = rt_store_prepare(store,
                                          "SELECT layout, fields FROM layout WHERE layout > ?1"
                                          " ORDER BY layout LIMIT 1",
                                          err),
                 *change = rt_store_prepare(
                     store, "UPDATE layout SET fields = ?2 WHERE layout = ?1 AND fields <> ?2",
                     err);
    struct rt_buf fields = {0};
    int rc = -1;

    if (next == NULL || change == NULL)
        return -1;
    rt_bind_int(next, 1, *layout);
    rc = rt_store_step(store, next, err);
    if (rc == 1) {
        *layout = sqlite3_column_int64(next, 0);
        cross_out(store->schema, is_new, *layout, rt_column_slice(next, 1).ptr, &fields);
    }
    sqlite3_reset(next);
    if (rc == 1) {
        rt_bind_int(change, 1, *layout);
        rt_bind_text(change, 2, rt_buf_str(&fields));
        rc = rt_store_run(store, change, err) < 0 ? -1 : 1;
    }
    rt_buf_clear(&fields);
    return rc;
}

int rt_store_forget_fields(struct rt_store *store, const bool *is_new, struct rt_err *err)
{
    int64_t layout = 0;
    int rc;

    while ((rc = forget_in(store, is_new, &layout, err)) == 1)
        ;
    return rc < 0 ? -1 : rt_store_use_schema(store, store->schema, err);
}

int rt_store_use_schema(struct rt_store *store, const struct rt_schema *schema, struct rt_err *err)
{
    struct rt_buf fields = {0};
    sqlite3_stmt *find, *add;
    int rc = -1;

    if (rt_store_write_kept(store, err) < 0)
        return -1;
    rt_store_forget_layouts(store);
    rt_store_unkeep_all(store);
    store->schema = schema;
    store->layout = 0;
    describe_layout(schema, &fields);
    find = rt_store_prepare(store, "SELECT layout FROM layout WHERE fields = ?1", err);
    if (find == NULL)
        goto out;
    rt_bind_text(find, 1, rt_buf_str(&fields));
    rc = rt_store_step(store, find, err);
    if (rc == 1)
        store->layout = sqlite3_column_int64(find, 0);
    sqlite3_reset(find);
    if (rc != 0 || (!store->in_transaction && !rt_store_is_scratch(store)))
        goto out; /* a reader meets no content of a layout that is not there */
    add = rt_store_prepare(store, "INSERT INTO layout (fields) VALUES (?1)", err);
    if (add == NULL) {
        rc = -1;
        goto out;
    }
    rt_bind_text(add, 1, rt_buf_str(&fields));
    rc = rt_store_run(store, add, err);
    store->layout = sqlite3_last_insert_rowid(store->db);
out:
    rt_buf_clear(&fields);
    return rc < 0 ? -1 : 0;
}

/* Maps one line of a stored layout onto the current schema. */
static void map_line(const struct rt_schema *schema, struct rt_layout *layout, size_t i, char *line)
{
    char *external = strchr(line, ' '), *native = external ? strchr(external + 1, ' ') : NULL;
    const struct rt_field *field;
    struct rt_buf now = {0};

    layout->to[i] = RT_NOT_CONTENT;
    if (native == NULL)
        return;
    *external++ = '\0';
    *native++ = '\0';
    native[strcspn(native, " ")] = '\0';
    field = rt_schema_find(schema, line);
    if (field == NULL || field->content_index == RT_NOT_CONTENT)
        return;
    layout->to[i] = field->content_index;
    describe_writing(field, RT_EXTERNAL, &field->codes, &now);
    layout->is_readable[RT_EXTERNAL][i] = strcmp(external, rt_buf_str(&now)) == 0;
    rt_buf_reset(&now);
    describe_writing(field, RT_NATIVE, &field->codes, &now);
    layout->is_readable[RT_NATIVE][i] = strcmp(native, rt_buf_str(&now)) == 0;
    rt_buf_clear(&now);
}

static void map_layout(const struct rt_schema *schema, struct rt_layout *layout, char *fields)
{
    char *rest = fields, *line;

    for (const char *p = fields; *p; p++)
        layout->count += *p == '\n';
    layout->to = rt_xcalloc(layout->count + 1, sizeof *layout->to);
    layout->is_readable[0] = rt_xcalloc(layout->count + 1, sizeof(bool));
    layout->is_readable[1] = rt_xcalloc(layout->count + 1, sizeof(bool));
    for (size_t i = 0; i < layout->count; i++) {
        line = rest;
        rest = strchr(rest, '\n');
        *rest++ = '\0';
        map_line(schema, layout, i, line);
    }
}

static const struct rt_layout *find_layout(struct rt_store *store, int64_t number,
                                           struct rt_err *err)
{
    struct rt_layout *layout;
    sqlite3_stmt *stmt;
    struct rt_slice text;
    char *fields;
    int rc;

    for (size_t i = 0; i < store->layout_count; i++)
        if (store->layouts[i].number == number)
            return &store->layouts[i];
    stmt = rt_store_prepare(store, "SELECT fields FROM layout WHERE layout = ?1", err);
    if (stmt == NULL)
        return NULL;
    rt_bind_int(stmt, 1, number);
    rc = rt_store_step(store, stmt, err);
    if (rc < 0)
        return NULL;
    if (rc == 0) {
        rt_err_set(err, RT_STOPPED, "%s: layout %lld is not there: " RT_STORE_DAMAGED, store->path,
                   (long long)number);
        return NULL;
    }
    text = rt_column_slice(stmt, 0);
    fields = rt_xstrndup(text.ptr, text.len);
    sqlite3_reset(stmt);
    store->layouts = rt_xgrow(store->layouts, store->layout_count, sizeof *store->layouts);
    layout = &store->layouts[store->layout_count++];
    *layout = (struct rt_layout){.number = number};
    map_layout(store->schema, layout, fields);
    free(fields);
    return layout;
}

int64_t rt_store_layout(const struct rt_store *store)
{
    return store->layout;
}

int rt_store_is_readable(struct rt_store *store, int64_t layout, const struct rt_field *field,
                         enum rt_side side, struct rt_err *err)
{
    const struct rt_layout *then;

    if (layout == 0)
        return 1;
    then = find_layout(store, layout, err);
    if (then == NULL)
        return -1;
    for (size_t i = 0; i < then->count; i++)
        if (then->to[i] == field->content_index)
            return then->is_readable[side][i];
    return 0;
}

int rt_store_had_field(struct rt_store *store, int64_t layout, const struct rt_field *field,
                       struct rt_err *err)
{
    const struct rt_layout *then = find_layout(store, layout, err);

    for (size_t i = 0; then != NULL && i < then->count; i++)
        if (then->to[i] == field->content_index)
            return 1;
    return then ? 0 : -1;
}

/* ---- encoding ---- */

static void encode(const struct rt_schema *schema, const struct rt_content *content,
                   struct rt_buf *origin, struct rt_buf *body)
{
    bool is_mixed = false;

    rt_buf_reset(origin);
    rt_buf_reset(body);
    for (size_t i = 0; i < schema->content_count; i++) {
        rt_buf_add_char(body, i ? ',' : '[');
        rt_buf_add_char(origin, "-en"[content->value[i].from]);
        is_mixed = is_mixed || origin->ptr[i] != origin->ptr[0];
        if (rt_value_is_known(content->value[i]))
            rt_json_put(body, content->value[i].raw);
        else
            rt_buf_add_str(body, "null");
    }
    rt_buf_add_str(body, schema->content_count ? "]" : "[]");
    if (!is_mixed && origin->len > 1) {
        origin->ptr[1] = '\0';
        origin->len = 1;
    }
}

static bool decode(const struct rt_layout *layout, struct rt_slice origin, struct rt_slice body,
                   struct rt_content *content)
{
    char *p = (char *)(uintptr_t)body.ptr; /* the content's own memory */

    for (size_t i = 0; i < layout->count; i++) {
        char letter = origin.len == 1 ? origin.ptr[0] : i < origin.len ? origin.ptr[i] : '-';
        enum rt_side side = letter == 'n' ? RT_NATIVE : RT_EXTERNAL;
        struct rt_slice text = {NULL, 0};

        if (*p != (i ? ',' : '['))
            return false;
        p++;
        if (strncmp(p, "null", 4) == 0) {
            p += 4;
            continue;
        }
        if (*p++ != '"' || !rt_json_take(&p, body.ptr + body.len, &text))
            return false;
        if (letter != '-' && layout->to[i] != RT_NOT_CONTENT && layout->is_readable[side][i])
            content->value[layout->to[i]] = (struct rt_value){text, rt_from_side(side)};
    }
    return true;
}

int rt_store_content(struct rt_store *store, int64_t cid, struct rt_arena *arena,
                     const struct rt_content **content, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "SELECT layout, origin, body FROM all_content WHERE cid = ?1", err);
    struct rt_content *c = rt_content_new(store->schema, arena);
    const struct rt_layout *layout;
    struct rt_slice origin, body;
    int rc;

    *content = c;
    c->cid = cid;
    if (stmt == NULL)
        return -1;
    rt_bind_int(stmt, 1, cid);
    rc = rt_store_step(store, stmt, err);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return rt_err_set(err, RT_STOPPED, "%s: content %lld is not there: " RT_STORE_DAMAGED,
                          store->path, (long long)cid);
    layout = find_layout(store, sqlite3_column_int64(stmt, 0), err);
    origin = rt_column_slice(stmt, 1);
    body = rt_arena_dup(arena, rt_column_slice(stmt, 2));
    rc = layout ? 0 : -1;
    if (layout != NULL && !decode(layout, origin, body, c))
        rc = rt_err_set(err, RT_STOPPED, "%s: content %lld cannot be read: " RT_STORE_DAMAGED,
                        store->path, (long long)cid);
    sqlite3_reset(stmt);
    return rc;
}

int rt_store_put_content(struct rt_store *store, struct rt_content *content, struct rt_err *err)
{
    sqlite3_stmt *stmt =
        rt_store_prepare(store, "INSERT INTO content VALUES (?1, ?2, ?3, ?4)", err);
    struct rt_buf origin = {0};
    int rc;

    if (stmt == NULL)
        return -1;
    encode(store->schema, content, &origin, &store->scratch);
    content->cid = store->next_cid++;
    rt_bind_int(stmt, 1, content->cid);
    rt_bind_int(stmt, 2, store->layout);
    sqlite3_bind_text64(stmt, 3, origin.ptr ? origin.ptr : "", origin.len, SQLITE_STATIC,
                        SQLITE_UTF8);
    sqlite3_bind_text64(stmt, 4, store->scratch.ptr, store->scratch.len, SQLITE_STATIC,
                        SQLITE_UTF8);
    rc = rt_store_run(store, stmt, err);
    rt_buf_clear(&origin);
    return rc;
}
