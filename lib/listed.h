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
        uint64_t about; /* the question itself: what is overdue has its number for good only once
                           a command wrote it down, and until then another may get it */
    } * items;
    size_t count;
    bool any; /* something was listed at some time */
};

/* What was shown before; nothing if there is no such file, or if it cannot be read.  Caller clears.
 */
void rt_listed_read(struct rt_listed *listed, const char *profile);
void rt_listed_clear(struct rt_listed *listed);

/* What was shown under that number; NULL: nothing.  Until the next set. */
const struct rt_listed_item *rt_listed_find(const struct rt_listed *listed, int64_t number);
void rt_listed_set(struct rt_listed *listed, struct rt_listed_item item);

int rt_listed_write(const struct rt_listed *listed, const char *profile,
                    struct rt_err *err) RT_MUST_CHECK;

#endif
