/*
 * Runs a command and tells what it took: wall seconds, user + system seconds, peak KiB.
 *
 *   spent FD COMMAND [ARGUMENT]...        writes one line to the descriptor FD
 *
 * Small on purpose: the peak that the kernel tells of a process begins with what its parent held
 * when it was forked, so a big parent, such as a script, hides the size of a small program.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    double began = now();
    int status, fd;
    pid_t child;

    if (argc < 3) {
        fputs("usage: spent FD COMMAND [ARGUMENT]...\n", stderr);
        return 64;
    }
    fd = atoi(argv[1]);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("spent");
        return 71;
    }
    dprintf(fd, "%.6f %.6f %ld\n", now() - began, seconds(usage.ru_utime) + seconds(usage.ru_stime),
            usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
