/*
 * The server's key is checked before anything secret is sent.  A server has keys of several types
 * and shows one, the one the client likes best; so the types that we know of are asked for, and for
 * a pin, which does not tell its type, one after the other.
 */
#include "lib/remote_hostkey.h"
#include "lib/remote_sftp.h"

#include <stdlib.h>
#include <string.h>

#define MAX_KNOWN_HOSTS (16 << 20)
#define RSA_TYPES       "rsa-sha2-512,rsa-sha2-256,ssh-rsa"
#define ECDSA_TYPES     "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521"

/* libssh2 refuses a list in which it knows nothing, and passes over single names it does not know.
 */
static const char *const pin_types[] = {"ssh-ed25519", ECDSA_TYPES, RSA_TYPES};

struct trust {
    struct rt_sftp *s;
    struct rt_hostkey_name name;
    struct rt_buf known_hosts;
    bool was_refused; /* a key was seen, and err says why it is not trusted */
};

static int read_known_hosts(struct trust *t, struct rt_err *err)
{
    char *path = rt_remote_local_path(t->s->profile, "~/.ssh/known_hosts");
    struct stat st;
    int rc = 0;

    if (stat(path, &st) == 0)
        rc = rt_spool_read(path, MAX_KNOWN_HOSTS, &t->known_hosts, err);
    free(path);
    return rc;
}

static int refuse_pinned(const struct trust *t, const char *ours, struct rt_err *err)
{
    return rt_err_set(err, RT_REFUSED,
                      "%s: its host key %s is none of those pinned by host_key (%s%s); nothing was "
                      "sent; ask its owner whether the key was changed",
                      t->s->where, ours, t->s->base.settings->host_key.items[0],
                      t->s->base.settings->host_key.count > 1 ? " and more" : "");
}

/* The type that a key's bytes begin with. */
static struct rt_slice type_of(struct rt_slice key)
{
    size_t len = key.len < 4 ? 0 : (size_t)(unsigned char)key.ptr[3];

    return rt_slice_from(key.ptr + 4, key.len < 4 + len ? 0 : len);
}

/* A key of another type than those that are known, which could not be agreed on, is no sign of a
   change. */
static void tell_changed(const struct trust *t, struct rt_slice key, const char *old,
                         struct rt_err *err)
{
    struct rt_slice type = type_of(key);
    char ours[RT_FINGERPRINT_SIZE], *name = rt_xstrndup(type.ptr, type.len);
    struct rt_buf known = {0};

    rt_hostkey_fingerprint(key, ours);
    rt_hostkey_types(rt_buf_slice(&t->known_hosts), t->name, &known);
    if (strstr(rt_buf_str(&known), name) != NULL)
        rt_err_set(
            err, RT_REFUSED,
            "%s: its host key is now %s, but was %s in ~/.ssh/known_hosts; nothing was sent; "
            "ask its owner whether the key was changed",
            t->s->where, ours, old);
    else
        rt_err_set(
            err, RT_REFUSED,
            "%s: ~/.ssh/known_hosts has only a key for it (%s) that this transport could not agree "
            "on with it; the host key that it shows is %s (%s); nothing was sent; compare it with "
            "what its owner says, then set host_key = %s, or set transport = openssh",
            t->s->where, rt_buf_str(&known), ours, name, ours);
    rt_buf_clear(&known);
    free(name);
}

static int refuse_known(const struct trust *t, struct rt_slice key, struct rt_err *err)
{
    struct rt_buf old = {0};
    char ours[RT_FINGERPRINT_SIZE];
    enum rt_hostkey_verdict verdict =
        rt_hostkey_check(rt_buf_slice(&t->known_hosts), t->name, key, &old);

    rt_hostkey_fingerprint(key, ours);
    if (verdict == RT_HOSTKEY_CHANGED)
        tell_changed(t, key, rt_buf_str(&old), err);
    else if (verdict == RT_HOSTKEY_REVOKED)
        rt_err_set(
            err, RT_REFUSED,
            "%s: its host key %s is revoked in ~/.ssh/known_hosts: ask there for the new one",
            t->s->where, ours);
    else if (verdict == RT_HOSTKEY_UNKNOWN)
        rt_err_set(
            err, RT_REFUSED,
            "%s: its host key %s is not known; nothing was sent; compare it with what its owner "
            "says, then set host_key = %s",
            t->s->where, ours, ours);
    rt_buf_clear(&old);
    return verdict == RT_HOSTKEY_MATCH ? 0 : -1;
}

static int check_key(struct trust *t, struct rt_err *err)
{
    const struct rt_list *pins = &t->s->base.settings->host_key;
    char ours[RT_FINGERPRINT_SIZE];
    size_t len = 0;
    int type;
    const char *bytes = libssh2_session_hostkey(t->s->ssh, &len, &type);
    struct rt_slice key = {bytes, len};

    if (bytes == NULL)
        return rt_sftp_lost(t->s, "taking its host key", err);
    if (pins->count == 0)
        return refuse_known(t, key, err);
    if (rt_hostkey_is_pinned(pins, key))
        return 0;
    return refuse_pinned(t, rt_hostkey_fingerprint(key, ours), err);
}

/* 0: connected to the right server; 1: not with these types; -1. */
static int try_types(struct trust *t, const char *types, struct rt_err *err)
{
    struct rt_err refused = *err;
    int rc = rt_sftp_handshake(t->s, types, err);

    if (rc == 0) {
        if (check_key(t, err) == 0)
            return 0;
        rc = err->code == RT_REFUSED ? 1 : -1;
        t->was_refused = rc == 1;
    } else if (rc == 1) {
        *err = refused; /* what an earlier try saw is what is told in the end */
    }
    rt_sftp_disconnect(t->s);
    return rc;
}

/* Known types first, then whatever it shows: a key of a new type is a changed key, and is told so.
 */
static int try_known(struct trust *t, struct rt_err *err)
{
    struct rt_buf types = {0};
    int rc = 1;

    if (read_known_hosts(t, err) != 0)
        return -1;
    rt_hostkey_types(rt_buf_slice(&t->known_hosts), t->name, &types);
    if (strstr(rt_buf_str(&types), "ssh-rsa") != NULL)
        rt_buf_add_str(&types, "," RSA_TYPES);
    if (types.len > 0)
        rc = try_types(t, rt_buf_str(&types), err);
    if (rc == 1 && !t->was_refused)
        rc = try_types(t, NULL, err);
    rt_buf_clear(&types);
    return rc;
}

static int try_pinned(struct trust *t, struct rt_err *err)
{
    int rc = 1;

    for (size_t i = 0; rc == 1 && i < sizeof pin_types / sizeof *pin_types; i++)
        rc = try_types(t, pin_types[i], err);
    return rc;
}

int rt_sftp_connect_trusted(struct rt_sftp *s, struct rt_err *err)
{
    const struct rt_side_config *settings = s->base.settings;
    struct trust t = {.s = s, .name = {settings->host, settings->port}};
    int rc;

    rt_err_clear(err);
    rc = settings->host_key.count > 0 ? try_pinned(&t, err) : try_known(&t, err);
    rt_buf_clear(&t.known_hosts);
    if (rc == 1)
        return t.was_refused ? -1 : rt_sftp_explain_algorithms(s, err);
    return rc;
}
