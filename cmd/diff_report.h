/* What diff prints: one line per changed field, in CSV, or the same as JSON, one object a line. */
#ifndef RT_DIFF_REPORT_H
#define RT_DIFF_REPORT_H

#include "cmd/cmd.h"
#include "lib/csv_writer.h"
#include "lib/emit.h"

enum rt_diff_format { RT_DIFF_SUMMARY, RT_DIFF_CSV, RT_DIFF_JSON };

struct rt_diff_report {
    struct rt_session *session;
    struct rt_emit *emit;
    enum rt_diff_format format;
    struct rt_csv_writer writer;
    struct rt_buf line;
    struct rt_rid_set named; /* records that a row named */
    struct rt_arena arena;
};

/* Prints what became of every row, then what is due besides. */
int rt_diff_report(struct rt_diff_report *report, bool spreadsheet,
                   struct rt_err *err) RT_MUST_CHECK;

#endif
