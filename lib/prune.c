#include "lib/prune.h"

#include "lib/folder.h"
#include "lib/spool.h"

#include <stdlib.h>

/* When the file came there: 1 and *since, RT_NEVER while its delta is not handed over as a whole;
 * 0: nothing tells of it. */
typedef int find_age(struct rt_work *work, const char *folder, const char *name, int64_t *since,
                     struct rt_err *err);

static int taken_at(struct rt_work *work, const char *folder, const char *name, int64_t *since,
                    struct rt_err *err)
{
    char *path = rt_xasprintf("%s/%s", folder, name);
    int rc = rt_store_file_taken_at(work->store, path, since, err);

    free(path);
    return rc;
}

static int handed_at(struct rt_work *work, const char *folder, const char *name, int64_t *since,
                     struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta delta;
    int64_t number;
    int rc = rt_store_find_part(work->store, name, &number, err);

    (void)folder;
    if (rc == 1)
        rc = rt_store_delta(work->store, number, &arena, &delta, err);
    if (rc == 1)
        *since = delta.gone_at;
    rt_arena_clear(&arena);
    return rc;
}

struct prune {
    struct rt_work *work;
    const char *folder;
    find_age *find;
};

static int prune_file(void *context, const char *name, struct rt_err *err)
{
    const struct prune *p = context;
    int64_t since = RT_NEVER;
    int rc = p->find(p->work, p->folder, name, &since, err);
    char *path;

    if (rc != 1 || since == RT_NEVER ||
        p->work->rules.now - since <= p->work->rules.config->keep_archive)
        return rc < 0 ? -1 : 0;
    path = rt_xasprintf("%s/%s/%s", p->work->profile, p->folder, name);
    rc = rt_spool_remove(path, err);
    free(path);
    return rc;
}

static int prune_folder(struct rt_work *work, const char *folder, find_age *find,
                        struct rt_err *err)
{
    struct prune prune = {work, folder, find};
    char *path = rt_xasprintf("%s/%s", work->profile, folder);
    int rc = rt_folder_each(path, prune_file, &prune, err);

    free(path);
    return rc;
}

int rt_prune_archive(struct rt_work *work, struct rt_err *err)
{
    if (work->rules.config->keep_archive == RT_NO_LIMIT)
        return 0;
    return prune_folder(work, "archive/in/external", taken_at, err) < 0 ||
                   prune_folder(work, "archive/in/native", taken_at, err) < 0 ||
                   prune_folder(work, "archive/out/external", handed_at, err) < 0 ||
                   prune_folder(work, "archive/out/native", handed_at, err) < 0
               ? -1
               : 0;
}
