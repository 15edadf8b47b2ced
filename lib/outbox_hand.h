/* Hands one file over to a side, in the way its settings say.  For outbox*.c only. */
#ifndef RT_OUTBOX_HAND_H
#define RT_OUTBOX_HAND_H

#include "lib/outbox_internal.h"

/* One push or push --again. */
struct rt_push {
    struct rt_work *work;
    const struct rt_push_options *options;
    struct rt_remote *remote[2]; /* opened when first needed */
    struct rt_buf crosswalk;     /* what the last load printed */
    int64_t began_ms;            /* on rt_clock_monotonic_ms */
};

/* Uploads a local file as `name`, or runs load with it. */
int rt_hand_over(struct rt_push *push, enum rt_side side, const char *path, const char *name,
                 struct rt_err *err) RT_MUST_CHECK;

/* 1: that file is at the other end; 0: it is not, or load took it, which nobody can tell; -1. */
int rt_hand_look(struct rt_push *push, enum rt_side side, const char *path, const char *name,
                 struct rt_err *err) RT_MUST_CHECK;

/* Binds the pairs of IDs that the last load printed.  Inside a transaction. */
int rt_hand_bind(struct rt_push *push, struct rt_err *err) RT_MUST_CHECK;

void rt_hand_close(struct rt_push *push);

#endif
