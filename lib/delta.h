/*
 * A delta as a file: which columns it has for a side (external ID, native ID, fields in schema
 * order, origin, written-at, action), and how a record becomes a row of it.
 * Pure: makes bytes, writes no files.  The same rows give the same bytes.
 */
#ifndef RT_DELTA_H
#define RT_DELTA_H

#include "lib/csv_writer.h"
#include "lib/plan.h"
#include "lib/record.h"

struct rt_delta_format {
    const struct rt_rules *rules;
    enum rt_side side;
    struct rt_csv_writer writer;
    int64_t written_at;
};

/* RT_CONFIG if the side's encoding is not known.  Caller clears. */
int rt_delta_format_init(struct rt_delta_format *format, const struct rt_rules *rules,
                         enum rt_side side, int64_t written_at, struct rt_err *err) RT_MUST_CHECK;
void rt_delta_format_clear(struct rt_delta_format *format);

/* Can the side's encoding hold the headers and labels that its deltas have?  RT_CONFIG. */
int rt_delta_check(const struct rt_config *config, const struct rt_schema *schema,
                   enum rt_side side, struct rt_err *err) RT_MUST_CHECK;

/* Appends the header line. */
int rt_delta_header(struct rt_delta_format *format, struct rt_buf *out,
                    struct rt_err *err) RT_MUST_CHECK;

/* Appends one row: IDs as they are to be written, `content` is what was wanted, `born` for the
 * origin. */
struct rt_delta_cells {
    struct rt_slice id[2];
    const struct rt_content *content;
    enum rt_side born;
    enum rt_action action;
    const struct rt_record *record; /* for single-trip directions */
};
struct rt_delta_cells rt_delta_cells_of(const struct rt_record *record, enum rt_action action);
int rt_delta_row(struct rt_delta_format *format, const struct rt_delta_cells *cells,
                 struct rt_buf *out, struct rt_err *err) RT_MUST_CHECK;

/* Can the side's encoding hold all that the row would say?  NULL, or the field that it cannot. */
const struct rt_field *rt_delta_misfit(struct rt_delta_format *format,
                                       const struct rt_delta_cells *cells);

#endif
