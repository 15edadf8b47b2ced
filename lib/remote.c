#include "lib/remote.h"

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/mem.h"
#include "lib/remote_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAUSE_MS 60000
#define DONE         ".done" /* the end of a marker's name */

/* Shared by the implementations. */

int rt_remote_list_add(struct rt_remote_list *list, const struct rt_remote_entry *entry,
                       struct rt_err *err)
{
    if (list->count >= RT_REMOTE_MAX_ENTRIES) {
        free(entry->name);
        return rt_err_set(err, RT_IO,
                          "the folder holds more than %d files; move old ones away there",
                          RT_REMOTE_MAX_ENTRIES);
    }
    list->entries = rt_xgrow(list->entries, list->count, sizeof *list->entries);
    list->entries[list->count++] = *entry;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct rt_remote_entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

void rt_remote_list_sort(struct rt_remote_list *list)
{
    if (list->count > 1)
        qsort(list->entries, list->count, sizeof *list->entries, compare_names);
}

void rt_remote_list_clear(struct rt_remote_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].name);
    free(list->entries);
    *list = (struct rt_remote_list){0};
}

enum rt_code rt_remote_code(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return RT_REFUSED;
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case ENOTCONN:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ESTALE: /* a network file system that went away */
        return RT_UNREACHABLE;
    default:
        return RT_IO;
    }
}

int rt_remote_errno(struct rt_err *err, const char *what, const char *path)
{
    return rt_err_errno(err, rt_remote_code(errno), "cannot %s %s", what, path);
}

int rt_remote_check_time(const struct rt_remote *remote, struct rt_err *err)
{
    if (rt_stop_requested())
        return rt_err_set(err, RT_STOPPED, "stopped by a signal; run it again");
    if (rt_clock_monotonic_ms() >= remote->deadline_ms)
        return rt_err_set(err, RT_UNREACHABLE,
                          "the deadline passed; run it again, or raise deadline in roundtrip.ini");
    return 0;
}

bool rt_remote_is_same(const struct rt_remote_entry *a, const struct rt_remote_entry *b)
{
    return a->has_size == b->has_size && a->size == b->size && a->has_mtime == b->has_mtime &&
           a->mtime == b->mtime;
}

/* May the other end take an upload the moment it is written?  Under its final name, or with its
 * marker, it may; to upload it again would hand it over twice. */
static bool may_be_taken(const struct rt_remote *remote, const char *path)
{
    size_t len = strlen(path);

    return remote->settings->upload == RT_UPLOAD_DIRECT ||
           (remote->settings->upload == RT_UPLOAD_DONE_FILE && len >= strlen(DONE) &&
            strcmp(path + len - strlen(DONE), DONE) == 0);
}

int rt_remote_changed(struct rt_err *err, const char *path)
{
    return rt_err_set(err, RT_IO, "%s changed while it was read; the next run takes it", path);
}

int rt_remote_no_folder(struct rt_err *err, const char *folder)
{
    return rt_err_set(
        err, RT_IO, "%s: no such folder; make it, or set its right name in roundtrip.ini", folder);
}

int rt_remote_in_the_way(struct rt_err *err, const char *path)
{
    return rt_err_set(err, RT_IO,
                      "%s is already there and is not overwritten: look at it, and move it away",
                      path);
}

int rt_remote_rename_onto(struct rt_err *err, const char *from, const char *to)
{
    return rt_err_set(err, RT_IO, "cannot rename %s to %s: that is already there", from, to);
}

int rt_remote_check_written(const struct rt_remote *remote, const char *path, uint64_t size,
                            const struct rt_remote_entry *there, struct rt_err *err)
{
    if (there == NULL && may_be_taken(remote, path))
        return 0;
    if (there == NULL)
        return rt_err_set(err, RT_IO, "%s was written, but is not there any more", path);
    if (there->has_size && there->size != size)
        return rt_err_set(err, RT_IO,
                          "%s has %" PRIu64 " bytes after the write instead of %" PRIu64, path,
                          there->size, size);
    return 0;
}

int rt_remote_open_local(const char *local, uint64_t *size, struct rt_err *err)
{
    int fd = open(local, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return rt_err_errno(err, RT_IO, "cannot open %s", local);
    if (fstat(fd, &st) != 0)
        rt_err_errno(err, RT_IO, "cannot look at %s", local);
    else if (!S_ISREG(st.st_mode))
        rt_err_set(err, RT_IO, "%s is not a regular file", local);
    else {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

/* A service of the system may have no HOME.  NULL: nobody knows it. */
static const char *home_folder(void)
{
    const char *home = getenv("HOME");
    const struct passwd *user;

    if (home != NULL && *home != '\0')
        return home;
    user = getpwuid(geteuid());
    return user ? user->pw_dir : NULL;
}

char *rt_remote_local_path(const char *profile, const char *path)
{
    const char *home;

    if (path == NULL)
        return NULL;
    home = path[0] == '~' && path[1] == '/' ? home_folder() : NULL;
    if (home != NULL)
        return rt_xasprintf("%s%s", home, path + 1);
    if (path[0] == '/')
        return rt_xstrdup(path);
    return rt_xasprintf("%s/%s", profile, path);
}

/* Opening. */

int rt_remote_open(const struct rt_side_config *settings, const char *profile, int64_t deadline_ms,
                   const struct rt_log *log, struct rt_remote **remote, struct rt_err *err)
{
    struct rt_remote base = {.settings = settings, .log = log, .deadline_ms = deadline_ms};

    *remote = NULL;
    switch (settings->transport) {
    case RT_TRANSPORT_DIRECTORY:
        return rt_remote_dir_open(profile, &base, remote, err);
    case RT_TRANSPORT_SFTP:
        return rt_remote_sftp_open(profile, &base, remote, err);
    case RT_TRANSPORT_OPENSSH:
        return rt_remote_openssh_open(profile, &base, remote, err);
    case RT_TRANSPORT_COMMAND:
        break;
    }
    return rt_err_set(err, RT_INTERNAL, "the command transport has no folders");
}

/* Between half and the whole of 1, 2, 4 ... 60 s: runs that failed together do not come back
 * together. */
static int64_t pause_before(int attempt)
{
    int64_t longest = attempt > 6 ? MAX_PAUSE_MS : (int64_t)1000 << (attempt - 1);
    uint32_t dice = 0;

    if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) < 0)
        dice = (uint32_t)getpid() * 2654435761U;
    if (longest > MAX_PAUSE_MS)
        longest = MAX_PAUSE_MS;
    return longest / 2 + (int64_t)(dice % (uint32_t)(longest / 2 + 1));
}

static void wait_until(int64_t when_ms)
{
    struct timespec slice = {.tv_nsec = 50000000};

    while (!rt_stop_requested() && rt_clock_monotonic_ms() < when_ms)
        nanosleep(&slice, NULL);
}

int rt_remote_open_patient(const struct rt_side_config *settings, const char *profile,
                           int64_t deadline_ms, const struct rt_log *log, struct rt_remote **remote,
                           struct rt_err *err)
{
    for (int attempt = 1;; attempt++) {
        int64_t pause_ms = pause_before(attempt);
        int64_t when_ms;

        if (rt_remote_open(settings, profile, deadline_ms, log, remote, err) == 0)
            return 0;
        when_ms = rt_clock_monotonic_ms() + pause_ms;
        if (err->code != RT_UNREACHABLE || attempt > settings->retries || when_ms >= deadline_ms)
            return -1;
        rt_log_warn(log, "%s: %s; try %d of %d in %.1f s", settings->label, err->msg, attempt + 1,
                    settings->retries + 1, (double)pause_ms / 1000);
        wait_until(when_ms);
        if (rt_stop_requested())
            return rt_err_set(err, RT_STOPPED, "stopped by a signal; run it again");
    }
}

void rt_remote_close(struct rt_remote *remote)
{
    if (remote != NULL)
        remote->class->close(remote);
}

/* Delivering. */

struct delivery {
    struct rt_remote *remote;
    const char *local;
    uint64_t size;
    char *target, *part, *marker; /* part, marker: NULL where the mode has none */
};

/* Are the bytes of a read file those that a local one begins with? */
static int is_beginning(const char *local, struct rt_spool *read, struct rt_err *err)
{
    uint64_t size, left = rt_spool_size(read);
    int fd = rt_remote_open_local(local, &size, err), rc = 1;
    char ours[4096], theirs[4096];

    if (fd < 0 || rt_spool_flush(read, err) < 0)
        rc = -1;
    for (off_t at = 0; rc == 1 && left > 0; at += (off_t)sizeof ours) {
        size_t want = left < sizeof ours ? (size_t)left : sizeof ours;

        if (pread(fd, ours, want, at) != (ssize_t)want ||
            pread(rt_spool_fd(read), theirs, want, at) != (ssize_t)want ||
            memcmp(ours, theirs, want) != 0)
            rc = 0;
        left -= want;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

/* 1: what lies at the target is the beginning of our file, so an upload of ours broke there.  Only
 * where uploads go under the final name. */
static int is_cut(const struct delivery *d, const struct rt_remote_entry *there, struct rt_err *err)
{
    const char *slash = strrchr(d->local, '/');
    struct rt_spool *spool = NULL;
    char *folder;
    int rc = -1;

    if (d->part != NULL || !there->has_size || there->size >= d->size)
        return 0;
    folder = slash ? rt_xstrndup(d->local, (size_t)(slash - d->local)) : rt_xstrdup(".");
    if (rt_spool_open(folder, "cut", false, &spool, err) == 0 &&
        d->remote->class->get(d->remote, d->target, spool, err) == 0)
        rc = is_beginning(d->local, spool, err);
    rt_spool_close(spool);
    free(folder);
    return rc;
}

/* 1: there with the right size; 0: not there; -1. */
static int is_delivered(const struct delivery *d, struct rt_err *err)
{
    struct rt_remote_entry there;
    int found = d->remote->class->stat(d->remote, d->target, &there, err), cut;

    if (found != 1)
        return found;
    if (there.has_size && there.size == d->size)
        return 1;
    cut = is_cut(d, &there, err);
    if (cut == 1)
        rt_log_info(d->remote->log, "%s was cut by a broken push; it is made again", d->target);
    if (cut != 0)
        return cut < 0 ? -1 : d->remote->class->remove(d->remote, d->target, err);
    return rt_err_set(err, RT_IO,
                      "%s is already at the other end with %" PRIu64 " bytes instead of %" PRIu64
                      "; it is not overwritten; look at it there and remove it if it was cut",
                      d->target, there.has_size ? there.size : 0, d->size);
}

static int remove_part(const struct delivery *d, struct rt_err *err)
{
    struct rt_remote_entry there;
    int found = d->part == NULL ? 0 : d->remote->class->stat(d->remote, d->part, &there, err);

    if (found != 1)
        return found;
    rt_log_info(d->remote->log, "%s was left by a broken push; removing it", d->part);
    return d->remote->class->remove(d->remote, d->part, err);
}

static int send_file(const struct delivery *d, struct rt_err *err)
{
    const char *path = d->part != NULL ? d->part : d->target;

    if (RT_STEP("push.part") != 0)
        return rt_remote_errno(err, "write", path);
    if (d->remote->class->put(d->remote, d->local, path, err) != 0)
        return -1;
    if (d->part == NULL)
        return 0;
    if (RT_STEP("push.rename") != 0)
        return rt_remote_errno(err, "rename", path);
    return d->remote->class->rename(d->remote, path, d->target, err);
}

/* An empty file to be sent, beside the real one, under a name that a sweep would remove. */
static char *make_empty(const char *local, struct rt_err *err)
{
    const char *slash = strrchr(local, '/');
    char *path =
        rt_xasprintf("%.*s.roundtrip-done.XXXXXX", slash ? (int)(slash - local + 1) : 0, local);
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd >= 0) {
        close(fd);
        return path;
    }
    rt_err_errno(err, RT_IO, "cannot create a file beside %s", local);
    free(path);
    return NULL;
}

static int send_marker(const struct delivery *d, struct rt_err *err)
{
    struct rt_remote_entry there;
    int found = d->remote->class->stat(d->remote, d->marker, &there, err);
    char *empty;
    int rc;

    if (found != 0)
        return found > 0 ? 0 : -1;
    empty = make_empty(d->local, err);
    if (empty == NULL)
        return -1;
    if (RT_STEP("push.done") != 0)
        rc = rt_remote_errno(err, "write", d->marker);
    else
        rc = d->remote->class->put(d->remote, empty, d->marker, err);
    unlink(empty);
    free(empty);
    return rc;
}

static int deliver(const struct delivery *d, struct rt_err *err)
{
    int delivered = is_delivered(d, err);

    if (delivered < 0 || remove_part(d, err) != 0)
        return -1;
    /* The folder for parts may be the same as that of the target, by another name. */
    if (delivered && d->remote->settings->upload == RT_UPLOAD_FOLDER)
        delivered = is_delivered(d, err);
    if (delivered < 0)
        return -1;
    if (delivered)
        rt_log_info(d->remote->log, "%s is already at the other end", d->target);
    else if (send_file(d, err) != 0)
        return -1;
    return d->marker == NULL ? 0 : send_marker(d, err);
}

static int open_delivery(struct rt_remote *remote, const char *local, const char *folder,
                         const char *name, struct delivery *d, struct rt_err *err)
{
    const struct rt_side_config *settings = remote->settings;
    int fd;

    *d = (struct delivery){.remote = remote, .local = local};
    fd = rt_remote_open_local(local, &d->size, err);
    if (fd < 0)
        return -1;
    close(fd);
    d->target = rt_xasprintf("%s/%s", folder, name);
    if (settings->upload == RT_UPLOAD_RENAME)
        d->part = rt_xasprintf("%s.part", d->target);
    if (settings->upload == RT_UPLOAD_FOLDER)
        d->part = rt_xasprintf("%s/%s", settings->upload_folder, name);
    if (settings->upload == RT_UPLOAD_DONE_FILE)
        d->marker = rt_xasprintf("%s" DONE, d->target);
    return 0;
}

static void close_delivery(struct delivery *d)
{
    free(d->marker);
    free(d->part);
    free(d->target);
}

int rt_remote_is_delivered(struct rt_remote *remote, const char *local, const char *folder,
                           const char *name, struct rt_err *err)
{
    struct delivery d;
    int rc;

    if (open_delivery(remote, local, folder, name, &d, err) < 0)
        return -1;
    rc = is_delivered(&d, err);
    close_delivery(&d);
    return rc;
}

int rt_remote_deliver(struct rt_remote *remote, const char *local, const char *folder,
                      const char *name, struct rt_err *err)
{
    struct delivery d;
    int rc;

    if (open_delivery(remote, local, folder, name, &d, err) < 0)
        return -1;
    rc = deliver(&d, err);
    close_delivery(&d);
    return rc;
}
