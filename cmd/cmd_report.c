#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/review_view.h"
#include "cmd/status.h"

#include "lib/decide.h"
#include "lib/publish.h"
#include "lib/report_read.h"

#include <stdlib.h>

static const struct rt_option options[] = {
    {"since", "T", "from this day on (2026-11-21), or the last days or weeks (30d, 12w)"},
    {NULL, NULL, NULL},
};

struct making {
    struct rt_session *session;
    struct rt_report report;
};

/* ---- what is read ---- */

/* Names only: values stay out of the page. */
static const char *field_names(const struct rt_review_view *view, struct rt_arena *arena)
{
    const json_t *fields = json_object_get(view->detail, "fields"), *field;
    struct rt_buf text = {0};
    const char *names;
    size_t i;

    json_array_foreach(fields, i, field)
        rt_buf_printf(&text, "%s%s", i ? ", " : "", rt_review_text(field, "field"));
    names = rt_arena_strdup(arena, rt_buf_str(&text));
    rt_buf_clear(&text);
    return names;
}

static int see_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct making *m = context;
    struct rt_arena *arena = &m->report.arena;
    struct rt_review_view view;
    int rc = rt_review_view_open(m->session, item, &view, err);

    if (rc == 0) {
        char *subject = rt_review_subject(&view, m->session);

        rt_report_add_item(&m->report,
                           &(struct rt_report_item){.number = item->number,
                                                    .opened = item->opened,
                                                    .kind = rt_arena_strdup(arena, item->kind),
                                                    .subject = rt_arena_strdup(arena, subject),
                                                    .fields = field_names(&view, arena)},
                           view.text ? view.text->why : "");
        free(subject);
    }
    rt_review_view_close(&view);
    return rc;
}

static int judge(struct making *m, struct rt_err *err)
{
    struct rt_status status = {0};
    struct rt_buf why = {0};
    int rc = rt_status_read(m->session, &status, err);

    if (rc == 0) {
        m->report.level = rt_status_judge(m->session, &status, &why);
        m->report.verdict = rt_arena_strdup(&m->report.arena, rt_buf_str(&why));
    }
    rt_buf_clear(&why);
    rt_status_clear(&status);
    return rc;
}

/* In a scratch copy, in which what is overdue by now is noted, as review does. */
static int read_all(struct making *m, int64_t since, struct rt_err *err)
{
    struct rt_session *session = m->session;

    if (rt_store_begin(session->store, err) < 0 ||
        rt_decide_note_overdue(&session->work, err) < 0 ||
        rt_report_read(session->store, session->config, session->rules.now, since, &m->report,
                       err) < 0 ||
        rt_store_each_item(session->store, NULL, see_item, m, err) < 0)
        return -1;
    return judge(m, err);
}

/* ---- what is told ---- */

static json_t *side_json(const struct rt_report *report, const struct rt_report_side *side)
{
    int64_t oldest = side->pending_listed ? side->pending[0].since : RT_NEVER;

    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:I}", "label", side->label, "inserts",
                     (json_int_t)rt_report_sum(report, side->handed[0]), "updates",
                     (json_int_t)rt_report_sum(report, side->handed[1]), "deletes",
                     (json_int_t)rt_report_sum(report, side->handed[2]), "pending_inserts",
                     (json_int_t)side->pending_count, "oldest_pending_insert", rt_json_time(oldest),
                     "deltas_overdue", (json_int_t)side->deliveries[RT_DELIVERY_OVERDUE].deltas);
}

static void tell(const struct making *m, const char *path)
{
    const struct rt_report *report = &m->report;

    if (!m->session->json) {
        rt_tell(m->session, "the report is in %s\n", path);
        return;
    }
    rt_json_say(json_pack("{s:s, s:i, s:o, s:o, s:o, s:I, s:o, s:o}", "command", "report", "status",
                          0, "file", rt_json_message(path), "from",
                          rt_json_time(report->days.first * 86400), "to", rt_json_time(report->now),
                          "review", (json_int_t)report->item_count, "external",
                          side_json(report, &report->side[RT_EXTERNAL]), "native",
                          side_json(report, &report->side[RT_NATIVE])));
}

static int put(const struct making *m, const char *path, struct rt_err *err)
{
    struct rt_buf page = {0};
    int rc = 0;

    rt_report_page(&m->report, &page);
    if (strcmp(path, "-") == 0)
        rt_say("%s", rt_buf_str(&page));
    else
        rc = rt_publish(path, rt_buf_slice(&page), RT_REPORT_MARK, err);
    rt_buf_clear(&page);
    if (rc == 0 && strcmp(path, "-") != 0)
        tell(m, path);
    return rc;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct making m = {.session = session};
    int64_t since;
    int rc = -1;

    if (rt_args_count(args, 1, 1, err) < 0 || rt_session_since(session, args, &since, err) < 0)
        return -1;
    if (since != RT_NEVER && since > session->rules.now)
        return rt_err_set(err, RT_USAGE, "--since %s: that is still to come",
                          rt_args_get(args, "since"));
    if (session->json && strcmp(args->words[0], "-") == 0)
        return rt_err_set(err, RT_USAGE,
                          "- writes the page to standard output, where --json goes too: name a "
                          "file, or leave --json out");
    if (read_all(&m, since, err) == 0)
        rc = put(&m, args->words[0], err);
    rt_report_clear(&m.report);
    return rc;
}

const struct rt_cmd rt_cmd_report = {
    .name = "report",
    .synopsis = "[--since T] FILE.html",
    .summary = "write a page with numbers and charts, for people, in one file",
    .options = options,
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_SCRATCH,
    .run = run,
};
