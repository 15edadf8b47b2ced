/*
 * Runs the rules R1 to R8, R10 and R12 from small text files: tests/plan/README has the language.
 * Links the core alone: a book in memory takes the place of the state.
 *
 * Every case is run twice, the second time with the two sides swapped in all of its lines, and must
 * come out the same; a case that says `no flip` speaks of a rule that knows the sides apart.
 */
#include "lib/identity.h"
#include "lib/merge.h"
#include "lib/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_WORDS   64
#define MAX_RECORDS 32
#define MAX_CODES   8
#define HOUR        3600
#define DAY_ONE     "2026-11-01T00:00:00Z" /* hour 0 of all cases */

struct step {
    char *word[MAX_WORDS];
    size_t count; /* words before the arrow */
    char **expected;
    size_t expected_count;
};

struct code_file {
    const char *name;
    struct rt_buf text;
};

/* One run of one case. */
struct world {
    const char *path, *name;
    unsigned line;
    bool is_flipped, has_failed;
    size_t steps;
    struct rt_arena arena;
    struct rt_buf settings[4], fields; /* what is said of them before the first step */
    struct code_file codes[MAX_CODES];
    size_t code_count;
    struct rt_config *config;
    struct rt_schema *schema;
    struct rt_record *record[MAX_RECORDS]; /* in the order of their making; NULL: joined away */
    size_t record_count;
    int64_t delta, now;
    struct rt_observed last; /* of the last row */
};

static const char *const sections[4] = {"profile", "external", "native", "policy"};

static void fail(struct world *w, const char *fmt, ...) RT_PRINTF(2, 3);

/* Says once for each run of a case what went wrong first. */
static void fail(struct world *w, const char *fmt, ...)
{
    va_list ap;

    if (w->has_failed)
        return;
    w->has_failed = true;
    printf("%s:%u: %s%s: ", w->path, w->line, w->name, w->is_flipped ? " (flipped)" : "");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

static void expect_text(struct world *w, const char *what, const char *expected, const char *got)
{
    if (strcmp(expected, got) != 0)
        fail(w, "%s: expected \"%s\", got \"%s\"", what, expected, got);
}

/* ---- words ---- */

/* The value of `key=` among the words; NULL. */
static const char *option(const struct step *step, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 1; i < step->count; i++)
        if (strncmp(step->word[i], key, len) == 0 && step->word[i][len] == '=')
            return step->word[i] + len + 1;
    return NULL;
}

static bool has_word(const struct step *step, const char *word)
{
    for (size_t i = 1; i < step->count; i++)
        if (strcmp(step->word[i], word) == 0)
            return true;
    return false;
}

static enum rt_side side_in(struct world *w, const struct step *step)
{
    for (size_t i = 1; i < step->count; i++)
        for (int s = 0; s < 2; s++)
            if (strcmp(step->word[i], rt_side_name((enum rt_side)s)) == 0)
                return (enum rt_side)s;
    fail(w, "expected a side");
    return RT_EXTERNAL;
}

static int64_t time_of(struct world *w, const char *text)
{
    int64_t start, t;
    char *end;
    double hours = strtod(text, &end);

    (void)rt_time_parse(DAY_ONE, &start);
    if (*text && *end == '\0')
        return start + (int64_t)(hours * HOUR);
    if (!rt_time_parse(text, &t)) {
        fail(w, "\"%s\" is no time", text);
        return start;
    }
    return t;
}

static int64_t time_in(struct world *w, const struct step *step, const char *key, int64_t otherwise)
{
    const char *text = option(step, key);

    return text ? time_of(w, text) : otherwise;
}

/* Reads one word: up to a blank, but for what stands in double quotes. */
static char *next_word(struct world *w, const char **at)
{
    struct rt_buf word = {0};
    bool is_quoted = false;
    char *copy;

    while (**at == ' ' || **at == '\t')
        (*at)++;
    if (**at == '\0' || **at == '#')
        return NULL;
    for (; **at && (is_quoted || (**at != ' ' && **at != '\t')); (*at)++) {
        char c = **at;

        if (c == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (c == '\\' && is_quoted && (*at)[1]) {
            c = *++*at;
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        rt_buf_add_char(&word, c);
    }
    if (is_quoted)
        fail(w, "an open quote");
    copy = rt_arena_strdup(&w->arena, rt_buf_str(&word));
    rt_buf_clear(&word);
    return copy;
}

/* x=... says an external ID, n=... a native one. */
static void flip_word(char *word)
{
    if (word[0] && word[1] == '=' && (word[0] == 'x' || word[0] == 'n'))
        word[0] = word[0] == 'x' ? 'n' : 'x';
}

static void read_step(struct world *w, const char *line, struct step *step)
{
    char *word;
    bool is_expected = false;

    *step = (struct step){0};
    while ((word = next_word(w, &line)) != NULL) {
        if (step->count + step->expected_count == MAX_WORDS) {
            fail(w, "too many words");
            return;
        }
        if (strcmp(word, "->") == 0) {
            is_expected = true;
            step->expected = step->word + step->count;
            continue;
        }
        if (w->is_flipped)
            flip_word(word);
        step->word[step->count + step->expected_count] = word;
        *(is_expected ? &step->expected_count : &step->count) += 1;
    }
}

/* "external" and "native" change places, wherever they stand. */
static char *flip_line(struct world *w, const char *line)
{
    struct rt_buf out = {0};
    char *copy;

    while (*line) {
        bool is_external = strncmp(line, "external", 8) == 0;

        if (is_external || strncmp(line, "native", 6) == 0) {
            rt_buf_add_str(&out, is_external ? "native" : "external");
            line += is_external ? 8 : 6;
        } else {
            rt_buf_add_char(&out, *line++);
        }
    }
    copy = rt_arena_strdup(&w->arena, rt_buf_str(&out));
    rt_buf_clear(&out);
    return copy;
}

/* ---- settings and schema ---- */

/* ini SECTION KEY = VALUE */
static void step_ini(struct world *w, const struct step *step)
{
    for (size_t s = 0; step->count >= 5 && s < 4; s++) {
        if (strcmp(step->word[1], sections[s]) != 0)
            continue;
        rt_buf_printf(&w->settings[s], "%s =", step->word[2]);
        for (size_t i = 4; i < step->count; i++)
            rt_buf_printf(&w->settings[s], " %s", step->word[i]);
        rt_buf_add_char(&w->settings[s], '\n');
        return;
    }
    fail(w, "expected ini SECTION KEY = VALUE");
}

static void add_cell(struct rt_buf *out, const char *text)
{
    rt_buf_add_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            rt_buf_add_char(out, '"');
        rt_buf_add_char(out, *text);
    }
    rt_buf_add_char(out, '"');
}

static const char *const schema_columns[] = {
    "external", "native",    "external_max",    "native_max",    "role",
    "type",     "direction", "external_format", "native_format", "values"};

#define COLUMN_COUNT (sizeof schema_columns / sizeof *schema_columns)

/* field NAME [COLUMN=VALUE ...]; headers are the name, or none with `-`. */
static void step_field(struct world *w, const struct step *step)
{
    if (step->count < 2) {
        fail(w, "expected field NAME");
        return;
    }
    add_cell(&w->fields, step->word[1]);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        const char *value = option(step, schema_columns[i]);

        if (value == NULL)
            value = i < 2 ? step->word[1] : "";
        rt_buf_add_char(&w->fields, ',');
        add_cell(&w->fields, strcmp(value, "-") == 0 ? "" : value);
    }
    rt_buf_add_char(&w->fields, '\n');
}

/* code FILE external=V native=V: one line of a value table. */
static void step_code(struct world *w, const struct step *step)
{
    const char *external = option(step, "external"), *native = option(step, "native");
    size_t i = 0;

    if (step->count < 2 || external == NULL || native == NULL) {
        fail(w, "expected code FILE external=V native=V");
        return;
    }
    while (i < w->code_count && strcmp(w->codes[i].name, step->word[1]) != 0)
        i++;
    if (i == MAX_CODES) {
        fail(w, "too many value tables");
        return;
    }
    if (i == w->code_count) {
        w->codes[i].name = step->word[1];
        rt_buf_add_str(&w->codes[i].text, "external,native\n");
        w->code_count++;
    }
    rt_buf_printf(&w->codes[i].text, "\"%s\",\"%s\"\n", external, native);
}

static int read_codes(void *context, const char *path, struct rt_buf *text, struct rt_err *err)
{
    struct world *w = context;

    for (size_t i = 0; i < w->code_count; i++)
        if (strcmp(w->codes[i].name, path) == 0) {
            rt_buf_add_slice(text, rt_buf_slice(&w->codes[i].text));
            return 0;
        }
    return rt_err_set(err, RT_CONFIG, "no value table %s", path);
}

static void add_settings(const struct world *w, struct rt_buf *ini)
{
    for (size_t s = 0; s < 4; s++) {
        const char *said = rt_buf_str(&w->settings[s]);
        bool is_external = strcmp(sections[s], w->is_flipped ? "native" : "external") == 0;

        rt_buf_printf(ini, "[%s]\n%s", sections[s], said);
        if (s != 1 && s != 2)
            continue;
        if (strstr(said, "label =") == NULL)
            rt_buf_printf(ini, "label = %s\n", sections[s]);
        if (strstr(said, "matches_by =") == NULL)
            rt_buf_printf(ini, "matches_by = %s\n", is_external ? "either-id" : "own-id");
    }
}

/* Settings and schema, once, before the first row.  False if they are wrong. */
static bool build(struct world *w)
{
    static const char ids[] = "external_id,XID,XID,,,external_id,,,,,\n"
                              "native_id,NID,NID,,,native_id,,,,,\n";
    struct rt_schema_files files = {.read = read_codes, .context = w};
    struct rt_buf ini = {0}, schema = {0};
    struct rt_err err = {0};

    if (w->schema != NULL)
        return true;
    add_settings(w, &ini);
    rt_buf_add_str(&schema, "field");
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        rt_buf_printf(&schema, ",%s", schema_columns[i]);
    rt_buf_printf(&schema, "\n%s%s", ids,
                  w->fields.len ? rt_buf_str(&w->fields)
                                : "summary,summary,summary,,,,,,,,\n"
                                  "body,body,body,,,,,,,,\n");
    if (rt_config_parse(rt_buf_slice(&ini), "ini", "cases", &w->config, &err) < 0 ||
        rt_schema_parse(rt_buf_slice(&schema), "schema", w->config, &files, &w->schema, &err) < 0)
        fail(w, "%s", err.msg);
    rt_buf_clear(&ini);
    rt_buf_clear(&schema);
    return !w->has_failed;
}

static struct rt_rules rules_of(const struct world *w)
{
    return (struct rt_rules){.config = w->config, .schema = w->schema, .now = w->now};
}

/* ---- the book ---- */

static struct rt_record *find_by(const struct world *w, enum rt_side side, const char *id)
{
    for (size_t i = 0; id != NULL && i < w->record_count; i++)
        if (w->record[i] != NULL && rt_slice_is_str(w->record[i]->end[side].id, id))
            return w->record[i];
    return NULL;
}

/* The record with the step's ID; without an ID the first one.  NULL, and the case has failed, if
   there is none. */
static struct rt_record *record_in(struct world *w, const struct step *step)
{
    const char *x = option(step, "x"), *n = option(step, "n");
    struct rt_record *record = x ? find_by(w, RT_EXTERNAL, x) : find_by(w, RT_NATIVE, n);

    for (size_t i = 0; x == NULL && n == NULL && record == NULL && i < w->record_count; i++)
        record = w->record[i];
    if (record == NULL)
        fail(w, "there is no such record");
    return record;
}

static const struct rt_field *content_field(struct world *w, const char *name)
{
    const struct rt_field *field = rt_schema_find(w->schema, name);

    if (field == NULL || field->content_index == RT_NOT_CONTENT) {
        fail(w, "there is no field %s", name);
        return NULL;
    }
    return field;
}

/* FIELD=VALUE: the field and, at *value, the value; NULL for words of another kind. */
static const struct rt_field *assignment(struct world *w, const char *word, const char **value)
{
    static const char *const other[] = {"x", "n", "at", "modified", "handed", "gone"};
    const char *sign = strchr(word, '=');
    char *name;

    if (sign == NULL)
        return NULL;
    name = rt_arena_strdup(&w->arena, word);
    name[sign - word] = '\0';
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (strcmp(name, other[i]) == 0)
            return NULL;
    *value = sign + 1;
    return content_field(w, name);
}

static const char *rendered(struct world *w, size_t i, struct rt_value value, enum rt_side side)
{
    struct rt_buf text = {0};
    const char *copy;

    rt_value_render(w->schema->content[i], value, side, &text);
    copy = rt_arena_strdup(&w->arena, rt_buf_str(&text));
    rt_buf_clear(&text);
    return copy;
}

static const struct rt_version *newest_handed(const struct rt_end *end)
{
    for (size_t i = end->sent_count; i-- > 0;)
        if (end->sent[i].handed != RT_NEVER)
            return &end->sent[i];
    return NULL;
}

/* What the row shows where it does not say: with as-sent what it was handed last, else what the
   side showed last, else nothing. */
static struct rt_content *base_content(struct world *w, const struct step *step,
                                       const struct rt_record *record, enum rt_side side)
{
    struct rt_rules rules = rules_of(w);
    struct rt_content *content = rt_content_new(w->schema, &w->arena);
    const struct rt_end *end = record ? &record->end[side] : NULL;
    const struct rt_version *sent = end && has_word(step, "as-sent") ? newest_handed(end) : NULL;

    if (sent == NULL && has_word(step, "as-sent"))
        fail(w, "nothing was handed over");
    for (size_t i = 0; i < w->schema->content_count; i++) {
        const struct rt_field *field = w->schema->content[i];
        const char *text = "";

        if (field->column[side].in == NULL)
            continue;
        if (end != NULL && end->seen != NULL)
            text = rendered(w, i, end->seen->value[i], side);
        if (sent != NULL && rt_record_flows_to(&rules, record, field, side))
            text = rendered(w, i, sent->content->value[i], side);
        content->value[i] = (struct rt_value){rt_slice_str(text), rt_from_side(side)};
    }
    return content;
}

/* False if a value does not fit: the row is rejected. */
static bool fill(struct world *w, const struct step *step, enum rt_side side,
                 struct rt_content *content)
{
    bool is_right = true;
    struct rt_err err;

    for (size_t i = 1; i < step->count; i++) {
        const char *value;
        const struct rt_field *field = assignment(w, step->word[i], &value);

        if (field == NULL)
            continue;
        if (field->column[side].in == NULL)
            fail(w, "that side has no column %s", field->name);
        content->value[field->content_index].raw = rt_slice_str(value);
        is_right = is_right && rt_value_check(field, side, rt_slice_str(value), &err) == 0;
    }
    return is_right;
}

/* Rows that cannot be applied freeze the records that they speak of (R9). */
static void freeze(struct rt_record *const found[2], const struct rt_row *row, enum rt_flaw flaw)
{
    for (int s = 0; s < 2; s++)
        if (found[s] != NULL)
            rt_end_set_flaw(&found[s]->end[row->side], flaw, row->stamp);
}

static struct rt_record *add_record(struct world *w, const struct rt_row *row)
{
    struct rt_record *record = rt_arena_alloc(&w->arena, sizeof *record);

    if (w->record_count == MAX_RECORDS) {
        fail(w, "too many records");
        return w->record[0];
    }
    rt_record_init(record);
    record->rid = (int64_t)w->record_count + 1;
    record->born = row->side;
    w->record[w->record_count++] = record;
    return record;
}

/* R1: settles which record the row is about.  NULL: none, it clashes. */
static struct rt_record *identify(struct world *w, const struct rt_row *row,
                                  struct rt_record *found[2], bool *is_bound,
                                  struct rt_observed *joined)
{
    const struct rt_record *const looked[2] = {found[0], found[1]};
    struct rt_record *record = found[0] ? found[0] : found[1];
    struct rt_rules rules = rules_of(w);

    switch (rt_identity_of(row->id, looked)) {
    case RT_IDENTITY_CLASH:
        return NULL;
    case RT_IDENTITY_NEW:
        record = add_record(w, row);
        break;
    case RT_IDENTITY_JOIN:
        w->record[found[RT_NATIVE]->rid - 1] = NULL;
        rt_merge_join(&rules, found[RT_EXTERNAL], found[RT_NATIVE], &w->arena, joined);
        *is_bound = true;
        break;
    case RT_IDENTITY_LEARN:
        *is_bound = true;
        break;
    case RT_IDENTITY_MATCH:
        break;
    }
    for (int s = 0; s < 2; s++)
        if (row->id[s].len)
            record->end[s].id = row->id[s];
    return record;
}

static void expect_row(struct world *w, const struct step *step, enum rt_change change,
                       bool is_bound)
{
    const struct rt_observed *o = &w->last;
    const bool has[] = {is_bound,      o->came_back, o->went_back,
                        o->became_cut, o->not_taken, o->resend};
    static const char *const marks[] = {"bound",   "came-back", "went-back",
                                        "altered", "not-taken", "resend"};
    struct rt_buf got = {0}, expected = {0};

    if (step->expected_count == 0)
        return;
    rt_buf_add_str(&got, rt_change_name(change));
    rt_buf_add_str(&expected, step->expected[0]);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (has[i])
            rt_buf_printf(&got, " %s", marks[i]);
        for (size_t k = 1; k < step->expected_count; k++)
            if (strcmp(step->expected[k], marks[i]) == 0)
                rt_buf_printf(&expected, " %s", marks[i]);
    }
    expect_text(w, "row", rt_buf_str(&expected), rt_buf_str(&got));
    rt_buf_clear(&got);
    rt_buf_clear(&expected);
}

/* row SIDE [x=ID] [n=ID] at=T [modified=T] [deleted] [as-sent] FIELD=VALUE ... -> CHANGE [MARK ...]
 */
static void step_row(struct world *w, const struct step *step)
{
    const char *x = option(step, "x"), *n = option(step, "n");
    struct rt_record *found[2] = {find_by(w, RT_EXTERNAL, x), find_by(w, RT_NATIVE, n)};
    struct rt_record *known = found[0] ? found[0] : found[1], *record;
    struct rt_row row = {.side = side_in(w, step), .id = {rt_slice_str(x), rt_slice_str(n)}};
    struct rt_rules rules;
    enum rt_change change = RT_CHANGE_REJECTED;
    struct rt_observed joined = {.change = RT_CHANGE_UNCHANGED};
    bool is_bound = false;

    row.stamp = time_in(w, step, "at", w->now);
    row.modified_at = time_in(w, step, "modified", RT_NEVER);
    row.is_deleted = has_word(step, "deleted");
    w->now = row.stamp;
    w->last = (struct rt_observed){0};
    row.content = base_content(w, step, found[row.side] ? found[row.side] : known, row.side);
    if (!fill(w, step, row.side, row.content)) {
        freeze(found, &row, RT_FLAW_REJECTED);
    } else if ((record = identify(w, &row, found, &is_bound, &joined)) == NULL) {
        freeze(found, &row, RT_FLAW_CLASH);
        change = RT_CHANGE_CLASH;
    } else {
        rules = rules_of(w);
        rt_merge_observe(&rules, record, &row, &w->arena, &w->last);
        change = w->last.change < joined.change ? w->last.change : joined.change; /* R14's order */
    }
    expect_row(w, step, change, is_bound);
}

/* ---- plans ---- */

static void hand_over(struct rt_record *record, enum rt_side side, int64_t handed, int64_t gone)
{
    struct rt_end *end = &record->end[side];

    if (end->absence == RT_ABSENCE_TOLD && end->told_at == RT_NEVER)
        end->told_at = handed;
    for (size_t i = 0; i < end->sent_count; i++) {
        if (end->sent[i].handed != RT_NEVER || end->sent[i].delta == 0)
            continue;
        end->sent[i].handed = handed;
        end->sent[i].gone = gone;
        if (end->given_delta == end->sent[i].delta)
            end->given_at = handed;
    }
}

/* hand SIDE at=T [gone=T]: all that is in the outbox for it. */
static void step_hand(struct world *w, const struct step *step)
{
    w->now = time_in(w, step, "at", w->now);
    for (size_t i = 0; i < w->record_count; i++)
        if (w->record[i] != NULL)
            hand_over(w->record[i], side_in(w, step), w->now, time_in(w, step, "gone", w->now));
}

static void write_down(struct world *w, struct rt_record *record, enum rt_side side,
                       enum rt_action action)
{
    if (action == RT_ACTION_DELETE)
        record->end[side].absence = RT_ABSENCE_TOLD;
    else
        rt_plan_written(record, side, w->delta, record->rid);
}

/* emit SIDE at=T [handed=T|no] [gone=T] -> ACTION ...: one for each record that is not `none`. */
static void step_emit(struct world *w, const struct step *step)
{
    enum rt_side side = side_in(w, step);
    const char *handed = option(step, "handed");
    struct rt_buf got = {0}, expected = {0};
    struct rt_decision decision;
    struct rt_rules rules;
    int64_t when;

    w->now = time_in(w, step, "at", w->now);
    w->delta++;
    when = handed && strcmp(handed, "no") != 0 ? time_of(w, handed) : w->now;
    rules = rules_of(w);
    for (size_t i = 0; i < w->record_count; i++) {
        if (w->record[i] == NULL)
            continue;
        rt_plan_side(&rules, w->record[i], side, &decision);
        if (decision.action != RT_ACTION_NONE)
            rt_buf_printf(&got, "%s%s", got.len ? " " : "", rt_action_name(decision.action));
        if (!rt_action_is_sent(decision.action))
            continue;
        write_down(w, w->record[i], side, decision.action);
        if (handed == NULL || strcmp(handed, "no") != 0)
            hand_over(w->record[i], side, when, time_in(w, step, "gone", when));
    }
    for (size_t i = 0; i < step->expected_count; i++)
        rt_buf_printf(&expected, "%s%s", i ? " " : "", step->expected[i]);
    expect_text(w, "emit", rt_buf_str(&expected), got.len ? rt_buf_str(&got) : "none");
    rt_buf_clear(&got);
    rt_buf_clear(&expected);
}

/* plan SIDE [x=ID] [at=T] -> ACTION ["reason"] */
static void step_plan(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);
    struct rt_decision decision;
    struct rt_rules rules;

    if (record == NULL || step->expected_count == 0) {
        fail(w, "expected plan SIDE -> ACTION");
        return;
    }
    w->now = time_in(w, step, "at", w->now);
    rules = rules_of(w);
    rt_plan_side(&rules, record, side_in(w, step), &decision);
    expect_text(w, "plan", step->expected[0], rt_action_name(decision.action));
    if (step->expected_count > 1)
        expect_text(w, "reason", step->expected[1], decision.reason);
}

/* guard due=N held=N [deletes=N] -> passes|trips */
static void step_guard(struct world *w, const struct step *step)
{
    const char *due = option(step, "due"), *held = option(step, "held");
    const char *deletes = option(step, "deletes");
    char reason[160];
    bool trips;

    trips = deletes ? rt_guard_deletes_trip(w->config, atoll(deletes), reason, sizeof reason)
                    : rt_guard_trips(w->config, due ? atoll(due) : 0, held ? atoll(held) : 0,
                                     reason, sizeof reason);
    expect_text(w, "guard", step->expected_count ? step->expected[0] : "",
                trips ? "trips" : "passes");
}

/* ---- what is known ---- */

static void expect_values(struct world *w, const struct step *step,
                          const struct rt_content *content)
{
    for (size_t i = 1; i < step->count; i++) {
        const char *expected;
        const struct rt_field *field = assignment(w, step->word[i], &expected);
        struct rt_value got = {{NULL, 0}, RT_FROM_UNKNOWN};

        if (field == NULL)
            continue;
        if (content != NULL)
            got = content->value[field->content_index];
        if (rt_value_is_known(got) ? !rt_slice_is_str(got.raw, expected)
                                   : strcmp(expected, "?") != 0)
            fail(w, "%s of %s: expected \"%s\", got \"%.*s\"%s", step->word[0], field->name,
                 expected, RT_SLICE_FMT(got.raw), rt_value_is_known(got) ? "" : " (unknown)");
    }
}

/* want x=ID FIELD=VALUE ...; ? is unknown. */
static void step_want(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);

    if (record != NULL)
        expect_values(w, step, record->want);
}

/* seen SIDE x=ID FIELD=VALUE ... */
static void step_seen(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);

    if (record != NULL)
        expect_values(w, step, record->end[side_in(w, step)].seen);
}

/* out SIDE x=ID FIELD=VALUE ...: want, as it is written for that side. */
static void step_out(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);
    struct rt_content *content;

    if (record == NULL || record->want == NULL)
        return;
    content = rt_content_copy(w->schema, record->want, &w->arena);
    for (size_t i = 0; i < w->schema->content_count; i++)
        content->value[i].raw =
            rt_slice_str(rendered(w, i, record->want->value[i], side_in(w, step)));
    expect_values(w, step, content);
}

static const struct rt_conflict *conflict_of(const struct rt_record *record, size_t field)
{
    for (size_t i = 0; i < record->conflict_count; i++)
        if (record->conflicts[i].field == field)
            return &record->conflicts[i];
    return NULL;
}

/* conflict x=ID FIELD external=V native=V [first-seen] */
static void step_conflict(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);
    const struct rt_conflict *conflict = NULL;
    const struct rt_field *field = NULL;

    for (size_t i = 1; field == NULL && i < step->count; i++)
        if (strchr(step->word[i], '=') == NULL)
            field = content_field(w, step->word[i]);
    if (record != NULL && field != NULL)
        conflict = conflict_of(record, field->content_index);
    if (conflict == NULL) {
        fail(w, "expected a conflict, got none");
        return;
    }
    if (conflict->is_first_seen != has_word(step, "first-seen"))
        fail(w, "expected a conflict of the other kind");
    for (int s = 0; s < 2; s++) {
        const char *expected = option(step, rt_side_name((enum rt_side)s));

        if (expected == NULL || !rt_slice_is_str(conflict->value[s].raw, expected))
            fail(w, "conflict: %s: expected \"%s\", got \"%.*s\"", rt_side_name((enum rt_side)s),
                 expected ? expected : "", RT_SLICE_FMT(conflict->value[s].raw));
    }
}

/* no conflict x=ID; `no flip` is read with the case. */
static void step_no(struct world *w, const struct step *step)
{
    const struct rt_record *record = has_word(step, "flip") ? NULL : record_in(w, step);

    if (record != NULL && record->conflict_count)
        fail(w, "expected no conflict, got %zu", record->conflict_count);
}

/* frozen x=ID WORD, free x=ID */
static void step_frozen(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);
    bool is_free = strcmp(step->word[0], "free") == 0;
    const char *why = record ? rt_record_frozen(record) : NULL;

    if (record != NULL)
        expect_text(w, "frozen", is_free ? "(free)" : step->word[step->count - 1],
                    why ? why : "(free)");
}

/* sent SIDE x=ID COUNT: versions on their way. */
static void step_sent(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);
    char got[24];

    if (record == NULL)
        return;
    snprintf(got, sizeof got, "%zu", record->end[side_in(w, step)].sent_count);
    expect_text(w, "sent", step->word[step->count - 1], got);
}

/* records COUNT */
static void step_records(struct world *w, const struct step *step)
{
    size_t n = 0;
    char got[24];

    for (size_t i = 0; i < w->record_count; i++)
        n += w->record[i] != NULL;
    snprintf(got, sizeof got, "%zu", n);
    expect_text(w, "records", step->word[step->count - 1], got);
}

/* bound x=ID n=ID: the same record. */
static void step_bound(struct world *w, const struct step *step)
{
    const struct rt_record *x = find_by(w, RT_EXTERNAL, option(step, "x"));

    if (x == NULL || x != find_by(w, RT_NATIVE, option(step, "n")))
        fail(w, "expected one record with both IDs");
}

/* born x=ID SIDE */
static void step_born(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);

    if (record != NULL)
        expect_text(w, "born", rt_side_name(side_in(w, step)), rt_side_name(record->born));
}

/* read-only SIDE x=ID yes|no: does it show an edit of its own (single trip)? */
static void step_read_only(struct world *w, const struct step *step)
{
    const struct rt_record *record = record_in(w, step);

    if (record != NULL)
        expect_text(w, "read-only", step->word[step->count - 1],
                    record->end[side_in(w, step)].is_read_only_edit ? "yes" : "no");
}

/* told FIELD OUTCOME [VALUE before]: the last row's story has it. */
static void step_told(struct world *w, const struct step *step)
{
    for (size_t i = 0; step->count >= 3 && i < w->last.change_count; i++) {
        const struct rt_field_change *c = &w->last.changes[i];

        if (strcmp(c->field->name, step->word[1]) == 0 && strcmp(c->outcome, step->word[2]) == 0 &&
            (step->count < 4 || rt_slice_is_str(c->before.raw, step->word[3])))
            return;
    }
    fail(w, "expected to be told so, got %zu other notes", w->last.change_count);
}

/* ---- what people decide, and what files say that are not rows ---- */

static void step_take(struct world *w, const struct step *step)
{
    struct rt_rules rules = rules_of(w);
    struct rt_record *record = record_in(w, step);

    if (record != NULL)
        rt_merge_take(&rules, record, side_in(w, step), &w->arena);
}

/* dismiss SIDE x=ID: of not-taken and altered. */
static void step_dismiss(struct world *w, const struct step *step)
{
    struct rt_rules rules = rules_of(w);
    struct rt_record *record = record_in(w, step);

    if (record != NULL)
        rt_merge_shown_is_edit(&rules, record, side_in(w, step), &w->arena);
}

/* accept SIDE x=ID: of not-taken and altered. */
static void step_accept(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);
    struct rt_rules rules = rules_of(w);

    if (record == NULL)
        return;
    rt_merge_accept_cut(&rules, record, side_in(w, step), &w->arena);
    record->end[side_in(w, step)].not_taken_count = 0;
}

/* retry SIDE x=ID: what was handed over did not arrive. */
static void step_retry(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);
    struct rt_end *end = record ? &record->end[side_in(w, step)] : NULL;

    for (size_t i = 0; end != NULL && i < end->sent_count; i++)
        end->sent[i].is_trusted = false;
}

/* confirm SIDE x=ID at=T: what was handed over last is there. */
static void step_confirm(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);
    struct rt_end *end = record ? &record->end[side_in(w, step)] : NULL;
    const struct rt_version *newest = end ? newest_handed(end) : NULL;
    const struct rt_content *now;

    w->now = time_in(w, step, "at", w->now);
    if (newest == NULL) {
        fail(w, "nothing was handed over");
        return;
    }
    now = newest->content;
    end->sent_count = end->seen != NULL;
    end->sent[0] = (struct rt_version){.content = end->seen, .until = w->now};
    end->seen = now;
}

static void step_hold(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);

    if (record != NULL)
        record->is_held = strcmp(step->word[0], "hold") == 0;
}

/* missing SIDE x=ID: not in that side's newest snapshot.  keep SIDE x=ID: and a person left it so.
 */
static void step_missing(struct world *w, const struct step *step)
{
    struct rt_rules rules = rules_of(w);
    struct rt_record *record = record_in(w, step);

    if (record == NULL)
        return;
    if (strcmp(step->word[0], "keep") == 0)
        record->end[side_in(w, step)].absence = RT_ABSENCE_KEPT;
    else
        rt_merge_absent(&rules, record, side_in(w, step), RT_MISSING);
}

/* ineligible SIDE x=ID */
static void step_ineligible(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);

    if (record != NULL)
        record->end[side_in(w, step)].is_excluded = true;
}

/* allow x=ID: send it although it flaps. */
static void step_allow(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);

    if (record != NULL)
        record->flap_allowed = true;
}

/* baseline x=ID: on one side only, and not due until edited. */
static void step_baseline(struct world *w, const struct step *step)
{
    struct rt_record *record = record_in(w, step);

    if (record != NULL)
        record->not_due_until_edited = true;
}

static const struct rt_content *without(struct world *w, const struct rt_content *content, size_t i)
{
    struct rt_content *copy;

    if (content == NULL)
        return NULL;
    copy = rt_content_copy(w->schema, content, &w->arena);
    copy->value[i] = (struct rt_value){{NULL, 0}, RT_FROM_UNKNOWN};
    return copy;
}

/* unknown FIELD: it is new in the schema, so the state has no value of it. */
static void step_unknown(struct world *w, const struct step *step)
{
    const struct rt_field *field = content_field(w, step->word[step->count - 1]);

    for (size_t r = 0; field != NULL && r < w->record_count; r++) {
        struct rt_record *record = w->record[r];

        if (record == NULL)
            continue;
        record->want = without(w, record->want, field->content_index);
        for (int s = 0; s < 2; s++) {
            struct rt_end *end = &record->end[s];

            end->seen = without(w, end->seen, field->content_index);
            end->given = without(w, end->given, field->content_index);
            for (size_t i = 0; i < end->sent_count; i++)
                end->sent[i].content = without(w, end->sent[i].content, field->content_index);
        }
    }
}

/* ---- cases ---- */

static const struct {
    const char *word;
    void (*run)(struct world *w, const struct step *step);
    bool is_setting;
} verbs[] = {{"ini", step_ini, true},
             {"field", step_field, true},
             {"code", step_code, true},
             {"no", step_no, false},
             {"row", step_row, false},
             {"emit", step_emit, false},
             {"hand", step_hand, false},
             {"plan", step_plan, false},
             {"guard", step_guard, false},
             {"want", step_want, false},
             {"seen", step_seen, false},
             {"out", step_out, false},
             {"conflict", step_conflict, false},
             {"frozen", step_frozen, false},
             {"free", step_frozen, false},
             {"sent", step_sent, false},
             {"records", step_records, false},
             {"bound", step_bound, false},
             {"born", step_born, false},
             {"read-only", step_read_only, false},
             {"told", step_told, false},
             {"take", step_take, false},
             {"dismiss", step_dismiss, false},
             {"accept", step_accept, false},
             {"retry", step_retry, false},
             {"confirm", step_confirm, false},
             {"hold", step_hold, false},
             {"release", step_hold, false},
             {"missing", step_missing, false},
             {"keep", step_missing, false},
             {"ineligible", step_ineligible, false},
             {"allow", step_allow, false},
             {"baseline", step_baseline, false},
             {"unknown", step_unknown, false}};

static void run_step(struct world *w, const char *line)
{
    struct step step;

    read_step(w, w->is_flipped ? flip_line(w, line) : line, &step);
    if (step.count == 0)
        return;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(step.word[0], verbs[i].word) != 0)
            continue;
        w->steps += !verbs[i].is_setting;
        if (!verbs[i].is_setting && !has_word(&step, "flip") && !build(w))
            return;
        verbs[i].run(w, &step);
        return;
    }
    fail(w, "there is no step \"%s\"", step.word[0]);
}

static void clear(struct world *w)
{
    for (size_t i = 0; i < 4; i++)
        rt_buf_clear(&w->settings[i]);
    for (size_t i = 0; i < w->code_count; i++)
        rt_buf_clear(&w->codes[i].text);
    rt_buf_clear(&w->fields);
    rt_schema_free(w->schema);
    rt_config_free(w->config);
    rt_arena_clear(&w->arena);
}

struct tally {
    size_t cases, runs, steps, failed;
};

struct lines {
    char **line;
    size_t count;
};

/* Runs the lines from..to, of which the first is `case NAME`. */
static void run_case(const char *path, const struct lines *lines, size_t from, size_t to,
                     struct tally *tally)
{
    bool has_flip = true;

    for (size_t i = from; i < to; i++)
        has_flip = has_flip && strncmp(lines->line[i], "no flip", 7) != 0;
    tally->cases++;
    for (int flipped = 0; flipped <= (int)has_flip; flipped++) {
        struct world w = {
            .path = path, .name = lines->line[from] + strlen("case "), .is_flipped = flipped == 1};

        for (size_t i = from + 1; i < to && !w.has_failed; i++) {
            w.line = (unsigned)i + 1;
            run_step(&w, lines->line[i]);
        }
        if (w.steps == 0)
            fail(&w, "a case without a step");
        tally->runs++;
        tally->steps += w.steps;
        tally->failed += w.has_failed;
        clear(&w);
    }
}

static int read_lines(const char *path, struct lines *lines)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    ssize_t n;

    if (file == NULL)
        return -1;
    while ((n = getline(&text, &size, file)) >= 0) {
        if (n > 0 && text[n - 1] == '\n')
            text[n - 1] = '\0';
        lines->line = rt_xgrow(lines->line, lines->count, sizeof *lines->line);
        lines->line[lines->count++] = rt_xstrdup(text);
    }
    free(text);
    fclose(file);
    return 0;
}

static bool is_case(const char *line)
{
    return strncmp(line, "case ", 5) == 0;
}

static void run_file(const char *path, struct tally *tally)
{
    struct lines lines = {0};
    size_t from = 0;

    if (read_lines(path, &lines) < 0) {
        printf("%s: %s\n", path, strerror(errno));
        tally->failed++;
        return;
    }
    while (from < lines.count && !is_case(lines.line[from]))
        from++;
    while (from < lines.count) {
        size_t to = from + 1;

        while (to < lines.count && !is_case(lines.line[to]))
            to++;
        run_case(path, &lines, from, to, tally);
        from = to;
    }
    for (size_t i = 0; i < lines.count; i++)
        free(lines.line[i]);
    free(lines.line);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};

    for (int i = 1; i < argc; i++)
        run_file(argv[i], &tally);
    printf("%zu cases, %zu runs, %zu steps, %zu failed\n", tally.cases, tally.runs, tally.steps,
           tally.failed);
    return tally.failed || tally.cases == 0;
}
