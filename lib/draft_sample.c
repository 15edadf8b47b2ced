#include "lib/draft.h"

#include "lib/source.h"
#include "lib/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_ROWS  5000
#define SAMPLE_BYTES ((size_t)64 << 20)

/* UTF-8, or what a spreadsheet on Windows writes. */
static const char *find_encoding(struct rt_slice text)
{
    if (rt_slice_has_prefix(text, rt_slice_str("\xFF\xFE")) ||
        rt_slice_has_prefix(text, rt_slice_str("\xFE\xFF")))
        return "utf-16";
    return rt_utf8_is_valid(text) ? "utf-8" : "windows-1252";
}

/* The delimiter that gives the header most columns. */
static char find_delimiter(struct rt_slice text, const char *name, const char *encoding)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    char best = ',';
    size_t most = 0, count;

    for (size_t i = 0; i < sizeof delimiters; i++) {
        struct rt_csv_options options = {
            .delimiter = delimiters[i], .encoding = encoding, .final_newline_optional = true};
        struct rt_source_memory memory;
        struct rt_csv_reader *reader;
        struct rt_source source;
        struct rt_err ignored;

        rt_source_from_memory(&memory, text, &source);
        if (rt_csv_open(&source, name, &options, &reader, &ignored) < 0)
            continue;
        (void)rt_csv_header(reader, &count);
        rt_csv_close(reader);
        if (count > most) {
            most = count;
            best = delimiters[i];
        }
    }
    return best;
}

static void keep_header(struct rt_csv_reader *reader, struct rt_arena *arena,
                        struct rt_sample *sample)
{
    const struct rt_slice *header = rt_csv_header(reader, &sample->columns);

    sample->headers = rt_arena_alloc(arena, sample->columns * sizeof *sample->headers);
    for (size_t i = 0; i < sample->columns; i++)
        sample->headers[i] = rt_arena_dup(arena, header[i]).ptr;
}

/* A title, or the "sep=;" of a spreadsheet, where the header should be. */
static int refuse_header(const struct rt_sample *sample, const struct rt_csv_row *misfit,
                         struct rt_err *err)
{
    return rt_err_set(err, RT_DATA,
                      "%s: line %" PRIu64 ": %zu cells, but line 1 has %zu, and most rows do not "
                      "fit it: the header must be the first line, with a name for each column",
                      sample->name, misfit->line, misfit->count, sample->columns);
}

int rt_sample_read(struct rt_slice text, const char *name, struct rt_arena *arena,
                   struct rt_sample *sample, struct rt_err *err)
{
    struct rt_csv_options options = {.final_newline_optional = true};
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_csv_reader *reader;
    struct rt_csv_row row, misfit = {0};
    struct rt_slice *cells = NULL;
    size_t count = 0, misfits = 0;
    int rc = 1;

    *sample = (struct rt_sample){.name = name, .encoding = find_encoding(text)};
    sample->delimiter = find_delimiter(text, name, sample->encoding);
    options.delimiter = sample->delimiter;
    options.encoding = sample->encoding;
    rt_source_from_memory(&memory, text, &source);
    if (rt_csv_open(&source, name, &options, &reader, err) < 0)
        return -1;
    keep_header(reader, arena, sample);
    while (sample->rows < SAMPLE_ROWS && arena->total < SAMPLE_BYTES &&
           (rc = rt_csv_next(reader, &row, err)) == 1) {
        if (row.count != sample->columns && ++misfits == 1)
            misfit = row;
        if (row.fault != NULL || row.count != sample->columns)
            continue;
        for (size_t i = 0; i < row.count; i++) {
            cells = rt_xgrow(cells, count, sizeof *cells);
            cells[count++] = rt_arena_dup(arena, row.cells[i]);
        }
        sample->rows++;
    }
    rt_csv_close(reader);
    if (count) {
        struct rt_slice *kept = rt_arena_alloc(arena, count * sizeof *kept);

        memcpy(kept, cells, count * sizeof *kept);
        sample->cells = kept;
    }
    free(cells);
    if (rc >= 0 && misfits > sample->rows)
        return refuse_header(sample, &misfit, err);
    return rc < 0 ? -1 : 0;
}

bool rt_sample_is_repeated(const struct rt_sample *sample, size_t column, size_t *first)
{
    const char *header = sample->headers[column];

    for (*first = 0; *first < column; ++*first)
        if (*header && strcmp(sample->headers[*first], header) == 0)
            return true;
    return false;
}
