/*
 * The digests of a side's last rows in memory, by ID: how the rows of a snapshot are recognised as
 * the same as last time without a look-up each.  32 bytes an entry, at most half full.
 */
#ifndef RT_PRINTS_H
#define RT_PRINTS_H

#include "lib/digest.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_prints;

struct rt_prints *rt_prints_new(size_t expected);
void rt_prints_free(struct rt_prints *prints);
void rt_prints_add(struct rt_prints *prints, struct rt_slice id, int64_t rid,
                   struct rt_digest print);

/* The record whose row with this ID had this very digest; 0: there is none. */
int64_t rt_prints_find(const struct rt_prints *prints, struct rt_slice id, struct rt_digest print);

#endif
