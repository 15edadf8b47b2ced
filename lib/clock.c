#include "lib/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t rt_time_from_civil(int64_t year, int month, int day, int64_t second_of_day)
{
    /* Days since 1970-03-01 shifted years: months counted from March, so that the leap day is last.
     */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return (era * 146097 + doe - 719468) * 86400 + second_of_day;
}

/* year, month, day, hour, minute, second */
static bool is_date(const int part[6])
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return part[0] >= 1 && part[1] >= 1 && part[1] <= 12 && part[2] >= 1 &&
           part[2] <= days[part[1] - 1] && part[3] <= 23 && part[4] <= 59 && part[5] <= 60 &&
           (part[1] != 2 || part[2] < 29 ||
            (part[0] % 4 == 0 && (part[0] % 100 != 0 || part[0] % 400 == 0)));
}

/* Matches `text` against a pattern in which '9' stands for a digit; collects the digits. */
static bool match_digits(const char *text, const char *pattern, char digits[15])
{
    size_t n = 0;

    for (; *pattern; text++, pattern++) {
        if (*pattern == '9') {
            if (!isdigit((unsigned char)*text))
                return false;
            digits[n++] = *text;
        } else if (*text != *pattern) {
            return false;
        }
    }
    while (n < 14)
        digits[n++] = '0';
    digits[14] = '\0';
    return *text == '\0';
}

bool rt_time_parse(const char *text, int64_t *t)
{
    static const char *const patterns[] = {
        "9999-99-99",          "9999-99-99T99:99Z",   "9999-99-99T99:99", "9999-99-99T99:99:99Z",
        "9999-99-99T99:99:99", "9999-99-99 99:99:99", "9999-99-99 99:99", "99999999T999999Z",
    };
    char digits[15];
    int part[6];

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        if (!match_digits(text, patterns[i], digits))
            continue;
        sscanf(digits, "%4d%2d%2d%2d%2d%2d", &part[0], &part[1], &part[2], &part[3], &part[4],
               &part[5]);
        if (!is_date(part))
            return false;
        *t = rt_time_from_civil(part[0], part[1], part[2], part[3] * 3600 + part[4] * 60 + part[5]);
        return true;
    }
    return false;
}

bool rt_age_parse(const char *text, int64_t *seconds)
{
    int64_t n = 0;
    size_t i = 0;

    for (; i < 10 && isdigit((unsigned char)text[i]); i++)
        n = n * 10 + (text[i] - '0');
    if (i == 0)
        return false;
    switch (text[i]) {
    case '\0':
        *seconds = n;
        return true;
    case 's':
        break;
    case 'm':
        n *= 60;
        break;
    case 'h':
        n *= 3600;
        break;
    case 'd':
        n *= 86400;
        break;
    case 'w':
        n *= 604800;
        break;
    default:
        return false;
    }
    *seconds = n;
    return text[i + 1] == '\0';
}

int rt_clock_check(struct rt_err *err)
{
    const char *set = getenv("ROUNDTRIP_NOW");
    int64_t t;

    if (set == NULL || *set == '\0' || rt_time_parse(set, &t))
        return 0;
    return rt_err_set(err, RT_USAGE, "ROUNDTRIP_NOW is not a time like 2026-11-21T06:00:00Z");
}

int64_t rt_clock_now(void)
{
    const char *set = getenv("ROUNDTRIP_NOW");
    int64_t t;

    if (set != NULL && rt_time_parse(set, &t))
        return t;
    return (int64_t)time(NULL);
}

int64_t rt_clock_of_files(void)
{
    return (int64_t)time(NULL);
}

int64_t rt_clock_stopwatch_ms(void)
{
    const char *set = getenv("ROUNDTRIP_NOW");

    return set != NULL && *set ? 0 : rt_clock_monotonic_ms();
}

int64_t rt_clock_monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *rt_time_format(int64_t t, char out[RT_TIME_SIZE])
{
    time_t clock = (time_t)t;
    struct tm tm;

    if (t == RT_NEVER || gmtime_r(&clock, &tm) == NULL || tm.tm_year < -1900 ||
        tm.tm_year > 9999 - 1900) {
        strcpy(out, "-");
    } else { /* of the year 900, strftime would write three digits */
        snprintf(out, RT_TIME_SIZE, "%04d", tm.tm_year + 1900);
        strftime(out + 4, RT_TIME_SIZE - 4, "-%m-%dT%H:%M:%SZ", &tm);
    }
    return out;
}

const char *rt_time_format_compact(int64_t t, char out[RT_TIME_SIZE])
{
    char *to = out;

    rt_time_format(t, out);
    for (const char *from = out; *from; from++)
        if (*from != '-' && *from != ':')
            *to++ = *from;
    *to = '\0';
    return out;
}
