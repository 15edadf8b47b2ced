#include "lib/decide_internal.h"

#include "lib/emit.h"
#include "lib/outbox.h"
#include "lib/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int rt_decide_journal(struct rt_work *work, const char *what, json_t *members, struct rt_err *err)
{
    json_t *root = json_pack("{s:I, s:s}", "at", (json_int_t)work->rules.now, "what", what);
    char *line;
    int rc;

    if (members != NULL)
        json_object_update(root, members);
    line = json_dumps(root, JSON_COMPACT);
    rc = rt_store_add_journal(work->store, line, err);
    free(line);
    json_decref(root);
    json_decref(members);
    return rc;
}

void rt_decide_add_ids(json_t *members, const struct rt_record *record)
{
    for (int s = 0; s < 2; s++) {
        struct rt_slice id = record->end[s].id;

        if (id.len)
            json_object_set_new(members, s == RT_EXTERNAL ? "external_id" : "native_id",
                                json_stringn(id.ptr, id.len));
    }
    /* Its only ID is gone, as it is to be inserted again: what is left is its number. */
    if (record->end[RT_EXTERNAL].id.len == 0 && record->end[RT_NATIVE].id.len == 0)
        json_object_set_new(members, "record", json_integer((json_int_t)record->rid));
}

int rt_decide_note(struct rt_work *work, const char *what, const char *reason, struct rt_err *err)
{
    return rt_decide_journal(work, what, reason ? json_pack("{s:s}", "reason", reason) : NULL, err);
}

static int note_side(struct rt_emit *emit, const struct rt_record *record, enum rt_side side,
                     struct rt_err *err)
{
    struct rt_store *store = emit->work->store;
    struct rt_due_entry entry = {.rid = record->rid, .side = side, .since = emit->work->rules.now};
    struct rt_decision decision;

    if (rt_emit_judge(emit, record, side, &decision, err) < 0)
        return -1;
    entry.action = rt_action_name(decision.action);
    entry.reason = decision.reason;
    return rt_plan_is_open(&decision) ? rt_store_put_due(store, &entry, err)
                                      : rt_store_drop_due(store, record->rid, side, err);
}

int rt_decide_note_due(struct rt_work *work, const struct rt_record *record, struct rt_err *err)
{
    struct rt_emit emit;
    int rc;

    rt_emit_init(&emit, work, NULL);
    rc = rt_emit_note_blocks(&emit, err);
    for (int s = 0; s < 2 && rc == 0; s++)
        rc = note_side(&emit, record, (enum rt_side)s, err);
    rt_emit_clear(&emit);
    return rc;
}

int rt_decide_note_unblocked(struct rt_work *work, enum rt_side side, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_due_entry entry = {0};
    struct rt_record *record;
    struct rt_emit emit;
    int rc;

    rt_emit_init(&emit, work, NULL);
    rc = rt_emit_note_blocks(&emit, err);
    while (rc == 0 && !emit.side[side].is_blocked &&
           (rc = rt_store_next_due(work->store, side, &arena, &entry, err)) == 1) {
        rt_arena_reset(&arena);
        rc = rt_store_borrow(work->store, entry.rid, &arena, &record, err);
        if (rc == 0)
            rc = note_side(&emit, record, side, err);
    }
    rt_arena_clear(&arena);
    rt_emit_clear(&emit);
    return rc;
}

int rt_decide_save(struct rt_work *work, struct rt_record *record, struct rt_err *err)
{
    return rt_book_save(work, record, err) < 0 ? -1 : rt_decide_note_due(work, record, err);
}

/* ---- the rows of a delta, one record after the other ---- */

struct delivery {
    struct rt_work *work;
    const struct rt_delta *delta;
    struct rt_delivery *done;
    /* 1: the record changed and is saved; 0; -1.  NULL: each record is saved. */
    int (*decide)(struct delivery *d, struct rt_record *record, const struct rt_delta_row *row,
                  struct rt_arena *arena);
    const char *what; /* for the story */
};

static int visit_row(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    struct delivery *d = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    char text[40];
    int rc = -1;

    if (rt_store_load(d->work->store, row->rid, &arena, &record, err) < 0)
        goto out;
    rc = d->decide == NULL ? 1 : d->decide(d, &record, row, &arena);
    if (rc == 1) {
        d->done->changed++;
        snprintf(text, sizeof text, "delta %06" PRId64, d->delta->number);
        rc = rt_decide_save(d->work, &record, err);
        if (rc == 0)
            rc = rt_book_note(d->work, &record, (int)d->delta->side, d->what, text, err);
    }
out:
    rt_arena_clear(&arena);
    return rc;
}

static int visit_rows(struct delivery *d, struct rt_err *err)
{
    d->done->rows = d->delta->rows;
    return rt_store_each_row(d->work->store,
                             &(struct rt_row_range){d->delta->number, 1, d->delta->rows}, visit_row,
                             d, err);
}

/* ---- withdraw ---- */

int rt_decide_withdraw(struct rt_work *work, int64_t number, int64_t *rows, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta delta;
    struct rt_delivery done = {0};
    struct delivery d = {.work = work, .delta = &delta, .done = &done, .what = "withdraw"};
    int rc = -1;

    if (rt_outbox_withdraw(work, number, err) == 0 &&
        rt_store_delta(work->store, number, &arena, &delta, err) == 1)
        rc = visit_rows(&d, err);
    *rows = done.rows;
    rt_arena_clear(&arena);
    return rc;
}

/* ---- confirm ---- */

static int find_version(const struct rt_end *end, int64_t delta)
{
    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta == delta)
            return (int)i;
    return -1;
}

/* What the side holds once the version is there: what flows to it from the version, the rest as it
 * was seen. */
static const struct rt_content *confirmed_content(const struct rt_rules *rules,
                                                  const struct rt_record *record, enum rt_side side,
                                                  const struct rt_version *version,
                                                  struct rt_arena *arena)
{
    struct rt_content *now = rt_content_copy(rules->schema, record->end[side].seen, arena);

    for (size_t i = 0; i < rules->schema->content_count; i++)
        if (rt_record_flows_to(rules, record, rules->schema->content[i], side) &&
            rt_value_is_known(version->content->value[i]))
            now->value[i] = version->content->value[i];
    return now;
}

/* The version at `at` becomes what is seen; it and older ones go, but for what is kept for older
 * files (delta 0). */
static void take_confirmed(const struct rt_rules *rules, struct rt_end *end, size_t at,
                           const struct rt_content *now)
{
    struct rt_version kept[RT_SENT_MAX], confirmed = end->sent[at];
    size_t n = 0;

    for (size_t i = 0; i < at; i++)
        if (end->sent[i].delta == 0)
            kept[n++] = end->sent[i];
    if (end->seen != NULL)
        kept[n++] = (struct rt_version){
            .content = end->seen, .until = rules->now, .has_other_id = end->shows_other_id};
    for (size_t i = at + 1; i < end->sent_count; i++)
        kept[n++] = end->sent[i];
    memcpy(end->sent, kept, n * sizeof *kept);
    end->sent_count = n;
    end->seen = now;
    end->shows_other_id = confirmed.has_other_id;
    rt_end_settle_not_taken(end); /* of an older one: this one is newer, and there */
}

static int confirm_row(struct delivery *d, struct rt_record *record, const struct rt_delta_row *row,
                       struct rt_arena *arena)
{
    enum rt_side side = d->delta->side;
    struct rt_end *end = &record->end[side];
    int at = find_version(end, row->delta);

    if (at < 0) {
        d->done->known++;
        return 0;
    }
    if (end->look.stamp != RT_NEVER && end->look.stamp >= end->sent[at].handed) {
        d->done->newer++;
        return 0;
    }
    take_confirmed(&d->work->rules, end, (size_t)at,
                   confirmed_content(&d->work->rules, record, side, &end->sent[at], arena));
    return 1;
}

int rt_decide_confirm(struct rt_work *work, int64_t number, struct rt_delivery *done,
                      struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta delta;
    struct delivery d = {
        .work = work, .delta = &delta, .done = done, .decide = confirm_row, .what = "confirm"};
    int rc = rt_outbox_find_handed(work, number, &arena, &delta, err);

    *done = (struct rt_delivery){0};
    if (rc == 0 && delta.confirmed_at != RT_NEVER) {
        done->is_repeated = true;
        done->rows = done->known = delta.rows;
    } else if (rc == 0) {
        rc = visit_rows(&d, err);
        delta.confirmed_at = work->rules.now;
        if (rc == 0)
            rc = rt_store_update_delta(work->store, &delta, err);
        if (rc == 0)
            rc = rt_decide_journal(work, "confirm", json_pack("{s:I}", "delta", (json_int_t)number),
                                   err);
    }
    rt_arena_clear(&arena);
    return rc;
}

/* ---- retry ---- */

/* Handed over with all parts of its delta: the row may stand in one that still is in the outbox. */
static bool is_delivered(const struct rt_version *version)
{
    return version->delta != 0 && version->gone != RT_NEVER;
}

/* Does `retry` of the delta, or of the record (0), mean an insert of which `confirm` said that it
   arrived? It was never observed, so its ID is not known; and nothing that was sent later is meant.
 */
static bool is_assumed(const struct rt_end *end, int64_t delta)
{
    for (size_t i = 0; i < end->sent_count; i++)
        if (is_delivered(&end->sent[i]) && (delta == 0 || end->sent[i].delta == delta))
            return false;
    return end->id.len == 0 && end->look.stamp == RT_NEVER && end->seen != NULL &&
           (delta == 0 || end->given_delta == delta);
}

/* Takes back what `confirm` said of that row: its version is under way again, as it was before, and
   known, in case that it arrives after all. */
static void unconfirm(struct rt_end *end, const struct rt_delta_row *row)
{
    size_t at = 0;

    if (end->sent_count == RT_SENT_MAX)
        rt_end_drop_sent(end, 1);
    while (at < end->sent_count && end->sent[at].delta == 0)
        at++;
    memmove(&end->sent[at + 1], &end->sent[at], (end->sent_count - at) * sizeof *end->sent);
    end->sent[at] = (struct rt_version){.delta = row->delta,
                                        .position = row->position,
                                        .content = end->seen,
                                        .handed = end->given_at,
                                        .gone = end->given_at,
                                        .until = RT_NEVER,
                                        .is_trusted = true,
                                        .has_other_id = end->shows_other_id};
    end->sent_count++;
    end->seen = NULL;
    end->shows_other_id = false;
}

/* Was it the last that was written, without being seen whole or given up since?  Such as one of
   which only a value that flows one way is missing: nothing asks about that (R7). */
static bool is_unsettled(const struct rt_end *end, const struct rt_version *version)
{
    return version->is_trusted || (!version->is_given_up && end->given_delta == version->delta);
}

bool rt_decide_distrust(struct rt_record *record, enum rt_side side, int64_t delta)
{
    struct rt_end *end = &record->end[side];
    const struct rt_version *left;
    bool any = false;

    for (size_t i = 0; i < end->sent_count; i++) {
        struct rt_version *v = &end->sent[i];

        if (!is_delivered(v) || (delta != 0 && v->delta != delta))
            continue;
        any = any || is_unsettled(end, v) || end->not_taken_count;
        v->is_trusted = false;
        v->is_given_up = true;
    }
    if (!any)
        return false;
    rt_end_settle_not_taken(end);
    left = rt_end_trusted(end);
    end->given = left ? left->content : end->seen;
    end->given_delta = left ? left->delta : 0;
    return true;
}

static int retry_row(struct delivery *d, struct rt_record *record, const struct rt_delta_row *row,
                     struct rt_arena *arena)
{
    struct rt_end *end = &record->end[d->delta->side];

    (void)arena;
    if (row->action == RT_ROW_DELETE && end->absence == RT_ABSENCE_TOLD) {
        rt_end_untell(end);
        return 1;
    }
    if (is_assumed(end, row->delta))
        unconfirm(end, row);
    if (rt_decide_distrust(record, d->delta->side, row->delta))
        return 1;
    d->done->known++;
    return 0;
}

int rt_decide_retry(struct rt_work *work, int64_t number, struct rt_delivery *done,
                    struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta delta;
    struct delivery d = {
        .work = work, .delta = &delta, .done = done, .decide = retry_row, .what = "retry"};
    int rc = rt_outbox_find_handed(work, number, &arena, &delta, err);

    *done = (struct rt_delivery){0};
    if (rc == 0)
        rc = visit_rows(&d, err);
    if (rc == 0)
        rc = rt_decide_journal(work, "retry", json_pack("{s:I}", "delta", (json_int_t)number), err);
    rt_arena_clear(&arena);
    return rc;
}

static int64_t count_handed(const struct rt_end *end)
{
    int64_t n = 0;

    for (size_t i = 0; i < end->sent_count; i++)
        n += is_delivered(&end->sent[i]) && end->sent[i].is_trusted;
    return n;
}

/* A delete that was handed over is to be written again.  False if there is none. */
static bool untell_handed(struct rt_end *end)
{
    if (end->absence != RT_ABSENCE_TOLD || end->told_at == RT_NEVER)
        return false;
    rt_end_untell(end);
    return true;
}

/* The same for all that is under way for a record on one side.  *any: there was something. */
static int retry_side(struct rt_work *work, struct rt_record *record, enum rt_side side, bool *any,
                      struct rt_err *err)
{
    struct rt_end *end = &record->end[side];
    struct rt_delta_row row;

    if (is_assumed(end, 0)) {
        if (rt_store_last_row(work->store, record->rid, side, RT_DELTA_HANDED, &row, err) < 0)
            return -1;
        unconfirm(end, &row);
    }
    *any = untell_handed(end) || rt_decide_distrust(record, side, 0);
    return *any ? rt_book_note(work, record, (int)side, "retry", NULL, err) : 0;
}

int rt_decide_retry_record(struct rt_work *work, int64_t rid, int64_t *versions, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_record record;
    json_t *members;
    bool any = false;
    int rc = rt_store_load(work->store, rid, &arena, &record, err);

    *versions = 0;
    for (int s = 0; rc == 0 && s < 2; s++) {
        int64_t n = count_handed(&record.end[s]);
        bool is_due;

        rc = retry_side(work, &record, (enum rt_side)s, &is_due, err);
        if (rc < 0 || !is_due)
            continue;
        any = true;
        *versions += n ? n : 1;
    }
    if (rc == 0 && any) {
        members = json_object();
        rt_decide_add_ids(members, &record);
        rc = rt_decide_journal(work, "retry", members, err);
        if (rc == 0)
            rc = rt_decide_save(work, &record, err);
    }
    rt_arena_clear(&arena);
    return rc;
}

/* ---- handed over again ---- */

/* The delete is wanted, and was said to be not taken. */
static bool is_untold(const struct rt_record *record, enum rt_side side)
{
    const struct rt_end *other = &record->end[rt_side_other(side)];

    return record->end[side].absence == RT_PRESENT && other->absence == RT_ABSENCE_DELETE &&
           !other->edit_vs_delete;
}

static int await_row(struct delivery *d, struct rt_record *record, const struct rt_delta_row *row,
                     struct rt_arena *arena)
{
    struct rt_end *end = &record->end[d->delta->side];
    int at = find_version(end, row->delta);

    (void)arena;
    if (row->action == RT_ROW_DELETE && is_untold(record, d->delta->side)) {
        end->absence = RT_ABSENCE_TOLD;
        return 1;
    }
    if (at < 0 || end->sent[at].is_trusted)
        return 0;
    end->sent[at].is_trusted = true;
    end->sent[at].is_given_up = false;
    end->given = end->sent[at].content;
    end->given_delta = row->delta;
    rt_end_settle_not_taken(end);
    return 1;
}

int rt_decide_await(struct rt_work *work, const struct rt_delta *delta,
                    const struct rt_row_range *rows, struct rt_err *err)
{
    struct rt_delivery done = {0};
    struct delivery d = {
        .work = work, .delta = delta, .done = &done, .decide = await_row, .what = "again"};

    return rt_store_each_row(work->store, rows, visit_row, &d, err);
}

/* ---- hold ---- */

static int set_held(struct rt_work *work, int64_t rid, bool is_held, const char *reason,
                    struct rt_err *err)
{
    const char *what = is_held ? "hold" : "release";
    struct rt_arena arena = {0};
    struct rt_record record;
    json_t *members;
    int rc = rt_store_load(work->store, rid, &arena, &record, err);

    if (rc == 0 && record.is_held != is_held) {
        record.is_held = is_held;
        members = json_object();
        rt_decide_add_ids(members, &record);
        if (reason != NULL)
            json_object_set_new(members, "reason", json_string(reason));
        rc = rt_decide_journal(work, what, members, err);
        if (rc == 0)
            rc = rt_book_note(work, &record, -1, what, reason, err);
        if (rc == 0)
            rc = rt_decide_save(work, &record, err) < 0 ? -1 : 1;
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_decide_hold(struct rt_work *work, int64_t rid, const char *reason, bool *changed,
                   struct rt_err *err)
{
    int rc = set_held(work, rid, true, reason, err);

    *changed = rc == 1;
    return rc < 0 ? -1 : 0;
}

int rt_decide_release(struct rt_work *work, int64_t rid, bool *changed, struct rt_err *err)
{
    int rc = set_held(work, rid, false, NULL, err);

    *changed = rc == 1;
    return rc < 0 ? -1 : 0;
}
