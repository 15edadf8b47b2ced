/*
 * SQL expressions over field names: `eligible` (roundtrip.ini(5)).  Computed in memory, by a
 * connection of their own; they reach no state.
 */
#ifndef RT_STORE_EXPR_H
#define RT_STORE_EXPR_H

#include "lib/err.h"
#include "lib/schema.h"
#include "lib/slice.h"

struct rt_expr;

/* RT_CONFIG if it does not compile, names an unknown field, or does more than compute. Caller
 * closes. */
int rt_expr_open(const char *text, const struct rt_schema *schema, struct rt_expr **expr,
                 struct rt_err *err) RT_MUST_CHECK;
/* cells: by field index, NULL pointer for not there.  1 true, 0 not true, -1. */
int rt_expr_is_true(struct rt_expr *expr, const struct rt_slice *cells,
                    struct rt_err *err) RT_MUST_CHECK;
void rt_expr_close(struct rt_expr *expr);

#endif
