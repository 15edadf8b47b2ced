/* What csv_reader.c, which parses rows, and csv_raw.c, which looks at their bytes, share. */
#ifndef RT_CSV_READER_INTERNAL_H
#define RT_CSV_READER_INTERNAL_H

#include "lib/csv_reader.h"
#include "lib/encoding.h"
#include "lib/mem.h"
#include "lib/raw_scan.h"

#include <csv.h>

struct rt_csv_reader {
    const struct rt_source *source;
    const char *name;
    struct rt_csv_options options;
    struct csv_parser csv;

    /* At most one of these is open.  UTF-8 needs none. */
    iconv_t
        stream; /* encodings in which a comma is not the byte of a comma: decoded before parsing */
    iconv_t cell; /* the others: decoded cell by cell, so that one bad byte costs one row */
    char *raw;    /* bytes for `stream` */
    size_t raw_len;

    char *buf; /* BLOCK bytes; those from pos to len are not parsed yet */
    size_t pos, len;
    size_t lf; /* end of the line at pos, if it is over pos: the search for it is not repeated */
    bool eof;
    uint64_t offset;             /* of buf[pos] in the input */
    uint64_t line;               /* of buf[pos] */
    struct rt_raw_ends raw_ends; /* of whole records ahead, found in the raw bytes */
    size_t raw_next;             /* the first of them that was not passed yet */
    size_t raw_base;             /* where in buf their scan began */
    bool is_split;               /* regular records are split without libcsv */
    bool is_scanned;             /* the list speaks of what buf holds now */

    /* The row under way. */
    uint64_t row_line, row_offset, cell_line;
    size_t row_bytes;    /* 0: not begun */
    struct rt_buf text;  /* its cells, each with a line feed behind it: see rt_text_is_plain() */
    size_t *ends;        /* where they end in text */
    size_t count, room;  /* cells; elements of ends and cells */
    bool is_done;        /* libcsv reported its end */
    const char *too_big; /* the limit that it broke */

    struct rt_slice *cells;
    struct rt_buf decoded;
    char fault[160];

    struct rt_arena arena;
    struct rt_slice *header;
    size_t columns; /* 0 until the header is read */
    struct rt_err failure;
};

/* csv_raw.c: takes in a row without libcsv.  True: its cells are set, and `bytes` holds them all;
   false: it is not regular: libcsv must say what it is. */
bool rt_csv_split(struct rt_csv_reader *reader, struct rt_slice *bytes);

/* Makes room for one more cell. */
void rt_csv_grow_cells(struct rt_csv_reader *reader);

/* Reads more bytes behind those that are not parsed yet. */
int rt_csv_fill(struct rt_csv_reader *reader, struct rt_err *err) RT_MUST_CHECK;

#endif
