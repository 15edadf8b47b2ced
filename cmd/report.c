#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void rt_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
}

const char *rt_mark(enum rt_mark mark)
{
    static const char *const codes[] = {"\033[0m", "\033[31m", "\033[33m"};
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    bool is_plain = (none != NULL && *none) || term == NULL || strcmp(term, "dumb") == 0;

    return is_plain || !isatty(STDOUT_FILENO) ? "" : codes[mark];
}

#define WIDTH 80

/* How many bytes the character, or the colour, at the beginning has; *width: how wide it is. */
static size_t step(const char *text, int *width)
{
    size_t n = 1;

    *width = 1;
    if (*text == '\033') {
        *width = 0;
        return strcspn(text, "m") + 1;
    }
    while (((unsigned char)text[n] & 0xC0) == 0x80)
        n++;
    return n;
}

static int width_of(const char *text, size_t len)
{
    int width = 0, one;

    for (size_t i = 0; i < len; width += one)
        i += step(text + i, &one);
    return width;
}

int rt_width(const char *text)
{
    return width_of(text, strlen(text));
}

int rt_padding(int width, const char *text)
{
    return width + (int)strlen(text) - rt_width(text);
}

/* A word that has no room even on a line of its own is cut at its end. */
static int say_word(const char *word, size_t len, int at, int indent)
{
    int one;

    for (size_t i = 0; i < len; at += one) {
        size_t n = step(word + i, &one);

        if (at + one > WIDTH) {
            rt_say("\n%*s", indent, "");
            at = indent;
        }
        rt_say("%.*s", (int)n, word + i);
        i += n;
    }
    return at;
}

/* How many bytes stay on one line: a word, and the number that it is about, as in "rows 12,". */
static size_t hang_together(const char *text, size_t len)
{
    bool has_number = text[len] == ' ' && text[len + 1] >= '0' && text[len + 1] <= '9';

    if (!has_number || len == 0 || strchr(",;:.", text[len - 1]) != NULL)
        return len;
    return len + 1 + strcspn(text + len + 1, " \n");
}

static void say_lines(int indent, const char *text)
{
    int at = 0;

    while (*text) {
        size_t blanks = strspn(text, " "), len = strcspn(text + blanks, " \n");
        int width = width_of(text + blanks, hang_together(text + blanks, len));

        if (at > indent && len && at + (int)blanks + width > WIDTH) {
            rt_say("\n%*s", indent, "");
            at = indent;
        } else {
            rt_say("%*s", (int)blanks, "");
            at += (int)blanks;
        }
        at = say_word(text + blanks, len, at, indent);
        text += blanks + len;
        if (*text == '\n') {
            rt_say("\n");
            at = 0;
            text++;
        }
    }
}

void rt_say_wrapped(int indent, const char *fmt, ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort(); /* out of memory ends the process */
    va_end(ap);
    say_lines(indent, text);
    free(text);
}

void rt_tell(const struct rt_session *session, const char *fmt, ...)
{
    va_list ap;

    if (session->quiet)
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

void rt_say_path(const struct rt_session *session, const char *path)
{
    const char *folder = strcmp(session->profile, ".") == 0 ? "" : session->profile;
    const char *slash = *folder && folder[strlen(folder) - 1] != '/' ? "/" : "";

    rt_say("%s%s%s\n", folder, slash, path);
}

int rt_report_end(struct rt_err *err)
{
    bool is_enough;

    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    is_enough = errno == EPIPE; /* head or less that has seen enough wants to hear no more */
    rt_err_errno(err, RT_IO, "cannot write to standard output");
    if (is_enough)
        *err->msg = '\0';
    return -1;
}

void rt_add_counts(const struct rt_session *session, enum rt_side side, struct rt_buf *out)
{
    const struct rt_counts *c = &session->work.counts[side];

    rt_buf_printf(out, "%s: %" PRId64 " file%s, %" PRId64 " row%s",
                  session->config->side[side].label, c->files, c->files == 1 ? "" : "s", c->rows,
                  c->rows == 1 ? "" : "s");
    for (int i = 0; i < RT_CHANGE_COUNT; i++)
        if (c->of[i])
            rt_buf_printf(out, ", %" PRId64 " %s", c->of[i], rt_change_name((enum rt_change)i));
    if (c->missing)
        rt_buf_printf(out, ", %" PRId64 " missing", c->missing);
}

void rt_report_counts(const struct rt_session *session)
{
    struct rt_buf line = {0};

    for (int s = 0; s < 2; s++) {
        const struct rt_counts *c = &session->work.counts[s];

        if (c->files == 0 && c->known_files == 0 && c->refused_files == 0)
            continue;
        rt_buf_reset(&line);
        rt_add_counts(session, (enum rt_side)s, &line);
        if (c->bound)
            rt_buf_printf(&line, " (%" PRId64 " bound)", c->bound);
        if (c->known_files)
            rt_buf_printf(&line, "; %" PRId64 " file%s known already", c->known_files,
                          c->known_files == 1 ? "" : "s");
        if (c->refused_files)
            rt_buf_printf(&line, "; %" PRId64 " file%s refused", c->refused_files,
                          c->refused_files == 1 ? "" : "s");
        rt_tell(session, "%s\n", rt_buf_str(&line));
    }
    rt_buf_clear(&line);
}
