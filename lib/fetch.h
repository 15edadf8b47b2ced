/*
 * Bringing files in: from the other end's exports, from a command, or from where a person says.
 *
 * A file reaches the inbox whole, under its final name, or not at all; the ledger remembers its
 * name, size, time and digest, so that one that the platform copies again is a no-op.  A file is
 * taken when its time lies more than `settle` back, or two looks that far apart show the same size
 * and time.
 */
#ifndef RT_FETCH_H
#define RT_FETCH_H

#include "lib/work.h"

struct rt_fetch_options {
    bool full;        /* run --full: a snapshot, where the side has a way to give one */
    int64_t stamp;    /* --stamp, or RT_NEVER */
    bool is_snapshot; /* --snapshot */
    void (*tell)(void *context,
                 const char *path); /* each new inbox file, relative to the profile */
    void *context;
};

/* Fetches what is new from the side's transport.  0 also when there is nothing; a side without a
 * source: nothing. */
int rt_fetch_side(struct rt_work *work, enum rt_side side, const struct rt_fetch_options *options,
                  struct rt_err *err) RT_MUST_CHECK;

/* Both sides, one after the other. */
int rt_fetch_both(struct rt_work *work, const struct rt_fetch_options *options,
                  struct rt_err *err) RT_MUST_CHECK;

/* Takes a local file in ("-": standard input), as it is. */
int rt_fetch_path(struct rt_work *work, enum rt_side side, const char *path,
                  const struct rt_fetch_options *options, struct rt_err *err) RT_MUST_CHECK;

#endif
