#include "lib/value.h"

#include "lib/clock.h"
#include "lib/utf8.h"
#include "lib/value_date.h"
#include "lib/value_number.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define QUOTED_BYTES 40 /* how much of a cell a message may show */

static enum rt_side side_of(struct rt_value value)
{
    return value.from == RT_FROM_NATIVE ? RT_NATIVE : RT_EXTERNAL;
}

static struct rt_slice trim_blanks(struct rt_slice text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    while (text.len > 0 && (*text.ptr == ' ' || *text.ptr == '\t')) {
        text.ptr++;
        text.len--;
    }
    return text;
}

/* text */

static struct rt_slice trim_text_end(struct rt_slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) && text.ptr[text.len - 1])
        text.len--;
    return text;
}

static bool is_crlf_at(struct rt_slice text, size_t i)
{
    return text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n';
}

static void add_text_key(struct rt_slice text, struct rt_buf *out)
{
    text = trim_text_end(text);
    if (text.len == 0 || memchr(text.ptr, '\r', text.len) == NULL) {
        rt_buf_add_slice(out, text);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_crlf_at(text, i))
            rt_buf_add_char(out, text.ptr[i]);
    }
}

/* The same question as whether the keys are equal, without making them. */
static bool is_same_text(struct rt_slice a, struct rt_slice b)
{
    size_t i = 0, j = 0;

    a = trim_text_end(a);
    b = trim_text_end(b);
    if (rt_slice_is_equal(a, b))
        return true;
    for (;; i++, j++) {
        i += i < a.len && is_crlf_at(a, i);
        j += j < b.len && is_crlf_at(b, j);
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (a.ptr[i] != b.ptr[j])
            return false;
    }
}

/* code */

/* The other side's code; the first pair that fits decides.  False: no such code. */
static bool find_code(const struct rt_codes *codes, enum rt_side from, struct rt_slice code,
                      struct rt_slice *other)
{
    struct rt_code_pair *const *sorted = codes->sorted[from];
    size_t low = 0, high = codes->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rt_slice_compare(rt_slice_str(sorted[middle]->code[from]), code) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *other = code;
    if (low == codes->count || !rt_slice_is_str(code, sorted[low]->code[from]))
        return false;
    *other = rt_slice_str(sorted[low]->code[rt_side_other(from)]);
    return true;
}

/* boolean */

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_EMPTY, TRUTH_WRONG };

static bool is_word(struct rt_slice text, const char *word, size_t len)
{
    return text.len == len && (len == 0 || strncasecmp(text.ptr, word, len) == 0);
}

static enum truth read_standard_truth(struct rt_slice text)
{
    static const char *const words[][5] = {{"N", "no", "false", "0", "F"},
                                           {"Y", "yes", "true", "1", "T"}};

    for (int truth = 0; truth < 2; truth++) {
        for (size_t i = 0; i < 5; i++) {
            if (is_word(text, words[truth][i], strlen(words[truth][i])))
                return truth ? TRUTH_YES : TRUTH_NO;
        }
    }
    return text.len == 0 ? TRUTH_EMPTY : TRUTH_WRONG;
}

/* `format` is YES/NO, where NO may be empty, or NULL. */
static enum truth read_truth(struct rt_slice text, const char *format)
{
    const char *slash = format ? strchr(format, '/') : NULL;

    text = trim_blanks(text);
    if (slash == NULL)
        return read_standard_truth(text);
    if (is_word(text, format, (size_t)(slash - format)))
        return TRUTH_YES;
    if (is_word(text, slash + 1, strlen(slash + 1)))
        return TRUTH_NO;
    return text.len == 0 ? TRUTH_EMPTY : TRUTH_WRONG;
}

static void write_truth(enum truth truth, const char *format, struct rt_buf *out)
{
    const char *slash;

    if (format == NULL || strchr(format, '/') == NULL)
        format = "Y/N";
    slash = strchr(format, '/');
    if (truth == TRUTH_YES)
        rt_buf_add(out, format, (size_t)(slash - format));
    else if (truth == TRUTH_NO)
        rt_buf_add_str(out, slash + 1);
}

/* set */

struct rt_slice rt_value_separator(const struct rt_field *field, enum rt_side side)
{
    const char *format = field->column[side].format;
    struct rt_slice separator = rt_slice_str(format ? format : ";");
    struct rt_slice bare = trim_blanks(separator);

    return bare.len ? bare : separator; /* written "; ", but read where only ";" stands */
}

/* Takes the next member that is not empty off *rest. */
static bool next_member(struct rt_slice *rest, struct rt_slice separator, struct rt_slice *member)
{
    while (rest->len > 0) {
        const char *at = memmem(rest->ptr, rest->len, separator.ptr, separator.len);
        size_t len = at ? (size_t)(at - rest->ptr) : rest->len;
        size_t used = at ? len + separator.len : len;

        *member = trim_blanks(rt_slice_from(rest->ptr, len));
        *rest = rt_slice_from(rest->ptr + used, rest->len - used);
        if (member->len > 0)
            return true;
    }
    return false;
}

static int compare_members(const void *a, const void *b)
{
    return rt_slice_compare(*(const struct rt_slice *)a, *(const struct rt_slice *)b);
}

/* Members sorted, each once, with a NUL behind each, which no cell holds. */
static void add_set_key(struct rt_slice text, struct rt_slice separator, struct rt_buf *out)
{
    struct rt_slice *members = NULL;
    struct rt_slice member;
    size_t count = 0;

    while (next_member(&text, separator, &member)) {
        members = rt_xgrow(members, count, sizeof *members);
        members[count++] = member;
    }
    if (count > 0)
        qsort(members, count, sizeof *members, compare_members);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && rt_slice_is_equal(members[i], members[i - 1]))
            continue;
        rt_buf_add_slice(out, members[i]);
        rt_buf_add_char(out, '\0');
    }
    free(members);
}

static void convert_set(const struct rt_field *field, struct rt_value value, enum rt_side side,
                        struct rt_buf *out)
{
    const char *format = field->column[side].format;
    struct rt_slice separator = rt_value_separator(field, side_of(value));
    struct rt_slice rest = value.raw;
    struct rt_slice member;
    bool is_first = true;

    while (next_member(&rest, separator, &member)) {
        if (!is_first)
            rt_buf_add_str(out, format ? format : ";");
        rt_buf_add_slice(out, member);
        is_first = false;
    }
}

/* To what the side can hold.  A set keeps whole members: the beginning of one would be another one,
   which nobody has entered. */
static struct rt_slice cut(const struct rt_field *field, enum rt_side side, struct rt_slice text)
{
    size_t max = field->column[side].max; /* 0: no limit */
    size_t limit = max ? rt_utf8_prefix(text, max) : text.len, len = 0;
    struct rt_slice rest = text, member;

    if (field->type != RT_TYPE_SET || limit == text.len)
        return rt_slice_from(text.ptr, limit);
    while (next_member(&rest, rt_value_separator(field, side), &member) &&
           (size_t)(member.ptr - text.ptr) + member.len <= limit)
        len = (size_t)(member.ptr - text.ptr) + member.len;
    return rt_slice_from(text.ptr, len);
}

/* number, date, datetime */

static struct rt_number_format number_format(const struct rt_field *field, enum rt_side side)
{
    struct rt_number_format format = {.decimal = '.'};

    (void)rt_number_format_parse(field->column[side].format,
                                 &format); /* the schema has checked it */
    return format;
}

static const char *date_pattern(const struct rt_field *field, enum rt_side side)
{
    const char *format = field->column[side].format;

    return format || field->type == RT_TYPE_DATETIME ? format : "%Y-%m-%d";
}

/* A day is a day, whatever the zone. */
static const struct rt_zone *zone_of(const struct rt_field *field, enum rt_side side)
{
    return field->type == RT_TYPE_DATETIME ? field->zone[side] : NULL;
}

static bool read_time(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                      int64_t *t)
{
    return rt_date_read(raw, date_pattern(field, side), zone_of(field, side), t);
}

/* Appends the value as that side would write it; false, and nothing, if it is not readable. */
static bool convert_date(const struct rt_field *field, struct rt_value value, enum rt_side side,
                         struct rt_buf *out)
{
    int64_t t;

    return read_time(field, side_of(value), value.raw, &t) &&
           rt_date_write(t, date_pattern(field, side), zone_of(field, side), out);
}

static bool convert_number(const struct rt_field *field, struct rt_value value, enum rt_side side,
                           struct rt_buf *out)
{
    struct rt_buf plain = {0};
    bool is_number = rt_number_read(value.raw, number_format(field, side_of(value)), &plain);

    if (is_number)
        rt_number_write(rt_buf_slice(&plain), number_format(field, side), out);
    rt_buf_clear(&plain);
    return is_number;
}

static bool convert_boolean(const struct rt_field *field, struct rt_value value, enum rt_side side,
                            struct rt_buf *out)
{
    enum truth truth = read_truth(value.raw, field->column[side_of(value)].format);

    if (truth == TRUTH_WRONG)
        return false;
    write_truth(truth, field->column[side].format, out);
    return true;
}

static bool convert_code(const struct rt_field *field, struct rt_value value, enum rt_side side,
                         struct rt_buf *out)
{
    struct rt_slice code = value.raw;

    if (side != side_of(value))
        (void)find_code(&field->codes, side_of(value), value.raw, &code);
    rt_buf_add_slice(out, code);
    return true;
}

static bool is_blank(struct rt_slice raw)
{
    return trim_blanks(raw).len == 0;
}

/* What does not fit its type any more (the schema was changed) goes on as it is. */
static void convert(const struct rt_field *field, struct rt_value value, enum rt_side side,
                    struct rt_buf *out)
{
    bool done = true;

    switch (field->type) {
    case RT_TYPE_DATE:
    case RT_TYPE_DATETIME:
        done = is_blank(value.raw) || convert_date(field, value, side, out);
        break;
    case RT_TYPE_NUMBER:
        done = is_blank(value.raw) || convert_number(field, value, side, out);
        break;
    case RT_TYPE_BOOLEAN:
        done = convert_boolean(field, value, side, out);
        break;
    case RT_TYPE_CODE:
        done = convert_code(field, value, side, out);
        break;
    case RT_TYPE_SET:
        convert_set(field, value, side, out);
        break;
    case RT_TYPE_TEXT:
    case RT_TYPE_ID:
        done = false;
        break;
    }
    if (!done)
        rt_buf_add_slice(out, value.raw);
}

/* The value as that side writes and can hold it: borrowed from the value, or from `scratch`.  What
   it wrote itself it can hold, however that counts (a CRLF, blanks at the end). */
static struct rt_slice as_held(const struct rt_field *field, struct rt_value value,
                               enum rt_side side, struct rt_buf *scratch)
{
    struct rt_slice held = value.raw;

    if (side == side_of(value))
        return held;
    if (!field->is_plain && field->type != RT_TYPE_TEXT && field->type != RT_TYPE_ID) {
        rt_buf_reset(scratch);
        convert(field, value, side, scratch);
        held = rt_buf_slice(scratch);
    }
    return cut(field, side, held);
}

/* messages */

/* The beginning of a cell, fit to be shown on one line. */
static const char *quote(struct rt_slice raw, char out[QUOTED_BYTES + 4])
{
    size_t n = rt_utf8_fit(raw, QUOTED_BYTES);

    if (n > 0)
        memcpy(out, raw.ptr, n);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7F)
            out[i] = '?';
    }
    strcpy(out + n, n < raw.len ? "..." : "");
    return out;
}

static int check_date(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                      struct rt_err *err)
{
    const char *pattern = date_pattern(field, side);
    char shown[QUOTED_BYTES + 4];
    int64_t t;

    if (is_blank(raw) || read_time(field, side, raw, &t))
        return 0;
    return rt_err_set(err, RT_DATA, "\"%s\" is not a %s as %s", quote(raw, shown),
                      field->type == RT_TYPE_DATE ? "date" : "time",
                      pattern ? pattern : "2026-11-21T14:30:00");
}

static int check_number(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                        struct rt_err *err)
{
    const char *format = field->column[side].format;
    char shown[QUOTED_BYTES + 4];

    if (is_blank(raw) || rt_number_read(raw, number_format(field, side), NULL))
        return 0;
    return rt_err_set(err, RT_DATA, "\"%s\" is not a number as %s", quote(raw, shown),
                      format ? format : "1234.5");
}

static int check_boolean(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                         struct rt_err *err)
{
    const char *format = field->column[side].format;
    char shown[QUOTED_BYTES + 4];

    if (read_truth(raw, format) != TRUTH_WRONG)
        return 0;
    return rt_err_set(err, RT_DATA, "\"%s\" is not %s", quote(raw, shown), format ? format : "Y/N");
}

static int check_code(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                      struct rt_err *err)
{
    char shown[QUOTED_BYTES + 4];
    struct rt_slice other;

    if (field->codes.count == 0 || raw.len == 0 || find_code(&field->codes, side, raw, &other))
        return 0;
    return rt_err_set(err, RT_DATA, "code \"%s\" is not in %.100s: add a line for it there",
                      quote(raw, shown), field->codes.file);
}

/* A member that holds what separates members on the other side would be several there. */
static int check_set(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                     struct rt_err *err)
{
    enum rt_side other = rt_side_other(side);
    struct rt_slice separator = rt_value_separator(field, other);
    struct rt_buf there = {0}, keys[2] = {{0}, {0}};
    char shown[QUOTED_BYTES + 4];
    bool is_same;

    if (!rt_field_flows_to(field, other) ||
        rt_slice_is_equal(separator, rt_value_separator(field, side)))
        return 0;
    convert_set(field, (struct rt_value){raw, rt_from_side(side)}, other, &there);
    add_set_key(raw, rt_value_separator(field, side), &keys[0]);
    add_set_key(rt_buf_slice(&there), separator, &keys[1]);
    is_same = rt_slice_is_equal(rt_buf_slice(&keys[0]), rt_buf_slice(&keys[1]));
    rt_buf_clear(&there);
    rt_buf_clear(&keys[0]);
    rt_buf_clear(&keys[1]);
    if (is_same)
        return 0;
    return rt_err_set(err, RT_DATA,
                      "\"%s\" has a member with \"%.*s\", which separates members on the other "
                      "side: choose another separator there",
                      quote(raw, shown), (int)separator.len, separator.ptr);
}

static int check_id(struct rt_slice raw, struct rt_err *err)
{
    const char *damage = rt_id_damage(raw);
    char shown[QUOTED_BYTES + 4];

    if (damage == NULL)
        return 0;
    return rt_err_set(err, RT_DATA, "\"%s\" is a damaged ID: %s", quote(raw, shown), damage);
}

int rt_value_check(const struct rt_field *field, enum rt_side side, struct rt_slice raw,
                   struct rt_err *err)
{
    switch (field->type) {
    case RT_TYPE_TEXT:
        return 0;
    case RT_TYPE_SET:
        return check_set(field, side, raw, err);
    case RT_TYPE_ID:
        return check_id(raw, err);
    case RT_TYPE_CODE:
        return check_code(field, side, raw, err);
    case RT_TYPE_DATE:
    case RT_TYPE_DATETIME:
        return check_date(field, side, raw, err);
    case RT_TYPE_NUMBER:
        return check_number(field, side, raw, err);
    case RT_TYPE_BOOLEAN:
        return check_boolean(field, side, raw, err);
    }
    return 0;
}

void rt_value_render(const struct rt_field *field, struct rt_value value, enum rt_side side,
                     struct rt_buf *out)
{
    struct rt_buf scratch = {0};

    if (!rt_value_is_known(value))
        return;
    rt_buf_add_slice(out, as_held(field, value, side, &scratch));
    rt_buf_clear(&scratch);
}

static void add_number_key(const struct rt_field *field, struct rt_value value, struct rt_buf *out)
{
    struct rt_buf plain = {0};

    if (rt_number_read(value.raw, number_format(field, side_of(value)), &plain))
        rt_number_normalise(rt_buf_slice(&plain), out);
    else if (!is_blank(value.raw))
        rt_buf_add_slice(out, value.raw);
    rt_buf_clear(&plain);
}

void rt_value_key(const struct rt_field *field, enum rt_side side, struct rt_value value,
                  struct rt_buf *out)
{
    struct rt_buf scratch = {0};

    if (!rt_value_is_known(value))
        return;
    switch (field->type) {
    case RT_TYPE_TEXT:
        add_text_key(as_held(field, value, side, &scratch), out);
        break;
    case RT_TYPE_ID:
    case RT_TYPE_CODE:
        rt_buf_add_slice(out, as_held(field, value, side, &scratch));
        break;
    case RT_TYPE_DATE:
    case RT_TYPE_DATETIME:
    case RT_TYPE_BOOLEAN:
        convert(field, value, side,
                out); /* also for its own side: Nov and NOV, y and Y are the same */
        break;
    case RT_TYPE_NUMBER:
        add_number_key(field, value, out);
        break;
    case RT_TYPE_SET:
        add_set_key(as_held(field, value, side, &scratch), rt_value_separator(field, side), out);
        break;
    }
    rt_buf_clear(&scratch);
}

bool rt_value_is_same(const struct rt_field *field, enum rt_side side, struct rt_value a,
                      struct rt_value b)
{
    if (!rt_value_is_known(a) || !rt_value_is_known(b))
        return rt_value_is_known(a) == rt_value_is_known(b);
    if (a.from == b.from && a.raw.ptr == b.raw.ptr && a.raw.len == b.raw.len)
        return true; /* one content in two places */
    if ((a.from == b.from || field->is_plain) && rt_slice_is_equal(a.raw, b.raw))
        return true;
    if (field->type == RT_TYPE_ID)
        return rt_slice_is_equal(a.raw, b.raw);
    if (field->column[side].max > 0 && rt_value_is_same_whole(field, side, a, b))
        return true;
    if (field->type == RT_TYPE_TEXT)
        return is_same_text(as_held(field, a, side, NULL), as_held(field, b, side, NULL));
    return rt_value_is_same_cut(field, side, a, b);
}

size_t rt_value_length(struct rt_value value)
{
    struct rt_slice text = trim_text_end(value.raw);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) /* the first byte of each */
        n += (text.ptr[i] & 0xc0) != 0x80 && !is_crlf_at(text, i);
    return n;
}

int rt_value_time(const struct rt_field *field, enum rt_side side, struct rt_slice raw, int64_t *t,
                  struct rt_err *err)
{
    *t = RT_NEVER;
    if (is_blank(raw) || read_time(field, side, raw, t))
        return 0;
    *t = RT_NEVER;
    return check_date(field, side, raw, err);
}

bool rt_value_is_yes(const struct rt_field *field, enum rt_side side, struct rt_slice raw)
{
    return read_truth(raw, field->column[side].format) == TRUTH_YES;
}
