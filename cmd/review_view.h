/* An item of the review list, in words.  Shared by review_report.c and review_show.c. */
#ifndef RT_REVIEW_VIEW_H
#define RT_REVIEW_VIEW_H

#include "cmd/cmd.h"

#include "lib/review.h"

#include <jansson.h>

struct rt_review_view {
    const struct rt_item *item;
    json_t *detail;
    struct rt_arena arena;
    const char *id[2], *file; /* "" where there is none */
    const char *kept;         /* where what could not be taken in is; NULL: it is not about that */
    const char *also;         /* the row of the other side that is in question too; NULL: none */
    int side;                 /* of `file`; -1: none */
    int64_t delta;
    int64_t line; /* of `file`; 0: none */
    char since[RT_TIME_SIZE];
    const struct rt_kind_text *text; /* or NULL */
};

/* Caller closes, also after a failure. */
int rt_review_view_open(struct rt_session *session, const struct rt_item *item,
                        struct rt_review_view *view, struct rt_err *err) RT_MUST_CHECK;
void rt_review_view_close(struct rt_review_view *view);

/* The row in question, or the first of them; NULL. */
const json_t *rt_review_row(const struct rt_review_view *view);

const char *rt_review_text(const json_t *object, const char *key); /* "" if there is none */

/* The fields and values that it is about, in one line. */
void rt_review_add_what(const struct rt_review_view *view, struct rt_buf *out);

/* What it is about: its IDs, delta or file.  Caller frees. */
char *rt_review_subject(const struct rt_review_view *view, const struct rt_session *session);

/* What a terminal might take for a command does not get through. */
void rt_review_make_harmless(char *text);

#endif
