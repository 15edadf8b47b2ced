#include "lib/delta.h"
#include "lib/schema_read.h"

#include <string.h>

static bool is_role(const struct rt_field *field, enum rt_role role)
{
    return field->role == role;
}

static bool is_same_header(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Two fields may not name the same header on one side, whether coming in or going out. */
static int check_pair(const struct rt_schema_reading *r, const struct rt_field *a,
                      const struct rt_field *b)
{
    if (strcmp(a->name, b->name) == 0)
        return rt_schema_fail(r, b->line, RT_COL_FIELD,
                              "\"%s\" is already on line %u; choose another name", b->name,
                              a->line);
    for (int side = 0; side < 2; side++) {
        const struct rt_column *x = &a->column[side], *y = &b->column[side];
        bool is_in = is_same_header(x->in, y->in) || is_same_header(x->out, y->in);

        if (is_in || is_same_header(x->in, y->out) || is_same_header(x->out, y->out))
            return rt_schema_fail(
                r, b->line,
                (enum rt_schema_column)((is_in ? RT_COL_EXTERNAL : RT_COL_EXTERNAL_OUT) + side),
                "header \"%.100s\" is already used by field %s on line %u; each header once per "
                "side",
                is_in ? y->in : y->out, a->name, a->line);
    }
    return 0;
}

static int check_pairs(const struct rt_schema_reading *r)
{
    const struct rt_schema *schema = r->schema;

    for (size_t b = 1; b < schema->count; b++) {
        for (size_t a = 0; a < b; a++) {
            if (check_pair(r, &schema->fields[a], &schema->fields[b]) != 0)
                return -1;
        }
    }
    return 0;
}

static int check_single_roles(const struct rt_schema_reading *r)
{
    static const enum rt_role single[] = {RT_ROLE_MODIFIED_AT, RT_ROLE_DELETED, RT_ROLE_ORIGIN};

    for (size_t k = 0; k < sizeof single / sizeof *single; k++) {
        const struct rt_field *first = NULL;

        for (size_t i = 0; i < r->schema->count; i++) {
            const struct rt_field *field = &r->schema->fields[i];

            if (!is_role(field, single[k]))
                continue;
            if (first)
                return rt_schema_fail(r, field->line, RT_COL_ROLE,
                                      "%s is already on line %u; only one field can have it",
                                      rt_role_name(single[k]), first->line);
            first = field;
        }
    }
    return 0;
}

/* Each side has a column for every part of its own ID; for the other's, all parts or none. */
static int check_id(const struct rt_schema_reading *r, enum rt_side side)
{
    const struct rt_schema *schema = r->schema;
    enum rt_side other = rt_side_other(side);
    const struct rt_field *with = NULL, *without = NULL;

    if (schema->id_count[side] == 0)
        return rt_err_set(r->err, RT_CONFIG,
                          "%s: no field has the role %s; name the column of the ID that %s gives",
                          r->path, rt_role_name(rt_role_of_id(side)), r->config->side[side].label);
    for (size_t i = 0; i < schema->id_count[side]; i++) {
        const struct rt_field *field = schema->id[side][i];

        if (!field->column[side].in)
            return rt_schema_fail(r, field->line,
                                  (enum rt_schema_column)(RT_COL_EXTERNAL + (int)side),
                                  "empty; the files of %s must have a column for their own ID",
                                  r->config->side[side].label);
        if (field->column[other].in)
            with = field;
        else
            without = field;
    }
    if (with && without)
        return rt_schema_fail(r, without->line,
                              (enum rt_schema_column)(RT_COL_EXTERNAL + (int)other),
                              "empty, but %s has a column for %s; all parts of an ID or none",
                              r->config->side[other].label, with->name);
    return 0;
}

int rt_schema_check(const struct rt_schema_reading *r)
{
    if (r->schema->count == 0)
        return rt_err_set(r->err, RT_CONFIG, "%s: no fields; add one line for each", r->path);
    if (check_pairs(r) != 0 || check_single_roles(r) != 0 || check_id(r, RT_EXTERNAL) != 0 ||
        check_id(r, RT_NATIVE) != 0)
        return -1;
    return 0;
}

static bool knows_other_id(const struct rt_schema *schema, enum rt_side side)
{
    return schema->id[rt_side_other(side)][0]->column[side].in != NULL;
}

static int check_deletes(const struct rt_config *config, const struct rt_schema *schema,
                         enum rt_side side, struct rt_err *err)
{
    enum rt_side other = rt_side_other(side);

    if (config->side[side].deletes != RT_DELETES_PROPAGATE || config->side[other].action_column ||
        (schema->deleted && schema->deleted->column[other].out))
        return 0;
    return rt_err_set(err, RT_CONFIG,
                      "%s: propagate needs an action_column in [%s], or a field with the role "
                      "deleted that has a column there; add one, or write deletes = review",
                      rt_config_place(config, rt_side_name(side), "deletes").text,
                      rt_side_name(other));
}

static int check_binding(const struct rt_config *config, const struct rt_schema *schema,
                         enum rt_side side, struct rt_err *err)
{
    const struct rt_side_config *s = &config->side[side];
    enum rt_side other = rt_side_other(side);

    if (knows_other_id(schema, side) || schema->has_fingerprint ||
        (s->transport == RT_TRANSPORT_COMMAND && s->load))
        return 0;
    return rt_err_set(
        err, RT_CONFIG,
        "schema.csv: %s has no column for %s, so its rows cannot be told from new ones; name that "
        "column, give fields the role fingerprint, or set transport = command and load in [%s]",
        s->label, schema->id[other][0]->name, rt_side_name(side));
}

/* An extra column of ours may not repeat one of the schema's. */
static int check_extra_column(const struct rt_schema *schema, enum rt_side side,
                              struct rt_config_place place, const char *header, struct rt_err *err)
{
    for (size_t i = 0; header && i < schema->count; i++) {
        const struct rt_field *field = &schema->fields[i];

        if (is_same_header(field->column[side].out, header) && !is_role(field, RT_ROLE_MODIFIED_AT))
            return rt_err_set(
                err, RT_CONFIG,
                "%s: header \"%.100s\" is already used by field %s; choose another one", place.text,
                header, field->name);
    }
    return 0;
}

static int check_extra_columns(const struct rt_config *config, const struct rt_schema *schema,
                               enum rt_side side, struct rt_err *err)
{
    const struct rt_side_config *s = &config->side[side];
    const char *name = rt_side_name(side);

    if (check_extra_column(schema, side, rt_config_place(config, name, "written_at_column"),
                           s->written_at_column, err) != 0)
        return -1;
    return check_extra_column(schema, side, rt_config_place(config, name, "action_column"),
                              s->action_column, err);
}

static int check_newest(const struct rt_config *config, const struct rt_schema *schema,
                        struct rt_err *err)
{
    const struct rt_field *field = schema->modified_at;

    if (config->conflict != RT_CONFLICT_NEWEST ||
        (field && field->column[0].in && field->column[1].in))
        return 0;
    return rt_err_set(err, RT_CONFIG,
                      "%s: newest needs a field with the role modified_at that has a column on "
                      "both sides; add it to schema.csv, or write conflict = review",
                      rt_config_place(config, "policy", "conflict").text);
}

int rt_settings_check(const struct rt_config *config, const struct rt_schema *schema,
                      struct rt_err *err)
{
    for (int i = 0; i < 2; i++) {
        enum rt_side side = (enum rt_side)i;

        if (check_deletes(config, schema, side, err) != 0 ||
            check_binding(config, schema, side, err) != 0 ||
            check_extra_columns(config, schema, side, err) != 0 ||
            rt_delta_check(config, schema, side, err) != 0)
            return -1;
    }
    return check_newest(config, schema, err);
}
