/*
 * What a changed schema makes of the state, once it is accepted.  All in a
 * transaction.  See also rt_store_use_schema.
 */
#ifndef RT_STORE_SCHEMA_H
#define RT_STORE_SCHEMA_H

#include "lib/store.h"

/* The field's table has grown (rt_schema_codes_grew) from `old`: what was written with that keeps
 * its meaning. */
int rt_store_keep_codes(struct rt_store *store, const struct rt_field *field,
                        const struct rt_codes *old, struct rt_err *err) RT_MUST_CHECK;

/* What is known of fields that are in the schema no more: one of that name that comes is a new one.
 * And of those that `is_new` tells by their content_index. */
int rt_store_forget_fields(struct rt_store *store, const bool *is_new,
                           struct rt_err *err) RT_MUST_CHECK;

/* The number of the layout that contents are written with now, to be kept beside values that stand
 * elsewhere. */
int64_t rt_store_layout(const struct rt_store *store);
/* Does a value of that field, written in the side's way when contents had that layout (0: it was
 * not kept), mean the same now?  1, 0, -1. */
int rt_store_is_readable(struct rt_store *store, int64_t layout, const struct rt_field *field,
                         enum rt_side side, struct rt_err *err) RT_MUST_CHECK;

/* Was the field in the schema when contents had that layout?  1, 0, -1. */
int rt_store_had_field(struct rt_store *store, int64_t layout, const struct rt_field *field,
                       struct rt_err *err) RT_MUST_CHECK;

/* Every row is looked at again, also one that comes as it came last time: after a change of the
 * schema. */
int rt_store_forget_prints(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;
/* When the rows of that side were changed, as it said: not told. */
int rt_store_forget_modified(struct rt_store *store, enum rt_side side,
                             struct rt_err *err) RT_MUST_CHECK;

/* The contents that were written for pending inserts.  Caller frees the list, also after a failure.
 */
struct rt_pending {
    int64_t rid;
    enum rt_side side;
    int64_t cid, layout;
};
int rt_store_list_pending(struct rt_store *store, struct rt_pending **list, size_t *count,
                          struct rt_err *err) RT_MUST_CHECK;

#endif
