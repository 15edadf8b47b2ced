#include "lib/baseline.h"

#include "lib/baseline_pair.h"
#include "lib/baseline_report.h"
#include "lib/decide_internal.h"
#include "lib/intake.h"
#include "lib/spool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

struct baseline {
    struct rt_work *work;
    const struct rt_baseline_options *options;
    struct rt_baseline_result *result;
    struct rt_baseline_report report;
    struct rt_arena arena; /* a record's */
};

static const struct rt_schema *schema_of(const struct baseline *b)
{
    return b->work->rules.schema;
}

/* ---- only at the very start ---- */

static int refuse_delta(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    (void)context;
    if (delta->state == RT_DELTA_WITHDRAWN)
        return 0;
    if (delta->state == RT_DELTA_HANDED || delta->handed_parts > 0)
        return rt_err_set(err, RT_USAGE,
                          "delta %06" PRId64
                          " was handed over: a baseline is for the start, before anything was sent",
                          delta->number);
    return rt_err_set(err, RT_USAGE,
                      "delta %06" PRId64 " waits in the outbox: roundtrip withdraw it first",
                      delta->number);
}

static int journal(struct baseline *b, struct rt_err *err)
{
    json_t *members = json_pack("{s:I}", "run", (json_int_t)b->work->run);

    if (b->options->prefer >= 0)
        json_object_set_new(members, "prefer",
                            json_string(rt_side_name((enum rt_side)b->options->prefer)));
    if (b->options->insert >= 0)
        json_object_set_new(members, "insert",
                            json_string(rt_side_name((enum rt_side)b->options->insert)));
    for (int s = 0; s < 2; s++)
        json_object_set_new(members, rt_side_name((enum rt_side)s),
                            json_boolean(b->options->path[s] != NULL));
    return rt_decide_journal(b->work, "baseline", members, err);
}

static int take_in(struct baseline *b, struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        const char *path = b->options->path[s];

        if (path == NULL)
            continue;
        if (rt_intake_paths(b->work, (enum rt_side)s, &path, 1, err) < 0)
            return -1;
        if (b->work->emptied[s].held > 0)
            return rt_err_set(
                err, RT_STOPPED,
                "%s: a snapshot without rows, from a side that was seen to hold %" PRId64
                " records: nothing of the baseline was recorded; give it a file with rows",
                path, b->work->emptied[s].held);
    }
    return 0;
}

/* ---- one record ---- */

static struct rt_value seen_value(const struct rt_record *record, enum rt_side side, size_t i)
{
    return rt_content_value(record->end[side].seen, i);
}

/* No file of that side: it holds what flows to it. */
static void assume_same(struct baseline *b, struct rt_record *record, enum rt_side side)
{
    struct rt_content *seen = rt_content_new(schema_of(b), &b->arena);

    bool is_all = true;

    for (size_t i = 0; i < schema_of(b)->content_count; i++)
        if (rt_record_flows_to(&b->work->rules, record, schema_of(b)->content[i], side))
            seen->value[i] = record->want->value[i];
        else
            is_all = false;
    record->end[side].seen = is_all ? record->want : seen;
    record->end[side].shows_other_id = record->end[rt_side_other(side)].id.len != 0;
}

/* No file tells what the side holds.  One whose exports do not show what it imported never tells
 * its ID for that either, and does not need it to find the row again. */
static bool is_taken_to_hold(const struct baseline *b, const struct rt_record *record,
                             enum rt_side side)
{
    const struct rt_side_config *settings = &b->work->rules.config->side[side];

    if (b->options->path[side] != NULL || record->end[side].seen != NULL)
        return false;
    return record->end[side].id.len ||
           (!settings->shows_imports && !settings->own_id_only && b->options->insert != (int)side);
}

static bool differs(const struct rt_field *field, struct rt_value external, struct rt_value native)
{
    return rt_value_is_known(external) && rt_value_is_known(native) &&
           field->direction != RT_DIR_NONE &&
           !rt_value_is_same(field, RT_EXTERNAL, external, native) &&
           !rt_value_is_same(field, RT_NATIVE, external, native);
}

/* The side that only receives the field; -1: it flows both ways, or not at all. */
static int receiver(const struct rt_rules *rules, const struct rt_record *record,
                    const struct rt_field *field)
{
    switch (rt_record_flow(rules, record, field)) {
    case RT_DIR_TO_NATIVE:
        return RT_NATIVE;
    case RT_DIR_TO_EXTERNAL:
        return RT_EXTERNAL;
    case RT_DIR_BOTH:
    case RT_DIR_NONE:
        break;
    }
    return -1;
}

/* Is the field due where it is received?  A difference that vanishes at its source, such as the
   time of a day, is none to prefer the source for. */
static bool is_due_there(const struct baseline *b, const struct rt_record *record,
                         enum rt_side side, size_t i)
{
    const struct rt_field *field = schema_of(b)->content[i];
    struct rt_value external = seen_value(record, RT_EXTERNAL, i);
    struct rt_value native = seen_value(record, RT_NATIVE, i);

    return rt_value_is_known(external) && rt_value_is_known(native) &&
           !rt_value_is_same(field, side, external, native) &&
           !(b->options->prefer == (int)rt_side_other(side) && differs(field, external, native));
}

/* A one-way field that differs where it is received is local there, unless its source is preferred.
   True if the record changed. */
static bool agree_one_way(struct baseline *b, struct rt_record *record)
{
    bool changed = false;

    for (size_t i = 0; i < schema_of(b)->content_count; i++) {
        int side = receiver(&b->work->rules, record, schema_of(b)->content[i]);
        struct rt_content *given;
        struct rt_end *end;

        if (side < 0 || !is_due_there(b, record, (enum rt_side)side, i))
            continue;
        end = &record->end[side];
        given = rt_content_copy(schema_of(b), end->given ? end->given : end->seen, &b->arena);
        given->value[i] = record->want->value[i];
        end->given = given;
        changed = true;
    }
    return changed;
}

/* The side that lacks the record, or -1. */
static int lacking(const struct rt_record *record)
{
    for (int s = 0; s < 2; s++)
        if (record->end[s].seen == NULL)
            return s;
    return -1;
}

/* The side on which it is gone, while the other one has it; or -1. */
static int gone_from(const struct rt_record *record)
{
    bool is_gone[2];

    for (int s = 0; s < 2; s++)
        is_gone[s] = record->end[s].absence != RT_PRESENT;
    return is_gone[0] == is_gone[1] ? -1 : is_gone[1];
}

static bool is_in_conflict(const struct rt_record *record, size_t i)
{
    for (size_t k = 0; k < record->conflict_count; k++)
        if (record->conflicts[k].field == i)
            return true;
    return false;
}

static const char *reason_of_field(const struct baseline *b, const struct rt_record *record,
                                   size_t i)
{
    const struct rt_field *field = schema_of(b)->content[i];

    if (rt_record_flow(&b->work->rules, record, field) != RT_DIR_BOTH)
        return "flows one way only";
    if (is_in_conflict(record, i))
        return "in review";
    return rt_value_is_same(field, RT_EXTERNAL, record->want->value[i],
                            seen_value(record, RT_EXTERNAL, i))
               ? "the external value counts"
               : "the native value counts";
}

static int report_fields(struct baseline *b, const struct rt_record *record,
                         const struct rt_decision decision[2], struct rt_err *err)
{
    for (size_t i = 0; i < schema_of(b)->content_count; i++) {
        const struct rt_field *field = schema_of(b)->content[i];
        bool is_two_way = rt_record_flow(&b->work->rules, record, field) == RT_DIR_BOTH;
        struct rt_baseline_line line = {.side = "native",
                                        .change = is_two_way ? "conflict" : "local",
                                        .field = field,
                                        .before = seen_value(record, RT_EXTERNAL, i),
                                        .after = seen_value(record, RT_NATIVE, i)};

        if (!differs(field, line.before, line.after))
            continue;
        line.reason = reason_of_field(b, record, i);
        if (rt_baseline_report_add(&b->report, record, decision, &line, err) < 0)
            return -1;
    }
    return 0;
}

static bool has_difference(const struct baseline *b, const struct rt_record *record)
{
    if (record->end[RT_EXTERNAL].seen == record->end[RT_NATIVE].seen)
        return false;
    for (size_t i = 0; i < schema_of(b)->content_count; i++)
        if (differs(schema_of(b)->content[i], seen_value(record, RT_EXTERNAL, i),
                    seen_value(record, RT_NATIVE, i)))
            return true;
    return false;
}

/* Why it is on one side only, and what comes of that. */
static const char *reason_of_lack(const struct rt_record *record, enum rt_side side,
                                  const struct rt_decision *decision)
{
    if (record->end[side].absence != RT_PRESENT)
        return record->end[side].is_marked ? "marked as deleted" : "not in the newest file";
    if (record->not_due_until_edited)
        return "not due until it is edited";
    return rt_action_is_sent(decision->action) ? "due: --insert" : decision->reason;
}

/* lacks: the side on which it is not, or -1 */
static int count_and_report(struct baseline *b, const struct rt_record *record, int lacks,
                            struct rt_err *err)
{
    struct rt_decision decision[2];

    for (int s = 0; s < 2; s++) {
        rt_plan_side(&b->work->rules, record, (enum rt_side)s, &decision[s]);
        b->result->due[s] += rt_action_is_sent(decision[s].action);
    }
    if (lacks >= 0) {
        struct rt_baseline_line line = {
            .side = rt_side_name((enum rt_side)lacks),
            .change = "missing",
            .reason = reason_of_lack(record, (enum rt_side)lacks, &decision[lacks])};

        b->result->only[!lacks]++;
        return rt_baseline_report_add(&b->report, record, decision, &line, err);
    }
    if (!has_difference(b, record)) {
        b->result->agreed++;
        return 0;
    }
    b->result->differing++;
    return report_fields(b, record, decision, err);
}

static int settle(struct baseline *b, int64_t rid, struct rt_err *err)
{
    struct rt_record record;
    bool changed = false;
    int lacks;

    rt_arena_reset(&b->arena);
    if (rt_store_load(b->work->store, rid, &b->arena, &record, err) < 0)
        return -1;
    if (record.want == NULL) /* its row clashes with a pair that was bound: no more is known */
        return 0;
    for (int s = 0; s < 2; s++)
        if (is_taken_to_hold(b, &record, (enum rt_side)s)) {
            assume_same(b, &record, (enum rt_side)s);
            changed = true;
        }
    if (b->options->prefer >= 0 && record.conflict_count) {
        rt_merge_take(&b->work->rules, &record, (enum rt_side)b->options->prefer, &b->arena);
        changed = true;
    }
    if (agree_one_way(b, &record))
        changed = true;
    lacks = lacking(&record);
    if (lacks >= 0) {
        record.not_due_until_edited = lacks != b->options->insert || record.end[lacks].id.len;
        changed = true;
    }
    if (changed ? rt_decide_save(b->work, &record, err) < 0
                : rt_decide_note_due(b->work, &record, err) < 0)
        return -1;
    if (lacks < 0 && !has_difference(b, &record))
        lacks = gone_from(&record);
    return count_and_report(b, &record, lacks, err);
}

/* With one file, most records are settled as soon as they are met: the other side holds the same.
 */
static bool settle_new(void *context, struct rt_record *record)
{
    struct baseline *b = context;

    rt_arena_reset(&b->arena);
    for (int s = 0; s < 2; s++)
        if (is_taken_to_hold(b, record, (enum rt_side)s))
            assume_same(b, record, (enum rt_side)s);
    if (lacking(record) >= 0 || gone_from(record) >= 0 || record->conflict_count ||
        has_difference(b, record))
        return false;
    agree_one_way(b, record);
    for (int s = 0; s < 2; s++) {
        struct rt_decision decision;

        rt_plan_side(&b->work->rules, record, (enum rt_side)s, &decision);
        if (rt_plan_is_open(&decision))
            return false;
    }
    return true;
}

static int settle_all(struct baseline *b, struct rt_err *err)
{
    for (size_t i = 0; i < b->work->fresh_count; i++) {
        int64_t rid = b->work->fresh[i];
        bool is_there;

        if (rt_rid_set_has(&b->work->settler.done, rid)) {
            b->result->agreed++;
            continue;
        }
        if (rt_store_has_record(b->work->store, rid, &is_there, err) < 0 ||
            (is_there && settle(b, rid, err) < 0))
            return -1;
        if ((i & 0xfff) == 0xfff)
            rt_log_progress(b->work->log, (struct rt_progress){"comparing", RT_UNIT_ROWS, i,
                                                               b->work->fresh_count, false});
    }
    rt_log_progress(b->work->log, (struct rt_progress){.is_over = true});
    return 0;
}

/* ---- the files ---- */

#define STAGED ".baseline"

/* The bytes are beside their place before the transaction that speaks of them is committed, and
 * take it afterwards. */
static int stage(struct baseline *b, enum rt_side side, const char *to, struct rt_err *err)
{
    char *from = rt_xasprintf("archive/in/%s/" STAGED, rt_side_name(side));
    char *folder = rt_xasprintf("%s/archive/in/%s", b->work->profile, rt_side_name(side));
    char *staged = rt_xasprintf("%s/" STAGED, folder);
    int rc = -1;

    /* Of a baseline that was killed: nothing else writes there. */
    if (rt_spool_sweep(folder, err) == 0 && rt_spool_remove(staged, err) == 0 &&
        rt_spool_copy(b->options->path[side], folder, STAGED, err) == 0)
        rc = rt_store_add_move(b->work->store, from, to, err);
    free(from);
    free(folder);
    free(staged);
    return rc;
}

/* The caller's file stays; the archive gets a copy. */
static int archive(struct baseline *b, enum rt_side side, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_file_facts facts, there;
    struct rt_file file;
    char *target = NULL;
    int rc = -1, found;

    if (rt_spool_facts(b->options->path[side], &facts, err) < 0)
        goto out;
    found = rt_store_file_by_digest(b->work->store, side, facts.digest, &arena, &file, err);
    if (found == 0)
        rt_err_set(err, RT_IO,
                   "%s changed while it was read: nothing of the baseline was recorded; try again",
                   b->options->path[side]);
    if (found < 1)
        goto out;
    target = rt_xasprintf("%s/%s", b->work->profile, file.path);
    if (access(target, F_OK) == 0) { /* of a baseline that was killed, or taken in before */
        rc = rt_spool_facts(target, &there, err);
        if (rc < 0 || rt_digest_is_equal(there.digest, facts.digest))
            goto out;
        if (rt_spool_remove(target, err) < 0) {
            rc = -1;
            goto out;
        }
    }
    rc = stage(b, side, file.path, err);
out:
    free(target);
    rt_arena_clear(&arena);
    return rc;
}

/* A baseline that is given the same files again reads nothing: a report of it would be empty, and
 * in the place of the one that tells what differs. */
static int end_report(struct baseline *b, struct rt_err *err)
{
    const struct rt_work *work = b->work;

    if (b->report.spool == NULL || work->counts[0].files || work->counts[1].files ||
        work->fresh_count)
        return rt_baseline_report_end(&b->report, err);
    rt_log_info(b->work->log, "%s is not written: no file was read that was not known",
                b->options->report);
    return 0;
}

static int run(struct baseline *b, struct rt_err *err)
{
    if (rt_store_each_delta(b->work->store, refuse_delta, NULL, err) < 0 || journal(b, err) < 0 ||
        take_in(b, err) < 0)
        return -1;
    b->work->settler.settle = NULL;
    if (schema_of(b)->has_fingerprint && rt_baseline_pair(b->work, &b->result->paired, err) < 0)
        return -1;
    if (settle_all(b, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        if (b->options->path[s] != NULL &&
            b->work->given[s] == NULL && /* a rebuild reads it there */
            archive(b, (enum rt_side)s, err) < 0)
            return -1;
    return end_report(b, err);
}

int rt_baseline_run(struct rt_work *work, const struct rt_baseline_options *options,
                    struct rt_baseline_result *result, struct rt_err *err)
{
    struct baseline b = {.work = work, .options = options, .result = result};
    int rc = -1;

    *result = (struct rt_baseline_result){0};
    work->rules.is_baseline = true;
    if (options->path[0] == NULL || options->path[1] == NULL) {
        work->settler.settle = settle_new;
        work->settler.context = &b;
    }
    if (rt_baseline_report_open(&b.report, work->rules.schema, options->report, err) == 0)
        rc = run(&b, err);
    work->rules.is_baseline = false;
    work->settler.settle = NULL;
    rt_baseline_report_close(&b.report);
    rt_arena_clear(&b.arena);
    return rc;
}
