#include "cmd/cmd.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void rt_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
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
    bool is_here = strcmp(session->profile, ".") == 0;

    rt_say("%s%s%s\n", is_here ? "" : session->profile, is_here ? "" : "/", path);
}

int rt_report_end(struct rt_err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return rt_err_errno(err, RT_IO, "cannot write to standard output");
}

void rt_report_counts(const struct rt_session *session)
{
    for (int s = 0; s < 2; s++) {
        const struct rt_counts *c = &session->work.counts[s];

        if (c->files == 0 && c->known_files == 0 && c->refused_files == 0)
            continue;
        rt_tell(session, "%s: %" PRId64 " file%s, %" PRId64 " row%s",
                session->config->side[s].label, c->files, c->files == 1 ? "" : "s", c->rows,
                c->rows == 1 ? "" : "s");
        for (int i = 0; i < RT_CHANGE_COUNT; i++)
            if (c->of[i])
                rt_tell(session, ", %" PRId64 " %s", c->of[i], rt_change_name((enum rt_change)i));
        if (c->missing)
            rt_tell(session, ", %" PRId64 " missing", c->missing);
        if (c->bound)
            rt_tell(session, " (%" PRId64 " bound)", c->bound);
        if (c->known_files)
            rt_tell(session, "; %" PRId64 " file%s known already", c->known_files,
                    c->known_files == 1 ? "" : "s");
        if (c->refused_files)
            rt_tell(session, "; %" PRId64 " file%s refused", c->refused_files,
                    c->refused_files == 1 ? "" : "s");
        rt_tell(session, "\n");
    }
}
