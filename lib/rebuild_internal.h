/* What the files of the rebuild share.  For rebuild*.c only. */
#ifndef RT_REBUILD_INTERNAL_H
#define RT_REBUILD_INTERNAL_H

#include "lib/profile.h"
#include "lib/rebuild.h"
#include "lib/work.h"

#include <jansson.h>

struct rt_rebuild {
    const char *profile;
    const struct rt_log *log;
    struct rt_rebuild_result *result;
    struct rt_store *store;      /* the new one */
    struct rt_work work;         /* of the run that is done again */
    struct rt_settings settings; /* of its time */
    int64_t run;                 /* that the single lines belong to; 0: none */
    char *scratch;               /* a folder that stands for the profile in what writes files */
    struct rt_arena arena;       /* a group's */
};

/* Lines that belong together: one run of a command, or a single line. */
struct rt_group {
    json_t **lines;
    size_t count, room;
};

/* rebuild_redo.c: does again what line `at` of the group tells, and what it took with it. */
int rt_rebuild_redo(struct rt_rebuild *r, const struct rt_group *group, size_t at,
                    struct rt_err *err) RT_MUST_CHECK;
/* The settings that a line holds count from now on. */
int rt_rebuild_use_settings(struct rt_rebuild *r, const json_t *line,
                            struct rt_err *err) RT_MUST_CHECK;

/* rebuild_check.c: do the files beside the new state belong to it? */
int rt_rebuild_check_files(struct rt_rebuild *r, struct rt_err *err) RT_MUST_CHECK;

#endif
