#include "cmd/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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
        reason(why, "%s: the newest file is older than max_age", label);
    }
    if (side->must_fetch) {
        level = raise_to(level, 1);
        reason(why, "%s: fetch required", label);
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

int rt_status_judge(const struct rt_session *session, const struct rt_status *status,
                    struct rt_buf *why)
{
    int64_t emitted = status->ran[1], due = status->side[0].ready + status->side[1].ready;
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
    if (status->paused == NULL &&
        (emitted == RT_NEVER || emitted + session->config->overdue < session->rules.now)) {
        char when[RT_TIME_SIZE];

        level = raise_to(level, 1);
        reason(why, "no emit since %s",
               emitted == RT_NEVER ? "it was made" : rt_time_format(emitted, when));
    }
    if (level == 0)
        reason(why, "%" PRId64 " due, %" PRId64 " in flight", due,
               status->side[0].flight_rows + status->side[1].flight_rows);
    return level;
}
