/* check --connect: can the other ends be reached, and what is there? */
#ifndef RT_CHECK_CONNECT_H
#define RT_CHECK_CONNECT_H

#include "cmd/cmd.h"

#include <jansson.h>

/* Looks at both sides, also if one of them fails; then the first failure is returned.  Adds to the
 * report. */
int rt_check_connect(struct rt_session *session, json_t *root, struct rt_err *err) RT_MUST_CHECK;

#endif
