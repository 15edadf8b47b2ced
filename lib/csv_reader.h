/*
 * Reads CSV: RFC 4180, header required, BOM stripped, LF, CRLF or both, quoted line breaks.  The
 * only user of libcsv, which parses what is irregular and what is very long; regular records are
 * split at the places that a scan of the raw bytes has found (raw_scan.h), to the same cells.
 *
 * A pull iterator: open, header, next ... until 0, close.  Cells are UTF-8 and borrowed until the
 * next call.  What is wrong with one row (too few or too many cells, NUL, bytes that do not fit
 * the encoding) comes back as a row with `fault` set, so that the rest goes on; what is wrong with
 * the file (no header, broken quoting, an open quote or no line end at the end, a cell or row over
 * its limit) is -1 with RT_DATA and a message "NAME: line L, column C: what and what to do".
 * Blanks, empty cells and blank lines: nothing is trimmed; a line without any byte is skipped where
 * the header has more than one column, and is a row with one empty cell where it has one.
 * A lone CR ends a row too, outside quotes, and counts as a line there.
 */
#ifndef RT_CSV_READER_H
#define RT_CSV_READER_H

#include "lib/err.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RT_CSV_MAX_CELL  ((size_t)16 << 20)
#define RT_CSV_MAX_ROW   ((size_t)64 << 20)
#define RT_CSV_MAX_CELLS ((size_t)65536) /* in a row */

/* Where bytes come from.  read: number of bytes, 0 at the end, -1 with err set. */
struct rt_source {
    ssize_t (*read)(void *context, void *buf, size_t size, struct rt_err *err);
    void *context;
};

struct rt_csv_options {
    char delimiter;
    const char *encoding;        /* any iconv name; NULL: UTF-8, and no setting can change that */
    bool with_libcsv_alone;      /* for tests: no record is split by our own code */
    bool final_newline_optional; /* else a missing last line end refuses the file: it was cut */
};

struct rt_csv_row {
    const struct rt_slice *cells; /* raw content, quotes undone, converted to UTF-8 */
    size_t count;
    uint64_t line;     /* of the row's first byte; the header is line 1 */
    uint64_t offset;   /* of the row's first byte in the (unpacked) input; where a comma is not the
                          byte of a comma (UTF-16), in the input as UTF-8 */
    uint64_t length;   /* with its line end */
    const char *fault; /* NULL, or why the row cannot be used, in words, without file and line; the
                          cell that is at fault then holds its bytes as they came */
    size_t fault_column; /* 1 for the first cell; 0: the row as a whole */
};

struct rt_csv_reader;

/*
 * `name` is for messages.  Reads the header.  Caller closes, also after a failed next; on failure
 * *reader is NULL.  `source` and `name` must outlive the reader.
 */
int rt_csv_open(const struct rt_source *source, const char *name,
                const struct rt_csv_options *options, struct rt_csv_reader **reader,
                struct rt_err *err) RT_MUST_CHECK;

/* The header's cells; lives until close. */
const struct rt_slice *rt_csv_header(const struct rt_csv_reader *reader, size_t *count);

/* 1: a row, borrowed until the next call; 0: the end, all of the input was right; -1: refused or
 * unreadable. */
int rt_csv_next(struct rt_csv_reader *reader, struct rt_csv_row *row,
                struct rt_err *err) RT_MUST_CHECK;

/*
 * A look at the raw bytes of the next record before it is parsed.  True: these are its bytes, with
 * its line end, borrowed until the next call: go on with rt_csv_skip, or with rt_csv_next, which
 * parses it; false: they cannot be told without parsing (irregular quoting, a very long record, the
 * end, a failure): go on with rt_csv_next.
 */
bool rt_csv_peek(struct rt_csv_reader *reader, struct rt_slice *raw);
/* Passes over the record of the peek before, without looking into it. */
void rt_csv_skip(struct rt_csv_reader *reader);
/* The offset of what comes next. */
uint64_t rt_csv_offset(const struct rt_csv_reader *reader);
/* Are offsets those in the input as UTF-8? */
bool rt_csv_is_recoded(const struct rt_csv_reader *reader);

void rt_csv_close(struct rt_csv_reader *reader);

const char *rt_csv_library_version(void); /* libcsv's, of its header */

#endif
