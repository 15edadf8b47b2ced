#include "cmd/init_report.h"

#include "cmd/check_settings.h"
#include "cmd/json.h"

#include <string.h>

/* What stands in a file may hold what a terminal obeys. */
static const char *plain(struct rt_making *m, const char *text)
{
    char *copy = rt_arena_strdup(&m->arena, text);

    rt_keep_to_one_line(copy);
    return copy;
}

static void say_line(struct rt_making *m, const struct rt_draft_line *line)
{
    const char *mark = rt_mark(line->sure == RT_UNSURE ? RT_MARK_CARE : RT_MARK_END), *header[2];

    for (int s = 0; s < 2; s++)
        header[s] = line->header[s] ? plain(m, line->header[s]) : "(none)";

    rt_say_wrapped(33, "%s%-6s%s  %-24s %s = %s\n", mark, rt_sureness_name(line->sure),
                   rt_mark(RT_MARK_END), line->field, header[RT_EXTERNAL], header[RT_NATIVE]);
    rt_say_wrapped(33, "        %-24s %s\n",
                   line->role != RT_ROLE_NONE ? rt_role_name(line->role) : rt_type_name(line->type),
                   line->why);
}

static json_t *line_json(const struct rt_draft_line *line)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s}", "field",
                     line->field, "external", rt_json_text(line->header[RT_EXTERNAL]), "native",
                     rt_json_text(line->header[RT_NATIVE]), "role", rt_role_name(line->role),
                     "type", rt_type_name(line->type), "direction",
                     rt_direction_name(line->direction), "external_format",
                     rt_json_text(line->format[RT_EXTERNAL]), "native_format",
                     rt_json_text(line->format[RT_NATIVE]), "values", rt_json_text(line->values),
                     "sure", rt_sureness_name(line->sure), "why", line->why);
}

/* The tables of codes are still in memory. */
static int read_table(void *context, const char *path, struct rt_buf *text, struct rt_err *err)
{
    const struct rt_making *m = context;

    for (size_t i = 0; i < m->draft.count; i++) {
        const struct rt_draft_line *line = &m->draft.lines[i];

        if (line->values == NULL || strcmp(line->values, path) != 0)
            continue;
        rt_buf_add_str(text, line->table);
        return 0;
    }
    return rt_err_set(err, RT_INTERNAL, "%s: no table of this name was proposed", path);
}

static void tell_repeated(const struct rt_session *session, struct rt_making *m,
                          const struct rt_sample *sample)
{
    size_t first;

    for (size_t i = 0; i < sample->columns; i++)
        if (rt_sample_is_repeated(sample, i, &first))
            rt_tell(session,
                    "still to be done: %s: \"%s\" is there twice (columns %zu and %zu): have one "
                    "of them exported under another name, or take it out of schema.csv, or the "
                    "file is refused\n",
                    plain(m, sample->name), plain(m, sample->headers[i]), first + 1, i + 1);
}

static void tell_rest(const struct rt_session *session, struct rt_making *m,
                      const struct rt_config *config)
{
    struct rt_schema_files files = {read_table, m};
    struct rt_schema *schema = NULL;
    struct rt_err err;
    size_t count[3] = {0};

    for (size_t i = 0; i < m->draft.count; i++)
        count[m->draft.lines[i].sure]++;
    rt_tell(session, "%zu lines: %zu sure, %zu likely, %zu unsure\n", m->draft.count,
            count[RT_SURE], count[RT_LIKELY], count[RT_UNSURE]);
    if (rt_schema_parse(rt_buf_slice(&m->schema), "schema.csv", config, &files, &schema, &err) <
            0 ||
        rt_settings_check(config, schema, &err) < 0 || rt_check_eligible(config, schema, &err) < 0)
        rt_tell(session, "still to be done: %s\n", err.msg);
    rt_schema_free(schema);
    for (int s = 0; s < 2; s++)
        if (m->sample[s] != NULL)
            tell_repeated(session, m, m->sample[s]);
    for (size_t i = 0; i < m->draft.count; i++)
        if (m->draft.lines[i].left != NULL)
            rt_tell(session, "still to be done: %s/%s: add a line for each of these codes: %s\n",
                    m->dir, m->draft.lines[i].values, plain(m, m->draft.lines[i].left));
    rt_tell(session,
            "%s: made, and paused. Look at roundtrip.ini and schema.csv, then: cd %s;\n"
            "roundtrip check; roundtrip baseline, if both sides hold something already;\n"
            "roundtrip resume turns it on.\n",
            m->dir, m->dir);
}

void rt_init_report(const struct rt_session *session, struct rt_making *m,
                    const struct rt_config *config)
{
    json_t *fields = json_array();

    for (size_t i = 0; i < m->draft.count; i++)
        if (session->json)
            json_array_append_new(fields, line_json(&m->draft.lines[i]));
        else
            say_line(m, &m->draft.lines[i]);
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:o, s:s, s:o}", "command", "init", "status", 0,
                              "profile", rt_json_message(m->dir), "preset", m->preset->name,
                              "fields", fields));
    else
        json_decref(fields);
    tell_rest(session, m, config);
}
