/*
 * Logging in.  Each method that the server offers and the settings allow is tried once; after each,
 * the server is asked what it still wants, since some want two (a key, then a password) and libssh2
 * calls the first of two a failure.  A refusal is never tried again: that locks accounts.
 */
#include "lib/clock.h"
#include "lib/remote_hostkey.h"
#include "lib/remote_kexinit.h"
#include "lib/remote_secret.h"
#include "lib/remote_sftp.h"
#include "lib/remote_tcp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_KEY_FILE 65536

struct login {
    struct rt_sftp *s;
    const char *user;
    unsigned user_len;
    char *key;           /* path of the key file, or NULL */
    struct rt_buf tried; /* methods, for the message */
    bool used_key, used_password, used_interactive;
};

static void forget_secret(struct rt_sftp *s)
{
    rt_secret_clear(&s->secret);
}

static int ask_secret(struct rt_sftp *s, const char *command, struct rt_err *err)
{
    int64_t until = rt_clock_monotonic_ms() + s->base.settings->timeout * 1000;

    if (until > s->base.deadline_ms)
        until = s->base.deadline_ms;
    return rt_secret_from_command(command, s->profile, until, &s->secret, err);
}

static void add_tried(struct login *l, const char *method)
{
    rt_buf_printf(&l->tried, "%s%s", l->tried.len > 0 ? ", " : "", method);
}

/* Base64 lines between the dashes, decoded; NULL-safe for keys of other kinds. */
static void decode_key_file(const char *text, struct rt_buf *out)
{
    struct rt_buf base64 = {0};

    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\r\n");

        if (len > 0 && *line != '-' && memchr(line, ':', len) == NULL)
            rt_buf_add(&base64, line, len);
        line += len + strspn(line + len, "\r\n");
    }
    (void)rt_hostkey_decode(rt_buf_slice(&base64), out);
    rt_secret_clear(&base64);
}

/* RSA keys load, but libssh2 1.10 signs with SHA-1, which servers refuse: worth a word of its own.
 */
static bool is_rsa_key(const char *path)
{
    static const char object_id[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    struct rt_buf text = {0}, bytes = {0};
    struct rt_err err;
    bool is_rsa = false;

    if (rt_spool_read(path, MAX_KEY_FILE, &text, &err) == 0) {
        decode_key_file(rt_buf_str(&text), &bytes);
        is_rsa = strstr(rt_buf_str(&text), "BEGIN RSA") != NULL ||
                 (bytes.len > 0 && (memmem(bytes.ptr, bytes.len, "ssh-rsa", 7) != NULL ||
                                    memmem(bytes.ptr, bytes.len, object_id, 9) != NULL));
    }
    rt_secret_clear(&text);
    rt_secret_clear(&bytes);
    return is_rsa;
}

/* A server that ends the connection with words after an attempt has had enough of them: a refusal
 * too. */
static int lost(const struct login *l, const char *what, struct rt_err *err)
{
    if (l->tried.len == 0 || *l->s->parting == '\0')
        return rt_sftp_lost(l->s, what, err);
    l->s->is_dead = true;
    return rt_err_set(err, RT_REFUSED,
                      "%s: login as %s was refused; tried: %s; the server says: %s", l->s->where,
                      l->user, l->tried.ptr, l->s->parting);
}

/* After an attempt: 0 go on (accepted or refused), -1 the session has ended or the key is of no
 * use. */
static int judge(struct login *l, int rc, const char *method, struct rt_err *err)
{
    switch (rc) {
    case 0:
    case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
    case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED: /* also said when the first of two factors was right */
    case LIBSSH2_ERROR_AGENT_PROTOCOL:
    case LIBSSH2_ERROR_METHOD_NONE:
        return 0;
    case LIBSSH2_ERROR_FILE:
        return rt_err_set(err, RT_REFUSED,
                          "cannot use the key file %s: wrong or missing passphrase "
                          "(passphrase_command), or not a key in OpenSSH or PEM format",
                          l->key ? l->key : "");
    default:
        lost(l, "logging in", err);
        return err->code == RT_REFUSED ? -1 : rt_err_context(err, "%s", method);
    }
}

static int login_with_file(struct login *l, struct rt_err *err)
{
    const struct rt_side_config *settings = l->s->base.settings;
    const char *passphrase = NULL;
    int rc;

    if (rt_secret_check_file(l->key, err) != 0)
        return -1;
    if (settings->passphrase_command != NULL) {
        if (ask_secret(l->s, settings->passphrase_command, err) != 0)
            return -1;
        passphrase = rt_buf_str(&l->s->secret);
    }
    add_tried(l, "the key file");
    while ((rc = libssh2_userauth_publickey_fromfile_ex(
                l->s->ssh, l->user, l->user_len, NULL, l->key, passphrase)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(l->s, err) != 0)
            return -1;
    forget_secret(l->s);
    return judge(l, rc, "with the key file", err);
}

/*
 * libssh2 asks the agent with the calls of the session, and without a limit: an agent that hangs,
 * or waits for somebody to press a button, would hold us for ever.  Once it was given up, it is not
 * asked again: a late answer would be taken for one to the next question.
 */
static LIBSSH2_RECV_FUNC(receive)
{
    struct rt_sftp *s = *abstract;
    int64_t until = rt_clock_monotonic_ms() + s->base.settings->timeout * 1000;
    bool is_agent = socket != s->fd;
    ssize_t n;

    if (until > s->base.deadline_ms)
        until = s->base.deadline_ms;
    if (is_agent && !s->is_agent_silent)
        s->is_agent_silent = rt_tcp_wait(socket, POLLIN, until) <= 0;
    if (is_agent)
        s->last_data_ms = rt_clock_monotonic_ms(); /* the server was not asked meanwhile */
    if (is_agent && s->is_agent_silent)
        return -ETIMEDOUT;
    n = recv(socket, buffer, length, flags);
    if (n < 0)
        return -errno;
    return n == 0 && is_agent ? -ECONNRESET : n; /* libssh2 would ask again and again */
}

static int try_identity(struct login *l, LIBSSH2_AGENT *agent,
                        struct libssh2_agent_publickey *identity, struct rt_err *err)
{
    int rc;

    while ((rc = libssh2_agent_userauth(agent, l->user, identity)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(l->s, err) != 0)
            return -1;
    return judge(l, rc, "with the agent", err);
}

static int try_identities(struct login *l, LIBSSH2_AGENT *agent, struct rt_err *err)
{
    struct libssh2_agent_publickey *identity = NULL;

    if (libssh2_agent_connect(agent) != 0 || libssh2_agent_list_identities(agent) != 0) {
        add_tried(l, l->s->is_agent_silent ? "the agent (it does not answer)"
                                           : "the agent (none is running)");
        return 0;
    }
    add_tried(l, "the keys of the agent");
    while (libssh2_agent_get_identity(agent, &identity, identity) == 0) {
        if (try_identity(l, agent, identity, err) != 0)
            return -1;
        if (libssh2_userauth_authenticated(l->s->ssh))
            break;
        if (l->s->is_agent_silent) {
            add_tried(l, "but the agent does not answer");
            break;
        }
    }
    return 0;
}

static int login_with_agent(struct login *l, struct rt_err *err)
{
    LIBSSH2_AGENT *agent = libssh2_agent_init(l->s->ssh);
    void *former;
    int rc;

    if (agent == NULL)
        return rt_err_set(err, RT_INTERNAL, "cannot ask the agent");
    former = libssh2_session_callback_set(l->s->ssh, LIBSSH2_CALLBACK_RECV, (void *)receive);
    rc = try_identities(l, agent, err);
    libssh2_session_callback_set(l->s->ssh, LIBSSH2_CALLBACK_RECV, former);
    if (rc == 0 && l->s->is_agent_silent)
        rc = rt_remote_check_time(&l->s->base, err);
    libssh2_agent_disconnect(agent);
    libssh2_agent_free(agent);
    return rc;
}

static int login_with_password(struct login *l, struct rt_err *err)
{
    int rc;

    if (ask_secret(l->s, l->s->base.settings->password_command, err) != 0)
        return -1;
    add_tried(l, "the password");
    while ((rc = libssh2_userauth_password_ex(l->s->ssh, l->user, l->user_len,
                                              rt_buf_str(&l->s->secret), (unsigned)l->s->secret.len,
                                              NULL)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(l->s, err) != 0)
            return -1;
    forget_secret(l->s);
    return judge(l, rc, "with the password", err);
}

/* Answers one hidden question with the password.  Anything else, a one-time code perhaps, is not
   ours to answer.  The server may call again with no question, to say something. */
static void answer(const char *name, int name_len, const char *instruction, int instruction_len,
                   int count, const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts,
                   LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses, void **abstract)
{
    struct rt_sftp *s = *abstract;

    (void)name, (void)name_len, (void)instruction, (void)instruction_len;
    if (count == 0)
        return;
    if (count != 1 || prompts[0].echo != 0 || s->secret.len == 0) {
        s->was_asked_more = true;
        return;
    }
    responses[0].text = strdup(rt_buf_str(&s->secret)); /* libssh2 frees it */
    responses[0].length = responses[0].text != NULL ? (unsigned)s->secret.len : 0;
    forget_secret(s); /* a second question is another one */
}

static int login_interactively(struct login *l, struct rt_err *err)
{
    int rc;

    if (ask_secret(l->s, l->s->base.settings->password_command, err) != 0)
        return -1;
    add_tried(l, "the password, as an answer to its question");
    while ((rc = libssh2_userauth_keyboard_interactive_ex(l->s->ssh, l->user, l->user_len,
                                                          answer)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(l->s, err) != 0)
            return -1;
    forget_secret(l->s);
    if (l->s->was_asked_more && rc != 0)
        add_tried(l, "but it asks for more than a password");
    return judge(l, rc, "answering its question", err);
}

/* The methods that the server offers now; NULL and 0 when no more are needed.  Borrowed. */
static int ask_methods(struct login *l, const char **methods, struct rt_err *err)
{
    while ((*methods = libssh2_userauth_list(l->s->ssh, l->user, l->user_len)) == NULL) {
        if (libssh2_userauth_authenticated(l->s->ssh))
            return 0;
        if (libssh2_session_last_errno(l->s->ssh) != LIBSSH2_ERROR_EAGAIN)
            return lost(l, "asking how to log in", err);
        if (rt_sftp_wait(l->s, err) != 0)
            return -1;
    }
    return 0;
}

static bool offers(const char *methods, const char *method)
{
    return rt_kexinit_has_name(methods, method, strlen(method));
}

/* 1: tried one; 0: nothing left to try; -1. */
static int try_next(struct login *l, const char *methods, struct rt_err *err)
{
    bool has_password = l->s->base.settings->password_command != NULL;

    if (!l->used_key && offers(methods, "publickey")) {
        l->used_key = true;
        return (l->key ? login_with_file(l, err) : login_with_agent(l, err)) == 0 ? 1 : -1;
    }
    if (has_password && !l->used_password && offers(methods, "password")) {
        l->used_password = true;
        return login_with_password(l, err) == 0 ? 1 : -1;
    }
    if (has_password && !l->used_interactive && offers(methods, "keyboard-interactive")) {
        l->used_interactive = true;
        return login_interactively(l, err) == 0 ? 1 : -1;
    }
    return 0;
}

static int refuse(const struct login *l, const char *methods, struct rt_err *err)
{
    bool is_rsa =
        l->key != NULL && l->used_key && is_rsa_key(l->key) && libssh2_version(0x010b00) == NULL;

    return rt_err_set(
        err, RT_REFUSED, "%s: login as %s was refused; tried: %s; it accepts: %s%s", l->s->where,
        l->user, l->tried.len > 0 ? rt_buf_str(&l->tried) : "nothing", methods,
        is_rsa ? "; libssh2 1.10 signs with RSA keys only in the old way (SHA-1): use an "
                 "ed25519 or ECDSA key, or transport = openssh"
               : "");
}

static int log_in(struct login *l, struct rt_err *err)
{
    for (;;) {
        const char *methods;
        int rc;

        if (ask_methods(l, &methods, err) != 0)
            return -1;
        if (methods == NULL)
            return 0;
        rc = try_next(l, methods, err);
        if (rc < 0)
            return -1;
        if (libssh2_userauth_authenticated(l->s->ssh))
            return 0;
        if (rc == 0)
            return refuse(l, methods, err);
    }
}

int rt_sftp_login(struct rt_sftp *s, struct rt_err *err)
{
    const struct rt_side_config *settings = s->base.settings;
    struct login l = {.s = s, .user = settings->user != NULL ? settings->user : getenv("USER")};
    int rc;

    if (l.user == NULL)
        return rt_err_set(err, RT_CONFIG, "set user in roundtrip.ini: nobody to log in as at %s",
                          s->where);
    l.user_len = (unsigned)strlen(l.user);
    l.key = rt_remote_local_path(s->profile, settings->identity);
    rc = log_in(&l, err);
    forget_secret(s);
    rt_buf_clear(&l.tried);
    free(l.key);
    return rc;
}
