#include "lib/fault.h"
#include "lib/mem.h"
#include "lib/plant.h"
#include "lib/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return rt_xstrdup(".");
    return rt_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int close_after(int fd, int rc)
{
    int why = errno;

    close(fd);
    errno = why;
    return rc;
}

static int sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -1;
    rc = RT_STEP("spool.fsync_dir") != 0 ? -1 : RT_PLANTED("no-folder-fsync") ? 0 : fsync(fd);
    if (rc != 0 && errno == EINVAL) /* this file system syncs no folders */
        rc = syncfs(fd);
    return close_after(fd, rc);
}

/* All of the file system that a file is on. */
static int sync_around(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    return fd < 0 ? -1 : close_after(fd, syncfs(fd));
}

int rt_spool_sync_name(const char *path, struct rt_err *err)
{
    char *dir = folder_of(path);
    int rc = sync_folder(dir);

    /* A drop box: others may write to it, but not read what is there. */
    if (rc != 0 && errno == EACCES)
        rc = sync_around(path);
    if (rc != 0)
        rt_err_errno(err, RT_IO, "cannot make the folder %s durable; check its disk", dir);
    free(dir);
    return rc;
}

/* Makes one folder; 0 also if it is there. */
static int make_folder(const char *path, struct rt_err *err)
{
    struct stat st;

    if (mkdir(path, 0700) == 0)
        return rt_spool_sync_name(path, err);
    if (errno == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        errno = ENOTDIR;
    }
    return rt_err_errno(err, RT_IO, "cannot make the folder %s", path);
}

int rt_spool_mkdir(const char *path, struct rt_err *err)
{
    char *parent;
    struct stat st;
    int rc;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    parent = folder_of(path);
    rc = strcmp(parent, path) == 0 ? 0 : rt_spool_mkdir(parent, err);
    free(parent);
    return rc == 0 ? make_folder(path, err) : -1;
}
