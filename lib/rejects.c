#include "lib/intake_internal.h"

#include "lib/csv_writer.h"
#include "lib/source.h"
#include "lib/spool.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK ((size_t)256 << 10)

/* rejects/external-12-NAME.csv and .reasons.csv: the file's number makes the name its own. */
char *rt_rejects_name(const struct rt_file *file)
{
    return rt_xasprintf("%s-%lld-%s", rt_side_name(file->side), (long long)file->id, file->name);
}

static int write_reasons(struct rt_intake *in, const char *folder, const char *base,
                         struct rt_err *err)
{
    char *name = rt_xasprintf("%s.reasons.csv", base);
    struct rt_csv_writer_options options = {.delimiter = ','};
    struct rt_csv_writer writer;
    struct rt_spool *spool = NULL;
    struct rt_buf text = {0};
    char number[24];
    int rc = -1;

    if (rt_csv_writer_init(&writer, &options, err) < 0)
        goto out;
    rt_buf_add_str(&text, "file,line,column,reason\n");
    for (size_t i = 0; i < in->reject_count; i++) {
        const struct rt_reject *r = &in->rejects[i];

        if (rt_csv_put(&writer, &text, rt_slice_str(in->file.name), err) < 0)
            goto out;
        snprintf(number, sizeof number, "%lld", (long long)r->line);
        if (rt_csv_put(&writer, &text, rt_slice_str(number), err) < 0)
            goto out;
        snprintf(number, sizeof number, "%zu", r->column);
        if (rt_csv_put(&writer, &text, rt_slice_str(r->column ? number : ""), err) < 0 ||
            rt_csv_put(&writer, &text, rt_slice_str(r->reason), err) < 0)
            goto out;
        rt_csv_end_row(&writer, &text);
    }
    if (rt_spool_open(folder, name, true, &spool, err) < 0 ||
        rt_spool_write(spool, text.ptr, text.len, err) < 0 || rt_spool_commit(spool, err) < 0)
        goto out;
    rc = 0;
out:
    rt_spool_close(spool);
    rt_csv_writer_clear(&writer);
    rt_buf_clear(&text);
    free(name);
    return rc;
}

/* Copies the header and the rejected rows out of a stream, of which `at` bytes have gone by. */
struct span_copy {
    const struct rt_intake *in;
    struct rt_spool *spool;
    uint64_t at;
    size_t next; /* reject */
};

/* What of [from, to) lies in the chunk. */
static int copy_span(const struct span_copy *copy, struct rt_slice chunk, uint64_t from,
                     uint64_t to, struct rt_err *err)
{
    uint64_t end = copy->at + chunk.len;

    from = from > copy->at ? from : copy->at;
    to = to < end ? to : end;
    return to > from ? rt_spool_write(copy->spool, chunk.ptr + (from - copy->at),
                                      (size_t)(to - from), err)
                     : 0;
}

static int copy_chunk(struct span_copy *copy, struct rt_slice chunk, struct rt_err *err)
{
    uint64_t end = copy->at + chunk.len;

    if (copy_span(copy, chunk, 0, copy->in->header_end, err) < 0)
        return -1;
    while (copy->next < copy->in->reject_count) {
        const struct rt_reject *r = &copy->in->rejects[copy->next];

        if (copy_span(copy, chunk, r->offset, r->offset + r->length, err) < 0)
            return -1;
        if (r->offset + r->length > end)
            break;
        copy->next++;
    }
    copy->at = end;
    return 0;
}

/* The original header and the rejected rows, byte for byte. */
static int copy_bytes(const struct rt_intake *in, const struct rt_source *source,
                      struct rt_spool *spool, struct rt_err *err)
{
    struct span_copy copy = {.in = in, .spool = spool};
    char *chunk = rt_xmalloc(CHUNK);
    ssize_t n;

    while ((n = source->read(source->context, chunk, CHUNK, err)) > 0)
        if (copy_chunk(&copy, rt_slice_from(chunk, (size_t)n), err) < 0) {
            n = -1;
            break;
        }
    free(chunk);
    return n < 0 ? -1 : 0;
}

struct cell_copy {
    struct rt_csv_writer writer;
    struct rt_buf text;
    struct rt_spool *spool;
};

static int copy_cells(struct cell_copy *copy, const struct rt_slice *cells, size_t count,
                      struct rt_err *err)
{
    rt_buf_reset(&copy->text);
    for (size_t i = 0; i < count; i++)
        if (rt_csv_put(&copy->writer, &copy->text, cells[i], err) < 0)
            return -1;
    rt_csv_end_row(&copy->writer, &copy->text);
    return rt_spool_write(copy->spool, copy->text.ptr, copy->text.len, err);
}

/* The same cells, written anew: where a row lies in the file's own bytes is not known. */
static int copy_recoded(const struct rt_intake *in, const struct rt_source *source,
                        struct rt_spool *spool, struct rt_err *err)
{
    const struct rt_side_config *side = &in->work->rules.config->side[in->side];
    struct rt_csv_options options = rt_intake_csv_options(side);
    struct rt_csv_writer_options to = {.delimiter = side->delimiter, .encoding = side->encoding};
    struct cell_copy copy = {.spool = spool};
    struct rt_csv_reader *reader = NULL;
    const struct rt_slice *header;
    struct rt_csv_row row;
    size_t count, next = 0;
    int rc = -1;

    if (rt_csv_open(source, in->file.name, &options, &reader, err) < 0 ||
        rt_csv_writer_init(&copy.writer, &to, err) < 0)
        goto out;
    header = rt_csv_header(reader, &count);
    rc = copy_cells(&copy, header, count, err);
    while (rc == 0 && next < in->reject_count && (rc = rt_csv_next(reader, &row, err)) == 1) {
        rc = 0;
        if (row.offset != in->rejects[next].offset)
            continue;
        rc = copy_cells(&copy, row.cells, row.count, err);
        next++;
    }
    if (rc == 0 && next < in->reject_count)
        rc = rt_err_set(err, RT_IO, "%s: changed while it was read; try again", in->file.name);
out:
    rt_csv_close(reader);
    rt_csv_writer_clear(&copy.writer);
    rt_buf_clear(&copy.text);
    return rc;
}

static int write_rows(const struct rt_intake *in, const char *folder, const char *name,
                      struct rt_err *err)
{
    struct rt_source_file *file = NULL;
    struct rt_spool *spool = NULL;
    struct rt_source source;
    int rc = -1;

    if (rt_source_open(in->path, &file, &source, err) < 0 ||
        rt_spool_open(folder, name, true, &spool, err) < 0)
        goto out;
    rc = (in->is_recoded ? copy_recoded : copy_bytes)(in, &source, spool, err);
    if (rc == 0)
        rc = rt_spool_commit(spool, err);
out:
    rt_spool_close(spool);
    rt_source_close(file);
    return rc;
}

int rt_rejects_write(struct rt_intake *in, struct rt_err *err)
{
    char *folder = rt_xasprintf("%s/rejects", in->work->profile),
         *base = rt_rejects_name(&in->file);
    int rc = -1;

    if (rt_spool_mkdir(folder, err) == 0 && write_rows(in, folder, base, err) == 0 &&
        write_reasons(in, folder, base, err) == 0)
        rc = 0;
    free(folder);
    free(base);
    return rc;
}

int rt_rejects_refuse(struct rt_work *work, const struct rt_file *file, const char *reason,
                      struct rt_err *err)
{
    char *folder = rt_xasprintf("%s/rejects", work->profile), *base = rt_rejects_name(file);
    char *name = rt_xasprintf("%s.reason.txt", base);
    struct rt_spool *spool = NULL;
    int rc = -1;

    if (rt_spool_mkdir(folder, err) == 0 && rt_spool_open(folder, name, true, &spool, err) == 0 &&
        rt_spool_write(spool, reason, strlen(reason), err) == 0 &&
        rt_spool_write(spool, "\n", 1, err) == 0)
        rc = rt_spool_commit(spool, err);
    rt_spool_close(spool);
    free(folder);
    free(base);
    free(name);
    return rc;
}
