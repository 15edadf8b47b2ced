#include "lib/value.h"

/* A cell that was emptied and a set that lost its last members are edits.  Of a text any beginning
   counts, also none of it. */
static bool is_beginning(const struct rt_field *field, enum rt_side side, struct rt_slice shorter,
                         struct rt_slice longer)
{
    struct rt_slice rest;

    if (shorter.len >= longer.len || !rt_slice_has_prefix(longer, shorter))
        return false;
    if (field->type == RT_TYPE_TEXT)
        return true;
    rest = rt_slice_from(longer.ptr + shorter.len, longer.len - shorter.len);
    return shorter.len > 0 && (field->type != RT_TYPE_SET ||
                               !rt_slice_has_prefix(rest, rt_value_separator(field, side)));
}

/* What is compared: as it was written, since a number or a time that was cut is another one. */
static void add_written(const struct rt_field *field, enum rt_side side, struct rt_value value,
                        struct rt_buf *out)
{
    if (field->type == RT_TYPE_TEXT)
        rt_value_key(field, side, value, out);
    else
        rt_value_render(field, value, side, out);
}

bool rt_value_is_cut(const struct rt_field *field, enum rt_side side, struct rt_value shown,
                     struct rt_value sent)
{
    struct rt_buf shorter = {0}, longer = {0};
    bool is_cut;

    if (field->type == RT_TYPE_BOOLEAN || !rt_value_is_known(shown) || !rt_value_is_known(sent) ||
        rt_value_is_same(field, side, shown, sent))
        return false;
    add_written(field, side, shown, &shorter);
    add_written(field, side, sent, &longer);
    is_cut = is_beginning(field, side, rt_buf_slice(&shorter), rt_buf_slice(&longer));
    rt_buf_clear(&shorter);
    rt_buf_clear(&longer);
    return is_cut;
}

bool rt_value_is_same_whole(const struct rt_field *field, enum rt_side side, struct rt_value a,
                            struct rt_value b)
{
    struct rt_field whole = *field;

    whole.column[side].max = 0;
    return rt_value_is_same(&whole, side, a, b);
}

bool rt_value_is_same_cut(const struct rt_field *field, enum rt_side side, struct rt_value a,
                          struct rt_value b)
{
    struct rt_buf keys[2] = {{0}, {0}};
    bool is_same;

    rt_value_key(field, side, a, &keys[0]);
    rt_value_key(field, side, b, &keys[1]);
    is_same = rt_slice_is_equal(rt_buf_slice(&keys[0]), rt_buf_slice(&keys[1]));
    rt_buf_clear(&keys[0]);
    rt_buf_clear(&keys[1]);
    return is_same;
}

bool rt_value_is_beyond(const struct rt_field *field, enum rt_side side, struct rt_value shown,
                        struct rt_value want)
{
    return field->column[side].max > 0 && rt_value_is_known(shown) && rt_value_is_known(want) &&
           rt_value_is_same_whole(field, side, shown, want) &&
           !rt_value_is_same_cut(field, side, shown, want);
}
