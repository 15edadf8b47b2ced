#include "lib/draft_internal.h"

#include "lib/digest.h"

#include <stdio.h>
#include <stdlib.h>

const char *rt_sureness_name(enum rt_sureness sure)
{
    static const char *const names[] = {"sure", "likely", "unsure"};

    return names[sure];
}

void rt_draft_add(struct rt_draft *draft, struct rt_draft_line line)
{
    draft->lines = rt_xgrow(draft->lines, draft->count, sizeof *draft->lines);
    draft->lines[draft->count++] = line;
}

void rt_draft_clear(struct rt_draft *draft)
{
    free(draft->lines);
    *draft = (struct rt_draft){0};
}

/* ---- what is in each column ---- */

int rt_draft_compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void look_at_column(struct rt_drafting *d, int side, size_t i)
{
    const struct rt_sample *sample = d->sample[side];
    struct rt_draft_column *column = &d->column[side][i];
    size_t distinct = 0, first;

    column->header = sample->headers[i];
    column->is_used = rt_sample_is_repeated(sample, i, &first); /* only one can be mapped */
    column->guess = rt_draft_guess(sample, i, d->arena);
    column->keys = rt_arena_alloc(d->arena, (sample->rows + 1) * sizeof *column->keys);
    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = rt_sample_cell(sample, r, i);

        if (cell.len)
            column->keys[column->filled++] = rt_digest_of(cell).low;
    }
    qsort(column->keys, column->filled, sizeof *column->keys, rt_draft_compare_keys);
    for (size_t k = 0; k < column->filled; k++)
        if (k == 0 || column->keys[k] != column->keys[k - 1])
            column->keys[distinct++] = column->keys[k];
    column->key_count = distinct;
    column->is_unique = distinct == column->filled;
}

static void look_at_columns(struct rt_drafting *d)
{
    for (int s = 0; s < 2; s++) {
        size_t count = rt_drafting_columns(d, s);

        d->column[s] = rt_arena_alloc(d->arena, (count + 1) * sizeof *d->column[s]);
        for (size_t i = 0; i < count; i++)
            look_at_column(d, s, i);
    }
}

/* ---- the lines of a preset ---- */

static size_t find_named(const struct rt_drafting *d, int side, const char *name,
                         enum rt_likeness least)
{
    size_t best = RT_NO_COLUMN;

    for (size_t i = 0; i < rt_drafting_columns(d, side); i++) {
        const struct rt_draft_column *column = &d->column[side][i];
        enum rt_likeness likeness = rt_name_likeness(column->header, name);

        if (column->is_used || likeness < least)
            continue;
        if (strcmp(column->header, name) == 0)
            return i;
        if (best == RT_NO_COLUMN)
            best = i;
    }
    return best;
}

/* The column that a preset's line means: called as there, or as its field, or as what means the
 * same. */
static size_t find_meant(const struct rt_drafting *d, const struct rt_draft_line *line, int side)
{
    size_t at = RT_NO_COLUMN;

    if (line->header[side] == NULL)
        return RT_NO_COLUMN;
    for (int least = RT_NAMES_ARE_SAME; least >= RT_NAMES_MEAN_THE_SAME; least--) {
        if (at == RT_NO_COLUMN)
            at = find_named(d, side, line->header[side], (enum rt_likeness)least);
        if (at == RT_NO_COLUMN)
            at = find_named(d, side, line->field, (enum rt_likeness)least);
    }
    return at;
}

/* Found on one side only: the column of the other that holds the same. */
static size_t find_counterpart(const struct rt_drafting *d, const struct rt_draft_line *line,
                               int side, size_t column)
{
    size_t best = RT_NO_COLUMN, pair[2];
    int best_total = RT_PAIRING_ENOUGH - 1;

    pair[side] = column;
    for (size_t i = 0; i < rt_drafting_columns(d, !side); i++) {
        const char *header = d->column[!side][i].header;
        enum rt_likeness name = rt_name_likeness(header, d->column[side][column].header);
        struct rt_pairing pairing;

        if (d->column[!side][i].is_used)
            continue;
        if (name == RT_NAMES_DIFFER && line->header[!side] != NULL)
            name = rt_name_likeness(header, line->header[!side]);
        pair[!side] = i;
        rt_draft_weigh(d, pair, name, &pairing);
        if (pairing.total > best_total) {
            best = i;
            best_total = pairing.total;
        }
    }
    return best;
}

/* No sample has the column: a line that names it would refuse every file. */
static void leave_out(const struct rt_drafting *d, struct rt_draft_line *line, int side)
{
    if (line->header[side] == NULL || d->sample[side] == NULL)
        return;
    line->sure = RT_UNSURE;
    line->why = rt_arena_printf(d->arena, "%s has no column \"%s\": left out there",
                                d->sample[side]->name, line->header[side]);
    line->header[side] = NULL;
    line->format[side] = NULL;
}

static void complete_line(struct rt_drafting *d, struct rt_draft_line *line)
{
    size_t at[2] = {find_meant(d, line, 0), find_meant(d, line, 1)};

    for (int s = 0; s < 2; s++)
        if (at[s] == RT_NO_COLUMN && at[!s] != RT_NO_COLUMN && d->sample[s] != NULL &&
            line->direction != RT_DIR_NONE)
            at[s] = find_counterpart(d, line, !s, at[!s]);
    for (int s = 0; s < 2; s++)
        if (at[s] != RT_NO_COLUMN)
            d->column[s][at[s]].is_used = true;
    if (at[0] != RT_NO_COLUMN && at[1] != RT_NO_COLUMN) {
        struct rt_pairing pairing;

        rt_draft_weigh(d, at, RT_NAMES_ARE_SAME, &pairing);
        rt_draft_fill_pair(d, line, &pairing);
        return;
    }
    for (int s = 0; s < 2; s++)
        if (at[s] != RT_NO_COLUMN)
            rt_draft_fill_single(d, line, (enum rt_side)s, at[s]);
    for (int s = 0; s < 2; s++)
        if (at[s] == RT_NO_COLUMN)
            leave_out(d, line, s);
}

static void complete_preset(struct rt_drafting *d)
{
    size_t kept = 0;

    for (size_t i = 0; i < d->draft->count; i++) {
        struct rt_draft_line line = d->draft->lines[i];

        if (!rt_role_is_id(line.role))
            complete_line(d, &line);
        if (line.header[0] != NULL || line.header[1] != NULL)
            d->draft->lines[kept++] = line;
    }
    d->draft->count = kept;
}

/* ---- all other columns ---- */

static void add_pair(struct rt_drafting *d, const struct rt_pairing *pairing)
{
    struct rt_draft_line line = {
        .field = rt_name_of_field(d->draft, d->column[0][pairing->column[0]].header, d->arena)};

    rt_draft_fill_pair(d, &line, pairing);
    rt_draft_add(d->draft, line);
}

static void add_single(struct rt_drafting *d, enum rt_side side, size_t column)
{
    struct rt_draft_line line = {
        .field = rt_name_of_field(d->draft, d->column[side][column].header, d->arena)};

    rt_draft_fill_single(d, &line, side, column);
    rt_draft_add(d->draft, line);
}

/* In the order of the external columns; then what only the native side has. */
static void add_rest(struct rt_drafting *d)
{
    size_t count;
    const struct rt_pairing *pairs = rt_draft_pair_rest(d, &count);

    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < rt_drafting_columns(d, s); i++) {
            const struct rt_pairing *pair = NULL;

            for (size_t k = 0; s == RT_EXTERNAL && k < count; k++)
                pair = pairs[k].column[RT_EXTERNAL] == i ? &pairs[k] : pair;
            if (pair != NULL)
                add_pair(d, pair);
            else if (!d->column[s][i].is_used && *d->column[s][i].header)
                add_single(d, (enum rt_side)s, i);
        }
}

void rt_draft_propose(struct rt_draft *draft, const struct rt_sample *const sample[2],
                      const char *const label[2], struct rt_arena *arena)
{
    struct rt_drafting d = {.draft = draft, .sample = sample, .label = label, .arena = arena};

    if (sample[0] == NULL && sample[1] == NULL)
        return;
    look_at_columns(&d);
    rt_draft_propose_ids(&d);
    complete_preset(&d);
    add_rest(&d);
}

/* ---- writing it ---- */

static void write_cell(struct rt_buf *out, const char *text, char end)
{
    bool is_quoted = text != NULL && strpbrk(text, ",\"\r\n") != NULL;

    if (is_quoted)
        rt_buf_add_char(out, '"');
    for (; text != NULL && *text; text++) {
        if (*text == '"')
            rt_buf_add_char(out, '"');
        rt_buf_add_char(out, *text);
    }
    if (is_quoted)
        rt_buf_add_char(out, '"');
    rt_buf_add_char(out, end);
}

void rt_draft_write(const struct rt_draft *draft, struct rt_buf *out)
{
    rt_buf_add_str(
        out,
        "field,external,native,external_out,native_out,external_max,native_max,role,type,direction,"
        "external_format,native_format,values\n");
    for (size_t i = 0; i < draft->count; i++) {
        const struct rt_draft_line *line = &draft->lines[i];

        write_cell(out, line->field, ',');
        write_cell(out, line->header[RT_EXTERNAL], ',');
        write_cell(out, line->header[RT_NATIVE], ',');
        rt_buf_add_str(out, ",,,,");
        write_cell(out, rt_role_name(line->role), ',');
        write_cell(out, rt_type_name(line->type), ',');
        write_cell(out, rt_direction_name(line->direction), ',');
        write_cell(out, line->format[RT_EXTERNAL], ',');
        write_cell(out, line->format[RT_NATIVE], ',');
        write_cell(out, line->values, '\n');
    }
}
