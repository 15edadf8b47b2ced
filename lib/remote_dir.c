#include "lib/fault.h"
#include "lib/mem.h"
#include "lib/remote_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SIZE 262144

struct dir_remote {
    struct rt_remote base; /* first: the interface knows only this */
    char *profile;
};

static char *local_path(const struct rt_remote *remote, const char *path)
{
    return rt_remote_local_path(((const struct dir_remote *)remote)->profile, path);
}

static void fill_entry(struct rt_remote_entry *entry, const struct stat *st)
{
    entry->size = (uint64_t)st->st_size;
    entry->mtime = st->st_mtim.tv_sec;
    entry->has_size = entry->has_mtime = true;
    entry->is_regular = S_ISREG(st->st_mode);
}

/* A link to what is not there, or to where we may not look. */
static bool leads_nowhere(int number)
{
    return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ENAMETOOLONG ||
           number == EACCES;
}

/* 1; 0: it is gone since it was listed, as if it had never been there; -1: passed over, it would be
   older than what is taken. */
static int look_at(DIR *dir, const char *name, struct rt_remote_entry *entry, struct rt_err *err)
{
    struct stat st;
    int number;

    if (fstatat(dirfd(dir), name, &st, 0) == 0) {
        fill_entry(entry, &st);
        return 1;
    }
    number = errno;
    if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : rt_remote_errno(err, "look at", name);
    errno = number;
    return leads_nowhere(number) ? 1 : rt_remote_errno(err, "look at", name);
}

static int list_open_folder(DIR *dir, const char *folder, struct rt_remote_list *list,
                            struct rt_err *err)
{
    struct dirent *d;

    while ((errno = 0, d = readdir(dir)) != NULL) {
        struct rt_remote_entry entry = {0};
        int rc;

        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        rc = look_at(dir, d->d_name, &entry, err);
        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        entry.name = rt_xstrdup(d->d_name);
        if (rt_remote_list_add(list, &entry, err) != 0)
            return -1;
    }
    return errno == 0 ? 0 : rt_remote_errno(err, "list", folder);
}

static int dir_list(struct rt_remote *remote, const char *folder, struct rt_remote_list *list,
                    struct rt_err *err)
{
    char *path = local_path(remote, folder);
    DIR *dir = opendir(path);
    int rc = -1;

    *list = (struct rt_remote_list){0};
    if (dir == NULL && (errno == ENOENT || errno == ENOTDIR))
        rt_remote_no_folder(err, folder);
    else if (dir == NULL)
        rt_remote_errno(err, "list", folder);
    else
        rc = list_open_folder(dir, folder, list, err);
    if (dir != NULL)
        closedir(dir);
    free(path);
    if (rc != 0)
        rt_remote_list_clear(list);
    rt_remote_list_sort(list);
    return rc;
}

static int dir_stat(struct rt_remote *remote, const char *path, struct rt_remote_entry *entry,
                    struct rt_err *err)
{
    char *full = local_path(remote, path);
    struct stat st;
    int rc = 1;

    *entry = (struct rt_remote_entry){0};
    if (stat(full, &st) == 0)
        fill_entry(entry, &st);
    else if (errno == ENOENT || errno == ENOTDIR)
        rc = 0;
    else
        rc = rt_remote_errno(err, "look at", path);
    free(full);
    return rc;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int read_into(struct rt_remote *remote, int fd, const char *path, struct rt_spool *into,
                     struct rt_err *err)
{
    char *block = rt_xmalloc(BLOCK_SIZE);
    int rc = 0;

    while (rc == 0) {
        ssize_t n = RT_STEP("remote.get") != 0 ? -1 : read(fd, block, BLOCK_SIZE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = rt_remote_errno(err, "read", path);
        else if (n == 0)
            break;
        else if (rt_spool_write(into, block, (size_t)n, err) != 0)
            rc = -1;
        else
            rc = rt_remote_check_time(remote, err);
    }
    free(block);
    return rc;
}

static int get_open_file(struct rt_remote *remote, int fd, const char *path, struct rt_spool *into,
                         struct rt_err *err)
{
    uint64_t start = rt_spool_size(into);
    struct stat before, after, named;
    char *full;
    int rc;

    if (fstat(fd, &before) != 0)
        return rt_remote_errno(err, "look at", path);
    if (!S_ISREG(before.st_mode))
        return rt_err_set(err, RT_IO, "%s is not a regular file", path);
    if (read_into(remote, fd, path, into, err) != 0)
        return -1;
    full = local_path(remote, path);
    rc = fstat(fd, &after) == 0 && stat(full, &named) == 0;
    free(full);
    if (!rc || !is_unchanged(&before, &after) || !is_unchanged(&after, &named) ||
        rt_spool_size(into) - start != (uint64_t)after.st_size)
        return rt_remote_changed(err, path);
    fill_entry(&remote->got, &after);
    return 0;
}

static int dir_get(struct rt_remote *remote, const char *path, struct rt_spool *into,
                   struct rt_err *err)
{
    char *full = local_path(remote, path);
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int rc;

    if (fd < 0) {
        rc = rt_remote_errno(err, "open", path);
    } else {
        rc = get_open_file(remote, fd, path, into, err);
        close(fd);
    }
    free(full);
    return rc;
}

static int write_block(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = RT_STEP("remote.put") != 0 ? -1 : write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int copy_out(struct rt_remote *remote, int from, int to, const char *path,
                    struct rt_err *err)
{
    char *block = rt_xmalloc(BLOCK_SIZE);
    int rc = 0;
    ssize_t n;

    while (rc == 0 && (n = read(from, block, BLOCK_SIZE)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = rt_err_errno(err, RT_IO, "cannot read the local file for %s", path);
        else if (write_block(to, block, (size_t)n) != 0)
            rc = rt_remote_errno(err, "write", path);
        else
            rc = rt_remote_check_time(remote, err);
    }
    free(block);
    return rc;
}

static int finish_put(const struct rt_remote *remote, int fd, const char *path, uint64_t size,
                      struct rt_err *err)
{
    struct rt_remote_entry there = {0};
    struct stat st;

    if (RT_STEP("remote.close") != 0 || fsync(fd) != 0 || fstat(fd, &st) != 0)
        return rt_remote_errno(err, "write", path);
    fill_entry(&there, &st);
    return rt_remote_check_written(remote, path, size, &there, err);
}

static int dir_put(struct rt_remote *remote, const char *local, const char *path,
                   struct rt_err *err)
{
    char *full = local_path(remote, path);
    uint64_t size;
    int from = rt_remote_open_local(local, &size, err), to = -1, rc = -1;

    if (from < 0)
        goto out;
    to = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0) {
        if (errno == EEXIST)
            rt_remote_in_the_way(err, path);
        else
            rt_remote_errno(err, "create", path);
        goto out;
    }
    /* Who takes it may be another user; a file system may know no such permissions. */
    (void)!fchmod(to, 0666 & ~remote->settings->umask);
    rc = copy_out(remote, from, to, path, err);
    if (rc == 0)
        rc = finish_put(remote, to, path, size, err);
    if (close(to) != 0 && rc == 0)
        rc = rt_remote_errno(err, "write", path);
    if (rc != 0)
        unlink(full);
    else if ((rc = rt_spool_sync_name(full, err)) != 0) /* before anybody is told of it */
        err->code = rt_remote_code(errno);
out:
    if (from >= 0)
        close(from);
    free(full);
    return rc;
}

static int dir_rename(struct rt_remote *remote, const char *from, const char *to,
                      struct rt_err *err)
{
    char *full_from = local_path(remote, from), *full_to = local_path(remote, to);
    struct stat st;
    int rc = -1;

    /* rt_spool_move would take a missing source for a repeated step; here it is a caller's mistake.
     */
    if (lstat(full_from, &st) != 0)
        rt_remote_errno(err, "rename", from);
    else if (access(full_to, F_OK) == 0)
        rt_remote_rename_onto(err, from, to);
    else if ((rc = rt_spool_move(full_from, full_to, err)) != 0)
        err->code = rt_remote_code(errno);
    free(full_from);
    free(full_to);
    return rc;
}

static int dir_remove(struct rt_remote *remote, const char *path, struct rt_err *err)
{
    char *full = local_path(remote, path);
    int rc = 0;

    if (RT_STEP("remote.remove") != 0 || (unlink(full) != 0 && errno != ENOENT && errno != ENOTDIR))
        rc = rt_remote_errno(err, "remove", path);
    free(full);
    return rc;
}

static void dir_close(struct rt_remote *remote)
{
    struct dir_remote *dir = (struct dir_remote *)remote;

    free(dir->profile);
    free(dir);
}

static const struct rt_remote_class dir_class = {
    .list = dir_list,
    .stat = dir_stat,
    .get = dir_get,
    .put = dir_put,
    .rename = dir_rename,
    .remove = dir_remove,
    .close = dir_close,
};

int rt_remote_dir_open(const char *profile, struct rt_remote *base, struct rt_remote **remote,
                       struct rt_err *err)
{
    struct dir_remote *dir = rt_xcalloc(1, sizeof *dir);

    (void)err; /* folders are looked at when they are used, and may be on either side of a link */
    dir->base = *base;
    dir->base.class = &dir_class;
    dir->profile = rt_xstrdup(profile);
    *remote = &dir->base;
    return 0;
}
