#include "lib/baseline_report.h"

#include "lib/diff_line.h"
#include "lib/publish.h"

#include <stdlib.h>

#define MARK "side,change," /* how its header begins */

static int write_line(struct rt_baseline_report *report, struct rt_err *err)
{
    int rc = rt_spool_write(report->spool, rt_buf_str(&report->line), report->line.len, err);

    rt_buf_reset(&report->line);
    return rc;
}

static int write_header(struct rt_baseline_report *report, struct rt_err *err)
{
    if (rt_diff_line_put_names(&report->writer, report->schema, &report->line, err) < 0)
        return -1;
    return write_line(report, err);
}

int rt_baseline_report_open(struct rt_baseline_report *report, const struct rt_schema *schema,
                            const char *path, struct rt_err *err)
{
    struct rt_csv_writer_options options = {.delimiter = ','};
    const char *slash = path ? strrchr(path, '/') : NULL;
    char *folder;
    int rc;

    *report = (struct rt_baseline_report){.schema = schema};
    if (rt_csv_writer_init(&report->writer, &options, err) < 0)
        return -1;
    if (path == NULL)
        return 0;
    if (rt_publish_may_replace(path, MARK, err) < 0)
        return -1;
    folder = slash == NULL ? rt_xstrdup(".")
                           : rt_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
    rc = rt_spool_open(folder, slash ? slash + 1 : path, true, &report->spool, err);
    free(folder);
    return rc < 0 ? -1 : write_header(report, err);
}

int rt_baseline_report_add(struct rt_baseline_report *report, const struct rt_record *record,
                           const struct rt_decision decision[2],
                           const struct rt_baseline_line *line, struct rt_err *err)
{
    const struct rt_diff_line text = {
        .side = line->side,
        .change = line->change,
        .id = {record->end[RT_EXTERNAL].id, record->end[RT_NATIVE].id},
        .field = rt_slice_str(line->field ? line->field->name : ""),
        .before = line->before.raw,
        .after = line->after.raw,
        .action = {rt_action_name(decision[RT_EXTERNAL].action),
                   rt_action_name(decision[RT_NATIVE].action)},
        .reason = line->reason,
    };

    if (report->spool == NULL)
        return 0;
    if (rt_diff_line_put(&report->writer, report->schema, &text, &report->line, err) < 0)
        return -1;
    return write_line(report, err);
}

int rt_baseline_report_end(struct rt_baseline_report *report, struct rt_err *err)
{
    return report->spool == NULL ? 0 : rt_spool_commit(report->spool, err);
}

void rt_baseline_report_close(struct rt_baseline_report *report)
{
    rt_spool_close(report->spool);
    rt_csv_writer_clear(&report->writer);
    rt_buf_clear(&report->line);
}
