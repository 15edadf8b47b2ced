#include "cmd/review_report.h"

#include "cmd/json.h"
#include "cmd/review_view.h"

#include "lib/id_columns.h"
#include "lib/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define IDS_WIDTH 45 /* so that a line has 80 characters */

static const struct rt_schema *schema_of(const struct rt_review_report *report)
{
    return report->session->work.rules.schema;
}

static int put_text(struct rt_review_report *report, const char *text, struct rt_err *err)
{
    return rt_csv_put(&report->writer, &report->line, rt_slice_str(text ? text : ""), err);
}

static void say_row(struct rt_review_report *report)
{
    rt_csv_end_row(&report->writer, &report->line);
    rt_say("%s", rt_buf_str(&report->line));
    rt_buf_reset(&report->line);
}

static int say_header(struct rt_review_report *report, struct rt_err *err)
{
    static const char *const before[] = {"item", "version", "kind"};
    static const char *const behind[] = {"side",  "delta", "file",   "line",
                                         "since", "what",  "accept", "dismiss"};

    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (put_text(report, before[i], err) < 0)
            return -1;
    if (rt_id_columns_put_names(&report->writer, schema_of(report), &report->line, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        if (put_text(report, behind[i], err) < 0)
            return -1;
    say_row(report);
    return 0;
}

int rt_review_begin(struct rt_review_report *report, struct rt_err *err)
{
    struct rt_csv_writer_options options = {.delimiter = ',', .spreadsheet = report->spreadsheet};

    if (rt_csv_writer_init(&report->writer, &options, err) < 0)
        return -1;
    if (report->format != RT_REVIEW_CSV)
        return 0;
    return say_header(report, err);
}

void rt_review_end(struct rt_review_report *report, bool is_well)
{
    if (is_well && report->format == RT_REVIEW_JSON)
        rt_say("{\"command\":\"review\",\"status\":0,\"items\":[%s]}\n",
               rt_buf_str(&report->items));
    rt_buf_clear(&report->items);
    rt_csv_writer_clear(&report->writer);
    rt_buf_clear(&report->line);
}

/* ---- the list ---- */

static void say_line(struct rt_review_report *report, const struct rt_review_view *view)
{
    char number[32], *subject = rt_review_subject(view, report->session);

    subject[rt_utf8_prefix(rt_slice_str(subject), IDS_WIDTH)] = '\0';
    snprintf(number, sizeof number, "%" PRId64 "@%" PRId64, view->item->number,
             view->item->version);
    rt_say("%-8s %s%-14s%s %-*s %.10s\n", number, rt_mark(RT_MARK_CARE), view->item->kind,
           rt_mark(RT_MARK_END), rt_padding(IDS_WIDTH, subject), subject, view->since);
    free(subject);
}

static int put_number(struct rt_review_report *report, int64_t number, struct rt_err *err)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, number);
    return put_text(report, number ? text : "", err);
}

static int put_ids(struct rt_review_report *report, const struct rt_review_view *view,
                   struct rt_err *err)
{
    for (int s = 0; s < 2; s++)
        if (rt_id_columns_put(&report->writer, schema_of(report), (enum rt_side)s,
                              rt_slice_str(view->id[s]), &report->line, err) < 0)
            return -1;
    return 0;
}

static int say_csv(struct rt_review_report *report, const struct rt_review_view *view,
                   struct rt_err *err)
{
    const struct rt_item *item = view->item;
    struct rt_buf what = {0};
    int rc = -1;

    rt_review_add_what(view, &what);
    if (put_number(report, item->number, err) == 0 && put_number(report, item->version, err) == 0 &&
        put_text(report, item->kind, err) == 0 && put_ids(report, view, err) == 0 &&
        put_text(report, view->side < 0 ? "" : rt_side_name((enum rt_side)view->side), err) == 0 &&
        put_number(report, view->delta, err) == 0 && put_text(report, view->file, err) == 0 &&
        put_number(report, view->line, err) == 0 && put_text(report, view->since, err) == 0 &&
        put_text(report, rt_buf_str(&what), err) == 0 &&
        put_text(report, view->text ? view->text->accept : "", err) == 0 &&
        put_text(report, view->text ? view->text->dismiss : "", err) == 0) {
        say_row(report);
        rc = 0;
    }
    rt_buf_clear(&what);
    return rc;
}

static void add_json(struct rt_review_report *report, const struct rt_review_view *view)
{
    const struct rt_item *item = view->item;
    json_t *json = json_pack("{s:I, s:I, s:s, s:o, s:o}", "item", (json_int_t)item->number,
                             "version", (json_int_t)item->version, "kind", item->kind, "since",
                             rt_json_time(item->opened), "detail",
                             view->detail ? json_incref(view->detail) : json_null());

    json_object_set_new(
        json, "side", rt_json_text(view->side < 0 ? NULL : rt_side_name((enum rt_side)view->side)));
    json_object_set_new(json, "file", rt_json_text(*view->file ? view->file : NULL));
    if (view->line)
        json_object_set_new(json, "line", json_integer((json_int_t)view->line));
    json_object_set_new(json, "accept", rt_json_text(view->text ? view->text->accept : NULL));
    json_object_set_new(json, "dismiss", rt_json_text(view->text ? view->text->dismiss : NULL));
    rt_json_add(&report->items, json);
}

int rt_review_tell(struct rt_review_report *report, const struct rt_item *item, struct rt_err *err)
{
    struct rt_review_view view;
    int rc = rt_review_view_open(report->session, item, &view, err);

    report->count++;
    if (rc == 0 && report->format == RT_REVIEW_CSV)
        rc = say_csv(report, &view, err);
    else if (rc == 0 && report->format == RT_REVIEW_JSON)
        add_json(report, &view);
    else if (rc == 0)
        say_line(report, &view);
    rt_review_view_close(&view);
    return rc;
}
