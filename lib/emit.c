#include "lib/emit.h"

#include "lib/book.h"
#include "lib/decide.h"
#include "lib/delta.h"
#include "lib/outbox.h"
#include "lib/store_digests.h"
#include "lib/suspect.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rt_emit_init(struct rt_emit *emit, struct rt_work *work, const struct rt_emit_options *options)
{
    *emit = (struct rt_emit){.work = work, .options = options};
}

void rt_emit_clear(struct rt_emit *emit)
{
    for (int s = 0; s < 2; s++) {
        free(emit->side[s].rows);
        rt_rid_set_clear(&emit->side[s].chosen);
    }
    *emit = (struct rt_emit){0};
}

/* ---- deciding ---- */

/* A loader that finds rows by either ID would take the insert for the row that still has its ID
   there, of a record whose own one changed. */
static int find_taken_id(struct rt_emit *emit, const struct rt_record *record, enum rt_side side,
                         struct rt_decision *decision, struct rt_err *err)
{
    enum rt_side other = rt_side_other(side);
    struct rt_arena arena = {0};
    struct rt_record before;
    int rc;

    if (decision->action != RT_ACTION_INSERT)
        return 0;
    rc = rt_book_find_before(emit->work, record, other, &arena, &before, err);
    if (rc == 1 && rt_plan_shows_old_id(&before, side)) {
        decision->action = RT_ACTION_WAIT;
        snprintf(decision->reason, sizeof decision->reason, "%.*s has its %s ID there still",
                 RT_SLICE_FMT(before.end[side].id), rt_side_name(other));
    }
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

/* A row that may be the record's own, and has lost its ID (R11), would be edited unseen, or the
   loader would not find it, and make another one. */
static int find_suspect(struct rt_emit *emit, const struct rt_record *record, enum rt_side side,
                        struct rt_decision *decision, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_rid_list suspects;
    int rc;

    if (!rt_action_is_sent(decision->action) || record->end[side].id.len != 0)
        return 0;
    rc = rt_store_suspects_of(emit->work->store, record->rid, &arena, &suspects, err);
    if (rc == 0 && suspects.count > 0) {
        decision->action = RT_ACTION_REVIEW;
        snprintf(decision->reason, sizeof decision->reason,
                 "suspected: a row there may be this record, without its ID");
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_emit_judge(struct rt_emit *emit, const struct rt_record *record, enum rt_side side,
                  struct rt_decision *decision, struct rt_err *err)
{
    struct rt_delta_format format;
    struct rt_delta_cells cells;
    const struct rt_field *misfit;

    rt_plan_side(&emit->work->rules, record, side, decision);
    if (find_taken_id(emit, record, side, decision, err) < 0 ||
        find_suspect(emit, record, side, decision, err) < 0)
        return -1;
    if (!rt_action_is_sent(decision->action))
        return 0;
    if (emit->side[side].is_blocked) {
        decision->action = RT_ACTION_WAIT;
        snprintf(decision->reason, sizeof decision->reason, "%s", emit->side[side].reason);
        return 0;
    }
    if (rt_delta_format_init(&format, &emit->work->rules, side, 0, err) < 0)
        return -1;
    cells = rt_delta_cells_of(record, decision->action);
    misfit = rt_delta_misfit(&format, &cells);
    rt_delta_format_clear(&format);
    if (misfit == NULL)
        return 0;
    decision->action = RT_ACTION_WAIT;
    snprintf(decision->reason, sizeof decision->reason, "%s has characters that %s cannot hold",
             misfit->name, emit->work->rules.config->side[side].encoding);
    return 0;
}

static bool is_asked_for(const struct rt_emit *emit, int64_t rid, enum rt_side side)
{
    if (!emit->options->is_to[side])
        return false;
    for (size_t i = 0; i < emit->options->only_count; i++)
        if (emit->options->only[i] == rid)
            return true;
    return emit->options->only_count == 0;
}

int rt_emit_decide(struct rt_emit *emit, const struct rt_record *record, enum rt_side side,
                   struct rt_decision *decision, struct rt_err *err)
{
    if (rt_emit_judge(emit, record, side, decision, err) < 0)
        return -1;
    if (!rt_action_is_sent(decision->action) ||
        rt_rid_set_has(&emit->side[side].chosen, record->rid))
        return 0;
    decision->action = RT_ACTION_WAIT;
    snprintf(decision->reason, sizeof decision->reason, "%s",
             is_asked_for(emit, record->rid, side) ? "beyond --limit" : "not asked for");
    return 0;
}

static int note_open(struct rt_emit *emit, int64_t rid, enum rt_side side,
                     const struct rt_decision *decision, struct rt_err *err)
{
    struct rt_due_entry entry = {.rid = rid,
                                 .side = side,
                                 .since = emit->work->rules.now,
                                 .action = rt_action_name(decision->action),
                                 .reason = decision->reason};

    return rt_store_put_due(emit->work->store, &entry, err);
}

static void count_open(struct rt_side_plan *plan, enum rt_action action)
{
    plan->waiting += action == RT_ACTION_WAIT;
    plan->review += action == RT_ACTION_REVIEW;
    plan->excluded += action == RT_ACTION_EXCLUDE;
}

/* Is a delete for that side one that nobody was asked about?  The others are approved already. */
static bool is_propagated(const struct rt_emit *emit, const struct rt_record *record,
                          enum rt_side side)
{
    return rt_record_deletes(&emit->work->rules, record, rt_side_other(side)) ==
           RT_DELETES_PROPAGATE;
}

/* Decides for one record and side: into the plan, or onto the list of what is due later. */
static int consider(struct rt_emit *emit, struct rt_record *record, enum rt_side side,
                    bool is_noted, struct rt_err *err)
{
    struct rt_side_plan *plan = &emit->side[side];
    int64_t limit = emit->options->limit;
    struct rt_decision decision;

    if (rt_emit_judge(emit, record, side, &decision, err) < 0)
        return -1;
    if (!rt_plan_is_open(&decision))
        return is_noted ? rt_store_drop_due(emit->work->store, record->rid, side, err) : 0;
    count_open(plan, decision.action);
    if (!rt_action_is_sent(decision.action) || !is_asked_for(emit, record->rid, side))
        return note_open(emit, record->rid, side, &decision, err);
    plan->due++;
    plan->deletes += decision.action == RT_ACTION_DELETE && is_propagated(emit, record, side);
    if (limit != RT_NO_LIMIT && (int64_t)plan->count >= limit)
        return note_open(emit, record->rid, side, &decision, err);
    plan->rows = rt_xgrow(plan->rows, plan->count, sizeof *plan->rows);
    plan->rows[plan->count++] = (struct rt_plan_row){record->rid, decision.action, is_noted};
    rt_rid_set_add(&plan->chosen, record->rid);
    return 0;
}

/* What was due before this run, in the order it became due: first due, first out. */
static int consider_noted(struct rt_emit *emit, enum rt_side side, struct rt_rid_set *done,
                          struct rt_err *err)
{
    struct rt_due_entry entry = {0};
    struct rt_arena arena = {0};
    struct rt_record *record;
    int rc;

    while ((rc = rt_store_next_due(emit->work->store, side, &arena, &entry, err)) == 1) {
        rt_arena_reset(&arena);
        rt_rid_set_add(done, entry.rid);
        if (rt_store_borrow(emit->work->store, entry.rid, &arena, &record, err) < 0 ||
            consider(emit, record, side, true, err) < 0) {
            rc = -1;
            break;
        }
    }
    rt_arena_clear(&arena);
    return rc;
}

static int is_gone(struct rt_emit *emit, int64_t rid, struct rt_err *err)
{
    bool there;

    if (rt_store_has_record(emit->work->store, rid, &there, err) < 0)
        return -1;
    return !there;
}

static int consider_fresh(struct rt_emit *emit, struct rt_rid_set done[2], struct rt_err *err)
{
    struct rt_work *work = emit->work;
    struct rt_arena arena = {0};
    struct rt_record *record;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < work->fresh_count; i++) {
        int64_t rid = work->fresh[i];

        if (rt_rid_set_has(&done[0], rid) && rt_rid_set_has(&done[1], rid))
            continue;
        rc = is_gone(emit, rid, err); /* joined into another meanwhile */
        if (rc == 1) {
            rc = 0;
            continue;
        }
        rt_arena_reset(&arena);
        if (rc == 0)
            rc = rt_store_borrow(work->store, rid, &arena, &record, err);
        for (int s = 0; s < 2 && rc == 0; s++)
            if (!rt_rid_set_has(&done[s], rid))
                rc = consider(emit, record, (enum rt_side)s, false, err);
    }
    rt_arena_clear(&arena);
    return rc;
}

int64_t rt_emit_later(const struct rt_side_plan *plan)
{
    return plan->waiting + plan->due - (int64_t)plan->count;
}

static int note_block(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct rt_emit *emit = context;
    struct rt_side_plan *plan;

    (void)err;
    if (item->side != RT_EXTERNAL && item->side != RT_NATIVE)
        return 0;
    plan = &emit->side[item->side];
    plan->is_blocked = true;
    snprintf(plan->reason, sizeof plan->reason,
             "a refused file of %s is undecided (review %" PRId64 ")",
             emit->work->rules.config->side[item->side].label, item->number);
    return 0;
}

int rt_emit_note_blocks(struct rt_emit *emit, struct rt_err *err)
{
    return rt_store_each_item(emit->work->store, "refused", note_block, emit, err);
}

/* ---- store_ids, from now on ---- */

#define STORING_IDS "storing_ids" /* the sides that the last emit found to store IDs */

static const char *storing_ids(const struct rt_config *config)
{
    static const char *const words[2][2] = {{"none", "native"}, {"external", "both"}};

    return words[config->side[RT_EXTERNAL].store_ids][config->side[RT_NATIVE].store_ids];
}

static int touch_lacking(void *context, int64_t rid, struct rt_err *err)
{
    struct rt_work *work = context;
    struct rt_arena arena = {0};
    struct rt_record *record;
    int rc = rt_store_borrow(work->store, rid, &arena, &record, err);

    for (int s = 0; s < 2 && rc == 0; s++)
        if (work->rules.config->side[s].store_ids &&
            rt_plan_shows_old_id(record, (enum rt_side)s) &&
            record->end[rt_side_other((enum rt_side)s)].id.len)
            rt_work_touch(work, rid);
    rt_arena_clear(&arena);
    return rc;
}

/* A side is to store IDs from now on: records that lack one there are due, and nothing else touches
   most of them. */
static int find_lacking(struct rt_emit *emit, struct rt_err *err)
{
    struct rt_work *work = emit->work;
    const char *now = storing_ids(work->rules.config), *before;
    struct rt_arena arena = {0};
    int rc = rt_store_get(work->store, STORING_IDS, &arena, &before, err);
    bool is_as_before = strcmp(rc == 1 ? before : "none", now) == 0;

    rt_arena_clear(&arena);
    if (rc < 0 || is_as_before)
        return rc < 0 ? -1 : 0;
    if (rt_store_each_newer(work->store, 0, touch_lacking, work, err) < 0)
        return -1;
    return rt_store_set(work->store, STORING_IDS, now, err);
}

int rt_emit_plan(struct rt_emit *emit, struct rt_err *err)
{
    struct rt_rid_set done[2] = {{0}, {0}};
    int rc = -1;

    if (rt_emit_note_blocks(emit, err) < 0 || find_lacking(emit, err) < 0)
        goto out;
    for (int s = 0; s < 2; s++)
        if (consider_noted(emit, (enum rt_side)s, &done[s], err) < 0)
            goto out;
    rc = consider_fresh(emit, done, err);
out:
    rt_work_lap(emit->work, RT_LAP_PLAN);
    rt_rid_set_clear(&done[0]);
    rt_rid_set_clear(&done[1]);
    return rc;
}

/* ---- writing ---- */

struct side_writer {
    struct rt_emit *emit;
    enum rt_side side;
    struct rt_delta_format format;
    struct rt_delta *delta;
    struct rt_buf row;
};

/* A side that can mark its rows as deleted keeps them. */
static void note_delete(const struct side_writer *w, struct rt_end *end)
{
    end->absence = RT_ABSENCE_TOLD;
    end->is_marked = rt_rules_deleted_header(w->format.rules, w->side) != NULL;
}

static int write_row(struct side_writer *w, struct rt_stage *stage, size_t i,
                     struct rt_arena *arena, struct rt_err *err)
{
    const struct rt_plan_row *planned = &w->emit->side[w->side].rows[i];
    struct rt_store *store = w->emit->work->store;
    struct rt_record *record;
    struct rt_delta_cells cells;
    struct rt_delta_row row = {
        .delta = w->delta->number, .position = (int64_t)i + 1, .rid = planned->rid};

    if (rt_store_borrow(store, planned->rid, arena, &record, err) < 0)
        return -1;
    cells = rt_delta_cells_of(record, planned->action);
    rt_buf_reset(&w->row);
    if (rt_delta_row(&w->format, &cells, &w->row, err) < 0 ||
        rt_stage_add(stage, rt_buf_slice(&w->row), err) < 0)
        return -1;
    row.action = planned->action == RT_ACTION_INSERT   ? RT_ROW_INSERT
                 : planned->action == RT_ACTION_UPDATE ? RT_ROW_UPDATE
                                                       : RT_ROW_DELETE;
    row.id[0] = record->end[0].id;
    row.id[1] = record->end[1].id;
    row.cid = record->want->cid;
    if (planned->action == RT_ACTION_DELETE)
        note_delete(w, &record->end[w->side]);
    else
        rt_plan_written(record, w->side, row.delta, row.position);
    if (record->end[w->side].id.len == 0 &&
        rt_suspect_add_pending(w->emit->work, record, w->side, err) < 0)
        return -1;
    if (rt_store_add_row(store, &row, err) < 0 || rt_store_save(store, record, NULL, err) < 0)
        return -1;
    return planned->is_noted ? rt_store_drop_due(store, planned->rid, w->side, err) : 0;
}

static int write_rows(struct side_writer *w, struct rt_stage *stage, struct rt_err *err)
{
    struct rt_arena arena = {0};
    size_t count = w->emit->side[w->side].count;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rt_arena_reset(&arena);
        rc = write_row(w, stage, i, &arena, err);
        if ((i & 0xfff) == 0xfff)
            rt_log_progress(w->emit->work->log,
                            (struct rt_progress){"writing", RT_UNIT_ROWS, i, count, false});
    }
    rt_log_progress(w->emit->work->log, (struct rt_progress){.is_over = true});
    rt_arena_clear(&arena);
    return rc;
}

static int write_side(struct rt_emit *emit, enum rt_side side, struct rt_err *err)
{
    struct side_writer w = {.emit = emit, .side = side, .delta = &emit->written[side]};
    struct rt_buf header = {0};
    struct rt_stage *stage = NULL;
    int rc = -1;

    if (rt_delta_format_init(&w.format, &emit->work->rules, side, emit->work->rules.now, err) < 0 ||
        rt_delta_header(&w.format, &header, err) < 0)
        goto out;
    *w.delta = (struct rt_delta){
        .side = side,
        .state = RT_DELTA_COMMITTED,
        .written_at = emit->work->rules.now,
        .handed_at = RT_NEVER,
        .gone_at = RT_NEVER,
        .confirmed_at = RT_NEVER,
        .rows = (int64_t)emit->side[side].count,
        .parts = rt_outbox_parts(emit->work, side, (int64_t)emit->side[side].count),
        .run = emit->work->run,
        .header = rt_buf_slice(&header)};
    if (rt_store_add_delta(emit->work->store, w.delta, err) < 0 ||
        rt_stage_open(emit->work, w.delta, &stage, err) < 0 || write_rows(&w, stage, err) < 0)
        goto out;
    rc = rt_stage_end(stage, err);
    /* the caller keeps the number and the counts, not this text */
    w.delta->header = (struct rt_slice){NULL, 0};
out:
    rt_stage_close(stage);
    rt_delta_format_clear(&w.format);
    rt_buf_clear(&header);
    rt_buf_clear(&w.row);
    return rc;
}

/* ---- the journal ---- */

static int add_part(void *context, const struct rt_delta_part *part, struct rt_err *err)
{
    char hex[RT_DIGEST_HEX];

    (void)err;
    json_array_append_new(context, json_pack("{s:s, s:I, s:s}", "name", part->name, "rows",
                                             (json_int_t)part->rows, "digest",
                                             rt_digest_hex(part->digest, hex)));
    return 0;
}

static json_t *side_json(struct rt_emit *emit, enum rt_side side, struct rt_err *err)
{
    const struct rt_side_plan *plan = &emit->side[side];
    int64_t number = emit->written[side].number;
    json_t *parts = json_array();

    if (number && rt_store_each_part(emit->work->store, number, add_part, parts, err) < 0) {
        json_decref(parts);
        return NULL;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "delta", (json_int_t)number, "rows",
                     (json_int_t)plan->count, "due", (json_int_t)plan->due, "waiting",
                     (json_int_t)plan->waiting, "review", (json_int_t)plan->review, "excluded",
                     (json_int_t)plan->excluded, "parts", parts);
}

static json_t *options_json(const struct rt_emit_options *options)
{
    json_t *json = json_pack("{s:b, s:b}", "external", options->is_to[RT_EXTERNAL], "native",
                             options->is_to[RT_NATIVE]);
    json_t *only = json_array();

    for (size_t i = 0; i < options->only_count; i++)
        json_array_append_new(only, json_integer((json_int_t)options->only[i]));
    json_object_set_new(json, "only", only);
    if (options->limit != RT_NO_LIMIT)
        json_object_set_new(json, "limit", json_integer((json_int_t)options->limit));
    if (options->approve != NULL)
        json_object_set_new(json, "approve", json_string(options->approve));
    if (options->historical)
        json_object_set_new(json, "historical", json_true());
    return json;
}

/* What was asked for and what came of it: enough to do it again, and to see that it is the same. */
static int journal(struct rt_emit *emit, struct rt_err *err)
{
    json_t *root =
        json_pack("{s:I, s:s, s:I, s:o}", "at", (json_int_t)emit->work->rules.now, "what", "emit",
                  "run", (json_int_t)emit->work->run, "options", options_json(emit->options));
    char *line;
    int rc = -1;

    for (int s = 0; s < 2; s++) {
        json_t *side = side_json(emit, (enum rt_side)s, err);

        if (side == NULL)
            goto out;
        json_object_set_new(root, rt_side_name((enum rt_side)s), side);
    }
    line = json_dumps(root, JSON_COMPACT);
    rc = rt_store_add_journal(emit->work->store, line, err);
    free(line);
out:
    json_decref(root);
    return rc;
}

int rt_emit_write(struct rt_emit *emit, struct rt_err *err)
{
    for (int s = 0; s < 2; s++)
        if (emit->side[s].count && write_side(emit, (enum rt_side)s, err) < 0)
            return -1;
    if (rt_decide_note_overdue(emit->work, err) < 0)
        return -1;
    rt_work_lap(emit->work, RT_LAP_WRITE);
    return emit->work->is_dry ? 0 : journal(emit, err);
}
