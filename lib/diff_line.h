/*
 * A line of the CSV that `diff` prints and `baseline --report` writes: what became of a record, or
 * of one field of it, and what is done for each side.
 */
#ifndef RT_DIFF_LINE_H
#define RT_DIFF_LINE_H

#include "lib/csv_writer.h"
#include "lib/schema.h"

struct rt_diff_line {
    const char *side, *change;
    struct rt_slice id[2], field, before, after; /* field: empty for the record as a whole */
    const char *action[2], *reason;
};

/* Both end the row. */
int rt_diff_line_put_names(struct rt_csv_writer *writer, const struct rt_schema *schema,
                           struct rt_buf *out, struct rt_err *err) RT_MUST_CHECK;
int rt_diff_line_put(struct rt_csv_writer *writer, const struct rt_schema *schema,
                     const struct rt_diff_line *line, struct rt_buf *out,
                     struct rt_err *err) RT_MUST_CHECK;

#endif
