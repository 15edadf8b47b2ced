/*
 * Charts as inline SVG, for people and for those who do not see them: each has a title and a
 * description, and a table under it.  The drawing stretches to the width it is given; its words are
 * HTML beside it, so that they stay readable on a phone.
 */
#ifndef RT_CHART_H
#define RT_CHART_H

#include "lib/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RT_CHART_SERIES 3

/* Which days a chart is about: `count` bars of `step` days each. */
struct rt_chart_days {
    int64_t first; /* days since 1970, UTC */
    size_t count;
    int64_t step;
};

/* A bar for each day, of up to three values above one another. */
struct rt_chart {
    const char *id;    /* of the element: [a-z-] */
    const char *title; /* escaped here */
    const char *unit;  /* "row"; NULL: seconds */
    const struct rt_chart_days *days;
    const char *const *names; /* of the series, ends with NULL */
    const int64_t *const *values;
};
void rt_chart_bars(struct rt_buf *out, const struct rt_chart *chart);

/* One bar that is cut into parts. */
struct rt_chart_part {
    const char *name;  /* of our own, not escaped */
    const char *class; /* its colour */
    int64_t count, rows;
};
struct rt_chart_share {
    const char *id, *title;
    const char *unit; /* what is counted: "delta" */
    const struct rt_chart_part *parts;
    size_t count;
};
void rt_chart_share(struct rt_buf *out, const struct rt_chart_share *share);

#endif
