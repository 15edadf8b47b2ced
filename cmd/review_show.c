#include "cmd/review_report.h"
#include "cmd/review_view.h"
#include "cmd/show.h"

#include "lib/json_of.h"

#include <inttypes.h>
#include <stdlib.h>

static void say_value(const char *label, const json_t *value)
{
    char *text = rt_xstrdup(json_is_string(value) ? json_string_value(value) : "(unknown)");

    rt_review_make_harmless(text);
    rt_say_wrapped(4, "  %s: %s\n", label, text);
    free(text);
}

static void say_row(const json_t *row)
{
    const char *key;
    json_t *value;

    if (!json_is_object(row) || json_object_get(row, "text") != NULL)
        return;
    if (json_object_get(row, "line") != NULL)
        rt_say("row in line %" JSON_INTEGER_FORMAT ":\n",
               json_integer_value(json_object_get(row, "line")));
    say_value("external ID", json_object_get(row, "external_id"));
    say_value("native ID", json_object_get(row, "native_id"));
    json_object_foreach(json_object_get(row, "values"), key, value) say_value(key, value);
}

static void say_rows(const json_t *rows)
{
    const json_t *row;
    size_t i;

    if (*rt_review_text(rows, "text"))
        rt_say_wrapped(2, "%s\n", rt_review_text(rows, "text"));
    say_row(rows);
    json_array_foreach(rows, i, row) say_row(row);
}

/* In words: what each answer leads to. */
static void say_answers(const struct rt_session *session, const struct rt_review_view *view)
{
    if (view->text == NULL || !view->item->is_open)
        return;
    if (view->text->accept != NULL) {
        rt_say_wrapped(9, "accept:  %s\ndismiss: %s\n", view->text->accept, view->text->dismiss);
        return;
    }
    for (int s = 0; s < 2; s++)
        rt_say_wrapped(4, "take %s: what %s shows counts, and goes to %s\n",
                       rt_side_name((enum rt_side)s), session->config->side[s].label,
                       session->config->side[!s].label);
}

static void say_all(const struct rt_session *session, const struct rt_review_view *view)
{
    const struct rt_item *item = view->item;
    const json_t *fields = json_object_get(view->detail, "fields"), *field;
    char *subject = rt_review_subject(view, session);
    size_t i;

    rt_say_wrapped(2, "%" PRId64 "@%" PRId64 " %s since %s%s%s\n%s\n", item->number, item->version,
                   item->kind, view->since, item->is_open ? "" : ", closed: ",
                   item->is_open ? ""
                   : item->how   ? item->how
                                 : "",
                   subject);
    free(subject);
    if (*view->file && view->line)
        rt_say_wrapped(2, "%s, line %" PRId64 "\n", view->file, view->line);
    if (view->kept != NULL)
        rt_say_wrapped(2, "in %s\n", view->kept);
    if (!view->delta && *rt_review_text(view->detail, "text"))
        rt_say_wrapped(2, "%s\n", rt_review_text(view->detail, "text"));
    json_array_foreach(fields, i, field)
    {
        rt_say_wrapped(2, "%s\n", rt_review_text(field, "field"));
        say_value(session->config->side[RT_EXTERNAL].label, json_object_get(field, "external"));
        say_value(session->config->side[RT_NATIVE].label, json_object_get(field, "native"));
    }
    say_rows(json_object_get(view->detail, "rows"));
}

/* A record of which nothing is open any more may have been joined to another one. */
static int say_story(struct rt_session *session, const struct rt_item *item, struct rt_err *err)
{
    struct rt_show show = {.session = session};
    int rc = 0;

    if (item->rid && item->is_open &&
        (rt_store_load(session->store, item->rid, &show.arena, &show.record, err) < 0 ||
         rt_show_story(&show, err) < 0))
        rc = -1;
    rt_arena_clear(&show.arena);
    return rc;
}

/* ---- an item of a delta: its records ---- */

struct rows_shown {
    struct rt_session *session;
    size_t count;
};

#define ROWS_MAX 100 /* a screen or two; each record tells the rest */

static void say_slice(const char *label, struct rt_value value)
{
    json_t *text = rt_json_of_value(value);

    say_value(label, text);
    json_decref(text);
}

static void say_record(struct rows_shown *shown, const struct rt_record *record)
{
    struct rt_buf ids = {0};

    if (shown->count++ < ROWS_MAX) {
        for (int s = 0; s < 2; s++)
            rt_buf_printf(
                &ids, "%s%.*s", s ? " / " : "",
                RT_SLICE_FMT(record->end[s].id.len ? record->end[s].id : rt_slice_str("-")));
        rt_review_make_harmless(ids.ptr);
        rt_say("%s\n", rt_buf_str(&ids));
    }
    rt_buf_clear(&ids);
}

static int show_waiting(void *context, int64_t rid, enum rt_side side, struct rt_err *err)
{
    struct rows_shown *shown = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    int rc = rt_store_load(shown->session->store, rid, &arena, &record, err);

    if (rc == 0)
        say_record(shown, &record);
    for (size_t i = 0; rc == 0 && shown->count <= ROWS_MAX && i < record.end[side].not_taken_count;
         i++) {
        const struct rt_missing_value *missing = &record.end[side].not_taken[i];

        rt_say_wrapped(2, "%s\n", shown->session->schema->content[missing->field]->name);
        say_slice("sent", missing->value);
        say_slice(shown->session->config->side[side].label,
                  record.end[side].seen->value[missing->field]);
    }
    rt_arena_clear(&arena);
    return rc;
}

static int show_under_way(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    struct rows_shown *shown = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    bool there;
    int rc = rt_store_has_record(shown->session->store, row->rid, &there, err);

    if (rc == 0 && there)
        rc = rt_store_load(shown->session->store, row->rid, &arena, &record, err);
    for (int s = 0; rc == 0 && there && s < 2; s++)
        for (size_t i = 0; i < record.end[s].sent_count; i++)
            if (record.end[s].sent[i].delta == row->delta)
                say_record(shown, &record);
    rt_arena_clear(&arena);
    return rc;
}

static int say_delta(struct rt_session *session, const struct rt_review_view *view,
                     struct rt_err *err)
{
    struct rows_shown shown = {.session = session};
    struct rt_row_range all = {.delta = view->delta, .count = INT64_MAX};
    int rc = 0;

    if (!view->delta || !view->item->is_open)
        return 0;
    if (strcmp(view->item->kind, "not-taken") == 0)
        rc = rt_store_each_waiting(session->store, view->delta, show_waiting, &shown, err);
    else
        rc = rt_store_each_row(session->store, &all, show_under_way, &shown, err);
    if (rc == 0 && shown.count > ROWS_MAX)
        rt_say("and %zu more\n", shown.count - ROWS_MAX);
    return rc;
}

int rt_review_show(struct rt_review_report *report, const struct rt_item *item, struct rt_err *err)
{
    struct rt_review_view view;
    int rc;

    if (report->format != RT_REVIEW_LIST)
        return rt_review_tell(report, item, err);
    rc = rt_review_view_open(report->session, item, &view, err);
    if (rc == 0) {
        say_all(report->session, &view);
        rc = say_delta(report->session, &view, err);
    }
    if (rc == 0) {
        say_answers(report->session, &view);
        rc = say_story(report->session, item, err);
    }
    rt_review_view_close(&view);
    return rc;
}
