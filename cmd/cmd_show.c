#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/show.h"

#include "lib/emit.h"

#include <stdio.h>

int rt_show_place(struct rt_show *show, int64_t file, int64_t line, struct rt_place *place,
                  struct rt_err *err)
{
    struct rt_file known;
    int rc = file ? rt_store_file_by_id(show->session->store, file, &show->arena, &known, err) : 0;

    *place = (struct rt_place){.stamp = RT_NEVER};
    if (rc == 1)
        *place = (struct rt_place){known.name, known.stamp, known.run};
    if (rc == 1 && line)
        place->text = rt_arena_printf(&show->arena, "%s:%lld", known.name, (long long)line);
    return rc < 0 ? -1 : 0;
}

static const char *label(const struct rt_show *show, int side)
{
    return show->session->config->side[side].label;
}

/* ---- who it is, where it was born and last seen ---- */

static void show_look(struct rt_show *show, int side, const struct rt_place *place)
{
    const struct rt_look *look = &show->record.end[side].look;
    /* A snapshot whose row is the same as before is noted for all of its rows at once. */
    bool is_same_since = place->text != NULL && place->stamp < look->stamp;
    enum rt_absence absence = show->record.end[side].absence;
    /* The last look is then at a snapshot without it. */
    bool is_missing = is_same_since && absence != RT_PRESENT && absence != RT_ABSENCE_TOLD;
    char when[RT_TIME_SIZE];

    if (show->root != NULL)
        json_object_set_new(json_object_get(show->root, rt_side_name((enum rt_side)side)),
                            "last_seen",
                            json_pack("{s:o, s:o, s:o}", "stamp",
                                      rt_json_time(is_missing ? place->stamp : look->stamp),
                                      "place", rt_json_text(place->text), "same_since",
                                      rt_json_time(place->text ? place->stamp : RT_NEVER)));
    else if (look->stamp == RT_NEVER)
        rt_say_wrapped(13, "never seen   %s\n", label(show, side));
    else
        rt_say_wrapped(13, "%-12s %s, %s%s%s%s\n", is_missing ? "missing" : "last seen",
                       label(show, side), rt_time_format(look->stamp, when),
                       place->text ? "\n             " : "",
                       is_missing      ? "last seen in "
                       : is_same_since ? "the same since "
                                       : "",
                       place->text ? place->text : "");
}

static int show_looks(struct rt_show *show, struct rt_err *err)
{
    const struct rt_record *r = &show->record;
    struct rt_place place;

    if (rt_show_place(show, r->born_file, r->born_line, &place, err) < 0)
        return -1;
    if (show->root == NULL)
        rt_say_wrapped(13, "born         %s%s%s\n", label(show, (int)r->born),
                       place.text ? ", " : "", place.text ? place.text : "");
    else
        json_object_set_new(show->root, "born",
                            json_pack("{s:s, s:o}", "side", rt_side_name(r->born), "place",
                                      rt_json_text(place.text)));
    for (int s = 0; s < 2; s++) {
        if (rt_show_place(show, r->end[s].look.file, r->end[s].look.line, &place, err) < 0)
            return -1;
        show_look(show, s, &place);
    }
    return 0;
}

static void show_ids(struct rt_show *show)
{
    const char *line = "";

    for (int s = 0; s < 2; s++) {
        const struct rt_slice id = show->record.end[s].id;

        if (show->root != NULL)
            json_object_set_new(
                show->root, rt_side_name((enum rt_side)s),
                json_pack("{s:s, s:o}", "label", label(show, s), "id", rt_json_slice(id)));
        else
            line = rt_arena_printf(&show->arena, "%s%s%s %s", line, s ? ", " : "", label(show, s),
                                   id.len ? rt_show_line(show, id, 200) : "(no ID yet)");
    }
    if (show->root == NULL)
        rt_say_wrapped(2, "%s\n", line);
}

/* ---- what is on its way, and why or why not ---- */

static void show_version(struct rt_show *show, int side, const struct rt_version *v)
{
    char when[RT_TIME_SIZE];

    if (show->root != NULL)
        json_array_append_new(
            json_object_get(json_object_get(show->root, rt_side_name((enum rt_side)side)),
                            "on_its_way"),
            json_pack("{s:I, s:o, s:b}", "delta", (json_int_t)v->delta, "handed_over",
                      rt_json_time(v->handed), "trusted", v->is_trusted));
    else
        rt_say_wrapped(4, "  on its way: delta %06lld, %s%s%s\n", (long long)v->delta,
                       v->handed == RT_NEVER ? "in the outbox" : "handed over ",
                       v->handed == RT_NEVER ? "" : rt_time_format(v->handed, when),
                       v->is_trusted ? "" : ", not taken as it seems");
}

static int show_end(struct rt_show *show, struct rt_emit *emit, int side, struct rt_err *err)
{
    const struct rt_end *end = &show->record.end[side];
    struct rt_decision decision;
    json_t *out = json_object_get(show->root, rt_side_name((enum rt_side)side));

    if (rt_emit_judge(emit, &show->record, (enum rt_side)side, &decision, err) < 0)
        return -1;
    if (show->root == NULL)
        rt_say_wrapped(4, "\nto %s: %s%s%s\n", label(show, side), rt_action_name(decision.action),
                       *decision.reason ? ": " : "", decision.reason);
    json_object_set_new(out, "action", json_string(rt_action_name(decision.action)));
    json_object_set_new(out, "reason", json_string(decision.reason));
    json_object_set_new(out, "on_its_way", json_array());
    for (size_t i = 0; i < end->sent_count; i++)
        if (end->sent[i].delta != 0)
            show_version(show, side, &end->sent[i]);
    return 0;
}

/* As emit would decide. */
static int show_ends(struct rt_show *show, struct rt_err *err)
{
    struct rt_emit_options anything = {.limit = RT_NO_LIMIT};
    struct rt_emit emit;
    int rc;

    rt_emit_init(&emit, &show->session->work, &anything);
    rc = rt_emit_note_blocks(&emit, err);
    for (int s = 0; s < 2 && rc == 0; s++)
        rc = show_end(show, &emit, s, err);
    rt_emit_clear(&emit);
    return rc;
}

/* ---- what stands against it ---- */

static int see_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct rt_show *show = context;
    const struct rt_record *r = &show->record;
    char delta[2][32];

    (void)err;
    for (int s = 0; s < 2; s++)
        snprintf(delta[s], sizeof delta[s], "d%lld",
                 r->end[s].not_taken_count ? (long long)r->end[s].not_taken_delta : -1LL);
    if (item->rid != r->rid && strcmp(item->subject, delta[0]) != 0 &&
        strcmp(item->subject, delta[1]) != 0)
        return 0;
    if (show->root != NULL)
        json_array_append_new(
            json_object_get(show->root, "review"),
            json_pack("{s:I, s:s}", "item", (json_int_t)item->number, "kind", item->kind));
    else
        rt_say_wrapped(4, "for review: item %lld, %s: roundtrip review show %lld\n",
                       (long long)item->number, item->kind, (long long)item->number);
    return 0;
}

static int show_state(struct rt_show *show, struct rt_err *err)
{
    const struct rt_record *r = &show->record;
    const char *frozen = rt_record_frozen(r), *paused = NULL;

    if (rt_store_get(show->session->store, "paused", &show->arena, &paused, err) < 0)
        return -1;
    if (show->root != NULL) {
        json_object_set_new(show->root, "held", json_boolean(r->is_held));
        json_object_set_new(show->root, "frozen", rt_json_text(frozen));
        json_object_set_new(show->root, "paused", rt_json_text(paused));
        json_object_set_new(show->root, "review", json_array());
    } else {
        rt_say("%s", paused || r->is_held || frozen || r->items ? "\n" : "");
        if (paused != NULL)
            rt_say_wrapped(4, "the profile is %spaused%s %s\n", rt_mark(RT_MARK_CARE),
                           rt_mark(RT_MARK_END), paused);
        if (r->is_held)
            rt_say("%sheld%s: nothing is sent for it until roundtrip release\n",
                   rt_mark(RT_MARK_CARE), rt_mark(RT_MARK_END));
        if (frozen != NULL)
            rt_say_wrapped(4, "%sfrozen%s: nothing is sent for it until this is decided: %s\n",
                           rt_mark(RT_MARK_CARE), rt_mark(RT_MARK_END), frozen);
    }
    return rt_store_each_item(show->session->store, NULL, see_item, show, err);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct rt_show show = {.session = session};
    int64_t rid;
    int rc = -1;

    if (rt_args_count(args, 1, 1, err) < 0 ||
        rt_session_record(session, args->words[0], &rid, err) < 0 ||
        rt_store_load(session->store, rid, &show.arena, &show.record, err) < 0)
        goto out;
    show.root = session->json ? json_pack("{s:s, s:i}", "command", "show", "status", 0) : NULL;
    show_ids(&show);
    if (show_looks(&show, err) < 0)
        goto out;
    rt_show_fields(&show);
    if (show_ends(&show, err) < 0 || show_state(&show, err) < 0 || rt_show_story(&show, err) < 0)
        goto out;
    if (show.root != NULL)
        rt_json_say(json_incref(show.root));
    rc = 0;
out:
    json_decref(show.root);
    rt_arena_clear(&show.arena);
    return rc;
}

const struct rt_cmd rt_cmd_show = {
    .name = "show",
    .synopsis = "ID",
    .summary = "one record: what each side holds, what is sent and why, and its story",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_STATE,
    .run = run,
};
