#include "cmd/diff_report.h"

#include "cmd/diff_entry.h"
#include "cmd/json.h"

#include "lib/diff_line.h"
#include "lib/json_of.h"

static const struct rt_schema *schema_of(const struct rt_diff_report *r)
{
    return r->session->work.rules.schema;
}

static int say_line(struct rt_diff_report *r, int rc)
{
    if (rc == 0)
        rt_say("%s", rt_buf_str(&r->line));
    rt_buf_reset(&r->line);
    return rc;
}

/* change: NULL for a line about the record as a whole. */
static int print_csv(struct rt_diff_report *r, const struct rt_diff_entry *entry,
                     const json_t *change, struct rt_err *err)
{
    const struct rt_diff_line line = {
        .side = entry->side,
        .change = entry->change,
        .id = {entry->id[0], entry->id[1]},
        .field = rt_json_slice_of(json_array_get(change, 0)),
        .before = rt_json_slice_of(json_array_get(change, 1)),
        .after = rt_json_slice_of(json_array_get(change, 2)),
        .action = {rt_action_name(entry->decision[RT_EXTERNAL].action),
                   rt_action_name(entry->decision[RT_NATIVE].action)},
        .reason = entry->reason,
    };

    return say_line(r, rt_diff_line_put(&r->writer, schema_of(r), &line, &r->line, err));
}

static int print_header(struct rt_diff_report *r, struct rt_err *err)
{
    if (r->format != RT_DIFF_CSV)
        return 0;
    return say_line(r, rt_diff_line_put_names(&r->writer, schema_of(r), &r->line, err));
}

/* What we sent and they wrote over, and what comes next, is for the record's story: it is no change
 * of theirs. */
static bool is_change(const json_t *change)
{
    const char *outcome = json_string_value(json_array_get(change, 3));

    return outcome != NULL && strcmp(outcome, "unseen") != 0 && strcmp(outcome, "replaced") != 0;
}

/* The same ten members for every line of the CSV. */
static void print_json(const struct rt_diff_entry *entry, const json_t *change)
{
    json_t *none = json_null();

    rt_json_say(json_pack("{s:s, s:s, s:o, s:o, s:O, s:O, s:O, s:s, s:s, s:s}", "side", entry->side,
                          "change", entry->change, "external_id", rt_json_of_text(entry->id[0]),
                          "native_id", rt_json_of_text(entry->id[1]), "field",
                          change ? json_array_get(change, 0) : none, "before",
                          change ? json_array_get(change, 1) : none, "after",
                          change ? json_array_get(change, 2) : none, "external_action",
                          rt_action_name(entry->decision[0].action), "native_action",
                          rt_action_name(entry->decision[1].action), "reason", entry->reason));
}

static int print_line(struct rt_diff_report *r, const struct rt_diff_entry *entry,
                      const json_t *change, struct rt_err *err)
{
    if (r->format == RT_DIFF_CSV)
        return print_csv(r, entry, change, err);
    print_json(entry, change);
    return 0;
}

static int print_changes(struct rt_diff_report *r, const struct rt_diff_entry *entry,
                         const json_t *changes, struct rt_err *err)
{
    const json_t *change;
    bool any = false;
    size_t i;

    json_array_foreach(changes, i, change)
    {
        if (!is_change(change))
            continue;
        any = true;
        if (print_line(r, entry, change, err) < 0)
            return -1;
    }
    return any ? 0 : print_line(r, entry, NULL, err);
}

static int print_entry(struct rt_diff_report *r, const struct rt_diff_entry *entry,
                       const char *detail, struct rt_err *err)
{
    json_t *changes = detail ? json_loads(detail, JSON_ALLOW_NUL, NULL) : NULL;
    int rc = print_changes(r, entry, json_is_array(changes) ? changes : NULL, err);

    json_decref(changes);
    return rc;
}

static bool is_about_a_row(const char *what)
{
    for (int i = 0; i < RT_CHANGE_COUNT; i++)
        if (strcmp(what, rt_change_name((enum rt_change)i)) == 0)
            return true;
    return strcmp(what, "missing") == 0;
}

static int print_event(void *context, const struct rt_event *event, struct rt_err *err)
{
    struct rt_diff_report *r = context;
    struct rt_diff_entry entry = {.side = event->side >= 0 ? rt_side_name((enum rt_side)event->side)
                                                           : "",
                                  .change = event->what,
                                  .id = {event->id_of[0], event->id_of[1]}};
    const char *text;
    json_t *detail;
    bool there = false;
    int rc;

    if (!is_about_a_row(event->what))
        return 0;
    if (event->rid && rt_store_has_record(r->session->store, event->rid, &there, err) < 0)
        return -1;
    rt_arena_reset(&r->arena);
    if (there) {
        if (rt_diff_entry_decide(r->emit, event->rid, event->side, &r->arena, &entry, err) < 0)
            return -1;
        rt_rid_set_add(&r->named, event->rid);
    }
    detail = event->detail ? json_loads(event->detail, JSON_ALLOW_NUL, NULL) : NULL;
    text = json_string_value(json_object_get(detail, "text"));
    if (!there && strcmp(event->what, rt_change_name(RT_CHANGE_EXCLUDED)) == 0)
        entry.decision[rt_side_other((enum rt_side)event->side)].action = RT_ACTION_EXCLUDE;
    if (text != NULL)
        snprintf(entry.reason, sizeof entry.reason, "%s", text);
    rc = print_entry(r, &entry, event->detail, err);
    json_decref(detail);
    return rc;
}

static int print_due(struct rt_diff_report *r, int64_t rid, struct rt_err *err)
{
    struct rt_diff_entry entry = {.side = "", .change = "due"};
    bool there;

    if (!rt_rid_set_add(&r->named, rid))
        return 0;
    if (rt_store_has_record(r->session->store, rid, &there, err) < 0)
        return -1;
    if (!there)
        return 0;
    rt_arena_reset(&r->arena);
    if (rt_diff_entry_decide(r->emit, rid, -1, &r->arena, &entry, err) < 0)
        return -1;
    if (rt_diff_entry_is_none(&entry))
        return 0;
    for (int s = 1; s >= 0; s--)
        if (rt_rid_set_has(&r->session->work.shown[s], rid)) {
            entry.side = rt_side_name((enum rt_side)s);
            entry.change = rt_change_name(RT_CHANGE_UNCHANGED);
        }
    return print_entry(r, &entry, NULL, err);
}

/* Records of which no row of these files changed anything: due since earlier, or touched by what a
 * row said of another. */
static int print_others(struct rt_diff_report *r, struct rt_err *err)
{
    struct rt_arena arena = {0};
    int rc = 0;

    for (int s = 0; s < 2 && rc == 0; s++) {
        struct rt_due_entry due = {0};

        for (size_t i = 0; rc == 0 && i < r->emit->side[s].count; i++)
            rc = print_due(r, r->emit->side[s].rows[i].rid, err);
        while (rc == 0 && (rc = rt_store_next_due(r->session->store, (enum rt_side)s, &arena, &due,
                                                  err)) == 1) {
            rc = print_due(r, due.rid, err);
            rt_arena_reset(&arena);
        }
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_diff_report(struct rt_diff_report *r, bool spreadsheet, struct rt_err *err)
{
    struct rt_csv_writer_options options = {.delimiter = ',', .spreadsheet = spreadsheet};
    int rc;

    if (rt_csv_writer_init(&r->writer, &options, err) < 0)
        return -1;
    rc = print_header(r, err);
    if (rc == 0)
        rc = rt_store_each_run_event(r->session->store, r->session->work.run, print_event, r, err);
    if (rc == 0)
        rc = print_others(r, err);
    rt_csv_writer_clear(&r->writer);
    rt_buf_clear(&r->line);
    rt_rid_set_clear(&r->named);
    rt_arena_clear(&r->arena);
    return rc;
}
