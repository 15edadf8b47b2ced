/*
 * Texts of a record as JSON, and back: for review items, the story and reports.  New references;
 * the caller owns them.
 */
#ifndef RT_JSON_OF_H
#define RT_JSON_OF_H

#include "lib/slice.h"
#include "lib/value.h"

#include <jansson.h>

/* NULL for what is no UTF-8. */
static inline json_t *rt_json_of_text(struct rt_slice text)
{
    return json_stringn(text.ptr ? text.ptr : "", text.len);
}

static inline json_t *rt_json_of_value(struct rt_value value)
{
    return rt_value_is_known(value) ? rt_json_of_text(value.raw) : json_null();
}

/* The text of a string, borrowed; len 0 for anything else. */
static inline struct rt_slice rt_json_slice_of(const json_t *json)
{
    return rt_slice_from(json_string_value(json), json_string_length(json));
}

/* The detail of an item or event, as the state has it; an empty object where there is none. */
static inline json_t *rt_json_of_detail(const char *detail)
{
    return json_loads(detail ? detail : "{}", JSON_ALLOW_NUL, NULL);
}

/* A sentence for people as such a detail.  The caller frees; NULL for what is no UTF-8. */
static inline char *rt_json_of_sentence(const char *sentence)
{
    json_t *json = json_pack("{s:s}", "text", sentence);
    char *detail = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return detail;
}

#endif
