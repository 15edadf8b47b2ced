/*
 * Texts as JSON strings and back, without a tree in between: for what is written for every record.
 * All else goes through jansson (json_of.h), which reads what is written here.
 */
#ifndef RT_JSON_TEXT_H
#define RT_JSON_TEXT_H

#include "lib/mem.h"
#include "lib/slice.h"

#include <stdbool.h>

/* Appends the text, which must be UTF-8, in quotes. */
void rt_json_put(struct rt_buf *out, struct rt_slice text);

/* Undoes rt_json_put in place; *p is behind the opening quote, and will be behind the closing one,
 * which is before `end`, where a NUL stands.  The text points into what is undone; false:
 * rt_json_put has not written it. */
bool rt_json_take(char **p, const char *end, struct rt_slice *text);

#endif
