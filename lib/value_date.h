/*
 * Dates and times as text: strptime patterns, read and written in a zone.  Used by value.c,
 * schema_field.c, draft_pair.c and filename.c.
 *
 * A NULL pattern is the default for datetime: 2026-11-21T14:30:00, where a blank may stand for the
 * T, seconds, their fraction (ignored) and the time may be missing, and Z or an offset may follow.
 */
#ifndef RT_VALUE_DATE_H
#define RT_VALUE_DATE_H

#include "lib/mem.h"
#include "lib/slice.h"
#include "lib/zone.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The fields of tm, taken as UTC, as seconds since 1970; false if there is no such day or time. */
bool rt_date_from_tm(const struct tm *tm, int64_t *t);

/* True if the pattern fits the whole text and that is a time.  Blanks around the text are ignored.
 */
bool rt_date_read(struct rt_slice text, const char *pattern, const struct rt_zone *zone,
                  int64_t *t);

/* Appends the time; false, and nothing appended, if it cannot be written.  What the zone moves out
   of the years 1 to 9999 is their first or last second: 9999-12-31 and 0001-01-01 mean "for ever"
   and "never" in many databases, and stay that. */
bool rt_date_write(int64_t t, const char *pattern, const struct rt_zone *zone, struct rt_buf *out);

/* Has the pattern anything finer than a day, or a zone, in it? */
bool rt_date_pattern_has_time(const char *pattern);

/* The finest that it tells, in seconds: 1, 60, 3600 or 86400. */
int64_t rt_date_pattern_unit(const char *pattern);

/* NULL, or why this pattern cannot tell a day. */
const char *rt_date_pattern_fault(const char *pattern);

#endif
