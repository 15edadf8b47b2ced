#include "lib/outbox_hand.h"

#include "lib/command.h"
#include "lib/decide.h"
#include "lib/source.h"

#include <stdlib.h>

#define CROSSWALK_MAX ((size_t)256 << 20)

static int keep_output(void *context, const char *bytes, size_t len, struct rt_err *err)
{
    struct rt_buf *out = context;

    if (out->len + len > CROSSWALK_MAX)
        return rt_err_set(
            err, RT_DATA,
            "load printed more than a crosswalk of %zu bytes: let it print only pairs of IDs",
            CROSSWALK_MAX);
    rt_buf_add(out, bytes, len);
    return 0;
}

/* transport = command: load takes the file, and may print the IDs that it gave. */
static int load(struct rt_push *push, const struct rt_side_config *settings, const char *path,
                struct rt_err *err)
{
    char *full = realpath(path, NULL);
    struct rt_command command = {.text = settings->load,
                                 .argument = full ? full : path,
                                 .folder = push->work->profile,
                                 .deadline_ms =
                                     rt_clock_monotonic_ms() + settings->deadline * 1000};
    int rc;

    rc = rt_command_run(&command, keep_output, &push->crosswalk, err);
    free(full);
    return rc;
}

static int open_remote(struct rt_push *push, enum rt_side side, struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];
    int64_t deadline = push->began_ms + settings->deadline * 1000;

    if (push->remote[side] != NULL)
        return 0;
    return rt_remote_open_patient(settings, push->work->profile, deadline, push->work->log,
                                  &push->remote[side], err);
}

typedef int remote_act(struct rt_remote *remote, const char *local, const char *folder,
                       const char *name, struct rt_err *err);

/* A connection that was lost on the way is made again: delivering looks first what is there. */
static int at_remote(struct rt_push *push, enum rt_side side, remote_act *act, const char *path,
                     const char *name, struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];

    for (int left = settings->retries;; left--) {
        struct rt_remote *remote;
        int rc;

        if (open_remote(push, side, err) < 0)
            return -1;
        remote = push->remote[side];
        rc = act(remote, path, settings->imports, name, err);
        if (rc >= 0 || err->code != RT_UNREACHABLE || left <= 0 ||
            rt_clock_monotonic_ms() >= remote->deadline_ms)
            return rc;
        rt_log_warn(push->work->log, "%s; connecting again", err->msg);
        rt_remote_close(remote);
        push->remote[side] = NULL;
    }
}

int rt_hand_look(struct rt_push *push, enum rt_side side, const char *path, const char *name,
                 struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];
    int there;

    if (settings->transport == RT_TRANSPORT_COMMAND)
        return 0;
    there = at_remote(push, side, rt_remote_is_delivered, path, name, err);
    return there < 0 ? rt_err_context(err, "%s", settings->label) : there;
}

/* With -q nothing else tells which side and file an error is about. */
int rt_hand_over(struct rt_push *push, enum rt_side side, const char *path, const char *name,
                 struct rt_err *err)
{
    const struct rt_side_config *settings = &push->work->rules.config->side[side];

    rt_buf_reset(&push->crosswalk);
    if (settings->transport != RT_TRANSPORT_COMMAND)
        return at_remote(push, side, rt_remote_deliver, path, name, err) == 0
                   ? 0
                   : rt_err_context(err, "%s", settings->label);
    return load(push, settings, path, err) == 0
               ? 0
               : rt_err_context(err, "%s: %s", settings->label, name);
}

/* The load has ended with 0, so the delta is handed over whatever it printed: to run it again could
 * make every row twice. */
int rt_hand_bind(struct rt_push *push, struct rt_err *err)
{
    struct rt_source_memory memory;
    struct rt_source source;
    struct rt_bind_counts counts = {{0}};

    if (push->crosswalk.len == 0)
        return 0;
    rt_source_from_memory(&memory, rt_buf_slice(&push->crosswalk), &source);
    if (rt_decide_bind_csv(push->work, &source, "the output of load", RT_TOLD_BY_LOADER, &counts,
                           err) < 0) {
        if (err->code != RT_DATA)
            return -1;
        rt_log_warn(push->work->log,
                    "%s: from there on no pairs of IDs are learnt: give them to roundtrip bind",
                    err->msg);
    }
    rt_log_info(push->work->log, "%lld %s of IDs learnt from load", (long long)counts.of[RT_BOUND],
                counts.of[RT_BOUND] == 1 ? "pair" : "pairs");
    return 0;
}

void rt_hand_close(struct rt_push *push)
{
    rt_remote_close(push->remote[0]);
    rt_remote_close(push->remote[1]);
    rt_buf_clear(&push->crosswalk);
}
