/*
 * Opens a file, or standard input ("-"), as a stream of bytes for the CSV reader, and unpacks gzip,
 * which is recognised by its first bytes.  A damaged or cut gzip file is RT_DATA, a file that
 * cannot be read, or that is no regular file (a symbolic link, a FIFO), is RT_IO.
 */
#ifndef RT_SOURCE_H
#define RT_SOURCE_H

#include "lib/csv_reader.h"
#include "lib/digest.h"

struct rt_source_file;

/* Caller closes with rt_source_close.  *source speaks for the file until then. */
int rt_source_open(const char *path, struct rt_source_file **file, struct rt_source *source,
                   struct rt_err *err) RT_MUST_CHECK;
void rt_source_close(struct rt_source_file *file);

/* What the file was, once it was read to its end: its bytes as they are on the disk, packed or not.
   False: it was written to, or another one took its name, while it was read. */
struct rt_source_facts {
    uint64_t size;
    struct rt_digest digest;
};
bool rt_source_facts(const struct rt_source_file *file, struct rt_source_facts *facts);

/* A source over bytes in memory, which must outlive it. */
struct rt_source_memory {
    struct rt_slice rest;
};
void rt_source_from_memory(struct rt_source_memory *memory, struct rt_slice bytes,
                           struct rt_source *source);

/* Packs bytes with gzip (no name, no time: the same bytes give the same bytes), appends them to
 * out. */
struct rt_buf;
int rt_gzip_pack(struct rt_slice bytes, struct rt_buf *out, struct rt_err *err) RT_MUST_CHECK;

const char *rt_source_library_version(void); /* zlib's */

#endif
