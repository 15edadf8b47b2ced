#include "cmd/choice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static int read_only(struct rt_session *session, const struct rt_args *args,
                     struct rt_choice *choice, struct rt_err *err)
{
    const char *id;
    size_t n = 0;

    for (; (id = rt_args_each(args, "only", n)) != NULL; n++) {
        choice->only = rt_xgrow(choice->only, n, sizeof *choice->only);
        if (rt_session_record(session, id, &choice->only[n], err) < 0)
            return -1;
    }
    choice->options.only = choice->only;
    choice->options.only_count = n;
    return 0;
}

static int read_limit(const struct rt_args *args, int64_t *limit, struct rt_err *err)
{
    const char *text = rt_args_get(args, "limit");
    char *end;

    *limit = RT_NO_LIMIT;
    if (text == NULL)
        return 0;
    errno = 0;
    *limit = strtoll(text, &end, 10);
    if (end == text || *end || errno || *limit < 0)
        return rt_err_set(err, RT_USAGE, "--limit %s: not a number of at least 0", text);
    return 0;
}

static int read_options(const struct rt_session *session, const struct rt_args *args,
                        struct rt_emit_options *options, struct rt_err *err)
{
    const char *to = rt_args_get(args, "to");
    enum rt_side side;

    *options = (struct rt_emit_options){.is_to = {true, true},
                                        .approve = rt_args_get(args, "approve"),
                                        .historical = rt_args_has(args, "historical")};
    if (to != NULL) {
        if (rt_session_side(session, to, &side, err) < 0)
            return -1;
        options->is_to[rt_side_other(side)] = false;
    }
    return read_limit(args, &options->limit, err);
}

int rt_choice_check(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_emit_options options;

    return read_options(session, args, &options, err);
}

int rt_choice_read(struct rt_session *session, const struct rt_args *args, struct rt_choice *choice,
                   struct rt_err *err)
{
    *choice = (struct rt_choice){0};
    if (read_options(session, args, &choice->options, err) < 0)
        return -1;
    return read_only(session, args, choice, err);
}

void rt_choice_clear(struct rt_choice *choice)
{
    free(choice->only);
    *choice = (struct rt_choice){0};
}

int rt_choice_status(const struct rt_session *session, const struct rt_emit *emit)
{
    int status = 0;

    for (int s = 0; s < 2; s++) {
        const struct rt_side_plan *plan = &emit->side[s];

        if (session->work.refused[s]) {
            status = RT_DATA;
        } else if (plan->is_blocked && plan->waiting > 0) {
            status = RT_DATA;
            rt_log_warn(session->work.log,
                        "%s, so nothing is sent there: %" PRId64 " wait: see roundtrip review",
                        plan->reason, plan->waiting);
        }
    }
    return status;
}
