#include "lib/schema_read.h"

#include "lib/mem.h"
#include "lib/source.h"
#include "lib/utf8.h"

#include <stdlib.h>
#include <string.h>

#define NOT_MAPPED   ((size_t)-1)
#define MOST_COLUMNS 64 /* of a table; spreadsheets add empty ones */

struct scan {
    const struct rt_table *table;
    struct rt_csv_reader *reader;
    size_t at[MOST_COLUMNS]; /* table column -> cell */
    struct rt_err *err;
};

static struct rt_slice trim(struct rt_slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) && text.ptr[text.len - 1])
        text.len--;
    while (text.len > 0 && (*text.ptr == ' ' || *text.ptr == '\t')) {
        text.ptr++;
        text.len--;
    }
    return text;
}

static size_t find_column(const struct rt_table *table, struct rt_slice name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (rt_slice_is_str(name, table->columns[i]))
            return i;
    }
    return NOT_MAPPED;
}

static bool has_column(const struct rt_csv_reader *reader, const char *name)
{
    size_t count;
    const struct rt_slice *header = rt_csv_header(reader, &count);

    for (size_t i = 0; i < count; i++) {
        if (rt_slice_is_str(trim(header[i]), name))
            return true;
    }
    return false;
}

/* Opens with the first delimiter under which the header names the first column; else with a comma.
 */
static int open_reader(const struct rt_table *table, const struct rt_source *source,
                       struct rt_source_memory *memory, struct rt_csv_reader **reader,
                       struct rt_err *err)
{
    static const char delimiters[] = {',', ';', '\t', ','};
    struct rt_slice text = memory->rest;

    for (size_t i = 0; i < sizeof delimiters; i++) {
        struct rt_csv_options options = {.delimiter = delimiters[i],
                                         .final_newline_optional = true};

        memory->rest = text;
        if (rt_csv_open(source, table->path, &options, reader, err) != 0)
            continue;
        if (i + 1 == sizeof delimiters || has_column(*reader, table->columns[0]))
            return 0;
        rt_csv_close(*reader);
        *reader = NULL;
    }
    err->code = RT_CONFIG;
    return -1;
}

static int fail_column(const struct scan *scan, struct rt_slice name)
{
    char *word = rt_xstrndup(name.ptr, name.len < 60 ? name.len : 60);
    const char *nearest = rt_nearest(word, scan->table->columns, scan->table->count);

    if (nearest)
        rt_err_set(scan->err, RT_CONFIG, "%s: line 1: unknown column \"%s\"; did you mean \"%s\"?",
                   scan->table->path, word, nearest);
    else
        rt_err_set(scan->err, RT_CONFIG, "%s: line 1: unknown column \"%s\"; remove it",
                   scan->table->path, word);
    free(word);
    return -1;
}

static int map_columns(struct scan *scan)
{
    const struct rt_table *table = scan->table;
    size_t count;
    const struct rt_slice *header = rt_csv_header(scan->reader, &count);

    for (size_t i = 0; i < table->count; i++)
        scan->at[i] = NOT_MAPPED;
    for (size_t i = 0; i < count; i++) {
        struct rt_slice name = trim(header[i]);
        size_t column = find_column(table, name);

        if (name.len == 0)
            continue;
        if (column == NOT_MAPPED)
            return fail_column(scan, name);
        if (scan->at[column] != NOT_MAPPED)
            return rt_err_set(scan->err, RT_CONFIG,
                              "%s: line 1: column \"%s\" is there twice; remove one", table->path,
                              table->columns[column]);
        scan->at[column] = i;
    }
    for (size_t i = 0; i < table->needed; i++) {
        if (scan->at[i] == NOT_MAPPED)
            return rt_err_set(scan->err, RT_CONFIG,
                              "%s: line 1: no column \"%s\"; the header must name it", table->path,
                              table->columns[i]);
    }
    return 0;
}

/* Every cell with something in it must be under a name, and text: of a row with a wrong number of
   cells the reader says only that. */
static int check_cells(const struct scan *scan, const struct rt_csv_row *row)
{
    size_t count;
    const struct rt_slice *header = rt_csv_header(scan->reader, &count);

    for (size_t i = 0; i < row->count; i++) {
        if ((i >= count || trim(header[i]).len == 0) && trim(row->cells[i]).len > 0)
            return rt_err_set(scan->err, RT_CONFIG,
                              "%s: line %u: cell %zu has no column name in the header; quote a "
                              "cell with the delimiter in it",
                              scan->table->path, (unsigned)row->line, i + 1);
        if ((row->cells[i].len && memchr(row->cells[i].ptr, '\0', row->cells[i].len)) ||
            !rt_utf8_is_valid(row->cells[i]))
            return rt_err_set(scan->err, RT_CONFIG,
                              "%s: line %u: cell %zu is no text; save it again as CSV in UTF-8",
                              scan->table->path, (unsigned)row->line, i + 1);
    }
    return 0;
}

static int take_row(const struct scan *scan, const struct rt_csv_row *row)
{
    const struct rt_table *table = scan->table;
    struct rt_slice cells[MOST_COLUMNS] = {{0}};
    bool is_empty = true;
    size_t count;

    (void)rt_csv_header(scan->reader, &count);
    /* A wrong number of cells is no fault here as long as nothing is lost. */
    if (row->fault && (row->fault_column > 0 || row->count == count || row->cells == NULL))
        return rt_err_set(scan->err, RT_CONFIG, "%s: line %u: %s", table->path, (unsigned)row->line,
                          row->fault);
    if (check_cells(scan, row) != 0)
        return -1;
    for (size_t i = 0; i < table->count; i++) {
        if (scan->at[i] < row->count)
            cells[i] = row->cells[scan->at[i]];
        is_empty = is_empty && trim(cells[i]).len == 0;
    }
    return is_empty ? 0 : table->take(table->context, (unsigned)row->line, cells, scan->err);
}

int rt_table_read(const struct rt_table *table, struct rt_slice text, struct rt_err *err)
{
    struct scan scan = {.table = table, .err = err};
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_csv_row row;
    int rc;

    rt_source_from_memory(&memory, text, &source);
    if (open_reader(table, &source, &memory, &scan.reader, err) != 0)
        return -1;
    rc = map_columns(&scan);
    while (rc == 0) {
        int more = rt_csv_next(scan.reader, &row, err);

        if (more < 0)
            err->code = RT_CONFIG;
        if (more <= 0) {
            rc = more;
            break;
        }
        rc = take_row(&scan, &row);
    }
    rt_csv_close(scan.reader);
    return rc;
}
