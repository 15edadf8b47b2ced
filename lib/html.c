#include "lib/html.h"

#include "lib/clock.h"
#include "lib/utf8.h"

#include <inttypes.h>
#include <stdio.h>

/* What stands for the character of n bytes in a page; NULL: itself. */
static const char *entity(const unsigned char *p, size_t n)
{
    switch (*p) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return n == 0 || rt_utf8_is_control(p, n) ? "\xEF\xBF\xBD" : NULL;
    }
}

void rt_html_text(struct rt_buf *out, const char *text)
{
    size_t left = strlen(text), n;

    for (; left > 0; text += n, left -= n) {
        const unsigned char *p = (const unsigned char *)text;
        const char *other;

        n = rt_utf8_length(p, left);
        other = entity(p, n);
        n = n > 0 ? n : 1;
        if (other != NULL)
            rt_buf_add_str(out, other);
        else
            rt_buf_add(out, text, n);
    }
}

void rt_html_number(struct rt_buf *out, int64_t number)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%" PRId64, number);

    for (int i = 0; i < n; i++) {
        rt_buf_add_char(out, digits[i]);
        if (digits[i] != '-' && i + 1 < n && (n - i - 1) % 3 == 0)
            rt_buf_add_char(out, ',');
    }
}

void rt_html_seconds(struct rt_buf *out, int64_t seconds)
{
    if (seconds < 120)
        rt_buf_printf(out, "%" PRId64 " s", seconds);
    else if (seconds < 7200)
        rt_buf_printf(out, "%" PRId64 " min", seconds / 60);
    else if (seconds < 172800)
        rt_buf_printf(out, "%" PRId64 ".%" PRId64 " h", seconds / 3600, seconds % 3600 / 360);
    else
        rt_buf_printf(out, "%" PRId64 " days", seconds / 86400);
}

void rt_html_day(struct rt_buf *out, int64_t day)
{
    char text[RT_TIME_SIZE];

    rt_buf_printf(out, "%.10s", rt_time_format(day * 86400, text));
}

void rt_html_time(struct rt_buf *out, int64_t t)
{
    char text[RT_TIME_SIZE];

    rt_time_format(t, text);
    rt_buf_printf(out, "%.10s %.5s", text, text + 11);
}

void rt_html_count(struct rt_buf *out, int64_t number, const char *noun)
{
    rt_html_number(out, number);
    rt_buf_printf(out, " %s%s", noun, number == 1 ? "" : "s");
}
