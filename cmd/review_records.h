/* The other records that an item of the review list is about: those of a delta, and those that a
 * row looks like. */
#ifndef RT_REVIEW_RECORDS_H
#define RT_REVIEW_RECORDS_H

#include "cmd/review_view.h"

/* One line: what it is, and its value; "(unknown)" for what is no text. */
void rt_review_say_value(const char *label, const json_t *value);

int rt_review_say_records(struct rt_session *session, const struct rt_review_view *view,
                          struct rt_err *err) RT_MUST_CHECK;

#endif
