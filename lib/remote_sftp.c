#include "lib/remote_sftp.h"

#include "lib/fault.h"
#include "lib/remote_sftp_cipher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NAME_SIZE 65536

static struct rt_sftp *sftp_of(struct rt_remote *remote)
{
    return (struct rt_sftp *)remote;
}

static int sftp_stat(struct rt_remote *remote, const char *path, struct rt_remote_entry *entry,
                     struct rt_err *err)
{
    struct rt_sftp *s = sftp_of(remote);

    return rt_sftp_begin(s, err) != 0 ? -1 : rt_sftp_stat_path(s, path, entry, err);
}

/* Listing. */

struct listing {
    struct rt_sftp *s;
    LIBSSH2_SFTP_HANDLE *handle;
    const char *folder;
    char *name; /* NAME_SIZE bytes */
    struct rt_remote_list *list;
};

/* The length of the next name, 0 at the end, -1. */
static int next_name(struct listing *l, LIBSSH2_SFTP_ATTRIBUTES *attrs, struct rt_err *err)
{
    int n;

    while ((n = libssh2_sftp_readdir_ex(l->handle, l->name, NAME_SIZE - 1, NULL, 0, attrs)) ==
           LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(l->s, err) != 0)
            return -1;
    if (n >= 0)
        return n;
    rt_sftp_fail(l->s, "listing", l->folder, err);
    /* Half a listing is none, and what libssh2 says about it (a time-out, a small buffer) misleads.
     */
    if (err->code == RT_UNREACHABLE)
        return rt_err_context(err,
                              "the listing is too much for libssh2, or broke (fewer files in the "
                              "folder or transport = openssh may help)");
    return -1;
}

static int add_name(struct listing *l, size_t len, const LIBSSH2_SFTP_ATTRIBUTES *attrs,
                    struct rt_err *err)
{
    struct rt_remote_entry entry = {0};

    l->name[len] = '\0';
    if (strcmp(l->name, ".") == 0 || strcmp(l->name, "..") == 0)
        return 0;
    rt_sftp_fill_entry(&entry, attrs);
    if (strlen(l->name) != len) {
        /* A NUL inside: shown with another character, so that it is neither cut nor taken. */
        for (size_t i = 0; i < len; i++)
            if (l->name[i] == '\0')
                l->name[i] = '\1';
    }
    entry.name = rt_xstrdup(l->name);
    return rt_remote_list_add(l->list, &entry, err);
}

/* An empty reply or an empty name looks like the end, so the end is believed when it is said twice.
 */
static int read_names(struct listing *l, struct rt_err *err)
{
    struct rt_err ignored = {0};
    int ends = 0;

    while (ends < 2) {
        LIBSSH2_SFTP_ATTRIBUTES attrs = {0};
        int n = next_name(l, &attrs, ends == 0 ? err : &ignored);

        if (n < 0 && (ends == 0 || l->s->is_dead)) {
            if (ends > 0)
                *err = ignored;
            return -1;
        }
        ends = n > 0 ? 0 : ends + 1;
        if (n > 0 && add_name(l, (size_t)n, &attrs, err) != 0)
            return -1;
    }
    return 0;
}

/* A link stands for what it points to; a listing tells only the link. */
static int follow_links(struct rt_sftp *s, const char *folder, struct rt_remote_list *list,
                        struct rt_err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct rt_remote_entry *entry = &list->entries[i], there;
        char *path;
        int found;

        if (entry->is_regular || strchr(entry->name, '/') != NULL)
            continue;
        path = rt_xasprintf("%s/%s", folder, entry->name);
        found = rt_sftp_stat_path(s, path, &there, err);
        free(path);
        if (found < 0 && s->is_dead)
            return -1;
        if (found == 1) {
            there.name = entry->name;
            *entry = there;
        }
    }
    return 0;
}

static int sftp_list(struct rt_remote *remote, const char *folder, struct rt_remote_list *list,
                     struct rt_err *err)
{
    struct listing l = {.s = sftp_of(remote), .folder = folder, .list = list};
    int rc;

    *list = (struct rt_remote_list){0};
    if (rt_sftp_begin(l.s, err) != 0)
        return -1;
    l.handle = rt_sftp_open_handle(l.s, folder, 0, LIBSSH2_SFTP_OPENDIR, err);
    if (l.handle == NULL && !l.s->is_dead && rt_sftp_is_missing(rt_sftp_status(l.s)))
        return rt_remote_no_folder(err, folder);
    if (l.handle == NULL)
        return -1;
    l.name = rt_xmalloc(NAME_SIZE);
    rc = read_names(&l, err);
    free(l.name);
    rc = rt_sftp_close_handle(l.s, l.handle, rc, folder, err);
    if (rc == 0)
        rc = follow_links(l.s, folder, list, err);
    if (rc != 0)
        rt_remote_list_clear(list);
    rt_remote_list_sort(list);
    return rc;
}

/* Renaming and removing. */

/*
 *     from   to     answer
 *     gone   there  any       done
 *     gone   gone   ok        done, and taken at once
 *     gone   gone   refused   there was nothing to rename
 *     there                   failed
 */
static int look_after_rename(struct rt_sftp *s, const char *from, const char *to, int answer,
                             struct rt_err *err)
{
    struct rt_remote_entry there;
    int has_from = rt_sftp_stat_path(s, from, &there, err), has_to;

    if (has_from != 0)
        return -1;
    if (answer == 0)
        return 0; /* where it went meanwhile is the other end's business */
    has_to = rt_sftp_stat_path(s, to, &there, err);
    if (has_to == 0)
        return rt_err_set(err, RT_IO, "cannot rename %s: it is not there", from);
    return has_to < 0 ? -1 : 0;
}

static int sftp_rename(struct rt_remote *remote, const char *from, const char *to,
                       struct rt_err *err)
{
    struct rt_sftp *s = sftp_of(remote);
    struct rt_remote_entry there;
    int answer, has_to;

    if (rt_sftp_begin(s, err) != 0)
        return -1;
    has_to = rt_sftp_stat_path(s, to, &there, err);
    if (has_to < 0)
        return -1;
    if (has_to > 0)
        return rt_remote_rename_onto(err, from, to);
    answer = RT_STEP("remote.rename") != 0 ? rt_sftp_fail_step(s, "rename", from, err)
                                           : rt_sftp_rename_path(s, from, to, err);
    if (s->is_dead)
        return -1;
    if (answer == 0)
        rt_err_set(err, RT_IO, "the server renamed %s, and it is still there", from);
    return look_after_rename(s, from, to, answer, err);
}

static int sftp_remove(struct rt_remote *remote, const char *path, struct rt_err *err)
{
    struct rt_sftp *s = sftp_of(remote);
    struct rt_remote_entry there;
    struct rt_err look;
    int rc, found;

    if (rt_sftp_begin(s, err) != 0)
        return -1;
    rc = RT_STEP("remote.remove") != 0 ? rt_sftp_fail_step(s, "remove", path, err)
                                       : rt_sftp_remove_path(s, path, err);
    if (rc == 0 || s->is_dead)
        return rc;
    found = rt_sftp_stat_path(s, path, &there, &look);
    return found == 0 ? 0 : -1;
}

static void sftp_close(struct rt_remote *remote)
{
    struct rt_sftp *s = sftp_of(remote);

    rt_sftp_disconnect(s);
    rt_buf_clear(&s->secret);
    free(s->where);
    free(s->profile);
    free(s);
}

static const struct rt_remote_class sftp_class = {
    .list = sftp_list,
    .stat = sftp_stat,
    .get = rt_sftp_get,
    .put = rt_sftp_put,
    .rename = sftp_rename,
    .remove = sftp_remove,
    .close = sftp_close,
};

/* libssh2 says the same of a refusal and of a link that broke; the socket knows which it was. */
static bool is_link_gone(const struct rt_sftp *s)
{
    char byte;
    ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static int start_sftp(struct rt_sftp *s, struct rt_err *err)
{
    if (rt_sftp_begin(s, err) != 0)
        return -1;
    while ((s->sftp = libssh2_sftp_init(s->ssh)) == NULL && rt_sftp_is_again(s))
        if (rt_sftp_wait(s, err) != 0)
            return -1;
    if (s->sftp != NULL)
        return 0;
    rt_sftp_lost(s, "starting SFTP", err);
    if (!is_link_gone(s) &&
        (libssh2_session_last_errno(s->ssh) == LIBSSH2_ERROR_CHANNEL_FAILURE ||
         libssh2_session_last_errno(s->ssh) == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED))
        return rt_err_set(err, RT_REFUSED,
                          "%s: the login is right, but the server gives no SFTP: ask for it there",
                          s->where);
    return -1;
}

int rt_remote_sftp_open(const char *profile, struct rt_remote *base, struct rt_remote **remote,
                        struct rt_err *err)
{
    struct rt_sftp *s;

    if (base->settings->host == NULL)
        return rt_err_set(err, RT_CONFIG, "set host in roundtrip.ini for transport = sftp");
    rt_sftp_cipher_install();
    if (libssh2_init(0) != 0)
        return rt_err_set(err, RT_INTERNAL, "libssh2 does not start");
    s = rt_xcalloc(1, sizeof *s);
    s->base = *base;
    s->base.class = &sftp_class;
    s->fd = -1;
    s->round_trip_ms = INT64_MAX;
    s->profile = rt_xstrdup(profile);
    s->where = rt_xasprintf("%s port %d", base->settings->host, base->settings->port);
    if (rt_sftp_connect_trusted(s, err) != 0 || rt_sftp_login(s, err) != 0 ||
        start_sftp(s, err) != 0) {
        sftp_close(&s->base);
        return -1;
    }
    rt_log_info(base->log, "%s: connected", s->where);
    *remote = &s->base;
    return 0;
}
