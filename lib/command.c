#include "lib/command.h"

#include "lib/clock.h"
#include "lib/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK    65536
#define GRACE_MS 2000

/* In the child: never returns. */
static void become(const struct rt_command *command, int out)
{
    struct sigaction act = {.sa_handler = SIG_DFL};

    setpgid(0, 0);
    sigaction(SIGPIPE, &act, NULL);
    sigaction(SIGXFSZ, &act, NULL);
    if (chdir(command->folder) == 0 && dup2(out, STDOUT_FILENO) >= 0) {
        int null = open("/dev/null", O_RDONLY);

        if (null >= 0)
            dup2(null, STDIN_FILENO);
        if (command->argument != NULL)
            execl("/bin/sh", "sh", "-c", command->text, "sh", command->argument, (char *)NULL);
        else
            execl("/bin/sh", "sh", "-c", command->text, (char *)NULL);
    }
    _exit(127);
}

static int check_time(const struct rt_command *command, struct rt_err *err)
{
    if (rt_stop_requested())
        return rt_err_set(err, RT_STOPPED, "stopped by a signal: run it again");
    if (rt_clock_monotonic_ms() > command->deadline_ms)
        return rt_err_set(
            err, RT_UNREACHABLE,
            "the command took longer than the deadline of roundtrip.ini, and was ended: %s",
            command->text);
    return 0;
}

/* 1: there is something to read; 0: not yet; -1: it took too long, or we are to stop. */
static int wait_for_output(const struct rt_command *command, int fd, struct rt_err *err)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    if (check_time(command, err) < 0)
        return -1;
    return poll(&pfd, 1, 200) > 0;
}

static int read_output(const struct rt_command *command, int fd, rt_command_output *output,
                       void *context, struct rt_err *err)
{
    char *chunk = rt_xmalloc(CHUNK);
    int rc = 0;

    while (rc >= 0) {
        ssize_t n;

        rc = wait_for_output(command, fd, err);
        if (rc != 1)
            continue;
        n = read(fd, chunk, CHUNK);
        if (n == 0) {
            rc = 0;
            break;
        }
        if (n < 0 && errno != EINTR)
            rc = rt_err_errno(err, RT_IO, "cannot read what the command prints");
        else if (n > 0 && output(context, chunk, (size_t)n, err) < 0)
            rc = -1;
    }
    explicit_bzero(chunk, CHUNK); /* it may have been a secret */
    free(chunk);
    return rc;
}

/* A command that closed its output may still work: it too has until the deadline. */
static int reap(const struct rt_command *command, pid_t pid, int *status, struct rt_err *err)
{
    for (;;) {
        struct timespec pause = {.tv_nsec = 20000000};
        pid_t done = waitpid(pid, status, WNOHANG);

        if (done == pid)
            return 0;
        if (done < 0 && errno != EINTR)
            return rt_err_errno(err, RT_INTERNAL, "cannot wait for the command");
        if (check_time(command, err) < 0)
            return -1;
        nanosleep(&pause, NULL);
    }
}

static int judge(const struct rt_command *command, int status, struct rt_err *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return rt_err_set(err, RT_UNREACHABLE, "the command was ended by signal %d: %s",
                          WTERMSIG(status), command->text);
    return rt_err_set(
        err, RT_UNREACHABLE,
        "the command ended with status %d: run it by hand in the profile's folder: %s",
        WEXITSTATUS(status), command->text);
}

/* It may tidy up for a moment; then it and what it started are ended. */
static void end(pid_t pid)
{
    int64_t until_ms = rt_clock_monotonic_ms() + GRACE_MS;
    siginfo_t info = {0};

    kill(-pid, SIGTERM);
    while (rt_clock_monotonic_ms() < until_ms && info.si_pid != pid) {
        struct timespec pause = {.tv_nsec = 20000000};

        /* Not reaped yet: its number, and so that of the group, stays ours. */
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno != EINTR)
            break;
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

int rt_command_run(const struct rt_command *command, rt_command_output *output, void *context,
                   struct rt_err *err)
{
    int pipes[2], status = 0, rc;
    pid_t pid;

    if (RT_STEP("command.start") < 0 || pipe2(pipes, O_CLOEXEC) < 0)
        return rt_err_errno(err, RT_IO, "cannot start the command");
    pid = fork();
    if (pid < 0) {
        rc = rt_err_errno(err, RT_IO, "cannot start the command");
        close(pipes[0]);
        close(pipes[1]);
        return rc;
    }
    if (pid == 0)
        become(command, pipes[1]);
    setpgid(pid, pid); /* the child does it too: whoever comes first */
    close(pipes[1]);
    rc = read_output(command, pipes[0], output, context, err);
    if (rc == 0)
        rc = reap(command, pid, &status, err);
    close(pipes[0]);
    if (rc == 0)
        return judge(command, status, err);
    end(pid);
    return -1;
}
