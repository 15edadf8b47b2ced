#include "lib/remote_openssh.h"

#include "lib/clock.h"
#include "lib/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_SIZE 262144

static struct rt_openssh *openssh_of(struct rt_remote *remote)
{
    return (struct rt_openssh *)remote;
}

/* "FOLDER/NAME" in two; `folder` is the caller's to free, `name` points into path. */
static const char *split_path(const char *path, char **folder)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        *folder = rt_xstrdup(".");
        return path;
    }
    *folder = rt_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
    return slash + 1;
}

/* One command with up to two paths. */
static int add_command(struct rt_openssh_run *run, const char *verb, const char *a, const char *b,
                       struct rt_err *err)
{
    rt_buf_add_str(&run->commands, verb);
    if (a != NULL) {
        rt_buf_add_char(&run->commands, ' ');
        if (rt_openssh_quote(&run->commands, a, err) != 0)
            return -1;
    }
    if (b != NULL) {
        rt_buf_add_char(&run->commands, ' ');
        if (rt_openssh_quote(&run->commands, b, err) != 0)
            return -1;
    }
    rt_buf_add_char(&run->commands, '\n');
    return 0;
}

/* From the folder that sessions start in: a `cd` must not change the meaning of what follows. */
static char *full_path(const struct rt_openssh *o, const char *path)
{
    const char *slash = *o->start != '\0' && o->start[strlen(o->start) - 1] == '/' ? "" : "/";

    return *path == '/' ? rt_xstrdup(path) : rt_xasprintf("%s%s%s", o->start, slash, path);
}

/* Lists the folder that we are in, or one file of it. */
static int add_ls(struct rt_openssh_run *run, const char *name, struct rt_err *err)
{
    if (rt_openssh_mark(run, err) != 0)
        return -1;
    rt_buf_printf(&run->commands, "%s\nls -lna ", run->mark);
    if (name != NULL && rt_openssh_quote_for_ls(&run->commands, name, err) != 0)
        return -1;
    rt_buf_printf(&run->commands, "\n%s\n", run->mark);
    return 0;
}

/* Goes to a folder and lists it. */
static int add_list(const struct rt_openssh *o, struct rt_openssh_run *run, const char *folder,
                    struct rt_err *err)
{
    char *full = full_path(o, folder);
    int rc = add_command(run, "cd", full, NULL, err);

    free(full);
    return rc == 0 ? add_ls(run, NULL, err) : -1;
}

/* Sets err from what sftp said about a path.  Always -1. */
static int fail(const struct rt_openssh_run *run, const char *what, const char *path,
                struct rt_err *err)
{
    const char *said = rt_buf_str(&run->errors);
    enum rt_code code = RT_IO;

    if (strstr(said, "ermission denied") != NULL || strstr(said, "ead-only") != NULL)
        code = RT_REFUSED;
    return rt_err_set(err, code, "the server refuses %s %s: %.*s", what, path,
                      (int)strcspn(said, "\r\n"), said);
}

static bool is_missing(const struct rt_openssh_run *run)
{
    return strstr(rt_buf_str(&run->errors), "No such file") != NULL ||
           strstr(rt_buf_str(&run->errors), "not found") != NULL ||
           strstr(rt_buf_str(&run->errors), "not a directory") != NULL;
}

/* 1: listed; 0: there is no such folder; -1. */
static int list_folder(struct rt_openssh *o, const char *folder, struct rt_remote_list *list,
                       struct rt_err *err)
{
    struct rt_openssh_run run = {0};
    int rc = -1;

    *list = (struct rt_remote_list){0};
    if (add_list(o, &run, folder, err) != 0 || rt_openssh_run(o, &run, err) != 0)
        goto out;
    if (run.has_failed) {
        rc = is_missing(&run) ? 0 : fail(&run, "listing", folder, err);
    } else {
        struct rt_slice rest = rt_buf_slice(&run.out);

        rc = rt_openssh_parse_list(&rest, run.mark, rt_clock_now(), list, err) == 0 ? 1 : -1;
    }
out:
    rt_openssh_run_clear(&run);
    return rc;
}

static int openssh_list(struct rt_remote *remote, const char *folder, struct rt_remote_list *list,
                        struct rt_err *err)
{
    int rc = list_folder(openssh_of(remote), folder, list, err);

    if (rc == 0)
        return rt_remote_no_folder(err, folder);
    return rc == 1 ? 0 : -1;
}

/* Finds a name; the entry's own name is not handed out. */
static int find_entry(const struct rt_remote_list *list, const char *name,
                      struct rt_remote_entry *entry)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->entries[i].name, name) != 0)
            continue;
        *entry = list->entries[i];
        entry->name = NULL;
        return 1;
    }
    return 0;
}

/* By a listing of its folder: that tells "not there" from "not allowed", which `ls FILE` does not.
 */
static int openssh_stat(struct rt_remote *remote, const char *path, struct rt_remote_entry *entry,
                        struct rt_err *err)
{
    struct rt_remote_list list;
    char *folder;
    const char *name = split_path(path, &folder);
    int rc = list_folder(openssh_of(remote), folder, &list, err);

    *entry = (struct rt_remote_entry){0};
    if (rc == 1)
        rc = find_entry(&list, name, entry);
    rt_remote_list_clear(&list);
    free(folder);
    return rc;
}

/* Reading: sftp writes a file of its own beside the spool's, which is then taken over. */

static int read_local(struct rt_openssh *o, const char *local, struct rt_spool *into,
                      struct rt_err *err)
{
    char *block = rt_xmalloc(BLOCK_SIZE);
    uint64_t size;
    int fd = rt_remote_open_local(local, &size, err), rc = fd < 0 ? -1 : 0;

    while (rc == 0) {
        ssize_t n = RT_STEP("remote.get") != 0 ? -1 : read(fd, block, BLOCK_SIZE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = rt_remote_errno(err, "read", local);
        else if (n == 0)
            break;
        else
            rc = rt_spool_write(into, block, (size_t)n, err);
    }
    if (rc != 0 && err->code == RT_UNREACHABLE)
        o->is_dead = true;
    if (fd >= 0)
        close(fd);
    free(block);
    return rc;
}

/* The listings before and after must show the same file, and it must have come whole. */
static int compare_listings(struct rt_openssh *o, const struct rt_openssh_run *run,
                            const char *path, uint64_t size, struct rt_err *err)
{
    struct rt_slice rest = rt_buf_slice(&run->out);
    struct rt_remote_list lists[2] = {{0}, {0}};
    struct rt_remote_entry looks[2] = {{0}, {0}};
    const char *slash = strrchr(path, '/');
    int64_t now = rt_clock_now();
    int rc = -1, found;

    if (rt_openssh_parse_list(&rest, run->mark, now, &lists[0], err) != 0 ||
        rt_openssh_parse_list(&rest, run->mark, now, &lists[1], err) != 0)
        goto out;
    found = find_entry(&lists[0], slash ? slash + 1 : path, &looks[0]) +
            find_entry(&lists[1], slash ? slash + 1 : path, &looks[1]);
    if (found != 2 || !rt_openssh_is_same(&looks[0], &looks[1]) || looks[0].size != size)
        rt_remote_changed(err, path);
    else
        rc = 0;
    o->base.got = looks[1]; /* a time is told more exactly a moment later, see rt_openssh_is_same */
out:
    rt_remote_list_clear(&lists[0]);
    rt_remote_list_clear(&lists[1]);
    return rc;
}

static int get_to_file(struct rt_openssh *o, const char *path, const char *local,
                       struct rt_err *err)
{
    struct rt_openssh_run run = {.growing = local};
    char *folder, *full;
    const char *name = split_path(path, &folder);
    uint64_t size;
    int rc = -1, fd;

    full = full_path(o, folder);
    if (add_command(&run, "cd", full, NULL, err) != 0 || add_ls(&run, name, err) != 0 ||
        add_command(&run, "get", name, local, err) != 0 || add_ls(&run, name, err) != 0 ||
        rt_openssh_run(o, &run, err) != 0)
        goto out;
    if (run.has_failed) {
        fail(&run, "reading", path, err);
        goto out;
    }
    fd = rt_remote_open_local(local, &size, err);
    if (fd < 0)
        goto out;
    close(fd);
    rc = compare_listings(o, &run, path, size, err);
out:
    rt_openssh_run_clear(&run);
    free(folder);
    free(full);
    return rc;
}

static int openssh_get(struct rt_remote *remote, const char *path, struct rt_spool *into,
                       struct rt_err *err)
{
    struct rt_openssh *o = openssh_of(remote);
    char *dir = realpath(rt_spool_dir(into), NULL), *local;
    int fd, rc;

    if (dir == NULL)
        return rt_err_errno(err, RT_IO, "cannot find the folder %s", rt_spool_dir(into));
    local = rt_xasprintf("%s/.roundtrip-sftp.XXXXXX", dir); /* a name that a sweep removes */
    fd = mkostemp(local, O_CLOEXEC);
    if (fd < 0) {
        rc = rt_err_errno(err, RT_IO, "cannot create a file in %s", dir);
    } else {
        close(fd);
        rc = get_to_file(o, path, local, err);
        if (rc == 0)
            rc = read_local(o, local, into, err);
        unlink(local);
    }
    free(local);
    free(dir);
    return rc;
}

/* Writing. */

static int openssh_remove(struct rt_remote *remote, const char *path, struct rt_err *err);

static int compare_size(struct rt_openssh *o, const struct rt_openssh_run *run, const char *path,
                        uint64_t size, struct rt_err *err)
{
    struct rt_slice rest = rt_buf_slice(&run->out);
    struct rt_remote_entry there = {0};
    struct rt_remote_list list;
    const char *slash = strrchr(path, '/');
    int found;

    if (rt_openssh_parse_list(&rest, run->mark, rt_clock_now(), &list, err) != 0)
        return -1;
    found = find_entry(&list, slash ? slash + 1 : path, &there);
    rt_remote_list_clear(&list);
    return rt_remote_check_written(&o->base, path, size, found ? &there : NULL, err);
}

static int put_file(struct rt_openssh *o, const char *local, const char *path, uint64_t size,
                    struct rt_err *err)
{
    struct rt_openssh_run run = {.is_upload = true};
    char *folder, *full = full_path(o, path);
    int rc = -1;

    (void)split_path(path, &folder);
    /* sftp gives the file our local mode, which is for us alone; a server may refuse the change. */
    if (add_command(&run, "put", local, full, err) != 0 ||
        add_command(&run, "-chmod 644", full, NULL, err) != 0 ||
        add_list(o, &run, folder, err) != 0 || rt_openssh_run(o, &run, err) != 0)
        goto out;
    rc = run.has_failed ? fail(&run, "writing", path, err) : compare_size(o, &run, path, size, err);
out:
    rt_openssh_run_clear(&run);
    free(folder);
    free(full);
    return rc;
}

static int openssh_put(struct rt_remote *remote, const char *local, const char *path,
                       struct rt_err *err)
{
    struct rt_openssh *o = openssh_of(remote);
    struct rt_remote_entry there;
    struct rt_err later;
    uint64_t size;
    int fd = rt_remote_open_local(local, &size, err), found, rc;
    char *full;

    if (fd < 0)
        return -1;
    close(fd);
    found = openssh_stat(remote, path, &there, err);
    if (found < 0)
        return -1;
    if (found > 0)
        return rt_remote_in_the_way(err, path);
    if (RT_STEP("remote.put") != 0) {
        rt_remote_errno(err, "write", path);
        o->is_dead = err->code == RT_UNREACHABLE;
        return -1;
    }
    full = realpath(local, NULL);
    rc = full == NULL ? rt_err_errno(err, RT_IO, "cannot find %s", local)
                      : put_file(o, full, path, size, err);
    if (rc != 0 && !o->is_dead)
        (void)!openssh_remove(remote, path, &later);
    free(full);
    return rc;
}

/* Renaming and removing. */

struct renaming {
    struct rt_openssh *o;
    const char *from, *to;
    bool has_from, has_to; /* as of the last look */
};

static int add_listing(const struct renaming *r, struct rt_openssh_run *run, const char *path,
                       struct rt_err *err)
{
    char *folder;
    int rc;

    (void)split_path(path, &folder);
    rc = add_list(r->o, run, folder, err);
    free(folder);
    return rc;
}

static int find_in_listing(const struct rt_openssh_run *run, struct rt_slice *rest,
                           const char *path, bool *is_there, struct rt_err *err)
{
    const char *slash = strrchr(path, '/');
    struct rt_remote_entry entry;
    struct rt_remote_list list;

    if (rt_openssh_parse_list(rest, run->mark, rt_clock_now(), &list, err) != 0)
        return -1;
    *is_there = find_entry(&list, slash ? slash + 1 : path, &entry) == 1;
    rt_remote_list_clear(&list);
    return 0;
}

/* Looks at both places, after the commands that are already in the run; err keeps what sftp said of
 * them. */
static int run_and_look(struct renaming *r, struct rt_openssh_run *run, struct rt_err *err)
{
    struct rt_slice rest;

    if (add_listing(r, run, r->from, err) != 0 || add_listing(r, run, r->to, err) != 0 ||
        rt_openssh_run(r->o, run, err) != 0)
        return -1;
    if (run->has_failed)
        return fail(run, "renaming", r->from, err);
    rest = rt_buf_slice(&run->out);
    if (find_in_listing(run, &rest, r->from, &r->has_from, err) != 0 ||
        find_in_listing(run, &rest, r->to, &r->has_to, err) != 0)
        return -1;
    return 0;
}

static int look_before(struct renaming *r, struct rt_err *err)
{
    struct rt_openssh_run run = {0};
    int rc = run_and_look(r, &run, err);

    if (rc == 0 && r->has_to)
        rc = rt_remote_rename_onto(err, r->from, r->to);
    else if (rc == 0 && !r->has_from)
        rc = rt_err_set(err, RT_IO, "cannot rename %s: it is not there", r->from);
    rt_openssh_run_clear(&run);
    return rc;
}

static int rename_and_look(struct renaming *r, struct rt_err *err)
{
    struct rt_openssh_run run = {0};
    char *from = full_path(r->o, r->from), *to = full_path(r->o, r->to);
    bool was_refused;
    int rc = -1;

    /* -l: the plain request, which does not replace a file.  A dash before it: go on and look. */
    if (add_command(&run, "-rename -l", from, to, err) != 0 || run_and_look(r, &run, err) != 0)
        goto out;
    was_refused = run.errors.len > 0;
    if (!r->has_from && (r->has_to || !was_refused)) /* gone on both sides: taken at once */
        rc = 0;
    else if (was_refused)
        fail(&run, "renaming", r->from, err);
    else
        rt_err_set(err, RT_IO, "the server renamed %s, and it is still there", r->from);
out:
    free(from);
    free(to);
    rt_openssh_run_clear(&run);
    return rc;
}

static int openssh_rename(struct rt_remote *remote, const char *from, const char *to,
                          struct rt_err *err)
{
    struct renaming r = {.o = openssh_of(remote), .from = from, .to = to};

    if (look_before(&r, err) != 0)
        return -1;
    if (RT_STEP("remote.rename") != 0) {
        rt_remote_errno(err, "rename", from);
        r.o->is_dead = err->code == RT_UNREACHABLE;
        return -1;
    }
    return rename_and_look(&r, err);
}

/* Runs `rm`, which may fail; a look decides afterwards.  1: it said ok; 0: it failed; -1. */
static int try_remove(struct rt_openssh *o, struct rt_openssh_run *run, const char *path,
                      struct rt_err *err)
{
    if (rt_openssh_run(o, run, err) != 0)
        return -1;
    if (!run->has_failed)
        return 1;
    fail(run, "removing", path, err);
    return 0;
}

static int openssh_remove(struct rt_remote *remote, const char *path, struct rt_err *err)
{
    struct rt_openssh_run run = {0};
    struct rt_remote_entry there;
    struct rt_err look;
    char *full = full_path(openssh_of(remote), path);
    int answer = -1;

    if (RT_STEP("remote.remove") != 0)
        rt_remote_errno(err, "remove", path);
    else if (add_command(&run, "rm", full, NULL, err) == 0)
        answer = try_remove(openssh_of(remote), &run, path, err);
    rt_openssh_run_clear(&run);
    free(full);
    if (answer != 0)
        return answer == 1 ? 0 : -1;
    return openssh_stat(remote, path, &there, &look) == 0 ? 0 : -1;
}

static void openssh_close(struct rt_remote *remote)
{
    struct rt_openssh *o = openssh_of(remote);

    rt_openssh_end(o);
    if (o->askpass != NULL)
        unlink(o->askpass);
    free(o->askpass);
    free(o->start);
    free(o->key);
    free(o->where);
    free(o->profile);
    free(o);
}

static const struct rt_remote_class openssh_class = {
    .list = openssh_list,
    .stat = openssh_stat,
    .get = openssh_get,
    .put = openssh_put,
    .rename = openssh_rename,
    .remove = openssh_remove,
    .close = openssh_close,
};

int rt_remote_openssh_open(const char *profile, struct rt_remote *base, struct rt_remote **remote,
                           struct rt_err *err)
{
    struct rt_openssh *o;

    if (base->settings->host == NULL)
        return rt_err_set(err, RT_CONFIG, "set host in roundtrip.ini for transport = openssh");
    if (RT_STEP("remote.connect") != 0)
        return rt_err_errno(err, RT_UNREACHABLE, "cannot connect to %s", base->settings->host);
    o = rt_xcalloc(1, sizeof *o);
    o->base = *base;
    o->base.class = &openssh_class;
    o->profile = realpath(profile, NULL);
    if (o->profile == NULL)
        o->profile = rt_xstrdup(profile);
    o->where = rt_xasprintf("%s port %d", base->settings->host, base->settings->port);
    if (rt_openssh_prepare(o, err) != 0) {
        openssh_close(&o->base);
        return -1;
    }
    rt_log_info(base->log, "%s: connected", o->where);
    *remote = &o->base;
    return 0;
}
