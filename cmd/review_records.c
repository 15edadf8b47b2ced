#include "cmd/review_records.h"

#include "cmd/show.h"

#include "lib/json_of.h"

#include <stdlib.h>

void rt_review_say_value(const char *label, const json_t *value)
{
    char *text = rt_xstrdup(json_is_string(value) ? json_string_value(value) : "(unknown)");

    rt_review_make_harmless(text);
    rt_say_wrapped(4, "  %s: %s\n", label, text);
    free(text);
}

struct rows_shown {
    struct rt_session *session;
    size_t count;
};

#define ROWS_MAX 100 /* a screen or two; each record tells the rest */

static void say_slice(const char *label, struct rt_value value)
{
    json_t *text = rt_json_of_value(value);

    rt_review_say_value(label, text);
    json_decref(text);
}

static void say_record(struct rows_shown *shown, const char *before, const struct rt_record *record)
{
    struct rt_buf ids = {0};

    if (shown->count++ < ROWS_MAX) {
        rt_buf_add_str(&ids, before);
        for (int s = 0; s < 2; s++)
            rt_buf_printf(
                &ids, "%s%.*s", s ? " / " : "",
                RT_SLICE_FMT(record->end[s].id.len ? record->end[s].id : rt_slice_str("-")));
        rt_review_make_harmless(ids.ptr);
        rt_say("%s\n", rt_buf_str(&ids));
    }
    rt_buf_clear(&ids);
}

/* ---- a row that looks like an insert: what it shows, and what was sent ---- */

/* What was last written for the side: the record may have been edited since, and waits. */
static int find_sent(struct rt_store *store, const struct rt_record *candidate, enum rt_side side,
                     struct rt_arena *arena, const struct rt_content **sent, struct rt_err *err)
{
    struct rt_delta_row last;

    *sent = candidate->want;
    if (rt_store_last_row(store, candidate->rid, side, RT_DELTA_COMMITTED, &last, err) < 0)
        return -1;
    return last.delta ? rt_store_content(store, last.cid, arena, sent, err) : 0;
}

static int say_likeness(struct rows_shown *shown, const struct rt_record *suspect,
                        const struct rt_record *candidate, struct rt_arena *arena,
                        struct rt_err *err)
{
    const struct rt_schema *schema = shown->session->schema;
    enum rt_side side = suspect->end[RT_EXTERNAL].seen ? RT_EXTERNAL : RT_NATIVE;
    const struct rt_content *content;

    if (find_sent(shown->session->store, candidate, side, arena, &content, err) < 0)
        return -1;
    say_record(shown, "looks like ", candidate);
    for (size_t i = 0; i < schema->content_count; i++) {
        struct rt_value row = rt_content_value(suspect->end[side].seen, i),
                        sent = rt_content_value(content, i);

        if (!rt_value_is_known(row) || !rt_value_is_known(sent))
            continue;
        rt_say_wrapped(2, "%s\n", schema->content[i]->name);
        say_slice("sent", sent);
        say_slice(shown->session->config->side[side].label, row);
    }
    return 0;
}

static int say_suspect(struct rt_session *session, const struct rt_item *item, struct rt_err *err)
{
    struct rows_shown shown = {.session = session};
    struct rt_arena arena = {0};
    struct rt_record suspect, candidate;
    struct rt_rid_list list = {0};
    int rc = 0;

    if (strcmp(item->kind, "suspected") == 0 && item->rid && item->is_open)
        rc = rt_store_candidates(session->store, item->rid, &arena, &list, err);
    if (rc == 0 && list.count)
        rc = rt_store_load(session->store, item->rid, &arena, &suspect, err);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        rc = rt_store_load(session->store, list.rids[i], &arena, &candidate, err);
        if (rc == 0)
            rc = say_likeness(&shown, &suspect, &candidate, &arena, err);
    }
    rt_arena_clear(&arena);
    return rc;
}

/* ---- an item of a delta: its records ---- */

static int show_waiting(void *context, int64_t rid, enum rt_side side, struct rt_err *err)
{
    struct rows_shown *shown = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    int rc = rt_store_load(shown->session->store, rid, &arena, &record, err);

    if (rc == 0)
        say_record(shown, "", &record);
    for (size_t i = 0; rc == 0 && shown->count <= ROWS_MAX && i < record.end[side].not_taken_count;
         i++) {
        const struct rt_missing_value *missing = &record.end[side].not_taken[i];

        rt_say_wrapped(2, "%s\n", shown->session->schema->content[missing->field]->name);
        say_slice("sent", missing->value);
        say_slice(shown->session->config->side[side].label,
                  record.end[side].seen->value[missing->field]);
    }
    rt_arena_clear(&arena);
    return rc;
}

/* Not seen there yet.  An insert that only a `confirm` speaks for still waits for its ID. */
static bool is_under_way(const struct rt_side_config *settings, const struct rt_end *end,
                         int64_t delta)
{
    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta == delta && end->sent[i].is_trusted)
            return true;
    return settings->own_id_only && end->id.len == 0 && end->seen != NULL &&
           end->given_delta == delta;
}

static int show_under_way(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    struct rows_shown *shown = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    bool there;
    int rc = rt_store_has_record(shown->session->store, row->rid, &there, err);

    if (rc == 0 && there)
        rc = rt_store_load(shown->session->store, row->rid, &arena, &record, err);
    for (int s = 0; rc == 0 && there && s < 2; s++)
        if (is_under_way(&shown->session->config->side[s], &record.end[s], row->delta))
            say_record(shown, "", &record);
    rt_arena_clear(&arena);
    return rc;
}

static int say_delta(struct rt_session *session, const struct rt_review_view *view,
                     struct rt_err *err)
{
    struct rows_shown shown = {.session = session};
    struct rt_row_range all = {.delta = view->delta, .count = INT64_MAX};
    int rc = 0;

    if (!view->delta || !view->item->is_open)
        return 0;
    if (strcmp(view->item->kind, "not-taken") == 0)
        rc = rt_store_each_waiting(session->store, view->delta, show_waiting, &shown, err);
    else
        rc = rt_store_each_row(session->store, &all, show_under_way, &shown, err);
    if (rc == 0 && shown.count > ROWS_MAX)
        rt_say("and %zu more\n", shown.count - ROWS_MAX);
    return rc;
}

int rt_review_say_records(struct rt_session *session, const struct rt_review_view *view,
                          struct rt_err *err)
{
    if (say_suspect(session, view->item, err) < 0)
        return -1;
    return say_delta(session, view, err);
}
