/* The report of a baseline: CSV with the columns of `diff`, one line per field that differs, and
   one per record that is on one side only.  For baseline.c only. */
#ifndef RT_BASELINE_REPORT_H
#define RT_BASELINE_REPORT_H

#include "lib/csv_writer.h"
#include "lib/plan.h"
#include "lib/spool.h"

struct rt_baseline_report {
    struct rt_spool *spool; /* NULL: no report is wanted */
    const struct rt_schema *schema;
    struct rt_csv_writer writer;
    struct rt_buf line;
};

struct rt_baseline_line {
    const char *side;   /* which side's value is in `after`, or which side lacks the record */
    const char *change; /* "conflict", "local" or "missing" */
    const struct rt_field *field;  /* NULL: the record as a whole */
    struct rt_value before, after; /* of the other side, and of `side` */
    const char *reason;
};

int rt_baseline_report_open(struct rt_baseline_report *report, const struct rt_schema *schema,
                            const char *path, struct rt_err *err) RT_MUST_CHECK;
int rt_baseline_report_add(struct rt_baseline_report *report, const struct rt_record *record,
                           const struct rt_decision decision[2],
                           const struct rt_baseline_line *line, struct rt_err *err) RT_MUST_CHECK;
int rt_baseline_report_end(struct rt_baseline_report *report,
                           struct rt_err *err) RT_MUST_CHECK; /* gives the file its name */
void rt_baseline_report_close(struct rt_baseline_report *report);

#endif
