/*
 * What a person was last shown of the review list: item numbers with their versions, in a small
 * hidden file of the profile, so that a decision on an item that changed since can be refused
 * although listing takes no lock and changes no state.  Losing the file loses nothing else.
 */
#ifndef RT_LISTED_H
#define RT_LISTED_H

#include "lib/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_listed {
    struct rt_listed_item {
        int64_t number, version;
    } * items;
    size_t count;
    bool any; /* something was listed at some time */
};

/* What was shown before; nothing if there is no such file, or if it cannot be read.  Caller clears.
 */
void rt_listed_read(struct rt_listed *listed, const char *profile);
void rt_listed_clear(struct rt_listed *listed);

/* The version that was shown; 0: it was not. */
int64_t rt_listed_version(const struct rt_listed *listed, int64_t number);
void rt_listed_set(struct rt_listed *listed, int64_t number, int64_t version);

int rt_listed_write(const struct rt_listed *listed, const char *profile,
                    struct rt_err *err) RT_MUST_CHECK;

#endif
