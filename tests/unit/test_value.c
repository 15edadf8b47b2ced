/*
 * Values: what fits a type, how a value is written for a side, and when two are the same for a
 * side.
 *
 * Fields are described as lines of a schema, so that these tests see what the program sees.
 */
#include "lib/clock.h"
#include "lib/value.h"
#include "lib/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

struct fixture {
    struct rt_config *config;
    struct rt_schema *schema;
    const struct rt_field *f;
};

static int read_codes(void *context, const char *path, struct rt_buf *text, struct rt_err *err)
{
    (void)context;
    (void)err;
    assert_string_equal(path, "codes.csv");
    rt_buf_add_str(text, "external,native\nVisit,V\nMeeting,V\nCall,C\nCall,K\n");
    return 0;
}

/* The field f, given as "type,external_max,native_max,external_format,native_format,values". */
static struct fixture make(const char *line)
{
    const struct rt_schema_files files = {read_codes, NULL};
    struct fixture x = {0};
    struct rt_err err;
    char *text = rt_xasprintf(
        "field,external,native,role,type,external_max,native_max,external_format,native_format,"
        "values\n"
        "e,E,E,external_id,,,,,,\nn,N,N,native_id,,,,,,\nm,M,M,modified_at,,,,,,\nf,F,F,,%s\n",
        line);

    if (rt_config_parse(rt_slice_str("[native]\ntimezone = America/New_York\n"), "roundtrip.ini",
                        "a", &x.config, &err) != 0 ||
        rt_schema_parse(rt_slice_str(text), "schema.csv", x.config, &files, &x.schema, &err) != 0)
        fail_msg("%s", err.msg);
    x.f = rt_schema_find(x.schema, "f");
    free(text);
    return x;
}

static void end(struct fixture *x)
{
    rt_schema_free(x->schema);
    rt_config_free(x->config);
}

static struct rt_value external(const char *text)
{
    return (struct rt_value){rt_slice_str(text), RT_FROM_EXTERNAL};
}

static struct rt_value native(const char *text)
{
    return (struct rt_value){rt_slice_str(text), RT_FROM_NATIVE};
}

static void fits(const struct fixture *x, enum rt_side side, const char *text)
{
    struct rt_err err;

    if (rt_value_check(x->f, side, rt_slice_str(text), &err) != 0)
        fail_msg("%s", err.msg);
}

static void misfits(const struct fixture *x, enum rt_side side, const char *text, const char *words)
{
    struct rt_err err;

    if (rt_value_check(x->f, side, rt_slice_str(text), &err) == 0)
        fail_msg("\"%s\" was taken", text);
    assert_int_equal(err.code, RT_DATA);
    if (strstr(err.msg, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
}

static void renders(const struct fixture *x, struct rt_value value, enum rt_side side,
                    const char *expected)
{
    struct rt_buf out = {0};

    rt_value_render(x->f, value, side, &out);
    assert_string_equal(rt_buf_str(&out), expected);
    rt_buf_clear(&out);
}

/* Also checks that the order does not matter, and that the keys say the same. */
static bool same(const struct fixture *x, enum rt_side side, struct rt_value a, struct rt_value b)
{
    struct rt_buf ka = {0}, kb = {0};
    bool is_same = rt_value_is_same(x->f, side, a, b);

    assert_int_equal(is_same, rt_value_is_same(x->f, side, b, a));
    rt_value_key(x->f, side, a, &ka);
    rt_value_key(x->f, side, b, &kb);
    assert_int_equal(is_same, rt_slice_is_equal(rt_buf_slice(&ka), rt_buf_slice(&kb)));
    rt_buf_clear(&ka);
    rt_buf_clear(&kb);
    return is_same;
}

static void test_text(void **state)
{
    struct fixture x = make("text,,,,,");

    (void)state;
    assert_true(x.f->is_plain);
    fits(&x, RT_EXTERNAL, "any \x01 thing");
    assert_true(same(&x, RT_NATIVE, external("a\r\nb  \r\n"), native("a\nb")));
    assert_true(same(&x, RT_NATIVE, external("a\r\n\r\nb"), native("a\n\nb")));
    assert_false(same(&x, RT_NATIVE, external("a\rb"), native("a\nb")));
    assert_false(same(&x, RT_NATIVE, external("a\r\nb"), native("ab")));
    assert_false(same(&x, RT_NATIVE, external(" a"), native("a")));
    assert_false(same(&x, RT_NATIVE, external("a"), native("A")));
    assert_false(same(&x, RT_NATIVE, external("a"), native("ab")));
    assert_true(same(&x, RT_NATIVE, external(""), native(" \t")));
    renders(&x, external("a \r\n "), RT_NATIVE, "a \r\n ");
    end(&x);
}

static void test_text_lengths(void **state)
{
    struct fixture x = make("text,,4,,,");

    (void)state;
    renders(&x, external("abcdef"), RT_NATIVE, "abcd");
    renders(&x, external("abcdef"), RT_EXTERNAL, "abcdef");
    renders(&x, external("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80x+"), RT_NATIVE,
            "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80x");
    assert_true(same(&x, RT_NATIVE, external("abcdef"), native("abcd")));
    assert_false(same(&x, RT_EXTERNAL, external("abcdef"), native("abcd")));
    assert_false(same(&x, RT_NATIVE, external("abcdef"), native("abc")));
    assert_true(same(&x, RT_NATIVE, external("abcd"), external("abcdef")));
    assert_true(same(&x, RT_NATIVE, external("abc\r\nd"), native("abc")));
    assert_true(rt_value_is_cut(x.f, RT_NATIVE, native("ab"), external("abcdef")));
    assert_false(rt_value_is_cut(x.f, RT_NATIVE, native("abcd"), external("abcdef")));
    assert_false(rt_value_is_cut(x.f, RT_NATIVE, native("ax"), external("abcdef")));
    assert_false(rt_value_is_cut(x.f, RT_NATIVE, native("abcde"), external("abc")));
    assert_true(rt_value_is_cut(x.f, RT_NATIVE, native(""), external("abc")));
    end(&x);
}

/* Cut within a member, it would have one that nobody has entered. */
static void test_set_is_cut_between_members(void **state)
{
    struct fixture x = make("set,,6,,,");

    (void)state;
    renders(&x, external("ab;cd;ef"), RT_NATIVE, "ab;cd");
    renders(&x, external("ab;cde"), RT_NATIVE, "ab;cde");
    renders(&x, external("ab;cde;"), RT_NATIVE, "ab;cde");
    renders(&x, external("ab;cdef"), RT_NATIVE, "ab");
    renders(&x, external("abcdefg;h"), RT_NATIVE, "");
    assert_true(same(&x, RT_NATIVE, external("ab;cdef"), native("ab")));
    assert_false(same(&x, RT_NATIVE, external("ab;cdef"), native("ab;cde")));
    end(&x);
    x = make("set,,5,;,|,");
    renders(&x, external("\xC3\xA4;b; c"), RT_NATIVE, "\xC3\xA4|b|c");
    renders(&x, external("\xC3\xA4;b;cd"), RT_NATIVE, "\xC3\xA4|b");
    end(&x);
}

static void test_unknown(void **state)
{
    struct fixture x = make("text,,,,,");
    struct rt_value unknown = {0};

    (void)state;
    assert_true(rt_value_is_same(x.f, RT_NATIVE, unknown, unknown));
    assert_false(rt_value_is_same(x.f, RT_NATIVE, unknown, native("")));
    assert_false(rt_value_is_same(x.f, RT_NATIVE, external(""), unknown));
    assert_false(rt_value_is_cut(x.f, RT_NATIVE, unknown, external("a")));
    renders(&x, unknown, RT_NATIVE, "");
    end(&x);
}

static void test_id(void **state)
{
    struct fixture x = make("id,,,,,");

    (void)state;
    fits(&x, RT_EXTERNAL, "007");
    fits(&x, RT_EXTERNAL, "12E5");
    fits(&x, RT_EXTERNAL, "");
    misfits(&x, RT_EXTERNAL, "1.23E+15", "\"1.23E+15\" is a damaged ID: a spreadsheet");
    misfits(&x, RT_EXTERNAL, "1,23e+15", "spreadsheet");
    misfits(&x, RT_EXTERNAL, "'007", "begins with '");
    misfits(&x, RT_EXTERNAL, "=\"007\"", "begins with =");
    assert_false(same(&x, RT_NATIVE, external("007"), native("7")));
    assert_false(same(&x, RT_NATIVE, external("7 "), native("7")));
    assert_true(same(&x, RT_NATIVE, external("007"), native("007")));
    end(&x);
}

static void test_codes(void **state)
{
    struct fixture x = make("code,,,,,codes.csv");

    (void)state;
    assert_false(x.f->is_plain);
    fits(&x, RT_EXTERNAL, "Visit");
    fits(&x, RT_EXTERNAL, "");
    misfits(&x, RT_EXTERNAL, "V", "code \"V\" is not in codes.csv: add a line for it there");
    misfits(&x, RT_NATIVE, "Visit", "code \"Visit\"");
    misfits(&x, RT_EXTERNAL, "visit", "code");
    renders(&x, external("Meeting"), RT_NATIVE, "V");
    renders(&x, external("Meeting"), RT_EXTERNAL, "Meeting");
    renders(&x, native("V"), RT_EXTERNAL, "Visit");
    renders(&x, native("K"), RT_EXTERNAL, "Call");
    renders(&x, external("Call"), RT_NATIVE, "C");
    renders(&x, native(""), RT_EXTERNAL, "");
    renders(&x, external(""), RT_NATIVE, "");
    /* two codes that map to one do not fold */
    assert_true(same(&x, RT_NATIVE, external("Visit"), external("Meeting")));
    assert_false(same(&x, RT_EXTERNAL, external("Visit"), external("Meeting")));
    assert_true(same(&x, RT_NATIVE, external("Meeting"), native("V")));
    assert_false(same(&x, RT_EXTERNAL, external("Meeting"), native("V")));
    assert_true(same(&x, RT_EXTERNAL, native("C"), native("K")));
    assert_false(same(&x, RT_NATIVE, native("C"), native("K")));
    end(&x);
    x = make("code,,,,,");
    assert_true(x.f->is_plain);
    fits(&x, RT_EXTERNAL, "anything");
    assert_true(same(&x, RT_NATIVE, external("x"), native("x")));
    assert_false(same(&x, RT_NATIVE, external("x"), native("x ")));
    end(&x);
}

static void test_dates(void **state)
{
    struct fixture x = make("date,,,%m/%d/%Y,%d-%^b-%Y,");

    (void)state;
    fits(&x, RT_EXTERNAL, "11/21/2026");
    fits(&x, RT_EXTERNAL, "");
    fits(&x, RT_NATIVE, "21-NOV-2026");
    fits(&x, RT_NATIVE, "21-nov-2026");
    misfits(&x, RT_EXTERNAL, "31.12.26", "\"31.12.26\" is not a date as %m/%d/%Y");
    misfits(&x, RT_EXTERNAL, "11/21/2026 10:00", "is not a date");
    misfits(&x, RT_EXTERNAL, "02/30/2026", "is not a date");
    misfits(&x, RT_EXTERNAL, "11/21/26", "is not a date");
    renders(&x, external("11/21/2026"), RT_NATIVE, "21-NOV-2026");
    renders(&x, external("1/2/2026"), RT_EXTERNAL, "1/2/2026");
    renders(&x, external("01/01/0001"), RT_NATIVE, "01-JAN-0001");
    renders(&x, external(""), RT_NATIVE, "");
    assert_true(same(&x, RT_NATIVE, external("11/21/2026"), native("21-nov-2026")));
    assert_true(same(&x, RT_EXTERNAL, external("1/2/2026"), external("01/02/2026")));
    assert_false(same(&x, RT_EXTERNAL, external("1/2/2026"), native("01-FEB-2026")));
    assert_false(same(&x, RT_EXTERNAL, external(""), native("01-FEB-2026")));
    assert_true(same(&x, RT_EXTERNAL, external(""), native("")));
    end(&x);
    x = make("date,,,%m/%d/%Y,%d/%m/%Y,"); /* the same bytes are another day there */
    assert_false(same(&x, RT_NATIVE, external("01/02/2026"), native("01/02/2026")));
    assert_true(same(&x, RT_NATIVE, external("01/02/2026"), native("02/01/2026")));
    end(&x);
    x = make("date,,,,%Y-%m-%d,");
    assert_true(x.f->is_plain);
    fits(&x, RT_EXTERNAL, "2026-11-21");
    misfits(&x, RT_EXTERNAL, "26-11-21", "is not a date as %Y-%m-%d");
    misfits(&x, RT_EXTERNAL, "2026-11-21x", "is not a date as %Y-%m-%d");
    renders(&x, external("2026-1-2"), RT_NATIVE, "2026-1-2");
    end(&x);
}

static void test_quoting(void **state)
{
    struct fixture x = make("date,,,,,");
    struct rt_err err;

    (void)state;
    misfits(&x, RT_EXTERNAL, "a\nb", "\"a?b\" is not");
    misfits(&x, RT_EXTERNAL, "123456789012345678901234567890123456789\xC3\xA4zzz",
            "\"123456789012345678901234567890123456789...\" is not");
    assert_int_equal(rt_value_check(x.f, RT_EXTERNAL, rt_slice_from("2026-11-21\0", 11), &err), -1);
    end(&x);
}

static void test_datetimes(void **state)
{
    /* external: ISO in UTC; native: date-only in New York */
    struct fixture x = make("datetime,,,,%Y-%m-%d,");

    (void)state;
    assert_false(x.f->is_plain);
    fits(&x, RT_EXTERNAL, "2026-11-21T14:30:00");
    fits(&x, RT_EXTERNAL, "2026-11-21 14:30:00Z");
    fits(&x, RT_EXTERNAL, "2026-11-21 14:30");
    fits(&x, RT_EXTERNAL, "2026-11-21T14:30:00.123+01:00");
    fits(&x, RT_EXTERNAL, "2026-11-21T14:30:00-0500");
    fits(&x, RT_EXTERNAL, "2026-11-21");
    misfits(&x, RT_EXTERNAL, "2026-11-21T", "is not a time as 2026-11-21T14:30:00");
    misfits(&x, RT_EXTERNAL, "2026-11-21T25:00:00", "is not a time");
    misfits(&x, RT_EXTERNAL, "2026-11-21T14:30:00X", "is not a time");
    misfits(&x, RT_EXTERNAL, "2026-11-31T14:30:00", "is not a time");
    renders(&x, external("2026-11-21T14:30:00"), RT_NATIVE, "2026-11-21");
    renders(&x, external("2026-11-21T02:30:00"), RT_NATIVE, "2026-11-20");
    renders(&x, native("2026-11-21"), RT_EXTERNAL, "2026-11-21T05:00:00");
    renders(&x, native("2026-07-21"), RT_EXTERNAL, "2026-07-21T04:00:00");
    assert_true(same(&x, RT_NATIVE, external("2026-11-21 14:30"), native("2026-11-21")));
    assert_false(same(&x, RT_EXTERNAL, external("2026-11-21 14:30"), native("2026-11-21")));
    assert_true(
        same(&x, RT_EXTERNAL, external("2026-11-21 14:30"), external("2026-11-21T15:30:00+01:00")));
    assert_false(same(&x, RT_NATIVE, external("2026-11-21 14:30"), native("2026-11-22")));
    assert_false(same(&x, RT_NATIVE, external(""), native("2026-11-22")));
    end(&x);
}

static void test_zones(void **state)
{
    struct fixture x = make("datetime,,,%Y-%m-%dT%H:%M:%S%z,%m/%d/%Y %I:%M %p,");

    (void)state;
    renders(&x, external("2026-11-21T14:30:00+0000"), RT_NATIVE, "11/21/2026 09:30 AM");
    renders(&x, external("2026-07-21T14:30:00+02:00"), RT_NATIVE, "07/21/2026 08:30 AM");
    renders(&x, native("11/21/2026 09:30 AM"), RT_EXTERNAL, "2026-11-21T14:30:00+0000");
    assert_true(
        same(&x, RT_NATIVE, external("2026-11-21T14:30:42Z"), native("11/21/2026 9:30 am")));
    assert_false(
        same(&x, RT_EXTERNAL, external("2026-11-21T14:30:42Z"), native("11/21/2026 9:30 am")));
    /* the hour that comes twice: what the native side can say is the same, so it is no change there
     */
    assert_true(
        same(&x, RT_NATIVE, external("2026-11-01T06:30:00Z"), native("11/01/2026 1:30 am")));
    assert_true(
        same(&x, RT_NATIVE, external("2026-11-01T05:30:00Z"), native("11/01/2026 1:30 am")));
    end(&x);
    x = make("datetime,,,,,"); /* the same format, but other zones */
    assert_false(x.f->is_plain);
    renders(&x, external("2026-11-21T14:30:00"), RT_NATIVE, "2026-11-21T09:30:00");
    renders(&x, external("2026-11-21T14:30:00.5Z"), RT_EXTERNAL, "2026-11-21T14:30:00.5Z");
    end(&x);
    x = make("datetime,,,%s,%Y-%m-%d %H:%M:%S,");
    renders(&x, external("1795271400"), RT_NATIVE, "2026-11-21 09:30:00");
    renders(&x, native("2026-11-21 09:30:00"), RT_EXTERNAL, "1795271400");
    misfits(&x, RT_EXTERNAL, "17952714x", "is not a time as %s");
    fits(&x, RT_EXTERNAL, "-62135596800");
    end(&x);
}

/* Databases write "for ever" and "never" so: the zone must not move them out of the calendar. */
static void test_ends_of_calendar(void **state)
{
    struct fixture x = make("datetime,,,,%m/%d/%Y %H:%M,");

    (void)state;
    renders(&x, native("12/31/9999 23:59"), RT_EXTERNAL, "9999-12-31T23:59:59");
    renders(&x, external("0001-01-01T00:00:00"), RT_NATIVE, "01/01/0001 00:00");
    renders(&x, external("9999-12-31T23:59:59-0800"), RT_NATIVE, "12/31/9999 23:59");
    assert_true(same(&x, RT_EXTERNAL, native("12/31/9999 23:59"), external("9999-12-31T23:59:59")));
    end(&x);
    x = make("datetime,,,%s,,");
    renders(&x, native("9999-12-31T23:59:59"), RT_EXTERNAL, "253402300799");
    end(&x);
    x = make("datetime,,,,%c,");
    renders(&x, external("0001-01-01T00:00:00"), RT_NATIVE, "Mon Jan  1 00:00:00 0001");
    end(&x);
}

static void test_zone_table(void **state)
{
    struct rt_zone *zone = rt_zone_new("America/New_York");
    int64_t spring = rt_time_from_civil(2026, 3, 8, 2 * 3600 + 1800); /* 02:30 does not exist */

    (void)state;
    assert_null(rt_zone_new("UTC"));
    assert_true(rt_zone_is_known("America/New_York"));
    assert_true(rt_zone_is_known("UTC"));
    assert_false(rt_zone_is_known("America"));
    assert_false(rt_zone_is_known("Nowhere/At_All"));
    assert_false(rt_zone_is_known(""));
    assert_int_equal(rt_zone_to_utc(zone, spring), spring + 5 * 3600);
    for (int64_t t = rt_time_from_civil(1950, 1, 1, 0); t < rt_time_from_civil(2090, 1, 1, 0);
         t += 999983) {
        int64_t back = rt_zone_to_utc(zone, rt_zone_to_local(zone, t));

        assert_true(back == t || back == t - 3600); /* the earlier of two */
    }
    rt_zone_free(zone);
}

static void test_zone_keeps_tz(void **state)
{
    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    rt_zone_free(rt_zone_new("Europe/Berlin"));
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    unsetenv("TZ");
    rt_zone_free(rt_zone_new("Europe/Berlin"));
    assert_null(getenv("TZ"));
}

static void test_numbers(void **state)
{
    struct fixture x = make("number,,,\"1,234.5\",\"1.234,5\",");

    (void)state;
    fits(&x, RT_EXTERNAL, "1,234.50");
    fits(&x, RT_EXTERNAL, "1234.5");
    fits(&x, RT_EXTERNAL, "-.5");
    fits(&x, RT_EXTERNAL, "+12");
    fits(&x, RT_EXTERNAL, "");
    fits(&x, RT_NATIVE, "1.234,50");
    misfits(&x, RT_EXTERNAL, "12,34.5", "\"12,34.5\" is not a number as 1,234.5");
    misfits(&x, RT_EXTERNAL, "1,2345", "is not a number");
    misfits(&x, RT_EXTERNAL, "1,23,456", "is not a number");
    misfits(&x, RT_EXTERNAL, "1,234,5", "is not a number");
    misfits(&x, RT_EXTERNAL, ",234", "is not a number");
    misfits(&x, RT_EXTERNAL, "1.2.3", "is not a number");
    misfits(&x, RT_EXTERNAL, "-", "is not a number");
    misfits(&x, RT_EXTERNAL, "$5", "is not a number");
    misfits(&x, RT_EXTERNAL, "1e5", "is not a number");
    renders(&x, external("1234567.50"), RT_NATIVE, "1.234.567,50");
    renders(&x, external("-123456"), RT_NATIVE, "-123.456");
    renders(&x, native("1.234,5"), RT_EXTERNAL, "1,234.5");
    renders(&x, external("1234.5"), RT_EXTERNAL, "1234.5");
    assert_true(same(&x, RT_NATIVE, external("1,234.50"), native("1234,5")));
    assert_true(same(&x, RT_NATIVE, external("0012"), native("12,00")));
    assert_true(same(&x, RT_NATIVE, external("-0.0"), native("0")));
    assert_true(same(&x, RT_NATIVE, external(".5"), native("0,50")));
    assert_false(same(&x, RT_NATIVE, external("5"), native("-5")));
    assert_false(same(&x, RT_NATIVE, external("100"), native("1")));
    assert_false(same(&x, RT_NATIVE, external("0"), native("")));
    end(&x);
    x = make("number,,,,1234.5,");
    assert_true(x.f->is_plain);
    assert_true(same(&x, RT_NATIVE, external("1.50"), native("001.5")));
    misfits(&x, RT_EXTERNAL, "1,234", "is not a number as 1234.5");
    end(&x);
}

static void test_booleans(void **state)
{
    struct fixture x = make("boolean,,,,X/,");

    (void)state;
    fits(&x, RT_EXTERNAL, "Y");
    fits(&x, RT_EXTERNAL, "TRUE");
    fits(&x, RT_EXTERNAL, "0");
    fits(&x, RT_EXTERNAL, "");
    misfits(&x, RT_EXTERNAL, "maybe", "\"maybe\" is not Y/N");
    misfits(&x, RT_NATIVE, "Y", "\"Y\" is not X/");
    renders(&x, external("true"), RT_NATIVE, "X");
    renders(&x, external("no"), RT_NATIVE, "");
    renders(&x, native(""), RT_EXTERNAL, "N");
    assert_true(same(&x, RT_EXTERNAL, external("1"), native("x")));
    assert_true(same(&x, RT_EXTERNAL, external("1"), external("Yes")));
    assert_true(same(&x, RT_NATIVE, external(""), external("N")));
    assert_false(same(&x, RT_EXTERNAL, external(""), external("N")));
    assert_true(rt_value_is_yes(x.f, RT_EXTERNAL, rt_slice_str("yes")));
    assert_false(rt_value_is_yes(x.f, RT_EXTERNAL, rt_slice_str("")));
    assert_true(rt_value_is_yes(x.f, RT_NATIVE, rt_slice_str("X")));
    assert_false(rt_value_is_yes(x.f, RT_NATIVE, rt_slice_str("Y")));
    end(&x);
}

static void test_sets(void **state)
{
    struct fixture x = make("set,,,,\", \",");

    (void)state;
    fits(&x, RT_EXTERNAL, ";;");
    misfits(&x, RT_EXTERNAL, "a,b;c", "a member with \",\"");
    misfits(&x, RT_NATIVE, "a;b", "a member with \";\"");
    renders(&x, external("b;a; c"), RT_NATIVE, "b, a, c");
    renders(&x, native("b,a, c"), RT_EXTERNAL, "b;a;c");
    renders(&x, external("b; a"), RT_EXTERNAL, "b; a");
    assert_true(same(&x, RT_NATIVE, external("b;a;b"), native("a,b")));
    assert_true(same(&x, RT_NATIVE, external(""), native(" , ")));
    assert_false(same(&x, RT_NATIVE, external("ab"), native("a,b")));
    assert_false(same(&x, RT_NATIVE, external("a"), native("a,b")));
    end(&x);
}

static void test_time(void **state)
{
    struct fixture x = make("text,,,,,");
    struct rt_err err;
    int64_t t;

    (void)state;
    assert_int_equal(rt_value_time(x.schema->modified_at, RT_NATIVE,
                                   rt_slice_str("2026-11-21 09:30:00"), &t, &err),
                     0);
    assert_int_equal(t, 1795271400);
    assert_int_equal(rt_value_time(x.schema->modified_at, RT_EXTERNAL,
                                   rt_slice_str("2026-11-21T14:30:00Z"), &t, &err),
                     0);
    assert_int_equal(t, 1795271400);
    assert_int_equal(rt_value_time(x.schema->modified_at, RT_NATIVE, rt_slice_str(""), &t, &err),
                     0);
    assert_true(t == RT_NEVER);
    assert_int_equal(rt_value_time(x.schema->modified_at, RT_NATIVE, rt_slice_str("now"), &t, &err),
                     -1);
    assert_int_equal(err.code, RT_DATA);
    end(&x);
}

static void test_id_shapes(void **state)
{
    (void)state;
    assert_false(rt_id_is_long(rt_slice_str("123456789012345")));
    assert_true(rt_id_is_long(rt_slice_str("1234567890123456")));
    assert_false(rt_id_is_long(rt_slice_str("123456789012345x")));
    assert_true(rt_id_is_rounded(rt_slice_str("1234567890123450")));
    assert_true(rt_id_is_rounded(rt_slice_str("12345678901234500")));
    assert_false(rt_id_is_rounded(rt_slice_str("12345678901234501")));
    assert_false(rt_id_is_rounded(rt_slice_str("100000000000000")));
    assert_null(rt_id_damage(rt_slice_str("")));
    assert_null(rt_id_damage(rt_slice_str("E+15")));
    assert_null(rt_id_damage(rt_slice_str("1E+")));
    assert_non_null(rt_id_damage(rt_slice_str("1E+15")));
}

static void joins(const char *a, const char *b, const char *joined)
{
    struct rt_slice parts[2] = {rt_slice_str(a), rt_slice_str(b)}, back[2];
    struct rt_arena arena = {0};
    struct rt_buf out = {0};

    assert_int_equal(rt_id_join(parts, 2, &out), 0);
    assert_string_equal(rt_buf_str(&out), joined);
    assert_int_equal(rt_id_split(rt_buf_slice(&out), 2, &arena, back), 2);
    assert_true(rt_slice_is_equal(parts[0], back[0]));
    assert_true(rt_slice_is_equal(parts[1], back[1]));
    rt_buf_clear(&out);
    rt_arena_clear(&arena);
}

static void test_joined_ids(void **state)
{
    struct rt_slice one = rt_slice_str("a|b\\"), parts[2] = {rt_slice_str("a"), rt_slice_str("")};
    struct rt_arena arena = {0};
    struct rt_buf out = {0};

    (void)state;
    joins("a", "b", "a|b");
    joins("a|", "\\b", "a\\||\\\\b");
    joins("|", "|", "\\||\\|");
    assert_int_equal(rt_id_join(parts, 2, &out), -1);
    assert_int_equal(out.len, 0);
    assert_int_equal(rt_id_join(parts + 1, 1, &out), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(rt_id_join(&one, 1, &out), 0);
    assert_string_equal(rt_buf_str(&out), "a|b\\");
    assert_int_equal(rt_id_split(rt_slice_str("a|b|c"), 2, &arena, parts), 3);
    assert_int_equal(rt_id_split(rt_slice_str("a"), 2, &arena, parts), 1);
    assert_int_equal(rt_id_split(rt_slice_str("a|b"), 1, &arena, parts), 1);
    assert_true(rt_slice_is_str(parts[0], "a|b"));
    rt_buf_clear(&out);
    rt_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_lengths),
        cmocka_unit_test(test_set_is_cut_between_members),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_datetimes),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_zone_table),
        cmocka_unit_test(test_zone_keeps_tz),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_ends_of_calendar),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_id_shapes),
        cmocka_unit_test(test_joined_ids),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
