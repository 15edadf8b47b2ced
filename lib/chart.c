#include "lib/chart.h"

#include "lib/clock.h"
#include "lib/html.h"

#include <inttypes.h>
#include <stdio.h>

#define HEIGHT 100 /* of the drawing, in its own units; a day is 1 wide */

static const char *const classes[RT_CHART_SERIES] = {"a", "b", "c"};

/* ---- what a chart shows ---- */

struct facts {
    size_t series;
    int64_t total[RT_CHART_SERIES], all; /* for seconds: the largest */
    int64_t most;
    size_t most_at, empty;
    int64_t top; /* of the axis */
};

static int64_t bar(const struct rt_chart *chart, size_t series, size_t at)
{
    int64_t sum = 0;

    for (size_t s = 0; s < series; s++)
        sum += chart->values[s][at];
    return sum;
}

/* The next 1, 2 or 5 times a power of ten, so that the halves are whole. */
static int64_t round_up(int64_t most)
{
    static const int steps[] = {2, 4, 10};
    int64_t unit = 1;

    for (;; unit *= 10)
        for (int i = 0; i < 3; i++)
            if (steps[i] * unit >= most)
                return steps[i] * unit;
}

static struct facts look(const struct rt_chart *chart)
{
    struct facts f = {0};

    while (f.series < RT_CHART_SERIES && chart->names[f.series] != NULL)
        f.series++;
    for (size_t i = 0; i < chart->days->count; i++) {
        int64_t sum = bar(chart, f.series, i);

        for (size_t s = 0; s < f.series; s++)
            f.total[s] += chart->values[s][i];
        f.all += sum;
        f.empty += sum == 0;
        if (sum > f.most) {
            f.most = sum;
            f.most_at = i;
        }
    }
    f.top = round_up(f.most);
    return f;
}

static void add_value(struct rt_buf *out, const struct rt_chart *chart, int64_t value)
{
    if (chart->unit == NULL)
        rt_html_seconds(out, value);
    else
        rt_html_number(out, value);
}

static int64_t day_at(const struct rt_chart *chart, size_t at)
{
    return chart->days->first + (int64_t)at * chart->days->step;
}

/* ---- words around the drawing ---- */

static void add_legend(struct rt_buf *out, const struct rt_chart *chart, const struct facts *f)
{
    if (f->series == 1)
        return; /* the title says it */
    rt_buf_add_str(out, "<p class=\"legend\">");
    for (size_t s = 0; s < RT_CHART_SERIES && chart->names[s] != NULL; s++) {
        rt_buf_printf(out, "<span><i class=\"k %s\"></i>", classes[s]);
        if (chart->unit != NULL) {
            rt_html_number(out, f->total[s]);
            rt_buf_add_char(out, ' ');
        }
        rt_buf_printf(out, "%s</span>\n", chart->names[s]);
    }
    rt_buf_add_str(out, "</p>\n");
}

static void add_title(struct rt_buf *out, const struct rt_chart *chart, const struct facts *f)
{
    rt_buf_printf(out, "<title id=\"%s-t\">", chart->id);
    rt_html_text(out, chart->title);
    rt_buf_printf(out, "</title><desc id=\"%s-d\">Bars from ", chart->id);
    rt_html_day(out, chart->days->first);
    rt_buf_add_str(out, " to ");
    rt_html_day(out, day_at(chart, chart->days->count) - 1);
    if (f->most == 0)
        rt_buf_add_str(out, ": nothing on any day.");
    else {
        rt_buf_add_str(out, ": ");
        if (chart->unit != NULL) {
            rt_html_count(out, f->all, chart->unit);
            rt_buf_add_str(out, " in all, ");
        }
        rt_buf_add_str(out, "the most from ");
        rt_html_day(out, day_at(chart, f->most_at));
        rt_buf_add_str(out, ": ");
        add_value(out, chart, f->most);
        rt_buf_printf(out, "; %zu of %zu bars are empty.", f->empty, chart->days->count);
    }
    rt_buf_add_str(out, " The table below has all of it.</desc>\n");
}

static void add_y_axis(struct rt_buf *out, const struct rt_chart *chart, const struct facts *f)
{
    rt_buf_add_str(out, "<div class=\"y\" aria-hidden=\"true\">");
    for (int half = 2; half >= 0; half--) {
        rt_buf_add_str(out, "<span>");
        add_value(out, chart, f->top * half / 2);
        rt_buf_add_str(out, "</span>");
    }
    rt_buf_add_str(out, "</div>\n");
}

static void add_x_label(struct rt_buf *out, const struct rt_chart *chart, int64_t day,
                        const char *text)
{
    double width = (double)((int64_t)chart->days->count * chart->days->step);
    double left = 100 * (double)(day - chart->days->first) / width;

    if (left <= 97)
        rt_buf_printf(out, "<span style=\"left:%.2f%%\">%s</span>", left, text);
}

/* Each week of a short time, each month of a year, each January of longer ones. */
static void add_x_axis(struct rt_buf *out, const struct rt_chart *chart)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t days = (int64_t)chart->days->count * chart->days->step;
    char text[RT_TIME_SIZE], label[32];

    rt_buf_printf(out, "<div class=\"x%s\" aria-hidden=\"true\">", days > 200 ? " many" : "");
    for (int64_t i = 0; i < days; i++) {
        int month, day;

        rt_time_format((chart->days->first + i) * 86400, text);
        month = (text[5] - '0') * 10 + text[6] - '0';
        day = (text[8] - '0') * 10 + text[9] - '0';
        if (days <= 62 && i % (days <= 14 ? 2 : 7) == 0)
            snprintf(label, sizeof label, "%.3s %d", months + 3 * (month - 1), day);
        else if (days > 800 && day == 1 && month == 1)
            snprintf(label, sizeof label, "%.4s", text);
        else if (days > 62 && days <= 800 && day == 1)
            snprintf(label, sizeof label, "%.3s", months + 3 * (month - 1));
        else
            continue;
        add_x_label(out, chart, chart->days->first + i, label);
    }
    rt_buf_add_str(out, "</div>\n");
}

/* ---- the drawing ---- */

static void add_bar(struct rt_buf *out, const struct rt_chart *chart, const struct facts *f,
                    size_t at)
{
    double width = chart->days->count > 120 ? 1 : 0.8, y = HEIGHT;

    rt_buf_add_str(out, "<g><title>");
    rt_html_day(out, day_at(chart, at));
    for (size_t s = 0; s < f->series; s++) {
        rt_buf_printf(out, "%s", s ? ", " : ": ");
        add_value(out, chart, chart->values[s][at]);
        if (chart->unit != NULL)
            rt_buf_printf(out, " %s", chart->names[s]);
    }
    rt_buf_add_str(out, "</title>");
    for (size_t s = 0; s < f->series; s++) {
        double height = (double)chart->values[s][at] * HEIGHT / (double)f->top;

        if (chart->values[s][at] == 0)
            continue;
        y -= height;
        rt_buf_printf(out,
                      "<rect class=\"%s\" x=\"%.4g\" y=\"%.2f\" width=\"%.2g\" height=\"%.2f\"/>",
                      classes[s], (double)at + (1 - width) / 2, y, width, height);
    }
    rt_buf_add_str(out, "</g>\n");
}

static void add_drawing(struct rt_buf *out, const struct rt_chart *chart, const struct facts *f)
{
    size_t count = chart->days->count;

    rt_buf_printf(out,
                  "<svg role=\"img\" aria-labelledby=\"%s-t %s-d\" viewBox=\"0 0 %zu %d\" "
                  "preserveAspectRatio=\"none\">\n",
                  chart->id, chart->id, count, HEIGHT);
    add_title(out, chart, f);
    rt_buf_printf(out, "<path class=\"lines\" d=\"M0 0H%zuM0 50H%zuM0 100H%zu\"/>\n", count, count,
                  count);
    for (size_t i = 0; i < count; i++)
        if (bar(chart, f->series, i) > 0)
            add_bar(out, chart, f, i);
    rt_buf_add_str(out, "</svg>\n");
}

/* ---- the table under it ---- */

static void add_row(struct rt_buf *out, const struct rt_chart *chart, const struct facts *f,
                    size_t at)
{
    rt_buf_add_str(out, "<tr><th scope=\"row\">");
    rt_html_day(out, day_at(chart, at));
    rt_buf_add_str(out, "</th>");
    for (size_t s = 0; s < f->series; s++) {
        rt_buf_add_str(out, "<td>");
        add_value(out, chart, chart->values[s][at]);
        rt_buf_add_str(out, "</td>");
    }
    rt_buf_add_str(out, "</tr>\n");
}

static void add_table(struct rt_buf *out, const struct rt_chart *chart, const struct facts *f)
{
    rt_buf_printf(out,
                  "<details><summary>As a table</summary><div class=\"scroll\" tabindex=\"0\">"
                  "<table>\n<thead><tr><th scope=\"col\">%s</th>",
                  chart->days->step == 1 ? "Day" : "Week from");
    for (size_t s = 0; s < f->series; s++)
        rt_buf_printf(out, "<th scope=\"col\">%s</th>", chart->names[s]);
    rt_buf_add_str(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = chart->days->count; i-- > 0;)
        if (bar(chart, f->series, i) > 0)
            add_row(out, chart, f, i);
    rt_buf_add_str(out, "</tbody></table></div></details>\n");
}

void rt_chart_bars(struct rt_buf *out, const struct rt_chart *chart)
{
    struct facts f = look(chart);

    rt_buf_printf(out, "<figure id=\"%s\"><figcaption>", chart->id);
    rt_html_text(out, chart->title);
    rt_buf_add_str(out, "</figcaption>\n");
    if (f.most == 0) {
        rt_buf_add_str(out, "<p class=\"none\">Nothing on any of these days.</p></figure>\n");
        return;
    }
    add_legend(out, chart, &f);
    rt_buf_add_str(out, "<div class=\"plot\">\n");
    add_y_axis(out, chart, &f);
    add_drawing(out, chart, &f);
    add_x_axis(out, chart);
    rt_buf_add_str(out, "</div>\n");
    add_table(out, chart, &f);
    rt_buf_add_str(out, "</figure>\n");
}

/* ---- one bar in parts ---- */

static void add_parts(struct rt_buf *out, const struct rt_chart_share *share, int64_t all)
{
    double x = 0;

    rt_buf_printf(out,
                  "<svg class=\"share\" role=\"img\" aria-labelledby=\"%s-t %s-d\" "
                  "viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\"><title id=\"%s-t\">",
                  share->id, share->id, share->id);
    rt_html_text(out, share->title);
    rt_buf_printf(out, "</title><desc id=\"%s-d\">", share->id);
    rt_html_count(out, all, share->unit);
    for (size_t i = 0; i < share->count; i++)
        rt_buf_printf(out, "%s%" PRId64 " %s", i ? ", " : ": ", share->parts[i].count,
                      share->parts[i].name);
    rt_buf_add_str(out, ".</desc>\n");
    for (size_t i = 0; i < share->count; i++) {
        double width = 100 * (double)share->parts[i].count / (double)all;

        if (share->parts[i].count)
            rt_buf_printf(out,
                          "<rect class=\"%s\" x=\"%.3f\" y=\"0\" width=\"%.3f\" height=\"10\"/>",
                          share->parts[i].class, x, width);
        x += width;
    }
    rt_buf_add_str(out, "</svg>\n");
}

void rt_chart_share(struct rt_buf *out, const struct rt_chart_share *share)
{
    int64_t all = 0;

    for (size_t i = 0; i < share->count; i++)
        all += share->parts[i].count;
    rt_buf_printf(out, "<figure id=\"%s\"><figcaption>", share->id);
    rt_html_text(out, share->title);
    rt_buf_add_str(out, "</figcaption>\n");
    if (all == 0) {
        rt_buf_printf(out, "<p class=\"none\">No %ss yet.</p></figure>\n", share->unit);
        return;
    }
    add_parts(out, share, all);
    rt_buf_printf(out,
                  "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th "
                  "scope=\"col\">State</th><th scope=\"col\">%c%ss</th>"
                  "<th scope=\"col\">Rows</th></tr></thead><tbody>\n",
                  share->unit[0] - 'a' + 'A', share->unit + 1);
    for (size_t i = 0; i < share->count; i++) {
        const struct rt_chart_part *part = &share->parts[i];

        rt_buf_printf(out, "<tr><th scope=\"row\"><i class=\"k %s\"></i>%s</th><td>", part->class,
                      part->name);
        rt_html_number(out, part->count);
        rt_buf_add_str(out, "</td><td>");
        rt_html_number(out, part->rows);
        rt_buf_add_str(out, "</td></tr>\n");
    }
    rt_buf_add_str(out, "</tbody></table></div></figure>\n");
}
