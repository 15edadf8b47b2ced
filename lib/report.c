#include "lib/report.h"

#define DAY       86400
#define YEAR      365
#define MOST_DAYS 400 /* a longer time is shown by weeks */

static int64_t day_of(int64_t t)
{
    return t / DAY - (t % DAY < 0);
}

static int64_t *zeros(struct rt_report *report)
{
    return rt_arena_alloc(&report->arena, report->days.count * sizeof(int64_t));
}

void rt_report_init(struct rt_report *report, int64_t now, int64_t first_run, int64_t since)
{
    int64_t today = day_of(now), first = today - YEAR + 1, days;

    *report = (struct rt_report){.now = now};
    if (first_run != RT_NEVER && day_of(first_run) > first)
        first = day_of(first_run);
    if (since != RT_NEVER)
        first = day_of(since);
    if (first > today - 6) /* a week at least: less is no chart */
        first = today - 6;
    days = today - first + 1;
    report->days.step = days > MOST_DAYS ? 7 : 1;
    report->days.first = first;
    report->days.count = (size_t)((days + report->days.step - 1) / report->days.step);
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < RT_CHART_SERIES; i++) {
            report->side[s].handed[i] = zeros(report);
            report->side[s].came[i] = zeros(report);
        }
    report->longest = zeros(report);
}

void rt_report_clear(struct rt_report *report)
{
    rt_arena_clear(&report->arena);
}

bool rt_report_place(const struct rt_report *report, int64_t t, size_t *at)
{
    int64_t day = day_of(t) - report->days.first;

    *at = (size_t)(day / report->days.step);
    return t != RT_NEVER && day >= 0 && *at < report->days.count;
}

static struct rt_report_kind *find_kind(struct rt_report *report, const char *name, const char *why)
{
    for (size_t i = 0; i < report->kind_count; i++)
        if (strcmp(report->kinds[i].name, name) == 0)
            return &report->kinds[i];
    report->kinds =
        rt_arena_grow(&report->arena, report->kinds, report->kind_count, sizeof *report->kinds);
    report->kinds[report->kind_count] =
        (struct rt_report_kind){.name = name, .why = why, .oldest = INT64_MAX};
    return &report->kinds[report->kind_count++];
}

void rt_report_add_item(struct rt_report *report, const struct rt_report_item *item,
                        const char *why)
{
    struct rt_report_kind *kind = find_kind(report, item->kind, why);

    kind->items++;
    if (item->opened < kind->oldest)
        kind->oldest = item->opened;
    report->item_count++;
    if (report->items_listed < RT_REPORT_LISTED)
        report->items[report->items_listed++] = *item;
}

int64_t rt_report_sum(const struct rt_report *report, const int64_t *values)
{
    int64_t sum = 0;

    for (size_t i = 0; i < report->days.count; i++)
        sum += values[i];
    return sum;
}
