#include "lib/report.h"

#include "lib/html.h"

#include <inttypes.h>

#define CELL         "</td><td>"
#define OPEN_AT_ONCE 20 /* a longer list of items is folded */

/* ---- what a person must decide ---- */

static void add_kinds(const struct rt_report *report, struct rt_buf *out)
{
    rt_buf_add_str(out, "<div class=\"scroll\" tabindex=\"0\"><table class=\"words\"><thead><tr>"
                        "<th scope=\"col\">Kind</th><th scope=\"col\">Items</th>"
                        "<th scope=\"col\">Oldest</th><th scope=\"col\">Why</th></tr></thead>"
                        "<tbody>\n");
    for (size_t i = 0; i < report->kind_count; i++) {
        rt_buf_add_str(out, "<tr><th scope=\"row\">");
        rt_html_text(out, report->kinds[i].name);
        rt_buf_add_str(out, "</th><td>");
        rt_html_number(out, report->kinds[i].items);
        rt_buf_add_str(out, "</td><td class=\"n\">");
        rt_html_seconds(out, report->now - report->kinds[i].oldest);
        rt_buf_add_str(out, CELL);
        rt_html_text(out, report->kinds[i].why);
        rt_buf_add_str(out, "</td></tr>\n");
    }
    rt_buf_add_str(out, "</tbody></table></div>\n");
}

static void add_items(const struct rt_report *report, struct rt_buf *out)
{
    rt_buf_printf(out,
                  "<details%s><summary>The items</summary>"
                  "<div class=\"scroll\" tabindex=\"0\"><table class=\"words\"><thead><tr>"
                  "<th scope=\"col\">Item</th><th scope=\"col\">Kind</th>"
                  "<th scope=\"col\">Since</th><th scope=\"col\">About</th>"
                  "<th scope=\"col\">Fields</th></tr></thead><tbody>\n",
                  report->items_listed <= OPEN_AT_ONCE ? " open" : "");
    for (size_t i = 0; i < report->items_listed; i++) {
        const struct rt_report_item *item = &report->items[i];

        rt_buf_printf(out, "<tr><th scope=\"row\">%" PRId64 "</th><td>", item->number);
        rt_html_text(out, item->kind);
        rt_buf_add_str(out, "</td><td class=\"n\">");
        rt_html_day(out, item->opened / 86400);
        rt_buf_add_str(out, CELL);
        rt_html_text(out, item->subject);
        rt_buf_add_str(out, CELL);
        rt_html_text(out, item->fields);
        rt_buf_add_str(out, "</td></tr>\n");
    }
    rt_buf_add_str(out, "</tbody></table></div></details>\n");
    if (report->item_count > (int64_t)report->items_listed)
        rt_buf_printf(out,
                      "<p>The list ends after %zu: <code>roundtrip review</code> has all.</p>\n",
                      report->items_listed);
}

void rt_report_review_table(const struct rt_report *report, struct rt_buf *out)
{
    rt_buf_add_str(out, "<section>\n<h2>Waiting for review</h2>\n");
    if (report->item_count == 0)
        rt_buf_add_str(out, "<p class=\"none\">Nothing: no person has to decide anything.</p>\n");
    else {
        add_kinds(report, out);
        add_items(report, out);
        rt_buf_add_str(out,
                       "<p>Decide with <code>roundtrip review show N</code>, then "
                       "<code>accept</code>, <code>dismiss</code> or <code>take</code>.</p>\n");
    }
    rt_buf_add_str(out, "</section>\n");
}

/* ---- what waits by itself ---- */

static void add_due(const struct rt_report_side *side, struct rt_buf *out)
{
    rt_buf_add_str(out, "<h3>Due for ");
    rt_html_text(out, side->label);
    rt_buf_add_str(out, "</h3>\n");
    if (side->due_count == 0) {
        rt_buf_add_str(out, "<p class=\"none\">Nothing.</p>\n");
        return;
    }
    rt_buf_add_str(out, "<div class=\"scroll\" tabindex=\"0\"><table class=\"words\"><thead><tr>"
                        "<th scope=\"col\">Rows</th><th scope=\"col\">Action</th>"
                        "<th scope=\"col\">Reason</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < side->due_count; i++) {
        rt_buf_add_str(out, "<tr><td>");
        rt_html_number(out, side->due[i].rows);
        rt_buf_add_str(out, CELL);
        rt_html_text(out, side->due[i].action);
        rt_buf_add_str(out, CELL);
        rt_html_text(out, side->due[i].reason);
        rt_buf_add_str(out, "</td></tr>\n");
    }
    rt_buf_add_str(out, "</tbody></table></div>\n");
}

static void add_pending_rows(const struct rt_report *report, const struct rt_report_side *side,
                             struct rt_buf *out)
{
    rt_buf_add_str(out, "<div class=\"scroll\" tabindex=\"0\"><table class=\"words\"><thead><tr>"
                        "<th scope=\"col\">Record</th><th scope=\"col\">Handed over</th>"
                        "<th scope=\"col\">Waits</th><th scope=\"col\">Delta</th></tr></thead>"
                        "<tbody>\n");
    for (size_t i = 0; i < side->pending_listed; i++) {
        rt_buf_add_str(out, "<tr><th scope=\"row\">");
        rt_html_text(out, side->pending[i].id);
        rt_buf_add_str(out, "</th><td class=\"n\">");
        rt_html_time(out, side->pending[i].since);
        rt_buf_add_str(out, CELL);
        rt_html_seconds(out, report->now - side->pending[i].since);
        rt_buf_printf(out, CELL "%06" PRId64 "</td></tr>\n", side->pending[i].delta);
    }
    rt_buf_add_str(out, "</tbody></table></div>\n");
}

static void add_pending(const struct rt_report *report, const struct rt_report_side *side,
                        struct rt_buf *out)
{
    rt_buf_add_str(out, "<h3>Pending inserts to ");
    rt_html_text(out, side->label);
    rt_buf_add_str(out, "</h3>\n");
    if (side->pending_count == 0) {
        rt_buf_add_str(out, "<p class=\"none\">None.</p>\n");
        return;
    }
    rt_buf_add_str(out, "<p>");
    rt_html_count(out, side->pending_count, "insert");
    rt_buf_add_str(out, " handed over, and ");
    rt_html_text(out, side->label);
    rt_buf_add_str(out, " has not told the ID yet. The oldest waits for ");
    rt_html_seconds(out, report->now - side->pending[0].since);
    if (!side->shows_imports)
        rt_buf_add_str(out, "; its exports do not show what it imported, so that is no sign of "
                            "trouble");
    rt_buf_printf(out, ".</p>\n<details><summary>The oldest %zu</summary>", side->pending_listed);
    add_pending_rows(report, side, out);
    rt_buf_add_str(out, "</details>\n");
}

void rt_report_waiting_tables(const struct rt_report *report, struct rt_buf *out)
{
    rt_buf_add_str(out, "<section>\n<h2>Due and pending</h2>\n<div class=\"grid\">\n");
    for (int s = 0; s < 2; s++) {
        rt_buf_add_str(out, "<div>\n");
        add_due(&report->side[s], out);
        add_pending(report, &report->side[s], out);
        rt_buf_add_str(out, "</div>\n");
    }
    rt_buf_add_str(out, "</div>\n</section>\n");
}

/* ---- runs ---- */

void rt_report_run_table(const struct rt_report *report, struct rt_buf *out)
{
    rt_buf_add_str(out, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>"
                        "<th scope=\"col\">Command</th><th scope=\"col\">Runs</th>"
                        "<th scope=\"col\">Typical</th><th scope=\"col\">Longest</th>"
                        "<th scope=\"col\">Stopped or failed</th>"
                        "<th scope=\"col\">Did not end</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < report->command_count; i++) {
        const struct rt_report_command *c = &report->commands[i];

        rt_buf_add_str(out, "<tr><th scope=\"row\">");
        rt_html_text(out, c->name);
        rt_buf_add_str(out, "</th><td>");
        rt_html_number(out, (int64_t)c->count + c->unfinished);
        rt_buf_add_str(out, CELL);
        rt_html_seconds(out, c->count ? c->seconds[c->count / 2] : 0);
        rt_buf_add_str(out, CELL);
        rt_html_seconds(out, c->count ? c->seconds[c->count - 1] : 0);
        rt_buf_add_str(out, CELL);
        rt_html_number(out, c->failed);
        rt_buf_add_str(out, CELL);
        rt_html_number(out, c->unfinished);
        rt_buf_add_str(out, "</td></tr>\n");
    }
    rt_buf_add_str(out, "</tbody></table></div>\n");
}
