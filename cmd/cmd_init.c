#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/preset.h"
#include "lib/profile.h"
#include "lib/source.h"

#include <libgen.h>
#include <stdlib.h>

#define LARGEST_SAMPLE ((size_t)256 << 20)

static const struct rt_option options[] = {
    {"preset", "NAME", "settings and fields to start from: evertrue, contacts or plain"},
    {"external", "CSV", "a sample file of the external side, to propose the fields from"},
    {"native", "CSV", "a sample file of the native side"},
    {NULL, NULL, NULL},
};

struct making { /* of a profile */
    const char *dir;
    const struct rt_preset *preset;
    struct rt_arena arena;
    struct rt_buf bytes[2]; /* of the samples */
    struct rt_sample samples[2];
    const struct rt_sample *sample[2]; /* NULL where there is none */
    struct rt_draft draft;
    struct rt_buf settings, schema;
};

/* ---- what goes into it ---- */

static int choose_preset(struct making *m, const struct rt_args *args, struct rt_err *err)
{
    const char *name = rt_args_get(args, "preset");
    bool has_sample = rt_args_has(args, "external") || rt_args_has(args, "native");

    m->preset = rt_preset_find(name ? name : "plain");
    if (m->preset == NULL)
        return rt_err_set(err, RT_USAGE, "--preset %s: there is no such preset: write %s", name,
                          rt_preset_names());
    /* Samples alone speak for themselves. */
    for (size_t i = 0; i < m->preset->count && (name != NULL || !has_sample); i++)
        rt_draft_add(&m->draft, m->preset->lines[i]);
    return 0;
}

static int read_bytes(const char *path, struct rt_buf *out, struct rt_err *err)
{
    struct rt_source_file *file;
    struct rt_source source;
    char block[16384];
    ssize_t n = 0;

    if (rt_source_open(path, &file, &source, err) < 0)
        return -1;
    while (out->len <= LARGEST_SAMPLE &&
           (n = source.read(source.context, block, sizeof block, err)) > 0)
        rt_buf_add(out, block, (size_t)n);
    rt_source_close(file);
    if (n > 0)
        return rt_err_set(err, RT_USAGE,
                          "%s: larger than 256 MiB: some thousands of its rows are a better sample",
                          path);
    return n < 0 ? -1 : 0;
}

static int read_samples(struct making *m, const struct rt_args *args, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        const char *path = rt_args_get(args, rt_side_name((enum rt_side)s));

        if (path == NULL)
            continue;
        if (read_bytes(path, &m->bytes[s], err) < 0 ||
            rt_sample_read(rt_buf_slice(&m->bytes[s]), path, &m->arena, &m->samples[s], err) < 0)
            return -1;
        m->sample[s] = &m->samples[s];
    }
    return 0;
}

/* The folder's name is the profile's, and so a part of file names. */
static char *profile_name(const char *dir)
{
    char *copy = rt_xstrdup(dir), *real = NULL, *name;

    if (strcmp(basename(copy), ".") == 0 || strcmp(basename(copy), "..") == 0)
        real = realpath(dir, NULL);
    free(copy);
    copy = rt_xstrdup(real ? real : dir);
    name = rt_xstrdup(basename(copy));
    free(copy);
    free(real);
    return name;
}

static int fill(struct making *m, struct rt_config **config, struct rt_err *err)
{
    char *name = profile_name(m->dir);
    int rc;

    rt_preset_settings(m->preset, name, &m->settings);
    rc = rt_config_parse(rt_buf_slice(&m->settings), "roundtrip.ini", name, config, err);
    if (rc < 0) {
        rt_err_context(err, "%s: a profile cannot have this name", m->dir);
        err->code = RT_USAGE;
    }
    free(name);
    rt_draft_propose(&m->draft, m->sample, m->preset->label, &m->arena);
    rt_draft_write(&m->draft, &m->schema);
    return rc;
}

/* ---- telling ---- */

static void say_line(const struct rt_draft_line *line)
{
    rt_say("%-6s  %-24s %s%s%s\n", rt_sureness_name(line->sure), line->field,
           line->header[RT_EXTERNAL] ? line->header[RT_EXTERNAL] : "(none)", " = ",
           line->header[RT_NATIVE] ? line->header[RT_NATIVE] : "(none)");
    rt_say("        %-24s %s\n",
           line->role != RT_ROLE_NONE ? rt_role_name(line->role) : rt_type_name(line->type),
           line->why);
}

static json_t *line_json(const struct rt_draft_line *line)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:s, s:s}", "field", line->field,
                     "external", rt_json_text(line->header[RT_EXTERNAL]), "native",
                     rt_json_text(line->header[RT_NATIVE]), "role", rt_role_name(line->role),
                     "type", rt_type_name(line->type), "direction",
                     rt_direction_name(line->direction), "external_format",
                     rt_json_text(line->format[RT_EXTERNAL]), "native_format",
                     rt_json_text(line->format[RT_NATIVE]), "sure", rt_sureness_name(line->sure),
                     "why", line->why);
}

static void report(const struct rt_session *session, const struct making *m,
                   const struct rt_config *config)
{
    struct rt_schema_files no_files = {0}; /* what is proposed names no tables of codes */
    struct rt_schema *schema = NULL;
    struct rt_err err;
    json_t *fields = json_array();

    for (size_t i = 0; i < m->draft.count; i++)
        if (session->json)
            json_array_append_new(fields, line_json(&m->draft.lines[i]));
        else
            say_line(&m->draft.lines[i]);
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:s, s:s, s:o}", "command", "init", "status", 0,
                              "profile", m->dir, "preset", m->preset->name, "fields", fields));
    else
        json_decref(fields);
    if (rt_schema_parse(rt_buf_slice(&m->schema), "schema.csv", config, &no_files, &schema, &err) <
            0 ||
        rt_settings_check(config, schema, &err) < 0)
        rt_tell(session, "still to be done: %s\n", err.msg);
    rt_schema_free(schema);
    for (int i = 0; i < 2; i++)
        if (m->sample[i] != NULL && m->sample[i]->delimiter != config->side[i].delimiter)
            rt_tell(session,
                    "still to be done: %s has \"%c\" between its cells: set delimiter in [%s]\n",
                    m->sample[i]->name, m->sample[i]->delimiter, rt_side_name((enum rt_side)i));
    rt_tell(
        session,
        "%s: made, and paused. Look at roundtrip.ini and schema.csv, then roundtrip -C %s check;\n"
        "roundtrip -C %s resume turns it on.\n",
        m->dir, m->dir, m->dir);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct making m = {0};
    struct rt_config *config = NULL;
    int rc = -1;

    if (rt_args_count(args, 1, 1, err) < 0)
        return -1;
    if (!rt_clock_is_valid())
        return rt_err_set(err, RT_USAGE, "ROUNDTRIP_NOW is not a time like 2026-11-21T06:00:00Z");
    m.dir = args->words[0];
    if (rt_profile_is_free(m.dir, err) < 0 || choose_preset(&m, args, err) < 0 ||
        read_samples(&m, args, err) < 0 || fill(&m, &config, err) < 0 ||
        rt_profile_make(m.dir, &m.settings, &m.schema, err) < 0)
        goto out;
    report(session, &m, config);
    rc = 0;
out:
    rt_config_free(config);
    for (int s = 0; s < 2; s++)
        rt_buf_clear(&m.bytes[s]);
    rt_buf_clear(&m.settings);
    rt_buf_clear(&m.schema);
    rt_draft_clear(&m.draft);
    rt_arena_clear(&m.arena);
    return rc;
}

const struct rt_cmd rt_cmd_init = {
    .name = "init",
    .synopsis = "DIR [--preset NAME] [--external CSV] [--native CSV]",
    .summary = "make a profile, paused; from sample files it proposes the fields",
    .options = options,
    .needs = 0,
    .run = run,
};
