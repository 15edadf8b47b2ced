/* check: what the settings and the schema say, and whether they can work. */
#ifndef RT_CHECK_SETTINGS_H
#define RT_CHECK_SETTINGS_H

#include "cmd/cmd.h"

#include <jansson.h>

/* Prints them, and adds to the report.  RT_CONFIG if an `eligible` does not compile, RT_REFUSED for
   a key file that others can read. */
int rt_check_settings(struct rt_session *session, json_t *root, struct rt_err *err) RT_MUST_CHECK;

/* RT_CONFIG if an `eligible` does not compile with these fields. */
int rt_check_eligible(const struct rt_config *config, const struct rt_schema *schema,
                      struct rt_err *err) RT_MUST_CHECK;

#endif
