#include "lib/schema_read.h"

#include "lib/digest.h"
#include "lib/hash_set.h"
#include "lib/utf8.h"
#include "lib/value_date.h"
#include "lib/value_number.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONGEST_NAME   64
#define LARGEST_MAX    ((size_t)16 << 20)
#define MOST_CODES     100000
#define LONGEST_HEADER 1024

static const char *const role_names[] = {"",        "external_id", "native_id",  "modified_at",
                                         "deleted", "origin",      "fingerprint"};
static const char *const type_names[] = {"text",     "id",     "code",    "date",
                                         "datetime", "number", "boolean", "set"};
static const char *const direction_names[] = {"both", "to_native", "to_external", "none"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *rt_type_name(enum rt_type type)
{
    return type_names[type];
}

const char *rt_role_name(enum rt_role role)
{
    return role_names[role];
}

const char *rt_direction_name(enum rt_direction direction)
{
    return direction_names[direction];
}

int rt_schema_fail(const struct rt_schema_reading *reading, unsigned line,
                   enum rt_schema_column column, const char *fmt, ...)
{
    char text[768];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return rt_err_set(reading->err, RT_CONFIG, "%s: line %u, column %s: %s", reading->path, line,
                      rt_schema_column_name(column), text);
}

/* A cell without blanks around it, of at most 200 bytes, for words and messages.  Caller frees. */
static char *word_of(const struct rt_schema_reading *r, enum rt_schema_column column)
{
    struct rt_slice cell = r->cells[column];

    while (cell.len > 0 && isspace((unsigned char)cell.ptr[cell.len - 1]))
        cell.len--;
    while (cell.len > 0 && isspace((unsigned char)*cell.ptr)) {
        cell.ptr++;
        cell.len--;
    }
    return rt_xstrndup(cell.ptr, rt_utf8_fit(cell, 200));
}

/* Index of the cell's word in names, or `none` if the cell is empty; -1 with an error. */
static int read_word(const struct rt_schema_reading *r, enum rt_schema_column column,
                     const char *const *names, size_t count, int none)
{
    char *word = word_of(r, column);
    int found = *word ? -1 : none;

    for (size_t i = 0; i < count && *word && found < 0; i++) {
        if (strcmp(word, names[i]) == 0)
            found = (int)i;
    }
    if (found < 0) {
        const char *nearest = rt_nearest(word, names, count);

        if (nearest && *nearest)
            rt_schema_fail(r, r->line, column, "unknown word \"%.60s\"; did you mean \"%s\"?", word,
                           nearest);
        else
            rt_schema_fail(r, r->line, column,
                           "unknown word \"%.60s\"; roundtrip-schema(5) lists those that there are",
                           word);
    }
    free(word);
    return found;
}

static int read_name(const struct rt_schema_reading *r, struct rt_field *field)
{
    field->name = word_of(r, RT_COL_FIELD);
    if (*field->name == '\0')
        return rt_schema_fail(r, r->line, RT_COL_FIELD, "empty; give the field a name");
    if (strlen(field->name) > LONGEST_NAME)
        return rt_schema_fail(r, r->line, RT_COL_FIELD,
                              "longer than %d characters; shorten the name", LONGEST_NAME);
    for (const char *p = field->name; *p; p++) {
        if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9') && *p != '_')
            return rt_schema_fail(r, r->line, RT_COL_FIELD,
                                  "\"%s\" will not do; use lower case letters, digits and _ only",
                                  field->name);
    }
    return 0;
}

/* Headers are taken as they are: a blank may be part of one. */
static int read_header(const struct rt_schema_reading *r, enum rt_schema_column column,
                       char **header)
{
    struct rt_slice cell = r->cells[column];

    if (cell.len == 0)
        return 0;
    if (cell.len > LONGEST_HEADER)
        return rt_schema_fail(r, r->line, column, "longer than %d bytes; no header is",
                              LONGEST_HEADER);
    *header = rt_xstrndup(cell.ptr, cell.len);
    return 0;
}

static int read_max(const struct rt_schema_reading *r, enum rt_schema_column column, size_t *max)
{
    char *word = word_of(r, column);
    char *end;
    unsigned long long value = strtoull(word, &end, 10);
    bool is_right =
        isdigit((unsigned char)*word) && *end == '\0' && value >= 1 && value <= LARGEST_MAX;
    int rc = 0;

    if (*word && !is_right)
        rc = rt_schema_fail(r, r->line, column,
                            "\"%.60s\" is not a number of characters from 1 to %zu", word,
                            LARGEST_MAX);
    else if (*word)
        *max = (size_t)value;
    free(word);
    return rc;
}

static int read_columns(const struct rt_schema_reading *r, struct rt_field *field)
{
    for (int side = 0; side < 2; side++) {
        struct rt_column *column = &field->column[side];

        if (read_header(r, (enum rt_schema_column)(RT_COL_EXTERNAL + side), &column->in) != 0 ||
            read_header(r, (enum rt_schema_column)(RT_COL_EXTERNAL_OUT + side), &column->out) !=
                0 ||
            read_max(r, (enum rt_schema_column)(RT_COL_EXTERNAL_MAX + side), &column->max) != 0)
            return -1;
        if (column->out && !column->in &&
            (field->role == RT_ROLE_NONE || field->role == RT_ROLE_FINGERPRINT))
            return rt_schema_fail(
                r, r->line, (enum rt_schema_column)(RT_COL_EXTERNAL_OUT + side),
                "there is nothing in column %s; name the header there too",
                rt_schema_column_name((enum rt_schema_column)(RT_COL_EXTERNAL + side)));
        if (!column->out && column->in)
            column->out = rt_xstrdup(column->in);
    }
    if (!field->column[0].in && !field->column[1].in && !field->column[0].out &&
        !field->column[1].out)
        return rt_schema_fail(r, r->line, RT_COL_EXTERNAL,
                              "no header on either side; name one, or remove the line");
    return 0;
}

static enum rt_type standard_type(enum rt_role role)
{
    switch (role) {
    case RT_ROLE_EXTERNAL_ID:
    case RT_ROLE_NATIVE_ID:
        return RT_TYPE_ID;
    case RT_ROLE_MODIFIED_AT:
        return RT_TYPE_DATETIME;
    case RT_ROLE_DELETED:
        return RT_TYPE_BOOLEAN;
    default:
        return RT_TYPE_TEXT;
    }
}

/* Which types a role can have.  An ID is compared by its bytes, also where the line says text. */
static int check_role_type(const struct rt_schema_reading *r, struct rt_field *field)
{
    switch (field->role) {
    case RT_ROLE_EXTERNAL_ID:
    case RT_ROLE_NATIVE_ID:
        if (field->type != RT_TYPE_ID && field->type != RT_TYPE_TEXT)
            return rt_schema_fail(r, r->line, RT_COL_TYPE,
                                  "an ID has type id; leave the cell empty");
        field->type = RT_TYPE_ID;
        return 0;
    case RT_ROLE_MODIFIED_AT:
        if (field->type != RT_TYPE_DATETIME && field->type != RT_TYPE_DATE)
            return rt_schema_fail(r, r->line, RT_COL_TYPE, "modified_at has type datetime or date");
        return 0;
    case RT_ROLE_DELETED:
        if (field->type != RT_TYPE_BOOLEAN)
            return rt_schema_fail(r, r->line, RT_COL_TYPE, "deleted has type boolean");
        return 0;
    case RT_ROLE_ORIGIN:
        if (field->type != RT_TYPE_TEXT && field->type != RT_TYPE_CODE)
            return rt_schema_fail(r, r->line, RT_COL_TYPE, "origin has type text");
        field->type = RT_TYPE_TEXT;
        return 0;
    default:
        return 0;
    }
}

static int read_words(const struct rt_schema_reading *r, struct rt_field *field)
{
    int role =
        read_word(r, RT_COL_ROLE, role_names + 1, COUNT(role_names) - 1, (int)COUNT(role_names));
    int type, direction;

    if (role < 0)
        return -1;
    field->role = role == (int)COUNT(role_names) ? RT_ROLE_NONE : (enum rt_role)(role + 1);
    type =
        read_word(r, RT_COL_TYPE, type_names, COUNT(type_names), (int)standard_type(field->role));
    direction = type < 0 ? -1
                         : read_word(r, RT_COL_DIRECTION, direction_names, COUNT(direction_names),
                                     RT_DIR_BOTH);
    if (direction < 0)
        return -1;
    field->type = (enum rt_type)type;
    field->direction = (enum rt_direction)direction;
    return check_role_type(r, field);
}

static bool is_padded(const char *word, size_t len)
{
    return len > 0 && (isblank((unsigned char)word[0]) || isblank((unsigned char)word[len - 1]));
}

/* Cells are read without the blanks around them, so a word with some would not be known again. */
static const char *boolean_format_fault(const char *format)
{
    const char *slash = strchr(format, '/');

    if (slash == NULL || slash == format || strchr(slash + 1, '/'))
        return "write the words for yes and no as Y/N";
    if (strlen(format) > 60)
        return "it is too long";
    if (strlen(slash + 1) == (size_t)(slash - format) &&
        strncasecmp(format, slash + 1, strlen(slash + 1)) == 0)
        return "yes and no are the same word";
    if (is_padded(format, (size_t)(slash - format)) || is_padded(slash + 1, strlen(slash + 1)))
        return "leave out the blanks around its words";
    return NULL;
}

static const char *format_fault(const struct rt_field *field, const char *format)
{
    struct rt_number_format number;
    const char *fault;

    switch (field->type) {
    case RT_TYPE_DATE:
        fault = rt_date_pattern_fault(format);
        if (!fault && rt_date_pattern_has_time(format))
            fault = "it has a time in it; give the field type datetime";
        return fault;
    case RT_TYPE_DATETIME:
        return rt_date_pattern_fault(format);
    case RT_TYPE_NUMBER:
        return rt_number_format_parse(format, &number)
                   ? NULL
                   : "write it as 1234.5, 1,234.5, 1.234,5, 1234,5, 1 234,5 or 1'234.5";
    case RT_TYPE_BOOLEAN:
        return boolean_format_fault(format);
    case RT_TYPE_SET:
        return strlen(format) > 20 || strpbrk(format, "\r\n")
                   ? "a separator is short, and on one line"
                   : NULL;
    default:
        return "this type has no format; leave the cell empty";
    }
}

static bool can_be_cut(const struct rt_field *field)
{
    return field->type == RT_TYPE_TEXT || field->type == RT_TYPE_SET ||
           (field->type == RT_TYPE_CODE && field->codes.count == 0);
}

static int read_formats(const struct rt_schema_reading *r, struct rt_field *field)
{
    for (int side = 0; side < 2; side++) {
        struct rt_slice cell = r->cells[RT_COL_EXTERNAL_FORMAT + side];
        const char *fault;

        if (field->column[side].max && !can_be_cut(field))
            return rt_schema_fail(r, r->line, (enum rt_schema_column)(RT_COL_EXTERNAL_MAX + side),
                                  "a value of type %s cannot be cut; leave the cell empty",
                                  rt_type_name(field->type));
        if (cell.len == 0)
            continue;
        field->column[side].format = rt_xstrndup(cell.ptr, cell.len);
        fault = format_fault(field, field->column[side].format);
        if (fault)
            return rt_schema_fail(r, r->line,
                                  (enum rt_schema_column)(RT_COL_EXTERNAL_FORMAT + side),
                                  "\"%.60s\" will not do: %s", field->column[side].format, fault);
    }
    return 0;
}

struct code_reading {
    const char *path;
    struct rt_codes *codes;
    struct rt_hash_set seen; /* pairs */
};

static bool is_new_pair(struct code_reading *reading, const struct rt_slice *cells)
{
    struct rt_hasher *hasher = rt_hasher_new();
    bool is_new;

    rt_hasher_add(hasher, cells[0]);
    rt_hasher_add(hasher, cells[1]);
    is_new = rt_hash_set_add(&reading->seen, (int64_t)(rt_hasher_end(hasher).low >> 1 | 1));
    rt_hasher_free(hasher);
    return is_new;
}

static int take_pair(void *context, unsigned line, const struct rt_slice *cells, struct rt_err *err)
{
    struct code_reading *reading = context;
    struct rt_codes *codes = reading->codes;

    if (cells[0].len == 0 || cells[1].len == 0)
        return rt_err_set(err, RT_CONFIG,
                          "%s: line %u: no code in column %s; fill it in, or remove the line",
                          reading->path, line, cells[0].len ? "native" : "external");
    if (!is_new_pair(reading, cells))
        return rt_err_set(err, RT_CONFIG,
                          "%s: line %u: this pair is there already; remove the line", reading->path,
                          line);
    if (codes->count == MOST_CODES)
        return rt_err_set(err, RT_CONFIG, "%s: line %u: more than %d pairs of codes", reading->path,
                          line, MOST_CODES);
    codes->pairs = rt_xgrow(codes->pairs, codes->count, sizeof *codes->pairs);
    for (int side = 0; side < 2; side++)
        codes->pairs[codes->count].code[side] = rt_xstrndup(cells[side].ptr, cells[side].len);
    codes->count++;
    return 0;
}

static int compare_codes(const void *a, const void *b, enum rt_side side)
{
    const struct rt_code_pair *x = *(struct rt_code_pair *const *)a,
                              *y = *(struct rt_code_pair *const *)b;
    int order = strcmp(x->code[side], y->code[side]);

    return order != 0 ? order : x < y ? -1 : x > y;
}

static int compare_external(const void *a, const void *b)
{
    return compare_codes(a, b, RT_EXTERNAL);
}

static int compare_native(const void *a, const void *b)
{
    return compare_codes(a, b, RT_NATIVE);
}

static void sort_codes(struct rt_codes *codes)
{
    for (int side = 0; side < 2; side++) {
        codes->sorted[side] = rt_xcalloc(codes->count, sizeof *codes->sorted[side]);
        for (size_t i = 0; i < codes->count; i++)
            codes->sorted[side][i] = &codes->pairs[i];
    }
    qsort(codes->sorted[RT_EXTERNAL], codes->count, sizeof *codes->sorted[0], compare_external);
    qsort(codes->sorted[RT_NATIVE], codes->count, sizeof *codes->sorted[0], compare_native);
}

static int read_code_file(const struct rt_schema_reading *r, struct rt_field *field,
                          const char *path)
{
    static const char *const columns[] = {"external", "native"};
    struct code_reading reading = {.path = path, .codes = &field->codes};
    struct rt_table table = {path, columns, 2, 2, take_pair, &reading};
    struct rt_buf text = {0};
    int rc = -1;

    field->codes.file = rt_xstrdup(path);
    if (r->files == NULL || r->files->read(r->files->context, path, &text, r->err) != 0) {
        if (r->files == NULL)
            rt_err_set(r->err, RT_CONFIG, "no files can be read here");
    } else {
        rc = rt_table_read(&table, rt_buf_slice(&text), r->err);
    }
    rt_buf_clear(&text);
    rt_hash_set_clear(&reading.seen);
    if (rc == 0 && field->codes.count > 0)
        sort_codes(&field->codes);
    else if (rc == 0)
        rc = rt_err_set(r->err, RT_CONFIG, "%s: no pair of codes in it; fill it in", path);
    return rc == 0 ? 0 : rt_err_context(r->err, "%s: line %u, column values", r->path, r->line);
}

static int read_codes(const struct rt_schema_reading *r, struct rt_field *field)
{
    char *path = word_of(r, RT_COL_VALUES);
    int rc = 0;

    if (*path && field->type != RT_TYPE_CODE)
        rc = rt_schema_fail(r, r->line, RT_COL_VALUES,
                            "only for type code; set that, or leave the cell empty");
    else if (*path)
        rc = read_code_file(r, field, path);
    free(path);
    return rc;
}

/* What really can flow, given the headers: `none` where nothing can. */
static enum rt_direction effective_direction(const struct rt_field *field)
{
    const struct rt_column *e = &field->column[RT_EXTERNAL], *n = &field->column[RT_NATIVE];
    enum rt_direction d = field->direction;
    bool to_native = (d == RT_DIR_BOTH || d == RT_DIR_TO_NATIVE) && e->in && n->out;
    bool to_external = (d == RT_DIR_BOTH || d == RT_DIR_TO_EXTERNAL) && n->in && e->out;

    if (field->role != RT_ROLE_NONE && field->role != RT_ROLE_FINGERPRINT)
        return RT_DIR_BOTH; /* not content: the role says what becomes of it */
    if (to_native && to_external)
        return RT_DIR_BOTH;
    return to_native ? RT_DIR_TO_NATIVE : to_external ? RT_DIR_TO_EXTERNAL : RT_DIR_NONE;
}

/* The format that an empty cell stands for, so that spelling it out changes nothing. */
static const char *standard_format(enum rt_type type)
{
    switch (type) {
    case RT_TYPE_DATE:
        return "%Y-%m-%d";
    case RT_TYPE_NUMBER:
        return "1234.5";
    case RT_TYPE_SET:
        return ";";
    default:
        return ""; /* boolean and datetime: the default takes more than any format */
    }
}

static bool is_plain(const struct rt_field *field)
{
    const char *standard = standard_format(field->type);
    const char *e = field->column[RT_EXTERNAL].format, *n = field->column[RT_NATIVE].format;

    if (field->codes.count > 0 || strcmp(e ? e : standard, n ? n : standard) != 0)
        return false;
    return field->type != RT_TYPE_DATETIME ||
           strcmp(field->timezone[RT_EXTERNAL], field->timezone[RT_NATIVE]) == 0;
}

int rt_schema_field_read(const struct rt_schema_reading *r, struct rt_field *field)
{
    field->line = r->line;
    field->content_index = RT_NOT_CONTENT;
    for (int side = 0; side < 2; side++)
        field->timezone[side] = r->config->side[side].timezone;
    if (read_name(r, field) != 0 || read_words(r, field) != 0 || read_columns(r, field) != 0 ||
        read_codes(r, field) != 0 || read_formats(r, field) != 0)
        return -1;
    field->direction = effective_direction(field);
    field->is_plain = is_plain(field);
    return 0;
}

void rt_schema_field_clear(struct rt_field *field)
{
    free(field->name);
    for (int side = 0; side < 2; side++) {
        free(field->column[side].in);
        free(field->column[side].out);
        free(field->column[side].format);
    }
    for (size_t i = 0; i < field->codes.count; i++) {
        free(field->codes.pairs[i].code[0]);
        free(field->codes.pairs[i].code[1]);
    }
    free(field->codes.pairs);
    free(field->codes.file);
    free(field->codes.sorted[0]);
    free(field->codes.sorted[1]);
}
