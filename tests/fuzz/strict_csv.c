#include "tests/fuzz/strict_csv.h"

struct parser {
    struct rt_slice input;
    size_t at;
    uint64_t line;
    char delimiter;
    struct rt_arena *arena;
};

enum ending { CELL_ENDS, ROW_ENDS, INPUT_ENDS, BROKEN };

static int peek(const struct parser *p)
{
    return p->at < p->input.len ? (unsigned char)p->input.ptr[p->at] : -1;
}

/* What comes behind a cell. */
static enum ending cell_end(struct parser *p)
{
    int c = peek(p);

    if (c < 0)
        return INPUT_ENDS;
    if (c == p->delimiter) {
        p->at++;
        return CELL_ENDS;
    }
    if (c != '\r' && c != '\n')
        return BROKEN;
    p->at++;
    if (c == '\r' && peek(p) == '\n')
        p->at++;
    p->line++;
    return ROW_ENDS;
}

static enum ending quoted_cell(struct parser *p, struct rt_slice *cell)
{
    char *text = rt_arena_alloc(p->arena, p->input.len + 1);
    size_t len = 0;

    p->at++;
    for (;; p->at++) {
        int c = peek(p);

        if (c < 0)
            return BROKEN;
        if (c == '"') {
            p->at++;
            if (peek(p) != '"')
                break;
        }
        p->line += c == '\n';
        text[len++] = (char)c;
    }
    *cell = rt_slice_from(text, len);
    return cell_end(p);
}

static enum ending plain_cell(struct parser *p, struct rt_slice *cell)
{
    size_t from = p->at;

    for (int c; c = peek(p), c >= 0 && c != p->delimiter && c != '\r' && c != '\n'; p->at++)
        if (c == '"')
            return BROKEN;
    *cell = rt_slice_from(p->input.ptr + from, p->at - from);
    return cell_end(p);
}

#define NONE SIZE_MAX /* no character begins with this byte */

/* The continuation bytes that a first byte asks for, and where the second one must lie. */
static size_t more_bytes(unsigned char c, unsigned char *from, unsigned char *to)
{
    *from = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    *to = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (c < 0x80)
        return 0;
    if (c < 0xc2 || c > 0xf4)
        return NONE;
    return c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

static bool is_text(struct rt_slice cell)
{
    for (size_t i = 0; i < cell.len;) {
        unsigned char from, to, c = (unsigned char)cell.ptr[i++];
        size_t more = more_bytes(c, &from, &to);

        if (c == 0 || more > cell.len - i)
            return false;
        for (; more > 0; more--, from = 0x80, to = 0xbf) {
            c = (unsigned char)cell.ptr[i++];
            if (c < from || c > to)
                return false;
        }
    }
    return true;
}

static enum ending parse_row(struct parser *p, struct strict_row *row)
{
    enum ending ending = CELL_ENDS;

    *row = (struct strict_row){.line = p->line, .offset = p->at};
    while (ending == CELL_ENDS) {
        struct rt_slice cell = {NULL, 0};

        ending = peek(p) == '"' ? quoted_cell(p, &cell) : plain_cell(p, &cell);
        if (ending == BROKEN)
            break;
        row->cells = rt_xgrow(row->cells, row->count, sizeof *row->cells);
        row->cells[row->count++] = cell;
    }
    row->length = p->at - row->offset;
    return ending;
}

static void judge(struct strict_row *row, size_t columns)
{
    row->has_fault = columns != 0 && row->count != columns;
    for (size_t i = 0; i < row->count && !row->has_fault; i++)
        if (!is_text(row->cells[i])) {
            row->has_fault = true;
            row->fault_column = i + 1;
        }
}

/* The row's cells move into the arena, and the row into the table. */
static void add_row(struct parser *p, struct strict_table *table, const struct strict_row *row)
{
    struct strict_row *rows =
        rt_arena_alloc(p->arena, (table->count + 1) * sizeof *rows); /* small inputs */

    if (table->count)
        memcpy(rows, table->rows, table->count * sizeof *rows);
    rows[table->count] = *row;
    rows[table->count].cells = rt_arena_alloc(p->arena, row->count * sizeof *row->cells);
    memcpy(rows[table->count].cells, row->cells, row->count * sizeof *row->cells);
    table->rows = rows;
    table->count++;
}

static bool is_blank(const struct strict_row *row, struct rt_slice input)
{
    return row->count == 1 && (input.ptr[row->offset] == '\r' || input.ptr[row->offset] == '\n');
}

static void parse_rows(struct parser *p, struct strict_table *table, bool needs_last_newline)
{
    while (peek(p) >= 0 && !table->is_refused) {
        size_t columns = table->count ? table->rows[0].count : 0;
        struct strict_row row;
        enum ending ending = parse_row(p, &row);

        table->is_refused = ending == BROKEN || (ending == INPUT_ENDS && needs_last_newline);
        judge(&row, columns);
        if (table->count == 0 && row.has_fault)
            table->is_refused = true;
        if (!table->is_refused && (columns == 1 || !is_blank(&row, p->input)))
            add_row(p, table, &row);
        free(row.cells);
    }
}

struct strict_table strict_csv_parse(struct rt_slice input, char delimiter, bool needs_last_newline,
                                     struct rt_arena *arena)
{
    struct parser p = {.input = input, .line = 1, .delimiter = delimiter, .arena = arena};
    struct strict_table table = {NULL, 0, false};

    if (rt_slice_has_prefix(input, rt_slice_str("\xef\xbb\xbf")))
        p.at = 3;
    else if (rt_slice_has_prefix(input, rt_slice_str("\xff\xfe")) ||
             rt_slice_has_prefix(input, rt_slice_str("\xfe\xff")))
        table.is_refused = true;
    parse_rows(&p, &table, needs_last_newline);
    table.is_refused = table.is_refused || table.count == 0;
    return table;
}
