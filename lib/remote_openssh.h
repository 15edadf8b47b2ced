/*
 * The openssh transport from inside: shared by lib/remote_openssh*.c only.
 *
 * One run of the system's `sftp` program gets commands on its standard input for as long as the
 * remote is open, so everything that ssh and its ssh_config can do is there: other algorithms, jump
 * hosts, hardware keys.  It ends with the first command that fails, which is how we learn of it;
 * the next operation starts another.  What all that costs: times in listings are only as fine as
 * `ls -l` shows them, a minute, or a day for files older than half a year.  They are rounded up, to
 * the last second of the minute or day, so that a file never looks older than it is.
 */
#ifndef RT_REMOTE_OPENSSH_H
#define RT_REMOTE_OPENSSH_H

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/remote_impl.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The program, and our ends of its pipes. */
struct rt_openssh_child {
    pid_t pid;           /* 0: not running */
    int in, out, errors; /* -1 once closed */
};

struct rt_openssh {
    struct rt_remote base; /* first: the interface knows only this */
    char *profile;
    char *where;       /* the host, for messages */
    char *start;       /* folder that sessions start in, as the server says */
    char *key;         /* key file, or NULL */
    char *askpass;     /* script that runs the commands for secrets, or NULL */
    const char *types; /* host key types to ask for, or NULL for ssh's choice */
    bool is_dead;
    struct rt_openssh_child child;
};

/* A few commands: what goes in and what comes out. */
struct rt_openssh_run {
    struct rt_buf commands;
    char mark[40];       /* a comment that nobody can foresee, once rt_openssh_mark was called */
    const char *growing; /* a local file that grows while all is well, or NULL */
    bool is_upload;      /* which may take long, though nothing may be seen of it */
    struct rt_buf out, errors;
    bool has_failed; /* a command failed, the connection was good; errors says why */
};

/* 0 also when a command failed (has_failed); -1 when the connection did. */
int rt_openssh_run(struct rt_openssh *o, struct rt_openssh_run *run,
                   struct rt_err *err) RT_MUST_CHECK;
/* Parts from the server. */
void rt_openssh_end(struct rt_openssh *o);
int rt_openssh_mark(struct rt_openssh_run *run, struct rt_err *err) RT_MUST_CHECK;
void rt_openssh_run_clear(struct rt_openssh_run *run);

/* Checks the key file, gets the secrets' commands ready, and tries whether a session comes about.
 */
int rt_openssh_prepare(struct rt_openssh *o, struct rt_err *err) RT_MUST_CHECK;

/* Appends a path in sftp's quotes.  RT_IO for one with a line break, which sftp cannot take. */
int rt_openssh_quote(struct rt_buf *commands, const char *path, struct rt_err *err) RT_MUST_CHECK;

/* The same for `ls`, which alone takes {a,b} for a pattern, and also in quotes. */
int rt_openssh_quote_for_ls(struct rt_buf *commands, const char *name,
                            struct rt_err *err) RT_MUST_CHECK;

/*
 * Takes the listings apart that `ls -lna` printed, one after the other: *rest is moved behind the
 * one that was read.  sftp repeats each command, so a comment that nobody can foresee, the mark,
 * stands before the command and after the listing: names may hold line breaks, and whatever text
 * the other end likes.  `now` tells the year.
 */
int rt_openssh_parse_list(struct rt_slice *rest, const char *mark, int64_t now,
                          struct rt_remote_list *list, struct rt_err *err) RT_MUST_CHECK;

/* Do two listings show the same file?  A time that is to come, as that of a file written a moment
   ago is by a clock that ticks coarsely, is told by its day, and then by its minute. */
bool rt_openssh_is_same(const struct rt_remote_entry *a, const struct rt_remote_entry *b);

#endif
