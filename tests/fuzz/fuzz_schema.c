/*
 * schema.csv, value tables and values.  An input is a byte that chooses the settings, the schema,
 * a line %%, a value table, a line %%, and cells, one a line.
 *
 * Any schema is read or refused in one line; what is read is whole and within its own rules.  A
 * cell equals itself on both sides, and goes out to the side that it came from as it was.  To the
 * other side it goes out as something that fits there and reads back as the same value.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/config.h"
#include "lib/mem.h"
#include "lib/schema.h"
#include "lib/value.h"

static const char *const settings[] = {
    "[profile]\nname=p\n",
    "[profile]\nname=p\nmode=single-trip\n[external]\ntimezone=America/New_York\n[native]\n"
    "timezone=Europe/Berlin\n",
    "[profile]\nname=p\n[external]\ndeletes=propagate\nwritten_at_column=w\n[native]\n"
    "action_column=a\n[policy]\nmax_deletes=3\n",
    "[profile]\nname=p\n[policy]\nconflict=newest\nsuspected_duplicate=bind\n",
};

static struct rt_slice part_until_mark(struct rt_slice *input)
{
    static const char mark[] = "\n%%\n";
    const char *at = input->len ? memmem(input->ptr, input->len, mark, 4) : NULL;
    struct rt_slice part = *input;

    if (at == NULL) {
        *input = rt_slice_from(input->ptr, 0);
        return part;
    }
    part.len = (size_t)(at - part.ptr) + 1;
    *input = rt_slice_from(at + 4, input->len - part.len - 3);
    return part;
}

static int read_codes(void *context, const char *path, struct rt_buf *text, struct rt_err *err)
{
    (void)path;
    (void)err;
    rt_buf_add_slice(text, *(struct rt_slice *)context);
    return 0;
}

/* ---- the schema ---- */

static void need_field(const struct rt_schema *schema, const struct rt_field *field)
{
    bool is_content = field->role == RT_ROLE_NONE || field->role == RT_ROLE_FINGERPRINT;

    fuzz_need(field->name && field->name[0], "a field has a name");
    fuzz_need(is_content == (field->content_index != RT_NOT_CONTENT), "roles make no content");
    if (is_content)
        fuzz_need(field->content_index < schema->content_count &&
                      schema->content[field->content_index] == field,
                  "content fields are numbered");
    fuzz_need(rt_schema_find(schema, field->name) == field, "names are there once");
    if (field->direction == RT_DIR_BOTH || field->direction == RT_DIR_TO_NATIVE)
        fuzz_need(!is_content || (field->column[RT_EXTERNAL].in && field->column[RT_NATIVE].out),
                  "nothing flows between columns that are not there");
}

static void need_headers_once(const struct rt_schema *schema)
{
    for (size_t i = 0; i < schema->count; i++)
        for (size_t k = i + 1; k < schema->count; k++)
            for (int s = 0; s < 2; s++) {
                const char *a = schema->fields[i].column[s].in;
                const char *b = schema->fields[k].column[s].in;

                fuzz_need(a == NULL || b == NULL || strcmp(a, b) != 0, "headers are there once");
            }
}

static void need_schema(const struct rt_schema *schema)
{
    fuzz_need(schema->id_count[0] > 0 && schema->id_count[1] > 0, "both sides have an ID");
    for (size_t i = 0; i < schema->count; i++)
        need_field(schema, &schema->fields[i]);
    need_headers_once(schema);
}

/* ---- values ---- */

static void need_same(const struct rt_field *field, enum rt_side side, struct rt_value a,
                      struct rt_value b)
{
    struct rt_buf keys[2] = {{0}, {0}};

    rt_value_key(field, side, a, &keys[0]);
    rt_value_key(field, side, b, &keys[1]);
    fuzz_need(rt_slice_is_equal(rt_buf_slice(&keys[0]), rt_buf_slice(&keys[1])),
              "what goes out to the other side reads back as the same value");
    rt_buf_clear(&keys[0]);
    rt_buf_clear(&keys[1]);
}

/* Types of which both sides can hold every value: no codes of which two map to one, no empty NO, no
   times without seconds or years of two digits. */
static bool is_exact(const struct rt_field *field)
{
    const char *const formats[] = {field->column[0].format, field->column[1].format};
    bool is_standard = formats[0] == NULL && formats[1] == NULL;

    return field->type == RT_TYPE_NUMBER || field->type == RT_TYPE_SET ||
           (is_standard && (field->type == RT_TYPE_BOOLEAN || field->type == RT_TYPE_DATE));
}

/* What the other side would show after it imported a cell of `side`. */
static void need_read_back(const struct rt_field *field, enum rt_side side, struct rt_value value)
{
    enum rt_side other = rt_side_other(side);
    struct rt_buf out = {0};
    struct rt_value shown;
    struct rt_err err = {0};

    if (!rt_field_flows_to(field, other))
        return;
    rt_value_render(field, value, other, &out);
    shown = (struct rt_value){rt_buf_slice(&out), rt_from_side(other)};
    if (field->column[other].max == 0) {
        fuzz_need(rt_value_check(field, other, shown.raw, &err) == 0, err.msg);
        if (is_exact(field) && field->column[side].max == 0)
            need_same(field, side, value, shown);
    }
    need_same(field, other, value, shown);
    rt_buf_clear(&out);
}

static void need_value(const struct rt_field *field, enum rt_side side, struct rt_slice cell)
{
    struct rt_value value = {cell, rt_from_side(side)};
    struct rt_buf out = {0};
    struct rt_err err = {0};
    int64_t t;

    if (rt_value_check(field, side, cell, &err) < 0) {
        fuzz_need_error(&err, RT_DATA);
        return;
    }
    for (int s = 0; s < 2; s++)
        fuzz_need(rt_value_is_same(field, (enum rt_side)s, value, value), "a value equals itself");
    rt_value_render(field, value, side, &out);
    if (field->column[side].max == 0)
        fuzz_need(rt_slice_is_equal(rt_buf_slice(&out), cell), "what came in goes out as it was");
    need_read_back(field, side, value);
    if (field->type == RT_TYPE_DATETIME && field->role == RT_ROLE_MODIFIED_AT)
        fuzz_need(rt_value_time(field, side, cell, &t, &err) == 0, "a time that fits is one");
    rt_buf_clear(&out);
}

static void need_values(const struct rt_schema *schema, struct rt_slice cells)
{
    struct rt_slice last = {NULL, 0};

    for (int n = 0; n < 8 && cells.len; n++) {
        struct rt_slice cell = fuzz_until(&cells, '\n');

        for (size_t i = 0; i < schema->count && i < 16; i++)
            for (int s = 0; s < 2; s++) {
                struct rt_value a = {cell, rt_from_side((enum rt_side)s)};
                struct rt_value b = {last, rt_from_side(rt_side_other((enum rt_side)s))};
                const struct rt_field *field = &schema->fields[i];

                need_value(field, (enum rt_side)s, cell);
                fuzz_need(rt_value_is_same(field, (enum rt_side)s, a, b) ==
                              rt_value_is_same(field, (enum rt_side)s, b, a),
                          "equal works both ways");
                (void)rt_value_is_cut(field, (enum rt_side)s, a, b);
            }
        last = cell;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_slice input = rt_slice_from(data, size);
    const char *chosen = settings[fuzz_byte(&input) % 4];
    struct rt_slice text = part_until_mark(&input), codes = part_until_mark(&input);
    struct rt_schema_files files = {read_codes, &codes};
    struct rt_config *config = NULL;
    struct rt_schema *schema = NULL;
    struct rt_err err = {0};

    fuzz_need(rt_config_parse(rt_slice_str(chosen), "i", "p", &config, &err) == 0, err.msg);
    if (rt_schema_parse(text, "s", config, &files, &schema, &err) < 0) {
        fuzz_need_error(&err, RT_CONFIG);
        fuzz_need(schema == NULL, "no schema comes of a refusal");
    } else {
        need_schema(schema);
        if (rt_settings_check(config, schema, &err) < 0)
            fuzz_need_error(&err, RT_CONFIG);
        need_values(schema, input);
    }
    rt_schema_free(schema);
    rt_config_free(config);
    return 0;
}
