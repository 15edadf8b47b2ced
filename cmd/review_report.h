/* How the review list is told to people and scripts. */
#ifndef RT_REVIEW_REPORT_H
#define RT_REVIEW_REPORT_H

#include "cmd/cmd.h"

#include "lib/csv_writer.h"

enum rt_review_format { RT_REVIEW_LIST, RT_REVIEW_CSV, RT_REVIEW_JSON };

struct rt_review_report {
    struct rt_session *session;
    enum rt_review_format format;
    bool spreadsheet;
    struct rt_csv_writer writer;
    struct rt_buf line;
    struct rt_buf items; /* for JSON, as text */
    int64_t count;
};

int rt_review_begin(struct rt_review_report *report, struct rt_err *err) RT_MUST_CHECK;
int rt_review_tell(struct rt_review_report *report, const struct rt_item *item,
                   struct rt_err *err) RT_MUST_CHECK; /* a line */
int rt_review_show(struct rt_review_report *report, const struct rt_item *item,
                   struct rt_err *err) RT_MUST_CHECK; /* all of it */
/* Prints the JSON, if all went well: else the failure is the one object.  Frees. */
void rt_review_end(struct rt_review_report *report, bool is_well);

#endif
