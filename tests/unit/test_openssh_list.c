/* The listings that the sftp program prints, and the paths that it is given. */
#include "lib/remote_openssh.h"

#include "lib/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define NOW  1795298400 /* 2026-11-21T22:00:00Z */
#define MARK "# 0123"
#define OPEN "sftp> " MARK "\nsftp> ls -lna\n"
#define SHUT "sftp> " MARK "\n"

static const char listing[] =
    "sftp> cd \"exports\"\n" OPEN "drwxr-xr-x    ? 0        0            4096 Nov 21 21:50 .\n"
    "drwxr-xr-x    ? 0        0            4096 Nov 21 21:50 ..\n"
    "-rw-r--r--    ? 1000     1000            5 Nov 21 21:59 b.csv\n"
    "-rw-r--r--    1 1000     1000   5000000000 Nov  3  2025  a  name .csv\n"
    "lrwxrwxrwx    ? 0        0               1 Dec 31 23:59 link\n" SHUT
    "sftp> get \"b.csv\" \"x\"\n"
    "Fetching /exports/b.csv to x\n" OPEN
    "-rw-r--r--    ? 1000     1000            6 Nov 21 22:00 b.csv\n" SHUT;

static void test_two_listings(void **state)
{
    struct rt_slice rest = rt_slice_str(listing);
    struct rt_remote_list list;
    struct rt_err err;
    char text[RT_TIME_SIZE];

    (void)state;
    assert_int_equal(rt_openssh_parse_list(&rest, MARK, NOW, &list, &err), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.entries[0].name, " a  name .csv");
    assert_int_equal(list.entries[0].size, 5000000000);
    assert_string_equal(rt_time_format(list.entries[0].mtime, text), "2025-11-03T23:59:59Z");
    assert_string_equal(list.entries[1].name, "b.csv");
    assert_true(list.entries[1].is_regular);
    assert_string_equal(rt_time_format(list.entries[1].mtime, text), "2026-11-21T21:59:59Z");
    assert_false(list.entries[2].is_regular);
    assert_string_equal(rt_time_format(list.entries[2].mtime, text), "2025-12-31T23:59:59Z");
    rt_remote_list_clear(&list);
    assert_int_equal(rt_openssh_parse_list(&rest, MARK, NOW, &list, &err), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.entries[0].size, 6);
    rt_remote_list_clear(&list);
    assert_int_equal(rt_openssh_parse_list(&rest, MARK, NOW, &list, &err), -1);
}

static void test_the_same_file(void **state)
{
    struct rt_remote_entry minute = {.size = 5, .mtime = NOW + 59}, other = minute, longer = minute,
                           day = {.size = 5, .mtime = 1795305599}; /* 2026-11-21T23:59:59Z */

    (void)state;
    other.mtime += 60;
    longer.size++;
    assert_true(rt_openssh_is_same(&minute, &minute));
    assert_false(rt_openssh_is_same(&minute, &other));
    assert_false(rt_openssh_is_same(&minute, &longer));
    assert_true(rt_openssh_is_same(&day, &minute)); /* written just before the first look */
    assert_true(rt_openssh_is_same(&minute, &day)); /* half a year old at the second */
    assert_false(rt_openssh_is_same(&day, &longer));
    day.mtime += 86400;
    assert_false(rt_openssh_is_same(&day, &minute));
}

/* The lines after the first belong to the name: the caller sees that it is no good. */
static void test_name_with_line_breaks(void **state)
{
    struct rt_slice rest =
        rt_slice_str(OPEN "-rw-r--r--    ? 1000     1000            5 Nov 21 21:59 b.csv\n"
                          "of two lines.csv\n"
                          "\n"
                          "sftp> pwd\n"
                          "sftp> # 9999\n"
                          "-rw-r--r--    ? 1000     1000            6 Nov 21 22:00 c.csv\n" SHUT);
    struct rt_remote_list list;
    struct rt_err err;

    (void)state;
    assert_int_equal(rt_openssh_parse_list(&rest, MARK, NOW, &list, &err), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.entries[0].name, "b.csv\nof two lines.csv\nsftp> pwd\nsftp> # 9999");
    assert_string_equal(list.entries[1].name, "c.csv");
    rt_remote_list_clear(&list);
}

static void test_half_a_listing(void **state)
{
    struct rt_slice rest =
        rt_slice_str(OPEN "-rw-r--r--    ? 1000     1000            5 Nov 21 21:59 b.csv\n");
    struct rt_remote_list list;
    struct rt_err err;

    (void)state;
    assert_int_equal(rt_openssh_parse_list(&rest, MARK, NOW, &list, &err), -1);
    assert_int_equal(list.count, 0);
}

static void test_lines_that_cannot_be_read(void **state)
{
    static const char *const lines[] = {
        "-rw-r--r--",
        "total 4",
        "-rw-r--r--    ? 0 0 5 Nov 21 21:59",
        "-rw-r--r--    ? 0 0 5 Nov 21 21:59 ",
        "-rw-r--r--    ? 0 0 x Nov 21 21:59 a",
        "-rw-r--r--    ? 0 0 5 Nob 21 21:59 a",
        "-rw-r--r--    ? 0 0 5 Nov 32 21:59 a",
        "-rw-r--r--    ? 0 0 5 Nov 21 24:00 a",
        "-rw-r--r--    ? 0 0 99999999999999999999999 Nov 21 21:59 a",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *text = rt_xasprintf(OPEN "%s\n" SHUT, lines[i]);
        struct rt_slice rest = rt_slice_str(text);
        struct rt_remote_list list;
        struct rt_err err;

        if (rt_openssh_parse_list(&rest, MARK, NOW, &list, &err) != -1)
            fail_msg("taken: %s", lines[i]);
        assert_int_equal(list.count, 0);
        free(text);
    }
}

static void test_quotes(void **state)
{
    struct rt_buf out = {0};
    struct rt_err err;

    (void)state;
    assert_int_equal(rt_openssh_quote(&out, "a \"b\" \\c*", &err), 0);
    assert_string_equal(rt_buf_str(&out), "\"a \\\"b\\\" \\\\c*\"");
    assert_int_equal(rt_openssh_quote(&out, "a\nrm *", &err), -1);
    rt_buf_clear(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_listings),   cmocka_unit_test(test_name_with_line_breaks),
        cmocka_unit_test(test_half_a_listing), cmocka_unit_test(test_lines_that_cannot_be_read),
        cmocka_unit_test(test_quotes),         cmocka_unit_test(test_the_same_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
