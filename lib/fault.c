#include "lib/fault.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_requested;

static void on_signal(int sig)
{
    (void)sig;
    stop_requested = 1;
}

void rt_stop_install(void)
{
    struct sigaction act = {.sa_handler = on_signal};

    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    /* A closed pipe or a file size limit must come back as an error, not end us half way. */
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
    sigaction(SIGXFSZ, &act, NULL);
}

bool rt_stop_requested(void)
{
    return stop_requested != 0;
}

int rt_stop_wait(int fd, struct rt_err *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (!rt_stop_requested())
        if (poll(&p, 1, 200) > 0 && !rt_stop_requested())
            return 0;
    return rt_err_set(err, RT_STOPPED, "stopped by a signal: run it again");
}

#ifdef RT_FAULTS
static void record_step(const char *name)
{
    const char *path = getenv("ROUNDTRIP_STEPS");
    FILE *f = path ? fopen(path, "a") : NULL;

    if (f == NULL)
        return;
    fprintf(f, "%s\n", name);
    fclose(f);
}

static int errno_of(const char *name)
{
    static const struct {
        const char *name;
        int value;
    } known[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EMFILE", EMFILE}, {"ECONNRESET", ECONNRESET}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].value;
    return EIO;
}

int rt_fault_step(const char *name)
{
    static long reached;
    const char *plan = getenv("ROUNDTRIP_FAULT");
    char *how;
    long when;

    record_step(name);
    if (plan == NULL)
        return 0;
    when = strtol(plan, &how, 10);
    if (++reached != when || *how != ':')
        return 0;
    if (strcmp(how + 1, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(how + 1, "term") == 0) {
        kill(getpid(), SIGTERM);
        return 0;
    }
    errno = errno_of(how + 1);
    return -1;
}
#endif
