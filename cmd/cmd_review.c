#include "cmd/json.h"
#include "cmd/review_choice.h"
#include "cmd/review_report.h"

#include "lib/decide.h"
#include "lib/fault.h"
#include "lib/profile.h"
#include "lib/review.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct rt_option options[] = {
    {"kind", "KIND", "only items of this kind"},
    {"csv", NULL, "list as CSV, a line per item"},
    {"spreadsheet", NULL, "with --csv: defuse formulas"},
    {NULL, NULL, NULL},
};

struct review {
    struct rt_session *session;
    struct rt_review_choice choice;
    struct rt_review_report report;
};

static int read_kind(const struct rt_args *args, const char **kind, struct rt_err *err)
{
    const char *names[RT_KIND_COUNT], *near;

    *kind = rt_args_get(args, "kind");
    if (*kind == NULL || rt_kind_find(*kind) >= 0)
        return 0;
    for (int k = 0; k < RT_KIND_COUNT; k++)
        names[k] = rt_kind_text((enum rt_kind)k)->name;
    near = rt_nearest(*kind, names, RT_KIND_COUNT);
    return rt_err_set(err, RT_USAGE, "--kind %s: there is no such kind%s%s%s", *kind,
                      near ? "; did you mean " : "", near ? near : "",
                      near ? "?" : "; roundtrip-review(1) lists them");
}

/* ---- list and show ---- */

static int list_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct review *r = context;

    rt_listed_set(&r->choice.listed, rt_review_shown(item));
    return rt_review_tell(&r->report, item, err);
}

static int list(struct review *r, struct rt_err *err)
{
    if (r->choice.kind == NULL) {
        rt_listed_clear(&r->choice.listed);
        r->choice.listed.any = true;
    }
    if (rt_store_each_item(r->session->store, r->choice.kind, list_item, r, err) < 0)
        return -1;
    if (r->report.count == 0)
        rt_tell(r->session, "nothing to review\n");
    return 0;
}

static int show(struct review *r, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_item item = {0};
    char *end;
    int64_t number = strtoll(r->choice.spec, &end, 10);
    int rc;

    if (end == r->choice.spec || (*end != '\0' && *end != '@'))
        return rt_err_set(err, RT_USAGE,
                          "\"%s\" is not the number of one item: roundtrip review lists them",
                          r->choice.spec);
    rc = rt_store_item(r->session->store, number, &arena, &item, err);
    if (rc == 0)
        rc = rt_err_set(err, RT_USAGE, "there is no review item %s: roundtrip review lists them",
                        r->choice.spec);
    if (rc == 1)
        rc = rt_review_show(&r->report, &item, err);
    if (rc == 0 && item.is_open)
        rt_listed_set(&r->choice.listed, rt_review_shown(&item));
    rt_arena_clear(&arena);
    return rc;
}

/* Reads a scratch copy, in which what is overdue by now is noted. */
static int look(struct review *r, bool is_list, const struct rt_args *args, struct rt_err *err)
{
    struct rt_err ignored;
    int rc = -1;

    r->report.session = r->session;
    r->report.spreadsheet = rt_args_has(args, "spreadsheet");
    r->report.format = r->session->json           ? RT_REVIEW_JSON
                       : rt_args_has(args, "csv") ? RT_REVIEW_CSV
                                                  : RT_REVIEW_LIST;
    if (rt_store_begin(r->session->store, err) == 0 &&
        rt_decide_note_overdue(&r->session->work, err) == 0 &&
        rt_review_begin(&r->report, err) == 0)
        rc = is_list ? list(r, err) : show(r, err);
    rt_review_end(&r->report, rc == 0);
    if (rc == 0 && rt_listed_write(&r->choice.listed, r->session->profile, &ignored) < 0)
        rt_tell(r->session, "what was shown cannot be remembered: %s\n", ignored.msg);
    return rc;
}

/* ---- decisions ---- */

/* One that an earlier decision of this run has settled too needs no decision of its own.  But a
 * suspect whose pending insert was bound to another is free, and would be sent as new: not what an
 * accept says. */
static int pass_over(const struct rt_item *item, enum rt_verb verb, struct rt_err *err)
{
    if (verb != RT_VERB_ACCEPT || rt_kind_find(item->kind) != RT_KIND_SUSPECTED)
        return 0;
    return rt_err_set(err, RT_USAGE,
                      "review %" PRId64 " and another of these may be the same pending insert: "
                      "nothing was decided; accept the right one alone",
                      item->number);
}

static int decide_all(struct review *r, enum rt_verb verb, enum rt_side side, struct rt_err *err)
{
    for (size_t i = 0; i < r->choice.count; i++) {
        struct rt_arena arena = {0};
        struct rt_item item;
        int rc;

        if (rt_stop_requested())
            return rt_err_set(err, RT_STOPPED,
                              "stopped by a signal: nothing was decided; run it again");
        rc = rt_store_item(r->session->store, r->choice.numbers[i], &arena, &item, err);

        if (rc == 1)
            rc = item.is_open ? rt_decide_item(&r->session->work, &item, verb, side, err)
                              : pass_over(&item, verb, err);
        rt_arena_clear(&arena);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static void report_decided(struct review *r, const char *verb)
{
    if (r->session->json) {
        json_t *numbers = json_array();

        for (size_t i = 0; i < r->choice.count; i++)
            json_array_append_new(numbers, json_integer((json_int_t)r->choice.numbers[i]));
        rt_json_say(json_pack("{s:s, s:i, s:s, s:o, s:I}", "command", "review", "status", 0, "verb",
                              verb, "decided", numbers, "unseen", (json_int_t)r->choice.unseen));
        return;
    }
    rt_say("%zu item%s decided\n", r->choice.count, r->choice.count == 1 ? "" : "s");
    if (r->choice.unseen)
        rt_tell(r->session,
                "%" PRId64 " came up since the list was last looked at, and were left alone\n",
                r->choice.unseen);
}

static int check_contract(const struct rt_session *session, struct rt_err *err)
{
    return rt_profile_check_contract(session->store, session->schema, session->config, err);
}

static int decide(struct review *r, const struct rt_args *args, enum rt_verb verb,
                  struct rt_err *err)
{
    enum rt_side side = RT_EXTERNAL;
    size_t words = verb == RT_VERB_TAKE ? 3 : 2;

    if (rt_args_count(args, words, words, err) < 0 ||
        (verb == RT_VERB_TAKE && rt_session_side(r->session, args->words[2], &side, err) < 0) ||
        rt_session_change(r->session, err) < 0 || check_contract(r->session, err) < 0 ||
        rt_session_begin(r->session, err) < 0 ||
        rt_decide_note_overdue(&r->session->work, err) < 0 ||
        rt_review_choose(&r->choice, err) < 0 || decide_all(r, verb, side, err) < 0 ||
        rt_session_commit(r->session, 0, err) < 0)
        return -1;
    report_decided(r, args->words[0]);
    return 0;
}

static int run_verb(struct review *r, const struct rt_args *args, struct rt_err *err)
{
    static const char *const verbs[] = {"accept", "dismiss", "take"};
    const char *verb = args->word_count ? args->words[0] : "list";

    if (strcmp(verb, "list") == 0)
        return rt_args_count(args, 0, 1, err) < 0 ? -1 : look(r, true, args, err);
    r->choice.spec = args->word_count > 1 ? args->words[1] : "";
    if (strcmp(verb, "show") == 0)
        return rt_args_count(args, 2, 2, err) < 0 ? -1 : look(r, false, args, err);
    for (int v = 0; v < 3; v++)
        if (strcmp(verb, verbs[v]) == 0)
            return decide(r, args, (enum rt_verb)v, err);
    return rt_err_set(err, RT_USAGE, "\"%s\": write list, show, accept, dismiss or take", verb);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct review r = {.session = session, .choice = {.session = session}};
    int rc;

    if (read_kind(args, &r.choice.kind, err) < 0)
        return -1;
    rt_listed_read(&r.choice.listed, session->profile);
    rc = run_verb(&r, args, err);
    rt_review_choice_clear(&r.choice);
    return rc;
}

const struct rt_cmd rt_cmd_review = {
    .name = "review",
    .synopsis = "[list | show N | accept N | dismiss N | take N SIDE] [--kind KIND] [--csv] "
                "[--spreadsheet]",
    .summary = "the list of what a person must look at, and the answers",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_SCRATCH,
    .run = run,
};
