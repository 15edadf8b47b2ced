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

int rt_csv_peek(struct rt_csv_reader *reader, struct rt_slice *raw, struct rt_err *err)
{
    const char *first;

    if (reader->failure.code != RT_OK)
        return 0; /* rt_csv_next tells it again */
    if (!has_raw(reader)) {
        scan_ahead(reader);
        /* The record at the end of the buffer goes on behind it. */
        if (!has_raw(reader) && !reader->eof && reader->pos > 0) {
            if (rt_csv_fill(reader, &reader->failure) != 0) {
                *err = reader->failure;
                return -1;
            }
            scan_ahead(reader);
        }
        if (!has_raw(reader))
            return 0;
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

uint64_t rt_csv_line(const struct rt_csv_reader *reader)
{
    return reader->line;
}

uint64_t rt_csv_offset(const struct rt_csv_reader *reader)
{
    return reader->offset;
}
