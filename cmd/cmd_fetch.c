#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/fetch.h"

static const struct rt_option options[] = {
    {"to", "SIDE", "the side, instead of the word"},
    {"stamp", "T", "the time of these files, in UTC: 2026-11-21T06:00:00Z"},
    {"snapshot", NULL, "these files hold everything, not only changes"},
    {"once", NULL, "work although the profile is paused, and leave it paused"},
    {NULL, NULL, NULL},
};

struct told {
    const struct rt_session *session;
    json_t *list;
};

static void tell(void *context, const char *path)
{
    struct told *told = context;

    if (told->session->json)
        json_array_append_new(told->list, json_string(path));
    else
        rt_say_path(told->session, path);
}

static int read_stamp(const struct rt_args *args, int64_t *stamp, struct rt_err *err)
{
    const char *text = rt_args_get(args, "stamp");

    *stamp = RT_NEVER;
    if (text == NULL || rt_time_parse(text, stamp))
        return 0;
    return rt_err_set(err, RT_USAGE, "--stamp %s: not a time; write it as 2026-11-21T06:00:00Z",
                      text);
}

/* fetch SIDE FILE..., or fetch --to SIDE FILE...: where the files begin among the words. */
static size_t first_file(const struct rt_args *args)
{
    return rt_args_has(args, "to") ? 0 : 1;
}

static bool has_files(const struct rt_args *args)
{
    return args->word_count > first_file(args);
}

/* Only fetching from a transport stops while paused: files in hand may always be brought in (R13).
 */
static int check_allowed(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    if (has_files(args) || rt_args_has(args, "once"))
        return 0;
    return rt_profile_check_active(session->store, err);
}

static int side_of_files(const struct rt_session *session, const struct rt_args *args,
                         enum rt_side *side, struct rt_err *err)
{
    const char *word = rt_args_has(args, "to") ? rt_args_get(args, "to") : args->words[0];

    return rt_session_side(session, word, side, err);
}

static int check(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    enum rt_side side;
    int64_t stamp;

    if (read_stamp(args, &stamp, err) < 0)
        return -1;
    if (has_files(args))
        return side_of_files(session, args, &side, err);
    if (stamp != RT_NEVER || rt_args_has(args, "snapshot"))
        return rt_err_set(err, RT_USAGE,
                          "--stamp and --snapshot go with files: roundtrip fetch SIDE FILE...");
    return rt_session_chosen_side(session, args, &side, err) < 0 ? -1 : 0;
}

static int fetch_files(struct rt_session *session, const struct rt_args *args,
                       const struct rt_fetch_options *fetch, struct rt_err *err)
{
    enum rt_side side;

    if (side_of_files(session, args, &side, err) < 0)
        return -1;
    for (size_t i = first_file(args); i < args->word_count; i++)
        if (rt_fetch_path(&session->work, side, args->words[i], fetch, err) < 0)
            return -1;
    return 0;
}

static int fetch_sides(struct rt_session *session, const struct rt_args *args,
                       const struct rt_fetch_options *fetch, struct rt_err *err)
{
    enum rt_side only = RT_EXTERNAL;
    int chosen = rt_session_chosen_side(session, args, &only, err);

    if (chosen < 0)
        return -1;
    return chosen == 1 ? rt_fetch_side(&session->work, only, fetch, err)
                       : rt_fetch_both(&session->work, fetch, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct told told = {session, json_array()};
    struct rt_fetch_options fetch = {
        .is_snapshot = rt_args_has(args, "snapshot"), .tell = tell, .context = &told};
    int rc = -1;

    if (read_stamp(args, &fetch.stamp, err) < 0 || check_allowed(session, args, err) < 0)
        goto out;
    if (has_files(args))
        rc = fetch_files(session, args, &fetch, err);
    else
        rc = fetch_sides(session, args, &fetch, err);
    if (rc == 0 && (rt_session_begin(session, err) < 0 || rt_session_commit(session, 0, err) < 0))
        rc = -1;
    if (rc == 0 && session->json)
        rt_json_say(
            json_pack("{s:s, s:i, s:O}", "command", "fetch", "status", 0, "files", told.list));
out:
    json_decref(told.list);
    return rc;
}

const struct rt_cmd rt_cmd_fetch = {
    .name = "fetch",
    .synopsis = "[SIDE [FILE...]] [--to SIDE] [--stamp T] [--snapshot] [--once]",
    .summary = "bring new export files in, oldest first",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_LOCK | RT_NEEDS_CHANGE,
    .check = check,
    .run = run,
};
