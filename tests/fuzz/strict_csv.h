/*
 * CSV once more, written from RFC 4180 and roundtrip.ini(5), and from nothing in lib/: what
 * fuzz_csv.c compares the reader with.  UTF-8 alone, and whole inputs in memory.
 */
#ifndef RT_STRICT_CSV_H
#define RT_STRICT_CSV_H

#include "lib/mem.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct strict_row {
    struct rt_slice *cells; /* in the arena */
    size_t count;
    uint64_t line, offset, length;
    size_t fault_column; /* of what is wrong with the row */
    bool has_fault;
};

struct strict_table {
    struct strict_row *rows; /* the header first; in the arena */
    size_t count;
    bool is_refused; /* after these rows */
};

struct strict_table strict_csv_parse(struct rt_slice input, char delimiter, bool needs_last_newline,
                                     struct rt_arena *arena);

#endif
