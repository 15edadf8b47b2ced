#include "lib/moves.h"

#include "lib/folder.h"
#include "lib/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beside the file; caller frees. */
static char *held_name(const char *path)
{
    const char *name = strrchr(path, '/') + 1;

    return rt_xasprintf("%.*s" RT_SPOOL_TEMPORARY "held-%s", (int)(name - path), path, name);
}

/* 1: done; 0: it cannot have a second name here; -1: errno */
static int give_second_name(const char *path, const char *held)
{
    if (link(path, held) == 0 || (errno == EEXIST && unlink(held) == 0 && link(path, held) == 0))
        return 1;
    /* EPERM also for somebody else's file; ENOENT: it is gone, and nothing can be kept of it. */
    return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK ||
                   errno == ENOENT
               ? 0
               : -1;
}

int rt_moves_changed(struct rt_err *err, const char *path)
{
    return rt_err_set(err, RT_IO,
                      "%s: changed while it was read: put files into the inbox by renaming them "
                      "there; the next run takes it",
                      path);
}

int rt_moves_hold(const char *path, uint64_t size, struct rt_err *err)
{
    char *held = held_name(path);
    int rc = give_second_name(path, held);
    struct stat st;

    if (rc < 0)
        rt_err_errno(err, RT_IO, "cannot keep %s for the archive", path);
    else if (rc == 1 && (lstat(held, &st) != 0 || (uint64_t)st.st_size != size))
        rc = rt_moves_changed(err, path);
    free(held);
    return rc < 0 ? -1 : 0;
}

/* Killed while it was moved to another disk: the copy is whole, and what it was made from can go.
 */
static int drop_copied(const char *source, const char *target, struct rt_err *err)
{
    struct rt_file_facts from, to;
    struct stat a, b;

    if (lstat(source, &a) != 0 || lstat(target, &b) != 0 || a.st_dev == b.st_dev ||
        a.st_size != b.st_size)
        return 0;
    if (rt_spool_facts(source, &from, err) < 0 || rt_spool_facts(target, &to, err) < 0)
        return -1;
    return rt_digest_is_equal(from.digest, to.digest) ? rt_spool_remove(source, err) : 0;
}

/* Is it what the ledger tells of?  1, 0, -1.  With the same size and time it is, unless another
 * file took the name. */
static int is_as_read(const char *path, const struct rt_file *file, bool is_other,
                      struct rt_err *err)
{
    struct rt_file_facts facts;
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : rt_err_errno(err, RT_IO, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size)
        return 0;
    if (!is_other && st.st_mtim.tv_sec == file->mtime)
        return 1;
    return rt_spool_facts(path, &facts, err) < 0 ? -1
                                                 : rt_digest_is_equal(facts.digest, file->digest);
}

/* Where what was read is: at `source`, or only at `held`; NULL: nowhere. */
static int find_read(const char *source, const char *held, const struct rt_file *file,
                     const char **path, struct rt_err *err)
{
    struct stat a, b;
    bool is_held = lstat(held, &b) == 0;
    bool is_other =
        is_held && (lstat(source, &a) != 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino);
    int rc = is_as_read(source, file, is_other, err);

    *path = rc == 1 ? source : NULL;
    if (rc == 0 && is_other) {
        rc = is_as_read(held, file, false, err);
        *path = rc == 1 ? held : NULL;
    }
    return rc < 0 ? -1 : 0;
}

static void tell_gone(const struct rt_work *work, const char *from, const char *to)
{
    rt_log_warn(work->log, "%s: taken away before it could be moved to %s", from, to);
}

static int move_read(struct rt_work *work, const char *from, const char *to,
                     const struct rt_file *file, struct rt_err *err)
{
    char *source = rt_xasprintf("%s/%s", work->profile, from), *held = held_name(source),
         *target = rt_xasprintf("%s/%s", work->profile, to);
    const char *path;
    int rc = find_read(source, held, file, &path, err);

    if (rc == 0 && path != NULL)
        rc = rt_spool_move(path, target, err);
    else if (rc == 0 && access(source, F_OK) != 0)
        tell_gone(work, from, to);
    else if (rc == 0)
        rt_log_warn(work->log,
                    "%s: written to after it was read, so it is not kept as %s: what it holds now "
                    "is for the next run",
                    from, to);
    free(source);
    free(held);
    free(target);
    return rc;
}

static int make_move(void *context, const char *from, const char *to, struct rt_err *err)
{
    struct rt_work *work = context;
    struct rt_arena arena = {0};
    struct rt_file file;
    char *source = rt_xasprintf("%s/%s", work->profile, from),
         *target = rt_xasprintf("%s/%s", work->profile, to);
    int rc = rt_store_file_by_path(work->store, to, &arena, &file, err);
    int is_moved = rc < 0 ? -1 : rt_folder_has(target, err);
    int is_there = is_moved < 0 ? -1 : rt_folder_has(source, err);

    /* A target that is there was moved before; what is at the source now is another file of that
       name. */
    if (is_there < 0)
        rc = -1;
    else if (is_moved)
        rc = drop_copied(source, target, err);
    else if (rc == 1 && strncmp(from, "inbox/", 6) == 0)
        rc = move_read(work, from, to, &file, err);
    else if (is_there)
        rc = rt_spool_move(source, target, err);
    else
        tell_gone(work, from, to);
    rt_arena_clear(&arena);
    free(source);
    free(target);
    return rc < 0 ? -1 : 0;
}

int rt_moves_make(struct rt_work *work, struct rt_err *err)
{
    return rt_store_each_move(work->store, make_move, work, err);
}

void rt_moves_release(const char *profile)
{
    struct rt_err ignored; /* what ended the run is told */

    for (int s = 0; s < 2; s++) {
        char *inbox = rt_xasprintf("%s/inbox/%s", profile, rt_side_name((enum rt_side)s));

        (void)!rt_spool_sweep(inbox, &ignored);
        free(inbox);
    }
}
