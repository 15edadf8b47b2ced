#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/baseline.h"

#include <inttypes.h>
#include <unistd.h>

static const struct rt_option options[] = {
    {"external", "CSV", "what the external side holds"},
    {"native", "CSV", "what the native side holds"},
    {"prefer", "SIDE", "where they differ, this side's value counts, and is due for the other"},
    {"insert", "SIDE", "what this side lacks is due for it"},
    {"report", "CSV", "write what differs, and what is on one side only, into this file"},
    {NULL, NULL, NULL},
};

static int read_side(const struct rt_session *session, const struct rt_args *args,
                     const char *option, int *side, struct rt_err *err)
{
    const char *word = rt_args_get(args, option);
    enum rt_side found;

    *side = -1;
    if (word == NULL)
        return 0;
    if (rt_session_side(session, word, &found, err) < 0)
        return -1;
    *side = (int)found;
    return 0;
}

/* The last one would count alone, and what was read is not read again. */
static int refuse_repeated(const struct rt_args *args, struct rt_err *err)
{
    for (const struct rt_option *o = options; o->name != NULL; o++)
        if (rt_args_each(args, o->name, 1) != NULL)
            return rt_err_set(err, RT_USAGE, "--%s is there twice: give it once", o->name);
    return 0;
}

static int read_options(const struct rt_session *session, const struct rt_args *args,
                        struct rt_baseline_options *read, struct rt_err *err)
{
    *read = (struct rt_baseline_options){
        .path = {rt_args_get(args, "external"), rt_args_get(args, "native")},
        .report = rt_args_get(args, "report")};
    if (rt_args_count(args, 0, 0, err) < 0 || refuse_repeated(args, err) < 0 ||
        read_side(session, args, "prefer", &read->prefer, err) < 0 ||
        read_side(session, args, "insert", &read->insert, err) < 0)
        return -1;
    if (read->path[0] == NULL && read->path[1] == NULL)
        return rt_err_set(err, RT_USAGE,
                          "what does a side hold? give --external CSV, --native CSV, or both");
    for (int s = 0; s < 2; s++)
        if (read->path[s] != NULL && access(read->path[s], F_OK) != 0)
            return rt_err_set(err, RT_USAGE, "%s: there is no such file", read->path[s]);
    return 0;
}

static void report_json(const struct rt_baseline_result *result)
{
    rt_json_say(json_pack(
        "{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "command", "baseline", "status", 0,
        "agreed", (json_int_t)result->agreed, "differing", (json_int_t)result->differing,
        "only_external", (json_int_t)result->only[RT_EXTERNAL], "only_native",
        (json_int_t)result->only[RT_NATIVE], "paired_by_fingerprint", (json_int_t)result->paired,
        "due_external", (json_int_t)result->due[RT_EXTERNAL], "due_native",
        (json_int_t)result->due[RT_NATIVE]));
}

/* Both sides hold what could not be read, too, but only a baseline takes it so. */
static void warn_of_rejected(const struct rt_session *session)
{
    int64_t rejected = session->work.counts[0].of[RT_CHANGE_REJECTED] +
                       session->work.counts[1].of[RT_CHANGE_REJECTED];

    if (rejected)
        rt_tell(session,
                "%" PRId64 " %s set aside: mend the files in rejects/ and give them to roundtrip\n"
                "baseline as well, before anything is sent; from fetch they would be new, and go\n"
                "to the other side\n",
                rejected, rejected == 1 ? "row is" : "rows are");
}

static void report(const struct rt_session *session, const struct rt_baseline_result *result)
{
    rt_report_counts(session);
    warn_of_rejected(session);
    if (session->json) {
        report_json(result);
        return;
    }
    rt_say("agreed: %" PRId64 "\ndiffering: %" PRId64 "\n", result->agreed, result->differing);
    for (int s = 0; s < 2; s++)
        rt_say("on %s only: %" PRId64 "\n", session->config->side[s].label, result->only[s]);
    if (result->paired)
        rt_say("paired by fingerprint: %" PRId64 "\n", result->paired);
    for (int s = 0; s < 2; s++)
        rt_say("due for %s: %" PRId64 "\n", session->config->side[s].label, result->due[s]);
    rt_tell(session, "from now on, what a file shows and this does not is an edit: bring in newer "
                     "files\nwith roundtrip fetch, and look with roundtrip diff\n");
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_baseline_options read;
    struct rt_baseline_result result;

    if (read_options(session, args, &read, err) < 0 || rt_work_prepare(&session->work, err) < 0 ||
        rt_session_begin(session, err) < 0 ||
        rt_baseline_run(&session->work, &read, &result, err) < 0 ||
        rt_session_commit(session, 0, err) < 0)
        return -1;
    report(session, &result);
    return 0;
}

const struct rt_cmd rt_cmd_baseline = {
    .name = "baseline",
    .synopsis = "[--external CSV] [--native CSV] [--prefer SIDE] [--insert SIDE] [--report CSV]",
    .summary = "the one-off start: both sides already hold this",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE | RT_NEEDS_CONTRACT,
    .run = run,
};
