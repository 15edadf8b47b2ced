#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/status.h"

#include <stdio.h>

static const struct rt_option options[] = {
    {"check", NULL, "one line and exit 0, 1 or 2, as monitoring plugins do"},
    {NULL, NULL, NULL},
};

static const char *const steps[] = {"fetch", "emit", "push"};

static const char *time_or_never(int64_t t, char out[RT_TIME_SIZE])
{
    return t == RT_NEVER ? "never" : rt_time_format(t, out);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- for people ---- */

static void say_due(const struct rt_status_side *side)
{
    if (side->due_count == 0) {
        rt_say("  due        nothing\n");
        return;
    }
    rt_say("  due        %lld ready, %lld waiting, %lld for review, %lld not to be sent\n",
           (long long)side->ready, (long long)side->waiting, (long long)side->review,
           (long long)side->excluded);
    for (size_t i = 0; i < side->due_count; i++)
        rt_say_wrapped(13, "    %7lld  %s: %s\n", (long long)side->due[i].rows, side->due[i].action,
                       side->due[i].reason);
}

/* Deltas that nobody will ever see confirmed are only counted: their list grows for ever. */
static void say_flight(const struct rt_status_side *side, bool shows_imports)
{
    char when[RT_TIME_SIZE];

    if (side->flight_count)
        rt_say_wrapped(13, "  in flight  %lld row%s of %zu delta%s%s\n",
                       (long long)side->flight_rows, plural(side->flight_rows), side->flight_count,
                       plural((int64_t)side->flight_count),
                       shows_imports ? "" : ": its exports do not show what it imported");
    for (size_t i = 0; shows_imports && i < side->flight_count; i++)
        rt_say("    %7lld  delta %06lld, handed over %s%s%s%s\n", (long long)side->flight[i].rows,
               (long long)side->flight[i].number, rt_time_format(side->flight[i].handed_at, when),
               side->flight[i].is_overdue ? rt_mark(RT_MARK_BAD) : "",
               side->flight[i].is_overdue ? ": overdue" : "",
               side->flight[i].is_overdue ? rt_mark(RT_MARK_END) : "");
}

static void say_side(const struct rt_session *session, const struct rt_status *status,
                     enum rt_side s)
{
    const struct rt_status_side *side = &status->side[s];
    const struct rt_side_config *settings = &session->config->side[s];
    char when[RT_TIME_SIZE];

    rt_say_wrapped(2, "%s (%s)\n", settings->label, rt_side_name(s));
    rt_say_wrapped(13, "  newest     %s%s%s%s\n", side->newest ? side->newest : "no file yet",
                   side->newest ? ", stamped " : "",
                   side->newest ? rt_time_format(side->newest_stamp, when) : "",
                   !side->is_too_old ? ""
                   : side->newest    ? ": older than max_age"
                                     : ", and max_age asks for one");
    if (side->must_fetch)
        rt_say("  fetch      required: nothing is sent before it, as it was resumed\n");
    if (side->waiting_files)
        rt_say("  inbox      %lld file%s\n", (long long)side->waiting_files,
               plural(side->waiting_files));
    say_due(side);
    if (side->outbox_deltas)
        rt_say("  outbox     %lld delta%s, %lld row%s\n", (long long)side->outbox_deltas,
               plural(side->outbox_deltas), (long long)side->outbox_rows,
               plural(side->outbox_rows));
    if (side->stops_at)
        rt_say("             %spush stops at delta %06lld%s\n", rt_mark(RT_MARK_CARE),
               (long long)side->stops_at, rt_mark(RT_MARK_END));
    if (side->has_source)
        rt_say("  last       fetched       %s\n", time_or_never(side->fetched, when));
    rt_say("  %-11sdelta written %s\n", side->has_source ? "" : "last",
           time_or_never(side->emitted, when));
    rt_say("             handed over   %s\n", time_or_never(side->pushed, when));
    say_flight(side, settings->shows_imports);
}

static void say(const struct rt_session *session, const struct rt_status *status)
{
    char when[RT_TIME_SIZE];

    if (status->paused != NULL)
        rt_say_wrapped(2, "%s: %spaused %s%s\n", session->config->name, rt_mark(RT_MARK_CARE),
                       status->paused, rt_mark(RT_MARK_END));
    else
        rt_say_wrapped(2, "%s: active\n", session->config->name);
    if (status->is_changed)
        rt_say("schema.csv or roundtrip.ini changed: look at it with roundtrip check\n");
    for (int i = 0; i < 3; i++)
        rt_say("last %-5s   %s\n", steps[i], time_or_never(status->ran[i], when));
    for (int s = 0; s < 2; s++)
        say_side(session, status, (enum rt_side)s);
    rt_say("review: %lld open\n", (long long)status->review_items);
    for (size_t i = 0; i < status->review_count; i++)
        rt_say("    %7lld  %s%s%s\n", (long long)status->review[i].items, rt_mark(RT_MARK_CARE),
               status->review[i].kind, rt_mark(RT_MARK_END));
}

/* ---- for scripts ---- */

static json_t *side_json(const struct rt_session *session, const struct rt_status *status,
                         enum rt_side s)
{
    const struct rt_status_side *side = &status->side[s];
    json_t *due = json_array(), *flight = json_array();

    for (size_t i = 0; i < side->due_count; i++)
        json_array_append_new(due, json_pack("{s:s, s:s, s:I}", "action", side->due[i].action,
                                             "reason", side->due[i].reason, "rows",
                                             (json_int_t)side->due[i].rows));
    for (size_t i = 0; i < side->flight_count; i++)
        json_array_append_new(flight, json_pack("{s:I, s:I, s:o, s:b}", "delta",
                                                (json_int_t)side->flight[i].number, "rows",
                                                (json_int_t)side->flight[i].rows, "handed_over",
                                                rt_json_time(side->flight[i].handed_at), "overdue",
                                                side->flight[i].is_overdue));
    return json_pack("{s:s, s:o, s:o, s:b, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:o, "
                     "s:o, s:o, s:o}",
                     "label", session->config->side[s].label, "newest_file",
                     rt_json_text(side->newest), "newest_stamp", rt_json_time(side->newest_stamp),
                     "too_old", side->is_too_old, "last_fetched", rt_json_time(side->fetched),
                     "fetch_required", side->must_fetch, "inbox_files",
                     (json_int_t)side->waiting_files, "ready", (json_int_t)side->ready, "waiting",
                     (json_int_t)side->waiting, "review", (json_int_t)side->review, "excluded",
                     (json_int_t)side->excluded, "due", due, "outbox_deltas",
                     (json_int_t)side->outbox_deltas, "outbox_rows", (json_int_t)side->outbox_rows,
                     "push_stops_at", side->stops_at ? json_integer(side->stops_at) : json_null(),
                     "last_delta_written", rt_json_time(side->emitted), "last_handed_over",
                     rt_json_time(side->pushed), "in_flight", flight);
}

static void say_json(const struct rt_session *session, const struct rt_status *status, int level,
                     const char *why)
{
    json_t *root = json_pack("{s:s, s:i, s:s, s:o, s:b}", "command", "status", "status", level,
                             "profile", session->config->name, "paused",
                             rt_json_text(status->paused), "schema_changed", status->is_changed);
    json_t *review = json_object();

    for (int i = 0; i < 3; i++) {
        char key[16];

        snprintf(key, sizeof key, "last_%s", steps[i]);
        json_object_set_new(root, key, rt_json_time(status->ran[i]));
    }
    for (int s = 0; s < 2; s++)
        json_object_set_new(root, rt_side_name((enum rt_side)s),
                            side_json(session, status, (enum rt_side)s));
    for (size_t i = 0; i < status->review_count; i++)
        json_object_set_new(review, status->review[i].kind, json_integer(status->review[i].items));
    json_object_set_new(root, "review", review);
    json_object_set_new(root, "why", json_string(why));
    rt_json_say(root);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    static const char *const levels[] = {"OK", "WARNING", "CRITICAL"};
    struct rt_status status = {0};
    struct rt_buf why = {0};
    bool is_check = rt_args_has(args, "check");
    int level = -1;

    if (rt_args_count(args, 0, 0, err) < 0 || rt_status_read(session, &status, err) < 0)
        goto out;
    level = rt_status_judge(session, &status, &why);
    if (session->json)
        say_json(session, &status, is_check ? level : 0, rt_buf_str(&why));
    else if (is_check)
        rt_say("ROUNDTRIP %s - %s: %s\n", levels[level], session->config->name, rt_buf_str(&why));
    else
        say(session, &status);
    if (!is_check)
        level = 0;
out:
    rt_buf_clear(&why);
    rt_status_clear(&status);
    return level;
}

/* What monitors show is standard output, also when the state cannot be used.  One line: cron would
 * mail standard error beside it. */
static void failed(const struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    if (!rt_args_has(args, "check") || session->json)
        return;
    rt_say("ROUNDTRIP %s - %s: %s\n", err->code == RT_STOPPED ? "CRITICAL" : "UNKNOWN",
           session->config ? session->config->name : session->profile, err->msg);
    *err->msg = '\0';
}

const struct rt_cmd rt_cmd_status = {
    .name = "status",
    .synopsis = "[--check]",
    .summary = "what was done last, what is due, under way, overdue and for review",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_STATE,
    .run = run,
    .failed = failed,
};
