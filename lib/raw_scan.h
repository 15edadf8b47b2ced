/*
 * Finds where records end in the raw bytes of a CSV file, many times faster than parsing them.
 *
 * Only what RFC 4180 allows is told apart here: every quote that opens a cell follows a delimiter
 * or a line end, every closing one stands before one, a CR outside quotes is half of a CRLF.  Where
 * that is not so the scan stops, and the parser (libcsv, csv_reader.h) says what the bytes mean.  A
 * record found here has the very bytes that the parser would take for one.
 */
#ifndef RT_RAW_SCAN_H
#define RT_RAW_SCAN_H

#include <stddef.h>
#include <stdint.h>

struct rt_raw_end {
    uint32_t at;    /* behind the record's line end, from where the scan began */
    uint32_t lines; /* line feeds up to there, those in quotes too */
};

struct rt_raw_ends { /* caller frees `ends` */
    struct rt_raw_end *ends;
    size_t count, room;
};

/* Scans `len` bytes (below 4 GiB) that begin with a record, and lists the ends of all whole records
   up to the first irregular place.  Replaces what was in the list. */
void rt_raw_scan(const char *bytes, size_t len, char delimiter, struct rt_raw_ends *ends);

/* The same with the portable code, whatever the processor can do: for tests. */
void rt_raw_scan_portable(const char *bytes, size_t len, char delimiter, struct rt_raw_ends *ends);

#endif
