#include "lib/config_table.h"

#include "lib/filename.h"
#include "lib/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct check {
    const struct rt_config *config;
    struct rt_err *err;
};

/* "roundtrip.ini: line 7: [policy] key: text"; without a line if the default stands. */
RT_PRINTF(4, 5)
static int fail(const struct check *check, enum rt_config_section_id id, const char *key,
                const char *fmt, ...)
{
    struct rt_config_place place = rt_config_place(check->config, rt_config_section(id)->name, key);
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return rt_err_set(check->err, RT_CONFIG, "%s: %s", place.text, text);
}

static enum rt_config_section_id section_of(enum rt_side side)
{
    return side == RT_EXTERNAL ? RT_SECTION_EXTERNAL : RT_SECTION_NATIVE;
}

static bool is_set(const struct check *check, enum rt_side side, const char *key)
{
    const struct rt_config_section *section = rt_config_section(section_of(side));

    return check->config->origin.lines[section_of(side)][rt_config_key_find(section, key)] != 0;
}

static int check_labels(const struct check *check)
{
    const struct rt_side_config *sides = check->config->side;

    if (strcasecmp(sides[RT_EXTERNAL].label, sides[RT_NATIVE].label) == 0)
        return fail(check,
                    is_set(check, RT_NATIVE, "label") ? RT_SECTION_NATIVE : RT_SECTION_EXTERNAL,
                    "label", "both sides are called \"%s\"; give them different labels",
                    sides[RT_NATIVE].label);
    for (int side = 0; side < 2; side++) {
        if (strcasecmp(sides[side].label, rt_side_name(rt_side_other((enum rt_side)side))) == 0)
            return fail(check, section_of((enum rt_side)side), "label",
                        "\"%s\" is the word for the other side; choose another label",
                        sides[side].label);
    }
    return 0;
}

/* A command side needs a command, no other may have one; a login needs host and user. */
static int check_transport(const struct check *check, enum rt_side side)
{
    static const char *const command_keys[] = {"extract", "extract_full", "load"};
    const struct rt_side_config *s = &check->config->side[side];
    enum rt_config_section_id id = section_of(side);

    if (s->transport == RT_TRANSPORT_COMMAND && !s->extract && !s->extract_full && !s->load)
        return fail(check, id, "transport", "command needs `extract` or `load`; add one of them");
    for (size_t i = 0; i < 3 && s->transport != RT_TRANSPORT_COMMAND; i++) {
        const char *const values[] = {s->extract, s->extract_full, s->load};

        if (values[i])
            return fail(check, id, command_keys[i],
                        "only used with transport = command; set that, or remove the key");
    }
    if (s->transport != RT_TRANSPORT_SFTP && s->transport != RT_TRANSPORT_OPENSSH)
        return 0;
    if (!s->host)
        return fail(check, id, "transport", "%s needs `host`; add it",
                    s->transport == RT_TRANSPORT_SFTP ? "sftp" : "openssh");
    if (!s->user)
        return fail(check, id, "transport", "%s needs `user`; add it",
                    s->transport == RT_TRANSPORT_SFTP ? "sftp" : "openssh");
    return 0;
}

/* The first placeholder that is none of ours, up to its brace; NULL if all are known. */
static const char *unknown_placeholder(const char *template)
{
    static const char *const known[] = {"{profile}", "{side}", "{stamp}", "{delta}"};

    for (const char *p = strpbrk(template, "{}"); p; p = strpbrk(p, "{}")) {
        size_t i = 0;

        while (i < 4 && strncmp(p, known[i], strlen(known[i])) != 0)
            i++;
        if (i == 4)
            return p;
        p += strlen(known[i]);
    }
    return NULL;
}

/* Says no to a name, on the line of the key that is to blame for it. */
static int fail_name(const struct check *check, enum rt_side side, const char *name,
                     const char *why)
{
    struct rt_side_config without_forbid = check->config->side[side];
    struct rt_err err;

    if (is_set(check, side, "output_name"))
        return fail(check, section_of(side), "output_name", "%s", why);
    if (rt_name_fault(name))
        return fail(check, RT_SECTION_PROFILE, "name", "%s", why);
    without_forbid.forbid_name.count = 0;
    return fail(check, section_of(side),
                rt_output_name_check(&without_forbid, name, &err) != 0 ? "require_name"
                                                                       : "forbid_name",
                "%s", why);
}

/* Length of the path's next part; *path is moved to it, past slashes and ".". */
static size_t next_part(const char **path)
{
    size_t len;

    for (;; (*path)++) {
        *path += strspn(*path, "/");
        len = strcspn(*path, "/");
        if (len != 1 || **path != '.')
            return len;
    }
}

/* However they are written: e, ./e, e/. */
static bool is_same_folder(const char *a, const char *b)
{
    size_t len = 0;

    if ((*a == '/') != (*b == '/'))
        return false;
    do {
        a += len;
        b += len;
        len = next_part(&a);
        if (len != next_part(&b) || memcmp(a, b, len) != 0)
            return false;
    } while (len > 0);
    return true;
}

static int check_output_name(const struct check *check, enum rt_side side)
{
    const struct rt_side_config *s = &check->config->side[side];
    struct rt_name_parts parts = {check->config->name, side, 1795246200, 1, 1, 1, s->gzip};
    const char *unknown = unknown_placeholder(s->output_name);
    struct rt_err err;
    char *name;
    int rc = 0;

    if (unknown)
        return fail(check, section_of(side), "output_name",
                    "\"%.40s\" is not known; write {profile}, {side}, {stamp} and {delta}",
                    unknown);
    if (!strstr(s->output_name, "{stamp}") || !strstr(s->output_name, "{delta}"))
        return fail(check, section_of(side), "output_name",
                    "{stamp} and {delta} must both be in it, or a name would not be new; add what "
                    "is missing");
    name = rt_output_name(s->output_name, &parts);
    if (rt_output_name_check(s, name, &err) != 0)
        rc = fail_name(check, side, name, err.msg);
    else if (s->exports && s->imports && is_same_folder(s->exports, s->imports) &&
             rt_name_matches(s->pattern, name))
        rc = fail(check, section_of(side), "imports",
                  "our own file \"%s\" would be fetched again, as `exports` is the same folder; "
                  "change one of them, or `pattern`",
                  name);
    free(name);
    return rc;
}

/* Folders that files are moved out of, or into, by way of another one. */
static int check_ways(const struct check *check, enum rt_side side)
{
    const struct rt_side_config *s = &check->config->side[side];

    if (s->after_fetch == RT_AFTER_MOVE && s->exports &&
        is_same_folder(s->after_fetch_folder, s->exports))
        return fail(check, section_of(side), "after_fetch",
                    "files would stay in `exports` and be fetched again; name another folder");
    if (s->upload == RT_UPLOAD_FOLDER && s->imports && is_same_folder(s->upload_folder, s->imports))
        return fail(check, section_of(side), "upload",
                    "that folder is `imports` itself; name another one, or write upload = direct");
    return 0;
}

static int check_columns(const struct check *check, enum rt_side side)
{
    const struct rt_side_config *s = &check->config->side[side];

    if (s->written_at_column && s->action_column &&
        strcmp(s->written_at_column, s->action_column) == 0)
        return fail(check, section_of(side), "action_column",
                    "written_at_column has the same name; choose another one");
    return 0;
}

int rt_config_check(const struct rt_config *config, struct rt_err *err)
{
    struct check check = {config, err};

    if (check_labels(&check) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        enum rt_side side = (enum rt_side)i;

        if (check_transport(&check, side) != 0 || check_output_name(&check, side) != 0 ||
            check_ways(&check, side) != 0 || check_columns(&check, side) != 0)
            return -1;
    }
    return 0;
}
