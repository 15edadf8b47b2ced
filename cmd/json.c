#include "cmd/json.h"

#include "cmd/cmd.h"

#include <stdlib.h>

void rt_json_say(json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);

    rt_say("%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
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
