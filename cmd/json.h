/* What the commands share when they print JSON. */
#ifndef RT_JSON_H
#define RT_JSON_H

#include "lib/mem.h"
#include "lib/slice.h"

#include <jansson.h>
#include <stdint.h>

/* Prints the object in one line, and frees it. */
void rt_json_say(json_t *root);

/* Appends the object, as text, to the members of a list that may be long, and frees it: a tree of
   all of them takes ten times the memory. */
void rt_json_add(struct rt_buf *list, json_t *member);

json_t *rt_json_time(int64_t t);             /* "2026-11-21T06:00:00Z"; null for RT_NEVER */
json_t *rt_json_slice(struct rt_slice text); /* null if it is empty */
json_t *rt_json_text(const char *text);      /* null for NULL */
json_t *rt_json_message(const char *text);   /* with ? for bytes that are not UTF-8 */

#endif
