#include "lib/publish.h"

#include "lib/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_SIZE 4096

/* Is it empty, or one that was made before? */
static int check_ours(const char *path, const char *mark, const char *what, struct rt_err *err)
{
    char head[HEAD_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return rt_err_errno(err, RT_IO, "cannot look at %s, which would be replaced", path);
    n = read(fd, head, sizeof head);
    close(fd);
    if (n < 0)
        return rt_err_errno(err, RT_IO, "cannot read %s, which would be replaced", path);
    if (n == 0 || memmem(head, (size_t)n, mark, strlen(mark)) != NULL)
        return 0;
    return rt_err_set(err, RT_USAGE,
                      "%s is there and is not a %s of roundtrip, so it is not replaced: name "
                      "another file, or move it away",
                      path, what);
}

int rt_publish_check_name(const char *path, struct rt_err *err)
{
    return *path == '\0' || path[strlen(path) - 1] == '/'
               ? rt_err_set(err, RT_USAGE, "\"%s\" is not the name of a file", path)
               : 0;
}

int rt_publish_may_replace(const char *path, const char *mark, struct rt_err *err)
{
    struct stat st;

    if (rt_publish_check_name(path, err) < 0)
        return -1;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? 0 : rt_err_errno(err, RT_IO, "cannot look at %s", path);
    return S_ISREG(st.st_mode)
               ? check_ours(path, mark, "report", err)
               : rt_err_set(err, RT_USAGE, "%s is there and is no file: name another", path);
}

static int write_through(const char *path, struct rt_slice bytes, struct rt_err *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    int rc = 0;

    if (fd < 0)
        return rt_err_errno(err, RT_IO, "cannot open %s", path);
    while (bytes.len > 0 && rc == 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno != EINTR)
            rc = rt_err_errno(err, RT_IO, "cannot write to %s", path);
        if (n > 0)
            bytes = rt_slice_from(bytes.ptr + n, bytes.len - (size_t)n);
    }
    if (close(fd) != 0 && rc == 0)
        rc = rt_err_errno(err, RT_IO, "cannot write to %s", path);
    return rc;
}

/* Readers of the old one can read the new one, and nobody else can. */
static int keep_access(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & 0777;

    if (fchown(fd, (uid_t)-1, old->st_gid) != 0)
        mode &= ~(mode_t)070; /* it would be another group's */
    return fchmod(fd, mode);
}

/* `old`: what it replaces, or NULL. */
static int write_whole(const char *path, struct rt_slice bytes, const struct stat *old,
                       struct rt_err *err)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash == NULL ? rt_xstrdup(".")
                              : rt_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
    struct rt_spool *spool = NULL;
    int rc = rt_spool_open(dir, slash ? slash + 1 : path, old != NULL, &spool, err);

    if (rc == 0)
        rc = rt_spool_write(spool, bytes.ptr, bytes.len, err);
    if (rc == 0 && old != NULL && keep_access(rt_spool_fd(spool), old) != 0)
        rc = rt_err_errno(err, RT_IO, "cannot keep the permissions of %s", path);
    if (rc == 0)
        rc = rt_spool_commit(spool, err);
    rt_spool_close(spool);
    free(dir);
    return rc;
}

int rt_publish(const char *path, struct rt_slice bytes, const char *mark, struct rt_err *err)
{
    struct stat st;
    char *target;
    int rc;

    if (rt_publish_check_name(path, err) < 0)
        return -1;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? write_whole(path, bytes, NULL, err)
                               : rt_err_errno(err, RT_IO, "cannot look at %s", path);
    if (S_ISDIR(st.st_mode))
        return rt_err_set(err, RT_USAGE, "%s is a folder: name a file in it", path);
    if (!S_ISREG(st.st_mode))
        return write_through(path, bytes, err);
    if (check_ours(path, mark, "page", err) < 0)
        return -1;
    target = realpath(path, NULL);
    rc = target == NULL ? rt_err_errno(err, RT_IO, "cannot look at %s", path)
                        : write_whole(target, bytes, &st, err);
    free(target);
    return rc;
}
