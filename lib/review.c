#include "lib/review.h"

#include "lib/json_of.h"
#include "lib/plan.h"

static const struct rt_kind_text texts[RT_KIND_COUNT] = {
    [RT_KIND_CONFLICT] = {"conflict", NULL, NULL,
                          "Both sides changed the same field, differently."},
    [RT_KIND_FIRST_SEEN] =
        {"first-seen", NULL, NULL,
         "A field is new, or a baseline found the record on both sides, and the first values "
         "differ."},
    [RT_KIND_CLASH] = {"clash", "joins the two records as the row says",
                       "ignores the row, while it stays as it is",
                       "A row names two IDs that do not belong together."},
    [RT_KIND_SUSPECTED] =
        {"suspected", "binds the two: they are one interaction",
         "keeps them apart: it is another interaction",
         "A row without the other side's ID looks like an insert that has lost its ID."},
    [RT_KIND_REPEATED] = {"repeated", "takes the last of these rows",
                          "ignores these rows, while they stay as they are",
                          "A file names a record several times, differently."},
    [RT_KIND_REJECTED] =
        {"rejected",
         "lets the record flow on; mend the row in rejects/ and fetch it again to feed it",
         "ignores the row, while it stays as it is", "A row could not be read."},
    [RT_KIND_REFUSED] = {"refused",
                         "the file's contents are not needed; deltas for that side go out again",
                         "the same as accept; or fetch the mended file, which settles it",
                         "A whole file could not be read: nothing is sent to that side."},
    [RT_KIND_MISSING] =
        {"missing", "deletes it on the other side, where that can be done",
         "leaves it there, and does not send it to the side that lacks it",
         "A record is not in a side's snapshot any more, or is marked deleted there."},
    [RT_KIND_EDIT_VS_DELETE] = {"edit-vs-delete", "the edit wins: it is inserted again",
                                "the delete wins", "Edited on one side, gone on the other."},
    [RT_KIND_NOT_TAKEN] = {"not-taken", "sends the newest values again",
                           "takes what the side shows as its edit",
                           "A file that should show what was sent does not."},
    [RT_KIND_OVERDUE] = {"overdue", "sends the rows again", "stops waiting for them",
                         "Handed over, and not seen there for too long."},
    [RT_KIND_FLAPPING] = {"flapping", "sends it", "keeps what the sides hold",
                          "A record goes back and forth between two contents."},
    [RT_KIND_ALTERED] = {"altered", "the side cannot hold more: keeps the longer value here",
                         "takes the shorter value as an edit",
                         "A side shows only the beginning of what was sent to it."},
    [RT_KIND_WENT_BACK] = {"went-back", "the row with the older time counts",
                           "ignores the row, while it stays as it is",
                           "A newer file shows the record with an older time of change."},
    [RT_KIND_READ_ONLY] = {"read-only", "leaves the native edit as it is",
                           "overwrites it with the external value",
                           "In a single trip, the database edited what it may not."},
};

const struct rt_kind_text *rt_kind_text(enum rt_kind kind)
{
    return &texts[kind];
}

int rt_kind_find(const char *name)
{
    for (int i = 0; i < RT_KIND_COUNT; i++)
        if (strcmp(texts[i].name, name) == 0)
            return i;
    return -1;
}

unsigned rt_review_row_kinds(const struct rt_end *end)
{
    unsigned kinds = end->is_cut ? RT_KIND_BIT(RT_KIND_ALTERED) : 0;

    switch (end->flaw) {
    case RT_FLAW_REJECTED:
        return kinds | RT_KIND_BIT(RT_KIND_REJECTED);
    case RT_FLAW_CLASH:
        return kinds | RT_KIND_BIT(RT_KIND_CLASH);
    case RT_FLAW_REPEATED:
        return kinds | RT_KIND_BIT(RT_KIND_REPEATED);
    case RT_FLAW_WENT_BACK:
        return kinds | RT_KIND_BIT(RT_KIND_WENT_BACK);
    case RT_FLAW_NONE:
        break;
    }
    return kinds;
}

static unsigned end_kinds(const struct rt_rules *rules, const struct rt_record *record,
                          enum rt_side side)
{
    const struct rt_end *end = &record->end[side], *other = &record->end[rt_side_other(side)];
    unsigned kinds = rt_review_row_kinds(end);

    /* A row that is gone, or is to be, leaves nothing to overwrite. */
    if (end->is_read_only_edit && end->absence == RT_PRESENT && other->absence != RT_ABSENCE_DELETE)
        kinds |= RT_KIND_BIT(RT_KIND_READ_ONLY);
    if (end->edit_vs_delete)
        kinds |= RT_KIND_BIT(RT_KIND_EDIT_VS_DELETE);
    else if ((end->absence == RT_MISSING || end->absence == RT_DELETED) &&
             other->absence == RT_PRESENT && /* gone on both sides is no question */
             rt_record_deletes(rules, record, side) == RT_DELETES_REVIEW)
        kinds |= RT_KIND_BIT(RT_KIND_MISSING);
    if (end->not_taken_count)
        kinds |= RT_KIND_BIT(RT_KIND_NOT_TAKEN);
    return kinds;
}

/* R8: no question any more once nothing is due for either side, as both hold what flapped. */
static bool is_flap_open(const struct rt_rules *rules, const struct rt_record *record)
{
    struct rt_decision decision;

    if (!record->is_flapping || record->flap_allowed)
        return false;
    for (int s = 0; s < 2; s++) {
        rt_plan_side(rules, record, (enum rt_side)s, &decision);
        if (decision.action != RT_ACTION_NONE)
            return true;
    }
    return false;
}

unsigned rt_review_kinds(const struct rt_rules *rules, const struct rt_record *record)
{
    unsigned kinds = end_kinds(rules, record, RT_EXTERNAL) | end_kinds(rules, record, RT_NATIVE);

    for (size_t i = 0; i < record->conflict_count; i++)
        kinds |=
            RT_KIND_BIT(record->conflicts[i].is_first_seen ? RT_KIND_FIRST_SEEN : RT_KIND_CONFLICT);
    if (record->is_suspect)
        kinds |= RT_KIND_BIT(RT_KIND_SUSPECTED);
    if (is_flap_open(rules, record))
        kinds |= RT_KIND_BIT(RT_KIND_FLAPPING);
    return kinds;
}

static void add_field(json_t *list, const struct rt_field *field, struct rt_value external,
                      struct rt_value native)
{
    json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "field", field->name, "external",
                                          rt_json_of_value(external), "native",
                                          rt_json_of_value(native)));
}

static struct rt_value seen_value(const struct rt_record *record, enum rt_side side, size_t i)
{
    return rt_content_value(record->end[side].seen, i);
}

/* For every kind but conflicts: the fields in which what the sides show, or want, differs. */
static void add_differences(const struct rt_rules *rules, const struct rt_record *record,
                            json_t *list)
{
    for (size_t i = 0; i < rules->schema->content_count; i++) {
        const struct rt_field *field = rules->schema->content[i];
        struct rt_value external = seen_value(record, RT_EXTERNAL, i),
                        native = seen_value(record, RT_NATIVE, i);

        if (field->direction == RT_DIR_NONE)
            continue;
        if (!rt_value_is_known(external) && record->want != NULL)
            external = record->want->value[i];
        if (!rt_value_is_known(native) && record->want != NULL)
            native = record->want->value[i];
        if (!rt_value_is_same(field, RT_EXTERNAL, external, native) ||
            !rt_value_is_same(field, RT_NATIVE, external, native))
            add_field(list, field, external, native);
    }
}

char *rt_review_detail(const struct rt_rules *rules, const struct rt_record *record,
                       enum rt_kind kind)
{
    bool is_first_seen = kind == RT_KIND_FIRST_SEEN;
    json_t *root = json_object(), *list = json_array();
    char *text;

    if (kind == RT_KIND_CONFLICT || is_first_seen) {
        for (size_t i = 0; i < record->conflict_count; i++)
            if (record->conflicts[i].is_first_seen == is_first_seen)
                add_field(list, rules->schema->content[record->conflicts[i].field],
                          record->conflicts[i].value[RT_EXTERNAL],
                          record->conflicts[i].value[RT_NATIVE]);
    } else {
        add_differences(rules, record, list);
    }
    for (int s = 0; s < 2; s++)
        json_object_set_new(root, s == RT_EXTERNAL ? "external_id" : "native_id",
                            rt_json_of_text(record->end[s].id));
    json_object_set_new(root, "fields", list);
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}
