#include "lib/value_date.h"

#include "lib/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_DATE 120            /* bytes of a cell that can be a date at all */
#define FIRST_SECOND (-62135596800) /* 0001-01-01 00:00:00 */
#define LAST_SECOND  253402300799   /* 9999-12-31 23:59:59 */

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool rt_date_from_tm(const struct tm *tm, int64_t *t)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = tm->tm_year + 1900;

    if (year < 1 || year > 9999 || tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1 ||
        tm->tm_mday > days[tm->tm_mon] ||
        (tm->tm_mon == 1 && tm->tm_mday == 29 && !is_leap(year)) || tm->tm_hour < 0 ||
        tm->tm_hour > 23 || tm->tm_min < 0 || tm->tm_min > 59 || tm->tm_sec < 0 || tm->tm_sec > 60)
        return false;
    *t = rt_time_from_civil(year, tm->tm_mon + 1, tm->tm_mday,
                            tm->tm_hour * 3600 + tm->tm_min * 60 + tm->tm_sec);
    return true;
}

/* The conversion character of the directive at p (behind %, flags, width and modifiers); NUL at the
 * end. */
static const char *conversion(const char *p)
{
    p++;
    while (*p && (strchr("_-0^#+EO", *p) || isdigit((unsigned char)*p)))
        p++;
    return p;
}

static bool has_conversion(const char *pattern, const char *set)
{
    for (const char *p = strchr(pattern, '%'); p; p = strchr(p, '%')) {
        p = conversion(p);
        if (*p == '\0')
            return false;
        if (strchr(set, *p))
            return true;
        p++;
    }
    return false;
}

bool rt_date_pattern_has_time(const char *pattern)
{
    return has_conversion(pattern, "HIMSpPRTrcXsklzZ");
}

int64_t rt_date_pattern_unit(const char *pattern)
{
    return has_conversion(pattern, "STcrXs") ? 1
           : has_conversion(pattern, "MR")   ? 60
           : has_conversion(pattern, "HIkl") ? 3600
                                             : 86400;
}

/* Copies without blanks at both ends, NUL-terminated; false if it is too long or holds a NUL. */
static bool copy_trimmed(struct rt_slice text, char out[LONGEST_DATE + 1])
{
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    while (text.len > 0 && *text.ptr == ' ') {
        text.ptr++;
        text.len--;
    }
    if (text.len == 0 || text.len > LONGEST_DATE || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* Z, +01, +0100 or +01:00 to the end of the text. */
static bool read_offset(const char *p, int64_t *offset)
{
    int sign = *p == '-' ? -1 : 1;
    int digits[4] = {0};
    int n = 0;

    if ((*p == 'Z' || *p == 'z') && p[1] == '\0') {
        *offset = 0;
        return true;
    }
    if (*p != '+' && *p != '-')
        return false;
    for (p++; *p && n < 4; p++) {
        if (isdigit((unsigned char)*p))
            digits[n++] = *p - '0';
        else if (*p != ':' || n != 2)
            return false;
    }
    *offset = sign * ((digits[0] * 10 + digits[1]) * 3600 + (digits[2] * 10 + digits[3]) * 60);
    return *p == '\0' && (n == 2 || n == 4) && digits[2] < 6 && digits[0] * 10 + digits[1] <= 15;
}

/* `digits` digits at *p, which moves behind them. */
static bool read_digits(const char **p, int digits, int *value)
{
    *value = 0;
    for (; digits > 0; digits--, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        *value = *value * 10 + (**p - '0');
    }
    return true;
}

static bool read_clock(const char **p, struct tm *tm)
{
    if (!read_digits(p, 2, &tm->tm_hour) || *(*p)++ != ':' || !read_digits(p, 2, &tm->tm_min))
        return false;
    if (**p != ':')
        return true;
    (*p)++;
    if (!read_digits(p, 2, &tm->tm_sec))
        return false;
    if (**p == '.' && isdigit((unsigned char)(*p)[1])) {
        for ((*p)++; isdigit((unsigned char)**p); (*p)++)
            ;
    }
    return true;
}

static bool read_iso(const char *p, const struct rt_zone *zone, int64_t *t)
{
    struct tm tm = {0};
    int64_t offset, local;

    if (!read_digits(&p, 4, &tm.tm_year) || *p++ != '-' || !read_digits(&p, 2, &tm.tm_mon) ||
        *p++ != '-' || !read_digits(&p, 2, &tm.tm_mday))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (*p == 'T' || *p == 't' || *p == ' ') {
        p++;
        if (!read_clock(&p, &tm))
            return false;
    }
    if (!rt_date_from_tm(&tm, &local))
        return false;
    *t = rt_zone_to_utc(zone, local);
    if (*p == '\0')
        return true;
    if (*p == ' ')
        p++;
    if (!read_offset(p, &offset))
        return false;
    *t = local - offset;
    return true;
}

static bool read_seconds(const char *text, int64_t *t)
{
    char *end;

    *t = strtoll(text, &end, 10);
    return *end == '\0' && end != text && *t >= FIRST_SECOND && *t <= LAST_SECOND;
}

/* strptime takes "26" for the year 26 where %Y is asked for: years need their four digits. */
static bool has_full_year(const char *text, int year)
{
    char digits[8];

    if (year >= 1000)
        return true;
    snprintf(digits, sizeof digits, "%04d", year % 10000);
    return strstr(text, digits) != NULL;
}

bool rt_date_read(struct rt_slice text, const char *pattern, const struct rt_zone *zone, int64_t *t)
{
    char cell[LONGEST_DATE + 1];
    struct tm tm = {.tm_mday = 1};
    const char *end;
    int64_t local;

    if (!copy_trimmed(text, cell))
        return false;
    if (pattern == NULL)
        return read_iso(cell, zone, t);
    if (strcmp(pattern, "%s") == 0)
        return read_seconds(cell, t);
    end = strptime(cell, pattern, &tm);
    if (end == NULL || *end != '\0' || !rt_date_from_tm(&tm, &local) ||
        !has_full_year(cell, tm.tm_year + 1900))
        return false;
    if (has_conversion(pattern, "z"))
        *t = local - tm.tm_gmtoff;
    else
        *t = rt_zone_to_utc(zone, local);
    return true;
}

/* strftime writes the year 1 as "1": four digits go into the pattern instead.  Caller frees. */
static char *pattern_of_early_year(const char *pattern, int year)
{
    struct rt_buf out = {0};

    rt_buf_reserve(&out, 1);
    for (const char *p = pattern; *p; p++) {
        const char *c = *p == '%' ? conversion(p) : p;

        switch (*p == '%' ? *c : '\0') {
        case 'Y':
            rt_buf_printf(&out, "%04d", year);
            break;
        case 'F':
            rt_buf_printf(&out, "%04d-%%m-%%d", year);
            break;
        case 'c':
            rt_buf_printf(&out, "%%a %%b %%e %%H:%%M:%%S %04d", year);
            break;
        default:
            rt_buf_add(&out, p, (size_t)(c - p) + (*c != '\0'));
        }
        p = *c ? c : c - 1;
    }
    return out.ptr;
}

/* The pattern comes from the schema, which has tried it out (rt_date_pattern_fault). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static size_t write_tm(char *text, size_t size, const char *pattern, const struct tm *tm)
{
    return strftime(text, size, pattern, tm);
}
#pragma GCC diagnostic pop

static int64_t within_calendar(int64_t t)
{
    return t < FIRST_SECOND ? FIRST_SECOND : t > LAST_SECOND ? LAST_SECOND : t;
}

/* %z tells whole minutes: a local mean time, as of 1930, has seconds that would be lost on the way
   back. */
static int64_t local_time(int64_t t, const char *pattern, const struct rt_zone *zone)
{
    int64_t local = rt_zone_to_local(zone, t);

    return pattern != NULL && has_conversion(pattern, "z") ? local - (local - t) % 60 : local;
}

bool rt_date_write(int64_t t, const char *pattern, const struct rt_zone *zone, struct rt_buf *out)
{
    int64_t local = local_time(t, pattern, zone);
    time_t seconds = (time_t)within_calendar(local);
    char text[4 * LONGEST_DATE];
    char *early = NULL;
    struct tm tm;
    size_t n;

    if (gmtime_r(&seconds, &tm) == NULL)
        return false;
    if (pattern != NULL && strcmp(pattern, "%s") == 0) {
        rt_buf_printf(out, "%" PRId64, within_calendar(t));
        return true;
    }
    tm.tm_gmtoff = local - t;
    if (pattern == NULL)
        pattern = "%Y-%m-%dT%H:%M:%S";
    if (tm.tm_year + 1900 < 1000)
        pattern = early = pattern_of_early_year(pattern, tm.tm_year + 1900);
    n = write_tm(text, sizeof text, pattern, &tm);
    free(early);
    rt_buf_add(out, text, n);
    return n > 0;
}

/* Words why strptime directives in this pattern cannot be relied on (%Z, %s in between), or NULL.
 */
static const char *directives_fault(const char *pattern)
{
    for (const char *p = strchr(pattern, '%'); p; p = strchr(p, '%')) {
        p = conversion(p);
        if (*p == '\0')
            return "it ends in the middle of a % directive";
        if (strchr("aAbBcCdDeFghHIjklmMnpPrRsStTuUVwWxXyYzZ%G", *p) == NULL)
            return "it has a % directive that strptime does not know";
        if (*p == 'Z')
            return "%Z (a zone's name) cannot be read back; use %z or leave the zone to `timezone`";
        if (*p == 's' && strcmp(pattern, "%s") != 0)
            return "%s (seconds since 1970) must stand alone";
        p++;
    }
    return NULL;
}

/* Is what it writes for t read back as a time that is written the same? */
static bool reads_back(const char *pattern, int64_t t, int64_t *back)
{
    struct rt_buf text[2] = {{0}, {0}};
    bool is_same = rt_date_write(t, pattern, NULL, &text[0]) &&
                   rt_date_read(rt_buf_slice(&text[0]), pattern, NULL, back) &&
                   rt_date_write(*back, pattern, NULL, &text[1]) &&
                   rt_slice_is_equal(rt_buf_slice(&text[0]), rt_buf_slice(&text[1]));

    rt_buf_clear(&text[0]);
    rt_buf_clear(&text[1]);
    return is_same;
}

/* Without %p, 02:25 is written for 14:25, and what they type there in the afternoon is the night.
 */
static bool tells_hour(const char *pattern, int64_t afternoon)
{
    int64_t unit = rt_date_pattern_unit(pattern);
    int64_t back = 0;

    return reads_back(pattern, afternoon, &back) && back / unit == afternoon / unit;
}

const char *rt_date_pattern_fault(const char *pattern)
{
    static const int64_t samples[] = {
        1795271132, /* 2026-11-21 14:25:32 */
        539323506,  /* 1987-02-03 04:05:06 */
        -1831234567 /* 1911-12-22, where two digits are not enough */};
    const char *fault = directives_fault(pattern);

    if (strlen(pattern) > LONGEST_DATE / 2)
        return "it is too long";
    for (size_t i = 0; i < sizeof samples / sizeof *samples && fault == NULL; i++) {
        int64_t back = 0;
        bool is_same = reads_back(pattern, samples[i], &back);

        if (i < 2 && back / 86400 != samples[i] / 86400)
            fault = "it does not tell year, month and day; for example %Y-%m-%d does";
        else if (!is_same)
            fault = "what it writes reads back as another time: does it tell a part twice?";
    }
    if (fault == NULL && !tells_hour(pattern, samples[0]))
        fault = "it does not tell the hour: %I needs %p, and minutes need hours";
    return fault;
}
