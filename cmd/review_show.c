#include "cmd/review_records.h"
#include "cmd/review_report.h"
#include "cmd/review_view.h"
#include "cmd/show.h"

#include <inttypes.h>
#include <stdlib.h>

static void say_row(const json_t *row)
{
    const char *key;
    json_t *value;

    if (json_object_get(row, "line") == NULL || json_object_get(row, "text") != NULL)
        return;
    rt_say("row in line %" JSON_INTEGER_FORMAT ":\n",
           json_integer_value(json_object_get(row, "line")));
    rt_review_say_value("external ID", json_object_get(row, "external_id"));
    rt_review_say_value("native ID", json_object_get(row, "native_id"));
    json_object_foreach(json_object_get(row, "values"), key, value) rt_review_say_value(key, value);
}

static void say_rows(const struct rt_review_view *view)
{
    const json_t *rows = json_object_get(view->detail, "rows"), *row;
    const char *reason = rt_review_text(rt_review_row(view), "text");
    size_t i;

    if (*reason)
        rt_say_wrapped(2, "%s\n", reason);
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
        rt_review_say_value(session->config->side[RT_EXTERNAL].label,
                            json_object_get(field, "external"));
        rt_review_say_value(session->config->side[RT_NATIVE].label,
                            json_object_get(field, "native"));
    }
    say_rows(view);
    if (view->also != NULL)
        rt_say_wrapped(2, "%s\n", view->also);
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

int rt_review_show(struct rt_review_report *report, const struct rt_item *item, struct rt_err *err)
{
    struct rt_review_view view;
    int rc;

    if (report->format != RT_REVIEW_LIST)
        return rt_review_tell(report, item, err);
    rc = rt_review_view_open(report->session, item, &view, err);
    if (rc == 0) {
        say_all(report->session, &view);
        rc = rt_review_say_records(report->session, &view, err);
    }
    if (rc == 0) {
        say_answers(report->session, &view);
        rc = say_story(report->session, item, err);
    }
    rt_review_view_close(&view);
    return rc;
}
