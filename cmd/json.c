#include "cmd/json.h"

#include "cmd/cmd.h"

#include "lib/utf8.h"

#include <stdlib.h>

void rt_json_say(json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));

    rt_say("%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
}

void rt_json_add(struct rt_buf *list, json_t *member)
{
    char *text = json_dumps(member, JSON_COMPACT | JSON_REAL_PRECISION(9));

    rt_buf_printf(list, "%s%s", list->len ? "," : "", text ? text : "{}");
    free(text);
    json_decref(member);
}

json_t *rt_json_time(int64_t t)
{
    char text[RT_TIME_SIZE];

    return t == RT_NEVER ? json_null() : json_string(rt_time_format(t, text));
}

json_t *rt_json_slice(struct rt_slice text)
{
    return text.len ? json_stringn(text.ptr, text.len) : json_null();
}

json_t *rt_json_text(const char *text)
{
    return text ? json_string(text) : json_null();
}

json_t *rt_json_message(const char *text)
{
    size_t len = strlen(text), step;
    char *copy = rt_xstrndup(text, len);
    json_t *json;

    for (size_t i = 0; i < len; i += step) {
        step = rt_utf8_length((const unsigned char *)copy + i, len - i);
        if (step == 0) {
            copy[i] = '?';
            step = 1;
        }
    }
    json = json_string(copy);
    free(copy);
    return json;
}
