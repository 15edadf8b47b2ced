#include "lib/record.h"

struct rt_content *rt_content_new(const struct rt_schema *schema, struct rt_arena *arena)
{
    return rt_arena_alloc(arena, sizeof(struct rt_content) +
                                     schema->content_count * sizeof(struct rt_value));
}

struct rt_content *rt_content_copy(const struct rt_schema *schema, const struct rt_content *from,
                                   struct rt_arena *arena)
{
    struct rt_content *to = rt_content_new(schema, arena);

    if (from != NULL)
        memcpy(to->value, from->value, schema->content_count * sizeof(struct rt_value));
    return to;
}

void rt_record_init(struct rt_record *record)
{
    *record = (struct rt_record){0};
    for (int s = 0; s < 2; s++) {
        record->end[s].look = (struct rt_look){.stamp = RT_NEVER, .modified_at = RT_NEVER};
        record->end[s].given_at = RT_NEVER;
        record->end[s].told_at = RT_NEVER;
        record->end[s].flaw_stamp = RT_NEVER;
    }
}

size_t rt_record_contents(struct rt_record *record, const struct rt_content **places[])
{
    size_t count = 0;

    if (record->want != NULL)
        places[count++] = &record->want;
    for (int s = 0; s < 2; s++) {
        struct rt_end *end = &record->end[s];

        if (end->seen != NULL)
            places[count++] = &end->seen;
        if (end->given != NULL)
            places[count++] = &end->given;
        for (size_t i = 0; i < end->sent_count; i++)
            places[count++] = &end->sent[i].content;
    }
    return count;
}

enum rt_direction rt_record_flow(const struct rt_rules *rules, const struct rt_record *record,
                                 const struct rt_field *field)
{
    if (rules->config->single_trip && record->born == RT_EXTERNAL &&
        field->direction == RT_DIR_BOTH)
        return RT_DIR_TO_NATIVE;
    if (rules->config->single_trip && record->born == RT_EXTERNAL &&
        field->direction == RT_DIR_TO_EXTERNAL)
        return RT_DIR_NONE;
    return field->direction;
}

bool rt_record_flows_to(const struct rt_rules *rules, const struct rt_record *record,
                        const struct rt_field *field, enum rt_side side)
{
    enum rt_direction flow = rt_record_flow(rules, record, field);

    return flow == RT_DIR_BOTH ||
           flow == (side == RT_NATIVE ? RT_DIR_TO_NATIVE : RT_DIR_TO_EXTERNAL);
}

enum rt_deletes rt_record_deletes(const struct rt_rules *rules, const struct rt_record *record,
                                  enum rt_side side)
{
    enum rt_deletes deletes = rules->config->side[side].deletes;
    bool goes_back = rules->config->single_trip && record->born == RT_EXTERNAL && side == RT_NATIVE;

    return goes_back && deletes == RT_DELETES_PROPAGATE ? RT_DELETES_REVIEW : deletes;
}

const char *rt_rules_deleted_header(const struct rt_rules *rules, enum rt_side side)
{
    const struct rt_field *deleted = rules->schema->deleted;

    if (deleted == NULL || rules->config->side[rt_side_other(side)].deletes == RT_DELETES_IGNORE)
        return NULL;
    return deleted->column[side].out;
}

bool rt_end_is_ahead(const struct rt_end *end, int64_t stamp)
{
    return end->look.stamp > stamp || (end->flaw != RT_FLAW_NONE && end->flaw_stamp > stamp);
}

void rt_end_set_flaw(struct rt_end *end, enum rt_flaw flaw, int64_t stamp)
{
    if (rt_end_is_ahead(end, stamp))
        return;
    end->flaw = flaw;
    end->flaw_stamp = stamp;
}

void rt_end_forget_other_id(struct rt_end *end)
{
    end->shows_other_id = false;
    for (size_t i = 0; i < end->sent_count; i++)
        end->sent[i].has_other_id = false;
}

void rt_end_drop_sent(struct rt_end *end, size_t count)
{
    memmove(end->sent, end->sent + count, (end->sent_count - count) * sizeof *end->sent);
    end->sent_count -= count;
}

int64_t rt_end_changed_at(const struct rt_end *end)
{
    return end->is_untimed ? RT_NEVER : end->look.modified_at;
}

const struct rt_version *rt_end_trusted(const struct rt_end *end)
{
    for (size_t i = end->sent_count; i-- > 0;)
        if (end->sent[i].is_trusted)
            return &end->sent[i];
    return NULL;
}

void rt_end_settle_not_taken(struct rt_end *end)
{
    end->not_taken_count = 0;
    end->resends = 0;
}

void rt_end_untell(struct rt_end *end)
{
    end->absence = RT_PRESENT;
    end->is_marked = false;
    end->edit_vs_delete = false;
}

/* A beginning of the text that is shorter than what the side can hold is an edit. */
static bool is_accepted_cut(const struct rt_end *end, const struct rt_field *field,
                            enum rt_side side, struct rt_value shown, struct rt_value want)
{
    for (size_t i = 0; i < end->cut_count; i++)
        if (end->cuts[i].field == field->content_index)
            return rt_value_length(shown) >= end->cuts[i].length &&
                   rt_value_is_cut(field, side, shown, want);
    return false;
}

bool rt_record_holds_same(const struct rt_record *record, const struct rt_field *field,
                          enum rt_side side, struct rt_value shown, struct rt_value want)
{
    return rt_value_is_same(field, side, shown, want) ||
           is_accepted_cut(&record->end[side], field, side, shown, want);
}

bool rt_record_shows(const struct rt_rules *rules, const struct rt_record *record,
                     enum rt_side side, const struct rt_content *shown,
                     const struct rt_content *version)
{
    for (size_t i = 0; i < rules->schema->content_count; i++) {
        const struct rt_field *field = rules->schema->content[i];

        if (rt_record_flows_to(rules, record, field, side) &&
            rt_value_is_known(version->value[i]) &&
            !rt_record_holds_same(record, field, side, shown->value[i], version->value[i]))
            return false;
    }
    return true;
}

static const char *end_frozen(const struct rt_end *end)
{
    if (end->not_taken_count)
        return "not-taken";
    if (end->is_cut)
        return "altered";
    if (end->edit_vs_delete)
        return "edit-vs-delete";
    switch (end->flaw) {
    case RT_FLAW_REJECTED:
        return "rejected";
    case RT_FLAW_CLASH:
        return "clash";
    case RT_FLAW_REPEATED:
        return "repeated";
    case RT_FLAW_WENT_BACK:
        return "went-back";
    case RT_FLAW_NONE:
        break;
    }
    return NULL;
}

const char *rt_record_frozen(const struct rt_record *record)
{
    const char *why;

    for (size_t i = 0; i < record->conflict_count; i++)
        if (!record->conflicts[i].is_first_seen)
            return "conflict";
    if (record->conflict_count)
        return "first-seen";
    why = end_frozen(&record->end[RT_EXTERNAL]);
    if (why == NULL)
        why = end_frozen(&record->end[RT_NATIVE]);
    if (why == NULL && record->is_suspect)
        why = "suspected";
    return why;
}

bool rt_record_is_quiet(const struct rt_record *record, enum rt_side side)
{
    const struct rt_end *end = &record->end[side];

    return end->seen != NULL && end->sent_count == 0 && end->absence == RT_PRESENT &&
           !end->is_marked && !end->is_excluded && !end->is_passed_over && !record->is_held &&
           rt_record_frozen(record) == NULL;
}
