/*
 * Fills a report from the state.  What a person must decide is added by the caller, who can name
 * it (rt_report_add_item); the verdict, too.
 */
#ifndef RT_REPORT_READ_H
#define RT_REPORT_READ_H

#include "lib/config.h"
#include "lib/report.h"
#include "lib/store.h"

/* `since`: RT_NEVER for a year.  Caller clears the report, also after a failure. */
int rt_report_read(struct rt_store *store, const struct rt_config *config, int64_t now,
                   int64_t since, struct rt_report *report, struct rt_err *err) RT_MUST_CHECK;

#endif
