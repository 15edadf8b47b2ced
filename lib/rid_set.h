/*
 * A set of record numbers: which records a file has shown, which ones a run has touched.  One bit
 * for each number up to the highest: they are given out one after the other.  Zero-initialised is
 * empty and ready.
 */
#ifndef RT_RID_SET_H
#define RT_RID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_rid_set {
    uint64_t *words;
    size_t size; /* words */
    size_t count;
};

bool rt_rid_set_add(struct rt_rid_set *set, int64_t rid); /* true: it was not in it */
void rt_rid_set_remove(struct rt_rid_set *set, int64_t rid);
bool rt_rid_set_has(const struct rt_rid_set *set, int64_t rid);
/* The lowest number in it that is above `rid`; 0: there is none.  From 0 on, all of them in order.
 */
int64_t rt_rid_set_next(const struct rt_rid_set *set, int64_t rid);
void rt_rid_set_clear(struct rt_rid_set *set);

#endif
