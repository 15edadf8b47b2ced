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

static void describe_pair(const struct rt_code_pair *pair, struct rt_buf *out)
{
    rt_buf_printf(out, "external \"%s\", native \"%s\"", pair->code[RT_EXTERNAL],
                  pair->code[RT_NATIVE]);
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
        rt_buf_printf(&text, "codes %s: %05zu ", field->name, i + 1);
        describe_pair(pair, &text);
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

/* The next pair that the contract tells of the field, as text; false: there is none. */
static bool next_pair(const char *prefix, const char **contract, struct rt_slice *pair)
{
    while (**contract) {
        const char *line = *contract, *end = strchr(line, '\n');

        *contract = end + 1;
        if (strncmp(line, prefix, strlen(prefix)) != 0)
            continue;
        line += strlen(prefix);
        line += strspn(line, "0123456789") + 1;
        *pair = rt_slice_from(line, (size_t)(end - line));
        return true;
    }
    return false;
}

/* A pair as text, to find it by, and where it stood in the old table. */
struct known_pair {
    char *text;
    size_t index; /* in the table */
    size_t was;   /* from 1; 0: it is new */
};

static int compare_known(const void *a, const void *b)
{
    return strcmp(((const struct known_pair *)a)->text, ((const struct known_pair *)b)->text);
}

/* Of equal codes the first decides: is that the same pair as before, where there was one? */
static bool decide_as_before(const struct rt_codes *codes, enum rt_side side, const size_t *was)
{
    size_t first = 0;

    for (size_t i = 0; i < codes->count; i++) {
        const struct rt_code_pair *pair = codes->sorted[side][i];
        size_t at = was[pair - codes->pairs];

        if (i == 0 || strcmp(pair->code[side], codes->sorted[side][i - 1]->code[side]) != 0)
            first = at;
        else if (at > 0 && (first == 0 || at < first))
            return false;
    }
    return true;
}

static struct known_pair *sort_pairs(const struct rt_codes *codes)
{
    struct known_pair *known = rt_xcalloc(codes->count + 1, sizeof *known);
    struct rt_buf text = {0};

    for (size_t i = 0; i < codes->count; i++) {
        rt_buf_reset(&text);
        describe_pair(&codes->pairs[i], &text);
        known[i] = (struct known_pair){.text = rt_xstrdup(rt_buf_str(&text)), .index = i};
    }
    rt_buf_clear(&text);
    qsort(known, codes->count, sizeof *known, compare_known);
    return known;
}

/* Finds the contract's pairs in the table; false if one is not there any more. */
static bool find_old(const struct rt_field *field, const char *contract, struct known_pair *known,
                     struct rt_codes *old)
{
    char *prefix = rt_xasprintf("codes %s: ", field->name);
    struct rt_slice pair;
    bool is_there = true;

    while (is_there && next_pair(prefix, &contract, &pair)) {
        struct known_pair key = {.text = rt_xstrndup(pair.ptr, pair.len)}, *found;

        found = bsearch(&key, known, field->codes.count, sizeof key, compare_known);
        free(key.text);
        is_there = found != NULL;
        if (is_there) {
            old->pairs = rt_xgrow(old->pairs, old->count, sizeof *old->pairs);
            old->pairs[old->count++] = field->codes.pairs[found->index];
            found->was = old->count;
        }
    }
    free(prefix);
    return is_there && old->count > 0;
}

bool rt_schema_codes_grew(const struct rt_field *field, const char *contract, struct rt_codes *old)
{
    const struct rt_codes *codes = &field->codes;
    struct known_pair *known = sort_pairs(codes);
    size_t *was = rt_xcalloc(codes->count + 1, sizeof *was);
    bool grew;

    *old = (struct rt_codes){0};
    grew = find_old(field, contract, known, old);
    for (size_t i = 0; i < codes->count; i++) {
        was[known[i].index] = known[i].was;
        free(known[i].text);
    }
    free(known);
    grew = grew && decide_as_before(codes, RT_EXTERNAL, was) &&
           decide_as_before(codes, RT_NATIVE, was);
    free(was);
    return grew;
}

bool rt_schema_flowed(const struct rt_field *field, const char *contract)
{
    char *prefix = rt_xasprintf("field %s: type ", field->name);
    const char *line = contract;

    while (*line && strncmp(line, prefix, strlen(prefix)) != 0)
        line = strchr(line, '\n') + 1;
    line += strcspn(line, ",");
    free(prefix);
    return *line && strncmp(line, ", none", strlen(", none")) != 0;
}
