/*
 * Texts as JSON strings: what is written is what a plain reading of the rules of JSON gives, for
 * every byte at every place, and is taken apart again.
 */
#include "lib/digest.h"
#include "lib/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LONGEST 40 /* five words of eight bytes */

static void write_plainly(struct rt_buf *out, struct rt_slice text)
{
    rt_buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '"' || c == '\\')
            rt_buf_printf(out, "\\%c", c);
        else if (c == '\n')
            rt_buf_add_str(out, "\\n");
        else if (c < 0x20)
            rt_buf_printf(out, "\\u%04x", c);
        else
            rt_buf_add_char(out, (char)c);
    }
    rt_buf_add_char(out, '"');
}

static void check(struct rt_slice text)
{
    struct rt_buf expected = {0}, written = {0};
    struct rt_slice taken;
    char *p;

    write_plainly(&expected, text);
    rt_json_put(&written, text);
    assert_int_equal(written.len, expected.len);
    assert_memory_equal(written.ptr, expected.ptr, expected.len);
    rt_buf_add_str(&written, ",\"");
    p = written.ptr + 1;
    assert_true(rt_json_take(&p, written.ptr + written.len, &taken));
    assert_ptr_equal(p, written.ptr + expected.len);
    assert_int_equal(taken.len, text.len);
    assert_memory_equal(taken.ptr, text.len ? text.ptr : "", text.len);
    rt_buf_clear(&expected);
    rt_buf_clear(&written);
}

static void every_byte_at_every_place(void **state)
{
    char text[LONGEST];

    (void)state;
    for (size_t len = 0; len <= LONGEST; len++)
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                memset(text, 'x', sizeof text);
                text[at] = (char)c;
                check(rt_slice_from(text, len));
            }
    check(rt_slice_from(NULL, 0));
}

/* Bytes that stand close to those that are written otherwise. */
static void neighbours(void **state)
{
    static const char close[] = "\"#!\\][\x1f \n\x7f\x80\xa2\xdc\x9f";
    char text[LONGEST];

    (void)state;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct rt_digest dice = {0, 0};
        size_t len = (size_t)(seed % (LONGEST + 1));

        for (size_t i = 0; i < len; i++) {
            uint64_t of[2] = {seed, i};

            dice = rt_digest_of(rt_slice_from((const char *)of, sizeof of));
            text[i] = close[dice.low % (sizeof close - 1)];
        }
        check(rt_slice_from(text, len));
    }
}

static void not_ours(void **state)
{
    static const char *const texts[] = {"open", "cut\\", "cut\\u00", "\\u0141\"", "\\u00g1\"", ""};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char copy[16], *p = copy;
        struct rt_slice taken;

        snprintf(copy, sizeof copy, "%s", texts[i]);
        assert_false(rt_json_take(&p, copy + strlen(copy), &taken));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(neighbours),
        cmocka_unit_test(not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
