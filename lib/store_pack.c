#include "lib/json_of.h"
#include "lib/store_internal.h"
#include "lib/store_schema.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- packed columns ---- */

/* external_flags, native_flags: what is known of an end besides contents and looks. */
enum {
    END_SHOWS_OTHER_ID = 1,
    END_EXCLUDED = 2,
    END_CUT = 4,
    END_ACCEPTED_CUTS = 8, /* of a state from before `open` said of which texts */
    END_READ_ONLY_EDIT = 16,
    END_EDIT_VS_DELETE = 32,
    END_PASSED_OVER = 64,
    END_MARKED = 128,
    END_ABSENCE_SHIFT = 8,  /* 4 bits */
    END_FLAW_SHIFT = 12,    /* 4 bits */
    END_RESENDS_SHIFT = 16, /* 4 bits */
    END_ID_TAKEN = 1 << 20,
    END_UNTIMED = 1 << 21,
    END_BITS = 15
};

enum {
    RECORD_HELD = 1,
    RECORD_SUSPECT = 2,
    RECORD_FLAPPING = 4,
    RECORD_FLAP_ALLOWED = 8,
    RECORD_NOT_DUE = 16,
    RECORD_ITEMS_SHIFT = 8 /* kinds of open review items */
};

int64_t rt_store_pack_end(const struct rt_end *end)
{
    return (end->shows_other_id ? END_SHOWS_OTHER_ID : 0) | (end->is_excluded ? END_EXCLUDED : 0) |
           (end->is_cut ? END_CUT : 0) | (end->is_read_only_edit ? END_READ_ONLY_EDIT : 0) |
           (end->edit_vs_delete ? END_EDIT_VS_DELETE : 0) |
           (end->is_passed_over ? END_PASSED_OVER : 0) | (end->is_marked ? END_MARKED : 0) |
           (end->is_id_taken ? END_ID_TAKEN : 0) | (end->is_untimed ? END_UNTIMED : 0) |
           (int64_t)end->absence << END_ABSENCE_SHIFT | (int64_t)end->flaw << END_FLAW_SHIFT |
           (int64_t)end->resends << END_RESENDS_SHIFT;
}

void rt_store_unpack_end(struct rt_end *end, int64_t flags)
{
    end->shows_other_id = flags & END_SHOWS_OTHER_ID;
    end->is_id_taken = flags & END_ID_TAKEN;
    end->is_untimed = flags & END_UNTIMED;
    end->is_excluded = flags & END_EXCLUDED;
    end->is_cut = flags & END_CUT;
    end->is_read_only_edit = flags & END_READ_ONLY_EDIT;
    end->edit_vs_delete = flags & END_EDIT_VS_DELETE;
    end->is_passed_over = flags & END_PASSED_OVER;
    end->absence = (enum rt_absence)(flags >> END_ABSENCE_SHIFT & END_BITS);
    end->is_marked = flags & END_MARKED || end->absence == RT_DELETED; /* so in older states */
    end->flaw = (enum rt_flaw)(flags >> END_FLAW_SHIFT & END_BITS);
    end->resends = (int)(flags >> END_RESENDS_SHIFT & END_BITS);
}

int64_t rt_store_pack_record(const struct rt_record *record)
{
    return (record->is_held ? RECORD_HELD : 0) | (record->is_suspect ? RECORD_SUSPECT : 0) |
           (record->is_flapping ? RECORD_FLAPPING : 0) |
           (record->flap_allowed ? RECORD_FLAP_ALLOWED : 0) |
           (record->not_due_until_edited ? RECORD_NOT_DUE : 0) |
           (int64_t)record->items << RECORD_ITEMS_SHIFT;
}

void rt_store_unpack_record(struct rt_record *record, int64_t flags)
{
    record->is_held = flags & RECORD_HELD;
    record->is_suspect = flags & RECORD_SUSPECT;
    record->is_flapping = flags & RECORD_FLAPPING;
    record->flap_allowed = flags & RECORD_FLAP_ALLOWED;
    record->not_due_until_edited = flags & RECORD_NOT_DUE;
    record->items = (unsigned)(flags >> RECORD_ITEMS_SHIFT);
}

/* Numbers by hand: printf and scanf would take a twentieth of the time of a changed row. */
static void add_number(struct rt_buf *out, int64_t value)
{
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char digits[20];
    size_t n = sizeof digits;

    do
        digits[--n] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (value < 0)
        rt_buf_add_char(out, '-');
    rt_buf_add(out, digits + n, sizeof digits - n);
}

bool rt_store_take_number(const char **text, char behind, int64_t *value)
{
    char *end;

    *value = strtoll(*text, &end, 10);
    if (end == *text || (behind != '\0' && *end != behind))
        return false;
    *text = end + (behind != '\0');
    return true;
}

/* sent: "delta:position:cid:trusted:other_id:until" for each version, oldest first, blanks between.
   trusted is 2 where a person gave the version up. */
const char *rt_store_pack_sent(const struct rt_end *end, struct rt_buf *out)
{
    rt_buf_reset(out);
    for (size_t i = 0; i < end->sent_count; i++) {
        const struct rt_version *v = &end->sent[i];
        int64_t numbers[] = {v->delta,        v->position,
                             v->content->cid, v->is_given_up ? 2 : v->is_trusted,
                             v->has_other_id, v->until};

        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            if (k > 0 || i > 0)
                rt_buf_add_char(out, k > 0 ? ':' : ' ');
            add_number(out, numbers[k]);
        }
    }
    return out->len ? rt_buf_str(out) : NULL;
}

static int unpack_version(struct rt_store *store, const char *text, struct rt_arena *arena,
                          struct rt_version *v, struct rt_err *err)
{
    int64_t cid, trusted, other;

    if (!rt_store_take_number(&text, ':', &v->delta) ||
        !rt_store_take_number(&text, ':', &v->position) ||
        !rt_store_take_number(&text, ':', &cid) || !rt_store_take_number(&text, ':', &trusted) ||
        !rt_store_take_number(&text, ':', &other) || !rt_store_take_number(&text, '\0', &v->until))
        return rt_err_set(err, RT_STOPPED, "%s: a version cannot be read: " RT_STORE_DAMAGED,
                          store->path);
    v->is_trusted = trusted == 1;
    v->is_given_up = trusted == 2;
    v->has_other_id = other != 0;
    return rt_store_share_content(store, cid, arena, &v->content, err);
}

int rt_store_unpack_sent(struct rt_store *store, const char *text, struct rt_arena *arena,
                         struct rt_end *end, struct rt_err *err)
{
    while (text != NULL && *text && end->sent_count < RT_SENT_MAX) {
        if (unpack_version(store, text, arena, &end->sent[end->sent_count], err) < 0)
            return -1;
        end->sent_count++;
        text = strchr(text, ' ');
        text = text ? text + 1 : NULL;
    }
    return 0;
}

const char *rt_store_pack_trail(const struct rt_record *record, char out[80])
{
    const uint64_t *t = record->trail;

    if (t[RT_TRAIL_MAX - 1] == 0)
        return NULL;
    snprintf(out, 80, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64, t[0], t[1], t[2], t[3]);
    return out;
}

/* ---- open questions: conflicts and values not taken, as JSON (few records have any); beside them,
   how much of a text a side can hold, as a person said ---- */

static json_t *value_to_json(struct rt_value value)
{
    if (!rt_value_is_known(value))
        return json_null();
    return json_pack("{s:s, s:s%}", "of", value.from == RT_FROM_EXTERNAL ? "external" : "native",
                     "value", value.raw.ptr ? value.raw.ptr : "", value.raw.len);
}

/* Where values are read from: a layout of then, whose way of writing them may not be that of now.
 */
struct reading {
    struct rt_store *store;
    int64_t layout;
    struct rt_arena *arena;
};

static int value_from_json(const struct reading *reading, const struct rt_field *field,
                           const json_t *json, struct rt_value *value, struct rt_err *err)
{
    const json_t *text = json_object_get(json, "value");
    const char *of = json_string_value(json_object_get(json, "of"));
    enum rt_side side = of != NULL && strcmp(of, "external") == 0 ? RT_EXTERNAL : RT_NATIVE;

    int rc;

    *value = (struct rt_value){{NULL, 0}, RT_FROM_UNKNOWN};
    if (text == NULL || of == NULL)
        return 0;
    rc = rt_store_is_readable(reading->store, reading->layout, field, side, err);
    if (rc != 1)
        return rc;
    value->raw = rt_arena_dup(reading->arena, rt_json_slice_of(text));
    value->from = rt_from_side(side);
    return 0;
}

static json_t *cuts_to_json(const struct rt_schema *schema, const struct rt_end *end)
{
    json_t *lengths = json_object();

    for (size_t i = 0; i < end->cut_count; i++)
        json_object_set_new(lengths, schema->content[end->cuts[i].field]->name,
                            json_integer((json_int_t)end->cuts[i].length));
    return lengths;
}

static bool has_flaw_stamp(const struct rt_end *end)
{
    return end->flaw != RT_FLAW_NONE && end->flaw_stamp != RT_NEVER;
}

static bool is_end_open(const struct rt_end *end)
{
    return end->not_taken_count || end->cut_count || has_flaw_stamp(end);
}

bool rt_store_has_open(const struct rt_record *record)
{
    return record->conflict_count || is_end_open(&record->end[RT_EXTERNAL]) ||
           is_end_open(&record->end[RT_NATIVE]);
}

char *rt_store_pack_open(const struct rt_store *store, const struct rt_record *record)
{
    const struct rt_schema *schema = store->schema;
    json_t *root = json_object(), *list = json_array();
    char *text;

    for (size_t i = 0; i < record->conflict_count; i++) {
        const struct rt_conflict *c = &record->conflicts[i];

        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o, s:b}", "field", schema->content[c->field]->name,
                            "external", value_to_json(c->value[RT_EXTERNAL]), "native",
                            value_to_json(c->value[RT_NATIVE]), "first_seen", c->is_first_seen));
    }
    json_object_set_new(root, "layout", json_integer((json_int_t)store->layout));
    json_object_set_new(root, "conflicts", list);
    for (int s = 0; s < 2; s++) {
        const struct rt_end *end = &record->end[s];

        if (end->cut_count)
            json_object_set_new(root, s == RT_EXTERNAL ? "cuts_external" : "cuts_native",
                                cuts_to_json(schema, end));
        if (has_flaw_stamp(end))
            json_object_set_new(root, s == RT_EXTERNAL ? "flaw_external" : "flaw_native",
                                json_integer((json_int_t)end->flaw_stamp));
        if (end->not_taken_count == 0)
            continue;
        list = json_array();
        for (size_t i = 0; i < end->not_taken_count; i++)
            json_array_append_new(list, json_pack("{s:s, s:o}", "field",
                                                  schema->content[end->not_taken[i].field]->name,
                                                  "sent", value_to_json(end->not_taken[i].value)));
        json_object_set_new(
            root, s == RT_EXTERNAL ? "not_taken_external" : "not_taken_native",
            json_pack("{s:I, s:o}", "delta", (json_int_t)end->not_taken_delta, "fields", list));
    }
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static int unpack_conflicts(const struct reading *reading, const json_t *list,
                            struct rt_record *record, struct rt_err *err)
{
    const json_t *entry;
    size_t i;

    record->conflicts =
        rt_arena_alloc(reading->arena, (json_array_size(list) + 1) * sizeof *record->conflicts);
    json_array_foreach(list, i, entry)
    {
        const struct rt_field *field = rt_schema_find(
            reading->store->schema, json_string_value(json_object_get(entry, "field")));
        struct rt_conflict *conflict = &record->conflicts[record->conflict_count];

        if (field == NULL || field->content_index == RT_NOT_CONTENT)
            continue; /* the field left the schema, and the conflict with it */
        conflict->field = field->content_index;
        conflict->is_first_seen = json_is_true(json_object_get(entry, "first_seen"));
        for (int s = 0; s < 2; s++)
            if (value_from_json(reading, field,
                                json_object_get(entry, rt_side_name((enum rt_side)s)),
                                &conflict->value[s], err) < 0)
                return -1;
        record->conflict_count++;
    }
    return 0;
}

static int unpack_not_taken(const struct reading *reading, const json_t *from, struct rt_end *end,
                            struct rt_err *err)
{
    const json_t *list = json_object_get(from, "fields"), *entry;
    size_t i;

    if (list == NULL)
        return 0;
    end->not_taken_delta = json_integer_value(json_object_get(from, "delta"));
    end->not_taken =
        rt_arena_alloc(reading->arena, (json_array_size(list) + 1) * sizeof *end->not_taken);
    json_array_foreach(list, i, entry)
    {
        const struct rt_field *field = rt_schema_find(
            reading->store->schema, json_string_value(json_object_get(entry, "field")));
        struct rt_missing_value *missing = &end->not_taken[end->not_taken_count];

        if (field == NULL || field->content_index == RT_NOT_CONTENT)
            continue;
        missing->field = field->content_index;
        if (value_from_json(reading, field, json_object_get(entry, "sent"), &missing->value, err) <
            0)
            return -1;
        end->not_taken_count++;
    }
    return 0;
}

static void unpack_cuts(const struct rt_schema *schema, const json_t *lengths,
                        struct rt_arena *arena, struct rt_end *end)
{
    end->cuts = rt_arena_alloc(arena, (schema->content_count + 1) * sizeof *end->cuts);
    for (size_t i = 0; i < schema->content_count; i++) {
        const json_t *length = json_object_get(lengths, schema->content[i]->name);

        if (length != NULL)
            end->cuts[end->cut_count++] = (struct rt_cut){i, (size_t)json_integer_value(length)};
    }
}

void rt_store_unpack_old_cuts(struct rt_store *store, int64_t flags, enum rt_side side,
                              struct rt_arena *arena, struct rt_record *record)
{
    const struct rt_schema *schema = store->schema;
    struct rt_end *end = &record->end[side];

    if (!(flags & END_ACCEPTED_CUTS) || end->seen == NULL || record->want == NULL)
        return;
    end->cuts = rt_arena_alloc(arena, (schema->content_count + 1) * sizeof *end->cuts);
    for (size_t i = 0; i < schema->content_count; i++) {
        struct rt_value seen = end->seen->value[i];

        if (rt_field_flows_to(schema->content[i], side) &&
            rt_value_is_cut(schema->content[i], side, seen, record->want->value[i]))
            end->cuts[end->cut_count++] = (struct rt_cut){i, rt_value_length(seen)};
    }
}

int rt_store_unpack_open(struct rt_store *store, const char *text, struct rt_arena *arena,
                         struct rt_record *record, struct rt_err *err)
{
    struct reading reading = {.store = store, .arena = arena};
    json_t *root;
    int rc;

    if (text == NULL)
        return 0;
    root = json_loads(text, JSON_ALLOW_NUL, NULL);
    if (root == NULL)
        return rt_err_set(err, RT_STOPPED,
                          "%s: record %" PRId64 " cannot be read: " RT_STORE_DAMAGED, store->path,
                          record->rid);
    reading.layout = json_integer_value(json_object_get(root, "layout"));
    rc = unpack_conflicts(&reading, json_object_get(root, "conflicts"), record, err);
    for (int s = 0; s < 2 && rc == 0; s++) {
        struct rt_end *end = &record->end[s];
        const json_t *flaw = json_object_get(root, s ? "flaw_native" : "flaw_external");

        rc = unpack_not_taken(&reading,
                              json_object_get(root, s ? "not_taken_native" : "not_taken_external"),
                              end, err);
        unpack_cuts(store->schema, json_object_get(root, s ? "cuts_native" : "cuts_external"),
                    arena, end);
        if (flaw != NULL)
            end->flaw_stamp = (int64_t)json_integer_value(flaw);
    }
    json_decref(root);
    return rc;
}
