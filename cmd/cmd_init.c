#include "cmd/cmd.h"
#include "cmd/init_report.h"

#include "lib/filename.h"
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

/* ---- what goes into it ---- */

static int choose_preset(struct rt_making *m, const struct rt_args *args, struct rt_err *err)
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

static int read_samples(struct rt_making *m, const struct rt_args *args, struct rt_err *err)
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

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int fill(struct rt_making *m, struct rt_config **config, struct rt_err *err)
{
    char *name = profile_name(m->dir);
    struct rt_preset_file file[2] = {{0}, {0}};
    int rc;

    for (int s = 0; s < 2; s++)
        if (m->sample[s] != NULL)
            file[s] = (struct rt_preset_file){m->sample[s]->delimiter, m->sample[s]->encoding,
                                              rt_stamp_pattern_of(file_name(m->sample[s]->name))};
    rt_preset_settings(m->preset, name, file, &m->settings);
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

/* Tables of codes, schema, settings. */
static int make(struct rt_making *m, struct rt_err *err)
{
    size_t n = 0;
    struct rt_profile_file *files = rt_arena_alloc(&m->arena, (m->draft.count + 2) * sizeof *files);

    for (size_t i = 0; i < m->draft.count; i++)
        if (m->draft.lines[i].table != NULL)
            files[n++] = (struct rt_profile_file){m->draft.lines[i].values,
                                                  rt_slice_str(m->draft.lines[i].table)};
    files[n++] = (struct rt_profile_file){"schema.csv", rt_buf_slice(&m->schema)};
    files[n++] = (struct rt_profile_file){"roundtrip.ini", rt_buf_slice(&m->settings)};
    return rt_profile_make(m->dir, files, n, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_making m = {0};
    struct rt_config *config = NULL;
    int rc = -1;

    if (rt_args_count(args, 1, 1, err) < 0 || rt_clock_check(err) < 0)
        return -1;
    m.dir = args->words[0];
    if (rt_profile_is_free(m.dir, err) < 0 || choose_preset(&m, args, err) < 0 ||
        read_samples(&m, args, err) < 0 || fill(&m, &config, err) < 0 || make(&m, err) < 0)
        goto out;
    rt_init_report(session, &m, config);
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
