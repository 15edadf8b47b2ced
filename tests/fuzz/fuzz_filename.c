/*
 * Names of files and patterns: the first line of an input is a pattern, the second one a name, the
 * third one a template.
 *
 * A name that may come in has nothing that leads out of a folder or that a terminal obeys.  A time
 * that a pattern finds is told by digits that stand in the name.  A pattern that a name asks for
 * reads it.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/clock.h"
#include "lib/filename.h"
#include "lib/mem.h"

#include <ctype.h>
#include <time.h>

static void need_good_name(const char *name)
{
    fuzz_need(name[0] && name[0] != '.' && name[0] != '-', "a name begins as one");
    fuzz_need(strlen(name) <= 200, "a name has at most 200 bytes");
    for (const char *p = name; *p; p++)
        fuzz_need(*p != '/' && (unsigned char)*p >= 0x20 && *p != 0x7f, "a name has no such byte");
}

static bool has_number(const char *name, int number)
{
    char text[16];

    snprintf(text, sizeof text, "%d", number);
    return strstr(name, text) != NULL;
}

/* Of patterns with year, month and day in figures. */
static void need_time_of_name(const char *pattern, const char *name, int64_t t)
{
    time_t seconds = (time_t)t;
    struct tm tm;

    fuzz_need(gmtime_r(&seconds, &tm) != NULL, "a stamp is a time");
    if (strstr(pattern, "%Y") && strchr(strstr(pattern, "%Y") + 2, '%') && !strstr(pattern, "%C"))
        fuzz_need(has_number(name, tm.tm_year + 1900) || strstr(pattern, "%y") ||
                      strstr(strstr(pattern, "%Y") + 2, "%Y") || strpbrk(pattern, "cDFxGgEO"),
                  "the year stands in the name");
    if (strstr(pattern, "%Y%m%d") && !strpbrk(pattern, "cDFxGgEOjUWCyeRTrXHIMSpk"))
        fuzz_need(has_number(name, tm.tm_mday), "the day stands in the name");
}

static void try_stamp(const char *pattern, const char *name)
{
    int64_t t = RT_NEVER, again = RT_NEVER;
    const char *asked;

    if (rt_stamp_pattern_fault(pattern) == NULL && rt_name_stamp(pattern, name, &t)) {
        fuzz_need(rt_name_stamp(pattern, name, &again) && t == again, "a name tells one time");
        need_time_of_name(pattern, name, t);
    }
    asked = rt_stamp_pattern_of(name);
    if (asked != NULL)
        fuzz_need(rt_stamp_pattern_fault(asked) == NULL && rt_name_stamp(asked, name, &t),
                  "the pattern that a name asks for reads it");
}

static void try_output(const char *template)
{
    struct rt_name_parts parts = {"p", RT_NATIVE, 1795000000, 42, 1, 1, false};
    struct rt_side_config side = {.label = (char *)(uintptr_t) "n"};
    char *name = rt_output_name(template, &parts), *next;
    struct rt_err err = {0};

    if (rt_output_name_check(&side, name, &err) < 0)
        fuzz_need_error(&err, RT_CONFIG);
    else
        need_good_name(name);
    parts.delta++;
    next = rt_output_name(template, &parts);
    fuzz_need((strcmp(name, next) != 0) == (strstr(template, "{delta}") != NULL),
              "names with the running number are new");
    free(next);
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_slice input = rt_slice_from(data, size);
    struct rt_slice lines[3];
    char *text[3];

    for (int i = 0; i < 3; i++) {
        lines[i] = fuzz_until(&input, '\n');
        text[i] = rt_xstrndup(lines[i].ptr ? lines[i].ptr : "", lines[i].len);
    }
    if (rt_name_fault(text[1]) == NULL)
        need_good_name(text[1]);
    fuzz_need(rt_name_matches("*", text[1]), "a star matches all names");
    (void)rt_name_matches(text[0], text[1]);
    try_stamp(text[0], text[1]);
    try_output(text[2]);
    for (int i = 0; i < 3; i++)
        free(text[i]);
    return 0;
}
