/*
 * The digests of the raw records of a side's newest snapshot, in a file beside the state: what lets
 * the next snapshot be compared at the speed of reading it.
 *
 * A cache and nothing more.  It carries the generation that the state gave it, a fingerprint of all
 * that gives raw bytes their meaning (header, delimiter, encoding, schema), and a checksum: a file
 * that is missing, of another generation, or damaged costs one full parse and never an answer.  It
 * is therefore written without fsync, and what goes wrong while writing it is no error of the run.
 *
 * The file: a header, then 20 bytes an entry in the order of the snapshot's rows: digest, and
 * record number (4 bytes, of this machine's byte order, like the rest).
 */
#ifndef RT_DIGEST_FILE_H
#define RT_DIGEST_FILE_H

#include "lib/digest.h"
#include "lib/err.h"

#include <stddef.h>
#include <stdint.h>

/* What a file must be tagged with to be believed. */
struct rt_digest_tag {
    struct rt_digest generation;
    struct rt_digest fingerprint;
};

struct rt_digest_file;

/* Loads the whole file, 20 bytes an entry, and 4 to 8 more once it is searched.  NULL: it cannot be
   used. */
struct rt_digest_file *rt_digest_file_load(const char *path, const struct rt_digest_tag *tag);
void rt_digest_file_free(struct rt_digest_file *file);

size_t rt_digest_file_count(const struct rt_digest_file *file);
int64_t rt_digest_file_rid(const struct rt_digest_file *file, size_t i);
/* The record whose row had these very bytes; 0: none.  Fast when asked in the order of the file. */
int64_t rt_digest_file_find(struct rt_digest_file *file, struct rt_digest digest);

/* Writes a new file under a temporary name: add ... add, then publish, which closes it.  Without a
   publish before it, close removes it.  NULL: it cannot be made. */
struct rt_digest_writer;
struct rt_digest_writer *rt_digest_writer_open(const char *path);
void rt_digest_writer_add(struct rt_digest_writer *writer, struct rt_digest digest, int64_t rid);
void rt_digest_writer_publish(struct rt_digest_writer *writer, const struct rt_digest_tag *tag);
void rt_digest_writer_close(struct rt_digest_writer *writer);

#endif
