#include "lib/draft.h"

#include "lib/digest.h"
#include "lib/rid_set.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

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

/* ---- names ---- */

/* "Visit Date" and VISIT_DATE become "visitdate". */
static void normalise(const char *header, char out[64])
{
    size_t n = 0;

    for (; *header && n < 63; header++)
        if (isalnum((unsigned char)*header) || (unsigned char)*header >= 0x80)
            out[n++] = (char)tolower((unsigned char)*header);
    out[n] = '\0';
    if (strncmp(out, "interaction", 11) == 0 && n > 11)
        memmove(out, out + 11, n - 10);
}

static bool is_same_name(const char *a, const char *b)
{
    char x[64], y[64];

    normalise(a, x);
    normalise(b, y);
    return *x && strcmp(x, y) == 0;
}

/* "VisitDate" becomes visit_date: a name for a field; a number behind it if it is taken. */
static const char *field_name(const struct rt_draft *draft, const char *header,
                              struct rt_arena *arena)
{
    char name[56];
    const char *unique = name;
    size_t n = 0;

    for (const char *p = header; *p && n < sizeof name - 1; p++) {
        bool starts_word = isupper((unsigned char)*p) && p > header &&
                           (islower((unsigned char)p[-1]) ||
                            (isupper((unsigned char)p[-1]) && islower((unsigned char)p[1])));

        if ((starts_word || !isalnum((unsigned char)*p)) && n && name[n - 1] != '_')
            name[n++] = '_';
        if (isalnum((unsigned char)*p) && n < sizeof name - 1)
            name[n++] = (char)tolower((unsigned char)*p);
    }
    while (n && name[n - 1] == '_')
        n--;
    name[n] = '\0';
    if (n == 0 || isdigit((unsigned char)*name))
        unique = rt_arena_printf(arena, "field_%s", name);
    unique = rt_arena_strdup(arena, unique);
    for (size_t i = 0, k = 2; i < draft->count; i++)
        if (strcmp(draft->lines[i].field, unique) == 0) {
            unique = rt_arena_printf(arena, "%s_%zu", name, k++);
            i = (size_t)-1; /* once more, from the first line */
        }
    return unique;
}

/* ---- values ---- */

struct facts { /* of one column */
    size_t filled;
    bool is_unique; /* no value twice */
};

static struct rt_slice cell_of(const struct rt_sample *sample, size_t row, size_t column)
{
    return sample->cells[row * sample->columns + column];
}

static int64_t value_key(struct rt_slice cell)
{
    return (int64_t)(rt_digest_of(cell).low >> 1 | 1);
}

static struct facts facts_of(const struct rt_sample *sample, size_t column)
{
    struct facts facts = {.is_unique = true};
    struct rt_rid_set seen = {0};

    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = cell_of(sample, r, column);

        if (cell.len == 0)
            continue;
        facts.filled++;
        if (!rt_rid_set_add(&seen, value_key(cell)))
            facts.is_unique = false;
    }
    rt_rid_set_clear(&seen);
    return facts;
}

/* How many distinct values of `b` are in `a` too. */
static size_t shared_values(const struct rt_sample *a, size_t i, const struct rt_sample *b,
                            size_t k)
{
    struct rt_rid_set there = {0}, counted = {0};
    size_t shared = 0;

    for (size_t r = 0; r < a->rows; r++)
        if (cell_of(a, r, i).len)
            rt_rid_set_add(&there, value_key(cell_of(a, r, i)));
    for (size_t r = 0; r < b->rows; r++) {
        int64_t key = value_key(cell_of(b, r, k));

        if (cell_of(b, r, k).len && rt_rid_set_add(&counted, key) && !rt_rid_set_add(&there, key))
            shared++;
    }
    rt_rid_set_clear(&there);
    rt_rid_set_clear(&counted);
    return shared;
}

/* ---- which columns are in the draft already ---- */

static bool is_used(const struct rt_draft *draft, enum rt_side side, const char *header)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->lines[i].header[side] != NULL &&
            strcmp(draft->lines[i].header[side], header) == 0)
            return true;
    return false;
}

#define NO_COLUMN ((size_t)-1)

static size_t find_named(const struct rt_draft *draft, const struct rt_sample *sample,
                         enum rt_side side, const char *name)
{
    for (size_t i = 0; sample != NULL && i < sample->columns; i++)
        if (strcmp(sample->headers[i], name) == 0 && !is_used(draft, side, name))
            return i;
    for (size_t i = 0; sample != NULL && i < sample->columns; i++)
        if (is_same_name(sample->headers[i], name) && !is_used(draft, side, sample->headers[i]))
            return i;
    return NO_COLUMN;
}

/* The format of a preset's date is what the sample has. */
static void take_format(struct rt_draft_line *line, const struct rt_sample *sample,
                        enum rt_side side, size_t column, struct rt_arena *arena)
{
    struct rt_guess guess;

    if (line->type != RT_TYPE_DATE)
        return;
    guess = rt_draft_guess(sample, column, arena);
    if (guess.type == RT_TYPE_DATETIME)
        line->type = RT_TYPE_DATETIME;
    if (guess.type == RT_TYPE_DATE || guess.type == RT_TYPE_DATETIME)
        line->format[side] = guess.format;
    if (guess.sure == RT_UNSURE || guess.type != line->type)
        line->sure = RT_UNSURE;
    line->why = rt_arena_printf(arena, "%s; %s", line->why, guess.why);
}

/* A preset's header in the sample's spelling. */
static void respell_line(struct rt_draft *draft, struct rt_draft_line *line,
                         const struct rt_sample *sample, enum rt_side side, struct rt_arena *arena)
{
    const char *header = line->header[side];
    size_t at;

    line->header[side] = NULL; /* so that it is not in its own way */
    at = find_named(draft, sample, side, header);
    if (at == NO_COLUMN)
        at = find_named(draft, sample, side, line->field);
    line->header[side] = at == NO_COLUMN ? header : sample->headers[at];
    if (at == NO_COLUMN) {
        line->sure = RT_UNSURE;
        line->why =
            rt_arena_printf(arena, "%s has no column \"%s\": correct it, or leave the cell empty",
                            sample->name, header);
        return;
    }
    if (line->sure == RT_UNSURE || strcmp(header, sample->headers[at]) != 0) {
        line->sure = RT_LIKELY;
        line->why = rt_arena_printf(arena, "spelled as in %s", sample->name);
    }
    take_format(line, sample, side, at, arena);
}

static void respell(struct rt_draft *draft, const struct rt_sample *sample, enum rt_side side,
                    struct rt_arena *arena)
{
    for (size_t i = 0; sample != NULL && i < draft->count; i++)
        if (draft->lines[i].header[side] != NULL)
            respell_line(draft, &draft->lines[i], sample, side, arena);
}

/* ---- the IDs ---- */

/* Is it called like an ID, and how much like that of the record itself? */
static int id_score(const char *header, const char *label)
{
    static const char *const others[] = {"constituent", "proposal", "contact", "donor",
                                         "campaign",    "fund",     "user",    "parent"};
    char name[64], word[64];
    size_t n;
    int score = 0;

    normalise(header, name);
    normalise(label, word);
    n = strlen(name);
    if (n >= 2 && strcmp(name + n - 2, "id") == 0)
        score += 4;
    else if (strstr(name, "id") == NULL && strstr(name, "key") == NULL &&
             strstr(name, "number") == NULL)
        return 0;
    score += 1;
    score += *word && strstr(name, word) != NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        score -= strstr(name, others[i]) != NULL ? 2 : 0;
    return score > 0 ? score : 1;
}

/* The column of the ID that the side gives: filled and different in every row, and called like an
 * ID. */
static size_t find_own_id(const struct rt_sample *sample, const char *label, enum rt_sureness *sure)
{
    size_t best = NO_COLUMN;
    int best_score = -1;

    for (size_t i = 0; i < sample->columns; i++) {
        struct facts facts = facts_of(sample, i);
        int score = id_score(sample->headers[i], label);

        if (facts.filled != sample->rows || !facts.is_unique || score <= best_score)
            continue;
        best = i;
        best_score = score;
    }
    *sure = best_score >= 4 && sample->rows > 1 ? RT_SURE : best_score > 0 ? RT_LIKELY : RT_UNSURE;
    return best;
}

/* Where the side shows the other side's ID: a column of the same name, or one that shares values
 * with it. */
static size_t find_others_id(const struct rt_sample *sample, size_t own,
                             const struct rt_sample *other, size_t others_own)
{
    for (size_t i = 0; i < sample->columns; i++)
        if (i != own && is_same_name(sample->headers[i], other->headers[others_own]))
            return i;
    for (size_t i = 0; i < sample->columns; i++)
        if (i != own && shared_values(other, others_own, sample, i) > 0 &&
            id_score(sample->headers[i], "") > 0)
            return i;
    return NO_COLUMN;
}

/* With one sample only: an ID-like column that is not its own. */
static size_t find_foreign_id(const struct rt_sample *sample, size_t own, const char *other_label)
{
    size_t best = NO_COLUMN;
    int best_score = 0;

    for (size_t i = 0; i < sample->columns; i++) {
        int score = i == own ? 0 : id_score(sample->headers[i], other_label);

        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best_score >= 4 ? best : NO_COLUMN;
}

/* The columns that hold each side's own ID, and how sure that is. */
struct own_ids {
    size_t column[2];
    enum rt_sureness sure[2];
    const char *const *label;
};

static void propose_id(struct rt_draft *draft, const struct rt_sample *const sample[2],
                       const struct own_ids *ids, enum rt_side side)
{
    const size_t *own = ids->column;
    const char *const *label = ids->label;
    enum rt_sureness sure = ids->sure[side];
    enum rt_side other = rt_side_other(side);
    struct rt_draft_line line = {.field = side == RT_EXTERNAL ? "external_id" : "native_id",
                                 .role =
                                     side == RT_EXTERNAL ? RT_ROLE_EXTERNAL_ID : RT_ROLE_NATIVE_ID,
                                 .type = RT_TYPE_ID,
                                 .sure = sure,
                                 .why = "filled and different in every row"};
    size_t at;

    if (own[side] != NO_COLUMN && sample[side] != NULL) {
        line.header[side] = sample[side]->headers[own[side]];
        at = sample[other] == NULL
                 ? NO_COLUMN
                 : find_others_id(sample[other], own[other], sample[side], own[side]);
        if (sample[other] == NULL)
            line.header[other] = line.header[side];
        else if (at != NO_COLUMN)
            line.header[other] = sample[other]->headers[at];
        if (sample[other] == NULL || at == NO_COLUMN) {
            line.sure = RT_UNSURE;
            line.why =
                sample[other] == NULL
                    ? "no sample of the other side: the same header is assumed"
                    : "the other side has no column for it: give fields the role fingerprint";
        }
    } else {
        at = sample[other] == NULL ? NO_COLUMN
                                   : find_foreign_id(sample[other], own[other], label[side]);
        line.header[side] = line.header[other] =
            at == NO_COLUMN ? line.field : sample[other]->headers[at];
        line.sure = RT_UNSURE;
        line.why =
            at == NO_COLUMN ? "no column looks like it: write the headers" : "called like an ID";
    }
    rt_draft_add(draft, line);
}

static bool has_role(const struct rt_draft *draft, enum rt_role role)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->lines[i].role == role)
            return true;
    return false;
}

static void propose_ids(struct rt_draft *draft, const struct rt_sample *const sample[2],
                        const char *const label[2])
{
    struct own_ids ids = {
        .column = {NO_COLUMN, NO_COLUMN}, .sure = {RT_UNSURE, RT_UNSURE}, .label = label};

    if (has_role(draft, RT_ROLE_EXTERNAL_ID) || has_role(draft, RT_ROLE_NATIVE_ID))
        return;
    for (int s = 0; s < 2; s++)
        if (sample[s] != NULL)
            ids.column[s] = find_own_id(sample[s], label[s], &ids.sure[s]);
    for (int s = 0; s < 2; s++)
        propose_id(draft, sample, &ids, (enum rt_side)s);
}

/* ---- all other columns ---- */

/* The column of the other side that shares most values, if that is most of what it has. */
static size_t find_by_values(const struct rt_draft *draft, const struct rt_sample *const sample[2],
                             enum rt_side side, size_t column, size_t *shared)
{
    enum rt_side other_side = rt_side_other(side);
    const struct rt_sample *other = sample[other_side];
    size_t best = NO_COLUMN;

    *shared = 1;
    for (size_t k = 0; k < other->columns; k++) {
        size_t n;

        if (is_used(draft, other_side, other->headers[k]))
            continue;
        n = shared_values(sample[side], column, other, k);
        if (n > *shared && n * 2 > facts_of(other, k).filled) {
            best = k;
            *shared = n;
        }
    }
    return best;
}

/* Two guesses of one field: a time beats a date; what does not go together is text. */
static void join_guesses(struct rt_draft_line *line, const struct rt_guess guess[2],
                         struct rt_arena *arena, const char *pairing)
{
    const struct rt_guess *first = &guess[0];
    bool both_dates = (guess[0].type == RT_TYPE_DATE || guess[0].type == RT_TYPE_DATETIME) &&
                      (guess[1].type == RT_TYPE_DATE || guess[1].type == RT_TYPE_DATETIME);

    line->sure = guess[0].sure > guess[1].sure ? guess[0].sure : guess[1].sure;
    if (guess[0].type != guess[1].type && !both_dates) {
        line->type = RT_TYPE_TEXT;
        line->sure = RT_UNSURE;
        line->why = rt_arena_printf(arena, "%s, but one side has %s, the other %s: taken as text",
                                    pairing, guess[0].why, guess[1].why);
        return;
    }
    if (both_dates && guess[1].type == RT_TYPE_DATETIME)
        first = &guess[1];
    line->type = first->type;
    for (int s = 0; s < 2; s++)
        line->format[s] = guess[s].format;
    line->why = strcmp(guess[0].why, guess[1].why) == 0
                    ? rt_arena_printf(arena, "%s; %s", pairing, first->why)
                    : rt_arena_printf(arena, "%s; %s, and %s", pairing, guess[0].why, guess[1].why);
}

static void propose_single(struct rt_draft_line *line, enum rt_side side, bool has_other,
                           struct rt_guess guess, struct rt_arena *arena)
{
    line->type = guess.type;
    line->format[side] = guess.format;
    line->sure = RT_UNSURE;
    if (has_other) {
        line->direction = RT_DIR_NONE;
        line->why = rt_arena_printf(
            arena, "%s; no such column on the other side, so it is not sent", guess.why);
        return;
    }
    line->header[rt_side_other(side)] = line->header[side];
    line->format[rt_side_other(side)] = guess.format;
    line->why = rt_arena_printf(
        arena, "%s; no sample of the other side: the same header is assumed", guess.why);
}

/* A time of the last change is no content: it would go back and forth. */
static void mark_modified_at(const struct rt_draft *draft, struct rt_draft_line *line)
{
    static const char *const names[] = {
        "modifiedat", "lastmodified", "lastmodifiedat", "lastmodifieddate", "modifieddate",
        "modified",   "updatedat",    "lastupdated",    "dateupdated",      "datemodified"};
    char name[64];

    normalise(line->field, name);
    if (line->type != RT_TYPE_DATE && line->type != RT_TYPE_DATETIME)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0 && !has_role(draft, RT_ROLE_MODIFIED_AT)) {
            line->role = RT_ROLE_MODIFIED_AT;
            line->direction = RT_DIR_BOTH;
            line->sure = RT_UNSURE;
            line->why = "called like the time of the last change: takes part in nothing else";
        }
}

static void propose_column(struct rt_draft *draft, const struct rt_sample *const sample[2],
                           enum rt_side side, size_t column, struct rt_arena *arena)
{
    enum rt_side other = rt_side_other(side);
    const char *header = sample[side]->headers[column];
    struct rt_draft_line line = {.field = field_name(draft, header, arena),
                                 .direction = RT_DIR_BOTH};
    struct rt_guess guess[2];
    size_t at = find_named(draft, sample[other], other, header), shared = 0;

    line.header[side] = header;
    guess[side] = rt_draft_guess(sample[side], column, arena);
    if (at == NO_COLUMN && sample[other] != NULL)
        at = find_by_values(draft, sample, side, column, &shared);
    if (at == NO_COLUMN) {
        propose_single(&line, side, sample[other] != NULL, guess[side], arena);
    } else {
        line.header[other] = sample[other]->headers[at];
        guess[other] = rt_draft_guess(sample[other], at, arena);
        join_guesses(&line, guess, arena,
                     shared ? rt_arena_printf(arena, "paired by %zu values that both have", shared)
                            : "the same name");
        if (shared && line.sure == RT_SURE)
            line.sure = RT_LIKELY;
    }
    mark_modified_at(draft, &line);
    rt_draft_add(draft, line);
}

void rt_draft_propose(struct rt_draft *draft, const struct rt_sample *const sample[2],
                      const char *const label[2], struct rt_arena *arena)
{
    for (int s = 0; s < 2; s++)
        respell(draft, sample[s], (enum rt_side)s, arena);
    propose_ids(draft, sample, label);
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; sample[s] != NULL && i < sample[s]->columns; i++)
            if (sample[s]->headers[i][0] && !is_used(draft, (enum rt_side)s, sample[s]->headers[i]))
                propose_column(draft, sample, (enum rt_side)s, i, arena);
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
        rt_buf_add_str(out, "\n");
    }
}
