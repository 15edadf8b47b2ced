#include "lib/outbox_internal.h"

#include "lib/delta.h"
#include "lib/filename.h"
#include "lib/plant.h"
#include "lib/source.h"
#include "lib/spool.h"

#include <inttypes.h>
#include <stdlib.h>

char *rt_outbox_folder(const struct rt_work *work, enum rt_side side)
{
    return rt_xasprintf("%s/outbox/%s", work->profile, rt_side_name(side));
}

char *rt_outbox_hidden(int64_t delta, int64_t part)
{
    return rt_xasprintf(".staged-%06" PRId64 "-%" PRId64, delta, part);
}

char *rt_outbox_path(enum rt_side side, const char *name)
{
    return rt_xasprintf("outbox/%s/%s", rt_side_name(side), name);
}

int64_t rt_outbox_parts(const struct rt_work *work, enum rt_side side, int64_t rows)
{
    int64_t batch = work->rules.config->side[side].batch_rows;

    return batch == RT_NO_LIMIT || batch <= 0 ? 1 : (rows + batch - 1) / batch;
}

/* ---- the bytes of one part: plain through the spool, packed through memory ---- */

struct part_writer {
    struct rt_spool *spool;
    struct rt_buf packed; /* gzip: the whole part is packed at its end */
    bool gzip;
};

static int part_open(struct part_writer *w, const char *folder, const char *name, bool gzip,
                     struct rt_err *err)
{
    *w = (struct part_writer){.gzip = gzip};
    return rt_spool_open(folder, name, true, &w->spool, err);
}

static int part_add(struct part_writer *w, struct rt_slice bytes, struct rt_err *err)
{
    if (!w->gzip)
        return rt_spool_write(w->spool, bytes.ptr, bytes.len, err);
    rt_buf_add_slice(&w->packed, bytes);
    return 0;
}

static int part_end(struct part_writer *w, struct rt_err *err)
{
    struct rt_buf gz = {0};
    int rc = 0;

    if (w->gzip) {
        rc = rt_gzip_pack(rt_buf_slice(&w->packed), &gz, err);
        if (rc == 0)
            rc = rt_spool_write(w->spool, gz.ptr, gz.len, err);
        rt_buf_clear(&gz);
    }
    return rc < 0 ? -1 : rt_spool_commit(w->spool, err);
}

static void part_close(struct part_writer *w)
{
    rt_spool_close(w->spool);
    rt_buf_clear(&w->packed);
    *w = (struct part_writer){0};
}

/* ---- a delta's parts, as emit writes them ---- */

struct rt_stage {
    struct rt_work *work;
    const struct rt_delta *delta;
    char *folder;
    struct rt_buf header;
    struct part_writer writer;
    bool is_open;
    struct rt_delta_part part; /* the one under way */
    char *name;                /* its name */
    int64_t batch;
};

int rt_stage_open(struct rt_work *work, const struct rt_delta *delta, struct rt_stage **stage,
                  struct rt_err *err)
{
    struct rt_stage *s = rt_xcalloc(1, sizeof *s);

    s->work = work;
    s->delta = delta;
    s->folder = rt_outbox_folder(work, delta->side);
    s->batch = work->rules.config->side[delta->side].batch_rows;
    s->part = (struct rt_delta_part){.delta = delta->number, .first = 1};
    rt_buf_add_slice(&s->header, delta->header);
    *stage = s;
    return rt_spool_mkdir(s->folder, err);
}

static char *part_name(const struct rt_stage *s)
{
    const struct rt_side_config *settings = &s->work->rules.config->side[s->delta->side];
    struct rt_name_parts parts = {.profile = s->work->rules.config->name,
                                  .side = s->delta->side,
                                  .written_at = s->delta->written_at,
                                  .delta = s->delta->number,
                                  .part = (unsigned)s->part.part,
                                  .parts = (unsigned)s->delta->parts,
                                  .gzip = settings->gzip};

    return rt_output_name(settings->output_name, &parts);
}

static int begin_part(struct rt_stage *s, struct rt_err *err)
{
    const struct rt_side_config *settings = &s->work->rules.config->side[s->delta->side];
    char *hidden;
    int rc;

    s->part.part++;
    s->part.first += s->part.rows;
    s->part.rows = 0;
    free(s->name);
    s->name = part_name(s);
    s->part.name = s->name;
    if (rt_output_name_check(settings, s->name, err) < 0)
        return -1;
    hidden = rt_outbox_hidden(s->delta->number, s->part.part);
    rc = part_open(&s->writer, s->folder, RT_PLANTED("file-first") ? s->name : hidden,
                   settings->gzip, err);
    s->is_open = true;
    free(hidden);
    return rc < 0 ? -1 : part_add(&s->writer, rt_buf_slice(&s->header), err);
}

static int end_part(struct rt_stage *s, struct rt_err *err)
{
    if (part_end(&s->writer, err) < 0)
        return -1;
    s->part.size = rt_spool_size(s->writer.spool);
    s->part.digest = rt_spool_digest(s->writer.spool);
    part_close(&s->writer);
    s->is_open = false;
    return rt_store_add_part(s->work->store, &s->part, err);
}

int rt_stage_add(struct rt_stage *stage, struct rt_slice row, struct rt_err *err)
{
    if (stage->is_open && stage->batch != RT_NO_LIMIT && stage->part.rows >= stage->batch &&
        end_part(stage, err) < 0)
        return -1;
    if (!stage->is_open && begin_part(stage, err) < 0)
        return -1;
    stage->part.rows++;
    return part_add(&stage->writer, row, err);
}

int rt_stage_end(struct rt_stage *stage, struct rt_err *err)
{
    return stage->is_open ? end_part(stage, err) : 0;
}

void rt_stage_close(struct rt_stage *stage)
{
    if (stage == NULL)
        return;
    part_close(&stage->writer);
    rt_buf_clear(&stage->header);
    free(stage->folder);
    free(stage->name);
    free(stage);
}

/* ---- a part made again from the state ---- */

struct render {
    struct rt_work *work;
    struct rt_delta_format format;
    struct part_writer writer;
    struct rt_arena arena;
    struct rt_buf row;
};

static enum rt_action action_of(int code)
{
    return code == RT_ROW_INSERT   ? RT_ACTION_INSERT
           : code == RT_ROW_UPDATE ? RT_ACTION_UPDATE
                                   : RT_ACTION_DELETE;
}

static int render_row(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    struct render *r = context;
    struct rt_delta_cells cells = {.id = {row->id[0], row->id[1]},
                                   .action = action_of((int)row->action)};
    struct rt_record record;

    rt_arena_reset(&r->arena);
    rt_buf_reset(&r->row);
    if (rt_store_content(r->work->store, row->cid, &r->arena, &cells.content, err) < 0 ||
        rt_store_load(r->work->store, row->rid, &r->arena, &record, err) < 0)
        return -1;
    cells.born = record.born;
    cells.record = &record;
    if (rt_delta_row(&r->format, &cells, &r->row, err) < 0)
        return -1;
    return part_add(&r->writer, rt_buf_slice(&r->row), err);
}

int rt_outbox_render(struct rt_work *work, const struct rt_delta *delta,
                     const struct rt_delta_part *part, struct rt_err *err)
{
    struct render r = {.work = work};
    char *folder = rt_outbox_folder(work, delta->side),
         *hidden = rt_outbox_hidden(delta->number, part->part);
    int rc = -1;

    /* The header of now is made only to bring the encoding past its beginning, such as a BOM. */
    if (rt_delta_format_init(&r.format, &work->rules, delta->side, delta->written_at, err) < 0 ||
        rt_delta_header(&r.format, &r.row, err) < 0 || rt_spool_mkdir(folder, err) < 0 ||
        part_open(&r.writer, folder, hidden, work->rules.config->side[delta->side].gzip, err) < 0 ||
        part_add(&r.writer, delta->header, err) < 0 ||
        rt_store_each_row(work->store,
                          &(struct rt_row_range){delta->number, part->first, part->rows},
                          render_row, &r, err) < 0 ||
        part_end(&r.writer, err) < 0)
        goto out;
    if (!rt_digest_is_equal(rt_spool_digest(r.writer.spool), part->digest)) {
        rt_err_set(err, RT_STOPPED,
                   "%s: its bytes are lost and cannot be made again, since the settings have "
                   "changed: withdraw delta %06" PRId64 ", and its rows are due again",
                   part->name, delta->number);
        goto out;
    }
    rc = 0;
out:
    part_close(&r.writer);
    rt_delta_format_clear(&r.format);
    rt_arena_clear(&r.arena);
    rt_buf_clear(&r.row);
    free(folder);
    free(hidden);
    return rc;
}
