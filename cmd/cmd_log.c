#include "cmd/cmd.h"
#include "cmd/json.h"

#include <string.h>

static const struct rt_option options[] = {
    {"since", "T", "only runs since a time (2026-11-21) or in the last hours or days (36h, 3d)"},
    {NULL, NULL, NULL},
};

/* "EverTrue: files 1, rows 12, new 2, echo 10", without what did not happen. */
static void say_counts(const struct rt_session *session, const char *text)
{
    json_t *counts = text ? json_loads(text, 0, NULL) : NULL, *value;
    const char *word;

    for (int s = 0; s < 2; s++) {
        struct rt_buf line = {0};

        json_object_foreach(json_object_get(counts, rt_side_name((enum rt_side)s)), word,
                            value) if (json_integer_value(value) != 0 && strcmp(word, "bytes") != 0)
            rt_buf_printf(&line, "%s%s %lld", line.len ? ", " : "", word,
                          (long long)json_integer_value(value));
        if (line.len)
            rt_say_wrapped(8, "    %s: %s\n", session->config->side[s].label, rt_buf_str(&line));
        rt_buf_clear(&line);
    }
    json_decref(counts);
}

/* "0.35 s taking in, 0.02 s planning, 0.10 s writing": where it took any time worth telling. */
static void say_seconds(const char *text)
{
    static const struct {
        const char *stage, *words;
    } stages[] = {{"intake", "taking in"}, {"plan", "planning"}, {"write", "writing"}};
    json_t *counts = text ? json_loads(text, 0, NULL) : NULL;
    struct rt_buf line = {0};

    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        double s =
            json_number_value(json_object_get(json_object_get(counts, "seconds"), stages[i].stage));

        if (s >= 0.05)
            rt_buf_printf(&line, "%s%.1f s %s", line.len ? ", " : "", s, stages[i].words);
    }
    if (line.len)
        rt_say_wrapped(4, "    %s\n", rt_buf_str(&line));
    rt_buf_clear(&line);
    json_decref(counts);
}

/* A number alone says little to people. */
static const char *meaning(const struct rt_run *run)
{
    bool is_bind = strcmp(run->command, "bind") == 0;

    return run->status == RT_STOPPED ? ": stopped, a person must act"
           : run->status == RT_DATA
               ? is_bind ? ": a line was refused" : ": a refused file: see roundtrip review"
           : run->status == RT_UNREACHABLE ? ": the other end could not be reached"
           : run->status == RT_IO          ? ": reading or writing failed"
           : run->status == RT_REFUSED     ? ": refused: host key, login, or file permissions"
                                           : "";
}

struct telling {
    const struct rt_session *session;
    struct rt_buf list; /* for JSON */
};

static int tell(void *context, const struct rt_run *run, struct rt_err *err)
{
    struct telling *t = context;
    char when[RT_TIME_SIZE];

    (void)err;
    if (t->session->json) {
        json_t *counts = run->counts ? json_loads(run->counts, 0, NULL) : NULL;

        rt_json_add(&t->list,
                    json_pack("{s:I, s:s, s:o, s:o, s:o, s:o}", "run", (json_int_t)run->id,
                              "command", run->command, "started", rt_json_time(run->started),
                              "ended", rt_json_time(run->ended), "status",
                              run->ended == RT_NEVER ? json_null() : json_integer(run->status),
                              "counts", counts ? counts : json_null()));
        return 0;
    }
    rt_say("%s  %-9s ", rt_time_format(run->started, when), run->command);
    if (run->ended == RT_NEVER)
        rt_say("did not end\n");
    else
        rt_say("%sstatus %d%s%s\n", run->status ? rt_mark(RT_MARK_BAD) : "", run->status,
               meaning(run), run->status ? rt_mark(RT_MARK_END) : "");
    say_counts(t->session, run->counts);
    say_seconds(run->counts);
    return 0;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct telling t = {.session = session};
    int64_t since;
    int rc = -1;

    if (rt_args_count(args, 0, 0, err) == 0 && rt_session_since(session, args, &since, err) == 0)
        rc = rt_store_each_run(session->store, since, tell, &t, err);
    if (rc == 0 && session->json)
        rt_say("{\"command\":\"log\",\"status\":0,\"runs\":[%s]}\n", rt_buf_str(&t.list));
    rt_buf_clear(&t.list);
    return rc;
}

const struct rt_cmd rt_cmd_log = {
    .name = "log",
    .synopsis = "[--since T]",
    .summary = "the runs with their counts, the newest last",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_STATE,
    .run = run,
};
