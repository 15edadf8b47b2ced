/*
 * What a subcommand is.  Each cmd_NAME.c defines one struct rt_cmd: its options on top, then its
 * script: a few library calls and a report.  It says in `needs` what must be open; main opens that
 * in order and closes it in reverse, so no subcommand opens, locks or checks anything itself.
 */
#ifndef RT_CMD_H
#define RT_CMD_H

#include "lib/config.h"
#include "lib/err.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/profile.h"
#include "lib/schema.h"
#include "lib/store.h"
#include "lib/work.h"

#include <stdbool.h>
#include <stddef.h>

enum rt_needs {
    RT_NEEDS_PROFILE = 1, /* settings and schema, read and checked */
    RT_NEEDS_LOCK = 2,    /* the profile's lock */
    RT_NEEDS_STATE = 4,   /* the state, read-only */
    RT_NEEDS_SCRATCH = 8, /* the state as a scratch copy */
    RT_NEEDS_CHANGE =
        16, /* the state, to change it; what earlier runs left half way is finished first */
    RT_NEEDS_CONTRACT = 32, /* schema and settings are the accepted ones (check --accept-schema) */
    RT_NEEDS_ACTIVE = 64,   /* not paused, or --once (R13) */
    RT_NEEDS_FRESH = 128    /* no fetch is required since resume (R13) */
};

struct rt_option {
    const char *name;     /* "only": --only */
    const char *argument; /* "ID", or NULL for a flag */
    const char *help;
};

/* The words of a command line.  Values are borrowed from argv. */
struct rt_args {
    const struct rt_cmd *cmd;
    struct {
        const struct rt_option *option;
        const char *value; /* NULL for a flag */
    } * given;
    size_t given_count;
    char **words; /* operands */
    size_t word_count;
};

struct rt_bar {                   /* progress.c: the line on standard error, if there is one */
    int64_t started_ms, shown_ms; /* 0: nothing is under way */
    uint64_t first, last;         /* how far it was then */
    bool is_shown;
};

struct rt_session {
    const struct rt_cmd *cmd;
    const char *profile; /* folder */
    bool quiet, verbose, json, no_progress;
    bool has_done; /* a part of the command, which stays whatever becomes of the rest */
    int wait;      /* seconds */
    mode_t umask;  /* that the program was started with */
    struct rt_settings settings;
    struct rt_config *config; /* of the settings */
    struct rt_schema *schema;
    struct rt_lock *lock;
    struct rt_store *store;
    struct rt_log log;
    struct rt_rules rules;
    struct rt_work work;
    struct rt_bar bar;
};

struct rt_cmd {
    const char *name;
    const char *synopsis;            /* behind "roundtrip NAME " */
    const char *summary;             /* one line */
    const struct rt_option *options; /* ends with a NULL name; or NULL */
    unsigned needs;
    /* What can be wrong of the command line is told before the state is opened: RT_USAGE; or NULL.
     */
    int (*check)(struct rt_session *session, const struct rt_args *args, struct rt_err *err);
    /* The exit status (0, 1, or any of rt_code), or -1 with err set. */
    int (*run)(struct rt_session *session, const struct rt_args *args, struct rt_err *err);
    /* Told when the session could not be opened, or run ended with -1; or NULL.  May take the words
     * out of err, if it has told them itself. */
    void (*failed)(const struct rt_session *session, const struct rt_args *args,
                   struct rt_err *err);
};

/* All commands in the order of the help; ends with NULL. */
extern const struct rt_cmd *const rt_commands[];

/* ---- opt.c ---- */

/* Options that every command takes; ends with a NULL name. */
extern const struct rt_option rt_global_options[];
const struct rt_option *rt_option_find(const struct rt_cmd *cmd, struct rt_slice name); /* NULL */

/* Parses what is behind the command's name.  1: --help was asked for; -1: RT_USAGE. Caller clears.
 */
int rt_args_parse(const struct rt_cmd *cmd, int argc, char **argv, struct rt_session *session,
                  struct rt_args *args, struct rt_err *err) RT_MUST_CHECK;
void rt_args_clear(struct rt_args *args);
bool rt_args_has(const struct rt_args *args, const char *option);
const char *rt_args_get(const struct rt_args *args,
                        const char *option); /* the last one given, or NULL */

/* The i-th value of an option that may be repeated; NULL behind the last. */
const char *rt_args_each(const struct rt_args *args, const char *option, size_t i);

/* RT_USAGE unless there are from..to operands. */
int rt_args_count(const struct rt_args *args, size_t from, size_t to,
                  struct rt_err *err) RT_MUST_CHECK;
void rt_args_help(const struct rt_cmd *cmd);

/* ---- session.c ---- */

int rt_session_open(struct rt_session *session, const struct rt_args *args,
                    struct rt_err *err) RT_MUST_CHECK;
void rt_session_close(struct rt_session *session);

/* For a command whose options decide what it needs: opens the state to read it; opens it, or opens
   it again, to change it, under the lock. */
int rt_session_read(struct rt_session *session, struct rt_err *err) RT_MUST_CHECK;
int rt_session_change(struct rt_session *session, struct rt_err *err) RT_MUST_CHECK;

/* Begins the run and the transaction that everything is done in; rt_session_commit ends both, and
   finishes what the commit decided.  On failure between them, rt_session_close undoes all. */
int rt_session_begin(struct rt_session *session, struct rt_err *err) RT_MUST_CHECK;
int rt_session_commit(struct rt_session *session, int status, struct rt_err *err) RT_MUST_CHECK;

/* A run that could not reach the other end (69) did what it could, and one that failed later may
   have written deltas, or handed some over: it gets its line in the log.  What stops before that
   leaves the state as it was. */
void rt_session_note_failure(struct rt_session *session, const struct rt_err *failure);

/* ---- words.c: what the words of a command line mean ---- */

/* A side from a word or label; RT_USAGE. */
int rt_session_side(const struct rt_session *session, const char *word, enum rt_side *side,
                    struct rt_err *err) RT_MUST_CHECK;

/* The side that a command is for: its first operand, or --to SIDE.  1 and *side; 0: none was named;
 * -1: RT_USAGE. */
int rt_session_chosen_side(const struct rt_session *session, const struct rt_args *args,
                           enum rt_side *side, struct rt_err *err) RT_MUST_CHECK;

/*
 * An ID of the command line: a native or an external one, "external:ID" or "native:ID" (or a label)
 * where it is both.  RT_USAGE if it is unknown or ambiguous.
 */
int rt_session_record(struct rt_session *session, const char *id, int64_t *rid,
                      struct rt_err *err) RT_MUST_CHECK;

/* An ID where one of that side is meant: of "external:ID" or "native:ID" the ID, unless a record is
 * called so in full.  RT_USAGE if it is of the other side. */
int rt_session_id(struct rt_session *session, enum rt_side side, const char *text,
                  struct rt_slice *id, struct rt_err *err) RT_MUST_CHECK;

/* A delta of the command line: its number, a file name or path of one of its parts. RT_USAGE. */
int rt_session_delta(struct rt_session *session, const char *word, int64_t *delta,
                     struct rt_err *err) RT_MUST_CHECK;

/* --since: a time, or an age before now; RT_NEVER if it is not given.  RT_USAGE. */
int rt_session_since(const struct rt_session *session, const struct rt_args *args, int64_t *since,
                     struct rt_err *err) RT_MUST_CHECK;

/* --reason, kept to one line (err.h); NULL if it is not given. */
const char *rt_session_reason(const struct rt_args *args, struct rt_arena *arena);

/* ---- report.c: the only user of standard output ---- */

void rt_say(const char *fmt, ...) RT_PRINTF(1, 2); /* a result, to standard output */

/* The same for people: lines of at most 80 characters, what is longer goes on behind `indent`
   blanks. Begins at the start of a line. */
void rt_say_wrapped(int indent, const char *fmt, ...) RT_PRINTF(2, 3);

/* How many characters a text has; and the width that %-*s needs for `width` characters of it, as
   printf counts bytes. */
int rt_width(const char *text);
int rt_padding(int width, const char *text);

/* Colours, where standard output is a terminal and NO_COLOR is not set; else "".  A word says the
   same in any case. */
enum rt_mark { RT_MARK_END, RT_MARK_BAD, RT_MARK_CARE };
const char *rt_mark(enum rt_mark mark);

void rt_tell(const struct rt_session *session, const char *fmt, ...)
    RT_PRINTF(2, 3); /* to standard error, not with -q */
/* Flushes standard output: RT_IO if it failed, without words if that is a pipe that nobody reads.
 */
int rt_report_end(struct rt_err *err) RT_MUST_CHECK;
/* Prints a path of the profile as the caller can use it. */
void rt_say_path(const struct rt_session *session, const char *path);
/* R14: what became of a side's rows, "EverTrue: 1 file, 12 rows, 2 new, 10 echo"; and of both, with
   more about the files, to standard error. */
void rt_add_counts(const struct rt_session *session, enum rt_side side, struct rt_buf *out);
void rt_report_counts(const struct rt_session *session);

#endif
