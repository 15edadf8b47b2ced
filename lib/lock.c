#include "lib/lock.h"

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct rt_lock {
    int fd;
};

/* 0: ours; 1: somebody else's; -1: errno. */
static int try_lock(int fd)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? 1 : -1;
}

static int wait_for_lock(int fd, int64_t until_ms)
{
    struct timespec pause = {.tv_nsec = 50000000};
    int held;

    while ((held = try_lock(fd)) == 1 && rt_clock_monotonic_ms() < until_ms && !rt_stop_requested())
        nanosleep(&pause, NULL);
    return held;
}

/* The holder's line: "4711 run 2026-11-21T06:00:00Z".  It may be empty for a moment, or torn. */
static int tell_holder(int fd, const char *profile, struct rt_err *err)
{
    char text[256], command[64], since[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid;

    text[n > 0 ? n : 0] = '\0';
    if (sscanf(text, "%ld %63s %31s", &pid, command, since) != 3)
        return rt_err_set(err, RT_BUSY, "another run holds the lock of %s; try again later",
                          profile);
    return rt_err_set(err, RT_BUSY,
                      "the profile %s is held by process %ld (roundtrip %s) since %s; "
                      "try again later, or wait with --wait SECONDS",
                      profile, pid, command, since);
}

/* Only a help for people: a lock whose note could not be written is a lock all the same. */
static void note_holder(int fd, const char *command)
{
    char since[RT_TIME_SIZE];
    char *text =
        rt_xasprintf("%ld %s %s\n", (long)getpid(), command, rt_time_format(rt_clock_now(), since));
    size_t len = strlen(text);

    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, len, 0) != (ssize_t)len)
        (void)!ftruncate(fd, 0);
    free(text);
}

int rt_lock_open(const char *profile, const char *command, int wait_seconds, struct rt_lock **lock,
                 struct rt_err *err)
{
    char *path = rt_xasprintf("%s/.lock", profile);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int held;

    *lock = NULL;
    if (fd < 0) {
        rt_err_errno(err, errno == EACCES || errno == EROFS ? RT_REFUSED : RT_IO,
                     "cannot open the lock %s", path);
        free(path);
        return -1;
    }
    held = wait_for_lock(fd, rt_clock_monotonic_ms() + (int64_t)wait_seconds * 1000);
    if (held == 0) {
        note_holder(fd, command);
        *lock = rt_xmalloc(sizeof **lock);
        (*lock)->fd = fd;
    } else {
        if (held < 0)
            rt_err_errno(err, RT_IO, "cannot lock %s", path);
        else
            tell_holder(fd, profile, err);
        close(fd);
    }
    free(path);
    return held == 0 ? 0 : -1;
}

void rt_lock_close(struct rt_lock *lock)
{
    if (lock == NULL)
        return;
    (void)!ftruncate(lock->fd, 0);
    close(lock->fd);
    free(lock);
}
