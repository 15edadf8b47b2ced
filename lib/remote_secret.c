#include "lib/remote_secret.h"

#include "lib/remote_tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SECRET 4096

void rt_secret_clear(struct rt_buf *secret)
{
    if (secret->ptr != NULL)
        explicit_bzero(secret->ptr, secret->cap);
    rt_buf_clear(secret);
}

static void run_command(const char *command, const char *folder, int out)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || chdir(folder) != 0)
        _exit(126);
    signal(SIGPIPE, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Up to the end of what is printed; 0, or -1 when it is too long or too late. */
static int read_secret(int fd, int64_t until_ms, struct rt_buf *secret)
{
    /* All at once: growing would leave copies of it behind in memory. */
    rt_buf_reserve(secret, MAX_SECRET);
    for (;;) {
        ssize_t n;

        if (rt_tcp_wait(fd, POLLIN, until_ms) != 1)
            return -1;
        n = read(fd, secret->ptr + secret->len, MAX_SECRET - secret->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        secret->len += (size_t)n;
        if (secret->len == MAX_SECRET)
            return -1;
    }
}

static int finish_command(pid_t pid, int failed)
{
    int status;

    if (failed)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return failed == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int rt_secret_from_command(const char *command, const char *folder, int64_t until_ms,
                           struct rt_buf *secret, struct rt_err *err)
{
    int ends[2], failed;
    pid_t pid;

    rt_buf_reset(secret);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return rt_err_errno(err, RT_INTERNAL, "cannot make a pipe");
    pid = fork();
    if (pid == 0)
        run_command(command, folder, ends[1]);
    close(ends[1]);
    failed = pid < 0 ? -1 : read_secret(ends[0], until_ms, secret);
    close(ends[0]);
    if (pid < 0)
        return rt_err_errno(err, RT_INTERNAL, "cannot start a command");
    failed = finish_command(pid, failed);
    secret->ptr[secret->len] = '\0';
    secret->len = strcspn(secret->ptr, "\r\n");
    if (failed || secret->len == 0)
        return rt_err_set(err, RT_REFUSED, "the command for a secret failed or printed nothing: %s",
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
