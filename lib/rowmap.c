#include "lib/rowmap.h"

#include "lib/utf8.h"
#include "lib/value.h"

#include <stdio.h>
#include <stdlib.h>

#define NO_COLUMN ((size_t)-1)

struct rt_rowmap {
    const struct rt_schema *schema;
    enum rt_side side;
    size_t *column; /* by field index: cell number, or NO_COLUMN */
    struct rt_slice *cells;
    struct rt_hasher *hasher;
    struct rt_buf print_text;
    struct rt_digest seed; /* what else a row's digest depends on */
    char *ignored;
};

static size_t find_column(const struct rt_slice *header, size_t count, const char *name,
                          size_t from)
{
    for (size_t i = from; i < count; i++)
        if (rt_slice_is_str(header[i], name))
            return i;
    return NO_COLUMN;
}

static bool has_part(struct rt_slice cell, char mark, const char *wanted)
{
    for (;;) {
        const char *end = cell.len ? memchr(cell.ptr, mark, cell.len) : NULL;
        size_t len = end ? (size_t)(end - cell.ptr) : cell.len;

        if (rt_slice_is_str(rt_slice_from(cell.ptr, len), wanted))
            return true;
        if (end == NULL)
            return false;
        cell = rt_slice_from(end + 1, cell.len - len - 1);
    }
}

/* The word for the delimiter at which a cell of the header falls apart into the one that is wanted:
 * the file was written with another one than the settings say.  Or NULL. */
static const char *other_delimiter(const struct rt_slice *header, size_t count, const char *wanted)
{
    static const struct {
        char mark;
        const char *word;
    } known[] = {{',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {'|', "pipe"}};

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (has_part(header[i], known[k].mark, wanted))
                return known[k].word;
    return NULL;
}

static bool has_any_column(const struct rt_rowmap *map, const struct rt_slice *header, size_t count)
{
    for (size_t i = 0; i < map->schema->count; i++) {
        const char *wanted = map->schema->fields[i].column[map->side].in;

        if (wanted != NULL && find_column(header, count, wanted, 0) != NO_COLUMN)
            return true;
    }
    return false;
}

/* A header written differently is the usual mishap: names the nearest one.  A header of which
 * nothing is known is another file's, or none: a title, or the "sep=;" of a spreadsheet. */
static int missing_column(const struct rt_rowmap *map, const struct rt_slice *header, size_t count,
                          const char *name, const char *wanted, struct rt_err *err)
{
    const char **known = rt_xcalloc(count + 1, sizeof *known);
    const char *near;

    for (size_t i = 0; i < count; i++)
        known[i] = rt_xstrndup(header[i].ptr, header[i].len);
    near = rt_nearest(wanted, known, count);
    if (near == NULL && !has_any_column(map, header, count))
        rt_err_set(err, RT_DATA,
                   "%s: line 1: there is no column \"%s\", nor any other that schema.csv maps: is "
                   "it another file, or is the header not in the first line?",
                   name, wanted);
    else
        rt_err_set(err, RT_DATA,
                   "%s: line 1: there is no column \"%s\", which schema.csv maps%s%s%s: correct it "
                   "in schema.csv, or have the column exported again",
                   name, wanted, near ? " (did \"" : "", near ? near : "",
                   near ? "\" take its place?)" : "");
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)known[i]);
    free(known);
    return -1;
}

static int map_field(struct rt_rowmap *map, size_t i, const struct rt_slice *header, size_t count,
                     const char *name, struct rt_err *err)
{
    const char *wanted = map->schema->fields[i].column[map->side].in;
    const char *delimiter;
    size_t twice;

    map->column[i] = NO_COLUMN;
    if (wanted == NULL)
        return 0;
    map->column[i] = find_column(header, count, wanted, 0);
    delimiter = map->column[i] == NO_COLUMN ? other_delimiter(header, count, wanted) : NULL;
    if (delimiter != NULL)
        return rt_err_set(err, RT_DATA,
                          "%s: line 1: its columns are separated by another delimiter than "
                          "roundtrip.ini says: set delimiter = %s in [%s], or have it exported "
                          "with the one that is set",
                          name, delimiter, rt_side_name(map->side));
    if (map->column[i] == NO_COLUMN)
        return missing_column(map, header, count, name, wanted, err);
    twice = find_column(header, count, wanted, map->column[i] + 1);
    if (twice != NO_COLUMN)
        return rt_err_set(err, RT_DATA,
                          "%s: line 1, column %zu: \"%s\" is there twice (also column %zu), and it "
                          "cannot be told which one counts: rename one of them",
                          name, twice + 1, wanted, map->column[i] + 1);
    return 0;
}

static void list_ignored(struct rt_rowmap *map, const struct rt_slice *header, size_t count)
{
    struct rt_buf list = {0};

    for (size_t c = 0; c < count; c++) {
        bool is_mapped = false;

        for (size_t i = 0; i < map->schema->count; i++)
            is_mapped = is_mapped || map->column[i] == c;
        if (!is_mapped)
            rt_buf_printf(&list, "%s%.*s", list.len ? ", " : "", RT_SLICE_FMT(header[c]));
    }
    map->ignored = rt_xstrdup(rt_buf_str(&list));
    rt_buf_clear(&list);
}

int rt_rowmap_new(const struct rt_schema *schema, enum rt_side side,
                  const struct rt_csv_reader *reader, const char *name, struct rt_rowmap **map,
                  struct rt_err *err)
{
    size_t count;
    const struct rt_slice *header = rt_csv_header(reader, &count);
    struct rt_rowmap *m = rt_xcalloc(1, sizeof *m);

    *map = NULL;
    m->schema = schema;
    m->side = side;
    m->column = rt_xcalloc(schema->count, sizeof *m->column);
    m->cells = rt_xcalloc(schema->count, sizeof *m->cells);
    m->hasher = rt_hasher_new();
    for (size_t i = 0; i < schema->count; i++) {
        if (map_field(m, i, header, count, name, err) < 0) {
            rt_rowmap_free(m);
            return -1;
        }
        if (m->column[i] == NO_COLUMN)
            continue;
        rt_hasher_add(m->hasher, rt_slice_str(schema->fields[i].name));
        rt_hasher_add(m->hasher, rt_slice_str(rt_role_name(schema->fields[i].role)));
        rt_hasher_add(m->hasher, rt_slice_str(rt_type_name(schema->fields[i].type)));
        rt_hasher_add(m->hasher, rt_slice_str(rt_direction_name(schema->fields[i].direction)));
    }
    m->seed = rt_hasher_end(m->hasher);
    list_ignored(m, header, count);
    *map = m;
    return 0;
}

void rt_rowmap_free(struct rt_rowmap *map)
{
    if (map == NULL)
        return;
    free(map->column);
    free(map->cells);
    free(map->ignored);
    rt_hasher_free(map->hasher);
    rt_buf_clear(&map->print_text);
    free(map);
}

const char *rt_rowmap_ignored(const struct rt_rowmap *map)
{
    return map->ignored;
}

static struct rt_slice cell_of(const struct rt_rowmap *map, const struct rt_csv_row *csv, size_t i)
{
    size_t column = map->column[i];

    return column == NO_COLUMN || column >= csv->count ? rt_slice_from(NULL, 0)
                                                       : csv->cells[column];
}

static size_t field_number(const struct rt_rowmap *map, const struct rt_field *field)
{
    return (size_t)(field - map->schema->fields);
}

/* Reads the ID that side `of` gives, from its one or several columns.  -1: partly empty. */
static int read_id(struct rt_rowmap *map, const struct rt_csv_row *csv, enum rt_side of,
                   struct rt_arena *arena, struct rt_slice *id)
{
    size_t n = map->schema->id_count[of];
    struct rt_slice *parts;
    struct rt_buf joined = {0};
    int rc;

    *id = rt_slice_from(NULL, 0);
    if (n == 1) {
        *id = rt_id_in_cell(cell_of(map, csv, field_number(map, map->schema->id[of][0])));
        return 0;
    }
    parts = rt_arena_alloc(arena, n * sizeof *parts + 1);
    for (size_t i = 0; i < n; i++)
        parts[i] = rt_id_in_cell(cell_of(map, csv, field_number(map, map->schema->id[of][i])));
    rc = rt_id_join(parts, n, &joined);
    if (rc == 0)
        *id = rt_arena_dup(arena, rt_buf_slice(&joined));
    rt_buf_clear(&joined);
    return rc;
}

struct rt_slice rt_rowmap_own_id(struct rt_rowmap *map, const struct rt_csv_row *csv,
                                 struct rt_arena *arena)
{
    struct rt_slice id;

    return read_id(map, csv, map->side, arena, &id) < 0 ? rt_slice_from(NULL, 0) : id;
}

static int fault_at(struct rt_row_fault *fault, size_t column, const char *fmt, ...)
    RT_PRINTF(3, 4);

static int fault_at(struct rt_row_fault *fault, size_t column, const char *fmt, ...)
{
    va_list ap;

    fault->column = column;
    va_start(ap, fmt);
    vsnprintf(fault->reason, sizeof fault->reason, fmt, ap);
    va_end(ap);
    return 1;
}

/* The column of the first cell that a spreadsheet has damaged in the ID that side `of` gives,
 * 1-based; 0: none.  *why: what is wrong. */
static size_t damaged_cell(const struct rt_rowmap *map, const struct rt_csv_row *csv,
                           enum rt_side of, const char **why)
{
    for (size_t i = 0; i < map->schema->id_count[of]; i++) {
        size_t f = field_number(map, map->schema->id[of][i]);

        *why = rt_id_damage(cell_of(map, csv, f));
        if (*why != NULL)
            return map->column[f] + 1;
    }
    return 0;
}

/* An ID that cannot be read is none, but the other one still tells whose row it is; the first of
 * them is told. */
static int map_ids(struct rt_rowmap *map, const struct rt_csv_row *csv, struct rt_arena *arena,
                   struct rt_row *row, struct rt_row_fault *fault)
{
    for (int s = 1; s >= 0; s--) {
        const char *why;
        size_t column = damaged_cell(map, csv, (enum rt_side)s, &why);

        if (column > 0) {
            fault_at(fault, column, "the ID looks damaged: %s", why);
            fault->is_spreadsheet = true;
        } else if (read_id(map, csv, (enum rt_side)s, arena, &row->id[s]) < 0) {
            fault_at(fault, rt_rowmap_column(map, field_number(map, map->schema->id[s][0])),
                     "the %s ID has several fields, and some of them are empty",
                     rt_side_name((enum rt_side)s));
        } else {
            continue;
        }
        row->id[s] = rt_slice_from(NULL, 0);
        fault->has_bad_id = true;
    }
    fault->has_id = row->id[0].len > 0 || row->id[1].len > 0;
    if (!fault->has_bad_id && !fault->has_id)
        return fault_at(fault, 0, "the row has no ID");
    return fault->has_bad_id;
}

static int map_value(struct rt_rowmap *map, const struct rt_csv_row *csv, size_t i,
                     struct rt_row *row, struct rt_row_fault *fault)
{
    const struct rt_field *field = &map->schema->fields[i];
    struct rt_slice cell = cell_of(map, csv, i);
    struct rt_err err;

    if (map->column[i] == NO_COLUMN || rt_role_is_id(field->role))
        return 0;
    if (field->role == RT_ROLE_ORIGIN)
        return 0; /* filled in by us: what comes in is only read by `eligible` */
    if (rt_value_check(field, map->side, cell, &err) < 0)
        return fault_at(fault, map->column[i] + 1, "%s", err.msg);
    if (field->role == RT_ROLE_MODIFIED_AT)
        return rt_value_time(field, map->side, cell, &row->modified_at, &err) < 0
                   ? fault_at(fault, map->column[i] + 1, "%s", err.msg)
                   : 0;
    if (field->role == RT_ROLE_DELETED)
        row->is_deleted = rt_value_is_yes(field, map->side, cell);
    else
        row->content->value[field->content_index] =
            (struct rt_value){cell, rt_from_side(map->side)};
    return 0;
}

/* The cell at fault holds its bytes as they came: those are no ID. */
static bool is_text(struct rt_slice id)
{
    return id.len == 0 || (memchr(id.ptr, '\0', id.len) == NULL && rt_utf8_is_valid(id));
}

int rt_rowmap_row(struct rt_rowmap *map, const struct rt_csv_row *csv, struct rt_arena *arena,
                  struct rt_row *row, struct rt_row_fault *fault)
{
    *fault = (struct rt_row_fault){0};
    *row = (struct rt_row){.side = map->side, .modified_at = RT_NEVER, .line = (int64_t)csv->line};
    row->content = rt_content_new(map->schema, arena);
    if (csv->fault != NULL) {
        /* The cells may have shifted, but an ID that names a known record is better noted than
         * overlooked. */
        map_ids(map, csv, arena, row, fault);
        for (int s = 0; s < 2; s++)
            if (!is_text(row->id[s]))
                row->id[s] = rt_slice_from(NULL, 0);
        fault->has_id = row->id[0].len > 0 || row->id[1].len > 0;
        return fault_at(fault, csv->fault_column, "%s", csv->fault);
    }
    if (map_ids(map, csv, arena, row, fault))
        return 1;
    for (size_t i = 0; i < map->schema->count; i++)
        if (map_value(map, csv, i, row, fault))
            return 1;
    return 0;
}

const struct rt_slice *rt_rowmap_cells(struct rt_rowmap *map, const struct rt_csv_row *csv)
{
    for (size_t i = 0; i < map->schema->count; i++)
        map->cells[i] = cell_of(map, csv, i);
    return map->cells;
}

struct rt_digest rt_rowmap_print(struct rt_rowmap *map, const struct rt_csv_row *csv)
{
    struct rt_buf *text = &map->print_text; /* in one piece: hashed faster than cell by cell */

    rt_buf_reset(text);
    rt_buf_add(text, &map->seed, sizeof map->seed);
    for (size_t i = 0; i < map->schema->count; i++)
        if (map->column[i] != NO_COLUMN) {
            struct rt_slice cell = cell_of(map, csv, i);
            uint64_t len = cell.len;

            rt_buf_add(text, &len, sizeof len);
            rt_buf_add_slice(text, cell);
        }
    return rt_digest_of(rt_buf_slice(text));
}

struct rt_digest rt_rowmap_fingerprint(const struct rt_rowmap *map,
                                       const struct rt_csv_reader *reader)
{
    struct rt_hasher *hasher = rt_hasher_new();
    struct rt_digest digest;
    size_t count;

    rt_csv_header(reader, &count);
    rt_hasher_add(hasher, rt_slice_from((const char *)&map->seed, sizeof map->seed));
    rt_hasher_add(
        hasher, rt_slice_from((const char *)map->column, map->schema->count * sizeof *map->column));
    rt_hasher_add(hasher, rt_slice_from((const char *)&count, sizeof count));
    digest = rt_hasher_end(hasher);
    rt_hasher_free(hasher);
    return digest;
}

size_t rt_rowmap_column(const struct rt_rowmap *map, size_t field)
{
    return map->column[field] == NO_COLUMN ? 0 : map->column[field] + 1;
}

struct rt_slice rt_rowmap_id_cell(const struct rt_rowmap *map, const struct rt_csv_row *csv,
                                  size_t field)
{
    return map->schema->fields[field].type == RT_TYPE_ID ? rt_id_in_cell(cell_of(map, csv, field))
                                                         : rt_slice_from(NULL, 0);
}
