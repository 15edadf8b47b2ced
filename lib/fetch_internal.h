/*
 * One side's fetch: what fetch.c (local files, commands) and fetch_folder.c (folders, here or at
 * the other end) have in common.
 */
#ifndef RT_FETCH_INTERNAL_H
#define RT_FETCH_INTERNAL_H

#include "lib/fetch.h"
#include "lib/remote.h"
#include "lib/spool.h"

struct rt_fetch {
    struct rt_work *work;
    enum rt_side side;
    const struct rt_side_config *settings;
    const struct rt_fetch_options *options;
    struct rt_remote *remote;
    char *inbox; /* folder */
    struct rt_arena arena;
};

/* The n-th name of a file: NAME, then with -2, -3 ... before its first dot.  Caller frees. */
char *rt_fetch_nth_name(const char *name, int n);

/* Gives a spooled file its place in the inbox, unless the same bytes are there or were taken in
 * before.  *name becomes the one it has there. */
int rt_fetch_keep(struct rt_fetch *f, struct rt_spool *spool, struct rt_file *file, char **name,
                  struct rt_err *err) RT_MUST_CHECK;

/* All that is new in the side's exports.  A connection that was lost on the way is made again. */
int rt_fetch_folder(struct rt_fetch *f, struct rt_err *err) RT_MUST_CHECK;

#endif
