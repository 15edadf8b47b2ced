/* What the files of `draft` share: columns with what was found out about them, and the rows of the
 * two samples that are the same record. */
#ifndef RT_DRAFT_INTERNAL_H
#define RT_DRAFT_INTERNAL_H

#include "lib/draft.h"

#define RT_NO_COLUMN ((size_t)-1)

struct rt_draft_column {
    const char *header;
    struct rt_guess guess;
    size_t filled;
    bool is_unique; /* no value twice */
    bool is_used;   /* it is in a line */
    uint64_t *keys; /* of its distinct values, sorted */
    size_t key_count;
};

struct rt_drafting {
    struct rt_draft *draft;
    const struct rt_sample *const *sample; /* by side; NULL where there is none */
    const char *const *label;
    struct rt_arena *arena;
    struct rt_draft_column *column[2];
    size_t *partner; /* by row of the external sample: the native row of the same record */
    size_t joined;   /* how many have one */
};

static inline struct rt_slice rt_sample_cell(const struct rt_sample *sample, size_t row,
                                             size_t column)
{
    return sample->cells[row * sample->columns + column];
}

static inline size_t rt_drafting_columns(const struct rt_drafting *d, int side)
{
    return d->sample[side] ? d->sample[side]->columns : 0;
}

/* For qsort: the lowest first (draft.c). */
int rt_draft_compare_keys(const void *a, const void *b);

/* ---- draft_name.c ---- */

enum rt_likeness { RT_NAMES_DIFFER, RT_NAMES_OVERLAP, RT_NAMES_MEAN_THE_SAME, RT_NAMES_ARE_SAME };

/* "Visit Date" and VISIT_DATE are the same; "Zip" and "Postal" mean the same; "Date" is in "Gift
 * Date". */
enum rt_likeness rt_name_likeness(const char *a, const char *b);
bool rt_name_has_word(const char *header, const char *word); /* or one that means the same */

/* Is it called like an ID, and how much like that of the record itself?  0: not at all. */
int rt_name_id_score(const char *header);

/* "VisitDate" becomes visit_date: a name for a field; a number behind it if it is taken. */
const char *rt_name_of_field(const struct rt_draft *draft, const char *header,
                             struct rt_arena *arena);

/* ---- draft_id.c ---- */

/* Adds or completes the lines of the IDs, and joins the rows. */
void rt_draft_propose_ids(struct rt_drafting *d);
size_t rt_draft_shared(const struct rt_draft_column *a, const struct rt_draft_column *b);

/* ---- draft_guess.c ---- */

/* Which formats of the type fit the column: at most `most`, the usual one first. */
size_t rt_draft_formats(const struct rt_sample *sample, size_t column, enum rt_type type,
                        const char **formats, size_t most);

/* ---- draft_pair.c: two columns, and what speaks for them being the same field ---- */

struct rt_pairing {
    size_t column[2]; /* by side */
    enum rt_likeness name;
    size_t both, agree; /* joined rows where both have a value, and where it is the same one */
    bool is_varied;     /* they agree in more than one value */
    size_t shared;      /* values that both have, in whatever row */
    enum rt_type type;
    const char *format[2];
    bool is_ambiguous;  /* other formats fit as well */
    const char *table;  /* codes: how they go together, as the text of a CSV file */
    const char *left;   /* codes that are in no pair yet, or NULL */
    bool has_remainder; /* the last pair is what was left over on both sides */
    bool is_apart; /* few words on either side, none on both, and no row tells which is which */
    int total;     /* what all of it is worth */
};

#define RT_PAIRING_ENOUGH 25

void rt_draft_weigh(const struct rt_drafting *d, const size_t column[2], enum rt_likeness name,
                    struct rt_pairing *pairing);

/* Pairs the columns that are in no line yet, best first; *count of them, in the arena. */
struct rt_pairing *rt_draft_pair_rest(const struct rt_drafting *d, size_t *count);

/* ---- draft_line.c: from what was found out to a line of the schema ---- */

/* Type, formats, codes and why of a line with a column on both sides. */
void rt_draft_fill_pair(const struct rt_drafting *d, struct rt_draft_line *line,
                        const struct rt_pairing *pairing);

/* The same for a line with a column on one side. */
void rt_draft_fill_single(const struct rt_drafting *d, struct rt_draft_line *line,
                          enum rt_side side, size_t column);

#endif
