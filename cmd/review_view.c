#include "cmd/review_view.h"

#include "lib/intake.h"
#include "lib/utf8.h"

#include <inttypes.h>
#include <stdlib.h>

const char *rt_review_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

const json_t *rt_review_row(const struct rt_review_view *view)
{
    const json_t *rows = json_object_get(view->detail, "rows");

    return json_is_array(rows) ? json_array_get(rows, 0) : rows;
}

/* Where what could not be taken in is kept, to be mended there. */
static const char *kept_as(enum rt_kind kind, const struct rt_file *file, struct rt_arena *arena)
{
    char *name;
    const char *path;

    if (kind != RT_KIND_REFUSED && kind != RT_KIND_REJECTED)
        return NULL;
    name = rt_rejects_name(file);
    path = rt_arena_printf(arena, "rejects/%s", name);
    free(name);
    return path;
}

/* Whether the first row in question is of the item's side, or of the other one. */
static int side_of(const struct rt_item *item, const json_t *row)
{
    for (int s = 0; s < 2; s++)
        if (strcmp(rt_review_text(row, "side"), rt_side_name((enum rt_side)s)) == 0)
            return s;
    return item->side;
}

/* One item may have rows of both sides. */
static int find_also(struct rt_session *session, struct rt_review_view *view, struct rt_err *err)
{
    const json_t *rows = json_object_get(view->detail, "rows"), *row = NULL;
    struct rt_file file;
    const char *kept;
    size_t i;
    int rc;

    json_array_foreach(rows, i, row) if (side_of(view->item, row) != view->side) break;
    if (row == NULL || i == json_array_size(rows))
        return 0;
    rc = rt_store_file_by_id(session->store, json_integer_value(json_object_get(row, "file")),
                             &view->arena, &file, err);
    if (rc != 1)
        return rc;
    kept = kept_as((enum rt_kind)rt_kind_find(view->item->kind), &file, &view->arena);
    view->also = rt_arena_printf(
        &view->arena, "%s, line %" JSON_INTEGER_FORMAT "%s%s%s%s", file.name,
        json_integer_value(json_object_get(row, "line")), kept ? ", in " : "", kept ? kept : "",
        *rt_review_text(row, "text") ? ": " : "", rt_review_text(row, "text"));
    return 0;
}

int rt_review_view_open(struct rt_session *session, const struct rt_item *item,
                        struct rt_review_view *view, struct rt_err *err)
{
    int kind = rt_kind_find(item->kind);
    struct rt_file file;
    const json_t *row;
    int64_t at;
    int rc = 0;

    *view = (struct rt_review_view){
        .item = item, .file = "", .text = kind < 0 ? NULL : rt_kind_text((enum rt_kind)kind)};
    view->detail = item->detail ? json_loads(item->detail, JSON_ALLOW_NUL, NULL) : NULL;
    view->id[RT_EXTERNAL] = rt_review_text(view->detail, "external_id");
    view->id[RT_NATIVE] = rt_review_text(view->detail, "native_id");
    view->delta = json_integer_value(json_object_get(view->detail, "delta"));
    rt_time_format(item->opened, view->since);
    row = rt_review_row(view);
    view->side = side_of(item, row);
    at = json_integer_value(
        json_object_get(row, "file")); /* the row in question, not the last look */
    view->line = at ? json_integer_value(json_object_get(row, "line")) : item->line;
    if (at || item->file)
        rc = rt_store_file_by_id(session->store, at ? at : item->file, &view->arena, &file, err);
    if (rc == 1) {
        view->file = file.name;
        view->kept = kept_as((enum rt_kind)kind, &file, &view->arena);
    }
    return rc < 0 ? -1 : find_also(session, view, err);
}

void rt_review_view_close(struct rt_review_view *view)
{
    json_decref(view->detail);
    rt_arena_clear(&view->arena);
}

static void add_value(struct rt_buf *out, const json_t *value)
{
    if (json_is_string(value))
        rt_buf_printf(out, "\"%s\"", json_string_value(value));
    else
        rt_buf_add_str(out, "unknown");
}

static void add_ids(struct rt_buf *out, const char *before, const json_t *row)
{
    const char *external = rt_review_text(row, "external_id"),
               *native = rt_review_text(row, "native_id");

    rt_buf_printf(out, "%s%s%s / %s", out->len ? "; " : "", before, *external ? external : "-",
                  *native ? native : "-");
}

/* The rows in question, or the records that one looks like. */
static void add_rows(const struct rt_review_view *view, const json_t *rows, struct rt_buf *out)
{
    const json_t *row;
    size_t i;

    if (strcmp(view->item->kind, "clash") == 0)
        add_ids(out, "the row says ", rows);
    json_array_foreach(rows, i, row)
    {
        if (json_object_get(row, "line") == NULL)
            add_ids(out, "looks like ", row);
        else
            rt_buf_printf(out, "%s%" JSON_INTEGER_FORMAT,
                          i                           ? ", "
                          : json_array_size(rows) > 1 ? "lines "
                                                      : "line ",
                          json_integer_value(json_object_get(row, "line")));
    }
}

void rt_review_add_what(const struct rt_review_view *view, struct rt_buf *out)
{
    const json_t *fields = json_object_get(view->detail, "fields"), *field,
                 *rows = json_object_get(view->detail, "rows");
    const char *reason = rt_review_text(rt_review_row(view), "text");
    size_t i;

    json_array_foreach(fields, i, field)
    {
        rt_buf_printf(out, "%s%s: ", out->len ? "; " : "", rt_review_text(field, "field"));
        add_value(out, json_object_get(field, "external"));
        rt_buf_add_str(out, " / ");
        add_value(out, json_object_get(field, "native"));
    }
    if (*rt_review_text(view->detail, "text"))
        rt_buf_printf(out, "%s%s", out->len ? "; " : "", rt_review_text(view->detail, "text"));
    if (*reason) /* of a rejected row */
        rt_buf_printf(out, "%s%s", out->len ? "; " : "", reason);
    else
        add_rows(view, rows, out);
    if (view->also != NULL)
        rt_buf_printf(out, "%s%s", out->len ? "; " : "", view->also);
    if (json_is_integer(rows))
        rt_buf_printf(out, "%" JSON_INTEGER_FORMAT " row%s", json_integer_value(rows),
                      json_integer_value(rows) == 1 ? "" : "s");
}

void rt_review_make_harmless(char *text)
{
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        const unsigned char *p = (const unsigned char *)text;

        n = rt_utf8_length(p, left);
        if (rt_utf8_is_control(p, n))
            memset(text, ' ', n);
        n = n > 0 ? n : 1;
    }
}

char *rt_review_subject(const struct rt_review_view *view, const struct rt_session *session)
{
    struct rt_buf text = {0};
    char *copy;

    if (view->delta)
        rt_buf_printf(&text, "delta %06" PRId64 " to %s, ", view->delta,
                      view->item->side < 0 ? "?" : session->config->side[view->item->side].label);
    if (view->delta)
        rt_review_add_what(view, &text);
    else if (*view->id[0] || *view->id[1])
        rt_buf_printf(&text, "%s / %s", *view->id[0] ? view->id[0] : "-",
                      *view->id[1] ? view->id[1] : "-");
    else
        rt_buf_printf(&text, "%s%s", view->file, view->line ? ":" : "");
    if (!view->delta && !*view->id[0] && !*view->id[1] && view->line)
        rt_buf_printf(&text, "%" PRId64, view->line);
    copy = rt_xstrdup(rt_buf_str(&text));
    rt_review_make_harmless(copy);
    rt_buf_clear(&text);
    return copy;
}
