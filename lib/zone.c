#include "lib/zone.h"

#include "lib/clock.h"
#include "lib/mem.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400

struct change {
    int64_t at;     /* from this instant on ... */
    int64_t offset; /* ... local time is this many seconds ahead of UTC */
};

struct rt_zone {
    int64_t first_offset;
    struct change *changes;
    size_t count;
};

static bool is_utc(const char *name)
{
    static const char *const names[] = {"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_zone_name(const char *name)
{
    if (!isalpha((unsigned char)*name) || strlen(name) > 100)
        return false;
    for (const char *p = name; *p; p++) {
        if (!isalnum((unsigned char)*p) && strchr("_+-/", *p) == NULL)
            return false;
    }
    return true;
}

bool rt_zone_is_known(const char *name)
{
    const char *folder = getenv("TZDIR");
    char magic[4];
    char *path;
    bool known;
    int fd;

    if (is_utc(name))
        return true;
    if (!is_zone_name(name))
        return false;
    path = rt_xasprintf("%s/%s", folder ? folder : "/usr/share/zoneinfo", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    known = fd >= 0 && read(fd, magic, sizeof magic) == 4 && memcmp(magic, "TZif", 4) == 0;
    if (fd >= 0)
        close(fd);
    free(path);
    return known;
}

static int64_t system_offset(int64_t utc)
{
    time_t t = (time_t)utc;
    struct tm tm;

    return localtime_r(&t, &tm) ? (int64_t)tm.tm_gmtoff : 0;
}

static void add_change(struct rt_zone *zone, int64_t low, int64_t high)
{
    int64_t before = system_offset(low);

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (system_offset(middle) == before)
            low = middle;
        else
            high = middle;
    }
    zone->changes = rt_xgrow(zone->changes, zone->count, sizeof *zone->changes);
    zone->changes[zone->count++] = (struct change){high, system_offset(high)};
}

static void collect_changes(struct rt_zone *zone)
{
    const int64_t step = 8 * DAY; /* no zone changes twice in a week */
    int64_t last = rt_time_from_civil(2100, 1, 1, 0);
    int64_t from = rt_time_from_civil(1900, 1, 1, 0);
    int64_t offset = system_offset(from);

    zone->first_offset = offset;
    for (int64_t t = from; t < last; t += step) {
        int64_t next = system_offset(t + step);

        if (next != offset)
            add_change(zone, t, t + step);
        offset = next;
    }
}

struct rt_zone *rt_zone_new(const char *name)
{
    const char *set = getenv("TZ");
    struct rt_zone *zone;
    char *saved;

    if (is_utc(name))
        return NULL;
    saved = set ? rt_xstrdup(set) : NULL;
    zone = rt_xcalloc(1, sizeof *zone);
    setenv("TZ", name, 1);
    tzset();
    collect_changes(zone);
    if (saved)
        setenv("TZ", saved, 1);
    else
        unsetenv("TZ");
    tzset();
    free(saved);
    return zone;
}

void rt_zone_free(struct rt_zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->changes);
    free(zone);
}

static int64_t offset_at(const struct rt_zone *zone, int64_t utc)
{
    size_t low = 0,
           high = zone->count; /* changes before low are at or before utc, from high on after */

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (zone->changes[middle].at <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? zone->changes[low - 1].offset : zone->first_offset;
}

int64_t rt_zone_to_local(const struct rt_zone *zone, int64_t utc)
{
    return zone ? utc + offset_at(zone, utc) : utc;
}

int64_t rt_zone_to_utc(const struct rt_zone *zone, int64_t local)
{
    int64_t before, after;

    if (zone == NULL)
        return local;
    before = offset_at(zone, local - DAY);
    after = offset_at(zone, local + DAY);
    if (offset_at(zone, local - before) == before)
        return local - before;
    if (offset_at(zone, local - after) == after)
        return local - after;
    return local - before;
}
