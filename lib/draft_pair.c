#include "lib/draft_internal.h"

#include "lib/value.h"
#include "lib/value_date.h"

#include <stdlib.h>

#define MOST_ROWS  400 /* of the same record, that are compared */
#define MOST_CODES 40

/* ---- do the two hold the same for the same record? ---- */

struct comparing {
    struct rt_field field;
    enum rt_side side; /* as which the values are compared: the one that holds less */
};

static void begin(struct comparing *c, const struct rt_pairing *pairing)
{
    const char *native = pairing->format[RT_NATIVE];

    *c = (struct comparing){.field = {.type = pairing->type}};
    for (int s = 0; s < 2; s++)
        if (pairing->format[s] != NULL)
            c->field.column[s].format = rt_xstrdup(pairing->format[s]);
    if (pairing->type == RT_TYPE_DATETIME && native != NULL && !rt_date_pattern_has_time(native))
        c->side = RT_NATIVE;
}

static void end(struct comparing *c)
{
    free(c->field.column[0].format);
    free(c->field.column[1].format);
}

/* The n-th row that both samples have, from *at on; false: no more. */
static bool next_joined(const struct rt_drafting *d, size_t *at, size_t *native)
{
    while (d->joined && *at < d->sample[RT_EXTERNAL]->rows) {
        *native = d->partner[(*at)++];
        if (*native != RT_NO_COLUMN)
            return true;
    }
    return false;
}

static bool next_cells(const struct rt_drafting *d, const struct rt_pairing *p, size_t *at,
                       struct rt_slice cell[2])
{
    size_t native;

    if (!next_joined(d, at, &native))
        return false;
    cell[RT_EXTERNAL] = rt_sample_cell(d->sample[RT_EXTERNAL], *at - 1, p->column[RT_EXTERNAL]);
    cell[RT_NATIVE] = rt_sample_cell(d->sample[RT_NATIVE], native, p->column[RT_NATIVE]);
    return true;
}

static void compare_rows(const struct rt_drafting *d, struct rt_pairing *p)
{
    struct comparing c;
    struct rt_slice cell[2], first = {NULL, 0};
    size_t at = 0;

    begin(&c, p);
    p->both = p->agree = 0;
    p->is_varied = false;
    while (p->both < MOST_ROWS && next_cells(d, p, &at, cell)) {
        if (cell[0].len == 0 || cell[1].len == 0)
            continue;
        p->both++;
        if (!rt_value_is_same(&c.field, c.side, (struct rt_value){cell[0], RT_FROM_EXTERNAL},
                              (struct rt_value){cell[1], RT_FROM_NATIVE}))
            continue;
        if (p->agree++ == 0)
            first = cell[0];
        p->is_varied = p->is_varied || !rt_slice_is_equal(first, cell[0]);
    }
    end(&c);
}

/* ---- in which type and formats do they agree most? ---- */

struct trial {
    enum rt_type type;
    const char *formats[2][4];
    size_t count[2];
};

static void keep_better(const struct rt_drafting *d, struct rt_pairing *best,
                        struct rt_pairing trial, bool *is_first)
{
    compare_rows(d, &trial);
    if (*is_first || trial.agree > best->agree) {
        trial.is_ambiguous = false;
        *best = trial;
    } else if (trial.agree == best->agree && trial.type == best->type) {
        best->is_ambiguous = true;
    }
    *is_first = false;
}

static void try_formats(const struct rt_drafting *d, struct rt_pairing *best,
                        const struct trial *trial, bool *is_first)
{
    for (size_t i = 0; i < trial->count[0]; i++)
        for (size_t k = 0; k < trial->count[1]; k++) {
            struct rt_pairing one = *best;

            one.type = trial->type;
            one.format[0] = trial->formats[0][i];
            one.format[1] = trial->formats[1][k];
            keep_better(d, best, one, is_first);
        }
}

/* The formats of a type on one side; a list without separators in the sample may have any. */
static size_t formats_for(const struct rt_drafting *d, int side, size_t column, enum rt_type type,
                          const char *formats[4])
{
    const struct rt_guess *guess = &d->column[side][column].guess;
    size_t n;

    if (guess->type == type) {
        memcpy(formats, guess->formats, sizeof guess->formats);
        return guess->format_count ? guess->format_count : 1;
    }
    n = rt_draft_formats(d->sample[side], column, type, formats, 4);
    if (n == 0 && (type == RT_TYPE_SET || d->column[side][column].filled == 0)) {
        formats[0] = NULL;
        return 1;
    }
    return n;
}

static bool is_date(enum rt_type type)
{
    return type == RT_TYPE_DATE || type == RT_TYPE_DATETIME;
}

static void try_type(const struct rt_drafting *d, struct rt_pairing *best, enum rt_type type,
                     bool *is_first)
{
    struct trial trial = {.type = type};

    for (int s = 0; s < 2; s++) {
        const struct rt_guess *guess = &d->column[s][best->column[s]].guess;

        trial.count[s] = formats_for(d, s, best->column[s],
                                     is_date(type) && is_date(guess->type) ? guess->type : type,
                                     trial.formats[s]);
    }
    try_formats(d, best, &trial, is_first);
}

static void find_type(const struct rt_drafting *d, struct rt_pairing *p)
{
    enum rt_type type[2];
    bool is_first = true;

    for (int s = 0; s < 2; s++)
        type[s] = d->column[s][p->column[s]].guess.type;
    if (is_date(type[0]) && is_date(type[1]) && type[0] != type[1])
        try_type(d, p, RT_TYPE_DATETIME, &is_first);
    else if (type[0] == type[1])
        try_type(d, p, type[0], &is_first);
    for (int s = 0; s < 2 && is_first; s++)
        if (type[s] != RT_TYPE_TEXT && type[s] != RT_TYPE_ID)
            try_type(d, p, type[s], &is_first);
    if (is_first) {
        p->type = type[0] == RT_TYPE_ID || type[1] == RT_TYPE_ID ? RT_TYPE_ID : RT_TYPE_TEXT;
        p->format[0] = p->format[1] = NULL;
        compare_rows(d, p);
    }
}

/* ---- codes: the one side writes VISIT where the other writes Visit ---- */

struct codes {
    struct rt_slice pair[MOST_CODES][2];
    size_t count, joined; /* so many pairs; the rows that told them */
    bool is_broken;       /* one code goes with two */
};

static void see_codes(struct codes *codes, const struct rt_slice cell[2])
{
    for (size_t i = 0; i < codes->count; i++) {
        bool is_left = rt_slice_is_equal(codes->pair[i][0], cell[0]),
             is_right = rt_slice_is_equal(codes->pair[i][1], cell[1]);

        if (is_left != is_right)
            codes->is_broken = true;
        if (is_left || is_right)
            return;
    }
    if (codes->count == MOST_CODES - 1) {
        codes->is_broken = true;
        return;
    }
    codes->pair[codes->count][0] = cell[0];
    codes->pair[codes->count++][1] = cell[1];
}

static bool has_code(const struct codes *codes, int side, struct rt_slice code)
{
    for (size_t i = 0; i < codes->count; i++)
        if (rt_slice_is_equal(codes->pair[i][side], code))
            return true;
    return false;
}

/* A code that no row of the same record told: one that reads the same on the other side. */
static bool pair_by_spelling(const struct rt_drafting *d, struct codes *codes,
                             const struct rt_pairing *p, int side, struct rt_slice code)
{
    char *mine = rt_xstrndup(code.ptr, code.len);
    bool found = false;

    for (size_t r = 0; r < d->sample[!side]->rows && !found && codes->count < MOST_CODES - 1; r++) {
        struct rt_slice other = rt_sample_cell(d->sample[!side], r, p->column[!side]);
        char *theirs;

        if (other.len == 0 || has_code(codes, !side, other))
            continue;
        theirs = rt_xstrndup(other.ptr, other.len);
        found = rt_name_likeness(mine, theirs) != RT_NAMES_DIFFER;
        free(theirs);
        if (found) {
            codes->pair[codes->count][side] = code;
            codes->pair[codes->count++][!side] = other;
        }
    }
    free(mine);
    return found;
}

static void pair_leftovers(const struct rt_drafting *d, struct codes *codes, struct rt_pairing *p)
{
    struct rt_buf left = {0};
    struct codes told = {0}; /* what was said to be left */

    for (int s = 0; s < 2; s++)
        for (size_t r = 0; r < d->sample[s]->rows; r++) {
            struct rt_slice code = rt_sample_cell(d->sample[s], r, p->column[s]);

            if (code.len == 0 || has_code(codes, s, code) || has_code(&told, s, code) ||
                pair_by_spelling(d, codes, p, s, code) || told.count == MOST_CODES)
                continue;
            told.pair[told.count][s] = code;
            told.pair[told.count++][!s] = rt_slice_from(NULL, 0);
            rt_buf_printf(&left, "%s%.*s", left.len ? ", " : "", RT_SLICE_FMT(code));
        }
    if (told.count == 2 && told.pair[0][0].len && told.pair[1][1].len) {
        codes->pair[codes->count][0] = told.pair[0][0];
        codes->pair[codes->count++][1] = told.pair[1][1];
        p->has_remainder = true;
    } else if (left.len) {
        p->left = rt_arena_strdup(d->arena, rt_buf_str(&left));
    }
    rt_buf_clear(&left);
}

static void add_cell(struct rt_buf *out, struct rt_slice cell, char end)
{
    bool is_quoted = memchr(cell.ptr, ',', cell.len) || memchr(cell.ptr, '"', cell.len) ||
                     memchr(cell.ptr, '\n', cell.len);

    if (is_quoted)
        rt_buf_add_char(out, '"');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            rt_buf_add_char(out, '"');
        rt_buf_add_char(out, cell.ptr[i]);
    }
    if (is_quoted)
        rt_buf_add_char(out, '"');
    rt_buf_add_char(out, end);
}

static const char *write_table(const struct rt_drafting *d, const struct codes *codes)
{
    struct rt_buf text = {0};
    const char *kept;

    rt_buf_add_str(&text, "external,native\n");
    for (size_t i = 0; i < codes->count; i++) {
        add_cell(&text, codes->pair[i][0], ',');
        add_cell(&text, codes->pair[i][1], '\n');
    }
    kept = rt_arena_strdup(d->arena, rt_buf_str(&text));
    rt_buf_clear(&text);
    return kept;
}

/* Few words on either side, and no IDs, of which there will be more. */
static bool has_words(const struct rt_drafting *d, const struct rt_pairing *p)
{
    for (int s = 0; s < 2; s++) {
        const struct rt_draft_column *column = &d->column[s][p->column[s]];

        if (column->key_count > MOST_CODES || rt_name_id_score(column->header) >= 3)
            return false;
    }
    return p->type == RT_TYPE_TEXT || p->type == RT_TYPE_ID;
}

/* Words that come again and again on either side, and none of them on both: the same may be written
 * as Visit here and as VISIT there, but no row of the same record tells. */
static bool is_apart(const struct rt_drafting *d, const struct rt_pairing *p)
{
    if (!has_words(d, p) || p->both || p->shared)
        return false;
    for (int s = 0; s < 2; s++)
        if (d->column[s][p->column[s]].filled < 2 * d->column[s][p->column[s]].key_count ||
            d->column[s][p->column[s]].filled == 0)
            return false;
    return true;
}

/* Few words that go together one to one, and are written differently. */
static void find_codes(const struct rt_drafting *d, struct rt_pairing *p)
{
    struct codes codes = {0};
    struct rt_slice cell[2];
    size_t at = 0;

    if (p->agree == p->both || !has_words(d, p))
        return;
    while (!codes.is_broken && next_cells(d, p, &at, cell)) {
        if (cell[0].len == 0 || cell[1].len == 0 || cell[0].len > 60 || cell[1].len > 60)
            continue;
        codes.joined++;
        see_codes(&codes, (const struct rt_slice *)cell);
    }
    /* Without repetition anything goes together one to one; then the names must say it. */
    if (codes.is_broken || codes.count < 2 ||
        (codes.joined < codes.count + 2 && p->name < RT_NAMES_OVERLAP))
        return;
    pair_leftovers(d, &codes, p);
    p->type = RT_TYPE_CODE;
    p->table = write_table(d, &codes);
}

/* ---- what it is worth ---- */

static bool is_modified(const char *header)
{
    return rt_name_has_word(header, "modified");
}

static int value_points(const struct rt_pairing *p, const struct rt_draft_column *const column[2])
{
    size_t fewer =
        column[0]->key_count < column[1]->key_count ? column[0]->key_count : column[1]->key_count;

    if (p->table != NULL)
        return p->both > 5 ? 40 : 30;
    if (p->both > 0)
        return (int)(60 * p->agree / p->both) / (p->is_varied ? 1 : 3);
    if (p->shared > 1 && fewer > 0)
        return (int)(40 * p->shared / fewer);
    return 0;
}

void rt_draft_weigh(const struct rt_drafting *d, const size_t column[2], enum rt_likeness name,
                    struct rt_pairing *p)
{
    static const int points[] = {0, 25, 50, 60};
    const struct rt_draft_column *c[2] = {&d->column[0][column[0]], &d->column[1][column[1]]};
    bool is_wrong;

    *p = (struct rt_pairing){.column = {column[0], column[1]}, .name = name};
    find_type(d, p);
    find_codes(d, p);
    p->shared = c[0]->guess.type == c[1]->guess.type ? rt_draft_shared(c[0], c[1]) : 0;
    p->is_apart = is_apart(d, p);
    p->total = points[name] + value_points(p, c);
    is_wrong = p->table == NULL && p->both > 2 && p->agree * 4 < p->both &&
               !(is_modified(c[0]->header) && is_modified(c[1]->header));
    if (is_wrong)
        p->total -= 30;
}

/* ---- the best ones ---- */

static int by_worth(const void *a, const void *b)
{
    const struct rt_pairing *x = a, *y = b;

    if (x->total != y->total)
        return y->total - x->total;
    return (x->column[0] > y->column[0]) - (x->column[0] < y->column[0]);
}

static void weigh_all(const struct rt_drafting *d, struct rt_pairing **list, size_t *count)
{
    size_t column[2];

    for (column[0] = 0; column[0] < rt_drafting_columns(d, 0); column[0]++)
        for (column[1] = 0; column[1] < rt_drafting_columns(d, 1); column[1]++) {
            const struct rt_draft_column *a = &d->column[0][column[0]],
                                         *b = &d->column[1][column[1]];
            struct rt_pairing pairing;

            if (a->is_used || b->is_used || !*a->header || !*b->header)
                continue;
            rt_draft_weigh(d, column, rt_name_likeness(a->header, b->header), &pairing);
            if (pairing.total < RT_PAIRING_ENOUGH)
                continue;
            *list = rt_xgrow(*list, *count, sizeof **list);
            (*list)[(*count)++] = pairing;
        }
}

struct rt_pairing *rt_draft_pair_rest(const struct rt_drafting *d, size_t *count)
{
    struct rt_pairing *all = NULL, *kept;
    size_t found = 0;

    *count = 0;
    if (d->sample[0] == NULL || d->sample[1] == NULL)
        return NULL;
    weigh_all(d, &all, &found);
    if (found)
        qsort(all, found, sizeof *all, by_worth);
    kept = rt_arena_alloc(d->arena, (found + 1) * sizeof *kept);
    for (size_t i = 0; i < found; i++) {
        struct rt_draft_column *a = &d->column[0][all[i].column[0]],
                               *b = &d->column[1][all[i].column[1]];

        if (a->is_used || b->is_used)
            continue;
        a->is_used = b->is_used = true;
        kept[(*count)++] = all[i];
    }
    free(all);
    return kept;
}
