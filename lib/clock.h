/*
 * Time.  All times inside the program are whole seconds since 1970, UTC, in int64_t.  Nothing else
 * asks the system for the time.  ROUNDTRIP_NOW=2026-11-21T06:00:00Z stops the clock, for tests.
 */
#ifndef RT_CLOCK_H
#define RT_CLOCK_H

#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>

#define RT_NEVER INT64_MIN /* a time that is not known or has not come */

int64_t rt_clock_now(void); /* ROUNDTRIP_NOW if it is set and right, else the system's time */
int rt_clock_check(struct rt_err *err) RT_MUST_CHECK; /* RT_USAGE: it is set, but is no time */
int64_t rt_clock_of_files(
    void); /* the system's time, which files are stamped with; never stopped */
int64_t rt_clock_stopwatch_ms(
    void); /* to tell how long something took; 0 while the clock is stopped */
int64_t rt_clock_monotonic_ms(void); /* for time limits only; never stopped */

/* "2026-11-21T06:00:00Z" (20 characters and a NUL) and "20261121T060000Z"; "-" for RT_NEVER, and
 * outside the years 0 to 9999. */
#define RT_TIME_SIZE 32
const char *rt_time_format(int64_t t, char out[RT_TIME_SIZE]);
const char *rt_time_format_compact(int64_t t, char out[RT_TIME_SIZE]);

/* Reads "2026-11-21", "2026-11-21T06:00[:00][Z]" or the compact form; true if it is one. */
bool rt_time_parse(const char *text, int64_t *t);

/* Reads an age: "90s", "30m", "36h", "3d", "2w"; a bare number is seconds.  True if it is one. */
bool rt_age_parse(const char *text, int64_t *seconds);

/* Seconds since 1970 of a proleptic Gregorian UTC date; no range check. */
int64_t rt_time_from_civil(int64_t year, int month, int day, int64_t second_of_day);

#endif
