#include "lib/diff_line.h"

#include "lib/id_columns.h"

static int put_all(struct rt_csv_writer *writer, const struct rt_slice *cells, size_t count,
                   struct rt_buf *out, struct rt_err *err)
{
    for (size_t i = 0; i < count; i++)
        if (rt_csv_put(writer, out, cells[i], err) < 0)
            return -1;
    return 0;
}

int rt_diff_line_put_names(struct rt_csv_writer *writer, const struct rt_schema *schema,
                           struct rt_buf *out, struct rt_err *err)
{
    const struct rt_slice before[] = {rt_slice_str("side"), rt_slice_str("change")};
    const struct rt_slice behind[] = {
        rt_slice_str("field"),           rt_slice_str("before"),        rt_slice_str("after"),
        rt_slice_str("external_action"), rt_slice_str("native_action"), rt_slice_str("reason")};

    if (put_all(writer, before, sizeof before / sizeof *before, out, err) < 0 ||
        rt_id_columns_put_names(writer, schema, out, err) < 0 ||
        put_all(writer, behind, sizeof behind / sizeof *behind, out, err) < 0)
        return -1;
    rt_csv_end_row(writer, out);
    return 0;
}

int rt_diff_line_put(struct rt_csv_writer *writer, const struct rt_schema *schema,
                     const struct rt_diff_line *line, struct rt_buf *out, struct rt_err *err)
{
    const struct rt_slice before[] = {rt_slice_str(line->side), rt_slice_str(line->change)};
    const struct rt_slice behind[] = {line->field,
                                      line->before,
                                      line->after,
                                      rt_slice_str(line->action[0]),
                                      rt_slice_str(line->action[1]),
                                      rt_slice_str(line->reason)};

    if (put_all(writer, before, sizeof before / sizeof *before, out, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if (rt_id_columns_put(writer, schema, (enum rt_side)s, line->id[s], out, err) < 0)
            return -1;
    if (put_all(writer, behind, sizeof behind / sizeof *behind, out, err) < 0)
        return -1;
    rt_csv_end_row(writer, out);
    return 0;
}
