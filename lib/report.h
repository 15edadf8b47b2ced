/*
 * The figures of a profile over some time, and the page that shows them: self-contained HTML, with
 * no script and nothing from the network.  It names IDs, fields and files, never the values of
 * records.  report_read.c fills the figures from the state; the page is made from them alone.
 */
#ifndef RT_REPORT_H
#define RT_REPORT_H

#include "lib/chart.h"
#include "lib/clock.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/side.h"

#define RT_REPORT_LISTED 100 /* items, and pending inserts of a side, that are named one by one */
#define RT_REPORT_MARK   "<meta name=\"generator\" content=\"roundtrip"

enum rt_report_delivery {
    RT_DELIVERY_OUTBOX,  /* written, not handed over */
    RT_DELIVERY_UNSEEN,  /* handed over, rows of it not seen there yet */
    RT_DELIVERY_OVERDUE, /* the same, for longer than `overdue` */
    RT_DELIVERY_SEEN,    /* every row seen there, or replaced by a later delta */
    RT_DELIVERY_WITHDRAWN
};
#define RT_DELIVERY_COUNT 5

struct rt_report_due {
    const char *action, *reason;
    int64_t rows;
};

struct rt_report_pending { /* an insert, and its ID on the other side */
    const char *id;
    int64_t since, delta;
};

struct rt_report_side {
    const char *label;
    bool shows_imports;
    int64_t *handed[RT_CHART_SERIES]; /* rows by day: inserts, updates, deletes */
    int64_t *came[RT_CHART_SERIES];   /* rows by day: new, changed, in question */
    struct {
        int64_t deltas, rows;
    } deliveries[RT_DELIVERY_COUNT];
    struct rt_report_due *due;
    size_t due_count;
    struct rt_report_pending pending[RT_REPORT_LISTED]; /* the oldest, in order */
    size_t pending_listed;
    int64_t pending_count;
};

struct rt_report_command { /* the ended runs of one command; `seconds` in order once read */
    const char *name;
    int64_t failed, unfinished;
    int64_t *seconds;
    size_t count;
};

struct rt_report_item {
    int64_t number, opened;
    const char *kind, *subject, *fields; /* fields: names, or "" */
};

struct rt_report_kind {
    const char *name, *why;
    int64_t items, oldest;
};

struct rt_report {
    const char *name;
    int64_t now;
    struct rt_chart_days days;
    int level; /* 0, 1, 2, as status --check */
    const char *verdict;
    struct rt_report_side side[2];
    int64_t *longest; /* by day: seconds of the longest run */
    struct rt_report_command *commands;
    size_t command_count;
    struct rt_report_kind *kinds;
    size_t kind_count;
    struct rt_report_item items[RT_REPORT_LISTED]; /* the oldest */
    size_t items_listed;
    int64_t item_count;
    struct rt_arena arena; /* all of it lives here */
};

/* Sets the days from `since` (RT_NEVER: a year, or since the first run) to now, and makes the
 * arrays. */
void rt_report_init(struct rt_report *report, int64_t now, int64_t first_run, int64_t since);
void rt_report_clear(struct rt_report *report);

/* The place of a time in the arrays; false: it is outside. */
bool rt_report_place(const struct rt_report *report, int64_t t, size_t *at);

/* Notes an open item of the review list. */
void rt_report_add_item(struct rt_report *report, const struct rt_report_item *item,
                        const char *why);

int64_t rt_report_sum(const struct rt_report *report, const int64_t *values);

/* The whole page. */
void rt_report_page(const struct rt_report *report, struct rt_buf *out);

/* Its tables (report_tables.c). */
void rt_report_review_table(const struct rt_report *report, struct rt_buf *out);
void rt_report_waiting_tables(const struct rt_report *report, struct rt_buf *out);
void rt_report_run_table(const struct rt_report *report, struct rt_buf *out);

extern const char rt_report_style[];

#endif
