#include "lib/schema.h"

#include "lib/schema_read.h"
#include "lib/zone.h"

#include <stdlib.h>
#include <string.h>

#define MOST_FIELDS 1000

static const char *const column_names[RT_COL_COUNT] = {
    [RT_COL_FIELD] = "field",
    [RT_COL_EXTERNAL] = "external",
    [RT_COL_NATIVE] = "native",
    [RT_COL_EXTERNAL_OUT] = "external_out",
    [RT_COL_NATIVE_OUT] = "native_out",
    [RT_COL_EXTERNAL_MAX] = "external_max",
    [RT_COL_NATIVE_MAX] = "native_max",
    [RT_COL_ROLE] = "role",
    [RT_COL_TYPE] = "type",
    [RT_COL_DIRECTION] = "direction",
    [RT_COL_EXTERNAL_FORMAT] = "external_format",
    [RT_COL_NATIVE_FORMAT] = "native_format",
    [RT_COL_VALUES] = "values",
};

const char *rt_schema_column_name(enum rt_schema_column column)
{
    return column_names[column];
}

static int take_line(void *context, unsigned line, const struct rt_slice *cells, struct rt_err *err)
{
    struct rt_schema_reading *r = context;
    struct rt_schema *schema = r->schema;
    struct rt_field *field;

    if (schema->count == MOST_FIELDS)
        return rt_err_set(err, RT_CONFIG, "%s: line %u: more than %d fields", r->path, line,
                          MOST_FIELDS);
    schema->fields = rt_xgrow(schema->fields, schema->count, sizeof *schema->fields);
    field = &schema->fields[schema->count++];
    *field = (struct rt_field){0};
    r->line = line;
    memcpy(r->cells, cells, sizeof r->cells);
    return rt_schema_field_read(r, field);
}

static void add_field(struct rt_field ***list, size_t *count, struct rt_field *field)
{
    *list = rt_xgrow(*list, *count, sizeof **list);
    (*list)[(*count)++] = field;
}

/* Sorts the fields by what they are for.  Two of a single role are found later. */
static void place_field(struct rt_schema *schema, struct rt_field *field)
{
    switch (field->role) {
    case RT_ROLE_EXTERNAL_ID:
        add_field(&schema->id[RT_EXTERNAL], &schema->id_count[RT_EXTERNAL], field);
        break;
    case RT_ROLE_NATIVE_ID:
        add_field(&schema->id[RT_NATIVE], &schema->id_count[RT_NATIVE], field);
        break;
    case RT_ROLE_MODIFIED_AT:
        schema->modified_at = field;
        break;
    case RT_ROLE_DELETED:
        schema->deleted = field;
        break;
    case RT_ROLE_ORIGIN:
        schema->origin = field;
        break;
    case RT_ROLE_FINGERPRINT:
        schema->has_fingerprint = true;
        /* fall through */
    case RT_ROLE_NONE:
        field->content_index = schema->content_count;
        add_field(&schema->content, &schema->content_count, field);
        break;
    }
}

static void place_fields(struct rt_schema *schema, const struct rt_config *config)
{
    bool has_times = false;

    for (size_t i = 0; i < schema->count; i++) {
        place_field(schema, &schema->fields[i]);
        has_times = has_times || schema->fields[i].type == RT_TYPE_DATETIME;
    }
    for (int side = 0; side < 2 && has_times; side++)
        schema->zone[side] = rt_zone_new(config->side[side].timezone);
    for (size_t i = 0; i < schema->count; i++) {
        for (int side = 0; side < 2; side++)
            schema->fields[i].zone[side] = schema->zone[side];
    }
}

int rt_schema_parse(struct rt_slice text, const char *path, const struct rt_config *config,
                    const struct rt_schema_files *files, struct rt_schema **schema,
                    struct rt_err *err)
{
    struct rt_schema_reading r = {.path = path, .config = config, .files = files, .err = err};
    struct rt_table table = {path, column_names, RT_COL_COUNT, 1, take_line, &r};

    *schema = NULL;
    r.schema = rt_xcalloc(1, sizeof *r.schema);
    if (rt_table_read(&table, text, err) != 0)
        goto out;
    place_fields(r.schema, config);
    if (rt_schema_check(&r) != 0)
        goto out;
    *schema = r.schema;
    r.schema = NULL;
out:
    rt_schema_free(r.schema);
    return *schema ? 0 : -1;
}

void rt_schema_free(struct rt_schema *schema)
{
    if (schema == NULL)
        return;
    for (size_t i = 0; i < schema->count; i++)
        rt_schema_field_clear(&schema->fields[i]);
    free(schema->fields);
    free(schema->content);
    for (int side = 0; side < 2; side++) {
        free(schema->id[side]);
        rt_zone_free(schema->zone[side]);
    }
    free(schema);
}

bool rt_field_flows_to(const struct rt_field *field, enum rt_side side)
{
    enum rt_direction only = side == RT_NATIVE ? RT_DIR_TO_NATIVE : RT_DIR_TO_EXTERNAL;

    if (field->role == RT_ROLE_MODIFIED_AT || !field->column[side].out)
        return false;
    return field->direction == RT_DIR_BOTH || field->direction == only;
}

const struct rt_field *rt_schema_find(const struct rt_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (strcmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    }
    return NULL;
}
