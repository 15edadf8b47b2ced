#include "lib/baseline_report.h"

#include <stdlib.h>

static int put(struct rt_baseline_report *report, struct rt_slice text, struct rt_err *err)
{
    return rt_csv_put(&report->writer, &report->line, text, err);
}

static int write_line(struct rt_baseline_report *report, const struct rt_slice *cells, size_t count,
                      struct rt_err *err)
{
    rt_buf_reset(&report->line);
    for (size_t i = 0; i < count; i++)
        if (put(report, cells[i], err) < 0)
            return -1;
    rt_csv_end_row(&report->writer, &report->line);
    return rt_spool_write(report->spool, rt_buf_str(&report->line), report->line.len, err);
}

int rt_baseline_report_open(struct rt_baseline_report *report, const char *path, struct rt_err *err)
{
    static const char *const names[] = {"side",          "change", "external_id", "native_id",
                                        "field",         "before", "after",       "external_action",
                                        "native_action", "reason"};
    struct rt_csv_writer_options options = {.delimiter = ','};
    struct rt_slice cells[sizeof names / sizeof *names];
    const char *slash = path ? strrchr(path, '/') : NULL;
    char *folder;
    int rc;

    *report = (struct rt_baseline_report){0};
    if (rt_csv_writer_init(&report->writer, &options, err) < 0)
        return -1;
    if (path == NULL)
        return 0;
    folder = slash == NULL ? rt_xstrdup(".")
                           : rt_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
    rc = rt_spool_open(folder, slash ? slash + 1 : path, true, &report->spool, err);
    free(folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cells[i] = rt_slice_str(names[i]);
    return rc < 0 ? -1 : write_line(report, cells, sizeof names / sizeof *names, err);
}

int rt_baseline_report_add(struct rt_baseline_report *report, const struct rt_record *record,
                           const struct rt_decision decision[2],
                           const struct rt_baseline_line *line, struct rt_err *err)
{
    struct rt_slice cells[] = {rt_slice_str(line->side),
                               rt_slice_str(line->change),
                               record->end[RT_EXTERNAL].id,
                               record->end[RT_NATIVE].id,
                               rt_slice_str(line->field ? line->field->name : ""),
                               line->before.raw,
                               line->after.raw,
                               rt_slice_str(rt_action_name(decision[RT_EXTERNAL].action)),
                               rt_slice_str(rt_action_name(decision[RT_NATIVE].action)),
                               rt_slice_str(line->reason)};

    return report->spool == NULL ? 0 : write_line(report, cells, sizeof cells / sizeof *cells, err);
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
