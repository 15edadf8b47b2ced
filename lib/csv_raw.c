#include "lib/csv_reader_internal.h"

static size_t raw_end(const struct rt_csv_reader *reader, size_t i)
{
    return reader->raw_base + reader->raw_ends.ends[i].at;
}

/* Is a whole record known to begin at pos?  What the parser has read meanwhile is passed over. */
static bool has_raw(struct rt_csv_reader *reader)
{
    if (!reader->is_scanned)
        return false;
    while (reader->raw_next < reader->raw_ends.count &&
           raw_end(reader, reader->raw_next) <= reader->pos)
        reader->raw_next++;
    return reader->raw_next < reader->raw_ends.count &&
           reader->pos ==
               (reader->raw_next == 0 ? reader->raw_base : raw_end(reader, reader->raw_next - 1));
}

static void scan_ahead(struct rt_csv_reader *reader)
{
    rt_raw_scan(reader->buf + reader->pos, reader->len - reader->pos, reader->options.delimiter,
                &reader->raw_ends);
    reader->raw_base = reader->pos;
    reader->raw_next = 0;
    reader->is_scanned = true;
}

bool rt_csv_peek(struct rt_csv_reader *reader, struct rt_slice *raw)
{
    struct rt_err ignored; /* rt_csv_next meets it again, when all before it has been parsed */
    const char *first;

    if (reader->failure.code != RT_OK)
        return false;
    if (!has_raw(reader)) {
        scan_ahead(reader);
        /* The record at the end of the buffer goes on behind it. */
        if (!has_raw(reader) && !reader->eof && reader->pos > 0 &&
            rt_csv_fill(reader, &ignored) == 0)
            scan_ahead(reader);
        if (!has_raw(reader))
            return false;
    }
    first = reader->buf + reader->pos;
    *raw = rt_slice_from(first, raw_end(reader, reader->raw_next) - reader->pos);
    return *first != '\n' && *first != '\r'; /* what blank lines mean is told by rt_csv_next */
}

void rt_csv_skip(struct rt_csv_reader *reader)
{
    size_t i = reader->raw_next++;
    uint32_t lines = reader->raw_ends.ends[i].lines;
    size_t end = raw_end(reader, i);

    reader->line += lines - (i > 0 ? reader->raw_ends.ends[i - 1].lines : 0);
    reader->offset += end - reader->pos;
    reader->pos = end;
}

uint64_t rt_csv_offset(const struct rt_csv_reader *reader)
{
    return reader->offset;
}

bool rt_csv_is_recoded(const struct rt_csv_reader *reader)
{
    return reader->stream != RT_NO_ICONV;
}

/* ---- cells ---- */

/* Undoes the quotes of a cell that holds doubled ones, into text, which has room for it. */
static struct rt_slice undouble(struct rt_csv_reader *reader, const char *from, const char *to)
{
    char *out = reader->text.ptr + reader->text.len, *begin = out;

    while (from < to) {
        const char *quote = memchr(from, '"', (size_t)(to - from));
        size_t len = quote ? (size_t)(quote - from) + 1 : (size_t)(to - from);

        memcpy(out, from, len);
        out += len;
        from += len + (quote != NULL);
    }
    reader->text.len = (size_t)(out - reader->text.ptr);
    return rt_slice_from(begin, (size_t)(out - begin));
}

/* The cell at *p, which moves behind it, on its delimiter or on `end`. */
static struct rt_slice take_cell(struct rt_csv_reader *reader, const char **p, const char *end)
{
    const char *start = *p, *stop;
    bool is_doubled = false;

    if (start == end || *start != '"') {
        stop = memchr(start, reader->options.delimiter, (size_t)(end - start));
        *p = stop ? stop : end;
        return rt_slice_from(start, (size_t)(*p - start));
    }
    start++;
    stop = memchr(start, '"', (size_t)(end - start));
    while (stop + 1 < end && stop[1] == '"') {
        is_doubled = true;
        stop = memchr(stop + 2, '"', (size_t)(end - stop - 2));
    }
    *p = stop + 1;
    return is_doubled ? undouble(reader, start, stop)
                      : rt_slice_from(start, (size_t)(stop - start));
}

bool rt_csv_split(struct rt_csv_reader *reader, struct rt_slice *bytes)
{
    const char *p, *end;

    if (!reader->is_split || !rt_csv_peek(reader, bytes))
        return false;
    p = bytes->ptr;
    end = p + bytes->len - 1;
    if (end > p && end[-1] == '\r')
        end--;
    rt_buf_reset(&reader->text);
    rt_buf_reserve(&reader->text, bytes->len);
    reader->count = 0;
    for (;; p++) {
        if (reader->count == RT_CSV_MAX_CELLS)
            return false;
        rt_csv_grow_cells(reader);
        reader->cells[reader->count++] = take_cell(reader, &p, end);
        if (p >= end)
            break;
    }
    reader->row_line = reader->line;
    reader->row_offset = reader->offset;
    reader->row_bytes = bytes->len;
    rt_csv_skip(reader);
    return true;
}
