#include "lib/draft_internal.h"

#include "lib/digest.h"

#include <ctype.h>
#include <stdlib.h>

#define MOST_PARTS 3
#define MOST_LINKS 64

/* One way of reading which columns hold the ID that a side gives: on that side, and on the other.
 */
struct link {
    size_t own[MOST_PARTS], other[MOST_PARTS]; /* other[0] is RT_NO_COLUMN: there is none */
    size_t parts, shared;
    int score;
};

struct links {
    struct link link[MOST_LINKS];
    size_t count;
};

static const char *header_of(const struct rt_drafting *d, int side, size_t column)
{
    return d->column[side][column].header;
}

/* Is the label of that side, or "external" or "native", in the header? */
static bool mentions(const struct rt_drafting *d, const char *header, int side)
{
    const char *labels[] = {d->label[side], rt_side_name((enum rt_side)side)};

    for (int i = 0; i < 2; i++) {
        const char *p = header, *at = labels[i];

        for (; *p && *at; p++) {
            while (*at && !isalnum((unsigned char)*at))
                at++;
            if (!isalnum((unsigned char)*p))
                continue;
            at = tolower((unsigned char)*p) == tolower((unsigned char)*at) ? at + 1 : labels[i];
        }
        if (*at == '\0' && *labels[i])
            return true;
    }
    return false;
}

/* The preset's line of the ID that the side gives, or NULL. */
static struct rt_draft_line *line_of(const struct rt_drafting *d, int side)
{
    for (size_t i = 0; i < d->draft->count; i++)
        if (d->draft->lines[i].role == rt_role_of_id((enum rt_side)side))
            return &d->draft->lines[i];
    return NULL;
}

/* Does a preset call the ID of side `of` so, in files of side `in`? */
static bool is_hinted(const struct rt_drafting *d, int of, int in, const char *header)
{
    const struct rt_draft_line *line = line_of(d, of);

    return line != NULL && line->header[in] != NULL &&
           rt_name_likeness(line->header[in], header) == RT_NAMES_ARE_SAME;
}

/* How many distinct values two columns share. */
size_t rt_draft_shared(const struct rt_draft_column *a, const struct rt_draft_column *b)
{
    size_t i = 0, k = 0, shared = 0;

    while (i < a->key_count && k < b->key_count) {
        shared += a->keys[i] == b->keys[k];
        if (a->keys[i] < b->keys[k])
            i++;
        else if (a->keys[i] > b->keys[k])
            k++;
        else {
            i++;
            k++;
        }
    }
    return shared;
}

/* ---- candidates ---- */

static int own_score(const struct rt_drafting *d, int side, size_t column)
{
    const char *header = header_of(d, side, column);

    return 2 * rt_name_id_score(header) + (is_hinted(d, side, side, header) ? 12 : 0) +
           (mentions(d, header, side) ? 2 : 0) - (mentions(d, header, !side) ? 4 : 0) +
           (column == 0);
}

/* What speaks for column b of the other side holding what `own` of `side` gives; -1: nothing. */
static int other_score(const struct rt_drafting *d, int side, size_t own, size_t b, size_t *shared)
{
    const struct rt_draft_column *mine = &d->column[side][own], *theirs = &d->column[!side][b];
    enum rt_likeness name = rt_name_likeness(mine->header, theirs->header);
    bool is_hint = is_hinted(d, side, !side, theirs->header);
    int id = rt_name_id_score(theirs->header), score;

    *shared = rt_draft_shared(mine, theirs);
    if (!is_hint && !(*shared && (id > 0 || *shared > 2)) &&
        !(id > 0 && (name >= RT_NAMES_MEAN_THE_SAME || mentions(d, theirs->header, side))))
        return -1;
    score = *shared ? 4 + (int)(6 * *shared / theirs->key_count) : 0;
    score += name == RT_NAMES_ARE_SAME ? 4 : (int)name;
    score += (is_hint ? 12 : 0) + (mentions(d, theirs->header, side) ? 3 : 0) + (id > 0);
    return score - (b == 0 && theirs->is_unique ? 2 : 0);
}

static void keep(struct links *links, struct link link)
{
    size_t worst = 0;

    if (links->count < MOST_LINKS) {
        links->link[links->count++] = link;
        return;
    }
    for (size_t i = 1; i < links->count; i++)
        if (links->link[i].score < links->link[worst].score)
            worst = i;
    if (links->link[worst].score < link.score)
        links->link[worst] = link;
}

static void add_links(const struct rt_drafting *d, int side, size_t own, struct links *links)
{
    struct link link = {.own = {own}, .other = {RT_NO_COLUMN}, .parts = 1};
    int score = own_score(d, side, own);

    link.score = score;
    keep(links, link);
    for (size_t b = 0; b < rt_drafting_columns(d, !side); b++) {
        int more = other_score(d, side, own, b, &link.shared);

        link.other[0] = b;
        link.score = score + more;
        if (more >= 0)
            keep(links, link);
    }
}

static bool is_full(const struct rt_drafting *d, int side, size_t column)
{
    return d->sample[side]->rows > 0 && d->column[side][column].filled == d->sample[side]->rows;
}

/* ---- IDs of several columns ---- */

static uint64_t tuple_key(const struct rt_sample *sample, size_t row, const size_t *columns,
                          size_t parts)
{
    struct rt_hasher *hasher;
    size_t filled = 0;
    uint64_t key;

    if (parts == 1)
        return rt_sample_cell(sample, row, columns[0]).len
                   ? rt_digest_of(rt_sample_cell(sample, row, columns[0])).low | 1
                   : 0;
    hasher = rt_hasher_new();
    for (size_t i = 0; i < parts; i++) {
        filled += rt_sample_cell(sample, row, columns[i]).len != 0;
        rt_hasher_add(hasher, rt_sample_cell(sample, row, columns[i]));
    }
    key = filled ? rt_hasher_end(hasher).low | 1 : 0;
    rt_hasher_free(hasher);
    return key;
}

static bool is_unique_tuple(const struct rt_sample *sample, const size_t *columns, size_t parts)
{
    uint64_t *keys = rt_xcalloc(sample->rows + 1, sizeof *keys);
    bool is_unique = true;

    for (size_t r = 0; r < sample->rows; r++)
        keys[r] = tuple_key(sample, r, columns, parts);
    qsort(keys, sample->rows, sizeof *keys, rt_draft_compare_keys);
    for (size_t r = 1; r < sample->rows; r++)
        is_unique = is_unique && keys[r] != keys[r - 1];
    free(keys);
    return is_unique;
}

/* The column of the other side for one part. */
static size_t best_other(const struct rt_drafting *d, int side, const struct link *link, size_t own)
{
    size_t best = RT_NO_COLUMN, shared;
    int best_score = -1;

    for (size_t b = 0; b < rt_drafting_columns(d, !side); b++) {
        int score = other_score(d, side, own, b, &shared);

        for (size_t i = 0; i < link->parts; i++)
            score = link->other[i] == b ? -1 : score;
        if (score > best_score) {
            best = b;
            best_score = score;
        }
    }
    return best;
}

static bool add_tuple(const struct rt_drafting *d, int side, const size_t *own, size_t parts,
                      struct links *links)
{
    struct link link = {0};
    bool is_everywhere = true;

    if (!is_unique_tuple(d->sample[side], own, parts))
        return false;
    while (link.parts < parts) {
        size_t b = best_other(d, side, &link, own[link.parts]);

        link.own[link.parts] = own[link.parts];
        link.other[link.parts++] = b;
        link.score += own_score(d, side, own[link.parts - 1]);
        is_everywhere = is_everywhere && b != RT_NO_COLUMN;
    }
    if (!is_everywhere)
        link.other[0] = RT_NO_COLUMN;
    if (parts > 0)
        link.score /= (int)parts;
    link.shared = is_everywhere ? 2 : 0;
    keep(links, link);
    return true;
}

/* Two, and if need be three, columns that are called like IDs and are different together. */
static void add_tuples(const struct rt_drafting *d, int side, struct links *links)
{
    size_t columns[16], n = 0, own[MOST_PARTS];
    bool found = false;

    for (size_t i = 0; i < rt_drafting_columns(d, side) && n < 16; i++)
        if (is_full(d, side, i) && rt_name_id_score(header_of(d, side, i)) > 0)
            columns[n++] = i;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            own[0] = columns[a];
            own[1] = columns[b];
            found = add_tuple(d, side, own, 2, links) || found;
        }
    for (size_t a = 0; a < n && !found; a++)
        for (size_t b = a + 1; b < n; b++)
            for (size_t c = b + 1; c < n; c++) {
                own[0] = columns[a];
                own[1] = columns[b];
                own[2] = columns[c];
                (void)add_tuple(d, side, own, 3, links);
            }
}

static bool is_linked(const struct links *links)
{
    for (size_t i = 0; i < links->count; i++)
        if (links->link[i].shared)
            return true;
    return false;
}

/* A sample that was put together from several files shows some records twice. */
static void add_repeated(const struct rt_drafting *d, int side, struct links *links)
{
    for (size_t i = 0; i < rt_drafting_columns(d, side); i++) {
        const struct rt_draft_column *column = &d->column[side][i];

        if (is_full(d, side, i) && !column->is_unique && rt_name_id_score(column->header) >= 4 &&
            column->key_count * 2 > column->filled)
            add_links(d, side, i, links);
    }
}

static void find_links(const struct rt_drafting *d, int side, struct links *links)
{
    size_t count = rt_drafting_columns(d, side);

    for (size_t i = 0; i < count; i++) {
        bool is_hint = is_hinted(d, side, side, header_of(d, side, i));

        if (is_hint || (is_full(d, side, i) && d->column[side][i].is_unique &&
                        rt_name_id_score(header_of(d, side, i)) > 0))
            add_links(d, side, i, links);
    }
    if (!is_linked(links))
        add_repeated(d, side, links);
    if (links->count == 0 && line_of(d, side) == NULL)
        add_tuples(d, side, links);
    for (size_t i = 0; i < count && links->count == 0; i++)
        if (is_full(d, side, i) && d->column[side][i].is_unique)
            add_links(d, side, i, links);
}

/* ---- the two together ---- */

static bool is_apart(const struct link *a, const struct link *b)
{
    for (size_t i = 0; i < a->parts; i++)
        for (size_t k = 0; k < b->parts; k++)
            if (a->own[i] == b->other[k] || (a->other[i] == b->own[k]))
                return false;
    return true;
}

static void choose(const struct links links[2], const struct link *chosen[2])
{
    int best = -1;

    for (size_t i = 0; i < links[0].count; i++)
        for (size_t k = 0; k < links[1].count; k++) {
            const struct link *a = &links[0].link[i], *b = &links[1].link[k];

            if (a->score + b->score > best && is_apart(a, b)) {
                best = a->score + b->score;
                chosen[0] = a;
                chosen[1] = b;
            }
        }
    for (int s = 0; s < 2 && chosen[0] == NULL && chosen[1] == NULL; s++)
        for (size_t i = 0; i < links[s].count; i++)
            if (chosen[s] == NULL || links[s].link[i].score > chosen[s]->score)
                chosen[s] = &links[s].link[i];
}

/* ---- lines ---- */

/* How well its own column does as an ID: one that is called like an ID need not be one. */
static const char *tell_own(const struct rt_drafting *d, int side, const struct link *link)
{
    const struct rt_draft_column *column = &d->column[side][link->own[0]];
    size_t rows = d->sample[side]->rows;

    if (link->parts > 1)
        return "filled, and different together in every row";
    if (rows == 0)
        return "the sample has no row";
    if (column->filled < rows)
        return rt_arena_printf(d->arena, "%zu of %zu rows have none", rows - column->filled, rows);
    if (!column->is_unique)
        return rt_arena_printf(d->arena, "%zu of %zu rows hold the ID of another row",
                               column->filled - column->key_count, rows);
    return "filled and different in every row";
}

/* A database that never took one from the platform has the column for it, and it is empty. */
static const char *tell_missing(const struct rt_drafting *d, int side)
{
    for (size_t i = 0; i < rt_drafting_columns(d, !side); i++)
        if (d->sample[!side]->rows > 0 && d->column[!side][i].filled == 0 &&
            !d->column[!side][i].is_used && rt_name_id_score(header_of(d, !side, i)) >= 3)
            return rt_arena_printf(
                d->arena,
                "no column of the other side shows it; if the empty %s is there for it, put "
                "that here, in place of its own line; else give fields the role fingerprint",
                header_of(d, !side, i));
    return "the other side has no column for it: give fields the role fingerprint";
}

static void tell(const struct rt_drafting *d, int side, const struct link *link,
                 struct rt_draft_line *line)
{
    const char *own = tell_own(d, side, link);

    line->sure =
        d->sample[side]->rows > 1 && own_score(d, side, link->own[0]) >= 4 ? RT_SURE : RT_LIKELY;
    line->why = own;
    if (d->sample[!side] == NULL) {
        line->sure = RT_UNSURE;
        line->why =
            rt_arena_printf(d->arena, "%s; no sample of the other side: %s", own,
                            line->header[!side] ? "the header is assumed" : "none is known");
    } else if (link->other[0] == RT_NO_COLUMN) {
        line->sure = RT_UNSURE;
        line->why = tell_missing(d, side);
    } else if (link->shared) {
        line->why = rt_arena_printf(d->arena, "%s; the other side shows the same values", own);
        line->sure = link->shared == 1 && line->sure == RT_SURE ? RT_LIKELY : line->sure;
    } else {
        line->sure = RT_LIKELY;
        line->why =
            rt_arena_printf(d->arena, "%s; paired by name, as no value is on both sides", own);
    }
}

static void reserve(struct rt_drafting *d, int side, const struct link *link)
{
    for (size_t i = 0; link != NULL && i < link->parts; i++) {
        d->column[side][link->own[i]].is_used = true;
        if (link->other[0] != RT_NO_COLUMN)
            d->column[!side][link->other[i]].is_used = true;
    }
}

static void use(struct rt_drafting *d, int side, size_t column, struct rt_draft_line *line)
{
    line->header[side] = header_of(d, side, column);
    d->column[side][column].is_used = true;
}

static void write_link(struct rt_drafting *d, int side, const struct link *link)
{
    for (size_t i = 0; i < link->parts; i++) {
        struct rt_draft_line *there = line_of(d, side);
        const char *simple = side == RT_EXTERNAL ? "external_id" : "native_id";
        struct rt_draft_line line = {.role = rt_role_of_id((enum rt_side)side), .type = RT_TYPE_ID};

        line.field = link->parts == 1
                         ? simple
                         : rt_name_of_field(d->draft, header_of(d, side, link->own[i]), d->arena);
        if (there != NULL && link->parts == 1)
            line = *there;
        use(d, side, link->own[i], &line);
        if (d->sample[!side] != NULL && link->other[0] == RT_NO_COLUMN)
            line.header[!side] = NULL;
        else if (d->sample[!side] != NULL)
            use(d, !side, link->other[i], &line);
        else if (line.header[!side] == NULL)
            line.header[!side] = line.header[side];
        tell(d, side, link, &line);
        if (there != NULL && link->parts == 1)
            *there = line;
        else
            rt_draft_add(d->draft, line);
    }
}

/* No column of that side looks like its own ID, or there is no sample of it. */
static void write_missing(struct rt_drafting *d, int side)
{
    struct rt_draft_line *there = line_of(d, side), line;
    size_t best = RT_NO_COLUMN;
    int best_score = 7;

    if (there == NULL) {
        line = (struct rt_draft_line){.field = side == RT_EXTERNAL ? "external_id" : "native_id",
                                      .role = rt_role_of_id((enum rt_side)side),
                                      .type = RT_TYPE_ID,
                                      .why = "no column looks like it: write the headers"};
        line.header[0] = line.header[1] = line.field;
    } else {
        line = *there;
        line.why = rt_arena_printf(d->arena, "%s; not seen in a sample", there->why);
    }
    line.sure = RT_UNSURE;
    for (size_t i = 0; i < rt_drafting_columns(d, !side); i++) {
        int score = d->column[!side][i].is_used
                        ? 0
                        : 2 * rt_name_id_score(header_of(d, !side, i)) +
                              mentions(d, header_of(d, !side, i), side) +
                              12 * is_hinted(d, side, !side, header_of(d, !side, i));

        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    if (best != RT_NO_COLUMN) {
        use(d, !side, best, &line);
        if (there == NULL)
            line.header[side] = line.header[!side];
        line.why = "called like an ID";
    }
    if (there != NULL)
        *there = line;
    else
        rt_draft_add(d->draft, line);
}

/* ---- rows of the same record ---- */

struct place {
    uint64_t key;
    size_t row;
};

static int compare_places(const void *a, const void *b)
{
    return rt_draft_compare_keys(&((const struct place *)a)->key, &((const struct place *)b)->key);
}

/* Joins by the ID that the side gives: its rows are looked up by what the other side's rows show.
 */
static void join_by(struct rt_drafting *d, int side, const struct link *link)
{
    const struct rt_sample *mine = d->sample[side], *theirs = d->sample[!side];
    struct place *places = rt_xcalloc(mine->rows + 1, sizeof *places);

    for (size_t r = 0; r < mine->rows; r++)
        places[r] = (struct place){tuple_key(mine, r, link->own, link->parts), r};
    qsort(places, mine->rows, sizeof *places, compare_places);
    for (size_t r = 0; r < theirs->rows; r++) {
        struct place wanted = {tuple_key(theirs, r, link->other, link->parts), 0}, *at;
        size_t external, native;

        at = wanted.key ? bsearch(&wanted, places, mine->rows, sizeof *places, compare_places)
                        : NULL;
        if (at == NULL)
            continue;
        external = side == RT_EXTERNAL ? at->row : r;
        native = side == RT_EXTERNAL ? r : at->row;
        if (d->partner[external] == RT_NO_COLUMN)
            d->joined++;
        d->partner[external] = native;
    }
    free(places);
}

void rt_draft_propose_ids(struct rt_drafting *d)
{
    struct links links[2] = {0};
    const struct link *chosen[2] = {NULL, NULL};

    for (int s = 0; s < 2; s++)
        if (d->sample[s] != NULL)
            find_links(d, s, &links[s]);
    choose((const struct links *)links, chosen);
    for (int s = 0; s < 2; s++)
        reserve(d, s, chosen[s]);
    for (int s = 0; s < 2; s++)
        if (chosen[s] != NULL)
            write_link(d, s, chosen[s]);
        else
            write_missing(d, s);
    if (d->sample[0] == NULL || d->sample[1] == NULL)
        return;
    d->partner = rt_arena_alloc(d->arena, (d->sample[0]->rows + 1) * sizeof *d->partner);
    for (size_t r = 0; r < d->sample[0]->rows; r++)
        d->partner[r] = RT_NO_COLUMN;
    for (int s = 0; s < 2; s++)
        if (chosen[s] != NULL && chosen[s]->other[0] != RT_NO_COLUMN)
            join_by(d, s, chosen[s]);
}
