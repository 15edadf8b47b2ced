#include "cmd/choice.h"
#include "cmd/cmd.h"
#include "cmd/diff_report.h"

#include "lib/decide.h"
#include "lib/intake.h"
#include "lib/outbox.h"
#include "lib/profile.h"
#include "lib/review.h"

#include <inttypes.h>
#include <jansson.h>

static const struct rt_option options[] = {
    {"to", "SIDE", "as emit would with this option"},
    {"only", "ID", "as emit would with this option; may be repeated"},
    {"limit", "N", "as emit would with this option"},
    {"format", "FORMAT",
     "summary (default), csv: a line per changed field, json: the same, an object a line"},
    {"exit-code", NULL, "end with 1 if anything would be sent or reviewed"},
    {"spreadsheet", NULL, "with csv: defuse formulas"},
    {NULL, NULL, NULL},
};

static int read_format(const struct rt_args *args, enum rt_diff_format *format, struct rt_err *err)
{
    const char *word = rt_args_get(args, "format");

    if (word == NULL || strcmp(word, "summary") == 0)
        *format = RT_DIFF_SUMMARY;
    else if (strcmp(word, "csv") == 0)
        *format = RT_DIFF_CSV;
    else if (strcmp(word, "json") == 0)
        *format = RT_DIFF_JSON;
    else
        return rt_err_set(err, RT_USAGE, "--format %s: write summary, csv or json", word);
    return 0;
}

static int take_in(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    enum rt_side side;

    if (rt_work_prepare(&session->work, err) < 0 || rt_session_begin(session, err) < 0 ||
        rt_outbox_notice_gone(&session->work, err) < 0)
        return -1;
    if (args->word_count == 0)
        return rt_intake_inbox(&session->work, err);
    if (rt_session_side(session, args->words[0], &side, err) < 0)
        return -1;
    return rt_intake_paths(&session->work, side, (const char *const *)args->words + 1,
                           args->word_count - 1, err);
}

static void say_summary(struct rt_session *session, const struct rt_emit *emit)
{
    struct rt_buf line = {0};

    for (int s = 0; s < 2; s++) {
        rt_buf_reset(&line);
        rt_add_counts(session, (enum rt_side)s, &line);
        rt_say("%s\n", rt_buf_str(&line));
    }
    rt_buf_clear(&line);
    for (int s = 0; s < 2; s++) {
        const struct rt_side_plan *plan = &emit->side[s];

        rt_say("to %s: %zu to be sent, %" PRId64 " wait, %" PRId64 " in review, %" PRId64
               " not to be sent\n",
               session->config->side[s].label, plan->count, rt_emit_later(plan), plan->review,
               plan->excluded);
    }
    rt_say("plan %s\n", emit->digest);
}

static void say_json(struct rt_session *session, const struct rt_emit *emit, int status)
{
    struct rt_arena arena = {0};

    rt_say("{\"command\":\"diff\",\"status\":%d,\"plan\":\"%s\"", status, emit->digest);
    for (int s = 0; s < 2; s++)
        rt_say(",\"%s\":{\"rows\":%zu,\"waiting\":%" PRId64 ",\"review\":%" PRId64
               ",\"excluded\":%" PRId64 ",\"in\":%s}",
               rt_side_name((enum rt_side)s), emit->side[s].count, rt_emit_later(&emit->side[s]),
               emit->side[s].review, emit->side[s].excluded,
               rt_counts_json(&session->work.counts[s], &arena));
    rt_say("}\n");
    rt_arena_clear(&arena);
}

/* Why emit would write nothing, in its order: a pause, a fetch that is required, the guard. */
static int find_stop(struct rt_session *session, struct rt_emit *emit, struct rt_err *err)
{
    if (rt_profile_check_active(session->store, err) < 0 ||
        rt_profile_check_fresh(session->store, session->config, err) < 0)
        return -1;
    return rt_emit_guard(emit, err);
}

/* diff says what emit would do, so also that it would stop.  Where standard output is for a table,
 * the plan's digest is told beside it. */
static int tell_plan(struct rt_session *session, enum rt_diff_format format, struct rt_emit *emit,
                     struct rt_err *err)
{
    struct rt_err stop;

    if (rt_emit_digest(emit, err) < 0)
        return -1;
    if (session->json || format != RT_DIFF_SUMMARY)
        rt_tell(session, "plan %s\n", emit->digest);
    if (find_stop(session, emit, &stop) < 0) {
        if (stop.code != RT_STOPPED) {
            *err = stop;
            return -1;
        }
        rt_tell(session, "emit would stop: %s\n", stop.msg);
    }
    return 0;
}

static int note_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    bool *is_open = context;

    (void)item;
    (void)err;
    *is_open = true;
    return 0;
}

/* Do such rows ask anything?  Those that were dismissed, and come again, do not.  1, 0, -1. */
static int is_asked(struct rt_session *session, enum rt_change change, enum rt_kind kind,
                    struct rt_err *err)
{
    bool is_open = false;

    if (session->work.counts[RT_EXTERNAL].of[change] + session->work.counts[RT_NATIVE].of[change] ==
        0)
        return 0;
    if (rt_store_each_item(session->store, rt_kind_text(kind)->name, note_item, &is_open, err) < 0)
        return -1;
    return is_open;
}

/* Would anything be sent, or be put on the review list?  1, 0, -1; before: its last item so far. */
static int is_different(struct rt_session *session, const struct rt_emit *emit, int64_t before,
                        struct rt_err *err)
{
    int64_t last;
    int rc;

    for (int s = 0; s < 2; s++) {
        const struct rt_counts *c = &session->work.counts[s];

        if (emit->side[s].count || emit->side[s].review || c->of[RT_CHANGE_SUSPECTED] ||
            c->refused_files)
            return 1; /* a conflict is in review, or a policy has decided it */
    }
    rc = is_asked(session, RT_CHANGE_REJECTED, RT_KIND_REJECTED, err);
    if (rc == 0)
        rc = is_asked(session, RT_CHANGE_CLASH, RT_KIND_CLASH, err);
    if (rc != 0)
        return rc;
    if (rt_decide_note_overdue(&session->work, err) < 0 ||
        rt_store_last_item(session->store, &last, err) < 0)
        return -1;
    return last > before;
}

static int diff(struct rt_session *session, const struct rt_args *args, struct rt_emit *emit,
                int64_t before, struct rt_err *err)
{
    struct rt_diff_report report = {.session = session, .emit = emit};
    int status;

    if (read_format(args, &report.format, err) < 0 || rt_emit_plan(emit, err) < 0 ||
        tell_plan(session, report.format, emit, err) < 0)
        return -1;
    status = rt_choice_status(session, emit);
    if (status == 0 && rt_args_has(args, "exit-code"))
        status = is_different(session, emit, before, err);
    if (status < 0)
        return -1;
    if (session->json)
        say_json(session, emit, status);
    else if (report.format == RT_DIFF_SUMMARY)
        say_summary(session, emit);
    else if (rt_diff_report(&report, rt_args_has(args, "spreadsheet"), err) < 0)
        return -1;
    return status;
}

static int check(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    enum rt_diff_format format;
    enum rt_side side;

    if (args->word_count == 1)
        return rt_err_set(err, RT_USAGE, "which files? roundtrip diff %s FILE...", args->words[0]);
    if (args->word_count && rt_session_side(session, args->words[0], &side, err) < 0)
        return -1;
    return read_format(args, &format, err) < 0 ? -1 : rt_choice_check(session, args, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_choice choice = {0};
    struct rt_emit emit = {0};
    int64_t last_item;
    int rc = -1;

    if (rt_store_last_item(session->store, &last_item, err) < 0 ||
        take_in(session, args, err) < 0 || rt_choice_read(session, args, &choice, err) < 0)
        goto out;
    rt_emit_init(&emit, &session->work, &choice.options);
    rc = diff(session, args, &emit, last_item, err);
out:
    rt_emit_clear(&emit);
    rt_choice_clear(&choice);
    return rc;
}

const struct rt_cmd rt_cmd_diff = {
    .name = "diff",
    .synopsis = "[SIDE FILE...] [--to SIDE] [--only ID]... [--limit N] [--format summary|csv|json] "
                "[--exit-code] [--spreadsheet]",
    .summary = "show what the inbox and what is due would lead to; changes nothing",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_SCRATCH | RT_NEEDS_CONTRACT,
    .check = check,
    .run = run,
};
