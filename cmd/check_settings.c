#include "cmd/check_settings.h"
#include "cmd/json.h"

#include "lib/filename.h"
#include "lib/remote.h"

#include <stdlib.h>
#include <sys/stat.h>

static const char *transport_name(const struct rt_side_config *side)
{
    static const char *const names[] = {"directory", "sftp", "openssh", "command"};

    return names[side->transport];
}

/* How wide the first columns of the table are. */
struct widths {
    int name, in[2];
};

static int wider(int width, const char *text)
{
    int length = text ? rt_width(text) : 0;

    return length > width && length <= 40 ? length : width;
}

static struct widths measure(const struct rt_session *session)
{
    const struct rt_schema *schema = session->schema;
    struct widths w = {.name = 8};

    for (int s = 0; s < 2; s++)
        w.in[s] = wider(8, session->config->side[s].label);
    for (size_t i = 0; i < schema->count; i++) {
        w.name = wider(w.name, schema->fields[i].name);
        for (int s = 0; s < 2; s++)
            w.in[s] = wider(w.in[s], schema->fields[i].column[s].in);
    }
    return w;
}

/* A header may hold what a terminal obeys. */
static char *plain(const char *text)
{
    char *copy = rt_xstrdup(text);

    rt_keep_to_one_line(copy);
    return copy;
}

static void say_field(const struct rt_session *session, const struct widths *w,
                      const struct rt_field *field)
{
    const char *role = rt_role_name(field->role);
    char *in[2];

    for (int s = 0; s < 2; s++)
        in[s] = plain(field->column[s].in ? field->column[s].in : "-");
    rt_say("  %-*s  %-*s  %-*s  %s, %s%s%s\n", w->name, field->name, rt_padding(w->in[0], in[0]),
           in[0], rt_padding(w->in[1], in[1]), in[1], rt_type_name(field->type),
           rt_direction_name(field->direction), *role ? ", " : "", role);
    for (int s = 0; s < 2; s++) {
        char *out = field->column[s].out ? plain(field->column[s].out) : NULL;

        if (out != NULL && strcmp(out, in[s]) != 0)
            rt_say("  %-*s  written for %s as %s\n", w->name, "", session->config->side[s].label,
                   out);
        free(out);
        free(in[s]);
    }
}

static json_t *field_json(const struct rt_field *f)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "field", f->name, "external",
                     rt_json_text(f->column[0].in), "native", rt_json_text(f->column[1].in),
                     "external_out", rt_json_text(f->column[0].out), "native_out",
                     rt_json_text(f->column[1].out), "type", rt_type_name(f->type), "direction",
                     rt_direction_name(f->direction), "role", rt_role_name(f->role));
}

static void tell_fields(const struct rt_session *session, json_t *root)
{
    const struct rt_schema *schema = session->schema;
    struct widths w = measure(session);
    json_t *list = json_array();

    if (!session->json)
        rt_say("fields:\n  %-*s  %-*s  %s\n", w.name, "",
               rt_padding(w.in[0], session->config->side[RT_EXTERNAL].label),
               session->config->side[RT_EXTERNAL].label, session->config->side[RT_NATIVE].label);
    for (size_t i = 0; i < schema->count; i++) {
        if (!session->json)
            say_field(session, &w, &schema->fields[i]);
        json_array_append_new(list, field_json(&schema->fields[i]));
    }
    json_object_set_new(root, "fields", list);
}

static void tell_side(const struct rt_session *session, json_t *root, enum rt_side side)
{
    const struct rt_config *config = session->config;
    const struct rt_side_config *s = &config->side[side];
    struct rt_name_parts parts = {config->name, side, session->rules.now, 1, 1, 1, s->gzip};
    char *name = rt_output_name(s->output_name, &parts);

    json_object_set_new(root, rt_side_name(side),
                        json_pack("{s:s, s:s, s:s, s:o}", "label", s->label, "transport",
                                  transport_name(s), "output_name", name, "eligible",
                                  rt_json_text(s->eligible)));
    if (!session->json) {
        rt_say("%s (%s): %s; files for it are called like\n  %s\n", s->label, rt_side_name(side),
               transport_name(s), name);
        if (s->eligible != NULL)
            rt_say("  only rows for which %s\n", s->eligible);
    }
    free(name);
}

/* A key that others can read is no secret, and the other end would hear of it only at night. */
static int check_key(const struct rt_session *session, enum rt_side side, struct rt_err *err)
{
    const struct rt_side_config *s = &session->config->side[side];
    char *path;
    struct stat st;
    int rc = 0;

    if (s->identity == NULL)
        return 0;
    path = rt_remote_local_path(session->profile, s->identity);
    if (stat(path, &st) < 0)
        rc = rt_err_errno(err, RT_CONFIG, "%s: %s",
                          rt_config_place(session->config, rt_side_name(side), "identity").text,
                          path);
    else if (st.st_mode & (S_IRWXG | S_IRWXO))
        rc = rt_err_set(err, RT_REFUSED, "%s: others can read this key: chmod 600 %s", path, path);
    free(path);
    return rc;
}

int rt_check_eligible(const struct rt_config *config, const struct rt_schema *schema,
                      struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        struct rt_expr *expr = NULL;
        const char *eligible = config->side[s].eligible;

        if (eligible != NULL && rt_expr_open(eligible, schema, &expr, err) < 0)
            return rt_err_context(
                err, "%s", rt_config_place(config, rt_side_name((enum rt_side)s), "eligible").text);
        rt_expr_close(expr);
    }
    return 0;
}

int rt_check_settings(struct rt_session *session, json_t *root, struct rt_err *err)
{
    const struct rt_config *config = session->config;

    if (rt_check_eligible(config, session->schema, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if (check_key(session, (enum rt_side)s, err) < 0)
            return -1;
    if (!session->json)
        rt_say("%s: roundtrip.ini and schema.csv are right, %s\n", config->name,
               config->single_trip ? "single-trip" : "round-trip");
    for (int s = 0; s < 2; s++)
        tell_side(session, root, (enum rt_side)s);
    tell_fields(session, root);
    return 0;
}
