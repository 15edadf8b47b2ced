#include "lib/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

int rt_folder_each(const char *path, rt_folder_visit *visit, void *context, struct rt_err *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL)
        return errno == ENOENT ? 0 : rt_err_errno(err, RT_IO, "cannot list %s", path);
    while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            rc = visit(context, entry->d_name, err);
    if (rc == 0 && entry == NULL && errno != 0)
        rc = rt_err_errno(err, RT_IO, "cannot list %s", path);
    closedir(dir);
    return rc;
}

int rt_folder_has(const char *path, struct rt_err *err)
{
    struct stat st;

    if (stat(path, &st) == 0)
        return 1;
    return errno == ENOENT ? 0 : rt_err_errno(err, RT_IO, "cannot look at %s", path);
}
