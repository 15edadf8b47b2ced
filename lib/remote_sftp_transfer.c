#include "lib/remote_sftp.h"

#include "lib/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * How much is in flight decides the speed of a long way, and costs on a short one: what lies in
 * buffers falls out of the processor's cache.  So it grows with the time that a question and its
 * answer take.  Measured with tests/bench/sftp.py.
 */
#define AHEAD       4    /* libssh2 asks for so many times the block that it is to fill */
#define SMALL_BLOCK 4096 /* for servers that answer reads short */
#define LEAST_BLOCK (32 << 10)
#define BLOCK       (128 << 10)
#define MOST_BLOCK  (2 << 20)
#define WINDOW      (512 << 10)
#define MOST_WINDOW (4 << 20)
#define PER_MS      (200 << 10)

static struct rt_sftp *sftp_of(struct rt_remote *remote)
{
    return (struct rt_sftp *)remote;
}

static size_t in_flight(const struct rt_sftp *s, size_t least, size_t most)
{
    size_t wanted = s->round_trip_ms < 1000 ? (size_t)s->round_trip_ms * PER_MS : most;

    return wanted < least ? least : wanted > most ? most : wanted;
}

/* Reading. */

struct reading {
    struct rt_sftp *s;
    LIBSSH2_SFTP_HANDLE *handle;
    const char *path;
    struct rt_spool *into;
    uint64_t start; /* bytes that were in the spool before */
    size_t block;
    bool has_size;
    uint64_t size; /* of the file; 0: the server does not tell */
};

static int reopen_with_small_blocks(struct reading *r, struct rt_err *err)
{
    r->block = SMALL_BLOCK;
    if (rt_sftp_close_handle(r->s, r->handle, 0, r->path, err) != 0)
        return -1;
    r->handle = rt_sftp_open_handle(r->s, r->path, LIBSSH2_FXF_READ, LIBSSH2_SFTP_OPENFILE, err);
    if (r->handle == NULL)
        return -1;
    libssh2_sftp_seek64(r->handle, rt_spool_size(r->into) - r->start);
    return 0;
}

/* libssh2 does not expect a read to be answered with less than it asked for; what came so far is
 * right. */
static bool is_short_answer(const struct reading *r, ssize_t n)
{
    return n == LIBSSH2_ERROR_SFTP_PROTOCOL && r->block != SMALL_BLOCK &&
           rt_sftp_status(r->s) == 0 &&
           strstr(rt_sftp_last_error(r->s), "Unexpected Offset") != NULL;
}

/* Asking for more than there is costs an answer for each question past the end. */
static size_t choose_block(const struct rt_sftp *s, const struct rt_remote_entry *there)
{
    size_t block = in_flight(s, AHEAD * BLOCK, AHEAD * MOST_BLOCK) / AHEAD;

    if (there->has_size && there->size / AHEAD < block)
        block = (size_t)(there->size / AHEAD);
    return block < LEAST_BLOCK ? LEAST_BLOCK : block;
}

static int read_all(struct reading *r, struct rt_err *err)
{
    char *bytes = rt_xmalloc(r->block);
    int rc = 0;

    while (rc == 0) {
        ssize_t n;

        if (RT_STEP("remote.get") != 0) {
            rc = rt_sftp_fail_step(r->s, "read", r->path, err);
            break;
        }
        n = libssh2_sftp_read(r->handle, bytes, r->block);
        if (n == 0)
            break;
        if (n == LIBSSH2_ERROR_EAGAIN)
            rc = rt_sftp_wait(r->s, err);
        else if (n > 0)
            rc = rt_spool_write(r->into, bytes, (size_t)n, err);
        else if (is_short_answer(r, n))
            rc = reopen_with_small_blocks(r, err);
        else
            rc = rt_sftp_fail(r->s, "reading", r->path, err);
        if (n > 0 && rc == 0) {
            rt_log_progress(r->s->base.log,
                            (struct rt_progress){r->path, RT_UNIT_BYTES, rt_spool_size(r->into),
                                                 r->size, false});
            rc = rt_remote_check_time(&r->s->base, err);
        }
        /* It grows, or has no end at all, which a disk has. */
        if (rc == 0 && r->has_size && rt_spool_size(r->into) - r->start > r->size)
            rc = rt_remote_changed(err, r->path);
    }
    rt_log_progress(r->s->base.log, (struct rt_progress){.is_over = true});
    free(bytes);
    return rc;
}

static int compare_after(struct reading *r, const struct rt_remote_entry *before,
                         struct rt_err *err)
{
    struct rt_remote_entry after, named;
    uint64_t len = rt_spool_size(r->into) - r->start;
    int found;

    if (rt_sftp_stat_handle(r->s, r->handle, r->path, &after, err) != 0)
        return -1;
    found = rt_sftp_stat_path(r->s, r->path, &named, err);
    if (found < 0)
        return -1;
    if (found == 0 || !rt_remote_is_same(before, &after) || !rt_remote_is_same(&after, &named) ||
        (after.has_size && after.size != len))
        return rt_remote_changed(err, r->path);
    if (!after.has_size)
        rt_log_warn(r->s->base.log,
                    "%s: the server tells no sizes; its length could not be checked", r->path);
    return 0;
}

int rt_sftp_get(struct rt_remote *remote, const char *path, struct rt_spool *into,
                struct rt_err *err)
{
    struct reading r = {.s = sftp_of(remote), .path = path, .into = into};
    struct rt_remote_entry before;
    int rc;

    r.start = rt_spool_size(into);
    if (rt_sftp_begin(r.s, err) != 0)
        return -1;
    r.handle = rt_sftp_open_handle(r.s, path, LIBSSH2_FXF_READ, LIBSSH2_SFTP_OPENFILE, err);
    if (r.handle == NULL)
        return -1;
    rc = rt_sftp_stat_handle(r.s, r.handle, path, &before, err);
    r.block = choose_block(r.s, &before);
    r.has_size = rc == 0 && before.has_size;
    r.size = r.has_size ? before.size : 0;
    if (rc == 0)
        rc = read_all(&r, err);
    if (rc == 0)
        rc = compare_after(&r, &before, err);
    remote->got = before;
    return r.handle == NULL ? -1 : rt_sftp_close_handle(r.s, r.handle, rc, path, err);
}

/* Writing. */

struct writing {
    struct rt_sftp *s;
    LIBSSH2_SFTP_HANDLE *handle;
    const char *path;
    int from;
    size_t window;
    char *bytes; /* twice the window */
    size_t pos, end;
    uint64_t done, size;
    bool is_read; /* the local file has ended */
};

/* Keeps a window of bytes ready, so that what is in flight never runs dry. */
static int refill(struct writing *w, struct rt_err *err)
{
    if (w->is_read || w->end - w->pos >= w->window)
        return 0;
    memmove(w->bytes, w->bytes + w->pos, w->end - w->pos);
    w->end -= w->pos;
    w->pos = 0;
    while (w->end < 2 * w->window) {
        ssize_t n = read(w->from, w->bytes + w->end, 2 * w->window - w->end);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rt_err_errno(err, RT_IO, "cannot read the local file for %s", w->path);
        if (n == 0) {
            w->is_read = true;
            return 0;
        }
        w->end += (size_t)n;
    }
    return 0;
}

static int write_some(struct writing *w, struct rt_err *err)
{
    size_t ready = w->end - w->pos;
    ssize_t n;

    if (RT_STEP("remote.put") != 0)
        return rt_sftp_fail_step(w->s, "write", w->path, err);
    n = libssh2_sftp_write(w->handle, w->bytes + w->pos, ready < w->window ? ready : w->window);
    if (n == LIBSSH2_ERROR_EAGAIN)
        return rt_sftp_wait(w->s, err);
    if (n < 0)
        return rt_sftp_fail(w->s, "writing", w->path, err);
    w->pos += (size_t)n;
    w->done += (uint64_t)n;
    rt_log_progress(w->s->base.log,
                    (struct rt_progress){w->path, RT_UNIT_BYTES, w->done, w->size, false});
    return rt_remote_check_time(&w->s->base, err);
}

static int write_all(struct writing *w, struct rt_err *err)
{
    int rc = refill(w, err);

    while (rc == 0 && w->pos < w->end) {
        rc = write_some(w, err);
        if (rc == 0)
            rc = refill(w, err);
    }
    return rc;
}

static int compare_size(struct rt_sftp *s, const char *path, uint64_t size, struct rt_err *err)
{
    struct rt_remote_entry there;
    int found = rt_sftp_stat_path(s, path, &there, err);

    if (found < 0)
        return -1;
    return rt_remote_check_written(&s->base, path, size, found ? &there : NULL, err);
}

/* The server's answer to an open that must not overwrite differs; a look tells. */
static int open_new(struct writing *w, struct rt_err *err)
{
    struct rt_remote_entry there;
    struct rt_err look;

    w->handle =
        rt_sftp_open_handle(w->s, w->path, LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL,
                            LIBSSH2_SFTP_OPENFILE, err);
    if (w->handle != NULL)
        return 0;
    if (!w->s->is_dead && rt_sftp_stat_path(w->s, w->path, &there, &look) == 1)
        rt_remote_in_the_way(err, w->path);
    return -1;
}

int rt_sftp_put(struct rt_remote *remote, const char *local, const char *path, struct rt_err *err)
{
    struct writing w = {.s = sftp_of(remote), .path = path};
    struct rt_err later;
    int rc = -1;

    if (rt_sftp_begin(w.s, err) != 0)
        return -1;
    w.from = rt_remote_open_local(local, &w.size, err);
    if (w.from < 0)
        return -1;
    if (open_new(&w, err) == 0) {
        w.window = in_flight(w.s, WINDOW, MOST_WINDOW);
        w.bytes = rt_xmalloc(2 * w.window);
        rc = rt_sftp_close_handle(w.s, w.handle, write_all(&w, err), path, err);
        rt_log_progress(w.s->base.log, (struct rt_progress){.is_over = true});
        if (rc == 0)
            rc = compare_size(w.s, path, w.size, err);
        if (rc != 0 && !w.s->is_dead && rt_sftp_begin(w.s, &later) == 0)
            (void)!rt_sftp_remove_path(w.s, path, &later);
        free(w.bytes);
    }
    close(w.from);
    return rc;
}
