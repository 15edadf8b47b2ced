/*
 * The journal may have lost its last lines together with the state.  Then the archive or the outbox
 * holds what nothing tells of, and going on would send it twice: a person has to look.
 */
#include "lib/rebuild_internal.h"

#include "lib/folder.h"
#include "lib/outbox_internal.h"
#include "lib/spool.h"

#include <stdlib.h>
#include <unistd.h>

#define LOST "the journal has lost its last lines with the state"

typedef int check_name(struct rt_rebuild *r, enum rt_side side, const char *name,
                       struct rt_err *err);

struct names {
    struct rt_rebuild *r;
    enum rt_side side;
    check_name *check;
};

static int check_one(void *context, const char *name, struct rt_err *err)
{
    const struct names *names = context;

    return names->check(names->r, names->side, name, err);
}

static int each_name(struct rt_rebuild *r, const char *folder, check_name *check,
                     struct rt_err *err)
{
    int rc = 0;

    for (int s = 0; rc == 0 && s < 2; s++) {
        char *path = rt_xasprintf("%s/%s/%s", r->profile, folder, rt_side_name((enum rt_side)s));
        struct names names = {r, (enum rt_side)s, check};

        rc = rt_folder_each(path, check_one, &names, err);
        free(path);
    }
    return rc;
}

static int check_taken(struct rt_rebuild *r, enum rt_side side, const char *name,
                       struct rt_err *err)
{
    char *path = rt_xasprintf("archive/in/%s/%s", rt_side_name(side), name);
    struct rt_file file;
    int rc = rt_store_file_by_path(r->store, path, &r->arena, &file, err);

    if (rc == 0)
        rt_err_set(err, RT_STOPPED,
                   "%s: nothing tells that it was taken in: " LOST
                   "; move it to inbox/%s, without the number in front, and run rebuild again",
                   path, rt_side_name(side));
    free(path);
    return rc == 1 ? 0 : -1;
}

static int check_outbox(struct rt_rebuild *r, enum rt_side side, const char *name,
                        struct rt_err *err)
{
    int64_t delta;
    int rc;

    if (strstr(name, "-again-") != NULL)
        return 0;
    rc = rt_store_find_part(r->store, name, &delta, err);
    if (rc == 0)
        rt_err_set(err, RT_STOPPED,
                   "outbox/%s/%s: nothing tells that it was written: " LOST
                   "; move it away, unless it was handed over already, and run rebuild again",
                   rt_side_name(side), name);
    return rc == 1 ? 0 : -1;
}

/* A part's bytes, where it has to be. */
static int check_part(struct rt_rebuild *r, const struct rt_delta *delta,
                      const struct rt_delta_part *part, struct rt_err *err)
{
    const char *side = rt_side_name(delta->side);
    char *out = rt_xasprintf("%s/archive/out/%s/%s", r->profile, side, part->name);
    char *outbox = rt_xasprintf("%s/outbox/%s/%s", r->profile, side, part->name);
    const char *path = part->is_handed ? out : outbox;
    struct rt_file_facts facts;
    int rc = 0;

    if (!part->is_handed && access(out, F_OK) == 0)
        rc = rt_err_set(err, RT_STOPPED,
                        "archive/out/%s/%s: nothing tells that it was handed over: " LOST
                        "; move it to outbox/%s, and run rebuild again: the next push hands it "
                        "over, once more perhaps",
                        side, part->name, side);
    else if (access(path, F_OK) == 0 && (rc = rt_spool_facts(path, &facts, err)) == 0 &&
             !rt_digest_is_equal(facts.digest, part->digest))
        rc = rt_err_set(err, RT_STOPPED, "%s: it is not what emit wrote", path);
    free(out);
    free(outbox);
    return rc;
}

static int check_delta(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    struct rt_rebuild *r = context;
    struct rt_part_list parts;

    if (delta->state == RT_DELTA_WITHDRAWN)
        return 0;
    if (rt_outbox_list_parts(&r->work, delta->number, &r->arena, &parts, err) < 0)
        return -1;
    for (size_t i = 0; i < parts.count; i++)
        if (check_part(r, delta, &parts.parts[i], err) < 0)
            return -1;
    return 0;
}

int rt_rebuild_check_files(struct rt_rebuild *r, struct rt_err *err)
{
    rt_work_init(&r->work, r->store, &r->work.rules, r->scratch);
    if (each_name(r, "archive/in", check_taken, err) < 0 ||
        each_name(r, "outbox", check_outbox, err) < 0)
        return -1;
    return rt_store_each_delta(r->store, check_delta, r, err);
}
