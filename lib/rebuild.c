#include "lib/rebuild_internal.h"

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/folder.h"
#include "lib/outbox.h"
#include "lib/spool.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_JOURNAL ((size_t)4 << 30)

/* ---- the journal, line by line ---- */

struct journal {
    struct rt_buf text;
    size_t at;      /* of the next line */
    int64_t number; /* of the line read last */
};

/* 1, 0 at the end or at a line that was torn by a kill, -1. */
static int next_line(struct journal *journal, json_t **line, struct rt_err *err)
{
    const char *start = journal->text.ptr + journal->at;
    size_t left = journal->text.len - journal->at;
    const char *end = left ? memchr(start, '\n', left) : NULL;

    if (end == NULL)
        return 0;
    journal->number++;
    *line = json_loadb(start, (size_t)(end - start), JSON_ALLOW_NUL, NULL);
    if (*line == NULL)
        return rt_err_set(err, RT_STOPPED,
                          "archive/journal:%" PRId64
                          ": not a line of a journal: put a whole copy of it back from a backup",
                          journal->number);
    journal->at += (size_t)(end - start) + 1;
    return 1;
}

static bool is_what(const json_t *line, const char *what)
{
    const char *found = json_string_value(json_object_get(line, "what"));

    return found != NULL && strcmp(found, what) == 0;
}

static void group_reset(struct rt_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        json_decref(group->lines[i]);
    group->count = 0;
}

static void group_add(struct rt_group *group, json_t *line)
{
    group->lines = rt_xgrow(group->lines, group->count, sizeof *group->lines);
    group->lines[group->count++] = line;
}

/* 1; 0 at the end.  A run whose end is missing was torn off: it is as if it had not been. */
static int next_group(struct journal *journal, struct rt_group *group, struct rt_err *err)
{
    size_t at = journal->at;
    int64_t number = journal->number;
    json_t *line;
    int rc;

    group_reset(group);
    while ((rc = next_line(journal, &line, err)) == 1) {
        group_add(group, line);
        if (!is_what(group->lines[0], "begin") || is_what(line, "end"))
            return 1;
    }
    if (rc == 0) {
        journal->at = at;
        journal->number = number;
    }
    return rc;
}

static int read_journal(const char *profile, struct journal *journal, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/archive/journal", profile);
    int rc = rt_folder_has(path, err);

    if (rc == 1)
        rc = rt_spool_read(path, MAX_JOURNAL, &journal->text, err);
    free(path);
    return rc;
}

/* ---- doing a group again ---- */

/* What was done again must tell what was told then; a newer program may tell more. */
static bool is_same(const json_t *then, const json_t *now)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)then, key,
                        value) if (strcmp(key, "at") != 0 &&
                                   !json_equal(value, json_object_get(now, key))) return false;
    return true;
}

static int differs(const json_t *then, const char *now, struct rt_err *err)
{
    char *text = then ? json_dumps(then, JSON_COMPACT) : NULL;

    rt_err_set(err, RT_STOPPED, "done again, it comes out differently: %.400s instead of %.400s",
               now && *now ? now : "nothing", text ? text : "nothing");
    free(text);
    return -1;
}

/* The lines that were written anew against those of the journal. */
static int compare(struct rt_rebuild *r, const struct rt_group *group, struct rt_err *err)
{
    struct rt_buf text = {0};
    uint64_t offset;
    char *line, *rest;
    size_t i = 0;
    int rc = rt_store_journal_tail(r->store, &offset, &text, err);

    if (rc < 0)
        goto out;
    rest = (char *)(uintptr_t)rt_buf_str(&text);
    while (rc == 0 && (line = strsep(&rest, "\n")) != NULL && *line) {
        json_t *now = json_loads(line, JSON_ALLOW_NUL, NULL);
        const json_t *then = i < group->count ? group->lines[i] : NULL;

        if (then == NULL || !is_same(then, now))
            rc = differs(then, line, err);
        json_decref(now);
        i++;
    }
    if (rc == 0 && i < group->count)
        rc = differs(group->lines[i], NULL, err);
out:
    rt_buf_clear(&text);
    return rc;
}

/* Each line is done again unless one before it took it along. */
static int redo_lines(struct rt_rebuild *r, const struct rt_group *group, struct rt_err *err)
{
    int64_t done = 0, before;

    while (done < (int64_t)group->count) {
        const char *what = json_string_value(json_object_get(group->lines[done], "what"));

        before = done;
        if (rt_rebuild_redo(r, group, (size_t)done, err) < 0)
            return rt_err_context(err, "%s", what ? what : "?");
        if (rt_store_journal_waiting(r->store, &done, err) < 0)
            return -1;
        if (done <= before) {
            differs(group->lines[before], NULL, err);
            return rt_err_context(err, "%s", what ? what : "?");
        }
    }
    return compare(r, group, err);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int empty_scratch(const struct rt_rebuild *r, struct rt_err *err)
{
    if (access(r->scratch, F_OK) == 0 &&
        nftw(r->scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return rt_err_errno(err, RT_IO, "cannot empty %s", r->scratch);
    return 0;
}

static int redo_group(struct rt_rebuild *r, const struct rt_group *group, uint64_t length,
                      struct rt_err *err)
{
    struct rt_rules rules = {.config = r->settings.config, .schema = r->settings.schema};
    int rc;

    rt_arena_reset(&r->arena);
    rt_work_init(&r->work, r->store, &rules, r->scratch);
    r->work.run = r->run;
    rc = redo_lines(r, group, err);
    if (rc == 0)
        rc = rt_outbox_note_published(&r->work, err);
    if (rc == 0)
        rc = rt_store_journal_set(r->store, length, err);
    rt_work_clear(&r->work);
    /* Copies of deltas and rejected rows: the originals are in their places. */
    if (rc == 0 && group->count > 1)
        rc = empty_scratch(r, err);
    return rc;
}

static int redo_all(struct rt_rebuild *r, struct journal *journal, struct rt_err *err)
{
    struct rt_group group = {0};
    int64_t first = journal->number + 1;
    int rc;

    while ((rc = next_group(journal, &group, err)) == 1) {
        if (rt_stop_requested())
            rc = rt_err_set(err, RT_STOPPED,
                            "stopped by a signal: nothing was changed; run it again");
        else
            rc = redo_group(r, &group, journal->at, err);
        if (rc < 0) {
            rt_err_context(err, "archive/journal:%" PRId64, first);
            break;
        }
        r->result->lines += (int64_t)group.count;
        first = journal->number + 1;
        rt_log_progress(r->log, (struct rt_progress){"rebuilding", RT_UNIT_BYTES, journal->at,
                                                     journal->text.len, false});
    }
    rt_log_progress(r->log, (struct rt_progress){.is_over = true});
    group_reset(&group);
    free(group.lines);
    return rc;
}

/* ---- where to start ---- */

/* Reads on to `offset`, where the older state ends, and uses the last settings from before it. */
static int skip_to(struct rt_rebuild *r, struct journal *journal, uint64_t offset,
                   struct rt_err *err)
{
    json_t *settings = NULL, *line;
    int rc = 0;

    while (journal->at < offset && (rc = next_line(journal, &line, err)) == 1) {
        if (is_what(line, "settings")) {
            json_decref(settings);
            settings = json_incref(line);
        }
        json_decref(line);
    }
    if (rc >= 0 && journal->at != offset)
        rc = rt_err_set(err, RT_STOPPED,
                        "state.db ends within a line of archive/journal: the two do not belong "
                        "together");
    else if (rc >= 0)
        rc = settings ? rt_rebuild_use_settings(r, settings, err) : 0;
    json_decref(settings);
    return rc;
}

/* Copies an older state.  1: `offset` says how far it knows the journal; 0: it cannot be used. */
static int copy_older(struct rt_rebuild *r, const char *path, const char *copy,
                      const struct journal *journal, uint64_t *offset, struct rt_err *err)
{
    struct rt_store *old = NULL;
    struct rt_buf tail = {0};
    int rc = -1;

    if (rt_store_is_newer(path))
        return rt_err_set(err, RT_STOPPED,
                          "state.db was written by a newer roundtrip: update the program");
    if (rt_store_open(path, RT_STORE_READ, &old, err) < 0 || rt_store_verify(old, err) < 0) {
        rc = err->code == RT_STOPPED ? 0 : -1;
        goto out;
    }
    if (rt_store_journal_tail(old, offset, &tail, err) < 0)
        goto out;
    if (journal->text.len <= *offset + tail.len) {
        r->result->is_whole = true;
        rc = journal->text.len >= *offset
                 ? 1
                 : rt_err_set(err, RT_STOPPED,
                              "archive/journal is older than state.db, or was cut: there is "
                              "nothing to rebuild it from");
        if (rc == 1 && rt_profile_check_archive(r->profile, old, err) < 0)
            rc = -1;
        goto out;
    }
    if (memcmp(journal->text.ptr + *offset, tail.ptr ? tail.ptr : "", tail.len) != 0) {
        rt_err_set(err, RT_STOPPED,
                   "state.db and archive/journal tell different stories: move state.db away, and "
                   "run rebuild again to make it from the archive alone");
        goto out;
    }
    *offset += tail.len;
    r->result->is_continued = true;
    rc = rt_store_backup(old, copy, err) < 0 ? -1 : 1;
out:
    rt_store_close(old);
    rt_buf_clear(&tail);
    return rc;
}

static int remove_state(const char *path, struct rt_err *err)
{
    char *hot = rt_xasprintf("%s-journal", path);
    int rc = rt_spool_remove(path, err) < 0 || rt_spool_remove(hot, err) < 0 ? -1 : 0;

    free(hot);
    return rc;
}

/* ---- putting it in its place ---- */

/* The old state stays under a name of its own.  It is a second name until the new one takes the
   first, so that there is a state at every moment. */
static int keep_old(struct rt_rebuild *r, const char *path, int64_t now, struct rt_err *err)
{
    char stamp[RT_TIME_SIZE], *name, *kept, *hot = rt_xasprintf("%s-journal", path), *kept_hot;
    int has_hot = rt_folder_has(hot, err), rc = has_hot < 0 ? -1 : rt_folder_has(path, err);

    rt_time_format_compact(now, stamp);
    name = rt_xasprintf("state.db.old-%s", stamp);
    kept = rt_xasprintf("%s/%s", r->profile, name);
    kept_hot = rt_xasprintf("%s-journal", kept);
    if (rc == 1) {
        if (RT_STEP("rebuild.keep") < 0 || (link(path, kept) != 0 && errno != EEXIST))
            rc = rt_err_errno(err, RT_IO, "cannot keep the old state as %s", name);
        else
            r->result->old = rt_xstrdup(name);
    }
    /* What SQLite would roll back into the new state belongs to the old one. */
    if (rc >= 0)
        rc = has_hot ? rt_spool_replace(hot, kept_hot, err) : 0;
    free(name);
    free(kept);
    free(kept_hot);
    free(hot);
    return rc;
}

/* A torn end of the journal would be taken for what the state does not know. */
static int cut_journal(struct rt_rebuild *r, const struct journal *journal, struct rt_err *err)
{
    char *path;
    int rc;

    if (journal->at == journal->text.len)
        return 0;
    path = rt_xasprintf("%s/archive/journal", r->profile);
    rc = rt_spool_append(path, journal->at, rt_slice_str(""), err);
    free(path);
    return rc;
}

struct inbox {
    struct rt_rebuild *r;
    const char *folder; /* in the profile */
};

/* The state that is gone knew it as fetched, perhaps with a time or as a snapshot; the journal
 * tells of a file only once it was taken in. */
static int tell_waiting(void *context, const char *name, struct rt_err *err)
{
    const struct inbox *inbox = context;
    struct rt_arena arena = {0};
    const char *path = rt_arena_printf(&arena, "%s/%s", inbox->folder, name);
    struct rt_file file;
    int rc = rt_store_file_by_path(inbox->r->store, path, &arena, &file, err);

    if (rc == 0 || (rc == 1 && file.state != RT_FILE_WAITING))
        rt_log_warn(inbox->r->log,
                    "%s waits, and counts as not fetched: if it came with --stamp or --snapshot, "
                    "fetch it again with them before the next emit",
                    path);
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

static int tell_inboxes(struct rt_rebuild *r, struct rt_err *err)
{
    static const char *const folders[2] = {"inbox/external", "inbox/native"};
    int rc = 0;

    for (int s = 0; s < 2 && rc == 0; s++) {
        struct inbox inbox = {.r = r, .folder = folders[s]};
        char *path = rt_xasprintf("%s/%s", r->profile, folders[s]);

        rc = rt_folder_each(path, tell_waiting, &inbox, err);
        free(path);
    }
    return rc;
}

static int make(struct rt_rebuild *r, struct journal *journal, const char *copy, uint64_t offset,
                struct rt_err *err)
{
    if (rt_store_open(copy, RT_STORE_CREATE, &r->store, err) < 0 ||
        rt_store_begin(r->store, err) < 0)
        return -1;
    rt_work_init(&r->work, r->store, &r->work.rules, r->scratch);
    if (skip_to(r, journal, offset, err) < 0 || rt_outbox_note_published(&r->work, err) < 0 ||
        rt_store_journal_set(r->store, offset, err) < 0 || redo_all(r, journal, err) < 0 ||
        rt_rebuild_check_files(r, err) < 0 || rt_store_commit(r->store, err) < 0)
        return -1;
    return tell_inboxes(r, err);
}

static void clear(struct rt_rebuild *r)
{
    rt_work_clear(&r->work);
    rt_store_abort(r->store);
    rt_store_close(r->store);
    r->store = NULL;
    rt_settings_clear(&r->settings);
    rt_arena_clear(&r->arena);
}

int rt_rebuild(const char *profile, int64_t now, const struct rt_log *log,
               struct rt_rebuild_result *result, struct rt_err *err)
{
    struct rt_rebuild r = {.profile = profile, .log = log, .result = result};
    char *path = rt_xasprintf("%s/state.db", profile), *copy = rt_xasprintf("%s.new", path);
    struct journal journal = {.number = 0};
    struct rt_err ignored;
    uint64_t offset = 0;
    int rc = -1, has_state;

    *result = (struct rt_rebuild_result){0};
    r.scratch = rt_xasprintf("%s/.rebuild", profile);
    if (read_journal(profile, &journal, err) < 0 || remove_state(copy, err) < 0 ||
        empty_scratch(&r, err) < 0 || (has_state = rt_folder_has(path, err)) < 0)
        goto out;
    if (has_state) {
        rc = copy_older(&r, path, copy, &journal, &offset, err);
        if (rc < 0 || result->is_whole)
            goto out;
        offset = rc == 1 ? offset : 0;
        rc = -1;
    }
    if (journal.text.len == 0) {
        rc = rt_err_set(
            err, RT_STOPPED,
            "there is no archive/journal to make the state from: put it back from a backup");
        goto out;
    }
    if (make(&r, &journal, copy, offset, err) == 0) {
        clear(&r);
        if (cut_journal(&r, &journal, err) == 0 && keep_old(&r, path, now, err) == 0)
            rc = rt_spool_replace(copy, path, err);
    }
    clear(&r);
    if (rc < 0)
        (void)!remove_state(copy, &ignored);
    if (empty_scratch(&r, &ignored) < 0)
        rt_log_warn(log, "%s", ignored.msg);
out:
    rt_buf_clear(&journal.text);
    free(r.scratch);
    free(path);
    free(copy);
    return rc < 0 ? -1 : 0;
}
