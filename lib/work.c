#include "lib/work.h"

#include <inttypes.h>
#include <stdlib.h>

void rt_work_init(struct rt_work *work, struct rt_store *store, const struct rt_rules *rules,
                  const char *profile)
{
    *work = (struct rt_work){.store = store, .rules = *rules, .profile = profile};
}

void rt_work_clear(struct rt_work *work)
{
    rt_expr_close(work->eligible[0]);
    rt_expr_close(work->eligible[1]);
    rt_digest_writer_close(work->digests[0].writer);
    rt_digest_writer_close(work->digests[1].writer);
    free(work->emptied[0].file);
    free(work->emptied[1].file);
    rt_rid_set_clear(&work->settler.done);
    free(work->fresh);
    rt_rid_set_clear(&work->fresh_set);
    for (int s = 0; s < 2; s++)
        rt_rid_set_clear(&work->shown[s]);
    *work = (struct rt_work){0};
}

int rt_work_prepare(struct rt_work *work, struct rt_err *err)
{
    work->lap = rt_clock_stopwatch_ms();
    for (int s = 0; s < 2; s++) {
        const char *text = work->rules.config->side[s].eligible;

        if (text == NULL || rt_expr_open(text, work->rules.schema, &work->eligible[s], err) == 0)
            continue;
        return rt_err_context(
            err, "%s",
            rt_config_place(work->rules.config, rt_side_name((enum rt_side)s), "eligible").text);
    }
    return 0;
}

void rt_work_touch(struct rt_work *work, int64_t rid)
{
    if (!rt_rid_set_add(&work->fresh_set, rid))
        return;
    work->fresh = rt_xgrow(work->fresh, work->fresh_count, sizeof *work->fresh);
    work->fresh[work->fresh_count++] = rid;
}

void rt_work_untouch(struct rt_work *work, size_t count)
{
    while (work->fresh_count > count)
        rt_rid_set_remove(&work->fresh_set, work->fresh[--work->fresh_count]);
}

void rt_work_lap(struct rt_work *work, enum rt_lap stage)
{
    int64_t now = rt_clock_stopwatch_ms();

    work->stage_ms[stage] += now - work->lap;
    work->lap = now;
}

const char *rt_seconds_json(const struct rt_work *work, struct rt_arena *arena)
{
    static const char *const names[RT_LAP_COUNT] = {"intake", "plan", "write", "commit"};
    struct rt_buf text = {0};
    const char *json;

    for (int i = 0; i < RT_LAP_COUNT; i++)
        rt_buf_printf(&text, "%s\"%s\":%" PRId64 ".%03d", i ? "," : "{", names[i],
                      work->stage_ms[i] / 1000, (int)(work->stage_ms[i] % 1000));
    rt_buf_add_char(&text, '}');
    json = rt_arena_strdup(arena, rt_buf_str(&text));
    rt_buf_clear(&text);
    return json;
}

const char *rt_counts_json(const struct rt_counts *counts, struct rt_arena *arena)
{
    struct rt_buf text = {0};
    const char *json;

    rt_buf_printf(&text,
                  "{\"files\":%" PRId64 ",\"known_files\":%" PRId64 ",\"refused_files\":%" PRId64
                  ",\"rows\":%" PRId64 ",\"bytes\":%" PRId64,
                  counts->files, counts->known_files, counts->refused_files, counts->rows,
                  counts->bytes);
    for (int i = 0; i < RT_CHANGE_COUNT; i++)
        rt_buf_printf(&text, ",\"%s\":%" PRId64, rt_change_name((enum rt_change)i), counts->of[i]);
    rt_buf_printf(&text,
                  ",\"bound\":%" PRId64 ",\"held\":%" PRId64 ",\"frozen\":%" PRId64
                  ",\"missing\":%" PRId64 "}",
                  counts->bound, counts->held, counts->frozen, counts->missing);
    json = rt_arena_strdup(arena, rt_buf_str(&text));
    rt_buf_clear(&text);
    return json;
}
