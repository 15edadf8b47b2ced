/*
 * Settings and schema: read from the profile, or from the copy of them that the journal keeps
 * (invariant 7 of ARCHITECTURE.md), so that old files can be read as they were.
 */
#include "lib/profile.h"

#include "lib/json_of.h"
#include "lib/spool.h"
#include "lib/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define MAX_SETTINGS ((size_t)4 << 20)
#define COPIED       "copied_settings"

/* ---- from the profile ---- */

struct files {
    const char *profile;
    json_t *copy; /* of every file read; or NULL */
};

/* A file that is not there, is none or is too large is a mistake in the settings; a disk that
 * cannot be read is not. */
static enum rt_code code_of(enum rt_code code)
{
    if (code != RT_IO)
        return RT_CONFIG;
    if (errno == EACCES)
        return RT_REFUSED;
    return errno == ENOENT || errno == ENOTDIR || errno == EISDIR || errno == ELOOP ? RT_CONFIG
                                                                                    : RT_IO;
}

static int read_in_profile(void *context, const char *path, struct rt_buf *text, struct rt_err *err)
{
    struct files *files = context;
    char *full = path[0] == '/' ? rt_xstrdup(path) : rt_xasprintf("%s/%s", files->profile, path);
    int rc = rt_spool_read(full, MAX_SETTINGS, text, err);

    if (rc < 0)
        err->code = code_of(err->code);
    free(full);
    if (rc == 0 && files->copy != NULL) {
        json_t *value = rt_json_of_text(rt_buf_slice(text));

        /* What is no UTF-8 cannot be in the journal; the parser refuses it as well. */
        json_object_set_new(files->copy, path, value ? value : json_null());
    }
    return rc;
}

/* The folder's name is the default of the profile's name, if it can be in the journal. */
static char *folder_name(const char *profile)
{
    char *real = realpath(profile, NULL);
    const char *slash = real ? strrchr(real, '/') : NULL;
    bool is_name = slash && slash[1] && rt_utf8_is_valid(rt_slice_str(slash + 1));
    char *name = rt_xstrdup(is_name ? slash + 1 : "profile");

    free(real);
    return name;
}

static int parse(struct files *files, const struct rt_schema_files *reader, const char *name,
                 struct rt_settings *settings, struct rt_err *err)
{
    struct rt_buf ini = {0}, schema = {0};
    int rc = -1;

    if (reader->read(reader->context, "roundtrip.ini", &ini, err) < 0 ||
        rt_config_parse(rt_buf_slice(&ini), "roundtrip.ini", name, &settings->config, err) < 0)
        goto out;
    if (reader->read(reader->context, "schema.csv", &schema, err) < 0)
        goto out;
    rc = rt_schema_parse(rt_buf_slice(&schema), "schema.csv", settings->config, reader,
                         &settings->schema, err);
    if (rc == 0 && files != NULL)
        rc = rt_settings_check(settings->config, settings->schema, err);
out:
    rt_buf_clear(&ini);
    rt_buf_clear(&schema);
    return rc;
}

int rt_profile_read(const char *profile, struct rt_settings *settings, struct rt_err *err)
{
    struct files files = {profile, json_object()};
    struct rt_schema_files reader = {read_in_profile, &files};
    char *name = folder_name(profile);
    json_t *copy;
    int rc;

    *settings = (struct rt_settings){0};
    rc = parse(&files, &reader, name, settings, err);
    if (rc == 0) {
        copy = json_pack("{s:s, s:O}", "name", name, "files", files.copy);
        if (copy != NULL)
            settings->copy = json_dumps(copy, JSON_COMPACT);
        json_decref(copy);
    }
    json_decref(files.copy);
    free(name);
    return rc;
}

void rt_settings_clear(struct rt_settings *settings)
{
    rt_schema_free(settings->schema);
    rt_config_free(settings->config);
    free(settings->copy);
    *settings = (struct rt_settings){0};
}

/* ---- the copy in the journal ---- */

static int read_copy(void *context, const char *path, struct rt_buf *text, struct rt_err *err)
{
    const json_t *value = json_object_get(context, path);

    if (!json_is_string(value))
        return rt_err_set(err, RT_CONFIG, "the journal has no copy of %s", path);
    rt_buf_add(text, json_string_value(value), json_string_length(value));
    return 0;
}

int rt_profile_parse_copy(const char *copy, struct rt_settings *settings, struct rt_err *err)
{
    json_t *json = json_loads(copy, JSON_ALLOW_NUL, NULL);
    const char *name = json_string_value(json_object_get(json, "name"));
    struct rt_schema_files reader = {read_copy, json_object_get(json, "files")};
    int rc;

    *settings = (struct rt_settings){0};
    settings->copy = rt_xstrdup(copy);
    if (name == NULL || reader.context == NULL)
        rc = rt_err_set(err, RT_STOPPED, "this is no copy of settings");
    else
        rc = parse(NULL, &reader, name, settings, err);
    json_decref(json);
    return rc;
}

int rt_profile_note_copy(struct rt_store *store, const char *copy, int64_t now, struct rt_err *err)
{
    struct rt_arena arena = {0};
    char hex[RT_DIGEST_HEX], *line;
    const char *known;
    int rc;

    if (copy == NULL)
        return 0;
    rt_digest_hex(rt_digest_of(rt_slice_str(copy)), hex);
    rc = rt_store_get(store, COPIED, &arena, &known, err);
    if (rc == 1 && strcmp(known, hex) == 0) {
        rc = 0;
    } else if (rc >= 0) {
        line = rt_xasprintf("{\"at\":%" PRId64 ",\"what\":\"settings\",\"copy\":%s}", now, copy);
        rc = rt_store_set(store, COPIED, hex, err);
        if (rc == 0)
            rc = rt_store_add_journal(store, line, err);
        free(line);
    }
    rt_arena_clear(&arena);
    return rc;
}
