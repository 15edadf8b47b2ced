/*
 * The sftp transport from inside: shared by lib/remote_sftp*.c only, which own libssh2.
 *
 *     remote_sftp.c          the interface: list, stat, rename, remove, open, close
 *     remote_sftp_transfer.c get and put
 *     remote_sftp_calls.c    single calls of libssh2, tried again until they are done
 *     remote_sftp_cipher.c   the ciphers, faster
 *     remote_sftp_session.c  connecting, waiting with limits, parting
 *     remote_sftp_trust.c    is this the right server?
 *     remote_sftp_login.c    who are we?
 *
 * The session is never blocking: every call that says EAGAIN is tried again after rt_sftp_wait,
 * which is where the limits are.  Any error but EAGAIN and the answer of the server about one path
 * ends the session: libssh2 would go on after a broken packet as if nothing had been.
 */
#ifndef RT_REMOTE_SFTP_H
#define RT_REMOTE_SFTP_H

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/remote_impl.h"

#include <libssh2.h>
#include <libssh2_sftp.h>

#include <stdbool.h>
#include <stdint.h>

struct rt_sftp {
    struct rt_remote base; /* first: the interface knows only this */
    char *profile;
    char *where; /* "host port 22", for messages */
    int fd;
    LIBSSH2_SESSION *ssh;
    LIBSSH2_SFTP *sftp;
    int64_t last_data_ms;
    int64_t round_trip_ms; /* the shortest that a question and its answer took so far */
    bool is_dead;
    struct rt_buf secret; /* while logging in; wiped */
    bool was_asked_more;  /* keyboard-interactive wanted more than a password */
    bool is_agent_silent; /* the agent was given up */
    char parting[200];    /* why the server ended the connection, if it said so */
};

/* Before each operation: RT_UNREACHABLE if the session has ended, else the idle clock starts anew.
 */
int rt_sftp_begin(struct rt_sftp *s, struct rt_err *err) RT_MUST_CHECK;

/* Waits until the server has sent or can take bytes.  A limit that passes ends the session. */
int rt_sftp_wait(struct rt_sftp *s, struct rt_err *err) RT_MUST_CHECK;

/* Ends the session with libssh2's last error, while doing `what`.  RT_UNREACHABLE; always -1. */
int rt_sftp_lost(struct rt_sftp *s, const char *what, struct rt_err *err);

/* libssh2's text for the last error; borrowed until the next call. */
const char *rt_sftp_last_error(struct rt_sftp *s);

/* Connects and takes the server's key: 0 when it is the right one. */
int rt_sftp_connect_trusted(struct rt_sftp *s, struct rt_err *err) RT_MUST_CHECK;

/* One connection and handshake, with a preference for host key types (or NULL).  1: no algorithm in
   common; 0: done, the key is not yet checked; -1. */
int rt_sftp_handshake(struct rt_sftp *s, const char *types, struct rt_err *err) RT_MUST_CHECK;

/* Explains why there was no algorithm in common.  RT_REFUSED: it will not pass; always -1. */
int rt_sftp_explain_algorithms(struct rt_sftp *s, struct rt_err *err);

int rt_sftp_login(struct rt_sftp *s, struct rt_err *err) RT_MUST_CHECK;

/*
 * Single calls.  An answer of the server about one path is RT_IO, or RT_REFUSED for permission, and
 * the session lives on; all else ends it.
 */

/* Sets err for a call that failed while doing `what` ("writing") to a path.  Always -1. */
int rt_sftp_fail(struct rt_sftp *s, const char *what, const char *path, struct rt_err *err);

/* The same for a step that a test made to fail, with errno. */
int rt_sftp_fail_step(struct rt_sftp *s, const char *what, const char *path, struct rt_err *err);

/* The SFTP status of the last error; 0 if it was not an answer about one path. */
unsigned long rt_sftp_status(struct rt_sftp *s);
bool rt_sftp_is_missing(unsigned long status);
bool rt_sftp_is_again(const struct rt_sftp *s);

void rt_sftp_fill_entry(struct rt_remote_entry *entry, const LIBSSH2_SFTP_ATTRIBUTES *attrs);

/* NULL and err; `type` is LIBSSH2_SFTP_OPENFILE or LIBSSH2_SFTP_OPENDIR. */
LIBSSH2_SFTP_HANDLE *rt_sftp_open_handle(struct rt_sftp *s, const char *path, unsigned long flags,
                                         int type, struct rt_err *err);

/* `rc` is how it went before: with -1, err is kept, and the result is -1. */
int rt_sftp_close_handle(struct rt_sftp *s, LIBSSH2_SFTP_HANDLE *handle, int rc, const char *path,
                         struct rt_err *err);

/* 1: there; 0: not there; -1. */
int rt_sftp_stat_path(struct rt_sftp *s, const char *path, struct rt_remote_entry *entry,
                      struct rt_err *err) RT_MUST_CHECK;
int rt_sftp_stat_handle(struct rt_sftp *s, LIBSSH2_SFTP_HANDLE *handle, const char *path,
                        struct rt_remote_entry *entry, struct rt_err *err) RT_MUST_CHECK;
int rt_sftp_remove_path(struct rt_sftp *s, const char *path, struct rt_err *err);
int rt_sftp_rename_path(struct rt_sftp *s, const char *from, const char *to, struct rt_err *err);

/* The members get and put of the interface. */
int rt_sftp_get(struct rt_remote *remote, const char *path, struct rt_spool *into,
                struct rt_err *err);
int rt_sftp_put(struct rt_remote *remote, const char *local, const char *path, struct rt_err *err);

/* Parts at once, whatever the server does. */
void rt_sftp_disconnect(struct rt_sftp *s);

#endif
