/*
 * What `status` knows: read from the state once, then printed in one of three ways.
 */
#ifndef RT_STATUS_H
#define RT_STATUS_H

#include "cmd/cmd.h"

struct rt_status_delta { /* handed over, and not all of it seen there yet */
    int64_t number, rows, handed_at;
    bool is_overdue;
};

struct rt_status_due { /* rows that are due for the same reason */
    const char *action, *reason;
    int64_t rows;
};

struct rt_status_kind {
    const char *kind;
    int64_t items;
};

struct rt_status_side {
    const char *newest;      /* file with the newest stamp that was taken in; NULL */
    int64_t newest_stamp;    /* RT_NEVER */
    int64_t fetched;         /* when it was last, from its source; RT_NEVER */
    int64_t emitted, pushed; /* when a delta was last written, one handed over */
    int64_t waiting_files;   /* in the inbox */
    struct rt_status_due *due;
    size_t due_count;
    int64_t ready, waiting, review, excluded;
    int64_t outbox_deltas, outbox_rows, outbox_since; /* since: the oldest; RT_NEVER */
    int64_t stops_at;                                 /* the delta in it at which push stops; 0 */
    struct rt_status_delta *flight;                   /* by delta */
    size_t flight_count;
    int64_t flight_rows, overdue_rows;
    bool is_too_old;             /* max_age */
    bool has_source, must_fetch; /* R13 */
};

struct rt_status {
    int64_t ran[3];     /* fetch, emit, push: also as part of run; RT_NEVER */
    const char *paused; /* "since ...: reason", or NULL */
    bool is_changed;    /* the contract, and nobody has accepted it */
    struct rt_status_side side[2];
    struct rt_status_kind *review;
    size_t review_count;
    int64_t review_items;
    struct rt_arena arena; /* all of it lives here */
};

int rt_status_read(struct rt_session *session, struct rt_status *status,
                   struct rt_err *err) RT_MUST_CHECK;
void rt_status_clear(struct rt_status *status);

/* 0, 1 or 2, and why in words: for monitoring. */
int rt_status_judge(const struct rt_session *session, const struct rt_status *status,
                    struct rt_buf *why);

#endif
