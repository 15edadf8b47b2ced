/*
 * The reading of schema.csv: private to schema*.c.
 *
 *     schema.c           the whole: its lines put together, and questions about the result
 *     schema_table.c     a CSV file as a table, also of codes
 *     schema_field.c     one line -> one field
 *     schema_check.c     what only several lines, or lines and settings, can tell
 *     schema_contract.c  the part that may not change unnoticed
 */
#ifndef RT_SCHEMA_READ_H
#define RT_SCHEMA_READ_H

#include "lib/csv_reader.h"
#include "lib/schema.h"

enum rt_schema_column {
    RT_COL_FIELD,
    RT_COL_EXTERNAL, /* the columns of a side: + side */
    RT_COL_NATIVE,
    RT_COL_EXTERNAL_OUT,
    RT_COL_NATIVE_OUT,
    RT_COL_EXTERNAL_MAX,
    RT_COL_NATIVE_MAX,
    RT_COL_ROLE,
    RT_COL_TYPE,
    RT_COL_DIRECTION,
    RT_COL_EXTERNAL_FORMAT,
    RT_COL_NATIVE_FORMAT,
    RT_COL_VALUES,
    RT_COL_COUNT
};

struct rt_schema_reading {
    const char *path;
    const struct rt_config *config;
    const struct rt_schema_files *files;
    struct rt_schema *schema;
    struct rt_err *err;
    unsigned line; /* of the field under way */
    struct rt_slice
        cells[RT_COL_COUNT]; /* of the line under way; empty where the column is missing */
};

/* "schema.csv: line 4, column role: ..."; always -1. */
int rt_schema_fail(const struct rt_schema_reading *reading, unsigned line,
                   enum rt_schema_column column, const char *fmt, ...) RT_PRINTF(4, 5);

/* "external_out" */
const char *rt_schema_column_name(enum rt_schema_column column);

/*
 * A CSV file that people keep with a spreadsheet: comma, semicolon or tab; trailing empty columns
 * and lines; cells missing at a line's end.  Calls take() for each line that is not empty with one
 * cell for each of the `count` named columns; `needed` of them, the first ones, must be in the
 * header.
 */
struct rt_table {
    const char *path;
    const char *const *columns;
    size_t count, needed;
    int (*take)(void *context, unsigned line, const struct rt_slice *cells, struct rt_err *err);
    void *context;
};
int rt_table_read(const struct rt_table *table, struct rt_slice text,
                  struct rt_err *err) RT_MUST_CHECK;

/* Fills a zeroed field from reading->cells. */
int rt_schema_field_read(const struct rt_schema_reading *reading,
                         struct rt_field *field) RT_MUST_CHECK;
void rt_schema_field_clear(struct rt_field *field);

/* Rules about several lines: names, headers and roles. */
int rt_schema_check(const struct rt_schema_reading *reading) RT_MUST_CHECK;

#endif
