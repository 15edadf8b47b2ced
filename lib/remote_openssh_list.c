#include "lib/remote_openssh.h"

#include "lib/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PROMPT "sftp> "
#define DAY    86400

static int quote(struct rt_buf *commands, const char *path, const char *also, struct rt_err *err)
{
    if (strpbrk(path, "\r\n") != NULL)
        return rt_err_set(err, RT_IO, "the sftp program cannot take a name with a line break");
    rt_buf_add_char(commands, '"');
    for (const char *p = path; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\' || strchr(also, *p) != NULL)
            rt_buf_add_char(commands, '\\');
        rt_buf_add_char(commands, *p);
    }
    rt_buf_add_char(commands, '"');
    return 0;
}

int rt_openssh_quote(struct rt_buf *commands, const char *path, struct rt_err *err)
{
    return quote(commands, path, "", err);
}

int rt_openssh_quote_for_ls(struct rt_buf *commands, const char *name, struct rt_err *err)
{
    return quote(commands, name, "{", err);
}

static struct rt_slice next_word(struct rt_slice *line)
{
    struct rt_slice word;

    while (line->len > 0 && *line->ptr == ' ')
        line->ptr++, line->len--;
    word = rt_slice_from(line->ptr, 0);
    while (line->len > 0 && *line->ptr != ' ')
        line->ptr++, line->len--, word.len++;
    return word;
}

static bool parse_number(struct rt_slice word, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (!isdigit((unsigned char)word.ptr[i]) || *number > UINT64_MAX / 10 - 9)
            return false;
        *number = *number * 10 + (uint64_t)(word.ptr[i] - '0');
    }
    return word.len > 0;
}

static int month_of(struct rt_slice word)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (rt_slice_is_equal(word, rt_slice_from(names + i * 3, 3)))
            return i + 1;
    return 0;
}

static int64_t year_of(int64_t t)
{
    char text[RT_TIME_SIZE];

    return strtol(rt_time_format(t, text), NULL, 10);
}

/*
 * "Nov 21 22:36" is the last such minute, "Nov 21  2025" a day of half a year ago or more, or one
 * to come.  The last second of it, see the header.
 */
static bool parse_time(struct rt_slice words[3], int64_t now, int64_t *t)
{
    const char *clock = words[2].ptr;
    int month = month_of(words[0]);
    uint64_t day, year, hour, minute;

    if (month == 0 || !parse_number(words[1], &day) || day < 1 || day > 31)
        return false;
    if (parse_number(words[2], &year) && year >= 1900 && year <= 9999) {
        *t = rt_time_from_civil((int64_t)year, month, (int)day, DAY - 1);
        return true;
    }
    if (words[2].len != 5 || clock[2] != ':' || !parse_number(rt_slice_from(clock, 2), &hour) ||
        !parse_number(rt_slice_from(clock + 3, 2), &minute) || hour > 23 || minute > 59)
        return false;
    for (int64_t y = year_of(now + DAY);; y--) {
        *t = rt_time_from_civil(y, month, (int)day, (int64_t)(hour * 3600 + minute * 60 + 59));
        if (*t <= now + DAY)
            return true;
    }
}

/* "-rw-r--r--    ? 1000     1000         5 Nov 21 22:36 a name.csv" */
static bool parse_line(struct rt_slice line, int64_t now, struct rt_remote_entry *entry)
{
    struct rt_slice mode = next_word(&line), time[3], number;

    *entry = (struct rt_remote_entry){0};
    if (mode.len < 10 || strchr("-dlbcps", mode.ptr[0]) == NULL)
        return false;
    for (int i = 0; i < 3; i++) /* links, owner, group */
        next_word(&line);
    number = next_word(&line);
    for (int i = 0; i < 3; i++)
        time[i] = next_word(&line);
    /* One blank, and then all is name, with whatever blanks it begins with. */
    if (line.len < 2 || *line.ptr != ' ' || !parse_number(number, &entry->size) ||
        !parse_time(time, now, &entry->mtime))
        return false;
    entry->has_size = entry->has_mtime = true;
    entry->is_regular = mode.ptr[0] == '-';
    entry->is_link = mode.ptr[0] == 'l';
    entry->name = rt_xstrndup(line.ptr + 1, line.len - 1);
    return true;
}

static bool is_told_by_day(const struct rt_remote_entry *entry)
{
    return entry->mtime % DAY == DAY - 1;
}

bool rt_openssh_is_same(const struct rt_remote_entry *a, const struct rt_remote_entry *b)
{
    return rt_remote_is_same(a, b) || (a->size == b->size && a->mtime / DAY == b->mtime / DAY &&
                                       (is_told_by_day(a) || is_told_by_day(b)));
}

static int add_line(struct rt_slice line, int64_t now, struct rt_remote_list *list,
                    struct rt_err *err)
{
    struct rt_remote_entry entry;

    if (!parse_line(line, now, &entry) && list->count > 0) {
        /* The rest of a name with a line break in it: the name is made whole, so that the caller
           sees that it is no good. */
        struct rt_remote_entry *last = &list->entries[list->count - 1];
        char *whole = rt_xasprintf("%s\n%.*s", last->name, (int)line.len, line.ptr);

        free(last->name);
        last->name = whole;
        return 0;
    }
    if (entry.name == NULL)
        return rt_err_set(err, RT_IO, "cannot read this line of sftp's listing: %.*s",
                          line.len > 200 ? 200 : (int)line.len, line.ptr);
    if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0) {
        free(entry.name);
        return 0;
    }
    return rt_remote_list_add(list, &entry, err);
}

static struct rt_slice cut_line(struct rt_slice *rest)
{
    const char *newline = memchr(rest->ptr, '\n', rest->len);
    size_t len = newline ? (size_t)(newline - rest->ptr) : rest->len;
    struct rt_slice line = rt_slice_from(rest->ptr, len);

    rest->ptr += len + (newline != NULL);
    rest->len -= len + (newline != NULL);
    return line;
}

/* Moves behind the next line that is the mark, as sftp repeats it; false if there is none. */
static bool skip_mark(struct rt_slice *rest, struct rt_slice mark, struct rt_slice *before)
{
    *before = rt_slice_from(rest->ptr, 0);
    while (rest->len > 0) {
        struct rt_slice line = cut_line(rest);

        if (rt_slice_has_prefix(line, rt_slice_str(PROMPT)) &&
            rt_slice_is_equal(
                rt_slice_from(line.ptr + sizeof PROMPT - 1, line.len - (sizeof PROMPT - 1)), mark))
            return true;
        before->len = (size_t)(rest->ptr - before->ptr);
    }
    return false;
}

int rt_openssh_parse_list(struct rt_slice *rest, const char *mark, int64_t now,
                          struct rt_remote_list *list, struct rt_err *err)
{
    struct rt_slice inside;

    *list = (struct rt_remote_list){0};
    if (!skip_mark(rest, rt_slice_str(mark), &inside) ||
        !skip_mark(rest, rt_slice_str(mark), &inside))
        return rt_err_set(err, RT_IO, "sftp printed no whole listing");
    (void)cut_line(&inside); /* the command, repeated */
    while (inside.len > 0) {
        struct rt_slice line = cut_line(&inside);

        if (line.len > 0 && add_line(line, now, list, err) != 0) {
            rt_remote_list_clear(list);
            return -1;
        }
    }
    rt_remote_list_sort(list);
    return 0;
}
