/*
 * IDs in reports for people, which are CSV: an ID of several fields has a column for each, under
 * the field's name, as in a crosswalk; an ID of one field stands under `external_id` or
 * `native_id`.
 */
#ifndef RT_ID_COLUMNS_H
#define RT_ID_COLUMNS_H

#include "lib/csv_writer.h"
#include "lib/schema.h"

/* The header cells of both IDs. */
int rt_id_columns_put_names(struct rt_csv_writer *writer, const struct rt_schema *schema,
                            struct rt_buf *out, struct rt_err *err) RT_MUST_CHECK;

/* The cells of one ID, as it is written on the command line; empty: none. */
int rt_id_columns_put(struct rt_csv_writer *writer, const struct rt_schema *schema,
                      enum rt_side side, struct rt_slice id, struct rt_buf *out,
                      struct rt_err *err) RT_MUST_CHECK;

#endif
