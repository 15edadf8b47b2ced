#include "lib/plan.h"

#include "lib/plant.h"

#include <stdarg.h>
#include <stdio.h>

const char *rt_action_name(enum rt_action action)
{
    static const char *const names[] = {"none", "insert", "update", "delete",
                                        "wait", "review", "exclude"};

    return names[action];
}

static void decide(struct rt_decision *decision, enum rt_action action, const char *fmt, ...)
    RT_PRINTF(3, 4);

static void decide(struct rt_decision *decision, enum rt_action action, const char *fmt, ...)
{
    va_list ap;

    decision->action = action;
    va_start(ap, fmt);
    vsnprintf(decision->reason, sizeof decision->reason, fmt, ap);
    va_end(ap);
}

/* What the side holds: the newest trusted version on its way there, else what it was seen to hold.
 */
static const struct rt_content *holds(const struct rt_end *end, bool *has_other_id)
{
    const struct rt_version *version = rt_end_trusted(end);

    *has_other_id = version ? version->has_other_id : end->shows_other_id;
    return version ? version->content : end->seen;
}

bool rt_plan_shows_old_id(const struct rt_record *record, enum rt_side side)
{
    const struct rt_end *end = &record->end[side];
    bool has_other_id;

    holds(end, &has_other_id);
    return end->id.len && end->absence == RT_PRESENT && !has_other_id;
}

/* R5: what is due, before anything that may stand against it.  Says which field, for the reason. */
struct due {
    const struct rt_content
        *held; /* what the side holds of two-way fields; NULL: nothing is known */
    bool is_due;
    const struct rt_field
        *field; /* the first that differs; NULL: the record as a whole, or its IDs */
    const struct rt_field *unknown; /* a two-way field whose value there is not known */
    size_t count;                   /* fields that differ */
};

static void look_at_field(const struct rt_rules *rules, const struct rt_record *record,
                          enum rt_side side, struct due *due, size_t i)
{
    const struct rt_field *field = rules->schema->content[i];
    const struct rt_end *end = &record->end[side];
    struct rt_value want = record->want->value[i], there;
    bool is_two_way = rt_record_flow(rules, record, field) == RT_DIR_BOTH;
    bool is_seen = due->held == end->seen; /* only that can have been cut there (`altered`) */

    if (!rt_record_flows_to(rules, record, field, side))
        return;
    if (is_two_way) {
        there = rt_content_value(due->held, i);
        /* A field that is newer than what we know of the side: its value there is unknown, not
         * empty. */
        if (!rt_value_is_known(there) && end->seen != NULL)
            there = end->seen->value[i];
        if (!rt_value_is_known(there) && end->seen != NULL && due->unknown == NULL)
            due->unknown = field;
    } else if (end->given != NULL && rt_value_is_known(end->given->value[i])) {
        there = end->given->value[i];
    } else {
        there = rt_content_value(end->seen, i);
    }
    /* Neither what should be there nor what is there: its cell could only be empty. */
    if (!is_two_way && !rt_value_is_known(want) && !rt_value_is_known(there) && end->seen != NULL &&
        due->unknown == NULL)
        due->unknown = field;
    if (!rt_value_is_known(want) ||
        (is_seen ? rt_record_holds_same(record, field, side, there, want)
                 : rt_value_is_same(field, side, there, want)))
        return;
    due->is_due = true;
    due->count++;
    if (due->field == NULL)
        due->field = field;
}

/* The quick way to see that no field differs: all that counts for the side is one content. */
static bool holds_want(const struct rt_record *record, enum rt_side side,
                       const struct rt_content *held)
{
    const struct rt_end *end = &record->end[side];

    return held == record->want && (end->given ? end->given : end->seen) == record->want;
}

/* An edit won over its mark there, which nothing has taken away yet. */
static bool is_mark_due(const struct rt_rules *rules, const struct rt_end *end, enum rt_side side)
{
    return end->is_marked && end->absence == RT_PRESENT && end->given_delta == 0 &&
           rt_rules_deleted_header(rules, side) != NULL;
}

/* With store_ids, or where another row is to come under the ID that this one still has there. */
static bool wants_other_id(const struct rt_rules *rules, const struct rt_end *end,
                           enum rt_side side)
{
    return rules->config->side[side].store_ids || (end->is_id_taken && end->id.len);
}

static struct due find_due(const struct rt_rules *rules, const struct rt_record *record,
                           enum rt_side side)
{
    const struct rt_end *end = &record->end[side];
    bool has_other_id;
    struct due due = {.held = holds(end, &has_other_id)};

    if (record->want == NULL)
        return due;
    if (holds_want(record, side, due.held) && !end->is_marked && !wants_other_id(rules, end, side))
        return due;
    for (size_t i = 0; i < rules->schema->content_count; i++)
        look_at_field(rules, record, side, &due, i);
    if (due.held == NULL && !due.is_due)
        due.is_due = end->id.len == 0; /* the side does not have the record at all */
    if (is_mark_due(rules, end, side))
        due.is_due = true;
    if (wants_other_id(rules, end, side) && due.held != NULL && !has_other_id &&
        record->end[rt_side_other(side)].id.len)
        due.is_due = true;
    return due;
}

/* A loader that matches by either ID finds the row by the one that we told it: not without a column
   for it, and not when it is another one now (bind --rekey). */
static bool can_find(const struct rt_rules *rules, const struct rt_end *end, enum rt_side side)
{
    bool has_other_id;

    holds(end, &has_other_id);
    return end->id.len != 0 ||
           (!rules->config->side[side].own_id_only && has_other_id &&
            rules->schema->id[rt_side_other(side)][0]->column[side].out != NULL);
}

static bool is_pending_insert(const struct rt_rules *rules, const struct rt_record *record,
                              enum rt_side side)
{
    const struct rt_end *end = &record->end[side];

    if (RT_PLANTED("pending-twice"))
        return false;
    return !can_find(rules, end, side) && (rt_end_trusted(end) != NULL || end->seen != NULL);
}

static bool is_insert(const struct rt_record *record, enum rt_side side)
{
    const struct rt_end *end = &record->end[side];

    return end->id.len == 0 && rt_end_trusted(end) == NULL && end->seen == NULL;
}

/* R10, propagate: the record is gone on the other side, and its delete goes to this one, once a row
   can be found there: by the other side's ID, too, where that is how its loader finds them. */
static bool is_delete_due(const struct rt_rules *rules, const struct rt_record *record,
                          enum rt_side side)
{
    return record->end[rt_side_other(side)].absence == RT_ABSENCE_DELETE &&
           record->end[side].absence == RT_PRESENT && !is_insert(record, side) &&
           !is_pending_insert(rules, record, side);
}

/* When something was last handed over to the side.  What waits in the outbox does not count, and
   does not hide what went before it. */
static int64_t last_handed(const struct rt_end *end)
{
    int64_t last = end->given_at;

    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta && end->sent[i].handed > last) /* RT_NEVER is before all times */
            last = end->sent[i].handed;
    return last;
}

/* What stands against sending anything at all of a record; true if something does. */
static bool is_barred(const struct rt_rules *rules, const struct rt_record *record,
                      enum rt_side side, struct rt_decision *out)
{
    const struct rt_end *end = &record->end[side];
    const char *frozen = rt_record_frozen(record);

    if (frozen != NULL)
        decide(out, RT_ACTION_REVIEW, "%s", frozen);
    else if (record->is_held)
        decide(out, RT_ACTION_WAIT, "held");
    else if (end->absence != RT_PRESENT)
        decide(out, RT_ACTION_EXCLUDE, "%s there",
               end->absence == RT_DELETED ? "deleted" : "missing");
    else if (end->is_excluded)
        decide(out, RT_ACTION_EXCLUDE, "not eligible");
    else if (rules->config->side[side].match == RT_MATCH_INSERT_ONLY && !is_insert(record, side))
        decide(out, RT_ACTION_EXCLUDE, "match = insert-only");
    else
        return false;
    return true;
}

/* R8: a change flowed the other way a short time ago. */
static bool is_in_window(const struct rt_rules *rules, const struct rt_record *record,
                         enum rt_side side, struct rt_decision *out)
{
    int64_t window = rules->config->loop_window;
    int64_t last = last_handed(&record->end[rt_side_other(side)]);

    if (window == RT_NO_LIMIT || last == RT_NEVER || rules->now >= last + window)
        return false;
    decide(out, RT_ACTION_WAIT, "loop window");
    return true;
}

/* What stands against sending a due record; true if something does. */
static bool is_stopped(const struct rt_rules *rules, const struct rt_record *record,
                       enum rt_side side, const struct due *due, struct rt_decision *out)
{
    const struct rt_side_config *settings = &rules->config->side[side];

    if (is_barred(rules, record, side, out))
        return true;
    if (settings->match == RT_MATCH_UPDATE_ONLY && is_insert(record, side))
        decide(out, RT_ACTION_EXCLUDE, "match = update-only");
    else if (record->is_flapping && !record->flap_allowed)
        decide(out, RT_ACTION_REVIEW, "flapping");
    else if (is_pending_insert(rules, record, side))
        decide(out, RT_ACTION_WAIT, "pending insert: its %s ID is not known yet", settings->label);
    else if (due->unknown != NULL)
        decide(out, RT_ACTION_WAIT, "unknown %s", due->unknown->name);
    else
        return is_in_window(rules, record, side, out);
    return true;
}

static void explain_due(const struct rt_record *record, enum rt_side side, const struct due *due,
                        struct rt_decision *out)
{
    if (is_insert(record, side))
        decide(out, RT_ACTION_INSERT, "not there yet");
    else if (due->field == NULL && record->end[side].is_marked)
        decide(out, RT_ACTION_UPDATE, "it is marked as deleted there");
    else if (due->field == NULL)
        decide(out, RT_ACTION_UPDATE, "its ID is to be stored there");
    else if (due->count == 1)
        decide(out, RT_ACTION_UPDATE, "%s differs", due->field->name);
    else
        decide(out, RT_ACTION_UPDATE, "%s and %zu more differ", due->field->name, due->count - 1);
}

void rt_plan_side(const struct rt_rules *rules, const struct rt_record *record, enum rt_side side,
                  struct rt_decision *decision)
{
    struct due due = find_due(rules, record, side);

    *decision = (struct rt_decision){.action = RT_ACTION_NONE};
    if (is_delete_due(rules, record, side)) {
        if (!is_barred(rules, record, side, decision) &&
            !is_in_window(rules, record, side, decision))
            decide(decision, RT_ACTION_DELETE, "deleted on the other side");
        return;
    }
    if (!due.is_due || record->not_due_until_edited)
        return;
    if (record->end[rt_side_other(side)].absence != RT_PRESENT && is_insert(record, side)) {
        decide(decision, RT_ACTION_EXCLUDE, "gone where it came from");
        return;
    }
    if (!is_stopped(rules, record, side, &due, decision))
        explain_due(record, side, &due, decision);
}

bool rt_plan_is_open(const struct rt_decision *decision)
{
    return decision->action != RT_ACTION_NONE;
}

struct rt_version *rt_plan_written(struct rt_record *record, enum rt_side side, int64_t delta,
                                   int64_t position)
{
    struct rt_end *end = &record->end[side];
    struct rt_version *version;

    if (RT_PLANTED("one-in-flight"))
        end->sent_count = 0;
    if (end->sent_count == RT_SENT_MAX)
        rt_end_drop_sent(end, 1);
    version = &end->sent[end->sent_count++];
    *version = (struct rt_version){.delta = delta,
                                   .position = position,
                                   .content = record->want,
                                   .handed = RT_NEVER,
                                   .gone = RT_NEVER,
                                   .until = RT_NEVER,
                                   .is_trusted = true,
                                   .has_other_id = record->end[rt_side_other(side)].id.len != 0};
    end->given = record->want;
    end->given_delta = delta;
    end->given_at = RT_NEVER;
    return version;
}

#define PERCENT_FROM 50 /* rows: the percentage says little of fewer */

bool rt_guard_trips(const struct rt_config *config, int64_t due, int64_t held, char *reason,
                    size_t size)
{
    if (config->max_changes != RT_NO_LIMIT && due > config->max_changes) {
        snprintf(reason, size, "%lld %s due, more than max_changes = %lld", (long long)due,
                 due == 1 ? "row is" : "rows are", (long long)config->max_changes);
        return true;
    }
    if (config->max_change_percent != RT_NO_LIMIT && due >= PERCENT_FROM &&
        due * 100 > held * config->max_change_percent) {
        snprintf(
            reason, size,
            "%lld rows are due where %lld records are held, more than max_change_percent = %lld",
            (long long)due, (long long)held, (long long)config->max_change_percent);
        return true;
    }
    return false;
}

bool rt_guard_missing_trips(const struct rt_config *config, int64_t missing, int64_t held,
                            char *reason, size_t size)
{
    bool is_many = config->max_changes != RT_NO_LIMIT && missing > config->max_changes;

    if (!is_many && (config->max_change_percent == RT_NO_LIMIT || missing < PERCENT_FROM ||
                     missing * 100 <= held * config->max_change_percent))
        return false;
    snprintf(reason, size,
             "%lld of its %lld records %s not in its snapshot, more than %s = %lld: if the file "
             "was cut, take it out of inbox/",
             (long long)missing, (long long)held, missing == 1 ? "is" : "are",
             is_many ? "max_changes" : "max_change_percent",
             (long long)(is_many ? config->max_changes : config->max_change_percent));
    return true;
}

bool rt_guard_deletes_trip(const struct rt_config *config, int64_t deletes, char *reason,
                           size_t size)
{
    if (config->max_deletes == RT_NO_LIMIT || deletes <= config->max_deletes)
        return false;
    snprintf(reason, size, "%lld %s due, more than max_deletes = %lld", (long long)deletes,
             deletes == 1 ? "delete is" : "deletes are", (long long)config->max_deletes);
    return true;
}
