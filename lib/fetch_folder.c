#include "lib/fetch_internal.h"

#include "lib/fault.h"
#include "lib/filename.h"

#include <inttypes.h>
#include <stdlib.h>

static char *remote_key(struct rt_fetch *f, const struct rt_remote_entry *entry)
{
    return rt_arena_printf(&f->arena, "%s|%" PRIu64 "|%" PRId64, entry->name, entry->size,
                           entry->has_mtime ? entry->mtime : 0);
}

/* Is the file at rest?  Its time lies back far enough, or an earlier look as far back saw the same.
 */
static int is_settled(struct rt_fetch *f, const struct rt_remote_entry *entry, const char *key,
                      struct rt_err *err)
{
    int64_t settle = f->settings->settle, now = f->work->rules.now, first;

    if (settle == 0 || (entry->has_mtime && entry->mtime + settle <= now))
        return 1;
    if (rt_store_begin(f->work->store, err) < 0)
        return -1;
    if (rt_store_sighting(f->work->store, f->side, key, now, &first, err) < 0 ||
        rt_store_commit(f->work->store, err) < 0) {
        rt_store_abort(f->work->store);
        return -1;
    }
    return first + settle <= now;
}

/* A name in the folder of fetched files that is free; the same name comes again when the other end
 * copies a file again. */
static int free_target(struct rt_fetch *f, const char *name, char **path, struct rt_err *err)
{
    struct rt_remote_entry there;
    int rc = 1;

    *path = NULL;
    for (int n = 1; rc == 1; n++) {
        char *nth = rt_fetch_nth_name(name, n);

        free(*path);
        *path = rt_xasprintf("%s/%s", f->settings->after_fetch_folder, nth);
        free(nth);
        rc = f->remote->class->stat(f->remote, *path, &there, err);
    }
    return rc;
}

/* The other end may have put a newer file there since.  1: it is the one that was read; 0; -1. */
static int is_still_there(struct rt_fetch *f, const struct rt_remote_entry *was, const char *path,
                          struct rt_err *err)
{
    struct rt_remote_entry now;
    int rc = f->remote->class->stat(f->remote, path, &now, err);

    if (rc != 1 || rt_remote_is_same(was, &now))
        return rc;
    rt_log_info(f->work->log, "%s: another file has this name now: left for the next fetch", path);
    return 0;
}

static int move_away(struct rt_fetch *f, const char *path, const char *name, struct rt_err *err)
{
    char *to;
    int rc = free_target(f, name, &to, err);

    if (rc == 0)
        rc = f->remote->class->rename(f->remote, path, to, err);
    free(to);
    if (rc < 0)
        rt_err_context(err, "%s is in the inbox, but after_fetch = move:%s failed", name,
                       f->settings->after_fetch_folder);
    return rc;
}

static int delete_it(struct rt_fetch *f, const char *path, const char *name, struct rt_err *err)
{
    int rc = f->remote->class->remove(f->remote, path, err);

    if (rc < 0)
        rt_err_context(err, "%s is in the inbox, but after_fetch = delete failed", name);
    return rc;
}

/* `was`: as it was before it was read. */
static int after_fetch(struct rt_fetch *f, const struct rt_remote_entry *was, const char *path,
                       const char *name, struct rt_err *err)
{
    int rc;

    if (f->settings->after_fetch == RT_AFTER_LEAVE)
        return 0;
    rc = is_still_there(f, was, path, err);
    if (rc != 1)
        return rc;
    return (f->settings->after_fetch == RT_AFTER_DELETE ? delete_it : move_away)(f, path, name,
                                                                                 err);
}

/* A file that was replaced or removed since it was listed is for the next run, and no failure. */
static int judge_failed_get(struct rt_fetch *f, const struct rt_remote_entry *entry,
                            const char *path, struct rt_err *err)
{
    struct rt_remote_entry now = {0};
    struct rt_err ignored = {0};
    int there;

    if (err->code != RT_IO)
        return -1;
    there = f->remote->class->stat(f->remote, path, &now, &ignored);
    if (there < 0 || (there == 1 && now.size == entry->size && now.mtime == entry->mtime))
        return -1;
    rt_log_warn(f->work->log, "%s: %s while it was read: left for the next fetch", entry->name,
                there ? "changed" : "removed");
    rt_err_clear(err);
    return 0;
}

/* It may have been replaced since it was listed, perhaps by one that is still written to. */
static bool is_still_settled(const struct rt_fetch *f, const struct rt_remote_entry *listed)
{
    const struct rt_remote_entry *got = &f->remote->got;

    if (f->settings->settle == 0 || rt_remote_is_same(listed, got))
        return true;
    if (got->has_mtime)
        return got->mtime + f->settings->settle <= f->work->rules.now;
    /* The open file tells no time: its size must be the one that was looked at. */
    return !got->has_size || got->size == listed->size;
}

static int fetch_entry(struct rt_fetch *f, const struct rt_remote_entry *entry, const char *path,
                       struct rt_err *err)
{
    char *name = rt_xstrdup(entry->name);
    struct rt_file file = {.name = rt_arena_strdup(&f->arena, entry->name),
                           .mtime = entry->has_mtime ? entry->mtime : f->work->rules.now};
    struct rt_remote_entry was = {0};
    struct rt_spool *spool = NULL;
    int rc = -1;

    file.remote = remote_key(f, entry);
    rt_log_info(f->work->log, "fetching %s", entry->name);
    if (rt_spool_open(f->inbox, name, false, &spool, err) < 0)
        goto out;
    if (f->settings->after_fetch != RT_AFTER_LEAVE &&
        f->remote->class->stat(f->remote, path, &was, err) < 0)
        goto out;
    if (f->remote->class->get(f->remote, path, spool, err) < 0) {
        rc = judge_failed_get(f, entry, path, err);
        goto out;
    }
    if (!is_still_settled(f, entry)) {
        rt_log_warn(f->work->log, "%s: changed since it was listed: left for the next fetch",
                    entry->name);
        rc = 0;
        goto out;
    }
    if (f->remote->got.has_mtime)
        file.mtime = f->remote->got.mtime;
    rc = rt_fetch_keep(f, spool, &file, &name, err);
    if (rc == 0)
        rc = after_fetch(f, &was, path, entry->name, err);
out:
    rt_spool_close(spool);
    free(name);
    return rc;
}

/* Why it is none of the files that are exchanged; NULL. */
static const char *is_no_export(const struct rt_fetch *f, const struct rt_remote_entry *entry)
{
    size_t len = strlen(entry->name);

    if (!entry->is_regular && !entry->is_link)
        return "it is no file";
    if (entry->name[0] == '.')
        return "it is hidden";
    if (len > 5 && strcmp(entry->name + len - 5, ".part") == 0)
        return "it is not whole yet";
    return rt_name_matches(f->settings->pattern, entry->name) ? NULL : "it does not match pattern";
}

/* Is it one of those that the settings name? */
static bool is_ours(const struct rt_fetch *f, const struct rt_remote_entry *entry)
{
    const char *fault = is_no_export(f, entry);

    if (fault != NULL) {
        rt_log_debug(f->work->log, "%s: passed over: %s", entry->name, fault);
        return false;
    }
    fault = rt_name_fault(entry->name);
    if (fault != NULL)
        rt_log_warn(f->work->log, "%s: a file of %s, left alone for its name: %s", entry->name,
                    f->settings->label, fault);
    else if (entry->is_link)
        rt_log_warn(f->work->log,
                    "%s: left alone, as it is a link, which transport = openssh does not follow",
                    entry->name);
    return fault == NULL && !entry->is_link;
}

/* Fetches it, if it is new and at rest. */
static int look_at(struct rt_fetch *f, const struct rt_remote_entry *entry, struct rt_err *err)
{
    struct rt_file known;
    const char *key;
    char *path;
    int rc;

    if (!is_ours(f, entry))
        return 0;
    key = remote_key(f, entry);
    path = rt_xasprintf("%s/%s", f->settings->exports, entry->name);
    rc = rt_store_file_by_remote(f->work->store, f->side, key, &f->arena, &known, err);
    /* A known one may still lie where it should have been moved or deleted: the run was killed.
       It is read again, for names, sizes and times can be the same by chance. */
    if (rc == 1 && f->settings->after_fetch == RT_AFTER_LEAVE) {
        rt_log_debug(f->work->log, "%s: passed over: it was fetched before", entry->name);
        rc = 0;
    } else if (rc >= 0) {
        rc = is_settled(f, entry, key, err);
        if (rc == 0)
            rt_log_info(f->work->log,
                        "%s: still young, and may still be written to: a fetch %" PRId64
                        " s later will take it",
                        entry->name, f->settings->settle);
        else if (rc == 1)
            rc = fetch_entry(f, entry, path, err);
    }
    free(path);
    return rc;
}

static int compare_entries(const void *a, const void *b)
{
    const struct rt_remote_entry *x = a, *y = b;

    if (x->mtime != y->mtime)
        return x->mtime < y->mtime ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* A folder that is not there or cannot be read is out of reach too; no use in connecting again. */
static int list_exports(struct rt_fetch *f, struct rt_remote_list *list, struct rt_err *err)
{
    int rc = f->remote->class->list(f->remote, f->settings->exports, list, err);

    if (rc < 0 && err->code == RT_IO) {
        err->code = RT_UNREACHABLE;
        rt_remote_close(f->remote);
        f->remote = NULL;
    }
    return rc;
}

static int fetch_listed(struct rt_fetch *f, int64_t deadline, struct rt_err *err)
{
    struct rt_remote_list list = {0};
    int rc = -1;

    if (rt_remote_open_patient(f->settings, f->work->profile, deadline, f->work->log, &f->remote,
                               err) < 0 ||
        list_exports(f, &list, err) < 0)
        goto out;
    rc = 0;
    if (list.count)
        qsort(list.entries, list.count, sizeof *list.entries, compare_entries); /* oldest first */
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        rc = look_at(f, &list.entries[i], err);
        if (rc == 0 && rt_stop_requested())
            rc = rt_err_set(err, RT_STOPPED,
                            "stopped by a signal: what was fetched is in the inbox; run it again");
    }
out:
    rt_remote_list_clear(&list);
    return rc;
}

/* A connection that was lost on the way is made again; what was fetched before is known. */
int rt_fetch_folder(struct rt_fetch *f, struct rt_err *err)
{
    int64_t deadline = rt_clock_monotonic_ms() + f->settings->deadline * 1000;

    for (int left = f->settings->retries; fetch_listed(f, deadline, err) < 0; left--) {
        if (err->code != RT_UNREACHABLE || f->remote == NULL || left <= 0 ||
            rt_clock_monotonic_ms() >= deadline)
            return -1;
        rt_log_warn(f->work->log, "%s; connecting again", err->msg);
        rt_remote_close(f->remote);
        f->remote = NULL;
    }
    return 0;
}
