/*
 * R1: which record does a row speak of?  Pure: the caller looks the IDs up and acts on the verdict.
 */
#ifndef RT_IDENTITY_H
#define RT_IDENTITY_H

#include "lib/record.h"

enum rt_identity {
    RT_IDENTITY_NEW,   /* neither ID is known: a new record */
    RT_IDENTITY_MATCH, /* the record that was found; the row tells nothing new of its IDs */
    RT_IDENTITY_LEARN, /* the record that was found, and it learns an ID */
    RT_IDENTITY_JOIN,  /* two records of which each lacks exactly the other ID */
    RT_IDENTITY_CLASH  /* anything else: nothing guessed, nothing applied */
};

/*
 * found[s]: the record with the row's ID of side s, or NULL (also where the row has none).
 *
 *     row (X1, -)   X1 known                                  MATCH
 *     row (X1, N1)  X1 known without a native ID, N1 unknown  LEARN
 *     row (X1, N1)  X1 known without native ID, N1 known without external ID  JOIN
 *     row (X1, N1)  X1 known as N2                            CLASH
 *     row (X1, N1)  X1 known as N2, N1 known alone            CLASH
 */
enum rt_identity rt_identity_of(const struct rt_slice id[2],
                                const struct rt_record *const found[2]);

/* For a clash: what is wrong, in words. */
void rt_identity_explain(const struct rt_slice id[2], const struct rt_record *const found[2],
                         struct rt_buf *out);

#endif
