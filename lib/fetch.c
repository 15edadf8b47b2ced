#include "lib/fetch_internal.h"

#include "lib/command.h"
#include "lib/fault.h"
#include "lib/filename.h"
#include "lib/intake.h"
#include "lib/profile.h"
#include "lib/remote.h"
#include "lib/spool.h"
#include "lib/unreached.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void fetch_init(struct rt_fetch *f, struct rt_work *work, enum rt_side side,
                       const struct rt_fetch_options *options)
{
    *f = (struct rt_fetch){.work = work,
                           .side = side,
                           .settings = &work->rules.config->side[side],
                           .options = options};
    f->inbox = rt_xasprintf("%s/inbox/%s", work->profile, rt_side_name(side));
}

static void fetch_clear(struct rt_fetch *f)
{
    rt_remote_close(f->remote);
    free(f->inbox);
    rt_arena_clear(&f->arena);
}

char *rt_fetch_nth_name(const char *name, int n)
{
    const char *dot = strchr(name, '.');
    size_t stem = dot ? (size_t)(dot - name) : strlen(name);

    return n == 1 ? rt_xstrdup(name)
                  : rt_xasprintf("%.*s-%d%s", (int)stem, name, n, dot ? dot : "");
}

/* Where these bytes wait in the inbox under one of the names of `name` (1: a run was killed before
 * it could note them, or they were copied again), else the first of those that is free (0). */
static int find_place(const struct rt_fetch *f, const char *name, struct rt_digest digest,
                      char **place, struct rt_err *err)
{
    for (int n = 1;; n++) {
        struct rt_file_facts facts;
        bool is_free;
        char *path;
        int rc = 0;

        *place = rt_fetch_nth_name(name, n);
        path = rt_xasprintf("%s/%s", f->inbox, *place);
        is_free = access(path, F_OK) != 0;
        if (!is_free && (rc = rt_spool_facts(path, &facts, err)) == 0)
            rc = rt_digest_is_equal(facts.digest, digest);
        free(path);
        if (is_free || rc == 1)
            return rc;
        free(*place);
        *place = NULL;
        if (rc < 0)
            return -1;
    }
}

/* In a transaction of its own: what was fetched stays so, whatever comes. */
static int write_down(struct rt_store *store, struct rt_file *file, struct rt_err *err)
{
    int rc;

    if (rt_store_begin(store, err) < 0)
        return -1;
    rc = file->id ? rt_store_update_file(store, file, err) : rt_store_add_file(store, file, err);
    if (rc == 0 && rt_store_commit(store, err) == 0)
        return 0;
    rt_store_abort(store);
    return -1;
}

/* A name in the inbox is one file: what waited there, of a run that was killed, is this one. */
static int note_file(struct rt_fetch *f, const struct rt_file *file, struct rt_err *err)
{
    struct rt_file noted = *file, known = {.state = RT_FILE_KNOWN};

    if (file->state == RT_FILE_WAITING &&
        rt_store_file_by_path(f->work->store, file->path, &f->arena, &known, err) < 0)
        return -1;
    noted.id = known.state == RT_FILE_WAITING ? known.id : 0;
    return write_down(f->work->store, &noted, err);
}

/* The file lies in the inbox as `name`: the ledger learns of it, and the caller is told. */
static int note_fetched(struct rt_fetch *f, const char *name, const struct rt_file *facts,
                        struct rt_err *err)
{
    struct rt_file file = *facts;

    file.path = rt_arena_printf(&f->arena, "inbox/%s/%s", rt_side_name(f->side), name);
    file.state = RT_FILE_WAITING;
    file.side = f->side;
    if (rt_intake_is_snapshot(f->work, f->side, file.name, &file.is_snapshot, err) < 0)
        return -1;
    file.is_snapshot = file.is_snapshot || f->options->is_snapshot;
    file.has_stamp = f->options->stamp != RT_NEVER || f->settings->stamp != NULL;
    if (f->options->stamp != RT_NEVER)
        file.stamp = f->options->stamp;
    else if (rt_intake_stamp(f->settings, file.name, file.mtime, &file.stamp, err) < 0) {
        /* The intake will refuse it, and say why. */
        file.stamp = file.mtime;
        file.has_stamp = false;
    }
    if (note_file(f, &file, err) < 0)
        return -1;
    if (f->options->tell)
        f->options->tell(f->options->context, file.path);
    return 0;
}

/* 1: these bytes wait in the inbox already, and the ledger knows: copied again by the other end. */
static int is_waiting(struct rt_fetch *f, const char *name, const struct rt_file *file,
                      struct rt_err *err)
{
    struct rt_store *store = f->work->store;
    char *path = rt_xasprintf("inbox/%s/%s", rt_side_name(f->side), name);
    struct rt_file known;
    int rc = file->remote == NULL ? 0 : rt_store_file_by_path(store, path, &f->arena, &known, err);

    free(path);
    if (rc != 1)
        return rc;
    if (known.state != RT_FILE_WAITING || !rt_digest_is_equal(known.digest, file->digest))
        return 0;
    known.remote = file->remote;
    return write_down(store, &known, err) < 0 ? -1 : 1;
}

static void tell_known_bytes(const struct rt_fetch *f, const char *name)
{
    rt_log_info(f->work->log, "%s: the same bytes came before: nothing to do", name);
}

/* What the ledger does not know would be taken in with another stamp, or for no snapshot. */
static void take_back(struct rt_fetch *f, const char *name)
{
    struct rt_err ignored; /* the failure that is told came first */
    struct rt_file known;
    char *rel = rt_xasprintf("inbox/%s/%s", rt_side_name(f->side), name);
    char *path = rt_xasprintf("%s/%s", f->work->profile, rel);

    if (rt_store_file_by_path(f->work->store, rel, &f->arena, &known, &ignored) == 0)
        (void)!rt_spool_remove(path, &ignored);
    free(rel);
    free(path);
}

int rt_fetch_keep(struct rt_fetch *f, struct rt_spool *spool, struct rt_file *file, char **name,
                  struct rt_err *err)
{
    struct rt_file known;
    char *place = NULL;
    int rc;

    file->digest = rt_spool_digest(spool);
    file->size = rt_spool_size(spool);
    rc = rt_store_file_by_digest(f->work->store, f->side, file->digest, &f->arena, &known, err);
    if (rc < 0)
        return -1;
    if (rc == 1 && strcmp(known.name, file->name) == 0 && f->options->stamp == RT_NEVER) {
        file->state = RT_FILE_KNOWN;
        file->path = known.path;
        tell_known_bytes(f, file->name);
        return note_file(f, file, err);
    }
    rc = find_place(f, *name, file->digest, &place, err);
    if (rc < 0)
        return -1;
    free(*name);
    *name = place;
    if (rc == 1 && f->options->stamp == RT_NEVER) {
        int waits = is_waiting(f, *name, file, err);

        if (waits == 1)
            tell_known_bytes(f, file->name);
        if (waits != 0)
            return waits < 0 ? -1 : 0;
    }
    if (rc == 0) {
        rt_spool_set_mtime(spool, file->mtime);
        rt_spool_rename(spool, *name);
        if (rt_spool_commit(spool, err) < 0)
            return -1;
    }
    if (note_fetched(f, *name, file, err) == 0)
        return 0;
    if (rc == 0)
        take_back(f, *name);
    return -1;
}

/* ---- local files and standard input ---- */

static int copy_stream(int fd, const char *from, struct rt_spool *spool, struct rt_err *err)
{
    char *chunk = rt_xmalloc(262144);
    ssize_t n = 1;
    int rc = 0;

    /* What writes into a pipe may have been stopped with us: its end is not the file's then. */
    while (rc == 0 && n != 0 && (rc = rt_stop_wait(fd, err)) == 0) {
        n = read(fd, chunk, 262144);
        if (n > 0)
            rc = rt_spool_write(spool, chunk, (size_t)n, err);
        else if (n < 0 && errno != EINTR)
            rc = rt_err_errno(err, RT_IO, "cannot read %s", from);
    }
    free(chunk);
    return rc;
}

int rt_fetch_path(struct rt_work *work, enum rt_side side, const char *path,
                  const struct rt_fetch_options *options, struct rt_err *err)
{
    const char *slash = strrchr(path, '/');
    bool is_stdin = strcmp(path, "-") == 0;
    struct rt_file file = {.mtime = work->rules.now};
    struct rt_spool *spool = NULL;
    char *name = NULL;
    struct rt_fetch f;
    struct stat st;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = -1;

    fetch_init(&f, work, side, options);
    if (fd < 0 || fstat(fd, &st) < 0) {
        rt_err_errno(err, RT_IO, "cannot read %s", path);
        goto out;
    }
    if (!is_stdin && !S_ISREG(st.st_mode)) {
        rt_err_set(err, RT_IO, "%s: not a file: name a CSV file, or - for standard input", path);
        goto out;
    }
    if (is_stdin) {
        char time[RT_TIME_SIZE];

        name = rt_xasprintf("stdin-%s.csv", rt_time_format_compact(work->rules.now, time));
    } else {
        name = rt_xstrdup(slash ? slash + 1 : path);
        file.mtime = st.st_mtime;
    }
    if (options->stamp != RT_NEVER)
        file.mtime = options->stamp; /* so it counts even where the state is lost that knew it */
    if (rt_name_fault(name) != NULL) {
        rt_err_set(err, RT_USAGE, "%s: its name cannot be used: %s; rename the file first", path,
                   rt_name_fault(name));
        goto out;
    }
    file.name = rt_arena_strdup(&f.arena, name);
    if (rt_spool_mkdir(f.inbox, err) == 0 &&
        rt_spool_open(f.inbox, name, false, &spool, err) == 0 &&
        copy_stream(fd, path, spool, err) == 0)
        rc = rt_fetch_keep(&f, spool, &file, &name, err);
out:
    rt_spool_close(spool);
    if (fd >= 0 && !is_stdin)
        close(fd);
    free(name);
    fetch_clear(&f);
    return rc;
}

/* ---- commands ---- */

struct extraction {
    struct rt_spool *spool;
    const struct rt_log *log;
};

static int spool_output(void *context, const char *bytes, size_t len, struct rt_err *err)
{
    struct extraction *e = context;

    if (rt_spool_write(e->spool, bytes, len, err) < 0)
        return -1;
    rt_log_progress(
        e->log, (struct rt_progress){"extract", RT_UNIT_BYTES, rt_spool_size(e->spool), 0, false});
    return 0;
}

/* `extract`, or for a full run `extract_full`; NULL: the side has no way to give that. */
static const char *extract_command(const struct rt_fetch *f, bool *is_full)
{
    *is_full = f->options->full || f->settings->extract == NULL;
    return *is_full ? f->settings->extract_full : f->settings->extract;
}

/* 1: it was left out, and what it holds is not known any better. */
static int fetch_command(struct rt_fetch *f, struct rt_err *err)
{
    bool is_full;
    const char *text = extract_command(f, &is_full);
    struct rt_command command = {.text = text,
                                 .folder = f->work->profile,
                                 .deadline_ms =
                                     rt_clock_monotonic_ms() + f->settings->deadline * 1000};
    struct rt_fetch_options options = *f->options;
    struct rt_file file = {.mtime = f->work->rules.now};
    struct extraction e = {.log = f->work->log};
    char time[RT_TIME_SIZE], *name;
    int rc;

    if (text == NULL) {
        rt_log_info(f->work->log, "%s has no extract_full: left out of the full run",
                    f->settings->label);
        return 1;
    }
    /* The time before the command runs: what is edited meanwhile may not be in it. */
    options.stamp = f->work->rules.now;
    options.is_snapshot = options.is_snapshot || is_full;
    f->options = &options;
    name = rt_xasprintf("extract%s-%s.csv", is_full ? "-full" : "",
                        rt_time_format_compact(f->work->rules.now, time));
    file.name = rt_arena_strdup(&f->arena, name);
    rc = rt_spool_open(f->inbox, name, false, &e.spool, err);
    if (rc == 0)
        rc = rt_command_run(&command, spool_output, &e, err);
    rt_log_progress(e.log, (struct rt_progress){.is_over = true});
    if (rc == 0)
        rc = rt_fetch_keep(f, e.spool, &file, &name, err);
    rt_spool_close(e.spool);
    free(name);
    return rc;
}

static int fetch_source(struct rt_fetch *f, struct rt_err *err)
{
    const struct rt_side_config *side = f->settings;

    if (side->transport == RT_TRANSPORT_COMMAND)
        return fetch_command(f, err);
    if (f->options->full && !side->is_snapshot && side->snapshot_pattern == NULL)
        rt_log_info(f->work->log,
                    "%s gives no snapshots (content, snapshot_pattern): left out of the full run, "
                    "its changes are fetched as always",
                    side->label);
    return rt_fetch_folder(f, err);
}

int rt_fetch_side(struct rt_work *work, enum rt_side side, const struct rt_fetch_options *options,
                  struct rt_err *err)
{
    struct rt_fetch f;
    int rc = 0;

    fetch_init(&f, work, side, options);
    if (!rt_profile_has_source(f.settings)) {
        rt_log_info(work->log, "%s has no source: its files are put into inbox/%s by others",
                    f.settings->label, rt_side_name(side));
        goto out;
    }
    rc = rt_spool_mkdir(f.inbox, err) < 0 ? -1 : fetch_source(&f, err);
    if (rc == 0)
        rc = rt_profile_note_fetch(work->store, side, rt_clock_now(), err);
out:
    fetch_clear(&f);
    return rc < 0 ? rt_err_context(err, "%s", f.settings->label) : 0;
}

int rt_fetch_both(struct rt_work *work, const struct rt_fetch_options *options, struct rt_err *err)
{
    struct rt_unreached unreached = {0};
    int rc = 0;

    for (int s = 0; rc == 0 && s < 2; s++) {
        if (unreached.is_kept && !rt_profile_has_source(&work->rules.config->side[s]))
            continue; /* an error is not followed by a note about nothing */
        if (rt_fetch_side(work, (enum rt_side)s, options, err) < 0)
            rc = rt_unreached_keep(&unreached, err);
    }
    return rt_unreached_end(&unreached, work->log, rc, err);
}
