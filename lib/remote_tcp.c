#include "lib/remote_tcp.h"

#include "lib/clock.h"
#include "lib/fault.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int rt_tcp_wait(int fd, short events, int64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = until_ms - rt_clock_monotonic_ms();
        int n;

        if (left <= 0 || rt_stop_requested())
            return 0;
        n = poll(&p, 1, left > 500 ? 500 : (int)left);
        if (n > 0)
            return 1;
        if (n < 0 && errno != EINTR)
            return -1;
    }
}

static void set_options(int fd, int64_t timeout_s)
{
    int on = 1;
    unsigned limit_ms = timeout_s > 3600 ? 3600000 : (unsigned)timeout_s * 1000;

    /* All of them only help: the limits that count are those of our own waiting. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
}

/* 0, or an errno. */
static int finish_connect(int fd, int64_t until_ms)
{
    int error = 0, ready = rt_tcp_wait(fd, POLLOUT, until_ms);
    socklen_t len = sizeof error;

    if (ready == 0)
        return ETIMEDOUT;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return errno;
    return error;
}

/* The descriptor, or -1 with errno. */
static int connect_to(const struct addrinfo *address, int64_t timeout_s, int64_t deadline_ms)
{
    int64_t until_ms = rt_clock_monotonic_ms() + timeout_s * 1000;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;

    if (fd < 0)
        return -1;
    set_options(fd, timeout_s);
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        error = errno == EINPROGRESS
                    ? finish_connect(fd, until_ms < deadline_ms ? until_ms : deadline_ms)
                    : errno;
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

int rt_tcp_connect(const char *host, int port, int64_t timeout_s, int64_t deadline_ms,
                   struct rt_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    char service[16];
    int fd = -1, rc;

    if (RT_STEP("remote.connect") != 0)
        return rt_err_errno(err, RT_UNREACHABLE, "cannot connect to %s port %d", host, port);
    snprintf(service, sizeof service, "%d", port);
    rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0)
        return rt_err_set(err, RT_UNREACHABLE,
                          "cannot find the host %s (host in roundtrip.ini): %s", host,
                          rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    errno = EHOSTUNREACH;
    for (const struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next)
        fd = connect_to(a, timeout_s, deadline_ms);
    if (fd < 0)
        rt_err_errno(err, RT_UNREACHABLE,
                     "cannot connect to %s port %d (host and port in roundtrip.ini)", host, port);
    freeaddrinfo(found);
    return fd;
}
