#include "lib/draft.h"

#include "lib/source.h"

#include <stdlib.h>

#define SAMPLE_ROWS  5000
#define SAMPLE_BYTES ((size_t)64 << 20)

/* The delimiter that gives the header most columns. */
static char find_delimiter(struct rt_slice text, const char *name)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    char best = ',';
    size_t most = 0, count;

    for (size_t i = 0; i < sizeof delimiters; i++) {
        struct rt_csv_options options = {.delimiter = delimiters[i],
                                         .final_newline_optional = true};
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

int rt_sample_read(struct rt_slice text, const char *name, struct rt_arena *arena,
                   struct rt_sample *sample, struct rt_err *err)
{
    struct rt_csv_options options = {.final_newline_optional = true};
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_csv_reader *reader;
    struct rt_csv_row row;
    struct rt_slice *cells = NULL;
    size_t count = 0;
    int rc = 1;

    *sample = (struct rt_sample){.name = name, .delimiter = find_delimiter(text, name)};
    options.delimiter = sample->delimiter;
    rt_source_from_memory(&memory, text, &source);
    if (rt_csv_open(&source, name, &options, &reader, err) < 0)
        return -1;
    keep_header(reader, arena, sample);
    while (sample->rows < SAMPLE_ROWS && arena->total < SAMPLE_BYTES &&
           (rc = rt_csv_next(reader, &row, err)) == 1) {
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
    return rc < 0 ? -1 : 0;
}
