#include "lib/draft_internal.h"

#include <string.h>

/* ---- roles that a name tells ---- */

static bool has_role(const struct rt_draft *draft, enum rt_role role)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->lines[i].role == role)
            return true;
    return false;
}

/* A time of the last change is no content: it would go back and forth. */
static void mark_modified_at(const struct rt_drafting *d, struct rt_draft_line *line)
{
    if ((line->type != RT_TYPE_DATE && line->type != RT_TYPE_DATETIME) ||
        has_role(d->draft, RT_ROLE_MODIFIED_AT))
        return;
    for (int s = 0; s < 2; s++) {
        if (line->header[s] == NULL || !rt_name_has_word(line->header[s], "modified"))
            continue;
        line->role = RT_ROLE_MODIFIED_AT;
        line->direction = RT_DIR_BOTH;
        line->sure = RT_LIKELY;
        line->why = "called like the time of the last change: takes part in nothing else";
        return;
    }
}

/* Is the label of a side, or nothing, in every cell? */
static bool holds_label(const struct rt_drafting *d, int side, const char *header)
{
    const struct rt_sample *sample = d->sample[side];
    bool any = false;

    for (size_t i = 0; sample != NULL && i < sample->columns; i++)
        for (size_t r = 0; strcmp(sample->headers[i], header) == 0 && r < sample->rows; r++)
            any = any || rt_slice_is_str(rt_sample_cell(sample, r, i), d->label[0]) ||
                  rt_slice_is_str(rt_sample_cell(sample, r, i), d->label[1]);
    return any;
}

/* Where it was born: filled in by us. */
static void mark_origin(const struct rt_drafting *d, struct rt_draft_line *line)
{
    if (line->role != RT_ROLE_NONE || has_role(d->draft, RT_ROLE_ORIGIN))
        return;
    for (int s = 0; s < 2; s++) {
        if (line->header[s] == NULL || (!rt_name_has_word(line->header[s], "source") &&
                                        !rt_name_has_word(line->header[s], "origin")))
            continue;
        if (!holds_label(d, s, line->header[s]))
            continue;
        line->role = RT_ROLE_ORIGIN;
        line->direction = RT_DIR_BOTH;
        line->sure = RT_LIKELY;
        line->why = "holds the label of a side: filled in by us, where it was born";
        return;
    }
}

/* ---- in words ---- */

static const char *pairing_words(const struct rt_drafting *d, const struct rt_pairing *p)
{
    static const char *const names[] = {NULL, "a similar name", "a name that means the same",
                                        "the same name"};
    const char *name = names[p->name], *rows;

    if (p->both && p->table == NULL)
        rows = rt_arena_printf(d->arena, "%zu of %zu rows of the same record agree", p->agree,
                               p->both);
    else if (p->shared > 1)
        rows = rt_arena_printf(d->arena, "%zu values are on both sides", p->shared);
    else if (p->is_apart)
        rows = "no value is on both sides: are they codes to be paired in a table?";
    else
        rows = NULL;
    return name && rows ? rt_arena_printf(d->arena, "%s; %s", name, rows)
           : name       ? name
           : rows       ? rows
                        : "paired by what they hold";
}

static const char *format_words(const char *format, enum rt_type type)
{
    return format ? format : type == RT_TYPE_DATETIME ? "2026-11-21T14:30:00" : ";";
}

static const char *type_words(const struct rt_drafting *d, const struct rt_pairing *p)
{
    static const char *const words[] = {"text",   "an ID",    "a code",    "a date",
                                        "a time", "a number", "yes or no", "a list"};
    const char *a = format_words(p->format[0], p->type), *b = format_words(p->format[1], p->type);

    if (p->type == RT_TYPE_CODE && p->left != NULL)
        return rt_arena_printf(d->arena, "codes; these are still to be paired in its table: %s",
                               p->left);
    if (p->type == RT_TYPE_CODE && p->has_remainder)
        return "codes; the last pair in its table is what was left over on both sides";
    if (p->type == RT_TYPE_CODE)
        return "codes, which go together as in its table";
    if (p->type == RT_TYPE_TEXT || p->type == RT_TYPE_ID)
        return words[p->type];
    if (strcmp(a, b) == 0)
        return rt_arena_printf(d->arena, "%s as %s", words[p->type], a);
    return rt_arena_printf(d->arena, "%s as %s, and %s", words[p->type], a, b);
}

/* ---- how sure ---- */

static enum rt_sureness pairing_sureness(const struct rt_pairing *p)
{
    bool agree = p->both && p->agree * 10 >= p->both * 8;

    if (p->table != NULL)
        return p->name && !p->left && !p->has_remainder ? RT_LIKELY : RT_UNSURE;
    if (p->is_apart || (p->both > 2 && p->agree * 2 < p->both))
        return RT_UNSURE;
    if (p->name == RT_NAMES_ARE_SAME || (agree && p->is_varied && (p->name || p->both > 3)))
        return RT_SURE;
    if (p->name == RT_NAMES_MEAN_THE_SAME || agree || p->shared > 2)
        return RT_LIKELY;
    return RT_UNSURE;
}

static enum rt_sureness worse(enum rt_sureness a, enum rt_sureness b)
{
    return a > b ? a : b;
}

static void take_format(struct rt_draft_line *line, int side, const char *format, size_t filled)
{
    if (format != NULL || filled)
        line->format[side] = format;
}

static bool is_date(enum rt_type type)
{
    return type == RT_TYPE_DATE || type == RT_TYPE_DATETIME;
}

/* Where a preset knows better: a text stays one, whatever a few rows look like. */
static bool may_change(const struct rt_draft_line *line, enum rt_type to, bool is_preset)
{
    return !is_preset || line->type == to || (is_date(line->type) && is_date(to)) ||
           (line->type == RT_TYPE_CODE && to == RT_TYPE_CODE);
}

static bool is_empty(const struct rt_drafting *d, const struct rt_pairing *p)
{
    return d->column[0][p->column[0]].filled == 0 || d->column[1][p->column[1]].filled == 0;
}

void rt_draft_fill_pair(const struct rt_drafting *d, struct rt_draft_line *line,
                        const struct rt_pairing *p)
{
    bool is_preset = line->why != NULL, is_same_type = may_change(line, p->type, is_preset);
    enum rt_sureness sure = pairing_sureness(p);

    for (int s = 0; s < 2; s++) {
        const struct rt_draft_column *column = &d->column[s][p->column[s]];

        line->header[s] = column->header;
        if (is_same_type)
            take_format(line, s, p->format[s], column->filled);
    }
    if (is_preset && p->name && p->left == NULL && !p->is_apart)
        sure = sure == RT_UNSURE ? RT_LIKELY : sure;
    if (is_same_type && p->is_ambiguous && is_date(p->type))
        sure = RT_UNSURE;
    if (!is_preset && is_empty(d, p))
        sure = worse(sure, RT_UNSURE);
    if (p->type == RT_TYPE_DATETIME || p->type == RT_TYPE_SET)
        sure = worse(sure, RT_LIKELY);
    line->sure = sure;
    if (is_same_type)
        line->type = p->type;
    if (p->table != NULL && line->type == RT_TYPE_CODE) {
        line->values = rt_arena_printf(d->arena, "%s.csv", line->field);
        line->table = p->table;
        line->left = p->left;
    }
    line->why = rt_arena_printf(
        d->arena, "%s; %s%s%s", pairing_words(d, p),
        is_same_type ? type_words(d, p) : rt_type_name(line->type),
        is_same_type && p->is_ambiguous && is_date(p->type) ? ", but other formats fit as well"
                                                            : "",
        line->type == RT_TYPE_DATETIME ? "; is the timezone of each side right?" : "");
    if (!is_preset) {
        mark_modified_at(d, line);
        mark_origin(d, line);
    }
}

void rt_draft_fill_single(const struct rt_drafting *d, struct rt_draft_line *line,
                          enum rt_side side, size_t column)
{
    const struct rt_draft_column *c = &d->column[side][column];
    const struct rt_guess *guess = &c->guess;
    enum rt_side other = rt_side_other(side);
    bool is_preset = line->why != NULL, is_same_type = may_change(line, guess->type, is_preset);
    bool is_ambiguous = is_date(guess->type) && guess->format_count > 1;
    const char *what = rt_arena_printf(d->arena, "%s%s", guess->why,
                                       is_ambiguous ? ", but other formats fit as well" : "");

    line->header[side] = c->header;
    if (is_same_type) {
        line->type = guess->type;
        take_format(line, (int)side, guess->format, c->filled);
    }
    if (is_preset) {
        line->sure = is_same_type && is_ambiguous ? RT_UNSURE : RT_LIKELY;
        line->why = rt_arena_printf(d->arena, "in %s%s%s", d->sample[side]->name,
                                    is_same_type ? "; " : "", is_same_type ? what : "");
        return;
    }
    line->sure = RT_UNSURE;
    if (d->sample[other] != NULL) {
        line->direction = RT_DIR_NONE;
        line->why = rt_arena_printf(
            d->arena, "%s; no such column on the other side, so it is not sent", what);
        mark_modified_at(d, line);
        return;
    }
    line->header[other] = line->header[side];
    line->format[other] = guess->format;
    line->why = rt_arena_printf(
        d->arena, "%s; no sample of the other side: the same header is assumed", what);
    mark_modified_at(d, line);
    mark_origin(d, line);
}
