#include "lib/spool.h"

#include "lib/fault.h"
#include "lib/plant.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SIZE 65536

struct rt_spool {
    char *dir, *name, *temporary; /* temporary: NULL once it has its final name */
    int fd;
    bool replace, has_mtime;
    int64_t mtime;
    uint64_t size;
    struct rt_hasher *hasher;
    struct rt_buf pending; /* not written yet, at most BLOCK_SIZE */
    struct rt_err failed;  /* the first error; it sticks */
};

static int sync_bytes(int fd)
{
    return RT_PLANTED("no-fsync") ? 0 : fsync(fd);
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static ssize_t read_some(int fd, void *bytes, size_t len)
{
    ssize_t n;

    do
        n = read(fd, bytes, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return lstat(a, &sa) == 0 && lstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* For file systems that do not know RENAME_NOREPLACE.  A kill between the two calls leaves one file
   with two names; the second try finds that and takes the old name away. */
static int link_and_unlink(const char *from, const char *to)
{
    struct stat st;

    if (link(from, to) != 0) {
        if (errno == EEXIST && is_same_file(from, to))
            return unlink(from);
        if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
            return -1;
        if (lstat(to, &st) == 0) {
            errno = EEXIST;
            return -1;
        }
        return rename(from, to); /* neither is known there; the profile's lock keeps others out */
    }
    return unlink(from);
}

static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EINVAL || errno == ENOSYS)
        return link_and_unlink(from, to);
    if (errno == EEXIST && is_same_file(from, to))
        return unlink(from);
    return -1;
}

static int stick(struct rt_spool *spool, struct rt_err *err)
{
    spool->failed = *err;
    return -1;
}

static int write_out(struct rt_spool *spool, const char *bytes, size_t len, struct rt_err *err)
{
    if (RT_STEP("spool.write") == 0 && write_all(spool->fd, bytes, len) == 0)
        return 0;
    rt_err_errno(err, RT_IO, "cannot write %s/%s; is the disk full?", spool->dir, spool->name);
    return stick(spool, err);
}

static int write_pending(struct rt_spool *spool, struct rt_err *err)
{
    if (write_out(spool, rt_buf_str(&spool->pending), spool->pending.len, err) != 0)
        return -1;
    rt_buf_reset(&spool->pending);
    return 0;
}

int rt_spool_open(const char *dir, const char *name, bool replace, struct rt_spool **spool,
                  struct rt_err *err)
{
    struct rt_spool *s;
    char *path;
    int fd;

    *spool = NULL;
    if (*name == '\0' || strchr(name, '/') != NULL) {
        rt_err_set(err, RT_INTERNAL, "\"%s\" is not a file name", name);
        return -1;
    }
    path = rt_xasprintf("%s/" RT_SPOOL_TEMPORARY "%.180s.XXXXXX", dir, name);
    fd = RT_STEP("spool.create") != 0 ? -1 : mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        rt_err_errno(err, RT_IO, "cannot create a file in %s", dir);
        free(path);
        return -1;
    }
    s = rt_xcalloc(1, sizeof *s);
    s->dir = rt_xstrdup(dir);
    s->name = rt_xstrdup(name);
    s->temporary = path;
    s->fd = fd;
    s->replace = replace;
    s->hasher = rt_hasher_new();
    *spool = s;
    return 0;
}

int rt_spool_write(struct rt_spool *spool, const void *bytes, size_t len, struct rt_err *err)
{
    const char *next = bytes;
    size_t left = len;

    if (spool->failed.code != RT_OK) {
        *err = spool->failed;
        return -1;
    }
    while (left > 0) {
        size_t room = BLOCK_SIZE - spool->pending.len;
        size_t n = left < room ? left : room;

        if (n == BLOCK_SIZE) { /* nothing is pending: whole blocks need no copy */
            n = left - left % BLOCK_SIZE;
            if (write_out(spool, next, n, err) != 0)
                return -1;
        } else {
            rt_buf_add(&spool->pending, next, n);
            if (spool->pending.len == BLOCK_SIZE && write_pending(spool, err) != 0)
                return -1;
        }
        next += n;
        left -= n;
    }
    rt_hasher_add_bytes(spool->hasher, rt_slice_from(bytes, len));
    spool->size += len;
    return 0;
}

int rt_spool_fd(const struct rt_spool *spool)
{
    return spool->fd;
}

const char *rt_spool_dir(const struct rt_spool *spool)
{
    return spool->dir;
}

int rt_spool_flush(struct rt_spool *spool, struct rt_err *err)
{
    if (spool->failed.code != RT_OK) {
        *err = spool->failed;
        return -1;
    }
    return spool->pending.len == 0 ? 0 : write_pending(spool, err);
}

void rt_spool_rename(struct rt_spool *spool, const char *name)
{
    char *copy = rt_xstrdup(name);

    free(spool->name);
    spool->name = copy;
}

void rt_spool_set_mtime(struct rt_spool *spool, int64_t t)
{
    spool->mtime = t;
    spool->has_mtime = true;
}

uint64_t rt_spool_size(const struct rt_spool *spool)
{
    return spool->size;
}

struct rt_digest rt_spool_digest(const struct rt_spool *spool)
{
    return rt_hasher_end(spool->hasher);
}

static int make_durable(struct rt_spool *spool, struct rt_err *err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = spool->mtime}};

    if (rt_spool_flush(spool, err) != 0)
        return -1;
    if (spool->has_mtime && futimens(spool->fd, times) != 0) {
        rt_err_errno(err, RT_IO, "cannot set the time of %s/%s", spool->dir, spool->name);
        return stick(spool, err);
    }
    if (RT_STEP("spool.fsync") != 0 || sync_bytes(spool->fd) != 0) {
        rt_err_errno(err, RT_IO, "cannot make %s/%s durable; check its disk", spool->dir,
                     spool->name);
        return stick(spool, err);
    }
    return 0;
}

static int give_name(struct rt_spool *spool, const char *path, struct rt_err *err)
{
    int failed = RT_STEP("spool.rename");

    if (failed == 0)
        failed =
            spool->replace ? rename(spool->temporary, path) : rename_new(spool->temporary, path);
    if (failed == 0)
        return 0;
    if (errno == EEXIST)
        rt_err_set(err, RT_IO, "%s is already there and is not overwritten; move it away", path);
    else
        rt_err_errno(err, RT_IO, "cannot rename a finished file to %s", path);
    return stick(spool, err);
}

int rt_spool_commit(struct rt_spool *spool, struct rt_err *err)
{
    char *path;
    int rc = -1;

    if (make_durable(spool, err) != 0)
        return -1;
    path = rt_xasprintf("%s/%s", spool->dir, spool->name);
    if (give_name(spool, path, err) != 0)
        goto out;
    free(spool->temporary);
    spool->temporary = NULL;
    if (rt_spool_sync_name(path, err) != 0) {
        /* Not known to be durable, so not there: what was replaced is lost already, what is new
         * goes. */
        if (!spool->replace)
            unlink(path);
        stick(spool, err);
        goto out;
    }
    rc = 0;
out:
    free(path);
    return rc;
}

void rt_spool_close(struct rt_spool *spool)
{
    if (spool == NULL)
        return;
    if (spool->temporary != NULL)
        unlink(spool->temporary);
    close(spool->fd);
    rt_hasher_free(spool->hasher);
    rt_buf_clear(&spool->pending);
    free(spool->temporary);
    free(spool->name);
    free(spool->dir);
    free(spool);
}

static bool is_moved(const char *from, const char *to)
{
    struct stat st;

    return lstat(from, &st) != 0 && errno == ENOENT && lstat(to, &st) == 0;
}

/* A folder of the profile may be a link to another disk.  Killed in between, both are there. */
static int move_to_other_disk(const char *from, const char *to, struct rt_err *err)
{
    char *folder = rt_xstrdup(to), *slash = strrchr(folder, '/');
    int rc;

    *slash = '\0';
    rc = rt_spool_copy(from, folder, slash + 1, err);
    free(folder);
    return rc == 0 ? rt_spool_remove(from, err) : -1;
}

static bool is_same_folder(const char *a, const char *b)
{
    const char *end = strrchr(a, '/'), *other = strrchr(b, '/');

    return end != NULL && other != NULL && end - a == other - b &&
           memcmp(a, b, (size_t)(end - a)) == 0;
}

int rt_spool_move(const char *from, const char *to, struct rt_err *err)
{
    if (!is_moved(from, to) && (RT_STEP("spool.move") != 0 || rename_new(from, to) != 0)) {
        if (errno == EXDEV && strchr(to, '/') != NULL)
            return move_to_other_disk(from, to, err);
        if (errno == EEXIST)
            return rt_err_set(err, RT_IO, "cannot move %s: %s is already there", from, to);
        return rt_err_errno(err, RT_IO, "cannot move %s to %s", from, to);
    }
    if (rt_spool_sync_name(to, err) != 0)
        return -1;
    return is_same_folder(from, to) ? 0 : rt_spool_sync_name(from, err);
}

int rt_spool_replace(const char *from, const char *to, struct rt_err *err)
{
    if (RT_STEP("spool.replace") != 0 || rename(from, to) != 0)
        return rt_err_errno(err, RT_IO, "cannot put %s in the place of %s", from, to);
    return rt_spool_sync_name(to, err);
}

int rt_spool_sync(const char *path, struct rt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int failed;

    if (fd < 0)
        return rt_err_errno(err, RT_IO, "cannot open %s", path);
    failed = RT_STEP("spool.fsync") != 0 || sync_bytes(fd) != 0;
    if (failed)
        rt_err_errno(err, RT_IO, "cannot make %s durable; check its disk", path);
    close(fd);
    return failed ? -1 : rt_spool_sync_name(path, err);
}

int rt_spool_remove(const char *path, struct rt_err *err)
{
    if (RT_STEP("spool.remove") != 0 || (unlink(path) != 0 && errno != ENOENT))
        return rt_err_errno(err, RT_IO, "cannot remove %s", path);
    return rt_spool_sync_name(path, err);
}

static int open_regular(const char *path, struct stat *st, struct rt_err *err)
{
    /* O_NONBLOCK: a named pipe in the place of a file must not stop us for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        rt_err_errno(err, RT_IO, "cannot open %s", path);
    else if (fstat(fd, st) != 0)
        rt_err_errno(err, RT_IO, "cannot look at %s", path);
    else if (!S_ISREG(st->st_mode))
        rt_err_set(err, RT_IO, "%s is not a regular file", path);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Reads a regular file to its end, into a spool or only into a hasher, and sees that it stood
 * still. */
static int read_still(const char *path, struct rt_spool *into, struct rt_file_facts *facts,
                      struct rt_err *err)
{
    struct rt_hasher *hasher = rt_hasher_new();
    char *block = rt_xmalloc(BLOCK_SIZE);
    struct stat before, after;
    uint64_t size = 0;
    int fd = open_regular(path, &before, err), rc = -1;
    ssize_t n;

    if (fd < 0)
        goto out;
    while ((n = read_some(fd, block, BLOCK_SIZE)) > 0) {
        rt_hasher_add_bytes(hasher, rt_slice_from(block, (size_t)n));
        size += (uint64_t)n;
        if (into != NULL && rt_spool_write(into, block, (size_t)n, err) != 0)
            goto out;
    }
    if (n < 0 || fstat(fd, &after) != 0) {
        rt_err_errno(err, RT_IO, "cannot read %s", path);
        goto out;
    }
    if (!is_unchanged(&before, &after) || size != (uint64_t)after.st_size) {
        rt_err_set(err, RT_IO, "%s changed while it was read; try again", path);
        goto out;
    }
    facts->size = size;
    facts->mtime = after.st_mtim.tv_sec;
    facts->digest = rt_hasher_end(hasher);
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    free(block);
    rt_hasher_free(hasher);
    return rc;
}

int rt_spool_copy(const char *from, const char *dir, const char *name, struct rt_err *err)
{
    struct rt_file_facts facts;
    struct rt_spool *spool;
    int rc = -1;

    if (rt_spool_open(dir, name, false, &spool, err) != 0)
        return -1;
    if (read_still(from, spool, &facts, err) != 0)
        goto out;
    rt_spool_set_mtime(spool, facts.mtime);
    rc = rt_spool_commit(spool, err);
out:
    rt_spool_close(spool);
    return rc;
}

static int append_at(int fd, const char *path, uint64_t offset, struct rt_slice bytes,
                     struct rt_err *err)
{
    size_t half = bytes.len / 2;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return rt_err_errno(err, RT_IO, "cannot look at %s", path);
    if ((uint64_t)st.st_size < offset)
        return rt_err_set(err, RT_IO, "%s is shorter than what was written to it; bytes were lost",
                          path);
    if (ftruncate(fd, (off_t)offset) != 0 || lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return rt_err_errno(err, RT_IO, "cannot cut %s", path);
    /* Two halves, so that a kill at the step between them leaves the torn end that it may leave. */
    if (write_all(fd, bytes.ptr, half) != 0 || RT_STEP("spool.append") != 0 ||
        write_all(fd, bytes.ptr + half, bytes.len - half) != 0)
        return rt_err_errno(err, RT_IO, "cannot append to %s; is the disk full?", path);
    if (RT_STEP("spool.fsync") != 0 || sync_bytes(fd) != 0)
        return rt_err_errno(err, RT_IO, "cannot make %s durable; check its disk", path);
    return 0;
}

int rt_spool_append(const char *path, uint64_t offset, struct rt_slice bytes, struct rt_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc;

    if (fd < 0)
        return rt_err_errno(err, RT_IO, "cannot open %s", path);
    rc = append_at(fd, path, offset, bytes, err);
    if (close(fd) != 0 && rc == 0)
        rc = rt_err_errno(err, RT_IO, "cannot close %s", path);
    /* Not only when we created it: an earlier try may have been killed before it got here. */
    if (rc == 0 && offset == 0)
        rc = rt_spool_sync_name(path, err);
    return rc;
}

int rt_spool_sweep(const char *dir, struct rt_err *err)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    int rc = 0;

    if (d == NULL)
        return errno == ENOENT ? 0 : rt_err_errno(err, RT_IO, "cannot list %s", dir);
    while (rc == 0 && (errno = 0, entry = readdir(d)) != NULL) {
        if (strncmp(entry->d_name, RT_SPOOL_TEMPORARY, sizeof RT_SPOOL_TEMPORARY - 1) != 0)
            continue;
        if (unlinkat(dirfd(d), entry->d_name, 0) != 0 && errno != ENOENT)
            rc = rt_err_errno(err, RT_IO, "cannot remove %s/%s, left by an earlier run", dir,
                              entry->d_name);
    }
    if (rc == 0 && errno != 0)
        rc = rt_err_errno(err, RT_IO, "cannot list %s", dir);
    closedir(d);
    return rc;
}

int rt_spool_read(const char *path, size_t limit, struct rt_buf *out, struct rt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t start = out->len;
    char block[8192];
    ssize_t n;

    if (fd < 0)
        return rt_err_errno(err, RT_IO, "cannot open %s", path);
    while ((n = read_some(fd, block, sizeof block)) > 0) {
        if ((size_t)n > limit - (out->len - start))
            break;
        rt_buf_add(out, block, (size_t)n);
    }
    if (n < 0)
        rt_err_errno(err, RT_IO, "cannot read %s", path);
    else if (n > 0)
        rt_err_set(err, RT_DATA, "%s is larger than the allowed %zu bytes", path, limit);
    close(fd);
    return n == 0 ? 0 : -1;
}

int rt_spool_facts(const char *path, struct rt_file_facts *facts, struct rt_err *err)
{
    return read_still(path, NULL, facts, err);
}
