#include "lib/intake_internal.h"

#include "lib/json_of.h"
#include "lib/store_schema.h"
#include "lib/suspect.h"

#include <stdlib.h>

void rt_intake_count(struct rt_intake *in, enum rt_change change)
{
    in->counts.of[change]++;
}

void rt_intake_count_known(struct rt_intake *in, int64_t rid)
{
    rt_intake_count(in, rt_rid_set_add(&in->seen, rid) ? RT_CHANGE_UNCHANGED : RT_CHANGE_REPEATED);
    if (in->work->rules.is_baseline) /* which tells of all that its files show */
        rt_work_touch(in->work, rid);
}

const char *rt_intake_where(const struct rt_intake *in)
{
    return in->work->is_dry ? "emit would put it on the review list" : "see roundtrip review";
}

char *rt_intake_row_json(const struct rt_work *work, const struct rt_row *row)
{
    const struct rt_schema *schema = work->rules.schema;
    json_t *values = json_object(), *root;
    char *text;

    for (size_t i = 0; i < schema->content_count; i++)
        if (rt_value_is_known(row->content->value[i]))
            json_object_set_new(values, schema->content[i]->name,
                                rt_json_of_text(row->content->value[i].raw));
    root =
        json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:b, s:I, s:o}", "side", rt_side_name(row->side),
                  "file", (json_int_t)row->file, "line", (json_int_t)row->line, "stamp",
                  (json_int_t)row->stamp, "external_id", rt_json_of_text(row->id[RT_EXTERNAL]),
                  "native_id", rt_json_of_text(row->id[RT_NATIVE]), "is_deleted", row->is_deleted,
                  "layout", (json_int_t)rt_store_layout(work->store), "values", values);
    if (row->modified_at != RT_NEVER)
        json_object_set_new(root, "modified_at", json_integer((json_int_t)row->modified_at));
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

/* ---- rejected rows ---- */

/* Is it the same row again, of another file? */
static json_t *print_of(const struct rt_csv_row *csv)
{
    struct rt_hasher *hasher = rt_hasher_new();
    char hex[RT_DIGEST_HEX];

    for (size_t i = 0; i < csv->count; i++)
        rt_hasher_add(hasher, csv->cells[i]);
    rt_digest_hex(rt_hasher_end(hasher), hex);
    rt_hasher_free(hasher);
    return json_string(hex);
}

static int reject(struct rt_intake *in, const struct rt_csv_row *csv, const struct rt_row *row,
                  const struct rt_row_fault *fault, struct rt_err *err)
{
    struct rt_event event = {.run = in->work->run,
                             .at = in->work->rules.now,
                             .side = (int)in->side,
                             .file = in->file.id,
                             .line = (int64_t)csv->line,
                             .what = rt_change_name(RT_CHANGE_REJECTED)};
    char column[32] = "", *text; /* no column: the row as a whole */
    json_t *detail, *rows;
    int rc;

    rt_intake_count(in, RT_CHANGE_REJECTED);
    in->damaged += fault->is_spreadsheet;
    in->rejects = rt_xgrow(in->rejects, in->reject_count, sizeof *in->rejects);
    in->rejects[in->reject_count++] =
        (struct rt_reject){.offset = csv->offset,
                           .length = csv->length,
                           .line = (int64_t)csv->line,
                           .column = fault->column,
                           .reason = rt_arena_strdup(&in->file_arena, fault->reason)};
    if (fault->column > 0)
        snprintf(column, sizeof column, ", column %zu", fault->column);
    if (in->reject_count <= RT_ROWS_TOLD && rt_rid_set_add(&in->told, (int64_t)csv->line))
        rt_log_warn(in->work->log, "%s: line %llu%s: %s: the row %s set aside in rejects/",
                    in->file.name, (unsigned long long)csv->line, column, fault->reason,
                    in->work->is_dry ? "would be" : "is");
    if (fault->has_id)
        memcpy(event.id_of, row->id, sizeof event.id_of);
    if (!fault->has_id || fault->has_bad_id || csv->fault != NULL)
        in->has_unreadable_id = true; /* the row may be about another record than it seems */
    detail = json_pack("{s:s, s:I}", "text", fault->reason, "column", (json_int_t)fault->column);
    text = json_dumps(detail, JSON_COMPACT);
    event.detail = text;
    rc = rt_store_add_event(in->work->store, &event, err);
    free(text);
    rows = json_pack("[o]", detail);
    json_object_set_new(detail, "side", json_string(rt_side_name(in->side)));
    json_object_set_new(detail, "file", json_integer((json_int_t)in->file.id));
    json_object_set_new(detail, "line", json_integer((json_int_t)csv->line));
    json_object_set_new(detail, "stamp", json_integer((json_int_t)in->file.stamp));
    json_object_set_new(detail, "print", print_of(csv));
    text = json_dumps(rows, JSON_COMPACT);
    rt_intake_add_flaw(in, RT_FLAW_REJECTED, event.id_of, event.line, text);
    json_decref(rows);
    free(text);
    return rc;
}

/* ---- rows that can be read ---- */

static int tell_clash(struct rt_intake *in, const struct rt_row *row, const struct rt_found *found,
                      struct rt_err *err)
{
    const struct rt_record *records[2] = {found->at[0], found->at[1]};
    char *json = rt_intake_row_json(in->work, row), *detail;
    struct rt_buf text = {0};
    struct rt_event event = {.run = in->work->run,
                             .at = in->work->rules.now,
                             .side = (int)in->side,
                             .file = in->file.id,
                             .line = row->line,
                             .what = rt_change_name(RT_CHANGE_CLASH),
                             .id_of = {row->id[0], row->id[1]}};
    int rc;

    rt_intake_count(in, RT_CHANGE_CLASH);
    rt_identity_explain(row->id, records, &text);
    event.detail = detail = rt_json_of_sentence(rt_buf_str(&text));
    rc = rt_intake_is_dismissed(in, &(struct rt_question){RT_KIND_CLASH, json}, NULL, err);
    if (rc == 0 && in->disputed++ < RT_ROWS_TOLD && rt_rid_set_add(&in->told, row->line))
        rt_log_warn(in->work->log, "%s: line %lld: identity clash: %s: %s", in->file.name,
                    (long long)row->line, rt_buf_str(&text), rt_intake_where(in));
    if (rc >= 0)
        rc = rt_store_add_event(in->work->store, &event, err);
    rt_intake_add_flaw(in, RT_FLAW_CLASH, row->id, row->line, json);
    rt_buf_clear(&text);
    free(detail);
    free(json);
    return rc;
}

/* A row that is the same as the one before it in the file counts once (R9). */
static bool is_same_row(const struct rt_intake *in, const struct rt_record *record,
                        const struct rt_row *row)
{
    const struct rt_end *end = &record->end[in->side];
    const struct rt_schema *schema = in->work->rules.schema;

    if (end->seen == NULL ||
        (row->modified_at != RT_NEVER && row->modified_at != end->look.modified_at) ||
        row->is_deleted != end->is_marked)
        return false;
    for (size_t i = 0; i < schema->content_count; i++)
        if (rt_value_is_known(row->content->value[i]) &&
            !rt_value_is_same(schema->content[i], in->side, row->content->value[i],
                              end->seen->value[i]))
            return false;
    return true;
}

static void note_applied(struct rt_intake *in, int64_t rid)
{
    rt_rid_set_add(&in->seen, rid);
    rt_rid_set_add(&in->applied, rid);
}

static const struct rt_observed nothing_joined = {.change = RT_CHANGE_UNCHANGED};

/* Learns IDs (R1).  The record that the row is about is then *record; *joined: what came of a join.
 */
static int settle_identity(struct rt_intake *in, const struct rt_row *row, struct rt_found *found,
                           struct rt_record **record, struct rt_observed *joined,
                           struct rt_err *err)
{
    *record = found->at[0] ? found->at[0] : found->at[1];
    *joined = nothing_joined;
    if (found->verdict == RT_IDENTITY_LEARN || found->verdict == RT_IDENTITY_JOIN)
        in->counts.bound++;
    if (found->verdict == RT_IDENTITY_JOIN) {
        note_applied(in, found->at[1]->rid);
        if (rt_book_join(in->work, found->at[RT_EXTERNAL], found->at[RT_NATIVE], &in->row_arena,
                         joined, err) < 0)
            return -1;
        return rt_book_note(in->work, *record, (int)in->side, "join",
                            "two records turned out to be one", err);
    }
    for (int s = 0; s < 2; s++) {
        if (!row->id[s].len || (*record)->end[s].id.len)
            continue;
        (*record)->end[s].id = row->id[s];
        if (rt_book_note(in->work, *record, (int)in->side, "bind", NULL, err) < 0)
            return -1;
    }
    return 0;
}

/* The row is older than the one that was taken in before: its JSON for the review list, caller
 * frees; NULL, and no question: it was dismissed. */
static int ask_went_back(struct rt_intake *in, struct rt_record *record, const struct rt_row *row,
                         char **rows, struct rt_err *err)
{
    char *json = rt_intake_row_json(in->work, row);
    struct rt_question question = {RT_KIND_WENT_BACK, NULL};
    struct rt_end *end = &record->end[in->side];
    int rc;

    *rows = rt_xasprintf("[%s]", json);
    question.rows = *rows;
    rc = rt_intake_is_dismissed(in, &question, end, err);
    if (rc != 0) {
        rt_end_set_flaw(end, RT_FLAW_NONE, row->stamp);
        free(*rows);
        *rows = NULL;
    }
    free(json);
    return rc < 0 ? -1 : 0;
}

static int observe(struct rt_intake *in, struct rt_record *record, const struct rt_row *row,
                   struct rt_digest print, const struct rt_observed *joined, struct rt_err *err)
{
    const struct rt_digest *prints[2] = {NULL, NULL};
    struct rt_settler *settler = &in->work->settler;
    struct rt_observed observed;
    bool is_settled = false, is_told;
    char *rows = NULL;
    int rc;

    rt_merge_observe(&in->work->rules, record, row, &in->row_arena, &observed);
    if (observed.went_back && ask_went_back(in, record, row, &rows, err) < 0)
        return -1;
    is_told = joined->change_count && observed.change_count == 0;
    if (joined->change < observed.change)
        observed.change = joined->change; /* R14: the first of the words that fit */
    rt_intake_count(in, observed.change);
    in->counts.held += record->is_held;
    in->counts.frozen += rt_record_frozen(record) != NULL;
    if (observed.change != RT_CHANGE_STALE)
        prints[in->side] = &print;
    if (observed.change == RT_CHANGE_NEW && settler->settle != NULL)
        is_settled = settler->settle(settler->context, record);
    rc = rt_book_save_rows(in->work, record, prints, &(struct rt_question){RT_KIND_WENT_BACK, rows},
                           err);
    free(rows);
    if (rc < 0)
        return -1;
    if (is_settled)
        rt_rid_set_add(&settler->done, record->rid);
    note_applied(in, record->rid);
    if (observed.change != RT_CHANGE_STALE && rt_record_is_quiet(record, in->side))
        rt_intake_is_clean(in, record->rid, true);
    /* What is new tells its own story: where it was born; and so does a join. The rest is told line
       by line. */
    if (observed.change == RT_CHANGE_UNCHANGED || is_told ||
        (observed.change == RT_CHANGE_NEW && !in->work->is_dry))
        return 0;
    return rt_book_tell(in->work, record, row, &observed, err);
}

static void init_new(const struct rt_row *row, struct rt_record *record)
{
    rt_record_init(record);
    for (int s = 0; s < 2; s++)
        record->end[s].id = row->id[s];
}

/* R11, suspected_duplicate = bind: the row is the echo of the one pending insert that it equals. */
static int bind_suspect(struct rt_intake *in, struct rt_row *row, struct rt_digest print,
                        int64_t rid, struct rt_err *err)
{
    struct rt_record record;

    if (rt_store_load(in->work->store, rid, &in->row_arena, &record, err) < 0)
        return -1;
    record.end[in->side].id = row->id[in->side];
    in->counts.bound++;
    if (rt_book_note(in->work, &record, (int)in->side, "bind", "a suspected duplicate was bound",
                     err) < 0)
        return -1;
    return observe(in, &record, row, print, &nothing_joined, err);
}

/* R11: the record is kept, but not sent back as new before somebody has decided. */
static int put_suspect(struct rt_intake *in, const struct rt_row *row,
                       const struct rt_rid_list *suspects, struct rt_err *err)
{
    struct rt_observed observed;
    struct rt_record record;

    init_new(row, &record);
    rt_merge_observe(&in->work->rules, &record, row, &in->row_arena, &observed);
    observed.change = RT_CHANGE_SUSPECTED;
    rt_intake_count(in, RT_CHANGE_SUSPECTED);
    in->counts.frozen++;
    if (rt_suspect_keep(in->work, &record, suspects, &in->row_arena, err) < 0)
        return -1;
    note_applied(in, record.rid);
    return rt_book_tell(in->work, &record, row, &observed, err);
}

/* For diff: what is excluded leaves no story in a run. */
static int tell_excluded(struct rt_intake *in, const struct rt_record *record, struct rt_err *err)
{
    if (!in->work->is_dry)
        return 0;
    return rt_book_note(in->work, record, (int)in->side, rt_change_name(RT_CHANGE_EXCLUDED),
                        "not eligible", err);
}

static int apply_new(struct rt_intake *in, struct rt_row *row, struct rt_digest print,
                     bool is_eligible, struct rt_err *err)
{
    struct rt_rid_list suspects;
    struct rt_record record;

    init_new(row, &record);
    if (!is_eligible) {
        rt_intake_count(in, RT_CHANGE_EXCLUDED);
        return tell_excluded(in, &record, err);
    }
    if (rt_suspect_find(in->work, row, &in->row_arena, &suspects, err) < 0)
        return -1;
    if (suspects.count == 1 && in->work->rules.config->bind_suspected)
        return bind_suspect(in, row, print, suspects.rids[0], err);
    if (suspects.count)
        return put_suspect(in, row, &suspects, err);
    return observe(in, &record, row, print, &nothing_joined, err);
}

/* Learning an ID from a row that is not applied still has to be saved. */
static int save_learnt(struct rt_intake *in, struct rt_record *record, const struct rt_found *found,
                       struct rt_err *err)
{
    return found->verdict == RT_IDENTITY_LEARN ? rt_book_save(in->work, record, err) : 0;
}

static int exclude(struct rt_intake *in, struct rt_record *record, const struct rt_found *found,
                   struct rt_err *err)
{
    rt_intake_count(in, RT_CHANGE_EXCLUDED);
    note_applied(in, record->rid);
    if (tell_excluded(in, record, err) < 0)
        return -1;
    if (record->end[in->side].is_excluded)
        return save_learnt(in, record, found, err);
    record->end[in->side].is_excluded = true;
    return rt_book_save(in->work, record, err);
}

/* Finds the records of a row.  An ID of the other side that the record had before is as good as
   none: this side was not told the new one yet.  Beside an own ID that is new, it means the new
   one: a clash, unless that is the ID of an insert. */
static int find(struct rt_intake *in, struct rt_row *row, struct rt_found *found,
                struct rt_err *err)
{
    enum rt_side other = rt_side_other(in->side);
    const struct rt_record *own;
    int rc = rt_book_find(in->work, row->id, in->side, &in->row_arena, found, err);

    own = found->at[in->side];
    if (rc < 0 || row->id[other].len == 0 || found->verdict == RT_IDENTITY_MATCH)
        return rc;
    if (own != NULL) {
        rc = rt_store_is_former(in->work->store, other, row->id[other], own->rid, err);
        if (rc == 1)
            row->id[other].len = 0;
    } else if (found->verdict == RT_IDENTITY_NEW) {
        rc = rt_book_find_renamed(in->work, other, false, &row->id[other], &in->row_arena, err);
    }
    return rc == 1 ? rt_book_find(in->work, row->id, in->side, &in->row_arena, found, err) : rc;
}

/* Was a record of this row, of which there may be two that it joins, shown by an earlier row of the
 * file?  is_same: as this one shows it. */
static bool is_again(const struct rt_intake *in, const struct rt_found *found,
                     const struct rt_row *row, bool *is_same)
{
    bool again = false;

    *is_same = true;
    for (int s = 0; s < 2; s++) {
        if (found->at[s] == NULL || !rt_rid_set_has(&in->seen, found->at[s]->rid))
            continue;
        again = true;
        *is_same = *is_same && is_same_row(in, found->at[s], row);
    }
    if (*is_same && found->verdict == RT_IDENTITY_JOIN)
        return false; /* what is joined has to take the row, too */
    return again;
}

int rt_intake_apply(struct rt_intake *in, struct rt_row *row, struct rt_digest print,
                    bool is_eligible, struct rt_err *err)
{
    struct rt_found found;
    struct rt_record *record;
    struct rt_observed joined;
    bool again, is_same;
    size_t group;
    int rc;

    row->file = in->file.id;
    row->stamp = in->file.stamp;
    rc = rt_intake_name_as_now(in, row, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (find(in, row, &found, err) < 0)
        return -1;
    if (found.verdict == RT_IDENTITY_NEW)
        return apply_new(in, row, print, is_eligible, err);
    if (found.verdict == RT_IDENTITY_CLASH)
        return tell_clash(in, row, &found, err);
    again = is_again(in, &found, row, &is_same);
    if (settle_identity(in, row, &found, &record, &joined, err) < 0)
        return -1;
    if (again && !rt_intake_find_repeat(in, row->id, &group)) {
        rt_intake_count(in, RT_CHANGE_REPEATED);
        if (is_same)
            return save_learnt(in, record, &found, err);
        rt_intake_add_repeat(in, record, row);
        return 0;
    }
    if (!is_eligible && row->stamp >= record->end[in->side].look.stamp)
        return exclude(in, record, &found, err);
    return observe(in, record, row, print, &joined, err);
}

/* ---- a CSV row ---- */

/* 1: the row is the same as last time, and counted. */
static int is_unchanged(struct rt_intake *in, const struct rt_csv_row *csv, struct rt_digest print,
                        struct rt_err *err)
{
    struct rt_glance glance = {.side = in->side,
                               .print = print,
                               .stamp = in->file.stamp,
                               .file = in->file.id,
                               .line = (int64_t)csv->line,
                               .is_snapshot = in->file.is_snapshot};
    int64_t rid;

    glance.id[in->side] = rt_rowmap_own_id(in->map, csv, &in->row_arena);
    if (glance.id[in->side].len == 0)
        return 0;
    if (rt_intake_note_unknown(in, err) < 0)
        return -1;
    if (in->prints != NULL) {
        rid = rt_prints_find(in->prints, glance.id[in->side], print);
        if (rid == 0)
            return 0;
    } else {
        int rc = rt_store_is_unchanged(in->work->store, &glance, &rid, err);

        if (rc != 1)
            return rc;
    }
    if (rt_rid_set_has(&in->applied, rid))
        return 0;
    rt_intake_count_known(in, rid);
    rt_intake_is_clean(in, rid, false);
    return 1;
}

static int is_eligible(struct rt_intake *in, const struct rt_csv_row *csv, struct rt_err *err)
{
    struct rt_expr *expr = in->work->eligible[in->side];

    return expr == NULL ? 1 : rt_expr_is_true(expr, rt_rowmap_cells(in->map, csv), err);
}

int rt_intake_row(struct rt_intake *in, const struct rt_csv_row *csv, struct rt_err *err)
{
    struct rt_digest print = {0, 0};
    struct rt_row_fault fault;
    struct rt_row row;
    size_t group;
    int rc, eligible;

    rt_arena_reset(&in->row_arena);
    in->counts.rows++;
    if (csv->fault == NULL) {
        print = rt_rowmap_print(in->map, csv);
        if (in->group_count == 0) {
            rc = is_unchanged(in, csv, print, err);
            if (rc != 0)
                return rc < 0 ? -1 : 0;
        }
    }
    if (rt_rowmap_row(in->map, csv, &in->row_arena, &row, &fault))
        return reject(in, csv, &row, &fault, err);
    rc = rt_intake_check_rounded(in, csv, &row, &fault, err);
    if (rc != 0)
        return rc < 0 ? -1 : reject(in, csv, &row, &fault, err);
    eligible = is_eligible(in, csv, err);
    if (eligible < 0)
        return rt_err_context(err, "%s: line %llu: eligible", in->file.name,
                              (unsigned long long)csv->line);
    row.file = in->file.id;
    row.stamp = in->file.stamp;
    if (rt_intake_find_repeat(in, row.id, &group)) {
        rt_intake_set_aside(in, group, &row, print, eligible == 1);
        return 0;
    }
    return rt_intake_apply(in, &row, print, eligible == 1, err);
}
