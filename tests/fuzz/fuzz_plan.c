/*
 * Merge and plan.  An input is settings, then steps of a few bytes each: rows, deltas, hand-overs,
 * decisions, about a handful of records.
 *
 * Nothing is sent for a record that is frozen, held or excluded; to a side that matches by its own
 * ID at most one insert is under way; what is sent differs from what the side holds, and what
 * differs is not passed over in silence.  A stale row changes nothing, a row seen twice nothing
 * more, what we sent is no edit.  After quiet days both sides hold the same, and nothing is due.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/identity.h"
#include "lib/merge.h"
#include "lib/plan.h"

#define RECORDS    4
#define MAX_STEPS  40
#define HOUR       3600
#define START      1793491200
#define QUIET_DAYS 6

struct world {
    struct rt_arena arena;
    struct rt_config *config;
    struct rt_schema *schema;
    struct rt_record *record[RECORDS]; /* NULL: joined away */
    int inserts[RECORDS][2];           /* under way, by what was sent */
    size_t count;
    int64_t now, delta;
};

static const char schema_text[] = "field,external,native,native_max,role,type,direction\n"
                                  "external_id,XID,XID,,external_id,id,\n"
                                  "native_id,NID,NID,,native_id,id,\n"
                                  "summary,summary,summary,,,,\n"
                                  "short,short,short,3,,,\n"
                                  "tags,tags,tags,,,set,\n"
                                  "email,email,email,,,,to_native\n"
                                  "gift,gift,gift,,,,to_external\n";

static const char *const cells[] = {"", "p", "q", "p;q", "q;p", "pqrst", "pqr", "p \r\n"};

static struct rt_rules rules_of(const struct world *w)
{
    return (struct rt_rules){.config = w->config, .schema = w->schema, .now = w->now};
}

static void add_side(struct rt_buf *ini, const char *name, bool is_own, unsigned bits)
{
    static const char *const matches[] = {"upsert", "upsert", "update-only", "insert-only"};

    rt_buf_printf(ini, "[%s]\nmatches_by = %s\nstore_ids = %s\nmatch = %s\nshows_imports = yes\n",
                  name, is_own ? "own-id" : "either-id", bits & 4 ? "yes" : "no",
                  matches[bits & 3]);
}

static void open_world(struct world *w, struct rt_slice *input)
{
    static const char *const conflicts[] = {"review", "external", "native", "review"};
    unsigned a = fuzz_byte(input), b = fuzz_byte(input);
    struct rt_buf ini = {0};
    struct rt_err err = {0};

    rt_buf_printf(&ini, "[profile]\nname = p\nmode = %s\n",
                  (a & 7) == 7 ? "single-trip" : "round-trip");
    add_side(&ini, "external", a & 8, b);
    add_side(&ini, "native", a & 16, b >> 3);
    rt_buf_printf(&ini, "[policy]\nconflict = %s\nnot_taken = %s\nloop_window = %s\n",
                  conflicts[(a >> 5) & 3], a & 128 ? "resend" : "review", b & 64 ? "5h" : "none");
    fuzz_need(rt_config_parse(rt_buf_slice(&ini), "i", "p", &w->config, &err) == 0, err.msg);
    fuzz_need(rt_schema_parse(rt_slice_str(schema_text), "s", w->config, NULL, &w->schema, &err) ==
                  0,
              err.msg);
    w->now = START;
    rt_buf_clear(&ini);
}

/* ---- what must hold at any time ---- */

static const struct rt_content *held_by(const struct rt_end *end)
{
    for (size_t i = end->sent_count; i-- > 0;)
        if (end->sent[i].is_trusted)
            return end->sent[i].content;
    return end->seen;
}

/* What the side holds of a field; of a one-way field, what was given to it. */
static struct rt_value value_at(const struct rt_end *end, bool is_two_way, size_t i)
{
    const struct rt_content *first = is_two_way ? held_by(end) : end->given;

    if (first && rt_value_is_known(first->value[i]))
        return first->value[i];
    return end->seen ? end->seen->value[i] : (struct rt_value){0};
}

/* Does each field that flows there hold what it should? */
static bool holds_all(const struct world *w, const struct rt_record *record, enum rt_side side)
{
    struct rt_rules rules = rules_of(w);
    const struct rt_end *end = &record->end[side];

    for (size_t i = 0; i < w->schema->content_count; i++) {
        const struct rt_field *field = w->schema->content[i];
        struct rt_value want = record->want->value[i];
        bool is_two_way = rt_record_flow(&rules, record, field) == RT_DIR_BOTH;
        struct rt_value there = value_at(end, is_two_way, i);

        if (!rt_record_flows_to(&rules, record, field, side) || !rt_value_is_known(want))
            continue;
        if (!rt_record_holds_same(record, field, side, there, want))
            return false;
    }
    return true;
}

static void need_may_send(const struct world *w, size_t r, enum rt_side side, enum rt_action action)
{
    const struct rt_record *record = w->record[r];
    const struct rt_end *end = &record->end[side];
    const struct rt_side_config *settings = &w->config->side[side];

    fuzz_need(rt_record_frozen(record) == NULL && record->conflict_count == 0,
              "nothing is sent for a frozen record");
    fuzz_need(!record->is_held, "nothing is sent for a held record");
    if (action == RT_ACTION_DELETE) {
        fuzz_need(end->id.len > 0 || (!settings->own_id_only && w->inserts[r][side]),
                  "a delete names a row that its side finds");
        return;
    }
    fuzz_need(!end->is_excluded && end->absence == RT_PRESENT, "nothing is sent where it is gone");
    fuzz_need(!record->is_flapping || record->flap_allowed, "nothing is sent that flaps");
    if (action == RT_ACTION_INSERT) {
        fuzz_need(end->id.len == 0, "what has an ID is not inserted");
        fuzz_need(settings->match != RT_MATCH_UPDATE_ONLY, "update-only");
        fuzz_need(!settings->own_id_only || w->inserts[r][side] == 0,
                  "one insert is under way at most");
    } else {
        fuzz_need(settings->match != RT_MATCH_INSERT_ONLY, "insert-only");
        fuzz_need(!settings->own_id_only || end->id.len, "an update names an ID that is known");
        fuzz_need(settings->store_ids || !holds_all(w, record, side), "equal values are not due");
    }
}

static struct rt_decision plan(const struct world *w, size_t r, enum rt_side side)
{
    struct rt_rules rules = rules_of(w);
    struct rt_decision decision, again;

    rt_plan_side(&rules, w->record[r], side, &decision);
    rt_plan_side(&rules, w->record[r], side, &again);
    fuzz_need(decision.action == again.action && strcmp(decision.reason, again.reason) == 0,
              "a plan is the same twice");
    fuzz_need((decision.action == RT_ACTION_NONE) == (decision.reason[0] == '\0'),
              "a decision has a reason");
    if (rt_action_is_sent(decision.action))
        need_may_send(w, r, side, decision.action);
    if (decision.action == RT_ACTION_NONE && held_by(&w->record[r]->end[side]))
        fuzz_need(holds_all(w, w->record[r], side), "a difference is not passed over");
    return decision;
}

static void need_record(const struct world *w, const struct rt_record *record)
{
    fuzz_need(record->want != NULL, "a record has a want");
    for (size_t i = 0; i < record->conflict_count; i++) {
        const struct rt_conflict *c = &record->conflicts[i];
        const struct rt_field *field = w->schema->content[c->field];

        fuzz_need(field->direction == RT_DIR_BOTH, "only two-way fields conflict");
        fuzz_need(!rt_value_is_same(field, RT_EXTERNAL, c->value[0], c->value[1]) ||
                      !rt_value_is_same(field, RT_NATIVE, c->value[0], c->value[1]),
                  "equal values are no conflict");
        for (size_t k = 0; k < i; k++)
            fuzz_need(record->conflicts[k].field != c->field, "a field conflicts once");
    }
    for (int s = 0; s < 2; s++)
        fuzz_need(record->end[s].sent_count <= RT_SENT_MAX, "eight versions are kept");
}

static void need_all(const struct world *w)
{
    for (size_t r = 0; r < w->count; r++) {
        if (w->record[r] == NULL)
            continue;
        need_record(w, w->record[r]);
        for (int s = 0; s < 2; s++)
            (void)plan(w, r, (enum rt_side)s);
    }
}

/* ---- rows ---- */

static struct rt_slice id_of(struct world *w, enum rt_side side, unsigned number)
{
    return rt_slice_str(rt_arena_printf(&w->arena, "%c%u", "XN"[side], number));
}

static struct rt_record *find_by(const struct world *w, enum rt_side side, struct rt_slice id)
{
    for (size_t i = 0; id.len && i < w->count; i++)
        if (w->record[i] && rt_slice_is_equal(w->record[i]->end[side].id, id))
            return w->record[i];
    return NULL;
}

static size_t number_of(const struct world *w, const struct rt_record *record)
{
    size_t r = 0;

    while (w->record[r] != record)
        r++;
    return r;
}

static struct rt_record *add_record(struct world *w, enum rt_side side)
{
    struct rt_record *record;

    if (w->count == RECORDS)
        return NULL;
    record = rt_arena_alloc(&w->arena, sizeof *record);
    rt_record_init(record);
    record->rid = (int64_t)w->count + 1;
    record->born = side;
    w->record[w->count++] = record;
    return record;
}

static void join(struct world *w, struct rt_record *into, struct rt_record *from)
{
    struct rt_rules rules = rules_of(w);
    struct rt_observed observed;

    w->record[number_of(w, from)] = NULL;
    rt_merge_join(&rules, into, from, &w->arena, &observed);
}

/* The record that the row is about; NULL: none, or no room. */
static struct rt_record *identify(struct world *w, const struct rt_row *row)
{
    struct rt_record *found[2] = {find_by(w, RT_EXTERNAL, row->id[0]),
                                  find_by(w, RT_NATIVE, row->id[1])};
    const struct rt_record *const looked[2] = {found[0], found[1]};
    struct rt_record *record = found[0] ? found[0] : found[1];
    enum rt_identity identity = rt_identity_of(row->id, looked);

    if (identity == RT_IDENTITY_CLASH)
        return NULL;
    if (identity == RT_IDENTITY_NEW)
        record = add_record(w, row->side);
    if (identity == RT_IDENTITY_JOIN)
        join(w, found[RT_EXTERNAL], found[RT_NATIVE]);
    for (int s = 0; record && s < 2; s++) {
        if (row->id[s].len)
            record->end[s].id = row->id[s];
        if (record->end[s].id.len)
            w->inserts[number_of(w, record)][s] = 0;
    }
    return record;
}

static struct rt_slice rendered(struct world *w, const struct rt_field *field,
                                struct rt_value value, enum rt_side side)
{
    struct rt_buf out = {0};
    struct rt_slice text;

    rt_value_render(field, value, side, &out);
    text = rt_arena_dup(&w->arena, rt_buf_slice(&out));
    rt_buf_clear(&out);
    return text;
}

/* What the side would show: `sent` where it flows there, else what it showed last. */
static struct rt_content *shown_by(struct world *w, const struct rt_record *record,
                                   enum rt_side side, const struct rt_content *sent)
{
    struct rt_rules rules = rules_of(w);
    struct rt_content *content = rt_content_new(w->schema, &w->arena);
    const struct rt_content *seen = record ? record->end[side].seen : NULL;

    for (size_t i = 0; i < w->schema->content_count; i++) {
        const struct rt_field *field = w->schema->content[i];
        bool is_ours = sent && rt_record_flows_to(&rules, record, field, side);
        struct rt_value value = is_ours ? sent->value[i]
                                : seen  ? seen->value[i]
                                        : (struct rt_value){0};

        content->value[i] = (struct rt_value){rendered(w, field, value, side), rt_from_side(side)};
    }
    return content;
}

/* Is every value still there that was known?  (The first value of a field is no edit.) */
static bool is_kept(const struct world *w, const struct rt_content *before,
                    const struct rt_content *after)
{
    for (size_t i = 0; before && i < w->schema->content_count; i++)
        if (rt_value_is_known(before->value[i]) &&
            !rt_slice_is_equal(before->value[i].raw, after->value[i].raw))
            return false;
    return true;
}

/* A row, once more, changes nothing more. */
static void need_repeat_is_nothing(struct world *w, const struct rt_record *record,
                                   const struct rt_row *row)
{
    struct rt_rules rules = rules_of(w);
    struct rt_record copy = *record;
    struct rt_observed again;

    copy.conflicts =
        rt_arena_alloc(&w->arena, (w->schema->content_count + 1) * sizeof *copy.conflicts);
    if (record->conflict_count)
        memcpy(copy.conflicts, record->conflicts, record->conflict_count * sizeof *copy.conflicts);
    rt_merge_observe(&rules, &copy, row, &w->arena, &again);
    fuzz_need(!again.want_changed, "a row seen again is no edit");
    fuzz_need(copy.conflict_count == record->conflict_count, "a row seen again is no conflict");
}

static void observe(struct world *w, struct rt_record *record, const struct rt_row *row,
                    bool is_echo)
{
    struct rt_rules rules = rules_of(w);
    struct rt_record before = *record;
    struct rt_observed observed;

    rt_merge_observe(&rules, record, row, &w->arena, &observed);
    if (observed.change == RT_CHANGE_STALE) {
        before.end[row->side].flaw = record->end[row->side].flaw;
        before.end[row->side].flaw_stamp = record->end[row->side].flaw_stamp;
        fuzz_need(memcmp(&before, record, sizeof before) == 0, "a stale row changes nothing");
        return;
    }
    if (observed.change == RT_CHANGE_UNCHANGED || observed.change == RT_CHANGE_ECHO)
        fuzz_need(!observed.want_changed, "what is unchanged or an echo changes nothing");
    if (is_echo)
        fuzz_need(is_kept(w, before.want, record->want) &&
                      record->conflict_count <= before.conflict_count,
                  "what we sent is no edit");
    need_repeat_is_nothing(w, record, row);
}

static const struct rt_version *newest_handed(const struct rt_end *end)
{
    for (size_t i = end->sent_count; i-- > 0;)
        if (end->sent[i].handed != RT_NEVER)
            return &end->sent[i];
    return NULL;
}

/* Changes some cells; true if it did. */
static bool edit(const struct world *w, struct rt_row *row, unsigned fields, unsigned values)
{
    bool is_edited = false;

    for (size_t i = 0; i < w->schema->content_count; i++) {
        if (!(fields >> i & 1))
            continue;
        row->content->value[i].raw = rt_slice_str(cells[(values + i * (values >> 4)) % 8]);
        is_edited = true;
    }
    return is_edited;
}

static void step_row(struct world *w, struct rt_slice *input)
{
    unsigned who = fuzz_byte(input), how = fuzz_byte(input), fields = fuzz_byte(input);
    enum rt_side side = who & 1 ? RT_NATIVE : RT_EXTERNAL, other = rt_side_other(side);
    struct rt_row row = {
        .side = side, .modified_at = RT_NEVER, .stamp = w->now - (how >> 3 & 7) * HOUR};
    const struct rt_version *sent = NULL;
    struct rt_record *known, *record;
    bool is_edited;

    row.id[side] = id_of(w, side, who >> 1 & 3);
    if (who & 8)
        row.id[other] = id_of(w, other, who & 16 ? who >> 5 & 3 : who >> 1 & 3);
    known = find_by(w, side, row.id[side]);
    if (known != NULL && (how & 3) == 3)
        sent = newest_handed(&known->end[side]);
    row.content = shown_by(w, known, side, sent ? sent->content : NULL);
    is_edited = edit(w, &row, how & 4 ? fields & 31 : 0, how >> 4 | (fields & 0xf0));
    record = identify(w, &row);
    if (record != NULL)
        observe(w, record, &row, sent && record == known && !is_edited && sent->handed < row.stamp);
}

/* ---- deltas and decisions ---- */

static void hand_over(struct rt_record *record, enum rt_side side, int64_t now)
{
    struct rt_end *end = &record->end[side];

    for (size_t i = 0; i < end->sent_count; i++) {
        if (end->sent[i].handed != RT_NEVER || end->sent[i].delta == 0)
            continue;
        end->sent[i].handed = end->sent[i].gone = now;
        if (end->given_delta == end->sent[i].delta)
            end->given_at = now;
    }
}

/* Writes what is due for a record; true if something was. */
static bool write_due(struct world *w, size_t r, enum rt_side side)
{
    struct rt_decision decision = plan(w, r, side), after;

    if (!rt_action_is_sent(decision.action))
        return false;
    if (decision.action == RT_ACTION_DELETE) {
        w->record[r]->end[side].absence = RT_ABSENCE_TOLD;
    } else {
        rt_plan_written(w->record[r], side, ++w->delta, 1);
        w->inserts[r][side] += decision.action == RT_ACTION_INSERT;
    }
    after = plan(w, r, side);
    fuzz_need(!rt_action_is_sent(after.action), "what was written is not due again");
    return true;
}

static void step_emit(struct world *w, unsigned how)
{
    enum rt_side side = how & 1 ? RT_NATIVE : RT_EXTERNAL;

    for (size_t r = 0; r < w->count; r++) {
        if (w->record[r] == NULL || (how >> 4 & 3) == (r & 3))
            continue;
        write_due(w, r, side);
        if (how & 2)
            hand_over(w->record[r], side, w->now);
    }
}

static void retry(struct world *w, size_t r, enum rt_side side)
{
    struct rt_end *end = &w->record[r]->end[side];

    for (size_t i = 0; i < end->sent_count; i++)
        end->sent[i].is_trusted = false;
    w->inserts[r][side] = 0;
}

static void accept(struct world *w, size_t r, enum rt_side side)
{
    struct rt_rules rules = rules_of(w);

    rt_merge_accept_cut(&rules, w->record[r], side, &w->arena);
    w->record[r]->end[side].not_taken_count = 0;
}

static void step_decide(struct world *w, unsigned what, unsigned who)
{
    enum rt_side side = who & 1 ? RT_NATIVE : RT_EXTERNAL;
    struct rt_rules rules = rules_of(w);
    size_t r = who >> 1 & 3;
    struct rt_record *record = r < w->count ? w->record[r] : NULL;

    if (record == NULL)
        return;
    switch (what) {
    case 0:
        record->is_held = !record->is_held;
        break;
    case 1:
        rt_merge_take(&rules, record, side, &w->arena);
        break;
    case 2:
        retry(w, r, side);
        break;
    case 3:
        accept(w, r, side);
        break;
    case 4:
        rt_merge_shown_is_edit(&rules, record, side, &w->arena);
        break;
    case 5:
        if (record->end[side].id.len)
            rt_merge_absent(&rules, record, side, who & 8 ? RT_MISSING : RT_DELETED);
        break;
    case 6:
        if (record->end[side].absence != RT_PRESENT)
            record->end[side].absence = who & 8 ? RT_ABSENCE_KEPT : RT_ABSENCE_DELETE;
        break;
    default:
        record->end[side].is_excluded = who & 8;
    }
}

/* ---- quiet days ---- */

/* Everything that waits for a person is decided. */
static void settle(struct world *w, size_t r)
{
    struct rt_rules rules = rules_of(w);
    struct rt_record *record = w->record[r];

    rt_merge_take(&rules, record, RT_EXTERNAL, &w->arena);
    record->is_held = false;
    record->flap_allowed = true;
    for (int s = 0; s < 2; s++) {
        struct rt_end *end = &record->end[s];

        accept(w, r, (enum rt_side)s);
        end->flaw = RT_FLAW_NONE;
        end->is_excluded = false;
        end->edit_vs_delete = false;
        end->absence = RT_PRESENT;
    }
}

/* The side takes in what was handed over, and shows it; a new row gets an ID. */
static void import_and_show(struct world *w, size_t r, enum rt_side side)
{
    struct rt_record *record = w->record[r];
    const struct rt_version *sent = newest_handed(&record->end[side]);
    struct rt_row row = {.side = side, .modified_at = RT_NEVER, .stamp = w->now};

    if (record->end[side].id.len == 0 && sent == NULL)
        return;
    if (record->end[side].id.len == 0)
        record->end[side].id = id_of(w, side, 100 + (unsigned)r);
    w->inserts[r][side] = 0;
    for (int s = 0; s < 2; s++)
        row.id[s] = record->end[s].id;
    row.content = shown_by(w, record, side, sent ? sent->content : NULL);
    observe(w, record, &row, sent != NULL);
}

static bool quiet_day(struct world *w)
{
    bool is_busy = false;

    w->now += 30 * HOUR;
    for (int s = 0; s < 2; s++)
        for (size_t r = 0; r < w->count; r++)
            if (w->record[r] != NULL) {
                settle(w, r);
                is_busy = write_due(w, r, (enum rt_side)s) || is_busy;
                hand_over(w->record[r], (enum rt_side)s, w->now);
            }
    w->now += 20 * HOUR;
    for (int s = 0; s < 2; s++)
        for (size_t r = 0; r < w->count; r++)
            if (w->record[r] != NULL)
                import_and_show(w, r, (enum rt_side)s);
    return is_busy;
}

static void need_agreement(const struct world *w)
{
    for (size_t r = 0; r < w->count; r++)
        for (int s = 0; w->record[r] && s < 2; s++) {
            struct rt_decision decision = plan(w, r, (enum rt_side)s);

            if (decision.action == RT_ACTION_EXCLUDE)
                continue;
            fuzz_need(decision.action == RT_ACTION_NONE, "after quiet days nothing is due");
            fuzz_need(holds_all(w, w->record[r], (enum rt_side)s), "both sides hold the same");
        }
}

static void drain(struct world *w)
{
    bool is_busy = false;

    for (size_t r = 0; r < w->count; r++)
        for (int s = 0; w->record[r] && s < 2; s++)
            hand_over(w->record[r], (enum rt_side)s, w->now);
    for (int day = 0; day < QUIET_DAYS; day++)
        is_busy = quiet_day(w);
    fuzz_need(!is_busy, "quiet days become quiet");
    need_agreement(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_slice input = rt_slice_from(data, size);
    struct world w = {.count = 0};

    open_world(&w, &input);
    for (int i = 0; i < MAX_STEPS && input.len; i++) {
        unsigned step = fuzz_byte(&input);

        w.now += (step >> 3) * HOUR;
        if (step % 8 < 4)
            step_row(&w, &input);
        else if (step % 8 < 6)
            step_emit(&w, fuzz_byte(&input));
        else
            step_decide(&w, step >> 3 & 7, fuzz_byte(&input) % 16);
        need_all(&w);
    }
    drain(&w);
    rt_schema_free(w.schema);
    rt_config_free(w.config);
    rt_arena_clear(&w.arena);
    return 0;
}
