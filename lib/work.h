/*
 * What one run of emit (or diff, baseline, run) works on: the state, the rules, and what it has
 * done so far.  Made by a command, handed to intake.h and emit.h.  Everything happens inside one
 * transaction.
 */
#ifndef RT_WORK_H
#define RT_WORK_H

#include "lib/digest_file.h"
#include "lib/log.h"
#include "lib/merge.h"
#include "lib/record.h"
#include "lib/review.h"
#include "lib/rid_set.h"
#include "lib/store.h"
#include "lib/store_expr.h"

/* R14: what became of the rows of one side. `bound`, `held` and `frozen` are marks beside it. */
struct rt_counts {
    int64_t files, known_files, refused_files;
    int64_t rows;
    int64_t bytes; /* of the files, as they are on the disk */
    int64_t of[RT_CHANGE_COUNT];
    int64_t bound, held, frozen;
    int64_t missing;
};

/* Digests of a snapshot that was taken in, to be published after the commit (intake.h). */
struct rt_pending_digests {
    struct rt_digest_writer *writer; /* or NULL */
    struct rt_digest_tag tag;
};

/* Baseline: what is new is settled before it is saved for the first time. */
struct rt_settler {
    bool (*settle)(void *context, struct rt_record *record); /* false: to be looked at later */
    void *context;
    struct rt_rid_set done; /* those for which it was true */
};

/* A snapshot without rows, from a side that was seen to hold so many records (0: none came). */
struct rt_emptied {
    char *file; /* its name, owned */
    int64_t held;
};

/* Where the time of a run goes. */
enum rt_lap { RT_LAP_INTAKE, RT_LAP_PLAN, RT_LAP_WRITE, RT_LAP_COMMIT, RT_LAP_COUNT };

struct rt_work {
    struct rt_store *store;
    struct rt_rules rules;
    const char *profile; /* folder */
    const struct rt_log *log;
    int64_t run;
    bool is_dry;                 /* diff: write no files */
    struct rt_rid_set shown[2];  /* diff: records that a row of this side led to */
    struct rt_expr *eligible[2]; /* or NULL */
    struct rt_counts counts[2];
    int64_t *fresh; /* records touched in this run, in order, each once */
    size_t fresh_count;
    struct rt_rid_set fresh_set;
    struct rt_pending_digests digests[2];
    struct rt_emptied emptied[2]; /* what the guard asks about (R10) */
    struct rt_settler settler;
    int64_t stage_ms[RT_LAP_COUNT], lap; /* rt_clock_stopwatch_ms() */
    bool refused[2];                     /* a file of this side was refused in this run */
    const struct rt_file *given[2]; /* rebuild: what the journal tells of the files of a baseline */
};

void rt_work_init(struct rt_work *work, struct rt_store *store, const struct rt_rules *rules,
                  const char *profile);
void rt_work_clear(struct rt_work *work);

/* Compiles `eligible` of both sides.  RT_CONFIG. */
int rt_work_prepare(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* The stage has ended that began with the last lap, or with rt_work_prepare. */
void rt_work_lap(struct rt_work *work, enum rt_lap stage);

/* Seconds by stage as a JSON object, in an arena. */
const char *rt_seconds_json(const struct rt_work *work, struct rt_arena *arena);

/* Notes that what is due for a record may have changed. */
void rt_work_touch(struct rt_work *work, int64_t rid);

/* Forgets all but the first `count` of `fresh`: what touched the others was undone. */
void rt_work_untouch(struct rt_work *work, size_t count);

/* The counts of one side as a JSON object, in an arena. */
const char *rt_counts_json(const struct rt_counts *counts, struct rt_arena *arena);

#endif
