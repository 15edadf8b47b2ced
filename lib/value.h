/*
 * Values and their types (roundtrip-schema(5)).  Types compare values, they never rewrite them.
 *
 * A value is the text of a cell and the side whose way of writing it is in.  What came in stays as
 * it was, byte for byte, and goes out so to the same side, and to the other one unless the two
 * write this field differently (format, zone, codes): then it is rendered.
 *
 * Every comparison is made as one side can hold the values: both are rendered for it (format, zone,
 * codes, length) and compared by type.  A difference that vanishes there is no difference:
 *
 *     external "2026-11-21 14:30", native date-only "2026-11-21": same for native, not for external
 *     external text of 4,100 characters, native holds 4,000: same for native if the first 4,000
 * agree codes Visit and Meeting both map to V: same for native
 *
 * text: after CRLF -> LF and removal of blanks at the end.  id: bytes.  code: bytes, through the
 * table. date, datetime: the day or instant; an empty cell equals only an empty cell.  number: its
 * value (1.50 = 1.5 = 001.5).  boolean: yes or no.  set: without order and repetition.
 */
#ifndef RT_VALUE_H
#define RT_VALUE_H

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/schema.h"
#include "lib/side.h"
#include "lib/slice.h"

#include <stdbool.h>

enum rt_from { RT_FROM_UNKNOWN = 0, RT_FROM_EXTERNAL = 1, RT_FROM_NATIVE = 2 };

struct rt_value {
    struct rt_slice raw; /* UTF-8; borrowed */
    enum rt_from from;   /* RT_FROM_UNKNOWN: no value yet, which is not empty */
};

static inline enum rt_from rt_from_side(enum rt_side side)
{
    return side == RT_EXTERNAL ? RT_FROM_EXTERNAL : RT_FROM_NATIVE;
}

static inline bool rt_value_is_known(struct rt_value value)
{
    return value.from != RT_FROM_UNKNOWN;
}

/*
 * Does a cell of that side fit the field's type?  0, or -1 with RT_DATA and words like
 * "\"31.12.26\" is not a date as %d/%m/%Y": without file, line and column, which the caller adds.
 * Never quotes more than 40 bytes of a cell, and nothing at all of a text.
 */
int rt_value_check(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                   struct rt_err *err) RT_MUST_CHECK;

/* Appends the value as that side writes and can hold it: converted and cut to its length.  An
   unknown value appends nothing. */
void rt_value_render(const struct rt_field *field, struct rt_value value, enum rt_side side,
                     struct rt_buf *out);

/* Appends the bytes by which values are compared as that side can hold them: equal bytes, same
   value. An unknown value appends nothing.  Not for people: a set's members have a NUL behind each.
 */
void rt_value_key(const struct rt_field *field, enum rt_side side, struct rt_value value,
                  struct rt_buf *out);

/* Equal as that side can hold them?  Unknown equals only unknown. */
bool rt_value_is_same(const struct rt_field *field, enum rt_side side, struct rt_value a,
                      struct rt_value b);

/* Characters of a text as it is compared: a CRLF is one, blanks at the end are none; 0: empty, or
   unknown. */
size_t rt_value_length(struct rt_value value);

/* What stands between two members of a set in that side's files; not empty. */
struct rt_slice rt_value_separator(const struct rt_field *field, enum rt_side side);

/* Is `shown`, of that side, a strict prefix of what was sent, as it was rendered for it?  (R3,
   `altered`.)  A word for yes or no is not cut; but for a text, an empty value is an edit, and so
   is a set of fewer whole members.  False if the length limit of the schema already explains it. */
bool rt_value_is_cut(const struct rt_field *field, enum rt_side side, struct rt_value shown,
                     struct rt_value sent);

/* Are they the same before anything is cut for the side's limit?  A side may show more than that,
   which is for what is sent there. */
bool rt_value_is_same_whole(const struct rt_field *field, enum rt_side side, struct rt_value a,
                            struct rt_value b);

/* Are they the same once each is cut for the side's limit?  For known values. */
bool rt_value_is_same_cut(const struct rt_field *field, enum rt_side side, struct rt_value a,
                          struct rt_value b);

/* Does that side show all of `want`, though what is sent there would be cut? */
bool rt_value_is_beyond(const struct rt_field *field, enum rt_side side, struct rt_value shown,
                        struct rt_value want);

/* A modified_at cell as seconds since 1970; RT_NEVER (clock.h) if it is empty. */
int rt_value_time(const struct rt_field *field, enum rt_side side, struct rt_slice raw, int64_t *t,
                  struct rt_err *err) RT_MUST_CHECK;

/* A `deleted` cell, or any boolean of that side: true if it says yes. */
bool rt_value_is_yes(const struct rt_field *field, enum rt_side side, struct rt_slice raw);

/* The ID in a cell, or the part of one.  Blanks alone, as a column of fixed length is padded, are
 * as good as an empty cell. */
struct rt_slice rt_id_in_cell(struct rt_slice cell);

/* Does an ID look as if a spreadsheet had damaged it (1.23E+15, leading ' or =")?  NULL, or why. */
const char *rt_id_damage(struct rt_slice id);

/* More than 15 digits, all zeros from the 16th on: damage only if every long ID of the file is so.
 */
bool rt_id_is_long(struct rt_slice id);
bool rt_id_is_rounded(struct rt_slice id);

/*
 * IDs of several fields are written a|b, with \| for a bar and \\ for a backslash in a part; an ID
 * of one field is its bytes, unchanged.  Joining all-empty parts gives "" (no ID).
 */
int rt_id_join(const struct rt_slice *parts, size_t count,
               struct rt_buf *out); /* -1: partly empty */
size_t rt_id_split(struct rt_slice id, size_t count, struct rt_arena *arena,
                   struct rt_slice *parts);

#endif
