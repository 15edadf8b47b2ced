/*
 * Pieces of an HTML page, appended to a buffer.  What comes from outside (names, IDs, labels) goes
 * through rt_html_text, in text and in quoted attributes alike; everything else is our own markup.
 */
#ifndef RT_HTML_H
#define RT_HTML_H

#include "lib/mem.h"

#include <stdint.h>

/* Escaped; bytes that are not UTF-8, and control characters, become U+FFFD. */
void rt_html_text(struct rt_buf *out, const char *text);

void rt_html_number(struct rt_buf *out, int64_t number);   /* 12,345 */
void rt_html_seconds(struct rt_buf *out, int64_t seconds); /* 45 s, 12 min, 3.5 h, 9 days */
void rt_html_day(struct rt_buf *out, int64_t day);         /* days since 1970: 2026-11-21 */
void rt_html_time(struct rt_buf *out, int64_t t);          /* 2026-11-21 06:00 */

/* "1 row", "12 rows" */
void rt_html_count(struct rt_buf *out, int64_t number, const char *noun);

#endif
