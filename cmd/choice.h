/* --to, --only, --limit and their kin: what emit and diff have in common. */
#ifndef RT_CHOICE_H
#define RT_CHOICE_H

#include "cmd/cmd.h"
#include "lib/emit.h"

struct rt_choice {
    struct rt_emit_options options;
    int64_t *only;
};

/* What can be wrong of them whatever the state holds: RT_USAGE. */
int rt_choice_check(struct rt_session *session, const struct rt_args *args,
                    struct rt_err *err) RT_MUST_CHECK;

/* Reads the options; IDs are looked up, so the inbox has to be taken in first.  Caller clears. */
int rt_choice_read(struct rt_session *session, const struct rt_args *args, struct rt_choice *choice,
                   struct rt_err *err) RT_MUST_CHECK;
void rt_choice_clear(struct rt_choice *choice);

/* RT_DATA if a file was refused, which was told then, or something is due for a side that waits for
 * a decision about an earlier one, which is told now; else 0. */
int rt_choice_status(const struct rt_session *session, const struct rt_emit *emit);

#endif
