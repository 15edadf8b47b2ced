#include "lib/outbox_internal.h"

#include "lib/decide.h"
#include "lib/delta.h"
#include "lib/folder.h"
#include "lib/moves.h"
#include "lib/plant.h"
#include "lib/spool.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- lists ---- */

struct collect {
    struct rt_arena *arena;
    struct rt_delta_list *deltas;
    struct rt_part_list *parts;
};

static int collect_delta(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    struct collect *c = context;
    struct rt_delta_list *list = c->deltas;
    struct rt_delta *added;

    (void)err;
    list->deltas = rt_arena_grow(c->arena, list->deltas, list->count, sizeof *list->deltas);
    added = &list->deltas[list->count++];
    *added = *delta;
    added->header = rt_arena_dup(c->arena, delta->header);
    return 0;
}

int rt_outbox_list_deltas(struct rt_work *work, enum rt_delta_state state, struct rt_arena *arena,
                          struct rt_delta_list *list, struct rt_err *err)
{
    struct collect c = {.arena = arena, .deltas = list};

    *list = (struct rt_delta_list){0};
    return rt_store_each_delta_in(work->store, state, collect_delta, &c, err);
}

static int collect_part(void *context, const struct rt_delta_part *part, struct rt_err *err)
{
    struct collect *c = context;
    struct rt_part_list *list = c->parts;
    struct rt_delta_part *added;

    (void)err;
    list->parts = rt_arena_grow(c->arena, list->parts, list->count, sizeof *list->parts);
    added = &list->parts[list->count++];
    *added = *part;
    added->name = rt_arena_strdup(c->arena, part->name);
    return 0;
}

int rt_outbox_list_parts(struct rt_work *work, int64_t delta, struct rt_arena *arena,
                         struct rt_part_list *list, struct rt_err *err)
{
    struct collect c = {.arena = arena, .parts = list};

    *list = (struct rt_part_list){0};
    return rt_store_each_part(work->store, delta, collect_part, &c, err);
}

int rt_outbox_journal(struct rt_work *work, const char *what, const struct rt_delta *delta,
                      struct rt_err *err)
{
    char *line = rt_xasprintf("{\"at\":%" PRId64 ",\"what\":\"%s\",\"delta\":%" PRId64
                              ",\"part\":0,\"side\":\"%s\"}",
                              work->rules.now, what, delta->number, rt_side_name(delta->side));
    int rc = rt_store_add_journal(work->store, line, err);

    free(line);
    return rc;
}

/* ---- the header lock ---- */

static const char *lock_key(enum rt_side side)
{
    return side == RT_EXTERNAL ? "header_external" : "header_native";
}

int rt_outbox_check_header(struct rt_work *work, enum rt_side side, struct rt_slice header,
                           struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_slice locked;
    int rc = rt_store_get_bytes(work->store, lock_key(side), &arena, &locked, err);

    if (rc == 1) {
        /* "2026-10-01 HEADER": when it was locked, and what it was */
        rc = 0;
        if (!rt_slice_is_equal(header, rt_slice_from(locked.ptr + 11, locked.len - 11)))
            rc = rt_err_set(
                err, RT_STOPPED,
                "the header for %s differs from the one locked on %.10s: a changed header can turn "
                "the import off "
                "there; if the other end is ready for it, roundtrip push --accept-header",
                work->rules.config->side[side].label, locked.ptr);
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_header(struct rt_work *work, enum rt_side side, struct rt_buf *out,
                     struct rt_err *err)
{
    struct rt_delta_format format;
    int rc = rt_delta_format_init(&format, &work->rules, side, work->rules.now, err);

    if (rc == 0)
        rc = rt_delta_header(&format, out, err);
    rt_delta_format_clear(&format);
    return rc;
}

int rt_outbox_check_next(struct rt_work *work, enum rt_side side, struct rt_err *err)
{
    struct rt_buf header = {0};
    int rc = rt_outbox_header(work, side, &header, err);

    if (rc == 0)
        rc = rt_outbox_check_header(work, side, rt_buf_slice(&header), err);
    rt_buf_clear(&header);
    return rc;
}

int rt_outbox_lock_header(struct rt_work *work, enum rt_side side, struct rt_slice header,
                          struct rt_err *err)
{
    char when[RT_TIME_SIZE];
    struct rt_buf text = {0};
    int rc;

    rt_buf_printf(&text, "%.10s ", rt_time_format(work->rules.now, when));
    rt_buf_add_slice(&text, header);
    rc = rt_store_set_bytes(work->store, lock_key(side), rt_buf_slice(&text), err);
    rt_buf_clear(&text);
    return rc;
}

/* The header of a side's first handed-over delta is locked. */
static int lock_first_header(struct rt_work *work, const struct rt_delta *delta, struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *locked;
    int rc = rt_store_get(work->store, lock_key(delta->side), &arena, &locked, err);

    rt_arena_clear(&arena);
    return rc == 0 ? rt_outbox_lock_header(work, delta->side, delta->header, err) : rc < 0 ? -1 : 0;
}

/* ---- handed over ---- */

int rt_outbox_find_handed(struct rt_work *work, int64_t number, struct rt_arena *arena,
                          struct rt_delta *delta, struct rt_err *err)
{
    int rc = rt_store_delta(work->store, number, arena, delta, err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return rt_err_set(err, RT_USAGE,
                          "there is no delta %06" PRId64 ": see outbox/ and archive/out", number);
    if (delta->state == RT_DELTA_WITHDRAWN)
        return rt_err_set(err, RT_USAGE,
                          "delta %06" PRId64 " was withdrawn: its rows are due again already",
                          number);
    if (delta->state != RT_DELTA_HANDED && delta->handed_parts > 0)
        return rt_err_set(err, RT_USAGE,
                          "delta %06" PRId64
                          " was handed over in part only: hand over the rest first with roundtrip "
                          "push",
                          number);
    if (delta->state != RT_DELTA_HANDED)
        return rt_err_set(err, RT_USAGE,
                          "delta %06" PRId64
                          " was not handed over yet: use roundtrip push, or roundtrip withdraw",
                          number);
    return 0;
}

/* `since`: from when on a file of the side can show it; of "again", when that began. */
static int journal_part(struct rt_work *work, const char *what, const struct rt_delta *delta,
                        int64_t part, int64_t since, struct rt_err *err)
{
    char *line = rt_xasprintf(
        "{\"at\":%" PRId64 ",\"what\":\"%s\",\"delta\":%" PRId64 ",\"part\":%" PRId64
        ",\"side\":\"%s\",\"since\":%" PRId64 ",\"run\":%" PRId64 "}",
        work->rules.now, what, delta->number, part, rt_side_name(delta->side), since, work->run);
    int rc = rt_store_add_journal(work->store, line, err);

    free(line);
    return rc;
}

int rt_outbox_handed(struct rt_work *work, struct rt_delta *delta, const struct rt_delta_part *part,
                     const char *name, int64_t at, struct rt_err *err)
{
    char *from = rt_outbox_path(delta->side, name);
    char *to = rt_xasprintf("archive/out/%s/%s", rt_side_name(delta->side), part->name);
    int rc = -1;

    delta->handed_parts++;
    if (delta->handed_at == RT_NEVER)
        delta->handed_at = at;
    if (delta->handed_parts == delta->parts) {
        delta->state = RT_DELTA_HANDED;
        delta->gone_at = work->rules.now;
    }
    if (rt_store_set_part_handed(work->store, delta->number, part->part, err) == 0 &&
        rt_store_update_delta(work->store, delta, err) == 0 &&
        lock_first_header(work, delta, err) == 0 &&
        journal_part(work, "hand-over", delta, part->part, at, err) == 0)
        rc = rt_store_add_move(work->store, from, to, err);
    free(from);
    free(to);
    return rc;
}

struct shown {
    struct rt_work *work;
    enum rt_side side;
};

/* Of a record that has an older version under way, a later file tells more. */
static int settle_shown(void *context, const struct rt_delta_row *row, struct rt_err *err)
{
    const struct shown *shown = context;
    struct rt_arena arena = {0};
    struct rt_record record;
    struct rt_end *end;
    int rc = rt_store_load(shown->work->store, row->rid, &arena, &record, err);

    end = &record.end[shown->side];
    if (rc == 0 && end->sent_count > 0 && end->sent[0].delta == row->delta) {
        rt_end_drop_sent(end, 1);
        rc = rt_store_save(shown->work->store, &record, NULL, err);
    }
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_shown(struct rt_work *work, const struct rt_delta *delta,
                    const struct rt_delta_part *part, struct rt_err *err)
{
    struct shown shown = {work, delta->side};

    if (journal_part(work, "shown", delta, part->part, delta->written_at, err) < 0)
        return -1;
    return rt_store_each_row(work->store,
                             &(struct rt_row_range){delta->number, part->first, part->rows},
                             settle_shown, &shown, err);
}

/* What is handed over again and not finished: "DELTA PARTS AT", the parts that are done. */
#define AGAIN_KEY "again"

int rt_outbox_unfinished_again(struct rt_work *work, int64_t delta, int64_t *done, int64_t *at,
                               struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *text;
    int64_t number = 0;
    int rc = rt_store_get(work->store, AGAIN_KEY, &arena, &text, err);

    if (rc != 1 || sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64, &number, done, at) != 3 ||
        number != delta) {
        *done = 0;
        *at = work->rules.now;
    }
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

static int note_unfinished(struct rt_work *work, const struct rt_delta *delta, int64_t done,
                           int64_t at, struct rt_err *err)
{
    char *text = done < delta->parts
                     ? rt_xasprintf("%" PRId64 " %" PRId64 " %" PRId64, delta->number, done, at)
                     : NULL;
    int rc = rt_store_set(work->store, AGAIN_KEY, text, err);

    free(text);
    return rc;
}

int rt_outbox_handed_again(struct rt_work *work, struct rt_delta *delta,
                           const struct rt_delta_part *part, int64_t at, struct rt_err *err)
{
    int64_t done = part ? part->part : 0;

    if (journal_part(work, "again", delta, done, at, err) < 0 ||
        note_unfinished(work, delta, done, at, err) < 0)
        return -1;
    if (part == NULL)
        return 0;
    delta->gone_at = work->rules.now;
    if (rt_store_update_delta(work->store, delta, err) < 0)
        return -1;
    return rt_decide_await(work, delta,
                           &(struct rt_row_range){delta->number, part->first, part->rows}, err);
}

bool rt_outbox_is_taken_by_others(const struct rt_side_config *settings)
{
    return settings->transport == RT_TRANSPORT_COMMAND ? settings->load == NULL
                                                       : settings->imports == NULL;
}

bool rt_outbox_is_taken(const struct rt_work *work, const struct rt_delta *delta,
                        const struct rt_delta_part *part)
{
    char *path =
        rt_xasprintf("%s/outbox/%s/%s", work->profile, rt_side_name(delta->side), part->name);
    bool is_gone = access(path, F_OK) != 0 && errno == ENOENT; /* not: cannot be looked at */

    free(path);
    return !part->is_handed && is_gone;
}

/* Others took the file along; the archive gets the same bytes, made again under a hidden name. */
static int notice_part(struct rt_work *work, struct rt_delta *delta,
                       const struct rt_delta_part *part, struct rt_err *err)
{
    char *hidden = rt_outbox_hidden(delta->number, part->part);
    const char *name = work->is_dry ? part->name : hidden;
    int rc = work->is_dry ? 0 : rt_outbox_render(work, delta, part, err);

    if (rc < 0 && err->code == RT_STOPPED) {
        rt_log_warn(work->log,
                    "%s: taken from the outbox, but not kept in archive/out: the settings have "
                    "changed since it was written",
                    part->name);
        rt_err_clear(err);
        name = part->name;
        rc = 0;
    }
    /* It may have been taken as soon as it was published: from then on a file can show it (R3). */
    if (rc == 0)
        rc = rt_outbox_handed(work, delta, part, name, delta->written_at, err);
    free(hidden);
    return rc;
}

static int notice_delta(struct rt_work *work, struct rt_delta *delta, struct rt_arena *arena,
                        struct rt_err *err)
{
    struct rt_part_list list;

    if (rt_outbox_list_parts(work, delta->number, arena, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++)
        if (rt_outbox_is_taken(work, delta, &list.parts[i]) &&
            notice_part(work, delta, &list.parts[i], err) < 0)
            return -1;
    return 0;
}

int rt_outbox_notice_gone(struct rt_work *work, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta_list list;
    int rc = rt_outbox_list_deltas(work, RT_DELTA_OUTBOX, &arena, &list, err);

    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        if (rt_outbox_is_taken_by_others(&work->rules.config->side[list.deltas[i].side]))
            rc = notice_delta(work, &list.deltas[i], &arena, err);
    }
    rt_arena_clear(&arena);
    return rc;
}

/* ---- finishing what was committed ---- */

static int make_folders(const struct rt_work *work, struct rt_err *err)
{
    static const char *const folders[] = {"archive/in/external",
                                          "archive/in/native",
                                          "archive/out/external",
                                          "archive/out/native",
                                          "outbox/external",
                                          "outbox/native",
                                          "rejects",
                                          "inbox/external",
                                          "inbox/native"};

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = rt_xasprintf("%s/%s", work->profile, folders[i]);
        int rc = rt_spool_mkdir(path, err);

        free(path);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* Gives a staged part its name.  Neither file there: it was published before, and taken. */
static int publish_part(struct rt_work *work, const struct rt_delta *delta,
                        const struct rt_delta_part *part, struct rt_err *err)
{
    char *folder = rt_outbox_folder(work, delta->side),
         *hidden = rt_outbox_hidden(delta->number, part->part);
    char *from = rt_xasprintf("%s/%s", folder, hidden),
         *to = rt_xasprintf("%s/%s", folder, part->name);
    int rc = rt_folder_has(from, err);

    if (rc == 1)
        rc = rt_spool_move(from, to, err);
    free(folder);
    free(hidden);
    free(from);
    free(to);
    return rc;
}

static int publish(struct rt_work *work, struct rt_delta_list *list, struct rt_arena *arena,
                   struct rt_err *err)
{
    struct rt_part_list parts;

    for (size_t i = 0; i < list->count; i++) {
        if (RT_PLANTED("no-recovery") && list->deltas[i].run != work->run)
            continue;
        if (rt_outbox_list_parts(work, list->deltas[i].number, arena, &parts, err) < 0)
            return -1;
        for (size_t p = 0; p < parts.count; p++)
            if (publish_part(work, &list->deltas[i], &parts.parts[p], err) < 0)
                return -1;
    }
    return 0;
}

static int append_journal(struct rt_work *work, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/archive/journal", work->profile);
    struct rt_buf text = {0};
    uint64_t offset;
    int rc = rt_store_journal_tail(work->store, &offset, &text, err);

    if (rc == 0 && text.len)
        rc = rt_spool_append(path, offset, rt_buf_slice(&text), err);
    free(path);
    rt_buf_clear(&text);
    return rc;
}

/* Hidden files of deltas that were never committed. */
static int sweep_side(struct rt_work *work, enum rt_side side, struct rt_err *err)
{
    char *folder = rt_outbox_folder(work, side);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int rc = rt_spool_sweep(folder, err);

    while (rc == 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
        char *path;

        if (strncmp(entry->d_name, ".staged-", 8) != 0)
            continue;
        path = rt_xasprintf("%s/%s", folder, entry->d_name);
        rc = rt_spool_remove(path, err);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
    free(folder);
    return rc;
}

static int sweep(struct rt_work *work, struct rt_err *err)
{
    /* In the profile itself: the script that asks for secrets, of the openssh transport. */
    static const char *const folders[] = {".", "rejects", "inbox/external", "inbox/native"};

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = rt_xasprintf("%s/%s", work->profile, folders[i]);
        int rc = rt_spool_sweep(path, err);

        free(path);
        if (rc < 0)
            return -1;
    }
    return sweep_side(work, RT_EXTERNAL, err) < 0 || sweep_side(work, RT_NATIVE, err) < 0 ? -1 : 0;
}

/* Notes that all of it is done, in a transaction of its own. */
static int note_finished(struct rt_work *work, struct rt_err *err)
{
    if (rt_store_begin(work->store, err) < 0)
        return -1;
    if (rt_outbox_note_published(work, err) < 0 || rt_store_journal_done(work->store, err) < 0 ||
        rt_store_commit(work->store, err) < 0) {
        rt_store_abort(work->store);
        return -1;
    }
    return 0;
}

int rt_outbox_note_published(struct rt_work *work, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta_list list;
    int rc = rt_outbox_list_deltas(work, RT_DELTA_COMMITTED, &arena, &list, err);

    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        list.deltas[i].state = RT_DELTA_OUTBOX;
        rc = rt_store_update_delta(work->store, &list.deltas[i], err);
    }
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : rt_store_drop_moves(work->store, err);
}

int rt_outbox_carry_out(struct rt_work *work, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta_list list;
    uint64_t offset;
    struct rt_buf tail = {0};
    int rc = -1;

    if (make_folders(work, err) < 0 ||
        rt_outbox_list_deltas(work, RT_DELTA_COMMITTED, &arena, &list, err) < 0 ||
        publish(work, &list, &arena, err) < 0 || rt_moves_make(work, err) < 0 ||
        append_journal(work, err) < 0 ||
        rt_store_journal_tail(work->store, &offset, &tail, err) < 0)
        goto out;
    rc = 0;
    if (list.count || tail.len || rt_store_has_moves(work->store))
        rc = note_finished(work, err);
out:
    rt_buf_clear(&tail);
    rt_arena_clear(&arena);
    return rc;
}

int rt_outbox_finish(struct rt_work *work, struct rt_err *err)
{
    return rt_outbox_carry_out(work, err) < 0 ? -1 : sweep(work, err);
}
