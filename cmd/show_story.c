#include "cmd/json.h"
#include "cmd/show.h"

#include "lib/json_of.h"

#include <stdlib.h>

/* A line of the story. */
struct chapter {
    int64_t at, order;  /* order: as they were read, where times are equal */
    int side;           /* or -1 */
    const char *what;   /* "changed", or "delta 000012: update" */
    const char *place;  /* FILE:LINE, or when it was handed over; or NULL */
    const char *detail; /* JSON, or NULL */
};

struct story {
    struct rt_show *show;
    struct chapter *chapters; /* in the arena */
    size_t count;
};

static void add(struct story *story, struct chapter chapter)
{
    struct rt_arena *arena = &story->show->arena;

    story->chapters = rt_arena_grow(arena, story->chapters, story->count, sizeof *story->chapters);
    chapter.order = (int64_t)story->count;
    story->chapters[story->count++] = chapter;
}

/* ---- reading it ---- */

static int see_event(void *context, const struct rt_event *event, struct rt_err *err)
{
    struct story *story = context;
    struct rt_arena *arena = &story->show->arena;
    struct chapter chapter = {
        .at = event->at, .side = event->side, .what = rt_arena_strdup(arena, event->what)};

    struct rt_place place;

    chapter.detail = event->detail ? rt_arena_strdup(arena, event->detail) : NULL;
    if (rt_show_place(story->show, event->file, event->line, &place, err) < 0)
        return -1;
    chapter.place = place.text;
    add(story, chapter);
    return 0;
}

struct birth {
    int64_t run, at;     /* that took the first row in, and when */
    const char *command; /* or NULL: not found */
    struct rt_arena *arena;
};

static int see_run(void *context, const struct rt_run *run, struct rt_err *err)
{
    struct birth *birth = context;

    (void)err;
    if (run->id != birth->run)
        return 0;
    birth->at = run->started;
    birth->command = rt_arena_strdup(birth->arena, run->command);
    return 0;
}

/* The first row of each record is kept with the record, and is no event: there are so many. */
static int add_birth(struct story *story, struct rt_err *err)
{
    const struct rt_record *r = &story->show->record;
    struct birth birth;
    struct rt_place place;
    int rc = rt_show_place(story->show, r->born_file, r->born_line, &place, err);

    if (rc < 0 || place.text == NULL)
        return rc;
    birth = (struct birth){.run = place.run, .at = place.stamp, .arena = &story->show->arena};
    if (rt_store_each_run(story->show->session->store, RT_NEVER, see_run, &birth, err) < 0)
        return -1;
    add(story, (struct chapter){.at = birth.at,
                                .side = (int)r->born,
                                .what = birth.command && strcmp(birth.command, "baseline") == 0
                                            ? "baseline"
                                            : "new",
                                .place = place.text});
    return 0;
}

static const char *fate_of(struct rt_arena *arena, const struct rt_delta *delta)
{
    char when[RT_TIME_SIZE];

    switch (delta->state) {
    case RT_DELTA_WITHDRAWN:
        return "withdrawn";
    case RT_DELTA_HANDED:
        return rt_arena_printf(arena, "handed over %s", rt_time_format(delta->handed_at, when));
    case RT_DELTA_COMMITTED:
    case RT_DELTA_OUTBOX:
        break;
    }
    return "in the outbox";
}

static int see_row(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    static const char *const actions[] = {"", "insert", "update", "delete"};
    struct story *story = context;
    struct rt_arena *arena = &story->show->arena;
    struct rt_delta delta;
    int rc = rt_store_delta(story->show->session->store, row->delta, arena, &delta, err);

    if (rc == 1)
        add(story, (struct chapter){.at = delta.written_at,
                                    .side = (int)delta.side,
                                    .what = rt_arena_printf(arena, "delta %06lld: %s",
                                                            (long long)row->delta,
                                                            actions[row->action & 3]),
                                    .place = fate_of(arena, &delta)});
    return rc < 0 ? -1 : 0;
}

static int by_time(const void *a, const void *b)
{
    const struct chapter *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* ---- telling it ---- */

#define VALUE_WIDTH 46

/* Where the two begin to differ, less a few words before it: 0 if that is near the start anyway. */
static size_t first_difference(struct rt_slice before, struct rt_slice after)
{
    size_t same = 0;

    while (same < before.len && same < after.len && before.ptr[same] == after.ptr[same])
        same++;
    if (same < VALUE_WIDTH / 2 || (before.len < VALUE_WIDTH && after.len < VALUE_WIDTH))
        return 0;
    same -= VALUE_WIDTH / 4;
    while (same > 0 && ((unsigned char)before.ptr[same] & 0xC0) == 0x80)
        same--; /* not in the middle of a character */
    return same;
}

/* `from`: what is before it is the same in the other value, and left out. */
static void say_value(struct rt_show *show, const char *left, const char *word, const json_t *value,
                      size_t from)
{
    struct rt_slice text = rt_json_slice_of(value);
    const char *shown = "(not known)";

    if (json_is_string(value))
        shown = rt_show_line(show, rt_slice_from(text.ptr + from, text.len - from),
                             from ? VALUE_WIDTH - 3 : VALUE_WIDTH);
    rt_say("    %-20s %-4s %s%s\n", left, word, from ? "..." : "", shown);
}

static void say_detail(struct rt_show *show, const char *detail)
{
    json_t *root = detail ? json_loads(detail, 0, NULL) : NULL, *change;
    const char *text = json_string_value(json_object_get(root, "text"));
    size_t i;

    if (text != NULL)
        rt_say_wrapped(4, "    %s\n", rt_show_line(show, rt_slice_str(text), 300));
    json_array_foreach(root, i, change)
    {
        const char *outcome = json_string_value(json_array_get(change, 3));
        const json_t *before = json_array_get(change, 1), *after = json_array_get(change, 2);
        size_t from = first_difference(rt_json_slice_of(before), rt_json_slice_of(after));

        say_value(show, rt_show_line(show, rt_json_slice_of(json_array_get(change, 0)), 20), "was",
                  before, from);
        say_value(show, rt_arena_printf(&show->arena, "  %.18s", outcome ? outcome : ""), "now",
                  after, from);
    }
    json_decref(root);
}

static void say_chapter(struct rt_show *show, const struct chapter *chapter)
{
    const char *label = chapter->side < 0 ? "" : show->session->config->side[chapter->side].label,
               *place = chapter->place ? chapter->place : "";
    size_t used = 26 + strlen(label) + strlen(chapter->what) + strlen(place);
    char when[RT_TIME_SIZE];

    rt_say_wrapped(4, "%s  %s%s%s%s%s\n", rt_time_format(chapter->at, when), label,
                   *label ? "  " : "", chapter->what,
                   *place == '\0' ? ""
                   : used <= 80   ? "  "
                                  : "\n    ",
                   place);
    say_detail(show, chapter->detail);
}

static json_t *chapter_json(const struct chapter *chapter)
{
    json_t *detail = chapter->detail ? json_loads(chapter->detail, 0, NULL) : NULL;

    return json_pack(
        "{s:o, s:o, s:s, s:o, s:o}", "at", rt_json_time(chapter->at), "side",
        rt_json_text(chapter->side < 0 ? NULL : rt_side_name((enum rt_side)chapter->side)), "what",
        chapter->what, "place", rt_json_text(chapter->place), "detail",
        detail ? detail : json_null());
}

int rt_show_story(struct rt_show *show, struct rt_err *err)
{
    struct story story = {.show = show};
    struct rt_store *store = show->session->store;
    json_t *list = NULL; /* the story as JSON, in the root */

    if (add_birth(&story, err) < 0 ||
        rt_store_each_event(store, show->record.rid, see_event, &story, err) < 0 ||
        rt_store_each_row_of(store, show->record.rid, see_row, &story, err) < 0)
        return -1;
    if (story.count)
        qsort(story.chapters, story.count, sizeof *story.chapters, by_time);
    if (show->root == NULL)
        rt_say("\nstory\n");
    else
        json_object_set_new(show->root, "story", list = json_array());
    for (size_t i = 0; i < story.count; i++) {
        if (list == NULL)
            say_chapter(show, &story.chapters[i]);
        else
            json_array_append_new(list, chapter_json(&story.chapters[i]));
    }
    return 0;
}
