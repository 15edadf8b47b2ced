#include "lib/config.h"

#include "lib/config_table.h"
#include "lib/mem.h"
#include "lib/utf8.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONGEST_LINE 65536
#define LARGEST_TEXT ((size_t)4 << 20)
#define NO_SECTION   RT_SECTION_COUNT

/* One reading: inih pulls lines with next_line, which counts them, and hands pairs to take_pair. */
struct reading {
    struct rt_slice rest;
    unsigned line;
    enum rt_config_section_id section;
    struct rt_config *config;
    struct rt_config_origin *origin; /* config's */
    struct rt_err *err;              /* set once; the code tells whether it is */
};

static int fail_word(struct reading *r, const char *what, const char *nearest)
{
    if (nearest)
        return rt_err_set(r->err, RT_CONFIG, "%s: line %u: %s; did you mean \"%s\"?",
                          r->origin->path, r->line, what, nearest);
    return rt_err_set(r->err, RT_CONFIG,
                      "%s: line %u: %s; remove or correct it (roundtrip.ini(5) lists all)",
                      r->origin->path, r->line, what);
}

static int fail_section(struct reading *r, struct rt_slice name)
{
    const char *names[RT_SECTION_COUNT];
    char *word = rt_xasprintf("%.*s", (int)(name.len < 60 ? name.len : 60), name.ptr);
    char *what = rt_xasprintf("unknown section [%s]", word);

    for (size_t i = 0; i < RT_SECTION_COUNT; i++)
        names[i] = rt_config_section((enum rt_config_section_id)i)->name;
    fail_word(r, what, rt_nearest(word, names, RT_SECTION_COUNT));
    free(what);
    free(word);
    return -1;
}

/* inih keeps 49 bytes of a section's name and tells nobody of one without keys: so it is read here.
 */
static int take_section(struct reading *r, struct rt_slice line)
{
    const char *end = memchr(line.ptr, ']', line.len);
    struct rt_slice name, tail;

    if (end == NULL)
        return rt_err_set(r->err, RT_CONFIG,
                          "%s: line %u: [ without ]; write a section as [policy]", r->origin->path,
                          r->line);
    name = rt_slice_from(line.ptr + 1, (size_t)(end - line.ptr) - 1);
    tail = rt_slice_from(end + 1, line.len - name.len - 2);
    while (tail.len > 0 && strchr(" \t\r\n", *tail.ptr)) {
        tail.ptr++;
        tail.len--;
    }
    if (tail.len > 0 && *tail.ptr != ';' && *tail.ptr != '#')
        return rt_err_set(r->err, RT_CONFIG,
                          "%s: line %u: text behind [%.*s]; put it on a line of its own",
                          r->origin->path, r->line, (int)(name.len < 60 ? name.len : 60), name.ptr);
    for (size_t i = 0; i < RT_SECTION_COUNT; i++) {
        if (rt_slice_is_str(name, rt_config_section((enum rt_config_section_id)i)->name)) {
            r->section = (enum rt_config_section_id)i;
            return 0;
        }
    }
    return fail_section(r, name);
}

static int look_at_line(struct reading *r, struct rt_slice line)
{
    if (memchr(line.ptr, '\0', line.len))
        return rt_err_set(r->err, RT_CONFIG,
                          "%s: line %u: it holds a NUL byte; save it as plain UTF-8 text",
                          r->origin->path, r->line);
    if (!rt_utf8_is_valid(line))
        return rt_err_set(r->err, RT_CONFIG,
                          "%s: line %u: not valid UTF-8; save it as plain UTF-8 text",
                          r->origin->path, r->line);
    while (line.len > 0 && strchr(" \t\r\n\v\f", *line.ptr)) {
        line.ptr++;
        line.len--;
    }
    return line.len > 0 && *line.ptr == '[' ? take_section(r, line) : 0;
}

/* The reader that inih calls like fgets; NULL also stops it after an error. */
static char *next_line(char *str, int size, void *stream)
{
    struct reading *r = stream;
    struct rt_slice line = r->rest;
    const char *end;

    if (r->err->code != RT_OK || line.len == 0)
        return NULL;
    end = memchr(line.ptr, '\n', line.len);
    if (end)
        line.len = (size_t)(end - line.ptr) + 1;
    r->line++;
    if (line.len >= (size_t)size) {
        rt_err_set(r->err, RT_CONFIG, "%s: line %u: longer than %d bytes; shorten it",
                   r->origin->path, r->line, size - 1);
        return NULL;
    }
    if (look_at_line(r, line) != 0)
        return NULL;
    memcpy(str, line.ptr, line.len);
    str[line.len] = '\0';
    r->rest = rt_slice_from(line.ptr + line.len, r->rest.len - line.len);
    return str;
}

static int fail_key(struct reading *r, const char *name)
{
    const struct rt_config_section *section = rt_config_section(r->section);
    const char *names[RT_CONFIG_MAX_KEYS];
    char *what = rt_xasprintf("unknown key \"%.60s\" in [%s]", name, section->name);
    size_t i;

    for (i = 0; i < RT_SECTION_COUNT; i++) {
        const struct rt_config_section *other = rt_config_section((enum rt_config_section_id)i);

        if (rt_config_key_find(other, name) < 0)
            continue;
        rt_err_set(r->err, RT_CONFIG, "%s: line %u: %s; it belongs in [%s]%s", r->origin->path,
                   r->line, what, other->name, i == RT_SECTION_EXTERNAL ? " or [native]" : "");
        free(what);
        return -1;
    }
    for (i = 0; i < section->count; i++)
        names[i] = section->keys[i].name;
    fail_word(r, what, rt_nearest(name, names, section->count));
    free(what);
    return -1;
}

static int set_key(struct reading *r, const char *name, const char *value)
{
    const struct rt_config_section *section = rt_config_section(r->section);
    int index = rt_config_key_find(section, name);
    unsigned *line;

    if (index < 0)
        return fail_key(r, name);
    line = &r->origin->lines[r->section][index];
    if (*line)
        return rt_err_set(r->err, RT_CONFIG,
                          "%s: line %u: [%s] %s is already set on line %u; remove one of them",
                          r->origin->path, r->line, section->name, name, *line);
    *line = r->line;
    if (rt_config_value_set(rt_config_base(r->config, r->section), &section->keys[index], value,
                            r->err) == 0)
        return 0;
    return rt_err_context(r->err, "%s: line %u: [%s] %s", r->origin->path, r->line, section->name,
                          name);
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;

    (void)section; /* known from take_section */
    if (r->err->code != RT_OK)
        return 0;
    if (r->section == NO_SECTION) {
        rt_err_set(r->err, RT_CONFIG,
                   "%s: line %u: \"%.60s\" stands before any section; put [profile] above it",
                   r->origin->path, r->line, name);
        return 0;
    }
    return set_key(r, name, value) == 0;
}

static void set_inih_up(void)
{
    ini_allow_multiline = false;
    ini_allow_no_value = false;
    ini_allow_inline_comments = true;
    ini_stop_on_first_error = true;
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = LONGEST_LINE;
    ini_initial_alloc = LONGEST_LINE;
}

static int read_text(struct reading *r)
{
    int line;

    set_inih_up();
    line = ini_parse_stream(next_line, r, take_pair, r);
    if (r->err->code != RT_OK)
        return -1;
    if (line < 0)
        return rt_err_set(r->err, RT_INTERNAL, "%s: inih gave up with %d", r->origin->path, line);
    if (line > 0)
        return rt_err_set(
            r->err, RT_CONFIG,
            "%s: line %u: neither a [section] nor key = value; correct it or put ; in front",
            r->origin->path, r->line);
    return 0;
}

static void set_standards(struct rt_config *config)
{
    struct rt_err err;

    for (size_t i = 0; i < RT_SECTION_COUNT; i++) {
        const struct rt_config_section *section = rt_config_section((enum rt_config_section_id)i);
        void *base = rt_config_base(config, (enum rt_config_section_id)i);

        for (size_t k = 0; k < section->count; k++) {
            if (section->keys[k].standard &&
                rt_config_value_set(base, &section->keys[k], section->keys[k].standard, &err) != 0)
                abort(); /* a test reads every default */
        }
    }
    config->side[RT_EXTERNAL].label = rt_xstrdup("EverTrue");
    config->side[RT_NATIVE].label = rt_xstrdup("database");
    config->side[RT_NATIVE].own_id_only = true;
}

/* exports and imports of a server have names by default, local folders have none. */
static void set_folders(struct rt_config *config)
{
    for (size_t i = 0; i < 2; i++) {
        struct rt_side_config *side = &config->side[i];
        enum rt_config_section_id id = (enum rt_config_section_id)(RT_SECTION_EXTERNAL + i);
        const struct rt_config_section *section = rt_config_section(id);

        if (side->transport != RT_TRANSPORT_SFTP && side->transport != RT_TRANSPORT_OPENSSH)
            continue;
        if (!config->origin.lines[id][rt_config_key_find(section, "exports")])
            side->exports = rt_xstrdup("exports");
        if (!config->origin.lines[id][rt_config_key_find(section, "imports")])
            side->imports = rt_xstrdup("imports");
    }
}

int rt_config_parse(struct rt_slice text, const char *path, const char *folder_name,
                    struct rt_config **config, struct rt_err *err)
{
    struct reading r = {.section = NO_SECTION, .err = err};

    *config = NULL;
    rt_err_clear(err);
    if (text.len > LARGEST_TEXT)
        return rt_err_set(err, RT_CONFIG, "%s: larger than 4 MiB; this is not a settings file",
                          path);
    if (rt_slice_has_prefix(text, rt_slice_str("\xEF\xBB\xBF")))
        text = rt_slice_from(text.ptr + 3, text.len - 3);
    r.rest = text;
    r.config = rt_xcalloc(1, sizeof *r.config);
    r.origin = &r.config->origin;
    r.origin->path = path;
    r.config->side[RT_EXTERNAL].umask = r.config->side[RT_NATIVE].umask = 077;
    set_standards(r.config);
    if (read_text(&r) != 0)
        goto out;
    if (r.config->name == NULL)
        r.config->name = rt_xstrdup(folder_name);
    set_folders(r.config);
    if (rt_config_check(r.config, err) != 0)
        goto out;
    *config = r.config;
    r.config = NULL;
out:
    rt_config_free(r.config);
    return *config ? 0 : -1;
}

void rt_config_free(struct rt_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < RT_SECTION_COUNT; i++) {
        const struct rt_config_section *section = rt_config_section((enum rt_config_section_id)i);

        for (size_t k = 0; k < section->count; k++)
            rt_config_value_free(rt_config_base(config, (enum rt_config_section_id)i),
                                 &section->keys[k]);
    }
    free(config);
}

struct rt_config_place rt_config_place(const struct rt_config *config, const char *section,
                                       const char *key)
{
    struct rt_config_place place;
    unsigned line = 0;

    for (size_t i = 0; i < RT_SECTION_COUNT; i++) {
        const struct rt_config_section *known = rt_config_section((enum rt_config_section_id)i);

        if (strcmp(known->name, section) == 0)
            line = config->origin.lines[i][rt_config_key_find(known, key)];
    }
    if (line)
        snprintf(place.text, sizeof place.text, "%s: line %u: [%s] %s", config->origin.path, line,
                 section, key);
    else
        snprintf(place.text, sizeof place.text, "%s: [%s] %s", config->origin.path, section, key);
    return place;
}

bool rt_config_find_side(const struct rt_config *config, const char *word, enum rt_side *side)
{
    for (int i = 0; i < 2; i++) {
        if (strcasecmp(word, rt_side_name((enum rt_side)i)) == 0 ||
            strcasecmp(word, config->side[i].label) == 0) {
            *side = (enum rt_side)i;
            return true;
        }
    }
    return false;
}

const char *rt_config_library_version(void)
{
    return RT_INIH_VERSION;
}
