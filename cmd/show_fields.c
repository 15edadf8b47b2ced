#include "cmd/show.h"

#include "lib/json_of.h"
#include "lib/utf8.h"

const char *rt_show_line(struct rt_show *show, struct rt_slice text, size_t width)
{
    struct rt_buf line = {0};
    const char *shown;
    size_t fits;

    for (size_t i = 0; i < text.len && line.len < 4 * width + 8; i++) {
        const unsigned char *p = (const unsigned char *)text.ptr + i;
        unsigned char c = *p;

        if (c == '\n')
            rt_buf_add_str(&line, "\\n");
        else if (c == '\t')
            rt_buf_add_str(&line, "\\t");
        else if (rt_utf8_is_control(p, rt_utf8_length(p, text.len - i)))
            rt_buf_printf(&line, "\\x%02x", c == 0xC2 ? text.ptr[++i] & 0xFF : c);
        else
            rt_buf_add_char(&line, text.ptr[i]);
    }
    fits = rt_utf8_prefix(rt_buf_slice(&line), width);
    if (fits < line.len) {
        fits = rt_utf8_prefix(rt_buf_slice(&line), width > 3 ? width - 3 : 0);
        shown = rt_arena_printf(&show->arena, "%.*s...", (int)fits, rt_buf_str(&line));
    } else {
        shown = rt_arena_strdup(&show->arena, rt_buf_str(&line));
    }
    rt_buf_clear(&line);
    return shown;
}

static void say_value(struct rt_show *show, const char *field, const char *who,
                      struct rt_value value)
{
    const char *side = rt_show_line(show, rt_slice_str(who), 12);
    bool is_long = strlen(field) > 22;

    if (is_long)
        rt_say("  %s\n", field);
    rt_say("  %-22s %-*s %s\n", is_long ? "" : field, rt_padding(12, side), side,
           rt_value_is_known(value) ? rt_show_line(show, value.raw, 42) : "(not known)");
}

static void show_field(struct rt_show *show, size_t i)
{
    const struct rt_field *field = show->session->schema->content[i];
    const struct rt_record *r = &show->record;
    struct rt_value side[2] = {rt_content_value(r->end[0].seen, i),
                               rt_content_value(r->end[1].seen, i)},
                    want = rt_content_value(r->want, i);
    bool is_same = rt_value_is_known(want);

    if (show->root != NULL) {
        json_array_append_new(json_object_get(show->root, "fields"),
                              json_pack("{s:s, s:o, s:o, s:o}", "field", field->name, "want",
                                        rt_json_of_value(want), "external",
                                        rt_json_of_value(side[RT_EXTERNAL]), "native",
                                        rt_json_of_value(side[RT_NATIVE])));
        return;
    }
    for (int s = 0; s < 2; s++)
        is_same = is_same && (field->column[s].in == NULL ||
                              rt_value_is_same(field, (enum rt_side)s, side[s], want));
    say_value(show, field->name, is_same ? "" : "want", want);
    for (int s = 0; s < 2 && !is_same; s++)
        if (field->column[s].in != NULL)
            say_value(show, "", show->session->config->side[s].label, side[s]);
}

void rt_show_fields(struct rt_show *show)
{
    if (show->root != NULL)
        json_object_set_new(show->root, "fields", json_array());
    else
        rt_say("\nfields; where a side was not last seen to hold what both should, it is told\n");
    for (size_t i = 0; i < show->session->schema->content_count; i++)
        show_field(show, i);
}
