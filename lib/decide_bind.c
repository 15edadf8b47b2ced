#include "lib/decide_internal.h"

#include "lib/source.h"
#include "lib/utf8.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- one pair ---- */

static bool is_text(struct rt_slice id)
{
    return memchr(id.ptr, '\0', id.len) == NULL && rt_utf8_is_valid(id);
}

/* Is it an ID of that side?  Else why not, in words. */
static bool check_id(const struct rt_schema *schema, enum rt_side side, struct rt_slice id,
                     struct rt_buf *why)
{
    size_t count = schema->id_count[side];
    const char *damage, *name = rt_side_name(side);
    struct rt_arena arena = {0};
    struct rt_slice *parts;
    bool is_right = true;

    if (id.len == 0) {
        rt_buf_printf(why, "the %s ID is empty", name);
        return false;
    }
    if (!is_text(id)) {
        rt_buf_printf(why, "the %s ID is not UTF-8", name);
        return false;
    }
    parts = rt_arena_alloc(&arena, (count + 1) * sizeof *parts);
    if (rt_id_split(id, count, &arena, parts) != count) {
        rt_buf_printf(why, "the %s ID has %zu parts, written a|b", name, count);
        is_right = false;
    }
    for (size_t i = 0; is_right && i < count; i++) {
        damage = parts[i].len ? rt_id_damage(parts[i]) : "a part of it is empty";
        if (damage == NULL)
            continue;
        rt_buf_printf(why, "the %s ID is wrong: %s", name, damage);
        is_right = false;
    }
    rt_arena_clear(&arena);
    return is_right;
}

static int journal_pair(struct rt_work *work, const struct rt_record *record, enum rt_teller teller,
                        struct rt_err *err)
{
    json_t *members =
        teller == RT_TOLD_BY_LOADER ? json_pack("{s:s}", "by", "load") : json_object();

    rt_decide_add_ids(members, record);
    return rt_decide_journal(work, "bind", members, err);
}

/* Learns the ID that is lacking, or makes one record of two. */
static int learn(struct rt_work *work, const struct rt_slice id[2], enum rt_teller teller,
                 struct rt_found *found, struct rt_arena *arena, struct rt_err *err)
{
    static const char *const words[] = {"a person said that the two IDs are one record",
                                        "the loader said that the two IDs are one record"};
    struct rt_record *record = found->at[0] ? found->at[0] : found->at[1];
    struct rt_observed observed;
    struct rt_record ahead;

    if (record == NULL) {
        rt_record_init(&ahead);
        for (int s = 0; s < 2; s++)
            ahead.end[s].id = id[s];
        record = &ahead;
        if (rt_book_save(work, record, err) < 0)
            return -1;
    }

    if (found->verdict == RT_IDENTITY_JOIN &&
        rt_book_join(work, found->at[RT_EXTERNAL], found->at[RT_NATIVE], arena, &observed, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if (record->end[s].id.len == 0)
            record->end[s].id = id[s];
    if (rt_book_note(work, record, -1, "bind", words[teller], err) < 0 ||
        journal_pair(work, record, teller, err) < 0)
        return -1;
    return rt_decide_save(work, record, err);
}

/* Finds the records of a pair; an ID that was changed since an insert carried it is the one of now.
 */
static int find(struct rt_work *work, struct rt_slice id[2], struct rt_arena *arena,
                struct rt_found *found, struct rt_err *err)
{
    int rc = rt_book_find(work, id, RT_EXTERNAL, arena, found, err);

    for (int s = 0; s < 2 && rc == 0 && found->verdict == RT_IDENTITY_NEW; s++) {
        rc = rt_book_find_renamed(work, (enum rt_side)s, true, &id[s], arena, err);
        if (rc == 1)
            rc = rt_book_find(work, id, RT_EXTERNAL, arena, found, err);
    }
    return rc;
}

int rt_decide_bind(struct rt_work *work, const struct rt_slice pair[2], enum rt_teller teller,
                   enum rt_bound *outcome, struct rt_buf *why, struct rt_err *err)
{
    struct rt_slice id[2] = {pair[0], pair[1]};
    struct rt_arena arena = {0};
    struct rt_found found;
    int rc = 0;

    *outcome = RT_BOUND_REJECTED;
    for (int s = 0; s < 2; s++)
        if (!check_id(work->rules.schema, (enum rt_side)s, id[s], why))
            return 0;
    if (find(work, id, &arena, &found, err) < 0) {
        rc = -1;
    } else if (found.verdict == RT_IDENTITY_NEW) {
        *outcome = RT_BOUND_AHEAD;
        rc = learn(work, id, teller, &found, &arena, err);
    } else if (found.verdict == RT_IDENTITY_MATCH) {
        *outcome = RT_BOUND_BEFORE;
    } else if (found.verdict == RT_IDENTITY_CLASH) {
        const struct rt_record *records[2] = {found.at[0], found.at[1]};

        rt_identity_explain(id, records, why);
        rt_buf_add_str(why, ": a bound ID changes with roundtrip bind --rekey alone");
    } else {
        *outcome = RT_BOUND;
        rc = learn(work, id, teller, &found, &arena, err);
    }
    rt_arena_clear(&arena);
    return rc;
}

/* ---- a crosswalk ---- */

struct crosswalk {
    struct rt_work *work;
    const char *name;
    enum rt_teller teller;
    struct rt_bind_counts *counts;
    size_t *column[2];     /* of the parts of each side's ID */
    struct rt_arena arena; /* a row's */
};

static bool find_column(const struct rt_slice *header, size_t count, const char *name,
                        size_t *column)
{
    for (*column = 0; *column < count; ++*column)
        if (rt_slice_is_str(header[*column], name))
            return true;
    return false;
}

static int map_side(struct crosswalk *walk, enum rt_side side, const struct rt_slice *header,
                    size_t count, struct rt_err *err)
{
    const struct rt_schema *schema = walk->work->rules.schema;
    const char *usual = side == RT_EXTERNAL ? "external_id" : "native_id";
    size_t parts = schema->id_count[side];

    walk->column[side] = rt_xcalloc(parts + 1, sizeof *walk->column[side]);
    if (parts <= 1 && find_column(header, count, usual, &walk->column[side][0]))
        return 0;
    for (size_t i = 0; i < parts; i++)
        if (!find_column(header, count, schema->id[side][i]->name, &walk->column[side][i]))
            return rt_err_set(
                err, RT_DATA, "%s: line 1: there is no column \"%s\": a crosswalk has %s",
                walk->name, parts > 1 ? schema->id[side][i]->name : usual,
                parts > 1 ? "a column for each ID field, named as in schema.csv"
                          : "the columns external_id and native_id, with a comma between them");
    return 0;
}

static struct rt_slice read_id(struct crosswalk *walk, enum rt_side side,
                               const struct rt_csv_row *row)
{
    size_t count = walk->work->rules.schema->id_count[side];
    struct rt_slice *parts = rt_arena_alloc(&walk->arena, (count + 1) * sizeof *parts),
                    id = {NULL, 0};
    struct rt_buf joined = {0};

    if (count <= 1)
        return rt_id_in_cell(row->cells[walk->column[side][0]]);
    for (size_t i = 0; i < count; i++)
        parts[i] = rt_id_in_cell(row->cells[walk->column[side][i]]);
    if (rt_id_join(parts, count, &joined) == 0)
        id = rt_arena_dup(&walk->arena, rt_buf_slice(&joined));
    rt_buf_clear(&joined);
    return id;
}

static int bind_row(struct crosswalk *walk, const struct rt_csv_row *row, struct rt_err *err)
{
    enum rt_bound outcome = RT_BOUND_REJECTED;
    struct rt_buf why = {0};
    struct rt_slice id[2];
    int rc = 0;

    rt_arena_reset(&walk->arena);
    if (row->fault != NULL) {
        rt_buf_add_str(&why, row->fault);
    } else {
        for (int s = 0; s < 2; s++)
            id[s] = read_id(walk, (enum rt_side)s, row);
        rc = rt_decide_bind(walk->work, id, walk->teller, &outcome, &why, err);
    }
    if (rc == 0) {
        walk->counts->of[outcome]++;
        if (why.len)
            rt_log_warn(walk->work->log, "%s:%" PRIu64 ": %s", walk->name, row->line,
                        rt_buf_str(&why));
    }
    rt_buf_clear(&why);
    return rc;
}

int rt_decide_bind_csv(struct rt_work *work, const struct rt_source *source, const char *name,
                       enum rt_teller teller, struct rt_bind_counts *counts, struct rt_err *err)
{
    struct crosswalk walk = {.work = work, .name = name, .teller = teller, .counts = counts};
    struct rt_csv_options options = {.delimiter = ','};
    struct rt_csv_reader *reader = NULL;
    const struct rt_slice *header;
    struct rt_csv_row row;
    size_t count;
    int rc = -1;

    *counts = (struct rt_bind_counts){{0}};
    if (rt_csv_open(source, name, &options, &reader, err) < 0)
        return -1;
    header = rt_csv_header(reader, &count);
    if (map_side(&walk, RT_EXTERNAL, header, count, err) < 0 ||
        map_side(&walk, RT_NATIVE, header, count, err) < 0)
        goto out;
    while ((rc = rt_csv_next(reader, &row, err)) == 1)
        if (bind_row(&walk, &row, err) < 0) {
            rc = -1;
            break;
        }
out:
    rt_csv_close(reader);
    rt_arena_clear(&walk.arena);
    free(walk.column[0]);
    free(walk.column[1]);
    return rc;
}

int rt_decide_bind_file(struct rt_work *work, const char *path, struct rt_bind_counts *counts,
                        struct rt_err *err)
{
    const char *slash = strrchr(path, '/');
    struct rt_source_file *file = NULL;
    struct rt_source source;
    int rc;

    if (rt_source_open(path, &file, &source, err) < 0)
        return -1;
    rc =
        rt_decide_bind_csv(work, &source, slash ? slash + 1 : path, RT_TOLD_BY_PERSON, counts, err);
    rt_source_close(file);
    return rc;
}

/* ---- a changed ID ---- */

/* A row that waits in the outbox goes out with the ID that it was written with. */
static int tell_outbox(struct rt_work *work, int64_t rid, enum rt_side side, struct rt_slice from,
                       struct rt_err *err)
{
    struct rt_delta_row newest, handed;

    if (rt_store_last_row(work->store, rid, side, RT_DELTA_COMMITTED, &newest, err) < 0 ||
        rt_store_last_row(work->store, rid, side, RT_DELTA_HANDED, &handed, err) < 0)
        return -1;
    if (newest.delta != handed.delta)
        rt_log_warn(work->log,
                    "delta %" PRId64 " in the outbox still has the %s ID %.*s: roundtrip withdraw "
                    "%" PRId64 " before the next push; its rows are due again",
                    newest.delta, rt_side_name(side), RT_SLICE_FMT(from), newest.delta);
    return 0;
}

static int change_id(struct rt_work *work, int64_t rid, enum rt_side side, struct rt_slice from,
                     struct rt_slice to, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_record record;
    char *text = rt_xasprintf("%s ID %.*s became %.*s", rt_side_name(side), RT_SLICE_FMT(from),
                              RT_SLICE_FMT(to));
    json_t *members = json_pack("{s:s, s:s%, s:s%}", "side", rt_side_name(side), "from", from.ptr,
                                from.len, "to", to.ptr, to.len);
    int rc = rt_store_load(work->store, rid, &arena, &record, err);

    if (rc == 0) {
        record.end[side].id = to;
        rt_end_forget_other_id(&record.end[rt_side_other(side)]);
        rc = rt_book_note(work, &record, (int)side, "rekey", text, err);
    }
    if (rc == 0)
        rc = rt_decide_save(work, &record, err);
    if (rc == 0)
        rc = rt_decide_journal(work, "rekey", json_incref(members), err);
    if (rc == 0)
        rc = tell_outbox(work, rid, side, from, err);
    json_decref(members);
    free(text);
    rt_arena_clear(&arena);
    return rc;
}

int rt_decide_rekey(struct rt_work *work, enum rt_side side, struct rt_slice from,
                    struct rt_slice to, struct rt_err *err)
{
    struct rt_buf why = {0};
    int64_t rid, other;
    int rc = rt_store_find(work->store, side, from, &rid, err);

    if (rc == 0)
        rc = rt_err_set(err, RT_USAGE,
                        "%.*s: no record has this %s ID: give the one that it has now",
                        RT_SLICE_FMT(from), rt_side_name(side));
    else if (rc == 1 && !check_id(work->rules.schema, side, to, &why))
        rc = rt_err_set(err, RT_USAGE, "%.*s: %s", RT_SLICE_FMT(to), rt_buf_str(&why));
    rt_buf_clear(&why);
    if (rc != 1)
        return -1;
    rc = rt_store_find(work->store, side, to, &other, err);
    if (rc < 0 || other == rid)
        return rc < 0 ? -1 : 0;
    if (rc == 1)
        return rt_err_set(err, RT_USAGE,
                          "%.*s: another record has this %s ID already: roundtrip show tells which",
                          RT_SLICE_FMT(to), rt_side_name(side));
    return change_id(work, rid, side, from, to, err);
}
