#include "lib/intake_internal.h"

#include "lib/csv_writer.h"
#include "lib/source.h"
#include "lib/spool.h"

#include <stdio.h>
#include <stdlib.h>

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

/* Copies what lies in [from, from + length) of the stream, of which `at` bytes have gone by. */
struct span_copy {
    struct rt_intake *in;
    struct rt_spool *spool;
    uint64_t at;
    size_t next;            /* reject */
    uint64_t header_length; /* 0: the header's end is not found yet */
    bool in_quotes, ended_line;
};

static int copy_chunk(struct span_copy *copy, const char *bytes, size_t len, struct rt_err *err)
{
    uint64_t end = copy->at + len;
    size_t used = 0;

    while (copy->header_length == 0 && used < len) {
        if (bytes[used] == '"')
            copy->in_quotes = !copy->in_quotes;
        used++;
        if (bytes[used - 1] == '\n' && !copy->in_quotes)
            copy->header_length = copy->at + used;
    }
    if (used && rt_spool_write(copy->spool, bytes, used, err) < 0)
        return -1;
    while (copy->next < copy->in->reject_count) {
        const struct rt_reject *r = &copy->in->rejects[copy->next];
        uint64_t from = r->offset > copy->at ? r->offset : copy->at;
        uint64_t to = r->offset + r->length < end ? r->offset + r->length : end;

        if (r->offset >= end)
            break;
        if (to > from &&
            rt_spool_write(copy->spool, bytes + (from - copy->at), (size_t)(to - from), err) < 0)
            return -1;
        if (r->offset + r->length > end)
            break;
        copy->next++;
    }
    copy->at = end;
    return 0;
}

/* The original header and the rejected rows, byte for byte. */
static int write_rows(struct rt_intake *in, const char *folder, const char *name,
                      struct rt_err *err)
{
    struct span_copy copy = {.in = in};
    struct rt_source_file *file = NULL;
    struct rt_source source;
    char *chunk = rt_xmalloc(262144);
    ssize_t n = 0;
    int rc = -1;

    if (rt_source_open(in->path, &file, &source, err) < 0 ||
        rt_spool_open(folder, name, true, &copy.spool, err) < 0)
        goto out;
    while ((n = source.read(source.context, chunk, 262144, err)) > 0)
        if (copy_chunk(&copy, chunk, (size_t)n, err) < 0)
            goto out;
    if (n == 0)
        rc = rt_spool_commit(copy.spool, err);
out:
    rt_spool_close(copy.spool);
    rt_source_close(file);
    free(chunk);
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
