#include "cmd/progress.h"

#include "lib/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define SHOWN_EVERY_MS 200
#define RATE_AFTER_MS  500 /* before that it says little */

static bool is_wanted(const struct rt_session *session)
{
    return !session->quiet && !session->no_progress && isatty(STDERR_FILENO);
}

/* 12.3 MB, 140,000 rows: at most twelve characters. */
static const char *amount(enum rt_unit unit, uint64_t n, char out[32])
{
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)n;
    size_t i = 0;

    if (unit == RT_UNIT_ROWS) {
        snprintf(out, 32, "%" PRIu64 " rows", n);
        return out;
    }
    for (; value >= 1000 && i < 4; i++)
        value /= 1000;
    snprintf(out, 32, i ? "%.1f %s" : "%.0f %s", value, names[i]);
    return out;
}

static void add_rate(struct rt_buf *line, const struct rt_progress *p, uint64_t first,
                     int64_t elapsed_ms)
{
    double rate = (double)(p->done - first) * 1000 / (double)elapsed_ms;
    char text[32];

    rt_buf_printf(line, "  %s/s", amount(p->unit, (uint64_t)rate, text));
    if (p->total > p->done && rate > 0) {
        uint64_t left = (uint64_t)((double)(p->total - p->done) / rate) + 1;

        rt_buf_printf(line, "  %" PRIu64 ":%02" PRIu64 " left", left / 60, left % 60);
    }
}

void rt_progress_show(struct rt_session *session, const struct rt_progress *p)
{
    struct rt_bar *bar = &session->bar;
    int64_t now = rt_clock_monotonic_ms();
    const char *slash;
    struct rt_buf line = {0};
    char text[32];

    if (p->is_over || !is_wanted(session)) {
        rt_progress_clear(session);
        bar->started_ms = 0;
        return;
    }
    if (bar->started_ms == 0 || p->done < bar->last) {
        *bar = (struct rt_bar){.started_ms = now, .first = p->done, .is_shown = bar->is_shown};
    } else if (now - bar->shown_ms < SHOWN_EVERY_MS) {
        return;
    }
    bar->shown_ms = now;
    bar->last = p->done;
    slash = strrchr(p->what, '/');
    rt_buf_printf(&line, "%.30s", slash ? slash + 1 : p->what);
    if (p->total)
        rt_buf_printf(&line, " %3u %%", (unsigned)(p->done * 100 / p->total));
    rt_buf_printf(&line, "  %s", amount(p->unit, p->done, text));
    if (now - bar->started_ms >= RATE_AFTER_MS)
        add_rate(&line, p, bar->first, now - bar->started_ms);
    fprintf(stderr, "\r%.79s\033[K", rt_buf_str(&line));
    bar->is_shown = true;
    rt_buf_clear(&line);
}

void rt_progress_clear(struct rt_session *session)
{
    if (session->bar.is_shown)
        fprintf(stderr, "\r\033[K");
    session->bar.is_shown = false;
}
