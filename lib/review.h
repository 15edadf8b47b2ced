/*
 * The list for people: which kinds of questions there are, what accept and dismiss do, and which
 * ones a record raises just now.  Pure; the store keeps the items, book.h keeps them up to date.
 */
#ifndef RT_REVIEW_H
#define RT_REVIEW_H

#include "lib/record.h"

enum rt_kind {
    RT_KIND_CONFLICT,
    RT_KIND_FIRST_SEEN,
    RT_KIND_CLASH,
    RT_KIND_SUSPECTED,
    RT_KIND_REPEATED,
    RT_KIND_REJECTED,
    RT_KIND_REFUSED,
    RT_KIND_MISSING,
    RT_KIND_EDIT_VS_DELETE,
    RT_KIND_NOT_TAKEN,
    RT_KIND_OVERDUE,
    RT_KIND_FLAPPING,
    RT_KIND_ALTERED,
    RT_KIND_WENT_BACK,
    RT_KIND_READ_ONLY
};
#define RT_KIND_COUNT 15

struct rt_kind_text {
    const char *name;
    const char *accept;  /* what accept does, in words; NULL: there is no accept */
    const char *dismiss; /* what dismiss does */
    const char *why;     /* what such an item says, in a sentence */
};

const struct rt_kind_text *rt_kind_text(enum rt_kind kind);
int rt_kind_find(const char *name); /* enum rt_kind, or -1 */

#define RT_KIND_BIT(kind) (1u << (kind))

/* The kinds of questions that the last row of a side raises, as bits. */
unsigned rt_review_row_kinds(const struct rt_end *end);

/* The kinds of questions that a record raises now, as bits.  not-taken counts with its delta's
 * item. */
unsigned rt_review_kinds(const struct rt_rules *rules, const struct rt_record *record);

/* What the item of a record says: JSON with the fields concerned and both sides' values.  Caller
 * frees. */
char *rt_review_detail(const struct rt_rules *rules, const struct rt_record *record,
                       enum rt_kind kind);

#endif
