#include "lib/schema.h"

#include <stdlib.h>
#include <string.h>

struct lines {
    char **items;
    size_t count;
};

/* Takes the text over as one line: what would break it is written as \n, \r or \\. */
static void add_line(struct lines *lines, struct rt_buf *text)
{
    struct rt_buf line = {0};

    for (size_t i = 0; i < text->len; i++) {
        char c = text->ptr[i];

        if (c == '\n' || c == '\r' || c == '\\')
            rt_buf_add_char(&line, '\\');
        rt_buf_add_char(&line, c == '\n' ? 'n' : c == '\r' ? 'r' : c);
    }
    rt_buf_clear(text);
    lines->items = rt_xgrow(lines->items, lines->count, sizeof *lines->items);
    lines->items[lines->count++] = line.ptr;
}

static void describe_column(const struct rt_field *field, enum rt_side side, struct rt_buf *out)
{
    const struct rt_column *column = &field->column[side];
    const char *name = rt_side_name(side);

    rt_buf_printf(out, ", %s %s", name, column->in ? column->in : "-");
    if (column->out && (!column->in || strcmp(column->in, column->out) != 0))
        rt_buf_printf(out, ", %s_out %s", name, column->out);
    if (column->max)
        rt_buf_printf(out, ", %s_max %zu", name, column->max);
    if (column->format)
        rt_buf_printf(out, ", %s_format \"%s\"", name, column->format);
}

static void add_field(struct lines *lines, const struct rt_field *field)
{
    struct rt_buf text = {0};

    rt_buf_printf(&text, "field %s: type %s, %s", field->name, rt_type_name(field->type),
                  rt_direction_name(field->direction));
    if (field->role != RT_ROLE_NONE)
        rt_buf_printf(&text, ", role %s", rt_role_name(field->role));
    describe_column(field, RT_EXTERNAL, &text);
    describe_column(field, RT_NATIVE, &text);
    add_line(lines, &text);
    for (size_t i = 0; i < field->codes.count; i++) {
        const struct rt_code_pair *pair = &field->codes.pairs[i];

        /* numbered, since the first pair that fits decides */
        rt_buf_printf(&text, "codes %s: %05zu external \"%s\", native \"%s\"", field->name, i + 1,
                      pair->code[RT_EXTERNAL], pair->code[RT_NATIVE]);
        add_line(lines, &text);
    }
}

/* The order of lines matters in one place: it is the order of the parts of an ID. */
static void add_id(struct lines *lines, const struct rt_schema *schema, enum rt_side side)
{
    struct rt_buf text = {0};

    if (schema->id_count[side] < 2)
        return;
    rt_buf_printf(&text, "parts of the %s ID:", rt_side_name(side));
    for (size_t i = 0; i < schema->id_count[side]; i++)
        rt_buf_printf(&text, "%s %s", i > 0 ? "," : "", schema->id[side][i]->name);
    add_line(lines, &text);
}

static void add_settings(struct lines *lines, const struct rt_config *config)
{
    struct rt_buf text = {0};

    rt_buf_printf(&text, "mode: %s", config->single_trip ? "single-trip" : "round-trip");
    add_line(lines, &text);
    for (int i = 0; i < 2; i++) {
        const struct rt_side_config *side = &config->side[i];

        rt_buf_printf(&text, "eligible %s: %s", rt_side_name((enum rt_side)i),
                      side->eligible ? side->eligible : "all");
        add_line(lines, &text);
        rt_buf_printf(&text, "timezone %s: %s", rt_side_name((enum rt_side)i), side->timezone);
        add_line(lines, &text);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void rt_schema_contract(const struct rt_schema *schema, const struct rt_config *config,
                        struct rt_buf *out)
{
    struct lines lines = {0};

    for (size_t i = 0; i < schema->count; i++) {
        const struct rt_field *field = &schema->fields[i];

        if (field->direction != RT_DIR_NONE || field->role != RT_ROLE_NONE)
            add_field(&lines, field);
    }
    add_id(&lines, schema, RT_EXTERNAL);
    add_id(&lines, schema, RT_NATIVE);
    add_settings(&lines, config);
    qsort(lines.items, lines.count, sizeof *lines.items, compare_lines);
    for (size_t i = 0; i < lines.count; i++) {
        rt_buf_add_str(out, lines.items[i]);
        rt_buf_add_char(out, '\n');
        free(lines.items[i]);
    }
    free(lines.items);
}
