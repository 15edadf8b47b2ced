#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/rebuild.h"

#include <inttypes.h>
#include <stdlib.h>

static void report_json(const struct rt_rebuild_result *result)
{
    rt_json_say(json_pack("{s:s, s:i, s:b, s:b, s:I, s:I, s:I, s:s?}", "command", "rebuild",
                          "status", 0, "changed", !result->is_whole, "continued",
                          result->is_continued, "lines", (json_int_t)result->lines, "files",
                          (json_int_t)result->files, "deltas", (json_int_t)result->deltas,
                          "old_state", result->old));
}

static void report(const struct rt_session *session, const struct rt_rebuild_result *result)
{
    if (session->json) {
        report_json(result);
        return;
    }
    if (result->is_whole) {
        rt_tell(session, "state.db is whole and knows all of the archive: nothing to do\n");
        return;
    }
    rt_say("state.db is made again%s: %" PRId64 " line%s of the journal, %" PRId64
           " file%s, %" PRId64 " delta%s\n",
           result->is_continued ? " from the older one" : "", result->lines,
           result->lines == 1 ? "" : "s", result->files, result->files == 1 ? "" : "s",
           result->deltas, result->deltas == 1 ? "" : "s");
    if (result->old != NULL)
        rt_tell(session, "the old state is kept as %s\n", result->old);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_rebuild_result result;

    if (rt_args_count(args, 0, 0, err) < 0)
        return -1;
    if (rt_rebuild(session->profile, session->rules.now, &session->log, &result, err) < 0) {
        free(result.old);
        return -1;
    }
    report(session, &result);
    free(result.old);
    return 0;
}

const struct rt_cmd rt_cmd_rebuild = {
    .name = "rebuild",
    .synopsis = "",
    .summary = "make the state again from the archive and its journal",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK,
    .run = run,
};
