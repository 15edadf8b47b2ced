#include "lib/report.h"

#include "lib/html.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t last_day(const struct rt_report *report)
{
    int64_t end = report->days.first + (int64_t)report->days.count * report->days.step - 1,
            today = report->now / 86400;

    return end < today ? end : today;
}

/* ---- the head ---- */

static void add_head(const struct rt_report *report, struct rt_buf *out)
{
    rt_buf_add_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                        "'none'; style-src 'unsafe-inline'\">\n" RT_REPORT_MARK " " RT_VERSION
                        "\">\n<title>");
    rt_html_text(out, report->name);
    rt_buf_add_str(out, ": roundtrip report of ");
    rt_html_day(out, report->now / 86400);
    rt_buf_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", rt_report_style);
}

static void add_header(const struct rt_report *report, struct rt_buf *out)
{
    static const char *const words[] = {"All is well", "Look at this", "A person must act"};
    static const char *const classes[] = {"ok", "warning", "critical"};

    rt_buf_add_str(out, "<header>\n<h1>");
    rt_html_text(out, report->name);
    rt_buf_add_str(out, "</h1>\n<p class=\"sub\">");
    rt_html_text(out, report->side[RT_EXTERNAL].label);
    rt_buf_add_str(out, " and ");
    rt_html_text(out, report->side[RT_NATIVE].label);
    rt_buf_add_str(out, ", from ");
    rt_html_day(out, report->days.first);
    rt_buf_add_str(out, " to ");
    rt_html_day(out, last_day(report));
    rt_buf_add_str(out, ". Made ");
    rt_html_time(out, report->now);
    rt_buf_printf(out, ". All times are UTC.</p>\n<p class=\"verdict %s\"><strong>%s</strong> ",
                  classes[report->level], words[report->level]);
    rt_html_text(out, report->verdict);
    rt_buf_add_str(out, "</p>\n</header>\n<main>\n");
}

/* ---- the numbers on top ---- */

static int64_t handed_rows(const struct rt_report *report, enum rt_side side)
{
    int64_t sum = 0;

    for (int i = 0; i < RT_CHART_SERIES; i++)
        sum += rt_report_sum(report, report->side[side].handed[i]);
    return sum;
}

static void end_number(struct rt_buf *out, const char *text, const char *label)
{
    rt_buf_printf(out, "</b> <span>%s", text);
    if (label != NULL)
        rt_html_text(out, label);
    rt_buf_add_str(out, "</span></li>\n");
}

static const struct rt_report_pending *oldest_pending(const struct rt_report *report,
                                                      enum rt_side side)
{
    const struct rt_report_side *s = &report->side[side];

    return s->pending_listed ? &s->pending[0] : NULL;
}

static void add_numbers(const struct rt_report *report, struct rt_buf *out)
{
    int64_t overdue = 0;

    rt_buf_add_str(out, "<ul class=\"numbers\">\n");
    for (int s = 0; s < 2; s++) {
        rt_buf_add_str(out, "<li><b>");
        rt_html_number(out, handed_rows(report, (enum rt_side)s));
        end_number(out, "rows handed over to ", report->side[s].label);
    }
    rt_buf_add_str(out, "<li><b>");
    rt_html_number(out, report->item_count);
    end_number(out, "waiting for review", NULL);
    for (int s = 0; s < 2; s++) {
        const struct rt_report_pending *oldest = oldest_pending(report, (enum rt_side)s);

        overdue += report->side[s].deliveries[RT_DELIVERY_OVERDUE].deltas;
        rt_buf_add_str(out, "<li><b>");
        if (oldest != NULL)
            rt_html_seconds(out, report->now - oldest->since);
        else
            rt_buf_add_str(out, "none");
        end_number(out, "oldest pending insert to ", report->side[s].label);
    }
    rt_buf_add_str(out, "<li><b>");
    rt_html_number(out, overdue);
    end_number(out, overdue == 1 ? "delta overdue" : "deltas overdue", NULL);
    rt_buf_add_str(out, "</ul>\n");
}

/* ---- what flowed ---- */

static void add_chart(const struct rt_report *report, struct rt_buf *out, enum rt_side side,
                      bool is_handed)
{
    static const char *const handed[] = {"inserts", "updates", "deletes", NULL}, *const came[] = {
                                                                                     "new",
                                                                                     "changed",
                                                                                     "in question",
                                                                                     NULL};
    const struct rt_report_side *s = &report->side[side];
    char id[32];
    char *title = rt_xasprintf("%s %s", is_handed ? "Handed over to" : "Came from", s->label);

    snprintf(id, sizeof id, "%s-%s", is_handed ? "to" : "from", rt_side_name(side));
    rt_chart_bars(out, &(struct rt_chart){
                           .id = id,
                           .title = title,
                           .unit = "row",
                           .days = &report->days,
                           .names = is_handed ? handed : came,
                           .values = (const int64_t *const *)(is_handed ? s->handed : s->came)});
    free(title);
}

static void add_flow(const struct rt_report *report, struct rt_buf *out)
{
    rt_buf_add_str(out, "<section>\n<h2>What flowed each day</h2>\n<p>In question: rows that were "
                        "rejected, repeated, clashing, suspected or in conflict, also where a "
                        "policy decided that. Rows that came back unchanged, or as the echo of "
                        "what was sent, are not drawn.</p>\n"
                        "<div class=\"grid\">\n");
    for (int s = 0; s < 2; s++) {
        enum rt_side from = (enum rt_side)s, to = rt_side_other(from);

        add_chart(report, out, from, false);
        add_chart(report, out, to, true);
    }
    rt_buf_add_str(out, "</div>\n</section>\n");
}

/* ---- deliveries, runs ---- */

static void add_deliveries(const struct rt_report *report, struct rt_buf *out)
{
    static const char *const names[] = {"in the outbox", "handed over, not seen there yet",
                                        "overdue", "seen there", "withdrawn"},
                             *const classes[] = {"b", "a", "c", "d", "e"};

    rt_buf_add_str(out, "<section>\n<h2>Deliveries</h2>\n<p>All deltas ever written, by state. "
                        "The rows beside the second and third are those not seen yet.</p>\n"
                        "<div class=\"grid\">\n");
    for (int s = 0; s < 2; s++) {
        const struct rt_report_side *side = &report->side[s];
        struct rt_chart_part parts[RT_DELIVERY_COUNT];
        char *title = rt_xasprintf("Deltas for %s", side->label);

        for (int i = 0; i < RT_DELIVERY_COUNT; i++)
            parts[i] = (struct rt_chart_part){names[i], classes[i], side->deliveries[i].deltas,
                                              side->deliveries[i].rows};
        rt_chart_share(out, &(struct rt_chart_share){.id = s == RT_EXTERNAL ? "deltas-external"
                                                                            : "deltas-native",
                                                     .title = title,
                                                     .unit = "delta",
                                                     .parts = parts,
                                                     .count = RT_DELIVERY_COUNT});
        free(title);
    }
    rt_buf_add_str(out, "</div>\n");
    for (int s = 0; s < 2; s++)
        if (!report->side[s].shows_imports) {
            rt_buf_add_str(out, "<p>The exports of ");
            rt_html_text(out, report->side[s].label);
            rt_buf_add_str(out, " do not show what it imported, so much of it is not seen before "
                                "somebody edits it there. Nothing of it becomes overdue.</p>\n");
        }
    rt_buf_add_str(out, "</section>\n");
}

static void add_runs(const struct rt_report *report, struct rt_buf *out)
{
    static const char *const names[] = {"longest run of the day", NULL};
    const int64_t *values[] = {report->longest};

    rt_buf_add_str(out, "<section>\n<h2>Runs and how long they took</h2>\n"
                        "<p>From the start of the command until what it did was committed.</p>\n");
    rt_chart_bars(out, &(struct rt_chart){.id = "runs",
                                          .title = "Longest run of each day",
                                          .days = &report->days,
                                          .names = names,
                                          .values = values});
    rt_report_run_table(report, out);
    rt_buf_add_str(out, "</section>\n");
}

void rt_report_page(const struct rt_report *report, struct rt_buf *out)
{
    add_head(report, out);
    add_header(report, out);
    add_numbers(report, out);
    rt_report_review_table(report, out);
    add_flow(report, out);
    rt_report_waiting_tables(report, out);
    add_deliveries(report, out);
    add_runs(report, out);
    rt_buf_add_str(out, "</main>\n<footer><p>roundtrip " RT_VERSION
                        ". This page holds IDs and the names of fields and files, but no values of "
                        "records.</p></footer>\n</body>\n</html>\n");
}
