/*
 * Writes CSV: RFC 4180, byte-stable (the same rows give the same bytes), minimal quoting unless
 * told otherwise.  Appends to a buffer of the caller's; knows nothing of files.
 *
 *     rt_csv_writer_init(&w, &options, &err);
 *     rt_csv_put(&w, &buf, cell, &err) ...; rt_csv_end_row(&w, &buf);
 *     rt_csv_writer_clear(&w);
 *
 * A cell is quoted if it holds the delimiter, a quote, CR or LF, has a blank at either end, or
 * begins like a byte order mark; an empty cell is not, except the only cell of a row, which would
 * else be a blank line.  quote_all quotes every cell, the empty ones too.
 */
#ifndef RT_CSV_WRITER_H
#define RT_CSV_WRITER_H

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/slice.h"

#include <stdbool.h>

struct rt_csv_writer_options {
    char delimiter;
    bool crlf;
    bool quote_all;
    bool spreadsheet;     /* defuse formulas, for reports that people open; never on the wire */
    const char *encoding; /* any iconv name; NULL or "utf-8": as it is */
};

struct rt_csv_writer {
    struct rt_csv_writer_options options;
    void *iconv;   /* NULL for UTF-8 */
    size_t cells;  /* in the row under way */
    bool is_empty; /* the row's only cell so far was empty */
};

/* RT_CONFIG if the encoding is not known.  Caller clears. */
int rt_csv_writer_init(struct rt_csv_writer *writer, const struct rt_csv_writer_options *options,
                       struct rt_err *err) RT_MUST_CHECK;

/* Appends one cell.  -1, RT_DATA and nothing appended if a character does not exist in the
 * encoding. */
int rt_csv_put(struct rt_csv_writer *writer, struct rt_buf *out, struct rt_slice cell,
               struct rt_err *err) RT_MUST_CHECK;
void rt_csv_end_row(struct rt_csv_writer *writer, struct rt_buf *out);
void rt_csv_writer_clear(struct rt_csv_writer *writer);

/* True if the encoding can hold the text (UTF-8 in). */
bool rt_csv_fits(const struct rt_csv_writer *writer, struct rt_slice cell);

#endif
