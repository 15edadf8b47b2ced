/*
 * Names of files: what may come in, what time they tell, what goes out.
 */
#include "lib/clock.h"
#include "lib/filename.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

static void test_matches(void **state)
{
    (void)state;
    assert_true(rt_name_matches("*.csv", "a.csv"));
    assert_false(rt_name_matches("*.csv", "a.csv.part"));
    assert_true(rt_name_matches("*.full.*", "acme.full.csv"));
    assert_false(rt_name_matches("[ab]?.csv", "c1.csv"));
    assert_true(rt_name_matches("[ab]?.csv", "b1.csv"));
}

static void test_faults(void **state)
{
    char longest[202];

    (void)state;
    assert_null(rt_name_fault("acme 2026-11-21.csv"));
    assert_null(rt_name_fault("b\xC3\xBC\x63her.csv"));
    assert_non_null(rt_name_fault(""));
    assert_non_null(rt_name_fault(".hidden"));
    assert_non_null(rt_name_fault("-rf"));
    assert_non_null(rt_name_fault("a/b"));
    assert_non_null(rt_name_fault(".."));
    assert_non_null(rt_name_fault("a\nb"));
    assert_non_null(rt_name_fault("a\x7F"));
    assert_non_null(rt_name_fault("a\xFF"));
    assert_non_null(rt_name_fault("a\xC0\xAF"));
    memset(longest, 'a', sizeof longest);
    longest[201] = '\0';
    assert_non_null(rt_name_fault(longest));
    longest[200] = '\0';
    assert_null(rt_name_fault(longest));
}

static void assert_stamp(const char *pattern, const char *name, const char *expected)
{
    char text[RT_TIME_SIZE];
    int64_t t = RT_NEVER;

    if (!rt_name_stamp(pattern, name, &t))
        assert_int_equal(t, RT_NEVER);
    if (strcmp(rt_time_format(t, text), expected) != 0)
        fail_msg("%s in %s: %s, not %s", pattern, name, text, expected);
}

static void test_stamps(void **state)
{
    (void)state;
    assert_stamp("*%Y-%m-%d*", "acme-2026-11-21.csv", "2026-11-21T00:00:00Z");
    assert_stamp("*%Y-%m-%d*", "2026-11-21.csv", "2026-11-21T00:00:00Z");
    assert_stamp("*%Y-%m-%d*", "2026-11-21", "2026-11-21T00:00:00Z");
    assert_stamp("*%Y-%m-%d.csv", "acme-2026-11-21.csv", "2026-11-21T00:00:00Z");
    assert_stamp("*%Y-%m-%d.csv", "acme-2026-11-21.csv.gz", "-");
    assert_stamp("acme-%Y%m%d.csv", "acme-20261121.csv", "2026-11-21T00:00:00Z");
    assert_stamp("acme-%Y%m%d.csv", "xacme-20261121.csv", "-");
    assert_stamp("*%Y%m%d*", "batch12-20261121.csv", "2026-11-21T00:00:00Z");
    assert_stamp("*%Y%m%dT%H%M%S*", "x-20261121T143005Z.csv", "2026-11-21T14:30:05Z");
    assert_stamp("*%Y%m%d*T%H%M*", "x-20261121-run2-T1430.csv", "2026-11-21T14:30:00Z");
    assert_stamp("*.%m-%d-%Y*", "a.b.11-21-2026.csv", "2026-11-21T00:00:00Z");
    /* no such day: the next place where all fits decides */
    assert_stamp("*%Y-%m-%d*", "2026-02-30-2026-03-01.csv", "2026-03-01T00:00:00Z");
    assert_stamp("*%Y-%m-%d*", "acme.csv", "-");
    assert_stamp("*%Y-%m-%d*", "", "-");
    /* two digits are no year */
    assert_stamp("*%Y-%m-%d*", "26-11-21.csv", "-");
    assert_stamp("*%y-%m-%d*", "26-11-21.csv", "2026-11-21T00:00:00Z");
}

static void test_stamp_patterns(void **state)
{
    (void)state;
    assert_null(rt_stamp_pattern_fault("*%Y-%m-%d*"));
    assert_null(rt_stamp_pattern_fault("*%Y%j*"));
    assert_null(rt_stamp_pattern_fault("x_%d%b%Y_%H%M.csv"));
    assert_non_null(rt_stamp_pattern_fault("*"));
    assert_non_null(rt_stamp_pattern_fault(""));
    assert_non_null(rt_stamp_pattern_fault("*%m-%d*"));
    assert_non_null(rt_stamp_pattern_fault("*%Y-%m*"));
    assert_non_null(rt_stamp_pattern_fault("*%Y-%m-%d %Z*"));
    assert_non_null(rt_stamp_pattern_fault("*%Y-%m-%d%z*"));
    assert_non_null(rt_stamp_pattern_fault("%s"));
    assert_non_null(rt_stamp_pattern_fault("*%Y-%m-%d%"));
    assert_non_null(rt_stamp_pattern_fault("*%Y-%m-%Q*"));
    assert_non_null(rt_stamp_pattern_fault("*%Y*%m*%d***"));
}

static void test_stamp_slack(void **state)
{
    (void)state;
    assert_int_equal(rt_stamp_slack(NULL), 0);
    assert_int_equal(rt_stamp_slack("*%Y%m%dT%H%M%S*"), 0);
    assert_int_equal(rt_stamp_slack("*%F_%T*"), 0);
    assert_int_equal(rt_stamp_slack("*%Y-%m-%dT%H%M*"), 59);
    assert_int_equal(rt_stamp_slack("*%Y-%m-%d-%H*"), 3599);
    assert_int_equal(rt_stamp_slack("*%Y-%m-%d*"), 86399);
    assert_null(rt_stamp_pattern_fault("*%Y-%m-%d_%0H.%0M*"));
    assert_int_equal(rt_stamp_slack("*%Y-%m-%d_%0H.%0M*"), 59);
}

/* Many places to try, and none fits: still at once. */
static void test_stamp_is_bounded(void **state)
{
    char name[201];
    int64_t t;

    (void)state;
    memset(name, '1', 200);
    name[200] = '\0';
    assert_false(rt_name_stamp("*%Y*%m*%dx", name, &t));
}

static void test_output_names(void **state)
{
    struct rt_name_parts parts = {"acme", RT_NATIVE, 1795246200, 42, 1, 1, false};
    char *name = rt_output_name("{profile}-{side}-{stamp}-{delta}.csv", &parts);

    (void)state;
    assert_string_equal(name, "acme-native-20261121T073000Z-000042.csv");
    free(name);
    parts.part = 2;
    parts.parts = 3;
    parts.gzip = true;
    name = rt_output_name("{delta}{stamp}{x}{", &parts);
    assert_string_equal(name, "000042-2of320261121T073000Z{x}{.gz");
    free(name);
}

static void test_name_again(void **state)
{
    char *name = rt_name_again("acme.interactions.csv", 1795246200);
    char *first = rt_name_at_first(name);

    (void)state;
    assert_string_equal(name, "acme-again-20261121T073000Z.interactions.csv");
    assert_string_equal(first, "acme.interactions.csv");
    assert_null(rt_name_at_first(first));
    assert_null(rt_name_at_first("-again-20261121T073000Z.csv"));
    free(first);
    free(name);
}

static void test_output_name_check(void **state)
{
    char *require[] = {(char[]){"*.interactions.*"}, (char[]){"acme*"}};
    char *forbid[] = {(char[]){"*.full.*"}};
    struct rt_side_config side = {.require_name = {require, 2}, .forbid_name = {forbid, 1}};
    struct rt_err err;

    (void)state;
    assert_int_equal(rt_output_name_check(&side, "acme.interactions.1.csv", &err), 0);
    assert_int_equal(rt_output_name_check(&side, "interactions.csv", &err), -1);
    assert_int_equal(err.code, RT_CONFIG);
    assert_non_null(strstr(err.msg, "*.interactions.*"));
    assert_int_equal(rt_output_name_check(&side, "other.interactions.1.csv", &err), -1);
    assert_non_null(strstr(err.msg, "acme*"));
    assert_int_equal(rt_output_name_check(&side, "acme.interactions.full.csv", &err), -1);
    assert_non_null(strstr(err.msg, "*.full.*"));
    assert_int_equal(rt_output_name_check(&side, "acme.interactions./x", &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_stamp_patterns),
        cmocka_unit_test(test_stamp_slack),
        cmocka_unit_test(test_stamp_is_bounded),
        cmocka_unit_test(test_output_names),
        cmocka_unit_test(test_name_again),
        cmocka_unit_test(test_output_name_check),
    };

    return cmocka_run_group_tests_name("filename", tests, NULL, NULL);
}
