/*
 * What the state knows of the digest files beside it (digest_file.h): which one may be believed,
 * and of which records it may not.
 */
#ifndef RT_STORE_DIGESTS_H
#define RT_STORE_DIGESTS_H

#include "lib/store.h"

struct rt_store_digests {
    struct rt_digest generation;
    int64_t highest; /* record number when the file was made: newer records are not in it */
};
/* 1: the side has a digest file of that generation; 0: it has none; -1. */
int rt_store_digests(struct rt_store *store, enum rt_side side, struct rt_store_digests *digests,
                     struct rt_err *err) RT_MUST_CHECK;
/* A new file is being made of what the state holds now; its generation depends on the one before,
   and on `seed`. */
int rt_store_set_digests(struct rt_store *store, enum rt_side side, struct rt_digest seed,
                         struct rt_digest *generation, struct rt_err *err) RT_MUST_CHECK;
int rt_store_drop_digests(struct rt_store *store, enum rt_side side,
                          struct rt_err *err) RT_MUST_CHECK;
/* The records of which the side's file is not to be believed any more; some more than once. */
int rt_store_each_touched(struct rt_store *store, enum rt_side side, rt_store_visit *visit,
                          void *context, struct rt_err *err) RT_MUST_CHECK;
/* The records with a higher number. */
int rt_store_each_newer(struct rt_store *store, int64_t rid, rt_store_visit *visit, void *context,
                        struct rt_err *err) RT_MUST_CHECK;
/* How many changes of records this transaction has noted so far; and the record of one of them, 0
   if it was about the other side. */
size_t rt_store_touch_count(const struct rt_store *store);
int64_t rt_store_touched_at(const struct rt_store *store, enum rt_side side, size_t i);
/* Of that record the side's file is not to be believed. */
void rt_store_touch_side(struct rt_store *store, int64_t rid, enum rt_side side);

#endif
