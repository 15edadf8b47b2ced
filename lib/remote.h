/*
 * The other end: folders that can be listed, read from and written to.  One interface, three
 * makers: directory (local folders), sftp (libssh2), openssh (the system's sftp program); the
 * command transport is not a folder and has its own module.  One conformance suite runs against
 * all.
 *
 * Paths are "FOLDER/NAME" as the other end understands them; names never hold a slash.  No call
 * waits longer than the settings' timeout without data, none works past the deadline given at open.
 * What is passing (connection refused or lost, timeout) is RT_UNREACHABLE, and after it the remote
 * is dead: close it, open another.  Host key, login and permission are RT_REFUSED.  Anything the
 * other end refuses about one path is RT_IO (or RT_REFUSED for permission) and the remote stays
 * usable. A local file that cannot be read or written (disk full) is RT_IO.
 */
#ifndef RT_REMOTE_H
#define RT_REMOTE_H

#include "lib/config.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/spool.h"

#include <stdbool.h>
#include <stdint.h>

struct rt_remote_entry {
    char *name; /* as the other end sent it; the caller checks it with rt_name_fault before use */
    uint64_t size;
    int64_t mtime;
    bool has_size, has_mtime, is_regular;
    bool is_link; /* to what, the other end does not tell: only with openssh */
};

/* Do two looks at a file show the same? */
bool rt_remote_is_same(const struct rt_remote_entry *a, const struct rt_remote_entry *b);

struct rt_remote_list {
    struct rt_remote_entry *entries; /* sorted by name */
    size_t count;
};

struct rt_remote;

struct rt_remote_class {
    /* Lists a folder; entries other than . and ..  RT_IO "no such folder" if it is not there. */
    int (*list)(struct rt_remote *remote, const char *folder, struct rt_remote_list *list,
                struct rt_err *err);

    /* 1: it is there, *entry filled but for name; 0: it is not; -1. */
    int (*stat)(struct rt_remote *remote, const char *path, struct rt_remote_entry *entry,
                struct rt_err *err);

    /*
     * Reads a file whole into an open spool.  Compares size and time before and after, on the
     * handle and on the path, and the length read: a file that changed meanwhile is RT_IO with
     * "changed while it was read", and is for the next run; nothing was committed.  remote->got is
     * what was read, as it was then, which need not be what a listing told before.
     */
    int (*get)(struct rt_remote *remote, const char *path, struct rt_spool *into,
               struct rt_err *err);

    /* Writes a local file to a path that must not exist; compares the size afterwards.  On failure
       what was written of it is removed if the other end can still be asked. */
    int (*put)(struct rt_remote *remote, const char *local, const char *path, struct rt_err *err);

    /* Renames; the target must not exist.  The answer of the server is not believed: a stat
     * decides. */
    int (*rename)(struct rt_remote *remote, const char *from, const char *to, struct rt_err *err);

    /* Removes a file; one that is not there counts as done. */
    int (*remove)(struct rt_remote *remote, const char *path, struct rt_err *err);

    void (*close)(struct rt_remote *remote);
};

/* Every implementation's struct begins with this. */
struct rt_remote {
    const struct rt_remote_class *class;
    const struct rt_side_config *settings; /* borrowed */
    const struct rt_log *log;              /* borrowed, may be NULL */
    int64_t deadline_ms;                   /* on rt_clock_monotonic_ms */
    struct rt_remote_entry got;            /* by the last get; without a name */
};

/*
 * Opens the remote of a side (transport directory, sftp or openssh), once: no retries.  `profile`
 * is the folder that relative paths of the settings start from.  Caller closes with
 * remote->class->close.
 */
int rt_remote_open(const struct rt_side_config *settings, const char *profile, int64_t deadline_ms,
                   const struct rt_log *log, struct rt_remote **remote,
                   struct rt_err *err) RT_MUST_CHECK;

/*
 * Opens with retries, back-off (1, 2, 4 ... at most 60 s, with jitter) for RT_UNREACHABLE only, up
 * to settings->retries more tries and the deadline.  Says each try in the log.
 */
int rt_remote_open_patient(const struct rt_side_config *settings, const char *profile,
                           int64_t deadline_ms, const struct rt_log *log, struct rt_remote **remote,
                           struct rt_err *err) RT_MUST_CHECK;

void rt_remote_close(struct rt_remote *remote); /* NULL is fine */
void rt_remote_list_clear(struct rt_remote_list *list);

/*
 * Hands a local file over as FOLDER/NAME in the way settings->upload says (rename: NAME.part, size,
 * rename; direct; done-file; folder).  Idempotent: if FOLDER/NAME is there with the right size, it
 * was done before the connection broke, and that is success; with another size RT_IO, nothing
 * overwritten, but for the beginning of our own file where it was uploaded under its final name. A
 * .part of ours left behind is removed first.  Steps: push.part, push.rename, push.done.
 */
int rt_remote_deliver(struct rt_remote *remote, const char *local, const char *folder,
                      const char *name, struct rt_err *err) RT_MUST_CHECK;

/* 1: FOLDER/NAME is there with the right size, as rt_remote_deliver would find it; 0; -1. */
int rt_remote_is_delivered(struct rt_remote *remote, const char *local, const char *folder,
                           const char *name, struct rt_err *err) RT_MUST_CHECK;

/*
 * A path of the settings: "~/x" from the home folder, relative ones from the profile.  NULL stays
 * NULL; the caller frees.
 */
char *rt_remote_local_path(const char *profile, const char *path);

const char *rt_remote_library_version(void); /* libssh2's */

#endif
