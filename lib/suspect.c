#include "lib/suspect.h"

#include "lib/json_of.h"
#include "lib/store_schema.h"
#include <stdlib.h>

static bool is_in_print(const struct rt_field *field, enum rt_side side, bool fingerprint)
{
    return fingerprint ? field->role == RT_ROLE_FINGERPRINT
                       : rt_field_flows_to(field, side) && field->column[side].in != NULL;
}

/* The digest of what a side holds of a record, or would: of all that flows to it, or of the
 * fingerprint fields.  False if all of these are empty. */
static bool print_of(const struct rt_rules *rules, enum rt_side side,
                     const struct rt_content *content, bool fingerprint, struct rt_digest *digest)
{
    struct rt_hasher *hasher = rt_hasher_new();
    struct rt_buf key = {0};
    bool any = false;

    rt_hasher_add(hasher, rt_slice_str(fingerprint ? "fingerprint" : "content"));
    for (size_t i = 0; i < rules->schema->content_count; i++) {
        const struct rt_field *field = rules->schema->content[i];

        if (!is_in_print(field, side, fingerprint))
            continue;
        rt_buf_reset(&key);
        rt_value_key(field, side, content->value[i], &key);
        rt_hasher_add(hasher, rt_buf_slice(&key));
        any = any || key.len > 0;
    }
    *digest = rt_hasher_end(hasher);
    rt_hasher_free(hasher);
    rt_buf_clear(&key);
    return any;
}

/* How many there are: a fingerprint without a value is shared by what has nothing in common, and is
   none. */
static int both_prints(const struct rt_rules *rules, enum rt_side side,
                       const struct rt_content *content, struct rt_digest print[2])
{
    print_of(rules, side, content, false, &print[0]);
    if (rules->schema->has_fingerprint && print_of(rules, side, content, true, &print[1]))
        return 2;
    print[1] = print[0];
    return 1;
}

int rt_suspect_find(struct rt_work *work, const struct rt_row *row, struct rt_arena *arena,
                    struct rt_rid_list *suspects, struct rt_err *err)
{
    struct rt_digest print[2];

    int rc;

    *suspects = (struct rt_rid_list){0};
    if (row->id[rt_side_other(row->side)].len != 0)
        return 0;
    rc = rt_store_has_pending(work->store, row->side, err);
    if (rc != 1)
        return rc;
    both_prints(&work->rules, row->side, row->content, print);
    return rt_store_find_pending(work->store, row->side, print, arena, suspects, err);
}

/* Their IDs, for the review item.  Caller frees. */
static char *json_of(struct rt_work *work, const struct rt_rid_list *suspects,
                     struct rt_arena *arena)
{
    json_t *list = json_array();
    char *text;

    for (size_t i = 0; i < suspects->count; i++) {
        struct rt_record candidate;
        struct rt_err ignored;

        if (rt_store_load(work->store, suspects->rids[i], arena, &candidate, &ignored) < 0)
            continue;
        json_array_append_new(list, json_pack("{s:o, s:o}", "external_id",
                                              rt_json_of_text(candidate.end[0].id), "native_id",
                                              rt_json_of_text(candidate.end[1].id)));
    }
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

/* Saves it with the question which of these it is. */
static int ask(struct rt_work *work, struct rt_record *record, const struct rt_rid_list *suspects,
               struct rt_arena *arena, struct rt_err *err)
{
    char *json = json_of(work, suspects, arena);
    int rc =
        rt_book_save_rows(work, record, NULL, &(struct rt_question){RT_KIND_SUSPECTED, json}, err);

    free(json);
    return rc;
}

int rt_suspect_keep(struct rt_work *work, struct rt_record *record,
                    const struct rt_rid_list *suspects, struct rt_arena *arena, struct rt_err *err)
{
    int rc;

    record->is_suspect = true;
    rc = ask(work, record, suspects, arena, err);
    for (size_t i = 0; rc == 0 && i < suspects->count; i++)
        rc = rt_store_add_suspect(work->store, record->rid, suspects->rids[i], err);
    return rc;
}

int rt_suspect_add_pending(struct rt_work *work, const struct rt_record *record, enum rt_side side,
                           struct rt_err *err)
{
    struct rt_digest print[2];

    int count = both_prints(&work->rules, side, record->want, print);

    for (int i = 0; i < count; i++)
        if (rt_store_add_pending(work->store, record->rid, side, print[i], err) < 0)
            return -1;
    return 0;
}

/* ---- after a change of the schema ---- */

/* Is a value of the print not known, though it was sent?  As an empty one it would make the print
   of other rows.  A field that is newer than the content is empty there, but in a fingerprint. 1,
   0, -1. */
static int lacks_value(struct rt_work *work, const struct rt_pending *pending,
                       const struct rt_content *content, bool fingerprint, struct rt_err *err)
{
    const struct rt_schema *schema = work->rules.schema;
    int rc = 0;

    for (size_t i = 0; i < schema->content_count && rc == 0; i++) {
        const struct rt_field *field = schema->content[i];

        if (is_in_print(field, pending->side, fingerprint) && !rt_value_is_known(content->value[i]))
            rc = fingerprint ? 1 : rt_store_had_field(work->store, pending->layout, field, err);
    }
    return rc;
}

static int add_prints(struct rt_work *work, const struct rt_pending *pending, struct rt_err *err)
{
    struct rt_arena arena = {0};
    const struct rt_content *content;
    struct rt_digest print[2];
    int rc = rt_store_content(work->store, pending->cid, &arena, &content, err);
    int count = rc == 0 ? both_prints(&work->rules, pending->side, content, print) : 0;

    for (int i = 0; rc == 0 && i < count; i++) {
        rc = lacks_value(work, pending, content, i == 1, err);
        if (rc == 0)
            rc = rt_store_add_pending(work->store, pending->rid, pending->side, print[i], err);
        else if (rc == 1)
            rc = 0;
    }
    rt_arena_clear(&arena);
    return rc;
}

/* The digests of then stay: where the other side writes it in another way now, what was sent cannot
   be read any more, and they are all there is. */
int rt_suspect_renew(struct rt_work *work, struct rt_err *err)
{
    struct rt_pending *list;
    size_t count;
    int rc = rt_store_list_pending(work->store, &list, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_prints(work, &list[i], err);
    free(list);
    return rc;
}

/* Takes a candidate away from a suspect; with the last one, the suspicion.  A person who saw more
   of them listed has not said that it is the one that is left. */
static int free_suspect(struct rt_work *work, int64_t rid, int64_t candidate,
                        struct rt_arena *arena, struct rt_err *err)
{
    struct rt_record record;
    struct rt_rid_list left;

    if (rt_store_drop_suspect(work->store, rid, candidate, err) < 0 ||
        rt_store_candidates(work->store, rid, arena, &left, err) < 0 ||
        rt_store_load(work->store, rid, arena, &record, err) < 0)
        return -1;
    record.is_suspect = left.count > 0;
    return record.is_suspect ? ask(work, &record, &left, arena, err)
                             : rt_book_save(work, &record, err);
}

int rt_suspect_settle(struct rt_work *work, int64_t rid, enum rt_side side, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_rid_list suspects = {0};
    bool any;
    int rc = rt_store_drop_pending(work->store, rid, side, &any, err);

    if (rc < 0 || !any)
        return rc;
    rc = rt_store_suspects_of(work->store, rid, &arena, &suspects, err);
    for (size_t i = 0; rc == 0 && i < suspects.count; i++)
        rc = free_suspect(work, suspects.rids[i], rid, &arena, err);
    rt_arena_clear(&arena);
    return rc;
}

int rt_suspect_bind(struct rt_work *work, int64_t rid, struct rt_arena *arena, struct rt_err *err)
{
    struct rt_record suspect, candidate;
    struct rt_observed observed;
    enum rt_side side;
    struct rt_rid_list list;
    struct rt_questions questions;

    if (rt_store_candidates(work->store, rid, arena, &list, err) < 0)
        return -1;
    if (list.count != 1)
        return rt_err_set(err, RT_USAGE,
                          "%s pending inserts may be it: bind the right pair with roundtrip bind "
                          "EXTERNAL NATIVE, or dismiss",
                          list.count ? "several" : "no");
    if (rt_store_load(work->store, rid, arena, &suspect, err) < 0 ||
        rt_store_load(work->store, list.rids[0], arena, &candidate, err) < 0)
        return -1;
    side = suspect.born;
    if (rt_book_remove(work, &suspect, candidate.rid, arena, &questions, err) < 0)
        return -1;
    rt_merge_echo(&work->rules, &candidate, &suspect, arena, &observed);
    if (rt_book_take_over(work, &candidate, &questions, err) < 0 ||
        rt_book_tell_merged(work, &candidate, side, &observed, err) < 0)
        return -1;
    return rt_book_note(work, &candidate, (int)side, "bind", "a suspected duplicate was bound",
                        err);
}

int rt_suspect_dismiss(struct rt_work *work, int64_t rid, struct rt_arena *arena,
                       struct rt_err *err)
{
    struct rt_record record;

    if (rt_store_drop_suspect(work->store, rid, 0, err) < 0 ||
        rt_store_load(work->store, rid, arena, &record, err) < 0)
        return -1;
    record.is_suspect = false;
    if (rt_book_save(work, &record, err) < 0)
        return -1;
    return rt_book_note(work, &record, -1, "dismiss", "it is another interaction", err);
}
