#include "lib/csv_writer.h"

#include "lib/encoding.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * `out` is never reset: its state (the byte order mark of UTF-16, shifts) spans the whole output.
 * So it must never fail half way, and each cell is tried first, there and back: iconv drops some
 * characters without a word, and what comes back differently is not the same text.
 */
struct codec {
    iconv_t out, there, back;
    struct rt_buf tried, returned, row;
    bool is_ascii_compatible;
};

/* Appends all of the text, converted.  False at the first character that does not fit; *bad is
 * where. */
static bool convert(iconv_t cd, struct rt_slice text, struct rt_buf *to, size_t *bad)
{
    char *in = (char *)(uintptr_t)text.ptr; /* iconv does not write to it */
    size_t left = text.len, r = 0;

    while (left > 0) {
        size_t room;
        char *out;

        rt_buf_reserve(to, left * 2 + 32);
        out = to->ptr + to->len;
        room = to->cap - to->len - 1;
        r = iconv(cd, &in, &left, &out, &room);
        to->len = (size_t)(out - to->ptr);
        to->ptr[to->len] = '\0';
        if (r != 0 && !(r == (size_t)-1 && errno == E2BIG))
            break;
    }
    *bad = text.len - left;
    return r == 0 && left == 0;
}

/* Appends what iconv holds back: a last character, or the way back to the first shift state. */
static void finish(iconv_t cd, struct rt_buf *to)
{
    char *out;
    size_t room;

    rt_buf_reserve(to, 32);
    out = to->ptr + to->len;
    room = to->cap - to->len - 1;
    iconv(cd, NULL, NULL, &out, &room);
    to->len = (size_t)(out - to->ptr);
}

static bool try_both_ways(struct codec *codec, struct rt_slice cell, size_t *bad)
{
    size_t unused;

    *bad = 0;
    if (codec->is_ascii_compatible && rt_text_is_plain(cell.ptr, cell.len))
        return true;
    rt_buf_reset(&codec->tried);
    rt_buf_reset(&codec->returned);
    iconv(codec->there, NULL, NULL, NULL, NULL);
    iconv(codec->back, NULL, NULL, NULL, NULL);
    if (!convert(codec->there, cell, &codec->tried, bad))
        return false;
    finish(codec->there, &codec->tried);
    *bad = 0;
    if (!convert(codec->back, rt_buf_slice(&codec->tried), &codec->returned, &unused))
        return false;
    finish(codec->back, &codec->returned);
    return rt_slice_is_equal(cell, rt_buf_slice(&codec->returned));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool needs_quotes(const struct rt_csv_writer *writer, struct rt_slice cell)
{
    if (writer->options.quote_all)
        return true;
    if (cell.len == 0)
        return false;
    if (is_blank(cell.ptr[0]) || is_blank(cell.ptr[cell.len - 1]))
        return true;
    /* At the beginning of a file it would be taken for a byte order mark. */
    if (rt_slice_has_prefix(cell, rt_slice_str("\xef\xbb\xbf")))
        return true;
    return memchr(cell.ptr, writer->options.delimiter, cell.len) ||
           memchr(cell.ptr, '"', cell.len) || memchr(cell.ptr, '\n', cell.len) ||
           memchr(cell.ptr, '\r', cell.len);
}

/* A spreadsheet takes a cell that begins so for a formula. */
static bool is_formula(struct rt_slice cell)
{
    return cell.len > 0 && memchr("=+-@\t\r\n", cell.ptr[0], 7) != NULL;
}

static void add_quoted(struct rt_buf *out, const char *prefix, struct rt_slice cell)
{
    rt_buf_add_char(out, '"');
    rt_buf_add_str(out, prefix);
    while (cell.len > 0) {
        const char *quote = memchr(cell.ptr, '"', cell.len);
        size_t n = quote ? (size_t)(quote - cell.ptr) + 1 : cell.len;

        rt_buf_add(out, cell.ptr, n);
        if (quote != NULL)
            rt_buf_add_char(out, '"');
        cell.ptr += n;
        cell.len -= n;
    }
    rt_buf_add_char(out, '"');
}

static void add_cell(const struct rt_csv_writer *writer, struct rt_buf *out, struct rt_slice cell)
{
    const char *prefix = writer->options.spreadsheet && is_formula(cell) ? "'" : "";

    if (writer->cells > 0)
        rt_buf_add_char(out, writer->options.delimiter);
    if (needs_quotes(writer, cell)) {
        add_quoted(out, prefix, cell);
    } else {
        rt_buf_add_str(out, prefix);
        rt_buf_add_slice(out, cell);
    }
}

int rt_csv_writer_init(struct rt_csv_writer *writer, const struct rt_csv_writer_options *options,
                       struct rt_err *err)
{
    const char *encoding = options->encoding;
    struct codec *codec;

    *writer = (struct rt_csv_writer){.options = *options};
    if (rt_encoding_is_utf8(encoding))
        return 0;
    codec = rt_xcalloc(1, sizeof *codec);
    codec->out = codec->there = codec->back = RT_NO_ICONV;
    writer->iconv = codec;
    if (rt_encoding_open(encoding, "UTF-8", &codec->out, err) != 0 ||
        rt_encoding_open(encoding, "UTF-8", &codec->there, err) != 0 ||
        rt_encoding_open("UTF-8", encoding, &codec->back, err) != 0) {
        rt_csv_writer_clear(writer);
        return -1;
    }
    codec->is_ascii_compatible = rt_encoding_is_ascii_compatible(codec->back, options->delimiter);
    return 0;
}

int rt_csv_put(struct rt_csv_writer *writer, struct rt_buf *out, struct rt_slice cell,
               struct rt_err *err)
{
    struct codec *codec = writer->iconv;
    size_t bad;

    if (codec == NULL) {
        add_cell(writer, out, cell);
    } else if (!try_both_ways(codec, cell, &bad)) {
        return rt_err_set(
            err, RT_DATA,
            "character %zu bytes into the cell does not exist in %s: change the text, or "
            "this side's encoding",
            bad, writer->options.encoding);
    } else {
        rt_buf_reset(&codec->row);
        add_cell(writer, &codec->row, cell);
        convert(codec->out, rt_buf_slice(&codec->row), out, &bad);
    }
    writer->is_empty = writer->cells == 0 && cell.len == 0 && !writer->options.quote_all;
    writer->cells++;
    return 0;
}

void rt_csv_end_row(struct rt_csv_writer *writer, struct rt_buf *out)
{
    const char *end = writer->options.crlf ? "\r\n" : "\n";
    struct codec *codec = writer->iconv;
    size_t unused;

    if (codec == NULL) {
        rt_buf_add_str(out, writer->is_empty ? "\"\"" : "");
        rt_buf_add_str(out, end);
    } else {
        if (writer->is_empty)
            convert(codec->out, rt_slice_str("\"\""), out, &unused);
        convert(codec->out, rt_slice_str(end), out, &unused);
    }
    writer->cells = 0;
    writer->is_empty = false;
}

void rt_csv_writer_clear(struct rt_csv_writer *writer)
{
    struct codec *codec = writer->iconv;

    if (codec == NULL)
        return;
    if (codec->out != RT_NO_ICONV)
        iconv_close(codec->out);
    if (codec->there != RT_NO_ICONV)
        iconv_close(codec->there);
    if (codec->back != RT_NO_ICONV)
        iconv_close(codec->back);
    rt_buf_clear(&codec->tried);
    rt_buf_clear(&codec->returned);
    rt_buf_clear(&codec->row);
    free(codec);
    writer->iconv = NULL;
}

bool rt_csv_fits(const struct rt_csv_writer *writer, struct rt_slice cell)
{
    size_t unused;

    return writer->iconv == NULL || try_both_ways(writer->iconv, cell, &unused);
}
