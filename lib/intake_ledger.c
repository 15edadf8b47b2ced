#include "lib/intake_internal.h"

#include "lib/filename.h"
#include "lib/folder.h"
#include "lib/plant.h"
#include "lib/spool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int rt_intake_stamp(const struct rt_side_config *side, const char *name, int64_t mtime,
                    int64_t *stamp, struct rt_err *err)
{
    *stamp = mtime;
    if (side->stamp == NULL)
        return 0;
    if (rt_name_stamp(side->stamp, name, stamp))
        return 0;
    return rt_err_set(err, RT_DATA,
                      "%s: the name does not tell its time (stamp = %s): rename it, or give the "
                      "time with roundtrip fetch --stamp",
                      name, side->stamp);
}

/* Is it the name under which rows of a file, not the file as a whole, were set aside?  1, 0, -1 */
static int is_of_rows(struct rt_work *work, enum rt_side side, const char *name, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_file file;
    size_t len = strlen(rt_side_name(side));
    char *end, *ours;
    int64_t id;
    int rc;

    if (strncmp(name, rt_side_name(side), len) != 0 || name[len] != '-')
        return 0;
    id = strtoll(name + len + 1, &end, 10);
    if (*end != '-')
        return 0;
    rc = rt_store_file_by_id(work->store, id, &arena, &file, err);
    if (rc == 1) {
        ours = rt_rejects_name(&file);
        rc = file.state == RT_FILE_TAKEN && strcmp(ours, name) == 0;
        free(ours);
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_intake_is_snapshot(struct rt_work *work, enum rt_side side, const char *name, bool *is,
                          struct rt_err *err)
{
    const struct rt_side_config *settings = &work->rules.config->side[side];
    int rc = 0;

    *is = settings->is_snapshot ||
          (settings->snapshot_pattern != NULL && rt_name_matches(settings->snapshot_pattern, name));
    if (*is)
        rc = is_of_rows(work, side, name, err);
    *is = *is && rc == 0;
    return rc < 0 ? -1 : 0;
}

#define HASH_LATER ((uint64_t)1 << 20) /* bytes; a smaller file may as well be read twice */

/* Size and time, and the digest if it can be told without reading a large file.  That of a fetched
   file is in the ledger; whether it is still true shows when the file is read. */
static int tell_bytes(const char *path, const struct rt_file *noted, struct rt_file *file,
                      struct rt_err *err)
{
    struct rt_file_facts facts;
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size >= HASH_LATER &&
        (noted == NULL ||
         (noted->size == (uint64_t)st.st_size && noted->mtime == st.st_mtim.tv_sec))) {
        file->size = (uint64_t)st.st_size;
        file->mtime = st.st_mtim.tv_sec;
        file->is_unhashed = noted == NULL;
        if (noted != NULL)
            file->digest = noted->digest;
        return 0;
    }
    if (rt_spool_facts(path, &facts, err) < 0)
        return -1;
    file->size = facts.size;
    file->mtime = facts.mtime;
    file->digest = facts.digest;
    return 0;
}

/* What is known of a file before it is opened: its bytes' digest, its stamp, whether it is a
 * snapshot. */
int rt_intake_describe(struct rt_work *work, const char *path, int64_t stamp,
                       struct rt_arena *arena, struct rt_file *file, struct rt_err *err)
{
    enum rt_side side = file->side;
    const char *name = rt_arena_strdup(arena, file->name);
    const struct rt_side_config *settings = &work->rules.config->side[side];
    const char *rel = rt_arena_printf(arena, "inbox/%s/%s", rt_side_name(side), name);
    struct rt_file noted = {0};
    int known = rt_store_file_by_path(work->store, rel, arena, &noted, err);
    bool is_waiting = known == 1 && noted.state == RT_FILE_WAITING;

    if (known < 0)
        return -1;
    *file = (struct rt_file){
        .side = side, .name = name, .state = RT_FILE_WAITING, .run = work->run, .path = rel};
    if (rt_intake_is_snapshot(work, side, name, &file->is_snapshot, err) < 0 ||
        tell_bytes(path, is_waiting ? &noted : NULL, file, err) < 0)
        return -1;
    file->stamp = file->mtime;
    if (is_waiting && rt_digest_is_equal(noted.digest, file->digest)) {
        file->id = noted.id;
        file->stamp = noted.stamp;
        file->has_stamp = noted.has_stamp;
        file->is_snapshot = file->is_snapshot || noted.is_snapshot;
        file->remote = noted.remote;
    }
    if (stamp != RT_NEVER) {
        file->stamp = stamp;
        file->has_stamp = true;
    }
    if (file->has_stamp || (known == 1 && file->id != 0 && settings->stamp == NULL))
        return 0;
    file->has_stamp = settings->stamp != NULL;
    return rt_intake_stamp(settings, name, file->mtime, &file->stamp, err);
}

static int tell_first_name(struct rt_work *work, struct rt_waiting_file *waiting,
                           struct rt_arena *arena, struct rt_err *err)
{
    struct rt_file noted;

    waiting->came_as = waiting->file.name;
    if (waiting->file.id == 0)
        return 0;
    if (rt_store_file_by_id(work->store, waiting->file.id, arena, &noted, err) < 0)
        return -1;
    waiting->came_as = noted.name;
    return 0;
}

/* Is it something to be taken in, or told?  1, 0, -1.  What cannot be looked at is not passed over:
 * a later file would go in before it, and make it stale. */
static int look(const char *path, const char *name, struct stat *st, struct rt_err *err)
{
    if (name[0] == '.')
        return 0;
    if (lstat(path, st) == 0)
        return !S_ISDIR(st->st_mode);
    return errno == ENOENT ? 0 : rt_err_errno(err, RT_IO, "cannot look at %s", path);
}

static int add_waiting(struct rt_work *work, enum rt_side side, const char *folder,
                       const char *name, struct rt_waiting_files *list, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/%s", folder, name);
    struct rt_waiting_file *waiting;
    struct stat st;
    int rc = look(path, name, &st, err);

    if (rc <= 0) {
        free(path);
        return rc;
    }
    if (rt_name_fault(name) != NULL) {
        rt_log_warn(work->log, "inbox/%s/%s is left alone for its name: %s: rename it",
                    rt_side_name(side), name, rt_name_fault(name));
        free(path);
        return 0;
    }
    if (!S_ISREG(st.st_mode)) {
        rt_log_warn(work->log,
                    "inbox/%s/%s is left alone: it is no regular file: bring in what it stands for "
                    "with roundtrip fetch %s FILE",
                    rt_side_name(side), name, rt_side_name(side));
        free(path);
        return 0;
    }
    list->files = rt_xgrow(list->files, list->count, sizeof *list->files);
    waiting = &list->files[list->count];
    *waiting = (struct rt_waiting_file){.path = path, .file = {.side = side, .name = name}};
    list->count++;
    if (rt_intake_describe(work, path, RT_NEVER, &list->arena, &waiting->file, err) == 0)
        return tell_first_name(work, waiting, &list->arena, err);
    if (err->code != RT_DATA)
        return -1;
    waiting->file.stamp = waiting->file.mtime;
    waiting->fault = rt_arena_strdup(&list->arena, err->msg);
    waiting->came_as = waiting->file.name;
    return 0;
}

static int list_folder(struct rt_work *work, enum rt_side side, struct rt_waiting_files *list,
                       struct rt_err *err)
{
    char *folder = rt_xasprintf("%s/inbox/%s", work->profile, rt_side_name(side));
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL) {
        if (errno != ENOENT)
            rc = rt_err_errno(err, RT_IO, "cannot read %s", folder);
        free(folder);
        return rc;
    }
    while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        rc = add_waiting(work, side, folder, entry->d_name, list, err);
    if (rc == 0 && entry == NULL && errno != 0)
        rc = rt_err_errno(err, RT_IO, "cannot read %s", folder);
    closedir(dir);
    free(folder);
    return rc;
}

/* A file that was put beside the two folders would wait there for ever without a word. */
static int tell_stray(void *context, const char *name, struct rt_err *err)
{
    const struct rt_work *work = context;

    (void)err;
    if (strcmp(name, "external") != 0 && strcmp(name, "native") != 0)
        rt_log_warn(work->log, "inbox/%s is left alone: move it to inbox/external or inbox/native",
                    name);
    return 0;
}

static int tell_strays(struct rt_work *work, struct rt_err *err)
{
    char *folder = rt_xasprintf("%s/inbox", work->profile);
    int rc = rt_folder_each(folder, tell_stray, work, err);

    free(folder);
    return rc;
}

/* What came under one name several times goes in the order in which it was fetched: the newest has
 * the last word, also when the name tells the same time. */
static int compare_waiting(const void *a, const void *b)
{
    const struct rt_waiting_file *p = a, *q = b;
    const struct rt_file *x = &p->file, *y = &q->file;
    int order;

    if ((p->fault == NULL) != (q->fault == NULL))
        return p->fault == NULL ? -1 : 1; /* its rows are not to be read: it comes last */
    if (x->stamp != y->stamp)
        return x->stamp < y->stamp ? -1 : 1;
    if (x->side != y->side)
        return x->side == RT_EXTERNAL ? -1 : 1;
    order = strcmp(p->came_as, q->came_as);
    if (order == 0 && x->id != 0 && y->id != 0)
        order = x->id < y->id ? -1 : x->id > y->id;
    return order != 0 ? order : strcmp(x->name, y->name);
}

static void sort(struct rt_waiting_files *list)
{
    if (list->count)
        qsort(list->files, list->count, sizeof *list->files, compare_waiting);
}

int rt_intake_list(struct rt_work *work, struct rt_waiting_files *list, struct rt_err *err)
{
    *list = (struct rt_waiting_files){0};
    if (tell_strays(work, err) < 0 || list_folder(work, RT_EXTERNAL, list, err) < 0 ||
        list_folder(work, RT_NATIVE, list, err) < 0)
        return -1;
    sort(list);
    return 0;
}

/* A person named this file: nothing waits behind it, as in an inbox. */
static int describe_named(struct rt_work *work, const char *path, struct rt_arena *arena,
                          struct rt_file *file, struct rt_err *err)
{
    struct rt_file asked = *file;
    struct stat st;

    if (rt_intake_describe(work, path, RT_NEVER, arena, file, err) == 0)
        return 0;
    if (err->code != RT_DATA || stat(path, &st) < 0)
        return -1;
    rt_log_info(work->log, "%s: the name does not tell its time: the file's own time counts",
                asked.name);
    *file = asked;
    return rt_intake_describe(work, path, st.st_mtime, arena, file, err);
}

int rt_intake_list_paths(struct rt_work *work, enum rt_side side, const char *const *paths,
                         size_t count, struct rt_waiting_files *list, struct rt_err *err)
{
    *list = (struct rt_waiting_files){0};
    for (size_t i = 0; i < count; i++) {
        const char *slash = strrchr(paths[i], '/'), *name = slash ? slash + 1 : paths[i];
        struct rt_waiting_file *waiting;

        list->files = rt_xgrow(list->files, list->count, sizeof *list->files);
        waiting = &list->files[list->count];
        *waiting = (struct rt_waiting_file){.path = rt_xasprintf("%s", paths[i]),
                                            .came_as = name,
                                            .file = {.side = side, .name = name}};
        list->count++;
        if (describe_named(work, paths[i], &list->arena, &waiting->file, err) < 0)
            return -1;
    }
    sort(list);
    return 0;
}

void rt_intake_list_clear(struct rt_waiting_files *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->files[i].path);
    free(list->files);
    rt_arena_clear(&list->arena);
}

#ifdef RT_PLANT
struct same_name {
    const struct rt_file *file;
    int any;
};

static int has_same_name(void *context, const struct rt_file *before, struct rt_err *err)
{
    struct same_name *same = context;

    (void)err;
    if (before->state == RT_FILE_TAKEN && before->side == same->file->side &&
        strcmp(before->name, same->file->name) == 0)
        same->any = 1;
    return 0;
}

static int is_known_by_name(struct rt_work *work, const struct rt_file *file, struct rt_err *err)
{
    struct same_name same = {file, 0};

    return rt_store_each_file(work->store, has_same_name, &same, err) < 0 ? -1 : same.any;
}
#else
#define is_known_by_name(work, file, err) 0
#endif

int rt_intake_is_known(struct rt_work *work, const struct rt_file *file, struct rt_arena *arena,
                       struct rt_err *err)
{
    struct rt_file before;
    int rc;

    if (RT_PLANTED("ledger-by-name"))
        return is_known_by_name(work, file, err);
    rc = rt_store_file_by_digest(work->store, file->side, file->digest, arena, &before, err);
    if (rc != 1)
        return rc;
    return strcmp(before.name, file->name) == 0 || !file->has_stamp || file->stamp <= before.stamp;
}
