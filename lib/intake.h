/*
 * Taking files in: every row of every waiting file becomes an observation (R1 to R4, R9, R10, R14).
 *
 * Files go by stamp, then external first, then by name.  One file is one savepoint: a file that is
 * refused half way leaves nothing but its mention in the ledger and the review list.  Rows are read
 * once; a file in which two rows speak of the same record is read a second time, with those rows
 * set aside (R9).  Memory holds the file's row numbers and its rejected, clashing and repeated
 * rows, nothing else.
 *
 * With work->is_dry no file is moved or written; the state must then be a scratch one.
 */
#ifndef RT_INTAKE_H
#define RT_INTAKE_H

#include "lib/work.h"

/* Takes in what waits in inbox/external and inbox/native.  0 also when files were refused: then
   work->refused[side] is set and the log has said why.  -1 for what stops the whole run. */
int rt_intake_inbox(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* Takes in files from anywhere, in the order of their stamps: for diff and baseline.  A rebuild's
   baseline has one file a side. */
int rt_intake_paths(struct rt_work *work, enum rt_side side, const char *const *paths, size_t count,
                    struct rt_err *err) RT_MUST_CHECK;

/* Rebuild: takes in the file at `path` as the journal tells of it (number, name, digest, times), or
   refuses it again for the reason it had then (else NULL). */
int rt_intake_again(struct rt_work *work, const struct rt_file *file, const char *path,
                    const char *refused, struct rt_err *err) RT_MUST_CHECK;

/* Tells a file's stamp, by its name or its mtime.  RT_DATA if the name should tell and
 * does not. */
int rt_intake_stamp(const struct rt_side_config *side, const char *name, int64_t mtime,
                    int64_t *stamp, struct rt_err *err) RT_MUST_CHECK;

/* Does a file of that name hold everything that the side has?  Not the rows that were set aside
 * from one, mended: the file from rejects/ has no others. */
int rt_intake_is_snapshot(struct rt_work *work, enum rt_side side, const char *name, bool *is,
                          struct rt_err *err) RT_MUST_CHECK;

/* What a file is called in rejects/, refused as a whole or in some rows.  The caller frees it. */
char *rt_rejects_name(const struct rt_file *file);

/* After the commit: the digests of the snapshots that were taken in become the files that the next
 * run reads. */
void rt_intake_publish_digests(struct rt_work *work);

#endif
