#include "lib/remote_sftp.h"

#include "lib/clock.h"
#include "lib/remote_kexinit.h"
#include "lib/remote_tcp.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLICE_MS 500 /* how long a signal may go unnoticed */

const char *rt_sftp_last_error(struct rt_sftp *s)
{
    char *text = NULL;

    libssh2_session_last_error(s->ssh, &text, NULL, 0);
    return text != NULL && *text != '\0' ? text : "no reason given";
}

int rt_sftp_lost(struct rt_sftp *s, const char *what, struct rt_err *err)
{
    s->is_dead = true;
    if (*s->parting != '\0')
        return rt_err_set(err, RT_UNREACHABLE, "%s: the server ended the connection while %s: %s",
                          s->where, what, s->parting);
    return rt_err_set(err, RT_UNREACHABLE, "%s: the connection broke while %s: %s", s->where, what,
                      rt_sftp_last_error(s));
}

int rt_sftp_begin(struct rt_sftp *s, struct rt_err *err)
{
    if (s->is_dead)
        return rt_err_set(err, RT_UNREACHABLE, "%s: the connection was lost; run it again",
                          s->where);
    s->last_data_ms = rt_clock_monotonic_ms();
    return rt_remote_check_time(&s->base, err);
}

/* The SFTP process may end while its SSH session lives on; libssh2 would wait for it for ever. */
static bool has_sftp_ended(const struct rt_sftp *s)
{
    LIBSSH2_CHANNEL *channel = s->sftp ? libssh2_sftp_get_channel(s->sftp) : NULL;

    return channel != NULL && libssh2_channel_eof(channel) == 1;
}

static short events_wanted(const struct rt_sftp *s)
{
    int directions = libssh2_session_block_directions(s->ssh);
    short events = 0;

    if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
        events |= POLLOUT;
    if (directions & LIBSSH2_SESSION_BLOCK_INBOUND || events == 0)
        events |= POLLIN;
    return events;
}

int rt_sftp_wait(struct rt_sftp *s, struct rt_err *err)
{
    const int64_t idle_ms = s->base.settings->timeout * 1000;
    int64_t now = rt_clock_monotonic_ms(), until = now + SLICE_MS;
    int ready;

    if (rt_remote_check_time(&s->base, err) != 0) {
        s->is_dead = true;
        return -1;
    }
    if (has_sftp_ended(s)) {
        s->is_dead = true;
        return rt_err_set(err, RT_UNREACHABLE, "%s: the server ended its SFTP process", s->where);
    }
    if (now - s->last_data_ms >= idle_ms) {
        s->is_dead = true;
        return rt_err_set(err, RT_UNREACHABLE, "%s: no data for %lld s (timeout in roundtrip.ini)",
                          s->where, (long long)s->base.settings->timeout);
    }
    if (until > s->last_data_ms + idle_ms)
        until = s->last_data_ms + idle_ms;
    ready = rt_tcp_wait(s->fd, events_wanted(s), until);
    if (ready < 0)
        return rt_sftp_lost(s, "waiting", err);
    if (ready > 0)
        s->last_data_ms = rt_clock_monotonic_ms();
    return 0;
}

void rt_sftp_disconnect(struct rt_sftp *s)
{
    if (s->ssh != NULL && !s->is_dead)
        (void)libssh2_session_disconnect(s->ssh, "done");
    /* Without this, freeing would wait for answers of a server that may be gone. */
    if (s->fd >= 0)
        shutdown(s->fd, SHUT_RDWR);
    if (s->ssh != NULL) {
        libssh2_session_set_blocking(s->ssh, 1);
        if (s->sftp != NULL)
            libssh2_sftp_shutdown(s->sftp);
        libssh2_session_free(s->ssh);
    }
    if (s->fd >= 0)
        close(s->fd);
    s->ssh = NULL;
    s->sftp = NULL;
    s->fd = -1;
}

static bool is_disagreement(int rc)
{
    return rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE ||
           rc == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED;
}

static int exchange_keys(struct rt_sftp *s, struct rt_err *err)
{
    int rc;

    s->last_data_ms = rt_clock_monotonic_ms();
    while ((rc = libssh2_session_handshake(s->ssh, s->fd)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(s, err) != 0)
            return rt_err_context(err, "during the handshake");
    if (rc == 0)
        return 0;
    if (is_disagreement(rc))
        return 1;
    s->is_dead = true;
    return rt_err_set(err, RT_UNREACHABLE, "%s: it is not an SSH server, or too busy to answer: %s",
                      s->where, rt_sftp_last_error(s));
}

static char *known_algorithms(LIBSSH2_SESSION *ssh, int kind)
{
    const char **names = NULL;
    int count = libssh2_session_supported_algs(ssh, kind, &names);
    struct rt_buf text = {0};

    for (int i = 0; i < count; i++)
        rt_buf_printf(&text, "%s%s", i > 0 ? "," : "", names[i]);
    if (count > 0)
        libssh2_free(ssh, names);
    return text.ptr;
}

/* Only names that libssh2 knows: striking out the others itself, 1.10 copies overlapping memory. */
static int prefer_types(LIBSSH2_SESSION *ssh, const char *types)
{
    char *known = known_algorithms(ssh, LIBSSH2_METHOD_HOSTKEY);
    struct rt_buf usable = {0};
    int rc = -1;

    while (*types != '\0') {
        size_t n = strcspn(types, ",");

        if (rt_kexinit_has_name(known, types, n) &&
            !rt_kexinit_has_name(rt_buf_str(&usable), types, n))
            rt_buf_printf(&usable, "%s%.*s", usable.len > 0 ? "," : "", (int)n, types);
        types += n + (types[n] == ',');
    }
    if (usable.len > 0)
        rc = libssh2_session_method_pref(ssh, LIBSSH2_METHOD_HOSTKEY, rt_buf_str(&usable));
    rt_buf_clear(&usable);
    free(known);
    return rc;
}

/* The server parts and says why: in printable characters, for a message. */
static LIBSSH2_DISCONNECT_FUNC(note_parting)
{
    struct rt_sftp *s = *abstract;

    (void)session, (void)reason, (void)language, (void)language_len;
    snprintf(s->parting, sizeof s->parting, "%.*s", message_len, message ? message : "");
    for (char *p = s->parting; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
}

int rt_sftp_handshake(struct rt_sftp *s, const char *types, struct rt_err *err)
{
    const struct rt_side_config *settings = s->base.settings;

    s->is_dead = false;
    *s->parting = '\0';
    s->is_agent_silent = false;
    s->fd =
        rt_tcp_connect(settings->host, settings->port, settings->timeout, s->base.deadline_ms, err);
    if (s->fd < 0)
        return -1;
    s->ssh = libssh2_session_init_ex(NULL, NULL, NULL, s);
    if (s->ssh == NULL)
        return rt_err_set(err, RT_INTERNAL, "cannot make an SSH session");
    libssh2_session_set_blocking(s->ssh, 0);
    libssh2_session_callback_set(s->ssh, LIBSSH2_CALLBACK_DISCONNECT, (void *)note_parting);
    /* None of the types is known here: nothing in common, as if the server had said so. */
    if (types != NULL && prefer_types(s->ssh, types) != 0)
        return 1;
    return exchange_keys(s, err);
}

int rt_sftp_explain_algorithms(struct rt_sftp *s, struct rt_err *err)
{
    static const int kinds[RT_KEX_LISTS] = {LIBSSH2_METHOD_KEX,      LIBSSH2_METHOD_HOSTKEY,
                                            LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC,
                                            LIBSSH2_METHOD_MAC_CS,   LIBSSH2_METHOD_MAC_SC};
    const struct rt_side_config *settings = s->base.settings;
    int64_t until = rt_clock_monotonic_ms() + settings->timeout * 1000;
    struct rt_kexinit theirs = {0};
    char *ours[RT_KEX_LISTS] = {NULL};
    LIBSSH2_SESSION *ssh = libssh2_session_init_ex(NULL, NULL, NULL, NULL);
    struct rt_buf text = {0};

    if (until > s->base.deadline_ms)
        until = s->base.deadline_ms;
    for (int i = 0; ssh != NULL && i < RT_KEX_LISTS; i++)
        ours[i] = known_algorithms(ssh, kinds[i]);
    if (rt_kexinit_read(settings->host, settings->port, until, &theirs, err) != 0 ||
        !rt_kexinit_explain(&theirs, ours, &text))
        rt_buf_add_str(&text, "the key exchange failed, the reason is not known");
    rt_err_set(
        err, RT_REFUSED,
        "%s: libssh2 %s cannot talk to this server (%s); set transport = openssh, or ask its "
        "owner for another; %s",
        s->where, libssh2_version(0), theirs.banner, rt_buf_str(&text));
    rt_buf_clear(&text);
    rt_kexinit_clear(&theirs);
    for (int i = 0; i < RT_KEX_LISTS; i++)
        free(ours[i]);
    if (ssh != NULL)
        libssh2_session_free(ssh);
    return -1;
}

const char *rt_remote_library_version(void)
{
    return libssh2_version(0);
}
