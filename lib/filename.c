#include "lib/filename.h"

#include "lib/clock.h"
#include "lib/utf8.h"
#include "lib/value_date.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define LONGEST_NAME    200
#define LONGEST_PATTERN 100
#define MOST_STARS      4 /* each may try every place in a name */

bool rt_name_matches(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, 0) == 0;
}

const char *rt_name_fault(const char *name)
{
    if (*name == '\0')
        return "it is empty";
    if (strlen(name) > LONGEST_NAME)
        return "it is longer than 200 bytes";
    if (*name == '.')
        return "it begins with a dot";
    if (*name == '-')
        return "it begins with a dash";
    for (const char *p = name; *p; p++) {
        const unsigned char *at = (const unsigned char *)p;

        if (*p == '/' || *p == '\\')
            return "it has a slash in it";
        if (rt_utf8_is_control(at, rt_utf8_length(at, strlen(p))))
            return "it has a control character in it";
    }
    return rt_utf8_is_valid(rt_slice_str(name)) ? NULL : "it is not valid UTF-8";
}

/*
 * Matches the pattern from `pattern` on against all of `name`; what strptime reads goes into *tm.
 * Between two stars the pattern is one piece, which fits at a place or does not.
 */
static bool match_stamp(const char *pattern, const char *name, const struct tm *so_far, int64_t *t)
{
    const char *star = strchr(pattern, '*');
    size_t len = star ? (size_t)(star - pattern) : strlen(pattern);
    char piece[LONGEST_PATTERN + 1];
    struct tm tm = *so_far;
    const char *end;

    memcpy(piece, pattern, len);
    piece[len] = '\0';
    end = strptime(name, piece, &tm);
    if (end == NULL)
        return false;
    if (star == NULL || star[1] == '\0') {
        bool is_whole = star != NULL || *end == '\0';

        /* A year before 1000 is "26" read as %Y, or digits of something else. */
        return is_whole && tm.tm_year + 1900 >= 1000 && rt_date_from_tm(&tm, t);
    }
    for (;; end++) {
        if (match_stamp(star + 1, end, &tm, t))
            return true;
        if (*end == '\0')
            return false;
    }
}

bool rt_name_stamp(const char *pattern, const char *name, int64_t *t)
{
    struct tm tm = {.tm_mday = 1, .tm_year = -1900};
    int64_t found;

    if (strlen(pattern) > LONGEST_PATTERN || strlen(name) > LONGEST_NAME)
        return false;
    if (!match_stamp(pattern, name, &tm, &found))
        return false;
    *t = found;
    return true;
}

const char *rt_stamp_pattern_of(const char *name)
{
    static const char *const patterns[] = {"*%Y-%m-%dT%H%M%S*", "*%Y-%m-%dT%H%M*", "*%Y-%m-%d*",
                                           "*%Y%m%dT%H%M%S*", "*%Y%m%d*"};
    int64_t t, year = 365 * 86400;

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (rt_name_stamp(patterns[i], name, &t) && t > 30 * year && t < 130 * year)
            return patterns[i];
    return NULL;
}

/* The pattern as strptime sees it when the stars stand for nothing. */
static void without_stars(const char *pattern, char *out)
{
    for (; *pattern; pattern++) {
        if (*pattern != '*')
            *out++ = *pattern;
    }
    *out = '\0';
}

const char *rt_stamp_pattern_fault(const char *pattern)
{
    char bare[LONGEST_PATTERN + 1];
    size_t stars = 0;

    if (strlen(pattern) > LONGEST_PATTERN)
        return "it is too long";
    for (const char *p = pattern; *p; p++)
        stars += *p == '*';
    if (stars > MOST_STARS)
        return "it has more than four stars";
    without_stars(pattern, bare);
    if (strstr(bare, "%s") || strstr(bare, "%z"))
        return "%s and %z cannot be used in a stamp, which is in UTC";
    return rt_date_pattern_fault(bare);
}

int64_t rt_stamp_slack(const char *pattern)
{
    return pattern ? rt_date_pattern_unit(pattern) - 1 : 0;
}

static void add_delta(struct rt_buf *out, const struct rt_name_parts *parts)
{
    rt_buf_printf(out, "%06" PRId64, parts->delta);
    if (parts->parts > 1)
        rt_buf_printf(out, "-%uof%u", parts->part, parts->parts);
}

/* Expands the placeholder that p begins with; returns its length, 0 if it is none. */
static size_t expand(const char *p, const struct rt_name_parts *parts, struct rt_buf *out)
{
    static const char *const words[] = {"{profile}", "{side}", "{stamp}", "{delta}"};
    char stamp[RT_TIME_SIZE];
    size_t which = 0;

    while (which < 4 && strncmp(p, words[which], strlen(words[which])) != 0)
        which++;
    switch (which) {
    case 0:
        rt_buf_add_str(out, parts->profile);
        break;
    case 1:
        rt_buf_add_str(out, rt_side_name(parts->side));
        break;
    case 2:
        rt_buf_add_str(out, rt_time_format_compact(parts->written_at, stamp));
        break;
    case 3:
        add_delta(out, parts);
        break;
    default:
        return 0;
    }
    return strlen(words[which]);
}

char *rt_output_name(const char *template, const struct rt_name_parts *parts)
{
    struct rt_buf out = {0};

    rt_buf_reserve(&out, 1);
    out.ptr[0] = '\0';
    while (*template) {
        size_t used = expand(template, parts, &out);

        if (used == 0)
            rt_buf_add_char(&out, *template);
        template += used ? used : 1;
    }
    if (parts->gzip)
        rt_buf_add_str(&out, ".gz");
    return out.ptr;
}

static const char again[] = "-again-"; /* and a time, as 20261121T060000Z */
#define AGAIN_SIZE (sizeof again - 1 + 16)

char *rt_name_again(const char *name, int64_t at)
{
    size_t stem = strcspn(name, ".");
    char stamp[RT_TIME_SIZE];

    return rt_xasprintf("%.*s%s%s%s", (int)stem, name, again, rt_time_format_compact(at, stamp),
                        name + stem);
}

char *rt_name_at_first(const char *name)
{
    size_t stem = strcspn(name, ".");

    if (stem <= AGAIN_SIZE || strncmp(name + stem - AGAIN_SIZE, again, sizeof again - 1) != 0)
        return NULL;
    return rt_xasprintf("%.*s%s", (int)(stem - AGAIN_SIZE), name, name + stem);
}

int rt_output_name_check(const struct rt_side_config *side, const char *name, struct rt_err *err)
{
    const char *fault = rt_name_fault(name);

    if (fault)
        return rt_err_set(
            err, RT_CONFIG,
            "file name \"%s\" cannot be used: %s; change output_name or the profile's name", name,
            fault);
    for (size_t i = 0; i < side->require_name.count; i++) {
        if (!rt_name_matches(side->require_name.items[i], name))
            return rt_err_set(err, RT_CONFIG,
                              "file name \"%s\" does not match require_name \"%s\"; change "
                              "output_name or the profile's name",
                              name, side->require_name.items[i]);
    }
    for (size_t i = 0; i < side->forbid_name.count; i++) {
        if (rt_name_matches(side->forbid_name.items[i], name))
            return rt_err_set(err, RT_CONFIG,
                              "file name \"%s\" matches forbid_name \"%s\"; change output_name or "
                              "the profile's name",
                              name, side->forbid_name.items[i]);
    }
    return 0;
}
