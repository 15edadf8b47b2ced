/*
 * Files that become visible whole or not at all: bytes first, then meaning.
 *
 *     open      creates DIR/.NAME.XXXXXX, mode 0600, O_EXCL
 *     write     as often as you like; the first error sticks
 *     commit    flush, fsync, rename to DIR/NAME, fsync of DIR
 *     close     always; without a commit before it, the temporary file is removed
 *
 * commit never replaces a file: if DIR/NAME is there, it fails with RT_IO unless `replace` was set.
 * A failed fsync is not tried again: the file is given up and the caller's run ends with RT_IO.
 * Steps: spool.create, spool.write, spool.fsync, spool.rename, spool.fsync_dir.
 * Temporary names begin with RT_SPOOL_TEMPORARY, so that rt_spool_sweep can remove what a kill
 * left.
 */
#ifndef RT_SPOOL_H
#define RT_SPOOL_H

#include "lib/digest.h"
#include "lib/err.h"
#include "lib/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct rt_spool;

#define RT_SPOOL_TEMPORARY ".roundtrip-"

int rt_spool_open(const char *dir, const char *name, bool replace, struct rt_spool **spool,
                  struct rt_err *err) RT_MUST_CHECK;
int rt_spool_write(struct rt_spool *spool, const void *bytes, size_t len,
                   struct rt_err *err) RT_MUST_CHECK;
int rt_spool_fd(const struct rt_spool *spool); /* of the temporary file, after rt_spool_flush */
int rt_spool_flush(struct rt_spool *spool, struct rt_err *err) RT_MUST_CHECK;
const char *rt_spool_dir(const struct rt_spool *spool); /* borrowed until close */
void rt_spool_rename(struct rt_spool *spool,
                     const char *name); /* another final name, before the commit */
void rt_spool_set_mtime(struct rt_spool *spool, int64_t t);     /* given to the file at commit */
uint64_t rt_spool_size(const struct rt_spool *spool);           /* bytes written so far */
struct rt_digest rt_spool_digest(const struct rt_spool *spool); /* of the bytes written so far */
int rt_spool_commit(struct rt_spool *spool, struct rt_err *err) RT_MUST_CHECK;
void rt_spool_close(struct rt_spool *spool);

/* Renames, or copies to another file system and removes, and fsyncs both folders; never replaces. A
   source that is gone while the target is there counts as done: the step may be repeated.
   Step: spool.move. */
int rt_spool_move(const char *from, const char *to, struct rt_err *err) RT_MUST_CHECK;

/* Renames over what is at `to`, and fsyncs the folder.  Step: spool.replace. */
int rt_spool_replace(const char *from, const char *to, struct rt_err *err) RT_MUST_CHECK;

/* Makes the name of a file durable, or its absence: fsyncs its folder; where a folder cannot be
   synced, or not be read, the whole file system.  On failure errno tells why.  Step:
   spool.fsync_dir. */
int rt_spool_sync_name(const char *path, struct rt_err *err) RT_MUST_CHECK;

/* Makes a file that others wrote durable, and its name: before the state speaks of it.  Step:
 * spool.fsync. */
int rt_spool_sync(const char *path, struct rt_err *err) RT_MUST_CHECK;

/* Removes a file and fsyncs its folder; one that is not there counts as done.  Step: spool.remove.
 */
int rt_spool_remove(const char *path, struct rt_err *err) RT_MUST_CHECK;

/* Copies a file whole to dir/name through a spool, keeping its mtime. */
int rt_spool_copy(const char *from, const char *dir, const char *name,
                  struct rt_err *err) RT_MUST_CHECK;

/* Appends bytes to a file at exactly `offset`, cutting what is behind it (a torn earlier try), and
   fsyncs. Creates the file, 0600, and fsyncs the folder if it is new.  Step: spool.append. */
int rt_spool_append(const char *path, uint64_t offset, struct rt_slice bytes,
                    struct rt_err *err) RT_MUST_CHECK;

/* Removes temporary files of earlier runs in a folder.  Only call with the profile's lock held. */
int rt_spool_sweep(const char *dir, struct rt_err *err) RT_MUST_CHECK;

/* Reads a whole file of at most `limit` bytes. RT_IO; RT_DATA if it is larger. */
int rt_spool_read(const char *path, size_t limit, struct rt_buf *out,
                  struct rt_err *err) RT_MUST_CHECK;

/* Size, mtime and digest of a file's bytes, read through one descriptor; RT_IO if it changed
 * meanwhile. */
struct rt_file_facts {
    uint64_t size;
    int64_t mtime;
    struct rt_digest digest;
};
int rt_spool_facts(const char *path, struct rt_file_facts *facts, struct rt_err *err) RT_MUST_CHECK;

/* mkdir with parents, 0700; one that is there is fine. fsyncs the parent. */
int rt_spool_mkdir(const char *path, struct rt_err *err) RT_MUST_CHECK;

#endif
