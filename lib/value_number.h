/*
 * Numbers as text.  They are never turned into machine numbers: no digit is lost.  Used by value.c
 * and schema_field.c.
 */
#ifndef RT_VALUE_NUMBER_H
#define RT_VALUE_NUMBER_H

#include "lib/mem.h"
#include "lib/slice.h"

#include <stdbool.h>

struct rt_number_format {
    char decimal; /* . or , */
    char group;   /* between thousands; NUL: none */
};

/* 1234.5 (the default, also for NULL), 1,234.5, 1.234,5, 1234,5, 1 234,5 or 1'234.5; false: none of
 * these. */
bool rt_number_format_parse(const char *text, struct rt_number_format *format);

/*
 * Is it a number in that format?  Thousands marks may be left out, but stand in the right places if
 * they are there.  Blanks around it are ignored.  With `plain`, appends it as -1234.50: no marks,
 * a point, else as it was.
 */
bool rt_number_read(struct rt_slice text, struct rt_number_format format, struct rt_buf *plain);

/* Appends a plain number in a format. */
void rt_number_write(struct rt_slice plain, struct rt_number_format format, struct rt_buf *out);

/* Appends the one way of writing the value of a plain number: 1.5 for 1.50 and +001.5, 0 for -0.0.
 */
void rt_number_normalise(struct rt_slice plain, struct rt_buf *out);

#endif
