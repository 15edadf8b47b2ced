/*
 * The CSV reader and writer, and the sources of bytes.
 *
 * ROUNDTRIP_FIXTURES names the folder fixtures/ (default: "fixtures", for a run from the root), and
 * ROUNDTRIP_SEED seeds the generator of random tables; a failure prints the seed.
 */
#include "lib/csv_reader.h"
#include "lib/csv_writer.h"
#include "lib/mem.h"
#include "lib/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- helpers ---- */

/* A source that gives its bytes in pieces of `step` bytes: all positions of the reader's buffer. */
struct dribble {
    struct rt_slice rest;
    size_t step;
    bool fails; /* at the end, instead of ending */
};

static ssize_t read_dribble(void *context, void *buf, size_t size, struct rt_err *err)
{
    struct dribble *d = context;
    size_t n = d->rest.len < d->step ? d->rest.len : d->step;

    n = n < size ? n : size;
    if (n == 0 && d->fails)
        return rt_err_set(err, RT_IO, "the disk is gone");
    if (n > 0)
        memcpy(buf, d->rest.ptr, n);
    d->rest.ptr += n;
    d->rest.len -= n;
    return (ssize_t)n;
}

/* Appends "L@OFFSET+LENGTH[cell|cell]", with "!COLUMN" before the bracket if the row has a fault.
 */
static void describe(struct rt_buf *out, const struct rt_csv_row *row)
{
    rt_buf_printf(out, "%" PRIu64 "@%" PRIu64 "+%" PRIu64, row->line, row->offset, row->length);
    if (row->fault != NULL)
        rt_buf_printf(out, "!%zu", row->fault_column);
    rt_buf_add_char(out, '[');
    for (size_t i = 0; i < row->count; i++) {
        if (i > 0)
            rt_buf_add_char(out, '|');
        rt_buf_add_slice(out, row->cells[i]);
    }
    rt_buf_add_char(out, ']');
}

/* Reads all and describes it; a refusal is "-CODE MESSAGE" at the end. */
static void read_all(const struct rt_source *source, const struct rt_csv_options *options,
                     struct rt_buf *out)
{
    struct rt_csv_reader *reader = NULL;
    struct rt_csv_row row;
    struct rt_err err = {0};
    size_t columns;
    int r = rt_csv_open(source, "f.csv", options, &reader, &err);

    rt_buf_reset(out);
    if (r == 0) {
        const struct rt_slice *header = rt_csv_header(reader, &columns);

        for (size_t i = 0; i < columns; i++) {
            rt_buf_add_slice(out, header[i]);
            rt_buf_add_char(out, ';');
        }
        while ((r = rt_csv_next(reader, &row, &err)) == 1)
            describe(out, &row);
        assert_int_equal(rt_csv_next(reader, &row, &err), r); /* asking again changes nothing */
    } else {
        assert_null(reader);
    }
    if (r < 0)
        rt_buf_printf(out, "-%d %s", (int)err.code, err.msg);
    rt_csv_close(reader);
}

static const size_t steps[] = {1, 2, 3, 7, 64, 1 << 20};

static void expect_bytes(struct rt_slice bytes, const struct rt_csv_options *options,
                         const char *expected)
{
    struct rt_buf out = {0};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct dribble d = {bytes, steps[i], false};
        struct rt_source source = {read_dribble, &d};

        read_all(&source, options, &out);
        assert_string_equal(rt_buf_str(&out), expected);
    }
    rt_buf_clear(&out);
}

static const struct rt_csv_options plain = {.delimiter = ','};

#define EXPECT(text, expected) expect_bytes(rt_slice_from(text, sizeof(text) - 1), &plain, expected)

/* ---- reader ---- */

static void test_positions(void **state)
{
    (void)state;
    EXPECT("a,b\n1,2\n\n\"x\ny\",3\r\n4,\n", "a;b;2@4+4[1|2]4@9+9[x\ny|3]6@18+3[4|]");
    EXPECT("\xef\xbb\xbf\"a\",b\r\n1,2\r3,4\r\n", "a;b;2@10+4[1|2]3@14+5[3|4]");
    EXPECT("a,b\n\"1\r2\r\n3\",x\ny,z\n", "a;b;2@4+11[1\r2\r\n3|x]4@15+4[y|z]");
    EXPECT("a,b\r\r1,2\r\r\r\n3,4\r", "a;b;3@5+4[1|2]6@12+4[3|4]");
}

static void test_nothing_is_trimmed(void **state)
{
    (void)state;
    EXPECT("a,b\n  1 ,\t2\t\n\" \",   \n", "a;b;2@4+9[  1 |\t2\t]3@13+8[ |   ]");
    EXPECT("a,b\n,\n\"\",\"\"\n", "a;b;2@4+2[|]3@6+6[|]");
    EXPECT("a,b\n\"\"\"\",\"\"\"x\"\"\"\n", "a;b;2@4+13[\"|\"x\"]");
    EXPECT("a,b\n'1',\\\n", "a;b;2@4+6['1'|\\]");
}

static void test_one_column(void **state)
{
    (void)state;
    EXPECT("a\n1\n\n\"\"\n\r\n\r2\r\n", "a;2@2+2[1]3@4+1[]4@5+3[]5@8+2[]6@10+1[]7@11+3[2]");
}

static void test_faults(void **state)
{
    struct rt_csv_options latin = {.delimiter = ',', .encoding = "windows-1252"};

    (void)state;
    EXPECT("a,b\n1\n2,3,4\n5,6\n", "a;b;2@4+2!0[1]3@6+6!0[2|3|4]4@12+4[5|6]");
    EXPECT("a,b\n1,\xe9\n\xc3,\xa9\n5,6\n", "a;b;2@4+4!2[1|\xe9]3@8+4!1[\xc3|\xa9]4@12+4[5|6]");
    EXPECT("a,b\n\xc3\xa9,\xf0\x9f\x99\x82\n", "a;b;2@4+8[\xc3\xa9|\xf0\x9f\x99\x82]");
    expect_bytes(rt_slice_str("a,\xe9\n\x80,\"\x93,\x94\"\n1,x\x81y\n"), &latin,
                 "a;\xc3\xa9;2@4+8[\xe2\x82\xac|\xe2\x80\x9c,\xe2\x80\x9d]3@12+6!2[1|x\x81y]");
}

/* All of UTF-8 and its neighbours: each sequence of up to three bytes and the edges of four. */
static bool is_utf8_by_definition(const unsigned char *p, size_t len)
{
    uint32_t c;

    if (len == 2) {
        c = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        return (p[0] & 0xe0) == 0xc0 && (p[1] & 0xc0) == 0x80 && c >= 0x80;
    }
    if (len == 3) {
        c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        return (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
               c >= 0x800 && (c < 0xd800 || c > 0xdfff);
    }
    c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
        (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    return (p[0] & 0xf8) == 0xf0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
           (p[3] & 0xc0) == 0x80 && c >= 0x10000 && c <= 0x10ffff;
}

static void test_utf8_exhaustive(void **state)
{
    static const unsigned char edges[] = {0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0x41};
    const size_t n = sizeof edges;
    struct rt_buf text = {0}, right = {0};
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_csv_reader *reader = NULL;
    struct rt_csv_row row;
    struct rt_err err;

    (void)state;
    rt_buf_add_str(&text, "a,b\n");
    for (unsigned lead = 0xc0; lead < 0x100; lead++) {
        for (size_t i = 0; i < n * n * n * 3; i++) {
            unsigned char p[4] = {(unsigned char)lead, edges[i % n], edges[i / n % n],
                                  edges[i / n / n % n]};
            size_t len = 2 + i / n / n / n;

            if ((len < 4 && p[3] != 0x80) || (len < 3 && p[2] != 0x80) || p[len - 1] == 0x41)
                continue; /* seen already; or text and a letter */
            rt_buf_add_str(&text, "x,");
            rt_buf_add(&text, p, len);
            rt_buf_add_char(&text, '\n');
            rt_buf_add_char(&right, is_utf8_by_definition(p, len) ? '1' : '0');
        }
    }
    rt_source_from_memory(&memory, rt_buf_slice(&text), &source);
    assert_int_equal(rt_csv_open(&source, "f", &plain, &reader, &err), 0);
    for (size_t i = 0; i < right.len; i++) {
        assert_int_equal(rt_csv_next(reader, &row, &err), 1);
        /* Two characters of two bytes look like one of four to the definition above: never right.
         */
        assert_int_equal(row.fault == NULL, right.ptr[i] == '1');
    }
    rt_csv_close(reader);
    rt_buf_clear(&text);
    rt_buf_clear(&right);
}

static void test_refusals(void **state)
{
    struct rt_csv_options side = {.delimiter = ',', .encoding = "utf-8"};

    (void)state;
    EXPECT("", "-65 f.csv: empty file: not even a header; export the file again");
    EXPECT("a,b\n1,2",
           "a;b;-65 f.csv: line 2, column 2: the last line has no line end: the file was "
           "cut; export it again");
    expect_bytes(rt_slice_str("a,b\n1,2"), &side,
                 "a;b;-65 f.csv: line 2, column 2: the last line has no line end: the file was "
                 "cut; export it again, or set final_newline = optional");
    EXPECT(
        "a,b\n1,\"2\n\n3",
        "a;b;-65 f.csv: line 2, column 2: the quote that opens this cell is never closed: the file "
        "was cut, or a quote is missing; export it again");
    EXPECT("a,b\n1,2\n3,\"x\ny\"z\n",
           "a;b;2@4+4[1|2]-65 f.csv: line 4, column 2: text behind the closing quote of a cell: "
           "double "
           "the quotes that belong to the text (the cell begins in line 3)");
    EXPECT("a,b\n1,2\"\n",
           "a;b;-65 f.csv: line 2, column 2: a quote in a cell that does not begin with "
           "one: put the cell in quotes and double the quote");
}

static void test_final_newline_optional(void **state)
{
    struct rt_csv_options options = {.delimiter = ',', .final_newline_optional = true};

    (void)state;
    expect_bytes(rt_slice_str("a,b\n1,2"), &options, "a;b;2@4+3[1|2]");
    expect_bytes(rt_slice_str("a,b\n1,\"2\""), &options, "a;b;2@4+5[1|2]");
    expect_bytes(rt_slice_str("a,b\n1,"), &options, "a;b;2@4+2[1|]");
    expect_bytes(rt_slice_str("a,b"), &options, "a;b;");
    expect_bytes(rt_slice_str("a,b\r"), &options, "a;b;");
}

static void test_unreadable(void **state)
{
    struct dribble d = {rt_slice_str("a,b\n1,2\n3,4\n"), 5, true};
    struct rt_source source = {read_dribble, &d};
    struct rt_buf out = {0};

    (void)state;
    read_all(&source, &plain, &out);
    assert_string_equal(rt_buf_str(&out), "a;b;2@4+4[1|2]3@8+4[3|4]-74 the disk is gone");
    rt_buf_clear(&out);
}

static void test_encodings(void **state)
{
    struct rt_csv_options options = {.delimiter = '|', .encoding = "big5"};

    (void)state;
    /* The second byte of this character is a bar: it must not end the cell. */
    expect_bytes(rt_slice_str("a|b\n\xa6\x7c|x\n"), &options, "a;b;2@4+6[\xe5\xb8\x86|x]");
    /* No second byte is a comma, so one bad byte costs one row; with a bar it would cost the file.
     */
    options.encoding = "gb18030";
    expect_bytes(
        rt_slice_str("a|b\n1|\x81\n"), &options,
        "a;b;-65 f.csv: line 2, column 2: bytes that do not fit this side's encoding: export "
        "the file again");
    options.delimiter = ',';
    expect_bytes(rt_slice_str("a,b\n\xc4\xe3,x\n1,\x81\n"), &options,
                 "a;b;2@4+5[\xe4\xbd\xa0|x]3@9+4!2[1|\x81]");
    /* Nor is a digit; but it is the second byte of four. */
    options.delimiter = '1';
    expect_bytes(rt_slice_str("a1b\n\x81\x31\x81\x30"
                              "1x\n"),
                 &options, "a;b;2@4+5[\xd8\x8a|x]");
    options.delimiter = ',';
    options.encoding = "ascii";
    expect_bytes(rt_slice_str("a,b\n1,x\xe9\n"), &options, "a;b;2@4+5!2[1|x\xe9]");
    options.encoding = "latin1//IGNORE";
    expect_bytes(rt_slice_str("a|b\n"), &options,
                 "-78 encoding \"latin1//IGNORE\" is not known: \"iconv -l\" lists those that are");
}

/* What the reader says at the end of `text`, which is cleared. */
static int read_to_end(struct rt_buf *text, struct rt_err *err)
{
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_csv_reader *reader = NULL;
    struct rt_csv_row row;
    int r;

    rt_source_from_memory(&memory, rt_buf_slice(text), &source);
    assert_int_equal(rt_csv_open(&source, "f", &plain, &reader, err), 0);
    do
        r = rt_csv_next(reader, &row, err);
    while (r == 1);
    rt_csv_close(reader);
    rt_buf_clear(text);
    return r;
}

/* Reads "a,b\n1,<len bytes>...". */
static int read_big(size_t cell, size_t cells, bool is_quoted, struct rt_err *err)
{
    struct rt_buf text = {0};

    rt_buf_add_str(&text, "a,b\n");
    for (size_t i = 0; i < cells; i++) {
        rt_buf_add_str(&text, i == 0 ? "" : ",");
        rt_buf_add_str(&text, is_quoted ? "\"" : "");
        rt_buf_reserve(&text, cell);
        memset(text.ptr + text.len, 'x', cell);
        text.len += cell;
        rt_buf_add_str(&text, is_quoted ? "\"" : "");
    }
    rt_buf_add_str(&text, "\n");
    return read_to_end(&text, err);
}

/* The cell that is too big is told, wherever it stands in the row. */
static void test_limit_tells_the_cell(void **state)
{
    struct rt_err err = {0};
    struct rt_buf text = {0};

    (void)state;
    rt_buf_add_str(&text, "a,b,c,d\n1,");
    rt_buf_reserve(&text, RT_CSV_MAX_CELL + 1);
    memset(text.ptr + text.len, 'x', RT_CSV_MAX_CELL + 1);
    text.len += RT_CSV_MAX_CELL + 1;
    rt_buf_add_str(&text, ",3,4\n");
    assert_int_equal(read_to_end(&text, &err), -1);
    assert_string_equal(err.msg,
                        "f: line 2, column 2: a cell of more than 16 MiB: is a quote missing?");
}

static void test_limits(void **state)
{
    struct rt_err err = {0};

    (void)state;
    assert_int_equal(read_big(RT_CSV_MAX_CELL, 2, true, &err), 0);
    assert_int_equal(read_big(RT_CSV_MAX_CELL + 1, 2, false, &err), -1);
    assert_int_equal(err.code, RT_DATA);
    assert_string_equal(err.msg,
                        "f: line 2, column 1: a cell of more than 16 MiB: is a quote missing?");
    assert_int_equal(read_big(RT_CSV_MAX_CELL * 2, 1, true, &err), -1);
    assert_string_equal(err.msg,
                        "f: line 2, column 1: a cell of more than 16 MiB: is a quote missing?");
    assert_int_equal(read_big((RT_CSV_MAX_CELL - 1), 4, false, &err), 0); /* 64 MiB to the byte */
    assert_int_equal(read_big((RT_CSV_MAX_CELL - 1), 5, false, &err), -1);
    assert_string_equal(
        err.msg, "f: line 2, column 1: a row of more than 64 MiB begins here: is a quote missing?");
    assert_int_equal(read_big(0, RT_CSV_MAX_CELLS, false, &err), 0);
    assert_int_equal(read_big(0, RT_CSV_MAX_CELLS + 1, false, &err), -1);
    assert_string_equal(err.msg, "f: line 2, column 65537: a row of more than 65,536 cells");
}

/* A quote that is never closed is noticed long before the file is read to its end. */
static void test_limit_is_early(void **state)
{
    struct rt_buf text = {0};
    struct dribble d;
    struct rt_source source = {read_dribble, &d};
    struct rt_buf out = {0};

    (void)state;
    rt_buf_add_str(&text, "a,b\n1,\"");
    rt_buf_reserve(&text, RT_CSV_MAX_ROW);
    memset(text.ptr + text.len, '\n', RT_CSV_MAX_ROW);
    text.len += RT_CSV_MAX_ROW;
    d = (struct dribble){rt_buf_slice(&text), SIZE_MAX, false};
    read_all(&source, &plain, &out);
    assert_string_equal(rt_buf_str(&out),
                        "a;b;-65 f.csv: line 2, column 2: a cell of more than 16 MiB: "
                        "is a quote missing?");
    assert_true(text.len - d.rest.len < RT_CSV_MAX_CELL + ((size_t)1 << 20));
    rt_buf_clear(&text);
    rt_buf_clear(&out);
}

/* ---- writer ---- */

/* Writes rows given as {"a", "b", NULL, "c", NULL, NULL}. */
static void expect_written(const struct rt_csv_writer_options *options, const char *const *cells,
                           const char *expected, size_t len)
{
    struct rt_csv_writer writer;
    struct rt_buf out = {0};
    struct rt_err err = {0};

    assert_int_equal(rt_csv_writer_init(&writer, options, &err), 0);
    for (; *cells != NULL; cells++) {
        for (; *cells != NULL; cells++)
            assert_int_equal(rt_csv_put(&writer, &out, rt_slice_str(*cells), &err), 0);
        rt_csv_end_row(&writer, &out);
    }
    assert_int_equal(out.len, len);
    assert_memory_equal(out.ptr, expected, len);
    rt_csv_writer_clear(&writer);
    rt_buf_clear(&out);
}

#define WRITTEN(options, text, ...)                                                                \
    expect_written(options, (const char *const[]){__VA_ARGS__, NULL, NULL}, text, sizeof(text) - 1)

static void test_writer(void **state)
{
    struct rt_csv_writer_options options = {.delimiter = ','};

    (void)state;
    WRITTEN(&options, "a,,\"b,c\",\"d\"\"\",\"e\nf\",\"g\r\"\n", "a", "", "b,c", "d\"", "e\nf",
            "g\r");
    WRITTEN(&options, "\" a\",\"b\t\",c d,=1+1,'\n", " a", "b\t", "c d", "=1+1", "'");
    WRITTEN(&options, "\"\"\n,\n\"\"\nx\n", "", NULL, "", "", NULL, "", NULL, "x");
    WRITTEN(&options, "\"\xef\xbb\xbf\",\xc3\xa9\n", "\xef\xbb\xbf", "\xc3\xa9");
    options.crlf = true;
    options.delimiter = ';';
    WRITTEN(&options, "a,b;\"c;d\"\r\n\"\"\r\n", "a,b", "c;d", NULL, "");
    options.quote_all = true;
    WRITTEN(&options, "\"a\";\"\"\r\n\"\"\r\n", "a", "", NULL, "");
}

static void test_writer_spreadsheet(void **state)
{
    struct rt_csv_writer_options options = {.delimiter = ',', .spreadsheet = true};

    (void)state;
    WRITTEN(&options, "'=1+1,'+1,'-1,'@x,\"'\tx\",\"'\rx\",a=b,\"'=\"\"\"\"\"\n", "=1+1", "+1",
            "-1", "@x", "\tx", "\rx", "a=b", "=\"\"");
}

static void test_writer_encoding(void **state)
{
    struct rt_csv_writer_options options = {.delimiter = ',', .encoding = "windows-1252"};
    struct rt_csv_writer writer;
    struct rt_buf out = {0};
    struct rt_err err = {0};

    (void)state;
    WRITTEN(&options, "\x80,,\"\xe9,\"\n\"\"\n", "\xe2\x82\xac", "", "\xc3\xa9,", NULL, "");
    assert_int_equal(rt_csv_writer_init(&writer, &options, &err), 0);
    assert_int_equal(rt_csv_put(&writer, &out, rt_slice_str("1"), &err), 0);
    assert_int_equal(rt_csv_put(&writer, &out, rt_slice_str("caf\xc3\xa9 \xe2\x98\x95"), &err), -1);
    assert_int_equal(err.code, RT_DATA);
    assert_non_null(
        strstr(err.msg, "character 6 bytes into the cell does not exist in windows-1252"));
    assert_string_equal(rt_buf_str(&out), "1");
    /* A tag character: iconv drops it without a word. */
    assert_false(rt_csv_fits(&writer, rt_slice_str("x\xf3\xa0\x81\xa7")));
    assert_false(rt_csv_fits(&writer, rt_slice_str("\xe9")));
    assert_true(rt_csv_fits(&writer, rt_slice_str("\xc3\xa9")));
    assert_int_equal(rt_csv_put(&writer, &out, rt_slice_str("2"), &err), 0);
    rt_csv_end_row(&writer, &out);
    assert_string_equal(rt_buf_str(&out), "1,2\n");
    rt_csv_writer_clear(&writer);
    rt_buf_clear(&out);
    options.encoding = "utf-16";
    WRITTEN(&options, "\xff\xfe,\0\xe9\0,\0,\0\n\0\"\0\"\0\n\0x\0\n\0", "", "\xc3\xa9", "", "",
            NULL, "", NULL, "x");
    options.encoding = "no-such-thing";
    assert_int_equal(rt_csv_writer_init(&writer, &options, &err), -1);
    assert_int_equal(err.code, RT_CONFIG);
}

/* ---- read(write(x)) == x ---- */

static uint64_t random_next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void random_cell(uint64_t *seed, struct rt_buf *cell)
{
    static const char *const parts[] = {
        ",",        "\"",        "\n",
        "\r",       "\r\n",      " ",
        "\t",       ";",         "a",
        "007",      "=",         "\\",
        "\"\"",     "'",         "\xef\xbb\xbf",
        "\xc3\xa9", "|",         "\x01",
        "0",        "e\xcc\x81", "long text without anything special in it"};
    size_t n = random_next(seed) % 4 == 0 ? 0 : random_next(seed) % 6;

    rt_buf_reset(cell);
    for (size_t i = 0; i < n; i++)
        rt_buf_add_str(cell, parts[random_next(seed) % (sizeof parts / sizeof *parts)]);
    if (random_next(seed) % 50 == 0) {
        for (size_t i = 0; i < 20000; i++)
            rt_buf_add_str(cell, i % 61 ? "word " : "\"\n");
    }
}

/* One random table: written, read again, compared; written again, the same bytes. */
static bool is_round_trip(uint64_t seed)
{
    static const char *const encodings[] = {NULL,    "utf-16",   "gb18030",
                                            "utf-8", "utf-32le", "utf-7"};
    static const char delimiters[] = ",;\t|";
    const char *encoding = encodings[random_next(&seed) % 6];
    char delimiter = delimiters[random_next(&seed) % 4];
    struct rt_csv_writer_options options = {.delimiter = delimiter,
                                            .crlf = random_next(&seed) % 2 == 0,
                                            .quote_all = random_next(&seed) % 4 == 0,
                                            .encoding = encoding};
    struct rt_csv_options how = {.delimiter = delimiter, .encoding = encoding};
    size_t columns = 1 + random_next(&seed) % 5, rows = random_next(&seed) % 20, at = 0, count;
    struct rt_arena arena = {0};
    struct rt_slice *cells = rt_arena_alloc(&arena, columns * (rows + 1) * sizeof *cells);
    struct rt_buf cell = {0}, out = {0};
    struct rt_csv_writer writer;
    struct rt_csv_reader *reader = NULL;
    struct rt_csv_row row;
    struct rt_err err = {0};
    const struct rt_slice *header;
    bool same = rt_csv_writer_init(&writer, &options, &err) == 0;

    for (size_t i = 0; i < columns * (rows + 1); i++) {
        random_cell(&seed, &cell);
        cells[i] = rt_arena_dup(&arena, rt_buf_slice(&cell));
        same = same && rt_csv_put(&writer, &out, cells[i], &err) == 0;
        if ((i + 1) % columns == 0)
            rt_csv_end_row(&writer, &out);
    }
    struct dribble d = {rt_buf_slice(&out), 1 + random_next(&seed) % 100000, false};
    struct rt_source source = {read_dribble, &d};

    same = same && rt_csv_open(&source, "f", &how, &reader, &err) == 0;
    header = same ? rt_csv_header(reader, &count) : NULL;
    for (size_t i = 0; same && i < columns; i++)
        same = count == columns && rt_slice_is_equal(header[i], cells[at++]);
    while (same && rt_csv_next(reader, &row, &err) == 1) {
        same = row.count == columns && row.fault == NULL && at + columns <= columns * (rows + 1);
        for (size_t i = 0; same && i < columns; i++)
            same = rt_slice_is_equal(row.cells[i], cells[at++]);
    }
    if (err.code != RT_OK)
        print_error("%s\n", err.msg);
    rt_csv_close(reader);
    rt_csv_writer_clear(&writer);
    rt_buf_clear(&cell);
    rt_buf_clear(&out);
    same = same && at == columns * (rows + 1) && err.code == RT_OK;
    rt_arena_clear(&arena);
    return same;
}

static void test_read_write(void **state)
{
    const char *given = getenv("ROUNDTRIP_SEED");
    uint64_t first = given != NULL ? strtoull(given, NULL, 10) : 20261121;

    (void)state;
    for (uint64_t seed = first; seed < first + 3000; seed++) {
        if (!is_round_trip(seed))
            fail_msg("ROUNDTRIP_SEED=%" PRIu64, seed);
    }
}

/* ---- sources ---- */

static void write_file(const char *path, struct rt_slice bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr ? bytes.ptr : "", 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

/* Reads a whole file in steps; its status. */
static int slurp(const char *path, size_t step, struct rt_buf *out, struct rt_err *err)
{
    struct rt_source_file *file;
    struct rt_source source;
    ssize_t n = rt_source_open(path, &file, &source, err);

    rt_buf_reset(out);
    if (n != 0)
        return -1;
    do {
        rt_buf_reserve(out, step);
        n = source.read(source.context, out->ptr + out->len, step, err);
        out->len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    rt_source_close(file);
    return (int)n;
}

static void test_gzip(void **state)
{
    char folder[] = "/tmp/test_csv.XXXXXX", path[64];
    struct rt_buf text = {0}, packed = {0}, again = {0}, out = {0};
    struct rt_err err = {0};
    uint64_t seed = 1;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f.csv.gz", folder);
    for (size_t size = 0; size < 3000000; size = size * 11 + 1) {
        while (text.len < size)
            rt_buf_printf(&text, "%" PRIu64 ",text\n", random_next(&seed));
        rt_buf_reset(&packed);
        rt_buf_reset(&again);
        assert_int_equal(rt_gzip_pack(rt_buf_slice(&text), &packed, &err), 0);
        assert_int_equal(rt_gzip_pack(rt_buf_slice(&text), &again, &err), 0);
        assert_true(rt_slice_is_equal(rt_buf_slice(&packed), rt_buf_slice(&again)));
        assert_memory_equal(packed.ptr + 4, "\0\0\0\0", 4); /* no time */
        write_file(path, rt_buf_slice(&packed));
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            assert_int_equal(slurp(path, steps[i], &out, &err), 0);
            assert_true(rt_slice_is_equal(rt_buf_slice(&out), rt_buf_slice(&text)));
        }
    }
    for (size_t cut = 2; cut < packed.len; cut += cut < 100 ? 1 : packed.len / 50) {
        write_file(path, rt_slice_from(packed.ptr, packed.len - cut));
        assert_int_equal(slurp(path, 4096, &out, &err), -1);
        assert_int_equal(err.code, RT_DATA);
        assert_non_null(strstr(err.msg, "f.csv.gz: the gzip file was cut; export it again"));
    }
    packed.ptr[packed.len / 2] ^= 4;
    write_file(path, rt_buf_slice(&packed));
    assert_int_equal(slurp(path, 4096, &out, &err), -1);
    assert_int_equal(err.code, RT_DATA);
    unlink(path);
    rmdir(folder);
    rt_buf_clear(&text);
    rt_buf_clear(&packed);
    rt_buf_clear(&again);
    rt_buf_clear(&out);
}

static void test_source_kinds(void **state)
{
    char folder[] = "/tmp/test_csv.XXXXXX", path[64], link_path[64];
    struct rt_buf out = {0};
    struct rt_err err = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f", folder);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    assert_int_equal(slurp(path, 10, &out, &err), -1);
    assert_int_equal(err.code, RT_IO);
    for (size_t len = 0; len < 4; len++) { /* shorter than what is looked at */
        write_file(path, rt_slice_from("\x1f\x00\x8b", len));
        assert_int_equal(slurp(path, 1, &out, &err), 0);
        assert_int_equal(out.len, len);
    }
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(slurp(link_path, 10, &out, &err), -1);
    assert_int_equal(err.code, RT_IO);
    assert_int_equal(slurp(folder, 10, &out, &err), -1);
    assert_int_equal(err.code, RT_IO);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(slurp(path, 10, &out, &err), -1); /* and does not wait for a writer */
    unlink(path);
    unlink(link_path);
    rmdir(folder);
    rt_buf_clear(&out);
}

/* ---- fixtures/odd ---- */

/* What the reader says of a file, in the words of the table in its README. */
static void judge(const char *path, const struct rt_csv_options *options, struct rt_buf *out)
{
    struct rt_source_file *file = NULL;
    struct rt_source source;
    struct rt_csv_reader *reader = NULL;
    struct rt_csv_row row;
    struct rt_buf rejected = {0};
    struct rt_err err = {0};
    size_t rows = 0;
    int r = rt_source_open(path, &file, &source, &err);

    rt_buf_reset(out);
    assert_int_equal(r, 0);
    r = rt_csv_open(&source, "f", options, &reader, &err);
    while (r >= 0 && (r = rt_csv_next(reader, &row, &err)) == 1) {
        rows++;
        if (row.fault != NULL)
            rt_buf_printf(&rejected, " %" PRIu64 ":%zu", row.line, row.fault_column);
    }
    rt_csv_close(reader);
    rt_source_close(file);
    if (r == 0) {
        rt_buf_printf(out, "%zu rows%s%s", rows, rejected.len ? ", rejected" : "",
                      rt_buf_str(&rejected));
    } else {
        size_t line, column;

        assert_int_equal(err.code, RT_DATA);
        if (sscanf(err.msg, "f: line %zu, column %zu", &line, &column) == 2)
            rt_buf_printf(out, "refused %zu:%zu", line, column);
        else
            rt_buf_add_str(out, "refused -");
    }
    rt_buf_clear(&rejected);
}

static const char *setting(const char *settings, const char *key)
{
    size_t len = strlen(key);

    return strncmp(settings, key, len) == 0 && strncmp(settings + len, " = ", 3) == 0
               ? settings + len + 3
               : NULL;
}

/* One line of the table: "| file | settings | reader | ...". */
static void check_line(const char *folder, char *line)
{
    char *save = NULL, *name = strtok_r(line, "|", &save), *settings = strtok_r(NULL, "|", &save),
         *expected = strtok_r(NULL, "|", &save), path[512];
    const char *delimiter;
    struct rt_csv_options options = plain;
    struct rt_buf got = {0};

    assert_non_null(expected);
    name[strlen(name) - 1] = settings[strlen(settings) - 1] = expected[strlen(expected) - 1] = '\0';
    settings++;
    delimiter = setting(settings, "delimiter");
    options.encoding = setting(settings, "encoding");
    options.final_newline_optional = setting(settings, "final_newline") != NULL;
    if (delimiter != NULL)
        options.delimiter = strcmp(delimiter, "tab") == 0 ? '\t' : ';';
    snprintf(path, sizeof path, "%s/%s", folder, name + 1);
    judge(path, &options, &got);
    if (strcmp(rt_buf_str(&got), expected + 1) != 0)
        fail_msg("%s (%s): %s, expected %s", path, settings, rt_buf_str(&got), expected + 1);
    rt_buf_clear(&got);
}

/* Every file has its line. */
static void check_listed(const char *folder, const char *table)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char cell[300];

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(cell, sizeof cell, "\n| %s |", entry->d_name);
        if (strstr(entry->d_name, ".csv") != NULL && strstr(table, cell) == NULL)
            fail_msg("%s is not in the table", entry->d_name);
    }
    closedir(dir);
}

static void test_odd(void **state)
{
    const char *root = getenv("ROUNDTRIP_FIXTURES");
    char folder[256], path[300], *save = NULL;
    struct rt_buf table = {0};
    struct rt_err err = {0};
    size_t checked = 0;

    (void)state;
    snprintf(folder, sizeof folder, "%s/odd", root != NULL ? root : "fixtures");
    snprintf(path, sizeof path, "%s/README.md", folder);
    assert_int_equal(slurp(path, 4096, &table, &err), 0);
    rt_buf_add_char(&table, '\n');
    check_listed(folder, rt_buf_str(&table));
    for (char *line = strtok_r(table.ptr, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "| ", 2) == 0 && strstr(line, ".csv") != NULL) {
            check_line(folder, line);
            checked++;
        }
    }
    assert_true(checked > 60);
    rt_buf_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_nothing_is_trimmed),
        cmocka_unit_test(test_one_column),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_utf8_exhaustive),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_final_newline_optional),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limit_tells_the_cell),
        cmocka_unit_test(test_limit_is_early),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_spreadsheet),
        cmocka_unit_test(test_writer_encoding),
        cmocka_unit_test(test_read_write),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_source_kinds),
        cmocka_unit_test(test_odd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
