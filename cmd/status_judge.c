#include "cmd/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static int raise_to(int level, int at_least)
{
    return level > at_least ? level : at_least;
}

static void reason(struct rt_buf *why, const char *fmt, ...) RT_PRINTF(2, 3);

static void reason(struct rt_buf *why, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    rt_buf_printf(why, "%s%s", why->len ? "; " : "", text);
}

static int judge_side(const struct rt_session *session, const struct rt_status *status,
                      enum rt_side s, struct rt_buf *why)
{
    const struct rt_status_side *side = &status->side[s];
    const char *label = session->config->side[s].label;
    int level = 0;

    if (side->is_too_old) {
        level = raise_to(level, 2);
        reason(why,
               side->newest ? "%s: the newest file is older than max_age"
                            : "%s: no file yet, and max_age asks for one",
               label);
    }
    if (side->must_fetch) {
        level = raise_to(level, 1);
        reason(why, "%s: fetch required", label);
    }
    if (side->stops_at) {
        level = raise_to(level, 2);
        reason(why, "%s: push stops at delta %06" PRId64, label, side->stops_at);
    }
    if (side->overdue_rows) {
        level = raise_to(level, 1);
        reason(why, "%s: %" PRId64 " row%s overdue", label, side->overdue_rows,
               plural(side->overdue_rows));
    }
    return level;
}

static int judge_review(const struct rt_status *status, struct rt_buf *why)
{
    int level = status->review_items ? 1 : 0;

    for (size_t i = 0; i < status->review_count; i++)
        if (strcmp(status->review[i].kind, "refused") == 0) {
            level = 2;
            reason(why, "a refused file is undecided");
        }
    if (status->review_items)
        reason(why, "%" PRId64 " for review", status->review_items);
    return level;
}

/* It last ran, or has been waiting, for so long that something must be wrong.  A time that is as
 * far ahead is that of a wrong clock, and does not tell when it last ran. */
static bool is_long_ago(const struct rt_session *session, int64_t t)
{
    int64_t now = session->rules.now, overdue = session->config->overdue;

    return t == RT_NEVER || t + overdue < now || t - overdue > now;
}

static void no_step_since(const struct rt_session *session, struct rt_buf *why, const char *step,
                          int64_t t)
{
    char when[RT_TIME_SIZE];

    if (t > session->rules.now)
        reason(why, "last %s at %s, which is yet to come: a clock was wrong", step,
               rt_time_format(t, when));
    else
        reason(why, "no %s since %s", step,
               t == RT_NEVER ? "it was made" : rt_time_format(t, when));
}

/* Each side may have a job of its own, too. */
static int judge_fetches(const struct rt_session *session, const struct rt_status *status,
                         struct rt_buf *why)
{
    int level = 0;

    for (int s = 0; s < 2; s++) {
        const struct rt_status_side *side = &status->side[s];
        char *step;

        if (!side->has_source || !is_long_ago(session, side->fetched))
            continue;
        level = 1;
        step = rt_xasprintf("fetch of %s", session->config->side[s].label);
        no_step_since(session, why, step, side->fetched);
        free(step);
    }
    return level;
}

/* Where each step is a job of its own, one can fail for ever while the others go well. */
static int judge_steps(const struct rt_session *session, const struct rt_status *status,
                       struct rt_buf *why)
{
    int level = 0;

    if (is_long_ago(session, status->ran[1])) {
        level = 1;
        no_step_since(session, why, "emit", status->ran[1]);
    } else {
        level = judge_fetches(session, status, why);
    }
    for (int s = 0; s < 2; s++) {
        const struct rt_status_side *side = &status->side[s];
        char when[RT_TIME_SIZE];

        if (side->outbox_deltas == 0 || !is_long_ago(session, side->outbox_since))
            continue;
        level = 1;
        reason(why, "%s: a delta waits in the outbox since %s", session->config->side[s].label,
               rt_time_format(side->outbox_since, when));
    }
    return level;
}

int rt_status_judge(const struct rt_session *session, const struct rt_status *status,
                    struct rt_buf *why)
{
    int64_t due = status->side[0].ready + status->side[1].ready;
    int level = 0;

    if (status->paused != NULL) {
        level = 1;
        reason(why, "paused %s", status->paused);
    }
    if (status->is_changed) {
        level = 2;
        reason(why, "schema or settings changed");
    }
    for (int s = 0; s < 2; s++)
        level = raise_to(level, judge_side(session, status, (enum rt_side)s, why));
    level = raise_to(level, judge_review(status, why));
    if (status->paused == NULL)
        level = raise_to(level, judge_steps(session, status, why));
    if (level == 0)
        reason(why, "%" PRId64 " due, %" PRId64 " in flight", due,
               status->side[0].flight_rows + status->side[1].flight_rows);
    return level;
}
