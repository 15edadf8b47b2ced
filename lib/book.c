#include "lib/book.h"

#include "lib/json_of.h"
#include "lib/json_text.h"
#include "lib/review.h"
#include "lib/suspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int rt_book_find(struct rt_work *work, const struct rt_slice id[2], enum rt_side first,
                 struct rt_arena *arena, struct rt_found *found, struct rt_err *err)
{
    const struct rt_record *records[2];

    found->at[0] = found->at[1] = NULL;
    for (int i = 0; i < 2; i++) {
        enum rt_side s = i == 0 ? first : rt_side_other(first);
        struct rt_record *other = found->at[rt_side_other(s)];
        int64_t rid;
        int rc;

        if (other != NULL && rt_slice_is_equal(other->end[s].id, id[s])) {
            found->at[s] = id[s].len ? other : NULL; /* needs no look-up */
            continue;
        }
        rc = rt_store_find(work->store, s, id[s], &rid, err);
        if (rc == 1)
            rc = rt_store_load(work->store, rid, arena, &found->record[s], err) < 0 ? -1 : 1;
        if (rc < 0)
            return -1;
        if (rc == 1)
            found->at[s] = &found->record[s];
    }
    records[0] = found->at[0];
    records[1] = found->at[1];
    found->verdict = rt_identity_of(id, records);
    return 0;
}

int rt_book_find_renamed(struct rt_work *work, enum rt_side side, bool is_lone, struct rt_slice *id,
                         struct rt_arena *arena, struct rt_err *err)
{
    struct rt_record record;
    int64_t rid;
    int rc = rt_store_find_former(work->store, side, *id, &rid, err);

    if (rc != 1)
        return rc;
    if (rt_store_load(work->store, rid, arena, &record, err) < 0)
        return -1;
    if ((is_lone && record.end[rt_side_other(side)].id.len) || record.end[side].id.len == 0)
        return 0;
    *id = record.end[side].id;
    return 1;
}

/* ---- review items of a record ---- */

/* Kinds that are about rows of a file: their items are written when the row is met, and keep it. */
#define ROW_KINDS                                                                                  \
    (RT_KIND_BIT(RT_KIND_CLASH) | RT_KIND_BIT(RT_KIND_REPEATED) | RT_KIND_BIT(RT_KIND_REJECTED) |  \
     RT_KIND_BIT(RT_KIND_WENT_BACK) | RT_KIND_BIT(RT_KIND_SUSPECTED))

#define SUBJECT_SIZE 32

/* Puts the rows in question into the item's detail, and takes both apart. */
static char *with_rows(char *detail, char *rows)
{
    size_t len = strlen(detail);
    char *text;

    detail[len - 1] = '\0'; /* the closing brace */
    text = rt_xasprintf("%s,\"rows\":%s}", detail, rows);
    free(detail);
    free(rows);
    return text;
}

static bool is_of(const json_t *row, enum rt_side side)
{
    const char *name = json_string_value(json_object_get(row, "side"));

    return name != NULL && strcmp(name, rt_side_name(side)) == 0;
}

/* The item's rows `so_far` of sides that are still in question, and the new ones of one side. */
static json_t *rows_now(const struct rt_record *record, enum rt_flaw flaw, const json_t *so_far,
                        json_t *new)
{
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(so_far); i++)
        for (int s = 0; s < 2; s++) {
            json_t *row = json_array_get(so_far, i);

            if (is_of(row, (enum rt_side)s) && record->end[s].flaw == flaw &&
                !is_of(json_array_get(new, 0), (enum rt_side)s))
                json_array_append(list, row);
        }
    json_array_extend(list, new);
    return list;
}

/* The record's own item of that kind. */
static void write_subject(const struct rt_record *record, char subject[SUBJECT_SIZE])
{
    snprintf(subject, SUBJECT_SIZE, "r%" PRId64, record->rid);
}

int rt_book_open_item(struct rt_work *work, const struct rt_record *record, enum rt_kind kind,
                      struct rt_arena *arena, struct rt_item *item, struct rt_err *err)
{
    char subject[SUBJECT_SIZE];

    write_subject(record, subject);
    return rt_store_open_item(work->store, rt_kind_text(kind)->name, subject, arena, item, err);
}

/* The rows that the item is about from now on, as JSON; NULL: it stays as it is.  They may be of
 * both sides at once. */
static int rows_of(struct rt_work *work, const struct rt_record *record, enum rt_kind kind,
                   const char *rows, char **text, struct rt_err *err)
{
    enum rt_flaw flaw = kind == RT_KIND_REJECTED    ? RT_FLAW_REJECTED
                        : kind == RT_KIND_REPEATED  ? RT_FLAW_REPEATED
                        : kind == RT_KIND_WENT_BACK ? RT_FLAW_WENT_BACK
                                                    : RT_FLAW_NONE;
    struct rt_arena arena = {0};
    struct rt_item item = {.detail = NULL};
    json_t *old, *new, *so_far, *list;
    int rc = 0;

    *text = rows ? rt_xstrdup(rows) : NULL;
    if (flaw != RT_FLAW_NONE)
        rc = rt_book_open_item(work, record, kind, &arena, &item, err);
    if (rc == 1) {
        old = rt_json_of_detail(item.detail);
        new = rows ? json_loads(rows, JSON_ALLOW_NUL, NULL) : json_array();
        so_far = json_object_get(old, "rows");
        list = rows_now(record, flaw, so_far, new);
        free(*text);
        *text = rows != NULL || json_array_size(list) != json_array_size(so_far)
                    ? json_dumps(list, JSON_COMPACT)
                    : NULL;
        json_decref(list);
        json_decref(new);
        json_decref(old);
    }
    rt_arena_clear(&arena);
    if (rc >= 0)
        return 0;
    free(*text);
    return -1;
}

/* An item about rows that are what they were tells the IDs and values of its record as they are. */
static int refresh_item(struct rt_work *work, const struct rt_record *record, enum rt_kind kind,
                        struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_item item;
    int rc = rt_book_open_item(work, record, kind, &arena, &item, err);

    if (rc == 1) {
        json_t *detail = rt_json_of_detail(item.detail);
        char *rows = json_dumps(json_object_get(detail, "rows"), JSON_COMPACT);
        char *text = rt_review_detail(&work->rules, record, kind);

        if (rows != NULL)
            text = with_rows(text, rows);
        item.detail = text;
        rc = rt_store_put_item(work->store, &item, err);
        free(text);
        json_decref(detail);
    }
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

/* `asked`: the rows of a new question, or NULL. */
static int sync_item(struct rt_work *work, const struct rt_record *record, enum rt_kind kind,
                     bool is_open, const char *asked, struct rt_err *err)
{
    char subject[SUBJECT_SIZE], *detail;
    struct rt_item item;
    char *rows;
    int rc;

    write_subject(record, subject);
    if (!is_open)
        return rt_store_close_item(work->store, rt_kind_text(kind)->name, subject,
                                   "settled by later files", err);
    if (rows_of(work, record, kind, asked, &rows, err) < 0)
        return -1;
    if ((RT_KIND_BIT(kind) & ROW_KINDS) && rows == NULL)
        return refresh_item(work, record, kind, err);
    detail = rt_review_detail(&work->rules, record, kind);
    if (rows != NULL)
        detail = with_rows(detail, rows);
    item = (struct rt_item){.kind = rt_kind_text(kind)->name,
                            .subject = subject,
                            .rid = record->rid,
                            .side = -1,
                            .opened = work->rules.now,
                            .detail = detail};
    for (int s = 0; s < 2; s++)
        if (rt_review_row_kinds(&record->end[s]) & RT_KIND_BIT(kind)) {
            item.side = s;
            item.file = record->end[s].look.file;
            item.line = record->end[s].look.line;
        }
    rc = rt_store_put_item(work->store, &item, err);
    free(detail);
    return rc;
}

/* Values not taken: all of one delta is one item (R7). */
static int sync_not_taken(struct rt_work *work, const struct rt_record *record, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        const struct rt_end *end = &record->end[s];

        if (rt_store_set_waiting(work->store, record->rid, (enum rt_side)s,
                                 end->not_taken_count ? end->not_taken_delta : 0, work->rules.now,
                                 err) < 0)
            return -1;
    }
    return 0;
}

static int sync_items(struct rt_work *work, const struct rt_record *record, unsigned before,
                      const struct rt_question *question, struct rt_err *err)
{
    unsigned now = record->items;

    for (int k = 0; k < RT_KIND_COUNT; k++) {
        unsigned bit = RT_KIND_BIT(k) & ~RT_KIND_BIT(RT_KIND_NOT_TAKEN);
        const char *asked =
            question != NULL && question->kind == (enum rt_kind)k ? question->rows : NULL;

        if (((now | before) & bit) &&
            sync_item(work, record, (enum rt_kind)k, now & bit, asked, err) < 0)
            return -1;
    }
    if ((now | before) & RT_KIND_BIT(RT_KIND_NOT_TAKEN))
        return sync_not_taken(work, record, err);
    return 0;
}

int rt_book_find_before(struct rt_work *work, const struct rt_record *record, enum rt_side side,
                        struct rt_arena *arena, struct rt_record *before, struct rt_err *err)
{
    int64_t rid;
    int rc;

    if (record->end[side].id.len == 0 || work->rules.config->side[rt_side_other(side)].own_id_only)
        return 0;
    rc = rt_store_find_former(work->store, side, record->end[side].id, &rid, err);
    if (rc != 1 || rid == record->rid)
        return rc < 0 ? -1 : 0;
    return rt_store_load(work->store, rid, arena, before, err) < 0 ? -1 : 1;
}

/* The one that had the record's ID before is told its new one, before this one is inserted. */
static int part_ids(struct rt_work *work, const struct rt_record *record, enum rt_side side,
                    struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_record before;
    int rc = rt_book_find_before(work, record, side, &arena, &before, err);

    if (rc == 1) {
        before.end[rt_side_other(side)].is_id_taken = true;
        rc = rt_book_save(work, &before, err);
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_book_save_rows(struct rt_work *work, struct rt_record *record,
                      const struct rt_digest *const print[2], const struct rt_question *question,
                      struct rt_err *err)
{
    unsigned before = record->items;
    /* R11: a row that names both IDs has not lost one. */
    bool is_told = record->is_suspect && record->end[0].id.len && record->end[1].id.len;
    bool learnt[2], is_new = record->rid == 0;

    for (int s = 0; s < 2; s++)
        learnt[s] = record->rid != 0 && record->end[s].id.len && record->stored_id[s].len == 0;
    record->is_suspect = record->is_suspect && !is_told;
    record->items = rt_review_kinds(&work->rules, record);
    if (rt_store_save(work->store, record, print, err) < 0)
        return -1;
    if (is_told && rt_store_drop_suspect(work->store, record->rid, 0, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if ((learnt[s] && rt_suspect_settle(work, record->rid, (enum rt_side)s, err) < 0) ||
            ((learnt[s] || is_new) && part_ids(work, record, (enum rt_side)s, err) < 0))
            return -1;
    rt_work_touch(work, record->rid);
    return before | record->items ? sync_items(work, record, before, question, err) : 0;
}

int rt_book_save(struct rt_work *work, struct rt_record *record, struct rt_err *err)
{
    return rt_book_save_rows(work, record, NULL, NULL, err);
}

static bool is_same_row(const json_t *row, const json_t *other)
{
    return json_is_object(row) &&
           json_equal(json_object_get(row, "file"), json_object_get(other, "file")) &&
           json_equal(json_object_get(row, "line"), json_object_get(other, "line"));
}

/* 1: the record waits for an answer about that very row, which clashes; 0, -1. */
static int is_asked(struct rt_work *work, const struct rt_record *record,
                    const struct rt_item *item, struct rt_err *err)
{
    enum rt_kind kind = (enum rt_kind)rt_kind_find(item->kind);
    struct rt_arena arena = {0};
    struct rt_item own;
    json_t *detail, *other;
    int rc = rt_book_open_item(work, record, kind, &arena, &own, err);

    if (rc == 1) {
        detail = rt_json_of_detail(own.detail);
        other = rt_json_of_detail(item->detail);
        rc = is_same_row(json_object_get(detail, "rows"), json_object_get(other, "rows"));
        json_decref(detail);
        json_decref(other);
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_book_ask(struct rt_work *work, struct rt_record *record, const struct rt_item *item,
                int64_t stamp, struct rt_err *err)
{
    struct rt_question question = {(enum rt_kind)rt_kind_find(item->kind), NULL};
    struct rt_end *end = &record->end[item->side];
    json_t *detail;
    char *rows;
    int rc;

    if (end->flaw != RT_FLAW_NONE)
        return is_asked(work, record, item, err);
    rt_end_set_flaw(end,
                    question.kind == RT_KIND_REJECTED ? RT_FLAW_REJECTED
                    : question.kind == RT_KIND_CLASH  ? RT_FLAW_CLASH
                                                      : RT_FLAW_REPEATED,
                    stamp);
    detail = rt_json_of_detail(item->detail);
    rows = json_dumps(json_object_get(detail, "rows"), JSON_COMPACT);
    question.rows = rows;
    rc = rt_book_save_rows(work, record, NULL, &question, err);
    free(rows);
    json_decref(detail);
    return rc < 0 ? -1 : 1;
}

/* ---- the story ---- */

static void put_value(struct rt_buf *out, struct rt_value value)
{
    if (rt_value_is_known(value))
        rt_json_put(out, value.raw);
    else
        rt_buf_add_str(out, "null");
}

/* [[field, before, after, outcome], ...]; stays empty if there is nothing to tell of single fields.
 */
static void put_changes(struct rt_buf *out, const struct rt_observed *observed)
{
    for (size_t i = 0; i < observed->change_count; i++) {
        const struct rt_field_change *c = &observed->changes[i];

        rt_buf_add_str(out, i ? ",[" : "[[");
        rt_json_put(out, rt_slice_str(c->field->name));
        rt_buf_add_char(out, ',');
        put_value(out, c->before);
        rt_buf_add_char(out, ',');
        put_value(out, c->after);
        rt_buf_add_char(out, ',');
        rt_json_put(out, rt_slice_str(c->outcome));
        rt_buf_add_char(out, ']');
    }
    if (observed->change_count)
        rt_buf_add_char(out, ']');
}

int rt_book_tell(struct rt_work *work, const struct rt_record *record, const struct rt_row *row,
                 const struct rt_observed *observed, struct rt_err *err)
{
    struct rt_buf detail = {0};
    struct rt_event event = {.rid = record->rid,
                             .run = work->run,
                             .at = work->rules.now,
                             .side = (int)row->side,
                             .file = row->file,
                             .line = row->line,
                             .what = rt_change_name(observed->change),
                             .id_of = {record->end[0].id, record->end[1].id}};
    int rc;

    put_changes(&detail, observed);
    event.detail = detail.len ? rt_buf_str(&detail) : NULL;
    rc = rt_store_add_event(work->store, &event, err);
    rt_buf_clear(&detail);
    return rc;
}

int rt_book_tell_merged(struct rt_work *work, const struct rt_record *record, enum rt_side side,
                        const struct rt_observed *observed, struct rt_err *err)
{
    const struct rt_look *look = &record->end[side].look;
    struct rt_row row = {.side = side, .file = look->file, .line = look->line};

    return observed->change_count ? rt_book_tell(work, record, &row, observed, err) : 0;
}

int rt_book_note(struct rt_work *work, const struct rt_record *record, int side, const char *what,
                 const char *text, struct rt_err *err)
{
    char *detail = text ? rt_json_of_sentence(text) : NULL;
    struct rt_event event = {.rid = record->rid,
                             .run = work->run,
                             .at = work->rules.now,
                             .side = side,
                             .what = what,
                             .id_of = {record->end[0].id, record->end[1].id},
                             .detail = detail};
    int rc = rt_store_add_event(work->store, &event, err);

    free(detail);
    return rc;
}

/* ---- one record takes another one over ---- */

int rt_book_questions(struct rt_work *work, const struct rt_record *from, struct rt_arena *arena,
                      struct rt_questions *questions, struct rt_err *err)
{
    unsigned kinds = from->items & ROW_KINDS & ~RT_KIND_BIT(RT_KIND_SUSPECTED);
    struct rt_item item;
    json_t *detail;
    char *text;
    int rc;

    *questions = (struct rt_questions){.rows = {NULL}};
    for (int k = 0; k < RT_KIND_COUNT; k++) {
        if (!(kinds & RT_KIND_BIT(k)))
            continue;
        rc = rt_book_open_item(work, from, (enum rt_kind)k, arena, &item, err);
        if (rc < 0)
            return -1;
        detail = rc == 1 && item.detail ? json_loads(item.detail, JSON_ALLOW_NUL, NULL) : NULL;
        text = json_dumps(json_object_get(detail, "rows"), JSON_COMPACT);
        questions->rows[k] = text ? rt_arena_strdup(arena, text) : NULL;
        free(text);
        json_decref(detail);
    }
    return 0;
}

int rt_book_remove(struct rt_work *work, struct rt_record *from, int64_t into,
                   struct rt_arena *arena, struct rt_questions *questions, struct rt_err *err)
{
    unsigned before = from->items;

    if (rt_book_questions(work, from, arena, questions, err) < 0)
        return -1;
    from->items = 0;
    from->end[0].not_taken_count = from->end[1].not_taken_count = 0;
    if (before && sync_items(work, from, before, NULL, err) < 0)
        return -1;
    if (rt_store_drop_suspect(work->store, from->rid, 0, err) < 0 ||
        rt_store_remove(work->store, from->rid, err) < 0 ||
        rt_store_move_former(work->store, from->rid, into, err) < 0)
        return -1;
    return rt_store_move_events(work->store, from->rid, into, err);
}

int rt_book_take_over(struct rt_work *work, struct rt_record *into,
                      const struct rt_questions *questions, struct rt_err *err)
{
    unsigned has_one = into->items & ~RT_KIND_BIT(RT_KIND_REJECTED) &
                       ~RT_KIND_BIT(RT_KIND_REPEATED) &
                       ~RT_KIND_BIT(RT_KIND_WENT_BACK); /* these hold rows of both sides */
    int rc = rt_book_save(work, into, err);

    for (int k = 0; k < RT_KIND_COUNT && rc == 0; k++) {
        struct rt_question question = {(enum rt_kind)k, questions->rows[k]};

        if (question.rows != NULL && !(has_one & RT_KIND_BIT(k)))
            rc = rt_book_save_rows(work, into, NULL, &question, err);
    }
    return rc;
}

/* Neither waits for its ID any more: what was taken for the lost echo of `from` is another one. */
static int settle_suspicions(struct rt_work *work, const struct rt_record *into,
                             const struct rt_record *from, struct rt_err *err)
{
    if (rt_store_drop_suspect(work->store, into->rid, 0, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if (rt_suspect_settle(work, from->rid, (enum rt_side)s, err) < 0)
            return -1;
    return 0;
}

/* 1: `suspect` may be the lost echo of an insert of `record` (R11); 0, -1. */
static int is_echo_of(struct rt_work *work, const struct rt_record *suspect,
                      const struct rt_record *record, struct rt_arena *arena, struct rt_err *err)
{
    struct rt_rid_list candidates;

    if (!suspect->is_suspect)
        return 0;
    if (rt_store_candidates(work->store, suspect->rid, arena, &candidates, err) < 0)
        return -1;
    for (size_t i = 0; i < candidates.count; i++)
        if (candidates.rids[i] == record->rid)
            return 1;
    return 0;
}

/* `into` is the echo of `from`: it stays the record of the two, with all that is known of the
 * other.
 */
static void become(const struct rt_rules *rules, struct rt_record *into,
                   const struct rt_record *from, struct rt_arena *arena,
                   struct rt_observed *observed)
{
    struct rt_record both = *from;

    rt_merge_echo(rules, &both, into, arena, observed);
    both.rid = into->rid;
    both.is_recent = into->is_recent;
    both.items = into->items;
    for (int s = 0; s < 2; s++) {
        both.stored_id[s] = into->stored_id[s];
        both.print[s] = into->print[s];
    }
    *into = both;
}

int rt_book_join(struct rt_work *work, struct rt_record *into, struct rt_record *from,
                 struct rt_arena *arena, struct rt_observed *observed, struct rt_err *err)
{
    struct rt_record gone = *from;
    struct rt_questions questions;
    const int is_echo[2] = {is_echo_of(work, into, from, arena, err),
                            is_echo_of(work, from, into, arena, err)};
    enum rt_side side = is_echo[0] ? RT_EXTERNAL : RT_NATIVE;

    if (is_echo[0] < 0 || is_echo[1] < 0 || settle_suspicions(work, into, from, err) < 0 ||
        rt_book_remove(work, &gone, into->rid, arena, &questions, err) < 0)
        return -1;
    if (is_echo[0])
        become(&work->rules, into, from, arena, observed);
    else if (is_echo[1])
        rt_merge_echo(&work->rules, into, from, arena, observed);
    else
        rt_merge_join(&work->rules, into, from, arena, observed);
    rt_rid_set_remove(&work->settler.done, into->rid); /* of the two, one was looked at alone */
    rt_rid_set_remove(&work->settler.done, gone.rid);
    if (rt_book_take_over(work, into, &questions, err) < 0)
        return -1;
    return rt_book_tell_merged(work, into, side, observed, err);
}
