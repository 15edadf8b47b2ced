#include "lib/run.h"

#include <inttypes.h>
#include <stdlib.h>

int rt_run_begin(struct rt_work *work, const char *command, struct rt_err *err)
{
    char *line;
    int rc;

    if (rt_store_begin_run(work->store, command, work->rules.now, &work->run, err) < 0)
        return -1;
    line = rt_xasprintf("{\"at\":%" PRId64 ",\"what\":\"begin\",\"run\":%" PRId64
                        ",\"command\":\"%s\"}",
                        work->rules.now, work->run, command);
    rc = rt_store_add_journal(work->store, line, err);
    free(line);
    return rc;
}

static char *counts_json(const struct rt_work *work)
{
    struct rt_arena arena = {0};
    char *text = rt_xasprintf("{\"external\":%s,\"native\":%s,\"seconds\":%s}",
                              rt_counts_json(&work->counts[RT_EXTERNAL], &arena),
                              rt_counts_json(&work->counts[RT_NATIVE], &arena),
                              rt_seconds_json(work, &arena));

    rt_arena_clear(&arena);
    return text;
}

int rt_run_end(struct rt_work *work, int status, int64_t ended, struct rt_err *err)
{
    char *counts = counts_json(work);
    char *line = rt_xasprintf("{\"at\":%" PRId64 ",\"what\":\"end\",\"run\":%" PRId64
                              ",\"status\":%d,\"ended\":%" PRId64 "}",
                              work->rules.now, work->run, status, ended);
    int rc = rt_store_end_run(work->store, work->run, ended, status, counts, err);

    if (rc == 0)
        rc = rt_store_add_journal(work->store, line, err);
    free(line);
    free(counts);
    return rc;
}
