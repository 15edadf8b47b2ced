/*
 * The CSV reader.  The first byte of an input chooses delimiter, encoding, final_newline and how
 * the bytes come in; the rest is the file.
 *
 * Regular records that our own code splits come out as libcsv alone would have it: cells, lines,
 * places, faults, and the refusal in the same words.  An independent strict parser agrees (UTF-8),
 * but for files that are refused because they begin like something else than CSV.
 * Records that are passed over, or looked at first, change nothing for the others.  What is taken,
 * written and read again is the same.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/strict_csv.h"

#include "lib/csv_reader.h"
#include "lib/csv_writer.h"
#include "lib/mem.h"
#include "lib/not_csv.h"

struct table {
    struct strict_row *rows; /* the header first, of which only the cells are known */
    size_t count;
    bool is_refused;
    struct rt_err err;
    struct rt_arena arena;
};

struct drip {
    struct rt_slice rest;
    size_t most;
};

static ssize_t read_some(void *context, void *buf, size_t size, struct rt_err *err)
{
    struct drip *drip = context;
    size_t n = drip->rest.len < size ? drip->rest.len : size;

    (void)err;
    n = drip->most && n > drip->most ? drip->most : n;
    if (n)
        memcpy(buf, drip->rest.ptr, n);
    drip->rest = rt_slice_from(n ? drip->rest.ptr + n : drip->rest.ptr, drip->rest.len - n);
    return (ssize_t)n;
}

static void add_row(struct table *table, const struct rt_slice *cells, size_t count)
{
    struct strict_row *row;

    table->rows = rt_xgrow(table->rows, table->count, sizeof *table->rows);
    row = &table->rows[table->count++];
    *row = (struct strict_row){.count = count};
    row->cells = rt_arena_alloc(&table->arena, (count + 1) * sizeof *cells);
    for (size_t i = 0; i < count; i++)
        row->cells[i] = rt_arena_dup(&table->arena, cells[i]);
}

static void add_csv_row(struct table *table, const struct rt_csv_row *row)
{
    struct strict_row *last;

    add_row(table, row->cells, row->count);
    last = &table->rows[table->count - 1];
    last->line = row->line;
    last->offset = row->offset;
    last->length = row->length;
    last->has_fault = row->fault != NULL;
    last->fault_column = row->fault_column;
    fuzz_need(row->length > 0, "a row spans something");
    fuzz_need(row->fault == NULL || row->fault[0] != '\0', "a fault has words");
}

/* How a table is read: bits. */
enum { PLAIN = 0, LIBCSV = 1, PEEK = 2, SKIP = 4 };

/* True: the next record was passed over. */
static bool look_ahead(struct rt_csv_reader *reader, int how, uint64_t *from, struct rt_slice *raw)
{
    bool is_known = how & (PEEK | SKIP) && rt_csv_peek(reader, raw);

    if (!is_known) {
        *raw = (struct rt_slice){NULL, 0};
        return false;
    }
    *from = rt_csv_offset(reader);
    if (!(how & SKIP) || raw->len % 2)
        return false;
    rt_csv_skip(reader);
    return true;
}

static struct table read_table(struct rt_slice input, const struct rt_csv_options *options,
                               size_t most, int how)
{
    struct table table = {.count = 0};
    struct rt_csv_options own = *options;
    struct drip drip = {input, most};
    struct rt_source source = {read_some, &drip};
    struct rt_csv_reader *reader;
    const struct rt_slice *header;
    struct rt_csv_row row;
    size_t columns;
    int r;

    own.with_libcsv_alone = how & LIBCSV;
    if (rt_csv_open(&source, "f.csv", &own, &reader, &table.err) < 0) {
        table.is_refused = true;
        fuzz_need_error(&table.err, RT_DATA);
        return table;
    }
    header = rt_csv_header(reader, &columns);
    add_row(&table, header, columns);
    for (;;) {
        struct rt_slice raw;
        uint64_t from = 0;

        if (look_ahead(reader, how, &from, &raw))
            continue;
        if ((r = rt_csv_next(reader, &row, &table.err)) != 1)
            break;
        fuzz_need(raw.ptr == NULL || (row.offset == from && row.length == raw.len),
                  "the record of a peek is the next row");
        add_csv_row(&table, &row);
    }
    table.is_refused = r < 0;
    if (r < 0)
        fuzz_need_error(&table.err, RT_DATA);
    fuzz_need(r == 0 || rt_csv_next(reader, &row, &table.err) == -1, "a refusal stays");
    rt_csv_close(reader);
    return table;
}

static void clear_table(struct table *table)
{
    free(table->rows);
    rt_arena_clear(&table->arena);
}

static void need_same_cells(const struct strict_row *a, const struct strict_row *b)
{
    fuzz_need(a->count == b->count, "rows have the same number of cells");
    for (size_t i = 0; i < a->count; i++)
        fuzz_need(rt_slice_is_equal(a->cells[i], b->cells[i]), "cells are the same");
}

static void need_same_row(const struct strict_row *a, const struct strict_row *b)
{
    need_same_cells(a, b);
    fuzz_need(a->line == b->line, "rows begin in the same line");
    fuzz_need(a->offset == b->offset && a->length == b->length, "rows span the same bytes");
    fuzz_need(a->has_fault == b->has_fault && a->fault_column == b->fault_column,
              "rows have the same fault");
}

static void need_same(const struct table *a, const struct table *b)
{
    fuzz_need(a->count == b->count, "the same number of rows");
    fuzz_need(a->is_refused == b->is_refused && strcmp(a->err.msg, b->err.msg) == 0,
              "the same refusal");
    for (size_t i = 0; i < a->count; i++)
        need_same_row(&a->rows[i], &b->rows[i]);
}

/* Some records were passed over: those that are left are rows of all. */
static void need_part(const struct table *all, const struct table *part)
{
    size_t at = 1;

    fuzz_need(part->is_refused == all->is_refused && strcmp(part->err.msg, all->err.msg) == 0,
              "passing over a record hides no refusal");
    for (size_t i = 1; i < part->count; i++) {
        while (at < all->count && all->rows[at].offset != part->rows[i].offset)
            at++;
        fuzz_need(at < all->count, "what is not passed over is a row");
        need_same_row(&part->rows[i], &all->rows[at]);
    }
}

static bool is_not_csv(struct rt_slice input)
{
    if (rt_slice_has_prefix(input, rt_slice_str("\xef\xbb\xbf")))
        input = rt_slice_from(input.ptr + 3, input.len - 3);
    return rt_not_csv(input) != NULL;
}

static void compare_with_strict(struct rt_slice input, const struct rt_csv_options *options,
                                const struct table *table)
{
    struct rt_arena arena = {0};
    struct strict_table strict =
        strict_csv_parse(input, options->delimiter, !options->final_newline_optional, &arena);

    fuzz_need(strict.is_refused == table->is_refused, "refused by the strict parser, too");
    fuzz_need(strict.count == table->count, "the strict parser has as many rows");
    for (size_t i = 0; i < strict.count; i++)
        if (i == 0)
            need_same_cells(&table->rows[i], &strict.rows[i]);
        else
            need_same_row(&table->rows[i], &strict.rows[i]);
    rt_arena_clear(&arena);
}

/* Writes the table and reads it again; encodings apart, the cells are what they were. */
static void write_and_read(const struct table *table, char delimiter, bool quote_all, bool crlf)
{
    struct rt_csv_writer_options how = {
        .delimiter = delimiter, .quote_all = quote_all, .crlf = crlf};
    struct rt_csv_options options = {.delimiter = delimiter};
    struct rt_csv_writer writer;
    struct rt_buf out = {0};
    struct table again;
    struct rt_err err;

    fuzz_need(rt_csv_writer_init(&writer, &how, &err) == 0, "a writer for UTF-8");
    for (size_t i = 0; i < table->count; i++) {
        for (size_t k = 0; k < table->rows[i].count; k++)
            fuzz_need(rt_csv_put(&writer, &out, table->rows[i].cells[k], &err) == 0,
                      "what was read can be written");
        rt_csv_end_row(&writer, &out);
    }
    if (rt_not_csv(rt_buf_slice(&out)) != NULL)
        goto out; /* its first name was in quotes, and needs none */
    again = read_table(rt_buf_slice(&out), &options, 0, PLAIN);
    fuzz_need(!again.is_refused && again.count == table->count, "what was written can be read");
    for (size_t i = 0; i < table->count; i++)
        need_same_cells(&table->rows[i], &again.rows[i]);
    clear_table(&again);
out:
    rt_buf_clear(&out);
    rt_csv_writer_clear(&writer);
}

static bool is_faultless(const struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].has_fault)
            return false;
    return !table->is_refused;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {NULL, NULL,           NULL,      NULL,
                                            NULL, "windows-1252", "GB18030", "UTF-16"};
    struct rt_slice input = rt_slice_from(data, size);
    unsigned way = fuzz_byte(&input);
    size_t most = way & 0x80 ? 0 : 1 + way % 5;
    struct rt_csv_options options = {.delimiter = ",;\t|"[way & 3],
                                     .encoding = encodings[(way >> 2) & 7],
                                     .final_newline_optional = way & 0x20};
    struct table ours = read_table(input, &options, most, PLAIN), other;

    other = read_table(input, &options, 0, LIBCSV);
    need_same(&ours, &other);
    clear_table(&other);
    other = read_table(input, &options, size % 3 ? most : 0, size % 2 ? PEEK : SKIP);
    (size % 2 ? need_same : need_part)(&ours, &other);
    clear_table(&other);
    if (options.encoding == NULL && is_not_csv(input))
        fuzz_need(ours.is_refused, "what is no CSV is refused");
    else if (options.encoding == NULL)
        compare_with_strict(input, &options, &ours);
    if (is_faultless(&ours))
        write_and_read(&ours, options.delimiter, way & 0x40, way & 0x20);
    clear_table(&ours);
    return 0;
}
