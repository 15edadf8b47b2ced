#include "lib/csv_reader_internal.h"

#include "lib/encoding.h"
#include "lib/mem.h"
#include "lib/not_csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK      ((size_t)256 << 10) /* bytes read at once */
#define RAW_BLOCK  ((size_t)64 << 10)  /* the same before decoding: at most 3 bytes come of one */
#define CELL_BLOCK ((size_t)64 << 10)  /* steps in which libcsv's buffer grows */

#define SAVE_AGAIN "save it again as CSV in UTF-8" /* where no setting tells the encoding */

/*
 * What libcsv is fed with: bytes up to a line end, or what is there of them.  A lone CR ends a
 * piece too, because it ends a row if it is not in quotes: so no piece holds more than one row.
 */
struct piece {
    const char *ptr;
    size_t len;
    enum { PIECE_PART, PIECE_LF, PIECE_CR } end;
};

static int refuse(const struct rt_csv_reader *reader, uint64_t line, size_t column, const char *why,
                  struct rt_err *err)
{
    return rt_err_set(err, RT_DATA, "%s: line %" PRIu64 ", column %zu: %s", reader->name, line,
                      column, why);
}

/* ---- text ---- */

static void set_fault(struct rt_csv_reader *reader, struct rt_csv_row *row, size_t column)
{
    row->fault = reader->fault;
    row->fault_column = column;
}

/* Decodes a cell in place, through `decoded`, where there is room.  Returns how many bytes were
   right; all of them, or the cell stays as it was. */
static size_t decode_cell(struct rt_csv_reader *reader, struct rt_slice *cell)
{
    struct rt_buf *out = &reader->decoded;
    char *in = (char *)(uintptr_t)cell->ptr; /* iconv does not write to it */
    char *from = out->ptr + out->len, *to = from;
    size_t len = cell->len, left = len, room = out->cap - out->len;

    iconv(reader->cell, NULL, NULL, NULL, NULL);
    if (iconv(reader->cell, &in, &left, &to, &room) == (size_t)-1)
        return len - left;
    iconv(reader->cell, NULL, NULL, &to, &room); /* some hold a character back */
    *cell = rt_slice_from(from, (size_t)(to - from));
    out->len += cell->len;
    return len;
}

/* A row with bytes that are not plain: checks and decodes it.  Sets a fault for the first bad cell.
 */
static void check_cells(struct rt_csv_reader *reader, struct rt_csv_row *row, size_t len)
{
    if (reader->cell != RT_NO_ICONV) {
        rt_buf_reset(&reader->decoded);
        rt_buf_reserve(&reader->decoded, len * 4 + 64);
    }
    for (size_t i = 0; i < reader->count; i++) {
        struct rt_slice *cell = &reader->cells[i], raw = *cell;
        size_t good;

        if (rt_text_is_plain(raw.ptr, raw.len))
            continue;
        if (memchr(raw.ptr, '\0', raw.len) != NULL) {
            snprintf(reader->fault, sizeof reader->fault,
                     "a NUL byte: it is no text; remove it and deliver the row again");
        } else {
            good =
                reader->cell == RT_NO_ICONV ? rt_text_valid_bytes(raw) : decode_cell(reader, cell);
            if (good >= raw.len)
                continue;
            snprintf(reader->fault, sizeof reader->fault, "byte 0x%02X is not %s: %s",
                     (unsigned char)raw.ptr[good],
                     reader->cell == RT_NO_ICONV ? "UTF-8" : reader->options.encoding,
                     reader->options.encoding == NULL
                         ? SAVE_AGAIN
                         : "mend the row, or set this side's encoding");
        }
        if (row->fault == NULL)
            set_fault(reader, row, i + 1);
    }
}

/* ---- bytes ---- */

static int read_source(struct rt_csv_reader *reader, char *to, size_t room, struct rt_err *err)
{
    ssize_t n = reader->source->read(reader->source->context, to, room, err);

    return n < 0 ? -1 : (int)n;
}

/* Like read_source, but decoded.  What is wrong comes only after all that was right before it has
   been parsed, so that line and column of the message are those of the bad bytes. */
static int read_decoded(struct rt_csv_reader *reader, char *to, size_t room, struct rt_err *err)
{
    for (;;) {
        char *in = reader->raw, *out = to;
        size_t left = room, raw_len = reader->raw_len;
        bool is_bad =
            iconv(reader->stream, &in, &raw_len, &out, &left) == (size_t)-1 && errno == EILSEQ;
        int n;

        memmove(reader->raw, in, raw_len);
        reader->raw_len = raw_len;
        if (out != to)
            return (int)(out - to);
        if (is_bad)
            return refuse(reader, reader->line, reader->count + 1,
                          "bytes that do not fit this side's encoding: export the file again", err);
        n = read_source(reader, reader->raw + raw_len, RAW_BLOCK - raw_len, err);
        if (n < 0)
            return -1;
        if (n == 0 && raw_len > 0)
            return refuse(reader, reader->line, reader->count + 1,
                          "the file ends within a character: it was cut; export it again", err);
        if (n == 0) {
            iconv(reader->stream, NULL, NULL, &out, &left); /* some hold a character back */
            return (int)(out - to);
        }
        reader->raw_len += (size_t)n;
    }
}

int rt_csv_fill(struct rt_csv_reader *reader, struct rt_err *err)
{
    size_t keep = reader->len - reader->pos;
    int n;

    memmove(reader->buf, reader->buf + reader->pos, keep);
    reader->pos = 0;
    reader->len = keep;
    reader->lf = 0;
    reader->is_scanned = false;
    n = (reader->stream != RT_NO_ICONV ? read_decoded : read_source)(reader, reader->buf + keep,
                                                                     BLOCK - keep, err);
    if (n < 0)
        return -1;
    reader->eof = n == 0;
    reader->len += (size_t)n;
    return 0;
}

/* The next piece; of length 0 at the end of the input. */
static int next_piece(struct rt_csv_reader *reader, struct piece *piece, struct rt_err *err)
{
    const char *start, *cr;
    size_t left, span;

    /* A CR at the end of the buffer may be the first half of a CRLF. */
    while (left = reader->len - reader->pos, start = reader->buf + reader->pos,
           !reader->eof && (left == 0 || (left == 1 && *start == '\r'))) {
        if (rt_csv_fill(reader, err) != 0)
            return -1;
    }
    *piece = (struct piece){start, left, PIECE_PART};
    if (left == 0)
        return 0;
    if (reader->lf <= reader->pos) {
        const char *lf = memchr(start, '\n', left);

        reader->lf = lf != NULL ? (size_t)(lf - reader->buf) + 1 : reader->len;
    }
    span = reader->lf - reader->pos;
    cr = memchr(start, '\r', span);
    if (cr == NULL || (cr + 2 == start + span && cr[1] == '\n')) {
        piece->len = span;
        piece->end = start[span - 1] == '\n' ? PIECE_LF : PIECE_PART;
    } else if (cr + 1 < start + left || reader->eof) {
        piece->len = (size_t)(cr - start) + 1;
        piece->end = PIECE_CR;
    } else {
        piece->len = (size_t)(cr - start);
    }
    return 0;
}

static void consume(struct rt_csv_reader *reader, const struct piece *piece)
{
    reader->pos += piece->len;
    reader->offset += piece->len;
    reader->row_bytes += piece->len;
    /* A CR in quotes is no line end for editors that count lines by LF. */
    if (piece->end == PIECE_LF || (piece->end == PIECE_CR && reader->is_done))
        reader->line++;
}

/* ---- rows ---- */

static int is_never_space(unsigned char c)
{
    (void)c;
    return 0;
}

void rt_csv_grow_cells(struct rt_csv_reader *reader)
{
    if (reader->count < reader->room)
        return;
    reader->room = reader->room ? reader->room * 2 : 64;
    reader->ends = rt_xrealloc(reader->ends, reader->room * sizeof *reader->ends);
    reader->cells = rt_xrealloc(reader->cells, reader->room * sizeof *reader->cells);
}

static void on_cell(void *bytes, size_t len, void *context)
{
    struct rt_csv_reader *reader = context;

    if (reader->too_big != NULL)
        return; /* the place of the first one is told */
    if (len > RT_CSV_MAX_CELL || reader->count == RT_CSV_MAX_CELLS) {
        reader->too_big = len > RT_CSV_MAX_CELL ? "a cell of more than 16 MiB: is a quote missing?"
                                                : "a row of more than 65,536 cells";
        return;
    }
    reader->cell_line = reader->line;
    rt_csv_grow_cells(reader);
    rt_buf_add(&reader->text, bytes, len);
    reader->ends[reader->count++] = reader->text.len;
    rt_buf_add_char(&reader->text, '\n');
}

static void on_row(int end, void *context)
{
    struct rt_csv_reader *reader = context;

    (void)end;
    reader->is_done = true;
}

static void begin_row(struct rt_csv_reader *reader)
{
    reader->row_line = reader->cell_line = reader->line;
    reader->row_offset = reader->offset;
}

/* What libcsv stopped at, in words. */
static int refuse_quoting(const struct rt_csv_reader *reader, char stopped_at, struct rt_err *err)
{
    char why[200];
    int n = snprintf(why, sizeof why, "%s",
                     stopped_at == '"' ? "a quote in a cell that does not begin with one: put the "
                                         "cell in quotes and double the quote"
                                       : "text behind the closing quote of a cell: double the "
                                         "quotes that belong to the text");

    if (reader->cell_line != reader->line)
        snprintf(why + n, sizeof why - (size_t)n, " (the cell begins in line %" PRIu64 ")",
                 reader->cell_line);
    return refuse(reader, reader->line, reader->count + 1, why, err);
}

static int feed(struct rt_csv_reader *reader, const struct piece *piece, struct rt_err *err)
{
    size_t done;

    if (reader->row_bytes == 0)
        begin_row(reader);
    if (piece->len > RT_CSV_MAX_ROW - reader->row_bytes)
        return refuse(reader, reader->row_line, 1,
                      "a row of more than 64 MiB begins here: is a quote missing?", err);
    done = csv_parse(&reader->csv, piece->ptr, piece->len, on_cell, on_row, reader);
    if (done != piece->len || csv_error(&reader->csv) != CSV_SUCCESS)
        return refuse_quoting(reader, done < piece->len ? piece->ptr[done] : '\0', err);
    /* A cell that has no end yet: libcsv's buffer tells how long it is, in steps. */
    if (csv_get_buffer_size(&reader->csv) > RT_CSV_MAX_CELL + 2 * CELL_BLOCK)
        reader->too_big = "a cell of more than 16 MiB: is a quote missing?";
    if (reader->too_big != NULL)
        return refuse(reader, reader->cell_line, reader->count + 1, reader->too_big, err);
    consume(reader, piece);
    return 0;
}

/* The input is over.  1: it ended with a row without line end, which is allowed; 0: between rows.
 */
static int end_of_input(struct rt_csv_reader *reader, struct rt_err *err)
{
    if (reader->row_bytes == 0 && reader->columns == 0)
        return rt_err_set(err, RT_DATA, "%s: empty file: not even a header; export the file again",
                          reader->name);
    if (reader->row_bytes == 0)
        return 0;
    if (csv_fini(&reader->csv, on_cell, on_row, reader) != 0)
        return refuse(
            reader, reader->cell_line, reader->count + 1,
            "the quote that opens this cell is never closed: the file was cut, or a quote "
            "is missing; export it again",
            err);
    if (!reader->options.final_newline_optional)
        return refuse(reader, reader->line, reader->count,
                      reader->options.encoding == NULL /* no setting can change it */
                          ? "the last line has no line end: the file was cut; export it again"
                          : "the last line has no line end: the file was cut; export it again, or "
                            "set final_newline = optional",
                      err);
    if (reader->too_big != NULL)
        return refuse(reader, reader->cell_line, reader->count + 1, reader->too_big, err);
    return 1;
}

/* Takes in the bytes of one row: 1, 0, -1 as rt_csv_next. */
static int read_row(struct rt_csv_reader *reader, struct rt_err *err)
{
    struct piece piece;

    reader->row_bytes = 0;
    reader->count = 0;
    reader->is_done = false;
    rt_buf_reset(&reader->text);
    while (!reader->is_done) {
        if (next_piece(reader, &piece, err) != 0)
            return -1;
        if (piece.len == 0)
            return end_of_input(reader, err);
        if (reader->row_bytes == 0 && (*piece.ptr == '\n' || *piece.ptr == '\r')) {
            /* libcsv would drop it; where there is one column it is a row with an empty cell. */
            begin_row(reader);
            reader->is_done = true;
            if (reader->columns == 1)
                on_cell(NULL, 0, reader);
            consume(reader, &piece);
            if (reader->columns != 1) {
                reader->is_done = false;
                reader->row_bytes = 0;
            }
        } else if (feed(reader, &piece, err) != 0) {
            return -1;
        }
    }
    return 1;
}

static void set_cells(struct rt_csv_reader *reader)
{
    size_t begin = 0;

    for (size_t i = 0; i < reader->count; i++) {
        reader->cells[i] = rt_slice_from(reader->text.ptr + begin, reader->ends[i] - begin);
        begin = reader->ends[i] + 1;
    }
}

/* The usual case, seen in one go: what stands between cells is ASCII. */
static bool is_right_utf8(const struct rt_csv_reader *reader, struct rt_slice bytes)
{
    return reader->cell == RT_NO_ICONV && memchr(bytes.ptr, '\0', bytes.len) == NULL &&
           rt_text_valid_bytes(bytes) == bytes.len;
}

/* Reads a row, checks its text, and shows it in *row. */
static int next_row(struct rt_csv_reader *reader, struct rt_csv_row *row, struct rt_err *err)
{
    struct rt_slice bytes; /* of all cells, and nothing but line ends and quotes between them */
    int r = rt_csv_split(reader, &bytes);

    if (r == 0) {
        r = read_row(reader, err);
        bytes = rt_buf_slice(&reader->text);
        set_cells(reader);
    }
    if (r != 1)
        return r;
    *row = (struct rt_csv_row){
        .cells = reader->cells,
        .count = reader->count,
        .line = reader->row_line,
        .offset = reader->row_offset,
        .length = reader->row_bytes,
    };
    if (reader->columns != 0 && row->count != reader->columns) {
        snprintf(reader->fault, sizeof reader->fault, "%zu cells, but the header has %zu%s",
                 row->count, reader->columns,
                 row->count > reader->columns ? ": is a cell with a delimiter not in quotes?" : "");
        set_fault(reader, row, 0);
    }
    /* The line feeds between the cells are there so that no sequence of bytes reaches into the
     * next. */
    if (!rt_text_is_plain(bytes.ptr, bytes.len) && !is_right_utf8(reader, bytes))
        check_cells(reader, row, bytes.len);
    return 1;
}

/* ---- opening ---- */

static int open_encoding(struct rt_csv_reader *reader, struct rt_err *err)
{
    const char *encoding = reader->options.encoding;
    iconv_t cd;

    if (rt_encoding_is_utf8(encoding))
        return 0;
    if (rt_encoding_open("UTF-8", encoding, &cd, err) != 0)
        return -1;
    if (rt_encoding_is_ascii_compatible(cd, reader->options.delimiter)) {
        reader->cell = cd;
        return 0;
    }
    iconv(cd, NULL, NULL, NULL, NULL);
    reader->stream = cd;
    reader->raw = rt_xmalloc(RAW_BLOCK);
    return 0;
}

/* Skips a byte order mark.  One that contradicts the settings refuses the file: read on, each
   letter that is not ASCII would come in as another one, or every row be rejected. */
static int skip_bom(struct rt_csv_reader *reader, struct rt_err *err)
{
    struct rt_slice head;

    while (reader->len < 3 && !reader->eof) {
        if (rt_csv_fill(reader, err) != 0)
            return -1;
    }
    head = rt_slice_from(reader->buf, reader->len);
    if (rt_slice_has_prefix(head, rt_slice_str("\xef\xbb\xbf"))) {
        if (reader->cell != RT_NO_ICONV)
            return refuse(reader, 1, 1,
                          "the file is UTF-8, says its byte order mark: set encoding = utf-8", err);
        reader->pos = 3;
        reader->offset = 3;
    } else if (reader->stream == RT_NO_ICONV &&
               (rt_slice_has_prefix(head, rt_slice_str("\xff\xfe")) ||
                rt_slice_has_prefix(head, rt_slice_str("\xfe\xff")))) {
        return refuse(reader, 1, 1,
                      reader->options.encoding == NULL
                          ? "the file is UTF-16, says its byte order mark: " SAVE_AGAIN
                          : "the file is UTF-16, says its byte order mark: set encoding = utf-16",
                      err);
    }
    return 0;
}

static struct rt_slice unread(const struct rt_csv_reader *reader)
{
    return rt_slice_from(reader->buf + reader->pos, reader->len - reader->pos);
}

/* How the file begins tells what it is. */
static int refuse_not_csv(struct rt_csv_reader *reader, struct rt_err *err)
{
    const char *what;

    while (!rt_not_csv_is_enough(unread(reader)) && !reader->eof) {
        if (rt_csv_fill(reader, err) != 0)
            return -1;
    }
    what = rt_not_csv(unread(reader));
    return what == NULL ? 0 : rt_err_set(err, RT_DATA, "%s: not CSV, %s", reader->name, what);
}

static int read_header(struct rt_csv_reader *reader, struct rt_err *err)
{
    struct rt_csv_row row;
    int r = next_row(reader, &row, err);

    if (r != 1)
        return -1; /* 0 does not come here: without a header the end is an error */
    if (row.fault != NULL)
        return refuse(reader, row.line, row.fault_column, row.fault, err);
    reader->header = rt_arena_alloc(&reader->arena, row.count * sizeof *reader->header);
    for (size_t i = 0; i < row.count; i++)
        reader->header[i] = rt_arena_dup(&reader->arena, row.cells[i]);
    reader->columns = row.count;
    return 0;
}

int rt_csv_open(const struct rt_source *source, const char *name,
                const struct rt_csv_options *options, struct rt_csv_reader **reader,
                struct rt_err *err)
{
    struct rt_csv_reader *r = rt_xcalloc(1, sizeof *r);

    *reader = NULL;
    r->source = source;
    r->name = name;
    r->options = *options;
    r->is_split = !options->with_libcsv_alone;
    r->stream = r->cell = RT_NO_ICONV;
    r->line = 1;
    r->buf = rt_xmalloc(BLOCK);
    csv_init(&r->csv, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL);
    csv_set_realloc_func(&r->csv, rt_xrealloc);
    csv_set_blk_size(&r->csv, CELL_BLOCK);
    csv_set_space_func(&r->csv, is_never_space);
    csv_set_delim(&r->csv, (unsigned char)options->delimiter);
    if (open_encoding(r, err) != 0 || skip_bom(r, err) != 0 || refuse_not_csv(r, err) != 0 ||
        read_header(r, err) != 0) {
        rt_csv_close(r);
        return -1;
    }
    *reader = r;
    return 0;
}

const struct rt_slice *rt_csv_header(const struct rt_csv_reader *reader, size_t *count)
{
    *count = reader->columns;
    return reader->header;
}

int rt_csv_next(struct rt_csv_reader *reader, struct rt_csv_row *row, struct rt_err *err)
{
    int r;

    if (reader->failure.code != RT_OK) { /* libcsv must not be used after an error */
        *err = reader->failure;
        return -1;
    }
    r = next_row(reader, row, err);
    if (r < 0)
        reader->failure = *err;
    return r;
}

void rt_csv_close(struct rt_csv_reader *reader)
{
    if (reader == NULL)
        return;
    rt_arena_clear(&reader->arena);
    rt_buf_clear(&reader->decoded);
    rt_buf_clear(&reader->text);
    free(reader->cells);
    free(reader->ends);
    csv_free(&reader->csv);
    free(reader->raw_ends.ends);
    free(reader->buf);
    free(reader->raw);
    if (reader->cell != RT_NO_ICONV)
        iconv_close(reader->cell);
    if (reader->stream != RT_NO_ICONV)
        iconv_close(reader->stream);
    free(reader);
}

#define TEXT_OF(number)                #number
#define VERSION(major, minor, release) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(release)

const char *rt_csv_library_version(void)
{
    return VERSION(CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
}
