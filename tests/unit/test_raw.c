/*
 * Records found in raw bytes against records that libcsv parses: the same ones, at the same places,
 * and a refusal at the same row.  ROUNDTRIP_SEED seeds the generator; a failure prints the seed.
 */
#include "lib/csv_reader.h"
#include "lib/mem.h"
#include "lib/raw_scan.h"
#include "lib/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <inttypes.h>

#define ROUNDS 30000

static uint64_t random_state;

static uint64_t random_below(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* ---- texts of which many are almost CSV ---- */

static void add_cell(struct rt_buf *out)
{
    static const char *const plain[] = {"", "a", "bc", " ", "12\" wide", "x\r", "é"};
    static const char *const quoted[] = {"\"\"",       "\"a\"",      "\"a,b\"", "\"l1\nl2\"",
                                         "\"c\r\nd\"", "\"q\"\"q\"", "\"\r\"",  "\"a\"b",
                                         "\"\"\"\"",   "\"open",     "\"\" "};
    uint64_t kind = random_below(100);

    if (kind < 60)
        rt_buf_add_str(out, plain[random_below(kind < 55 ? 4 : 7)]);
    else if (kind < 97)
        rt_buf_add_str(out, quoted[random_below(7)]);
    else
        rt_buf_add_str(out, quoted[random_below(sizeof quoted / sizeof *quoted)]);
}

static void make_text(struct rt_buf *out)
{
    uint64_t rows = random_below(40), columns = 1 + random_below(3);

    rt_buf_reset(out);
    rt_buf_add_str(out, columns == 1 ? "h\n" : columns == 2 ? "h,i\n" : "h,i,j\n");
    for (uint64_t r = 0; r < rows; r++) {
        if (random_below(20) == 0)
            rt_buf_add_str(out, random_below(2) ? "\n" : "\r\n");
        for (uint64_t c = 0; c < columns; c++) {
            if (c > 0)
                rt_buf_add_char(out, ',');
            add_cell(out);
        }
        rt_buf_add_str(out, random_below(4) ? "\n" : random_below(20) ? "\r\n" : "\r");
    }
    if (random_below(10) == 0 && out->len > 4) /* cut somewhere */
        out->len -= 1 + random_below(3);
}

/* ---- two readings of one text ---- */

struct reading {
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_csv_reader *reader;
    struct rt_err err;
};

static bool open_reading(struct reading *reading, const struct rt_buf *text, bool with_libcsv_alone)
{
    struct rt_csv_options options = {
        .delimiter = ',', .encoding = "utf-8", .with_libcsv_alone = with_libcsv_alone};

    reading->err = (struct rt_err){0};
    rt_source_from_memory(&reading->memory, rt_buf_slice(text), &reading->source);
    return rt_csv_open(&reading->source, "f.csv", &options, &reading->reader, &reading->err) == 0;
}

/* Goes one record on in the second reading, by its raw bytes if it can, and sees that it is `row`.
 */
static int follow(struct reading *second, const struct rt_buf *text, const struct rt_csv_row *row,
                  int expected, uint64_t *skipped)
{
    struct rt_slice raw;
    struct rt_csv_row other;
    int rc;

    if (rt_csv_peek(second->reader, &raw)) {
        assert_int_equal(expected, 1);
        assert_int_equal(rt_csv_offset(second->reader), row->offset);
        assert_int_equal(raw.len, row->length);
        assert_memory_equal(raw.ptr, text->ptr + row->offset, raw.len);
        if (random_below(3) > 0) {
            rt_csv_skip(second->reader);
            ++*skipped;
            return 1;
        }
    }
    rc = rt_csv_next(second->reader, &other, &second->err);
    assert_int_equal(rc, expected);
    if (rc == 1) {
        assert_int_equal(other.offset, row->offset);
        assert_int_equal(other.line, row->line);
        assert_int_equal(other.length, row->length);
        assert_int_equal(other.count, row->count);
        assert_int_equal(other.fault == NULL, row->fault == NULL);
        for (size_t i = 0; i < row->count; i++) {
            assert_int_equal(other.cells[i].len, row->cells[i].len);
            assert_memory_equal(other.cells[i].ptr, row->cells[i].ptr, row->cells[i].len);
        }
    }
    return rc;
}

static void compare_readings(const struct rt_buf *text, uint64_t *skipped, uint64_t *refused)
{
    struct reading first, second;
    struct rt_csv_row row = {0};
    int rc;

    if (!open_reading(&first, text, true)) {
        assert_false(open_reading(&second, text, false));
        return;
    }
    assert_true(open_reading(&second, text, false));
    do {
        rc = rt_csv_next(first.reader, &row, &first.err);
        assert_int_equal(follow(&second, text, &row, rc, skipped), rc);
    } while (rc == 1);
    if (rc < 0) {
        assert_string_equal(first.err.msg, second.err.msg);
        ++*refused;
    }
    rt_csv_close(first.reader);
    rt_csv_close(second.reader);
}

static void test_like_libcsv(void **state)
{
    struct rt_buf text = {0};
    uint64_t skipped = 0, refused = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        make_text(&text);
        compare_readings(&text, &skipped, &refused);
    }
    rt_buf_clear(&text);
    printf("%d texts: %" PRIu64 " records passed over by their raw bytes, %" PRIu64 " refusals\n",
           ROUNDS, skipped, refused);
    assert_true(skipped > ROUNDS && refused > ROUNDS / 100);
}

static void test_long_records(void **state)
{
    struct rt_buf text = {0};
    uint64_t skipped = 0, refused = 0;

    (void)state;
    rt_buf_add_str(&text, "h\n");
    for (size_t len = 1; len < 600000; len = len * 3 + 7) { /* over the reader's buffer, too */
        rt_buf_add_char(&text, '"');
        for (size_t i = 0; i < len; i++)
            rt_buf_add_char(&text, i % 61 == 60 ? '\n' : 'x');
        rt_buf_add_str(&text, "\"\n");
    }
    compare_readings(&text, &skipped, &refused);
    rt_buf_clear(&text);
    assert_true(skipped > 3 && refused == 0);
}

static void test_portable(void **state)
{
    struct rt_raw_ends fast = {0}, portable = {0};
    struct rt_buf text = {0};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        make_text(&text);
        rt_raw_scan(text.ptr, text.len, ',', &fast);
        rt_raw_scan_portable(text.ptr, text.len, ',', &portable);
        assert_int_equal(fast.count, portable.count);
        if (fast.count > 0)
            assert_memory_equal(fast.ends, portable.ends, fast.count * sizeof *fast.ends);
    }
    free(fast.ends);
    free(portable.ends);
    rt_buf_clear(&text);
}

static int seed(void **state)
{
    const char *set = getenv("ROUNDTRIP_SEED");

    (void)state;
    random_state = set ? strtoull(set, NULL, 10) : 20261121;
    printf("ROUNDTRIP_SEED=%" PRIu64 "\n", random_state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_libcsv),
        cmocka_unit_test(test_long_records),
        cmocka_unit_test(test_portable),
    };

    return cmocka_run_group_tests(tests, seed, NULL);
}
