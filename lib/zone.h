/*
 * Time zones by their IANA names.
 *
 * A zone is read once, from the system's zone data, into a table of its changes between 1900 and
 * 2100; from then on it is a value, and converting asks nobody.  While it is read, TZ is set and
 * put back: no other thread may look at local time then.  A NULL zone is UTC.
 */
#ifndef RT_ZONE_H
#define RT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct rt_zone;

/* Does the system know a zone of this name?  UTC is always known. */
bool rt_zone_is_known(const char *name);

/* NULL for UTC.  The name must be known.  Caller frees. */
struct rt_zone *rt_zone_new(const char *name);
void rt_zone_free(struct rt_zone *zone);

/* Local time is counted as if it were UTC: its fields come out of gmtime_r. */
int64_t rt_zone_to_local(const struct rt_zone *zone, int64_t utc);

/* Of a time that occurs twice the first one; a time that is skipped moves on by what was skipped.
 */
int64_t rt_zone_to_utc(const struct rt_zone *zone, int64_t local);

#endif
