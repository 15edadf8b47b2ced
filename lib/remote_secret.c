#include "lib/remote_secret.h"

#include "lib/command.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECRET 4096

void rt_secret_clear(struct rt_buf *secret)
{
    if (secret->ptr != NULL)
        explicit_bzero(secret->ptr, secret->cap);
    rt_buf_clear(secret);
}

static int keep_secret(void *context, const char *bytes, size_t len, struct rt_err *err)
{
    struct rt_buf *secret = context;

    if (secret->len + len >= MAX_SECRET)
        return rt_err_set(err, RT_REFUSED, "no secret is as long as that");
    rt_buf_add(secret, bytes, len);
    return 0;
}

int rt_secret_from_command(const char *command, const char *folder, int64_t until_ms,
                           struct rt_buf *secret, struct rt_err *err)
{
    struct rt_command run = {.text = command, .folder = folder, .deadline_ms = until_ms};
    int rc;

    rt_buf_reset(secret);
    rt_buf_reserve(secret, MAX_SECRET); /* growing would leave copies of it behind in memory */
    secret->ptr[0] = '\0';
    rc = rt_command_run(&run, keep_secret, secret, err);
    if (rc < 0 && err->code == RT_STOPPED)
        return -1;
    secret->len = strcspn(rt_buf_str(secret), "\r\n");
    if (rc < 0 || secret->len == 0)
        return rt_err_set(
            err, RT_REFUSED,
            "the command for a secret failed, printed nothing, or took longer than timeout: %s",
            command);
    secret->ptr[secret->len] = '\0';
    return 0;
}

int rt_secret_check_file(const char *path, struct rt_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int rc = fd < 0 ? -1 : fstat(fd, &st);

    if (rc != 0)
        rt_err_errno(err, RT_REFUSED, "cannot read the key file %s", path);
    if (fd >= 0)
        close(fd);
    if (rc != 0)
        return -1;
    if (!S_ISREG(st.st_mode))
        return rt_err_set(err, RT_REFUSED, "the key file %s is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return rt_err_set(
            err, RT_REFUSED,
            "the key file %s belongs to somebody else: use one of your own, or chown it", path);
    if ((st.st_mode & 077) != 0)
        return rt_err_set(err, RT_REFUSED,
                          "the key file %s can be read by others; run chmod 600 on it", path);
    return 0;
}
