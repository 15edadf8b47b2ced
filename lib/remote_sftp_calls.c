#include "lib/remote_sftp.h"

#include "lib/clock.h"

#include <string.h>
#include <sys/socket.h>

static const char *status_text(unsigned long status)
{
    switch (status) {
    case LIBSSH2_FX_NO_SUCH_FILE:
    case LIBSSH2_FX_NO_SUCH_PATH:
        return "no such file or folder there";
    case LIBSSH2_FX_PERMISSION_DENIED:
    case LIBSSH2_FX_WRITE_PROTECT:
        return "permission denied";
    case LIBSSH2_FX_FILE_ALREADY_EXISTS:
        return "it is already there";
    case LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM:
    case LIBSSH2_FX_QUOTA_EXCEEDED:
        return "its disk or quota is full";
    case LIBSSH2_FX_OP_UNSUPPORTED:
        return "it does not support that";
    default:
        return "it gives no reason (a full disk or quota, or a name it does not allow)";
    }
}

/* The server's answer about one path, 0 if the last error was of another kind. */
unsigned long rt_sftp_status(struct rt_sftp *s)
{
    unsigned long status = 0;

    if (libssh2_session_last_errno(s->ssh) == LIBSSH2_ERROR_SFTP_PROTOCOL)
        status = libssh2_sftp_last_error(s->sftp);
    if (status == LIBSSH2_FX_BAD_MESSAGE || status == LIBSSH2_FX_NO_CONNECTION ||
        status == LIBSSH2_FX_CONNECTION_LOST)
        return 0;
    return status;
}

bool rt_sftp_is_missing(unsigned long status)
{
    return status == LIBSSH2_FX_NO_SUCH_FILE || status == LIBSSH2_FX_NO_SUCH_PATH;
}

/* Sets err for a call that failed.  Always -1. */
int rt_sftp_fail(struct rt_sftp *s, const char *what, const char *path, struct rt_err *err)
{
    unsigned long status = rt_sftp_status(s);
    bool is_refused = status == LIBSSH2_FX_PERMISSION_DENIED || status == LIBSSH2_FX_WRITE_PROTECT;

    if (status == 0) {
        rt_sftp_lost(s, what, err);
        return rt_err_context(err, "%s", path);
    }
    return rt_err_set(err, is_refused ? RT_REFUSED : RT_IO,
                      "the server refuses %s %s: %s (status %lu)", what, path, status_text(status),
                      status);
}

/* A step that a test made to fail: a lost link ends the session, as a real one does. */
int rt_sftp_fail_step(struct rt_sftp *s, const char *what, const char *path, struct rt_err *err)
{
    rt_remote_errno(err, what, path);
    s->is_dead = err->code == RT_UNREACHABLE;
    return -1;
}

bool rt_sftp_is_again(const struct rt_sftp *s)
{
    return libssh2_session_last_errno(s->ssh) == LIBSSH2_ERROR_EAGAIN;
}

/* The calls of libssh2, each tried again until it is done. */

static void note_round_trip(struct rt_sftp *s, int64_t asked_ms)
{
    int64_t took_ms = rt_clock_monotonic_ms() - asked_ms;

    if (took_ms < s->round_trip_ms)
        s->round_trip_ms = took_ms;
}

LIBSSH2_SFTP_HANDLE *rt_sftp_open_handle(struct rt_sftp *s, const char *path, unsigned long flags,
                                         int type, struct rt_err *err)
{
    int64_t asked_ms = rt_clock_monotonic_ms();
    LIBSSH2_SFTP_HANDLE *handle;

    while ((handle = libssh2_sftp_open_ex(s->sftp, path, (unsigned)strlen(path), flags, 0644,
                                          type)) == NULL &&
           rt_sftp_is_again(s))
        if (rt_sftp_wait(s, err) != 0)
            return NULL;
    note_round_trip(s, asked_ms);
    if (handle == NULL)
        rt_sftp_fail(s, type == LIBSSH2_SFTP_OPENDIR ? "listing" : "opening", path, err);
    return handle;
}

/* Closing can fail like writing.  Keeps an earlier error: rc is what happened before. */
int rt_sftp_close_handle(struct rt_sftp *s, LIBSSH2_SFTP_HANDLE *handle, int rc, const char *path,
                         struct rt_err *err)
{
    struct rt_err later;
    int closed;

    if (s->is_dead) {
        /* Only to free it: what is shut down does not make us wait. */
        shutdown(s->fd, SHUT_RDWR);
        libssh2_session_set_blocking(s->ssh, 1);
        (void)libssh2_sftp_close_handle(handle);
        return -1;
    }
    while ((closed = libssh2_sftp_close_handle(handle)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(s, rc == 0 ? err : &later) != 0)
            return -1;
    if (closed != 0)
        return rt_sftp_fail(s, "closing", path, rc == 0 ? err : &later);
    return rc;
}

void rt_sftp_fill_entry(struct rt_remote_entry *entry, const LIBSSH2_SFTP_ATTRIBUTES *attrs)
{
    entry->has_size = (attrs->flags & LIBSSH2_SFTP_ATTR_SIZE) != 0;
    entry->size = entry->has_size ? attrs->filesize : 0;
    entry->has_mtime = (attrs->flags & LIBSSH2_SFTP_ATTR_ACMODTIME) != 0;
    entry->mtime = entry->has_mtime ? (int64_t)attrs->mtime : 0;
    /* A server that does not tell kinds is taken to hold files: opening one will tell. */
    entry->is_regular = (attrs->flags & LIBSSH2_SFTP_ATTR_PERMISSIONS) == 0 ||
                        LIBSSH2_SFTP_S_ISREG(attrs->permissions);
}

int rt_sftp_stat_path(struct rt_sftp *s, const char *path, struct rt_remote_entry *entry,
                      struct rt_err *err)
{
    LIBSSH2_SFTP_ATTRIBUTES attrs = {0};
    int64_t asked_ms = rt_clock_monotonic_ms();
    int rc;

    *entry = (struct rt_remote_entry){0};
    while ((rc = libssh2_sftp_stat_ex(s->sftp, path, (unsigned)strlen(path), LIBSSH2_SFTP_STAT,
                                      &attrs)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(s, err) != 0)
            return -1;
    note_round_trip(s, asked_ms);
    if (rc != 0)
        return rt_sftp_is_missing(rt_sftp_status(s)) ? 0 : rt_sftp_fail(s, "looking at", path, err);
    rt_sftp_fill_entry(entry, &attrs);
    return 1;
}

int rt_sftp_stat_handle(struct rt_sftp *s, LIBSSH2_SFTP_HANDLE *handle, const char *path,
                        struct rt_remote_entry *entry, struct rt_err *err)
{
    LIBSSH2_SFTP_ATTRIBUTES attrs = {0};
    int64_t asked_ms = rt_clock_monotonic_ms();
    int rc;

    *entry = (struct rt_remote_entry){0};
    while ((rc = libssh2_sftp_fstat_ex(handle, &attrs, 0)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(s, err) != 0)
            return -1;
    note_round_trip(s, asked_ms);
    if (rc != 0)
        return rt_sftp_fail(s, "looking at", path, err);
    rt_sftp_fill_entry(entry, &attrs);
    return 0;
}

int rt_sftp_remove_path(struct rt_sftp *s, const char *path, struct rt_err *err)
{
    int rc;

    while ((rc = libssh2_sftp_unlink_ex(s->sftp, path, (unsigned)strlen(path))) ==
           LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(s, err) != 0)
            return -1;
    return rc == 0 ? 0 : rt_sftp_fail(s, "removing", path, err);
}

int rt_sftp_rename_path(struct rt_sftp *s, const char *from, const char *to, struct rt_err *err)
{
    int rc;

    while ((rc = libssh2_sftp_rename_ex(s->sftp, from, (unsigned)strlen(from), to,
                                        (unsigned)strlen(to), 0)) == LIBSSH2_ERROR_EAGAIN)
        if (rt_sftp_wait(s, err) != 0)
            return -1;
    return rc == 0 ? 0 : rt_sftp_fail(s, "renaming", from, err);
}
