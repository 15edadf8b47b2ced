/* What the files of the intake share: one file on its way into the state.  For intake*.c only. */
#ifndef RT_INTAKE_INTERNAL_H
#define RT_INTAKE_INTERNAL_H

#include "lib/book.h"
#include "lib/intake.h"
#include "lib/prints.h"
#include "lib/rowmap.h"

#define RT_ROWS_TOLD 20 /* of a kind of trouble; the rest is only counted in messages */

struct rt_reject { /* a row that could not be taken in */
    uint64_t offset, length;
    int64_t line;
    size_t column;
    char *reason;
};

struct rt_repeat_row { /* a row set aside because another row of the file speaks of the same record
                          (R9) */
    size_t group;
    struct rt_row row; /* lives in the file's arena */
    struct rt_digest print;
    bool is_eligible;
};

struct rt_flawed { /* a rejected or clashing row (R9) */
    enum rt_flaw flaw;
    struct rt_slice id[2]; /* those that could be read */
    int64_t line;
    const char *rows; /* JSON, for the review item */
};

struct rt_dismissed { /* rows that a person has dismissed */
    uint64_t key;     /* of what they say */
    int64_t stamp;    /* of their file */
};

enum rt_path { RT_PATH_LOOKUP, RT_PATH_DIGEST, RT_PATH_KEYS };

/* What intake_known.c knows of the rows of the side's last snapshot, and notes for the next one. */
struct rt_known {
    struct rt_digest_file *file; /* or NULL */
    struct rt_rid_set dirty;     /* records that it is not to be believed of */
    int64_t highest;             /* record when it was made */
    size_t unknown;              /* rows that it does not have */
    struct rt_digest fingerprint;
    struct rt_digest_writer *writer; /* of this file's own; or NULL */
    struct rt_rid_set entered;       /* records with an entry there */
    size_t first_touch;              /* changes of records before the file */
    struct rt_clean {
        int64_t rid;
        size_t at; /* as many changes of records had been noted when it was entered */
    } * clean;     /* records that were saved for a row that was entered */
    size_t clean_count;
    bool has_raw;         /* of the row under way its raw digest is known */
    struct rt_digest raw; /* that digest */
    int64_t clean_rid;    /* the record that the row under way leaves as it says; or 0 */
};

struct rt_intake {
    struct rt_work *work;
    struct rt_file file;
    const char *path; /* of its bytes */
    enum rt_side side;
    struct rt_rowmap *map;
    struct rt_arena row_arena;  /* reset before each row */
    struct rt_arena file_arena; /* lives as long as the file */
    struct rt_rid_set seen;     /* records that a row of this file led to */
    struct rt_rid_set told;     /* lines that were told of: a file may be read again */
    struct rt_rid_set applied;  /* those of which a row was not as last time: each is compared */
    struct rt_counts counts;    /* of this file alone */
    enum rt_path by;            /* how rows are recognised */
    struct rt_prints *prints;   /* digests of the side's last rows, with RT_PATH_KEYS; or NULL */
    struct rt_known known;
    uint64_t header_end; /* where the first row begins */
    bool is_recoded;     /* that, and where rejected rows are, is told in the file as UTF-8 */
    struct rt_reject *rejects;
    size_t reject_count;
    bool has_unreadable_id;
    struct { /* intake_rounded.c; kept from one reading of the file to the next */
        bool is_suspected, is_judged;
        bool in_keys, in_values; /* all long IDs of records are rounded; all long IDs */
    } rounded;
    struct rt_flawed *flawed;
    size_t flawed_count;
    int64_t damaged; /* rows with an ID that a spreadsheet has damaged */
    /* R9: IDs of records that more than one row speaks of, found by the first reading */
    struct rt_repeat_id {
        struct rt_slice id;
        enum rt_side side;
        size_t group;
    } * repeat_ids;
    size_t repeat_id_count, group_count;
    size_t *repeat_slots; /* hashed: where they are */
    size_t repeat_slot_count;
    bool must_read_again;
    bool was_still; /* the file stood still while it was read, and had the bytes that it was to have
                     */
    struct rt_repeat_row *repeats;
    size_t repeat_count;
    int64_t disputed;               /* records of which rows differ, and rows with IDs that clash */
    struct rt_dismissed *dismissed; /* by key and stamp; read when they are needed */
    size_t dismissed_count;
    bool has_read_dismissed;
};

/* intake.c: how a side's files are read. */
struct rt_csv_options rt_intake_csv_options(const struct rt_side_config *side);
/* After each row, of which the next begins at or behind `offset`. */
int rt_intake_tick(const struct rt_intake *in, uint64_t offset, struct rt_err *err) RT_MUST_CHECK;

/* intake_row.c: one CSV row; one mapped row. */
int rt_intake_row(struct rt_intake *in, const struct rt_csv_row *csv,
                  struct rt_err *err) RT_MUST_CHECK;
int rt_intake_apply(struct rt_intake *in, struct rt_row *row, struct rt_digest print,
                    bool is_eligible, struct rt_err *err) RT_MUST_CHECK;
void rt_intake_count(struct rt_intake *in, enum rt_change change);
/* A row that says of the record `rid` what it said last time. */
void rt_intake_count_known(struct rt_intake *in, int64_t rid);
/* For messages about a row in question: where the question is, or would be. */
const char *rt_intake_where(const struct rt_intake *in);
/* A row as JSON, for review items; caller frees. */
char *rt_intake_row_json(const struct rt_work *work, const struct rt_row *row);

/* intake_known.c: rows that say the same as last time. */
bool rt_intake_is_large(const struct rt_intake *in); /* worth some preparation */
int rt_intake_choose_path(struct rt_intake *in, const struct rt_csv_reader *reader,
                          struct rt_err *err) RT_MUST_CHECK;
/* rt_csv_next, but what is recognised by its raw bytes is counted and passed over. */
int rt_intake_next_row(struct rt_intake *in, struct rt_csv_reader *reader, struct rt_csv_row *row,
                       struct rt_err *err) RT_MUST_CHECK;
/* A parsed row is to be looked up. */
int rt_intake_note_unknown(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;
/* The row under way left the record so that the same row would change nothing. */
void rt_intake_is_clean(struct rt_intake *in, int64_t rid, bool was_saved);
void rt_intake_row_done(struct rt_intake *in);
/* The file was taken in: its digests are kept in work, until they are published. */
int rt_intake_keep_digests(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;
void rt_intake_forget_known(struct rt_intake *in);
/* With RT_PATH_DIGEST: records that the side may hold and that no row of this file led to. */
int rt_intake_each_unseen(struct rt_intake *in, rt_store_visit *visit, void *context,
                          struct rt_err *err) RT_MUST_CHECK;

/* intake_repeat.c: R9. */
bool rt_intake_find_repeat(const struct rt_intake *in, const struct rt_slice id[2], size_t *group);
void rt_intake_add_repeat(struct rt_intake *in, const struct rt_record *record,
                          const struct rt_row *row);
void rt_intake_set_aside(struct rt_intake *in, size_t group, const struct rt_row *row,
                         struct rt_digest print, bool is_eligible);
int rt_intake_judge_repeats(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;

/* intake_rounded.c: IDs that a spreadsheet has rounded.  1: the row has one, and the fault says so;
   at the end of the file it is told whether it has to be read again for it. */
int rt_intake_check_rounded(struct rt_intake *in, const struct rt_csv_row *csv, struct rt_row *row,
                            struct rt_row_fault *fault, struct rt_err *err) RT_MUST_CHECK;
int rt_intake_judge_rounded(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;

/* intake_dismissed.c: answers that still hold.  1: a person has dismissed these rows, and they are
   as they were; 0, -1.  end: of their record; NULL: they have none. */
int rt_intake_is_dismissed(struct rt_intake *in, const struct rt_question *question,
                           const struct rt_end *end, struct rt_err *err) RT_MUST_CHECK;

/* intake_former.c: the ID that a record had before gives way to that of now, in a row that is about
   the record.  1: it has none, since it is inserted again: the row was counted, as stale; 0, -1. */
int rt_intake_name_as_now(struct rt_intake *in, struct rt_row *row,
                          struct rt_err *err) RT_MUST_CHECK;

/* intake_flaw.c: rows for the review list.  `rows` is JSON, and is copied. */
void rt_intake_add_flaw(struct rt_intake *in, enum rt_flaw flaw, const struct rt_slice id[2],
                        int64_t line, const char *rows);
/* At the end of the file: freezes the records of flawed rows, and lists those that have none. */
int rt_intake_judge_flaws(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;
/* An item of rows that no record of the state stands for.  1: it is asked; 0: it was dismissed; -1
 */
int rt_intake_list_rows(struct rt_intake *in, const struct rt_question *question,
                        const struct rt_slice id[2], int64_t line,
                        struct rt_err *err) RT_MUST_CHECK;
/* The file was taken in: closes such items that it settles. */
int rt_intake_settle_rows(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;

/* intake_absence.c: R10, after the last row of a snapshot. */
int rt_intake_absent(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;

/* intake_ledger.c: which files, in which order, and what the ledger says of them. */
struct rt_waiting_file {
    struct rt_file file;
    const char *came_as; /* the name before fetch found it taken in the inbox */
    const char *fault;   /* why it is refused unread: its name does not tell its time; or NULL */
    char *path;
};
struct rt_waiting_files {
    struct rt_waiting_file *files;
    size_t count;
    struct rt_arena arena;
};
int rt_intake_list(struct rt_work *work, struct rt_waiting_files *list,
                   struct rt_err *err) RT_MUST_CHECK;
/* The files at these paths, in the order in which they would go from the inbox. */
int rt_intake_list_paths(struct rt_work *work, enum rt_side side, const char *const *paths,
                         size_t count, struct rt_waiting_files *list,
                         struct rt_err *err) RT_MUST_CHECK;
/* Fills `file`, whose side and name are set.  `stamp`: RT_NEVER to tell it as usual. */
int rt_intake_describe(struct rt_work *work, const char *path, int64_t stamp,
                       struct rt_arena *arena, struct rt_file *file,
                       struct rt_err *err) RT_MUST_CHECK;
void rt_intake_list_clear(struct rt_waiting_files *list);
/* 1: its bytes were taken in before and tell nothing new (R2). */
int rt_intake_is_known(struct rt_work *work, const struct rt_file *file, struct rt_arena *arena,
                       struct rt_err *err) RT_MUST_CHECK;

/* rejects.c: rejects/ gets the original rows, so that a mended file can be fetched again, and the
 * reasons. */
int rt_rejects_write(struct rt_intake *in, struct rt_err *err) RT_MUST_CHECK;
/* A refused file: the reason is written beside where the file will be moved. */
int rt_rejects_refuse(struct rt_work *work, const struct rt_file *file, const char *reason,
                      struct rt_err *err) RT_MUST_CHECK;

#endif
