/*
 * A schema in the making: lines of schema.csv as `init` proposes them, from a preset, from sample
 * files, or both.  Pure.
 *
 * A sample is a header and up to some thousands of rows of one side's file.  First the IDs are
 * found (draft_id.c): a column that is filled and different in every row, and the column of the
 * other side that holds the same values.  They tell which rows of the two samples are the same
 * record.  Then columns are paired (draft_pair.c) by their names ("Visit Date" = VISIT_DATE, Zip =
 * Postal) and by what they hold for the same record, in whatever format: which also tells 03/04
 * from 04/03, and how the codes of the two sides go together.  Each line says how sure it is, and
 * why: a person decides.
 */
#ifndef RT_DRAFT_H
#define RT_DRAFT_H

#include "lib/csv_reader.h"
#include "lib/mem.h"
#include "lib/schema.h"
#include "lib/side.h"

enum rt_sureness { RT_SURE, RT_LIKELY, RT_UNSURE };

const char *rt_sureness_name(enum rt_sureness sure);

struct rt_draft_line {
    const char *field;
    const char *header[2]; /* by side; NULL: not there */
    enum rt_role role;
    enum rt_type type;
    enum rt_direction direction;
    const char *format[2]; /* or NULL */
    const char *values;    /* name of the table of codes, or NULL */
    const char *table;     /* what is in it, as CSV; NULL: nothing to make */
    const char *left;      /* codes of the samples that are not in it, or NULL */
    enum rt_sureness sure;
    const char *why;
};

struct rt_draft { /* texts are borrowed, or live in the arena of rt_draft_propose; the array is
                     freed with rt_draft_clear */
    struct rt_draft_line *lines;
    size_t count;
};

struct rt_sample {
    const char *name; /* of the file, for messages */
    char delimiter;   /* as found */
    const char *encoding;
    const char **headers;
    size_t columns;
    const struct rt_slice *cells; /* rows * columns */
    size_t rows;
};

/* Reads a sample; all of it lives in the arena.  RT_DATA if it is no CSV, or most rows do not fit
 * the header; other broken rows are skipped. */
int rt_sample_read(struct rt_slice text, const char *name, struct rt_arena *arena,
                   struct rt_sample *sample, struct rt_err *err) RT_MUST_CHECK;

/* An earlier column with the header of this one: a file in which that is mapped is refused. */
bool rt_sample_is_repeated(const struct rt_sample *sample, size_t column, size_t *first);

void rt_draft_add(struct rt_draft *draft, struct rt_draft_line line);
void rt_draft_clear(struct rt_draft *draft);

/*
 * Completes a draft (empty, or a preset's lines) with what the samples tell.  sample[s] is NULL
 * where there is none.  A line of a preset takes the sample's spelling of its header; a header that
 * is in no line yet gets one.
 */
void rt_draft_propose(struct rt_draft *draft, const struct rt_sample *const sample[2],
                      const char *const label[2], struct rt_arena *arena);

/* As schema.csv. */
void rt_draft_write(const struct rt_draft *draft, struct rt_buf *out);

/* draft_guess.c: the type and format that fit every value of a column. */
struct rt_guess {
    enum rt_type type;
    const char *format;     /* the first of those that fit, or NULL */
    const char *formats[4]; /* that fit */
    size_t format_count;
    const char *why; /* "a date as %Y-%m-%d"; never NULL */
};
struct rt_guess rt_draft_guess(const struct rt_sample *sample, size_t column,
                               struct rt_arena *arena);

#endif
