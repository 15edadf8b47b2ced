#include "lib/decide_internal.h"

#include "lib/json_of.h"
#include "lib/review.h"
#include "lib/suspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One decision on one item. */
struct decide {
    struct rt_work *work;
    const struct rt_item *item;
    enum rt_verb verb;
    enum rt_side side; /* of take */
    json_t *detail;    /* the item's; or NULL */
    struct rt_freed freed;
    struct rt_arena arena;
    struct rt_record record; /* the item's, loaded; rid 0: it is about none */
};

static const struct rt_rules *rules_of(const struct decide *d)
{
    return &d->work->rules;
}

static bool is_accept(const struct decide *d)
{
    return d->verb == RT_VERB_ACCEPT;
}

static int save(struct decide *d, struct rt_err *err)
{
    return d->record.rid ? rt_decide_save(d->work, &d->record, err) : 0;
}

static void clear_flaw(struct decide *d, struct rt_record *record, enum rt_flaw flaw)
{
    for (int s = 0; s < 2; s++)
        if (record->end[s].flaw == flaw) {
            record->end[s].flaw = RT_FLAW_NONE;
            rt_decide_free_up(&d->freed, record);
        }
}

/* ---- conflicts ---- */

static int take(struct decide *d, bool is_first_seen, struct rt_err *err)
{
    struct rt_record *record = &d->record;
    size_t left = 0;

    for (size_t i = 0; i < record->conflict_count; i++) {
        const struct rt_conflict *c = &record->conflicts[i];

        if (c->is_first_seen != is_first_seen)
            record->conflicts[left++] = *c;
        else
            rt_record_set_want(rules_of(d), record, c->field, c->value[d->side], &d->arena);
    }
    record->conflict_count = left;
    return save(d, err);
}

static int decide_conflict(struct decide *d, struct rt_err *err)
{
    return take(d, false, err);
}

static int decide_first_seen(struct decide *d, struct rt_err *err)
{
    return take(d, true, err);
}

/* ---- rows that were set aside ---- */

static bool is_same_place(const json_t *row, const json_t *other)
{
    return json_integer_value(json_object_get(row, "file")) ==
               json_integer_value(json_object_get(other, "file")) &&
           json_integer_value(json_object_get(row, "line")) ==
               json_integer_value(json_object_get(other, "line"));
}

/* Visits the open items whose row, or the first of them, is that of the item. */
static int each_twin(struct decide *d, rt_store_visit_item *visit, struct rt_err *err)
{
    const json_t *rows = json_object_get(d->detail, "rows"),
                 *row = json_is_array(rows) ? json_array_get(rows, 0) : rows;
    struct rt_row_place place = {json_integer_value(json_object_get(row, "file")),
                                 json_integer_value(json_object_get(row, "line"))};

    return rt_store_each_about_row(d->work->store, &place, visit, d, err);
}

/* One clashing row raises the question for each of the records that it names: they are decided
 * together. */
static int end_twin(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct decide *d = context;
    struct rt_record record;
    json_t *detail;
    bool is_twin;

    if (strcmp(item->kind, d->item->kind) != 0)
        return 0;
    detail = rt_json_of_detail(item->detail);
    is_twin = is_same_place(json_object_get(detail, "rows"), json_object_get(d->detail, "rows"));
    json_decref(detail);
    if (!is_twin)
        return 0;
    if (rt_store_close_item(d->work->store, item->kind, item->subject,
                            is_accept(d) ? "accepted" : "dismissed", err) < 0)
        return -1;
    if (item->rid == 0)
        return 0;
    if (rt_store_load(d->work->store, item->rid, &d->arena, &record, err) < 0)
        return -1;
    clear_flaw(d, &record, RT_FLAW_CLASH);
    return rt_decide_save(d->work, &record, err);
}

static int decide_clash(struct decide *d, struct rt_err *err)
{
    struct rt_row row;

    if (each_twin(d, end_twin, err) < 0)
        return -1;
    if (!is_accept(d))
        return 0;
    if (rt_decide_read_row(d->work, json_object_get(d->detail, "rows"), &d->arena, &row, err) < 0)
        return -1;
    return rt_decide_pair_as(d->work, &row, &d->arena, err);
}

/* The rows of each side that is in question are decided together; the last of a side counts. */
static int decide_rows(struct decide *d, enum rt_flaw flaw, struct rt_err *err)
{
    const json_t *rows = json_object_get(d->detail, "rows"), *one;
    struct rt_row row[2] = {{.line = 0}, {.line = 0}}, read;
    size_t i;

    json_array_foreach(rows, i, one)
    {
        if (rt_decide_read_row(d->work, one, &d->arena, &read, err) < 0)
            return -1;
        if (d->record.rid == 0 || d->record.end[read.side].flaw == flaw)
            row[read.side] = read;
    }
    clear_flaw(d, &d->record, flaw);
    if (save(d, err) < 0)
        return -1;
    for (int s = 0; s < 2 && is_accept(d); s++)
        if (row[s].content != NULL && rt_decide_apply_row(d->work, &row[s], &d->arena, err) < 0)
            return -1;
    return 0;
}

/* The same rows raise the question for each of the records that they name, as with a clash. */
static int end_repeated_twin(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct decide *d = context;
    struct rt_record record;
    json_t *detail;
    bool is_twin;

    if (item->rid == 0 || item->rid == d->record.rid || strcmp(item->kind, d->item->kind) != 0)
        return 0;
    detail = rt_json_of_detail(item->detail);
    is_twin = json_equal(json_object_get(detail, "rows"), json_object_get(d->detail, "rows"));
    json_decref(detail);
    if (!is_twin)
        return 0;
    if (rt_store_load(d->work->store, item->rid, &d->arena, &record, err) < 0)
        return -1;
    clear_flaw(d, &record, RT_FLAW_REPEATED);
    return rt_decide_save(d->work, &record, err);
}

static int decide_repeated(struct decide *d, struct rt_err *err)
{
    if (each_twin(d, end_repeated_twin, err) < 0)
        return -1;
    return decide_rows(d, RT_FLAW_REPEATED, err);
}

static int decide_rejected(struct decide *d, struct rt_err *err)
{
    clear_flaw(d, &d->record, RT_FLAW_REJECTED);
    return save(d, err);
}

static int decide_went_back(struct decide *d, struct rt_err *err)
{
    return decide_rows(d, RT_FLAW_WENT_BACK, err);
}

/* What is due for the side is looked at again when the item is closed. */
static int decide_refused(struct decide *d, struct rt_err *err)
{
    (void)d;
    (void)err;
    return 0;
}

/* ---- absence ---- */

/* Can a delete be told to that side? */
static bool can_delete(const struct rt_rules *rules, enum rt_side side)
{
    const struct rt_field *deleted = rules->schema->deleted;

    return rules->config->side[side].action_column != NULL ||
           (deleted != NULL && deleted->column[side].out != NULL);
}

static int refuse_delete(const struct decide *d, enum rt_side side, struct rt_err *err)
{
    const char *label = rules_of(d)->config->side[side].label;

    return rt_err_set(
        err, RT_USAGE,
        "review %" PRId64
        ": %s cannot be told to delete it: set action_column, or map a `deleted` field; or "
        "delete it there by hand, and dismiss this",
        d->item->number, label);
}

static int decide_missing(struct decide *d, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        struct rt_end *end = &d->record.end[s];
        enum rt_side other = rt_side_other((enum rt_side)s);

        if ((end->absence != RT_MISSING && end->absence != RT_DELETED) || end->edit_vs_delete)
            continue;
        if (is_accept(d) && !can_delete(rules_of(d), other))
            return refuse_delete(d, other, err);
        end->absence = is_accept(d) ? RT_ABSENCE_DELETE : RT_ABSENCE_KEPT;
    }
    return save(d, err);
}

/* The edit wins over the absence on this side.  A row that is only marked as deleted is there and
   gets an update; one that is gone is inserted, and the side will give it a new ID. */
static int insert_again(struct decide *d, enum rt_side side, struct rt_err *err)
{
    struct rt_end *end = &d->record.end[side], *other = &d->record.end[rt_side_other(side)];
    const struct rt_content *held = end->seen;
    struct rt_record empty;
    char *text;
    int rc;

    if (other->absence == RT_ABSENCE_DELETE || other->absence == RT_ABSENCE_TOLD)
        other->absence = RT_PRESENT; /* the delete that was written for it no longer holds */
    if (end->is_marked) {
        end->absence = RT_PRESENT;
        end->edit_vs_delete = false;
        end->given = end->seen; /* nothing was written for it since */
        end->given_delta = 0;
        return 0;
    }
    text = rt_xasprintf("its %s ID %.*s is gone", rt_side_name(side), RT_SLICE_FMT(end->id));
    rc = rt_book_note(d->work, &d->record, (int)side, "insert-again", text, err);
    free(text);
    rt_record_init(&empty);
    *end = empty.end[side];
    end->given = held; /* by which its row is known if it is back before that (intake_former.c) */
    rt_end_forget_other_id(other);
    return rc;
}

static int decide_edit_vs_delete(struct decide *d, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        struct rt_end *end = &d->record.end[s];
        enum rt_side other = rt_side_other((enum rt_side)s);
        bool is_ignored = rules_of(d)->config->side[s].deletes == RT_DELETES_IGNORE;

        if (!end->edit_vs_delete)
            continue;
        if (is_accept(d)) {
            if (insert_again(d, (enum rt_side)s, err) < 0)
                return -1;
            continue;
        }
        end->edit_vs_delete = false;
        end->absence =
            !is_ignored && can_delete(rules_of(d), other) ? RT_ABSENCE_DELETE : RT_ABSENCE_KEPT;
    }
    return save(d, err);
}

/* ---- deltas ---- */

static int64_t delta_of(const struct decide *d)
{
    return strtoll(d->item->subject + 1, NULL, 10); /* "d5" */
}

/* What the story says of a dismissed one: the values that are given up are nowhere else from now
   on. Caller frees. */
static char *given_up(const struct decide *d, const struct rt_record *record, enum rt_side side)
{
    const struct rt_end *end = &record->end[side];
    struct rt_buf text = {0};
    char *copy;

    rt_buf_add_str(&text, "not-taken: what the side shows is its edit");
    for (size_t i = 0; i < end->not_taken_count; i++) {
        size_t f = end->not_taken[i].field;
        const struct rt_field *field = rules_of(d)->schema->content[f];
        struct rt_value want = record->want->value[f];

        if (rt_value_is_same(field, side, want, end->not_taken[i].value))
            rt_buf_printf(&text, "; given up: %s \"%.*s\"", field->name, RT_SLICE_FMT(want.raw));
    }
    copy = rt_xstrdup(rt_buf_str(&text));
    rt_buf_clear(&text);
    return copy;
}

static int decide_waiting(void *context, int64_t rid, enum rt_side side, struct rt_err *err)
{
    struct decide *d = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    char *text = NULL;
    int rc = rt_store_load(d->work->store, rid, &arena, &record, err);

    if (rc == 0) {
        text = is_accept(d) ? rt_xstrdup("not-taken: sent again") : given_up(d, &record, side);
        if (is_accept(d))
            rt_decide_distrust(&record, side, record.end[side].not_taken_delta);
        else
            rt_merge_shown_is_edit(rules_of(d), &record, side, &arena);
        rc = rt_book_note(d->work, &record, (int)side, "review", text, err);
    }
    if (rc == 0)
        rc = rt_decide_save(d->work, &record, err);
    free(text);
    rt_arena_clear(&arena);
    return rc;
}

static int decide_not_taken(struct decide *d, struct rt_err *err)
{
    return rt_store_each_waiting(d->work->store, delta_of(d), decide_waiting, d, err);
}

static int decide_overdue(struct decide *d, struct rt_err *err)
{
    struct rt_delivery done;

    return is_accept(d) ? rt_decide_retry(d->work, delta_of(d), &done, err) : 0;
}

/* ---- the rest ---- */

static int decide_flapping(struct decide *d, struct rt_err *err)
{
    if (is_accept(d)) {
        d->record.flap_allowed = true;
    } else {
        d->record.is_flapping = false;
        d->record.not_due_until_edited = true; /* the sides keep what they hold */
    }
    return save(d, err);
}

static int decide_altered(struct decide *d, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        struct rt_end *end = &d->record.end[s];

        if (!end->is_cut)
            continue;
        if (is_accept(d))
            rt_merge_accept_cut(rules_of(d), &d->record, (enum rt_side)s, &d->arena);
        else
            rt_merge_shown_is_edit(rules_of(d), &d->record, (enum rt_side)s, &d->arena);
    }
    return save(d, err);
}

/* As if what the side shows had been written for it: then what differs from it is due. */
static void overwrite(struct decide *d, struct rt_end *end)
{
    const struct rt_schema *schema = rules_of(d)->schema;
    struct rt_content *given =
        rt_content_copy(schema, end->given ? end->given : end->seen, &d->arena);

    for (size_t i = 0; end->seen != NULL && i < schema->content_count; i++)
        if (schema->content[i]->direction == RT_DIR_BOTH)
            given->value[i] = end->seen->value[i];
    end->given = given;
}

static int decide_read_only(struct decide *d, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        struct rt_end *end = &d->record.end[s];

        if (!end->is_read_only_edit)
            continue;
        end->is_read_only_edit = false;
        if (!is_accept(d))
            overwrite(d, end);
    }
    return save(d, err);
}

/* Who was suspected goes into the record that waits for its ID, or stays a record of its own. */
static int decide_suspected(struct decide *d, struct rt_err *err)
{
    struct rt_record left;
    struct rt_rid_list candidates;
    int64_t rid = d->record.rid;

    if (rt_store_candidates(d->work->store, rid, &d->arena, &candidates, err) < 0)
        return -1;
    if (is_accept(d) ? rt_suspect_bind(d->work, rid, &d->arena, err) < 0
                     : rt_suspect_dismiss(d->work, rid, &d->arena, err) < 0)
        return -1;
    if (rt_store_load(d->work->store, is_accept(d) ? candidates.rids[0] : rid, &d->arena, &left,
                      err) < 0)
        return -1;
    return rt_decide_save(d->work, &left, err);
}

/* ---- any item ---- */

static int (*const by_kind[RT_KIND_COUNT])(struct decide *d, struct rt_err *err) = {
    [RT_KIND_CONFLICT] = decide_conflict,
    [RT_KIND_FIRST_SEEN] = decide_first_seen,
    [RT_KIND_CLASH] = decide_clash,
    [RT_KIND_SUSPECTED] = decide_suspected,
    [RT_KIND_REPEATED] = decide_repeated,
    [RT_KIND_REJECTED] = decide_rejected,
    [RT_KIND_REFUSED] = decide_refused,
    [RT_KIND_MISSING] = decide_missing,
    [RT_KIND_EDIT_VS_DELETE] = decide_edit_vs_delete,
    [RT_KIND_NOT_TAKEN] = decide_not_taken,
    [RT_KIND_OVERDUE] = decide_overdue,
    [RT_KIND_FLAPPING] = decide_flapping,
    [RT_KIND_ALTERED] = decide_altered,
    [RT_KIND_WENT_BACK] = decide_went_back,
    [RT_KIND_READ_ONLY] = decide_read_only,
};

static int check_verb(const struct rt_item *item, enum rt_kind kind, enum rt_verb verb,
                      struct rt_err *err)
{
    bool has_accept = rt_kind_text(kind)->accept != NULL;

    if (has_accept == (verb != RT_VERB_TAKE))
        return 0;
    if (has_accept)
        return rt_err_set(err, RT_USAGE,
                          "review %" PRId64 " (%s): accept or dismiss it; take is for conflicts",
                          item->number, item->kind);
    return rt_err_set(err, RT_USAGE,
                      "review %" PRId64
                      " (%s): say whose value counts: roundtrip review take %" PRId64 " SIDE",
                      item->number, item->kind, item->number);
}

static const char *how(const struct decide *d)
{
    if (d->verb == RT_VERB_TAKE)
        return d->side == RT_EXTERNAL ? "took external" : "took native";
    return is_accept(d) ? "accepted" : "dismissed";
}

/* By IDs, delta, file and line: so that it can be done again on a state that numbers its items
 * differently. */
static int journal(struct decide *d, struct rt_err *err)
{
    static const char *const verbs[] = {"accept", "dismiss", "take"};
    json_t *members = json_pack("{s:s, s:s}", "verb", verbs[d->verb], "kind", d->item->kind);

    if (d->verb == RT_VERB_TAKE)
        json_object_set_new(members, "side", json_string(rt_side_name(d->side)));
    if (d->record.rid)
        rt_decide_add_ids(members, &d->record);
    else if (d->item->subject[0] == 'd')
        json_object_set_new(members, "delta", json_integer((json_int_t)delta_of(d)));
    if (d->item->file)
        json_object_set_new(members, "file", json_integer((json_int_t)d->item->file));
    if (d->item->line)
        json_object_set_new(members, "line", json_integer((json_int_t)d->item->line));
    return rt_decide_journal(d->work, "review", members, err);
}

static int note(struct decide *d, struct rt_err *err)
{
    char *text;
    int rc;

    if (d->record.rid == 0)
        return 0;
    text = rt_xasprintf("%s: %s", d->item->kind, how(d));
    rc = rt_book_note(d->work, &d->record, -1, "review", text, err);
    free(text);
    return rc;
}

int rt_decide_item(struct rt_work *work, const struct rt_item *item, enum rt_verb verb,
                   enum rt_side side, struct rt_err *err)
{
    struct decide d = {.work = work, .item = item, .verb = verb, .side = side};
    int kind = rt_kind_find(item->kind), rc = -1;

    rt_record_init(&d.record);
    if (kind < 0)
        return rt_err_set(err, RT_INTERNAL, "review %" PRId64 ": unknown kind %s", item->number,
                          item->kind);
    if (check_verb(item, (enum rt_kind)kind, verb, err) < 0)
        return -1;
    d.detail = item->detail ? json_loads(item->detail, JSON_ALLOW_NUL, NULL) : NULL;
    if (item->rid && rt_store_load(work->store, item->rid, &d.arena, &d.record, err) < 0)
        goto out;
    if (journal(&d, err) < 0 || note(&d, err) < 0 || by_kind[kind](&d, err) < 0)
        goto out;
    rc = rt_store_end_item(work->store, item->number, how(&d), err);
    if (rc == 0 && kind == RT_KIND_REFUSED && item->side >= 0)
        rc = rt_decide_note_unblocked(work, (enum rt_side)item->side, err);
    if (rc == 0)
        rc = rt_decide_ask_next(work, &d.freed, err);
out:
    rt_decide_clear_freed(&d.freed);
    json_decref(d.detail);
    rt_arena_clear(&d.arena);
    return rc;
}
