#include "lib/remote_kexinit.h"

#include "lib/remote_tcp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MSG_KEXINIT  20
#define COOKIE_SIZE  16
#define MAX_PREAMBLE 16384 /* lines before the banner, and the banner */
#define MAX_PACKET   65536

static const char *const kinds[RT_KEX_LISTS] = {
    "key exchange", "host key type", "cipher", "cipher", "MAC", "MAC",
};

struct stream {
    int fd;
    int64_t until_ms;
    const char *host;
};

static int read_exactly(struct stream *s, void *bytes, size_t len, struct rt_err *err)
{
    char *next = bytes;

    while (len > 0) {
        ssize_t n = recv(s->fd, next, len, 0);

        if (n > 0) {
            next += n;
            len -= (size_t)n;
        } else if (n == 0) {
            return rt_err_set(err, RT_UNREACHABLE,
                              "%s closed the connection at once: is this machine allowed there?",
                              s->host);
        } else if (errno != EAGAIN && errno != EINTR) {
            return rt_err_errno(err, RT_UNREACHABLE, "cannot read from %s", s->host);
        } else if (rt_tcp_wait(s->fd, POLLIN, s->until_ms) <= 0) {
            return rt_err_set(err, RT_UNREACHABLE,
                              "%s accepts connections but says nothing: is the port right?",
                              s->host);
        }
    }
    return 0;
}

/* Lines before the one that begins with "SSH-" are allowed.  Byte by byte: what follows is a
 * packet. */
static int read_banner(struct stream *s, char banner[256], struct rt_err *err)
{
    size_t len = 0;

    for (size_t total = 0; total < MAX_PREAMBLE; total++) {
        char c;

        if (read_exactly(s, &c, 1, err) != 0)
            return -1;
        if (c == '\n') {
            banner[len] = '\0';
            if (strncmp(banner, "SSH-", 4) == 0)
                return 0;
            len = 0;
        } else if (len < 255 && c >= ' ' && c <= '~') {
            banner[len++] = c;
        }
    }
    banner[0] = '\0';
    return rt_err_set(err, RT_UNREACHABLE,
                      "%s is not an SSH server: check host and port in roundtrip.ini", s->host);
}

static size_t number_at(const unsigned char *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

bool rt_kexinit_parse(struct rt_slice payload, struct rt_kexinit *kexinit)
{
    const unsigned char *p = (const unsigned char *)payload.ptr;
    size_t left = payload.len;

    if (left < 1 + COOKIE_SIZE || *p != MSG_KEXINIT)
        return false;
    p += 1 + COOKIE_SIZE;
    left -= 1 + COOKIE_SIZE;
    for (int i = 0; i < RT_KEX_LISTS; i++) {
        size_t len;

        if (left < 4 || (len = number_at(p)) > left - 4 || memchr(p + 4, '\0', len) != NULL)
            return false;
        free(kexinit->lists[i]);
        kexinit->lists[i] = rt_xstrndup((const char *)p + 4, len);
        p += 4 + len;
        left -= 4 + len;
    }
    return true;
}

static int read_kexinit(struct stream *s, struct rt_kexinit *kexinit, struct rt_err *err)
{
    unsigned char head[5];
    size_t len;
    char *payload;
    int rc = -1;

    if (read_exactly(s, head, sizeof head, err) != 0)
        return -1;
    len = number_at(head);
    if (len < 2 || len > MAX_PACKET || head[4] > len - 1)
        return rt_err_set(err, RT_UNREACHABLE, "%s does not speak SSH after its banner", s->host);
    payload = rt_xmalloc(len - 1);
    if (read_exactly(s, payload, len - 1, err) != 0)
        goto out;
    if (!rt_kexinit_parse(rt_slice_from(payload, len - 1 - head[4]), kexinit)) {
        rt_err_set(err, RT_UNREACHABLE, "%s does not begin a key exchange", s->host);
        goto out;
    }
    rc = 0;
out:
    free(payload);
    return rc;
}

int rt_kexinit_read(const char *host, int port, int64_t until_ms, struct rt_kexinit *kexinit,
                    struct rt_err *err)
{
    static const char hello[] = "SSH-2.0-roundtrip\r\n";
    struct stream s = {.until_ms = until_ms, .host = host};
    int rc = -1;

    *kexinit = (struct rt_kexinit){0};
    s.fd = rt_tcp_connect(host, port, 30, until_ms, err);
    if (s.fd < 0)
        return -1;
    if (read_banner(&s, kexinit->banner, err) != 0)
        goto out;
    /* Some servers send nothing more before they know who asks. */
    if (send(s.fd, hello, sizeof hello - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof hello - 1)) {
        rt_err_errno(err, RT_UNREACHABLE, "cannot write to %s", host);
        goto out;
    }
    rc = read_kexinit(&s, kexinit, err);
out:
    close(s.fd);
    return rc;
}

void rt_kexinit_clear(struct rt_kexinit *kexinit)
{
    for (int i = 0; i < RT_KEX_LISTS; i++)
        free(kexinit->lists[i]);
    *kexinit = (struct rt_kexinit){0};
}

bool rt_kexinit_has_name(const char *list, const char *name, size_t len)
{
    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, ",");

        if (n == len && memcmp(list, name, len) == 0)
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

static bool shares_name(const char *a, const char *b)
{
    while (*a != '\0') {
        size_t n = strcspn(a, ",");

        if (n > 0 && rt_kexinit_has_name(b, a, n))
            return true;
        a += n + (a[n] == ',');
    }
    return false;
}

/* The server's words go into a message on somebody's terminal. */
static void add_printable(struct rt_buf *text, const char *list)
{
    for (size_t i = 0; i < 200 && list[i] != '\0'; i++)
        rt_buf_add_char(text, list[i] >= ' ' && list[i] <= '~' ? list[i] : '?');
    if (strlen(list) > 200)
        rt_buf_add_str(text, "...");
}

bool rt_kexinit_explain(const struct rt_kexinit *kexinit, char *const ours[RT_KEX_LISTS],
                        struct rt_buf *text)
{
    const char *told = NULL;

    for (int i = 0; i < RT_KEX_LISTS; i++) {
        if (ours[i] == NULL || kexinit->lists[i] == NULL || told == kinds[i] ||
            shares_name(ours[i], kexinit->lists[i]))
            continue;
        rt_buf_printf(text, "%sno %s in common: it offers ", told ? "; " : "", kinds[i]);
        add_printable(text, kexinit->lists[i]);
        rt_buf_add_str(text, ", known here are ");
        add_printable(text, ours[i]);
        told = kinds[i];
    }
    return told != NULL;
}
