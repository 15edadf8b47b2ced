#include "lib/intake_internal.h"

#include "lib/fault.h"
#include "lib/json_of.h"
#include "lib/moves.h"
#include "lib/source.h"
#include "lib/spool.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget_rows(struct rt_intake *in)
{
    rt_rid_set_clear(&in->seen);
    rt_rid_set_clear(&in->applied);
    free(in->rejects);
    free(in->repeats);
    free(in->flawed);
    in->rejects = NULL;
    in->flawed = NULL;
    in->repeats = NULL;
    in->reject_count = in->repeat_count = in->flawed_count = 0;
    in->counts = (struct rt_counts){0};
    in->has_unreadable_id = false;
    in->damaged = 0;
    in->must_read_again = false;
    in->disputed = 0;
    rt_intake_forget_known(in);
    rt_rowmap_free(in->map);
    in->map = NULL;
}

static void intake_clear(struct rt_intake *in)
{
    forget_rows(in);
    free(in->repeat_ids);
    free(in->repeat_slots);
    free(in->dismissed);
    rt_rid_set_clear(&in->told);
    rt_arena_clear(&in->row_arena);
    rt_arena_clear(&in->file_arena);
}

/* Every few thousand rows: tells how far it is, and stops if asked to. */
int rt_intake_tick(const struct rt_intake *in, uint64_t offset, struct rt_err *err)
{
    if ((in->counts.rows & 0xfff) != 0)
        return 0;
    rt_log_progress(in->work->log, (struct rt_progress){in->file.name, RT_UNIT_BYTES, offset,
                                                        in->file.size, false});
    if (!rt_stop_requested())
        return 0;
    return rt_err_set(err, RT_STOPPED, "stopped by a signal: nothing was changed; run it again");
}

static int read_rows(struct rt_intake *in, struct rt_csv_reader *reader, struct rt_err *err)
{
    struct rt_csv_row row;
    int rc;

    while ((rc = rt_intake_next_row(in, reader, &row, err)) == 1) {
        if (rt_intake_row(in, &row, err) < 0)
            return -1;
        rt_intake_row_done(in);
        if (rt_intake_tick(in, row.offset, err) < 0)
            return -1;
    }
    rt_log_progress(in->work->log, (struct rt_progress){.is_over = true});
    return rc;
}

#define DAMAGED_FROM 10 /* rows: of fewer it says little about the file */

/* A damaged ID is its row's matter; if there are no others, the file itself is damaged. */
static int check_damage(const struct rt_intake *in, struct rt_err *err)
{
    if (in->counts.rows < DAMAGED_FROM || in->damaged < in->counts.rows)
        return 0;
    return rt_err_set(err, RT_DATA,
                      "%s: a spreadsheet has damaged the ID of every row: export it again and do "
                      "not save it with a spreadsheet",
                      in->file.name);
}

/* The file was read to its end: were these the bytes that it had before, and has now? */
static void note_bytes(struct rt_intake *in, const struct rt_source_file *file)
{
    struct rt_source_facts facts;

    in->was_still = rt_source_facts(file, &facts);
    if (in->file.is_unhashed) {
        in->file.digest = facts.digest;
        in->file.is_unhashed = false;
    }
    in->was_still = in->was_still && facts.size == in->file.size &&
                    rt_digest_is_equal(facts.digest, in->file.digest);
}

struct rt_csv_options rt_intake_csv_options(const struct rt_side_config *side)
{
    return (struct rt_csv_options){.delimiter = side->delimiter,
                                   .encoding = side->encoding,
                                   .final_newline_optional = side->final_newline_optional};
}

/* One reading of the file: all of its rows, then what can only be judged at its end. */
static int read_file(struct rt_intake *in, struct rt_err *err)
{
    struct rt_csv_options options = rt_intake_csv_options(&in->work->rules.config->side[in->side]);
    struct rt_source_file *file = NULL;
    struct rt_csv_reader *reader = NULL;
    struct rt_source source;
    int rc = -1;

    if (rt_source_open(in->path, &file, &source, err) < 0 ||
        rt_csv_open(&source, in->file.name, &options, &reader, err) < 0)
        goto out;
    in->header_end = rt_csv_offset(reader);
    in->is_recoded = rt_csv_is_recoded(reader);
    if (rt_rowmap_new(in->work->rules.schema, in->side, reader, in->file.name, &in->map, err) < 0 ||
        rt_intake_choose_path(in, reader, err) < 0 ||
        (rt_intake_is_large(in) && (rt_store_expect_many(in->work->store, err) < 0 ||
                                    rt_store_bulk_begin(in->work->store, err) < 0)) ||
        read_rows(in, reader, err) < 0 || rt_store_bulk_end(in->work->store, err) < 0)
        goto out;
    rc = 0;
    note_bytes(in, file);
    if (in->must_read_again)
        goto out;
    if (rt_intake_judge_rounded(in, err) < 0)
        rc = -1;
    if (rc < 0 || in->must_read_again)
        goto out;
    in->known.has_raw = false;
    if (check_damage(in, err) < 0 || rt_intake_judge_repeats(in, err) < 0 ||
        (!in->must_read_again &&
         (rt_intake_judge_flaws(in, err) < 0 || rt_intake_absent(in, err) < 0 ||
          rt_intake_keep_digests(in, err) < 0)))
        rc = -1;
out:
    rt_csv_close(reader);
    rt_source_close(file);
    return rc;
}

/* Was the file written to so short a time ago that another write might leave its time as it is? */
static bool is_recent(const struct rt_file *file)
{
    return file->mtime + 2 >= rt_clock_of_files();
}

static bool is_as_read(const struct rt_intake *in)
{
    struct rt_file_facts facts;
    struct rt_err ignored;

    return rt_spool_facts(in->path, &facts, &ignored) == 0 && facts.size == in->file.size &&
           rt_digest_is_equal(facts.digest, in->file.digest);
}

/* A file that changed under the reading was not whole: it is left for the next run. */
static int check_unchanged(const struct rt_intake *in, struct rt_err *err)
{
    if (in->was_still && (!is_recent(&in->file) || is_as_read(in)))
        return 0;
    return rt_moves_changed(err, in->path);
}

/* ---- what becomes of the file ---- */

static int hash_file(struct rt_intake *in, struct rt_err *err)
{
    struct rt_file_facts facts;

    if (!in->file.is_unhashed)
        return 0;
    if (rt_spool_facts(in->path, &facts, err) < 0)
        return -1;
    in->file.digest = facts.digest;
    in->file.is_unhashed = false;
    return 0;
}

static const char *archived_path(struct rt_intake *in)
{
    return rt_arena_printf(&in->file_arena, "archive/in/%s/%06" PRId64 "-%s",
                           rt_side_name(in->side), in->file.id, in->file.name);
}

/* Everything that a rebuild cannot tell from the bytes.  `reason`: of a refused file; or NULL. */
static int journal_file(struct rt_intake *in, const char *what, const char *reason,
                        struct rt_err *err)
{
    const struct rt_file *file = &in->file;
    char hex[RT_DIGEST_HEX], *line;
    json_t *json =
        json_pack("{s:I, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:b, s:I}", "at",
                  (json_int_t)in->work->rules.now, "what", what, "file", (json_int_t)file->id,
                  "side", rt_side_name(in->side), "name", file->name, "path", file->path, "digest",
                  rt_digest_hex(file->digest, hex), "size", (json_int_t)file->size, "mtime",
                  (json_int_t)file->mtime, "stamp", (json_int_t)file->stamp, "has_stamp",
                  file->has_stamp, "snapshot", file->is_snapshot, "run", (json_int_t)in->work->run);
    int rc;

    if (file->remote != NULL)
        json_object_set_new(json, "remote", json_string(file->remote));
    if (reason != NULL)
        json_object_set_new(json, "reason", json_string(reason));
    line = json_dumps(json, JSON_COMPACT);
    rc = line ? rt_store_add_journal(in->work->store, line, err)
              : rt_err_set(err, RT_INTERNAL, "%s: no journal line can be made of it", file->name);
    free(line);
    json_decref(json);
    return rc;
}

/* Others put it there, and may put another one in its place, or may not have waited for the disk:
 * the state will say that we have it. */
static int keep_inbox(const struct rt_intake *in, const char *inbox, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/%s", in->work->profile, inbox);
    int rc = 0;

    if (access(path, F_OK) == 0)
        rc = rt_moves_hold(path, in->file.size, err) < 0 ? -1 : rt_spool_sync(path, err);

    free(path);
    return rc;
}

/* Notes the file in the ledger, and that it is to be moved out of the inbox when all is committed.
 */
static int settle_file(struct rt_intake *in, enum rt_file_state state, const char *target,
                       const char *reason, struct rt_err *err)
{
    const char *what = state == RT_FILE_TAKEN     ? "take"
                       : state == RT_FILE_REFUSED ? "refuse"
                                                  : "known";
    const char *inbox = in->file.path;

    in->file.state = state;
    in->file.path = target;
    in->file.counts = rt_counts_json(&in->counts, &in->file_arena);
    if (rt_store_update_file(in->work->store, &in->file, err) < 0)
        return -1;
    if (in->work->is_dry)
        return 0;
    /* What a baseline reads lies elsewhere; a file of that name in the inbox is another one. */
    if (!in->work->rules.is_baseline &&
        (keep_inbox(in, inbox, err) < 0 ||
         rt_store_add_move(in->work->store, inbox, target, err) < 0))
        return -1;
    return journal_file(in, what, reason, err);
}

static void add_counts(struct rt_counts *to, const struct rt_counts *from)
{
    to->rows += from->rows;
    to->bytes += from->bytes;
    for (int i = 0; i < RT_CHANGE_COUNT; i++)
        to->of[i] += from->of[i];
    to->bound += from->bound;
    to->held += from->held;
    to->frozen += from->frozen;
    to->missing += from->missing;
}

/* Fetched again by the platform's name for it, or from rejects/ by ours: the mended file. */
static bool is_mended(const struct rt_file *refused, const struct rt_file *file)
{
    char *ours = rt_rejects_name(refused);
    bool is_same = strcmp(file->name, refused->name) == 0 || strcmp(file->name, ours) == 0;

    free(ours);
    return is_same;
}

/* What was in a refused file is known from a snapshot that is not older, or from the mended file.
 * Another file of changes does not tell it (R9). */
static int settle_refused(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct rt_intake *in = context;
    struct rt_file refused;

    if (item->side != (int)in->side)
        return 0;
    if (rt_store_file_by_id(in->work->store, item->file, &in->file_arena, &refused, err) != 1)
        return 0;
    if (refused.stamp > in->file.stamp ||
        (!in->file.is_snapshot && !is_mended(&refused, &in->file)))
        return 0;
    return rt_store_close_item(in->work->store, item->kind, item->subject,
                               "a file that tells the same was taken in", err);
}

/* Once, and again when they are others: a file comes every day. */
static int tell_ignored(struct rt_intake *in, struct rt_err *err)
{
    const char *key = in->side == RT_EXTERNAL ? "ignored_external" : "ignored_native",
               *ignored = rt_rowmap_ignored(in->map), *told = "";

    if (rt_store_get(in->work->store, key, &in->file_arena, &told, err) < 0)
        return -1;
    if (strcmp(told, ignored) == 0)
        return 0;
    if (*ignored)
        rt_log_info(in->work->log, "%s: columns that schema.csv does not map are ignored: %s",
                    in->file.name, ignored);
    return rt_store_set(in->work->store, key, ignored, err);
}

static int taken(struct rt_intake *in, struct rt_err *err)
{
    char time[RT_TIME_SIZE];

    rt_log_debug(in->work->log, "%s: %s of %s, its time %s, %" PRId64 " row%s", in->file.name,
                 in->file.is_snapshot ? "a snapshot" : "changes",
                 in->work->rules.config->side[in->side].label, rt_time_format(in->file.stamp, time),
                 in->counts.rows, in->counts.rows == 1 ? "" : "s");
    if (in->reject_count > RT_ROWS_TOLD)
        rt_log_warn(in->work->log, "%s: %zu more rows %s set aside in rejects/", in->file.name,
                    in->reject_count - RT_ROWS_TOLD, in->work->is_dry ? "would be" : "are");
    if (in->disputed > RT_ROWS_TOLD)
        rt_log_warn(in->work->log, "%s: %lld more like these: %s", in->file.name,
                    (long long)(in->disputed - RT_ROWS_TOLD), rt_intake_where(in));
    if (in->reject_count && !in->work->is_dry && rt_rejects_write(in, err) < 0)
        return -1;
    if (in->map != NULL && tell_ignored(in, err) < 0)
        return -1;
    in->counts.files = 1;
    in->counts.bytes = (int64_t)in->file.size;
    in->work->counts[in->side].files++;
    add_counts(&in->work->counts[in->side], &in->counts);
    if (rt_store_each_item(in->work->store, "refused", settle_refused, in, err) < 0 ||
        rt_intake_settle_rows(in, err) < 0)
        return -1;
    return settle_file(in, RT_FILE_TAKEN, archived_path(in), NULL, err);
}

struct replace {
    struct rt_intake *in;
    int64_t opened;
};

/* The same bytes came again under the same name and were refused again: one question, not two. */
static int replace_refused(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct replace *replace = context;
    struct rt_intake *in = replace->in;
    struct rt_file refused;

    if (item->side != (int)in->side || item->file == in->file.id)
        return 0;
    if (rt_store_file_by_id(in->work->store, item->file, &in->file_arena, &refused, err) != 1)
        return 0;
    if (strcmp(refused.name, in->file.name) != 0 ||
        !rt_digest_is_equal(refused.digest, in->file.digest))
        return 0;
    replace->opened = item->opened;
    return rt_store_close_item(in->work->store, item->kind, item->subject, "it came again", err);
}

static int refuse(struct rt_intake *in, const char *reason, struct rt_err *err)
{
    char subject[32], *detail;
    struct rt_item item = {.kind = "refused", .subject = subject, .side = (int)in->side};
    struct replace replace = {in, in->work->rules.now};
    const char *target;
    int rc;

    if (in->work->rules.is_baseline)
        return rt_err_set(err, RT_DATA, "%s: nothing of the baseline was recorded", reason);
    rt_log_warn(in->work->log,
                in->work->is_dry
                    ? "%s: the file would be refused; nothing would be sent to %s until that is "
                      "decided"
                    : "%s: the file is refused and moved to rejects/; nothing is sent to %s until "
                      "that is decided: see roundtrip review",
                reason, in->work->rules.config->side[in->side].label);
    forget_rows(in);
    if (hash_file(in, err) < 0)
        return -1;
    in->work->refused[in->side] = true;
    in->work->counts[in->side].refused_files++;
    if (in->file.id == 0 && rt_store_add_file(in->work->store, &in->file, err) < 0)
        return -1;
    if (rt_store_each_item(in->work->store, "refused", replace_refused, &replace, err) < 0)
        return -1;
    item.file = in->file.id;
    item.opened = replace.opened;
    snprintf(subject, sizeof subject, "f%" PRId64, in->file.id);
    item.detail = detail = rt_json_of_sentence(reason);
    rc = rt_store_put_item(in->work->store, &item, err);
    free(detail);
    if (rc < 0 || (!in->work->is_dry && rt_rejects_refuse(in->work, &in->file, reason, err) < 0))
        return -1;
    target = rt_arena_printf(&in->file_arena, "rejects/%s-%" PRId64 "-%s", rt_side_name(in->side),
                             in->file.id, in->file.name);
    return settle_file(in, RT_FILE_REFUSED, target, reason, err);
}

static int note_known(struct rt_intake *in, struct rt_err *err)
{
    rt_log_info(in->work->log, "%s: the same bytes were taken in before: nothing to do",
                in->file.name);
    in->work->counts[in->side].known_files++;
    return settle_file(in, RT_FILE_KNOWN, archived_path(in), NULL, err);
}

/* ---- one file ---- */

static int read_until_settled(struct rt_intake *in, struct rt_err *err)
{
    size_t touched = in->work->fresh_count;

    for (;;) {
        /* They go by the order of what counts: a rebuild does not read a refused file. */
        rt_work_untouch(in->work, touched);
        forget_rows(in);
        rt_rid_set_clear(&in->work->settler.done);
        if (rt_store_savepoint(in->work->store, err) < 0)
            return -1;
        if (read_file(in, err) < 0) {
            struct rt_err failed;

            /* Only a refused file is undone alone.  Whatever else failed ends the run, and with the
               disk full SQLite may have given up the whole transaction already. */
            if (err->code == RT_DATA && rt_store_rewind(in->work->store, &failed) < 0)
                *err = failed;
            rt_work_untouch(in->work, touched);
            return -1;
        }
        if (!in->must_read_again)
            return rt_store_release(in->work->store, err);
        if (rt_store_rewind(in->work->store, err) < 0)
            return -1;
    }
}

/* 1: its bytes were taken in before.  Without a file of that size in the ledger they were not. */
static int tell_known(struct rt_intake *in, struct rt_err *err)
{
    int rc = 1;

    if (in->file.is_unhashed)
        rc = rt_store_has_file_of_size(in->work->store, in->side, in->file.size, err);
    if (rc != 1)
        return rc;
    return hash_file(in, err) < 0 ? -1
                                  : rt_intake_is_known(in->work, &in->file, &in->file_arena, err);
}

/* For diff: what is due is told of the row that the file has of it. */
static void note_shown(const struct rt_intake *in)
{
    for (int64_t rid = 0; (rid = rt_rid_set_next(&in->seen, rid)) != 0;)
        rt_rid_set_add(&in->work->shown[in->side], rid);
}

static int take_file(struct rt_work *work, const struct rt_file *file, const char *path,
                     struct rt_err *err)
{
    struct rt_intake in = {.work = work, .file = *file, .path = path, .side = file->side};
    int rc = tell_known(&in, err);

    if (rc < 0)
        goto out;
    if (in.file.id == 0 && rt_store_add_file(work->store, &in.file, err) < 0) {
        rc = -1;
        goto out;
    }
    if (rc == 1) {
        rc = note_known(&in, err);
        goto out;
    }
    rc = read_until_settled(&in, err);
    if (rc < 0 && err->code == RT_DATA) {
        struct rt_err why = *err;

        rc = refuse(&in, why.msg, err);
    } else if (rc == 0) {
        if (work->is_dry)
            note_shown(&in);
        rc = check_unchanged(&in, err) < 0 ? -1 : taken(&in, err);
    }
out:
    intake_clear(&in);
    return rc;
}

/* A file whose name does not tell its time.  Under the name and with the bytes of one that was
 * taken in, with a time that somebody gave, it has nothing new; under another one it may be a newer
 * look. */
static int refuse_unread(struct rt_work *work, const struct rt_waiting_file *waiting,
                         struct rt_err *err)
{
    struct rt_intake in = {
        .work = work, .file = waiting->file, .path = waiting->path, .side = waiting->file.side};
    struct rt_file before = {.name = ""};
    int rc = hash_file(&in, err);

    if (rc == 0)
        rc = rt_store_file_by_digest(work->store, in.side, in.file.digest, &in.file_arena, &before,
                                     err);
    if (rc == 1 && strcmp(before.name, in.file.name) == 0)
        rc = take_file(work, &in.file, waiting->path, err);
    else if (rc >= 0)
        rc = refuse(&in, waiting->fault, err);
    intake_clear(&in);
    return rc;
}

static int take_waiting(struct rt_work *work, const struct rt_waiting_file *waiting,
                        struct rt_err *err)
{
    return waiting->fault == NULL ? take_file(work, &waiting->file, waiting->path, err)
                                  : refuse_unread(work, waiting, err);
}

static int take_list(struct rt_work *work, struct rt_waiting_files *list, struct rt_err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < list->count; i++)
        rc = take_waiting(work, &list->files[i], err);
    return rc;
}

int rt_intake_inbox(struct rt_work *work, struct rt_err *err)
{
    struct rt_waiting_files list;
    int rc = rt_intake_list(work, &list, err);

    if (rc == 0)
        rc = take_list(work, &list, err);
    rt_intake_list_clear(&list);
    rt_work_lap(work, RT_LAP_INTAKE);
    return rc;
}

/* The file is in the ledger, under the number that it had. */
static int note_numbered(struct rt_work *work, struct rt_file *file, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_file noted;
    int rc = rt_store_file_by_id(work->store, file->id, &arena, &noted, err);

    rt_arena_clear(&arena);
    return rc == 0 ? rt_store_add_file(work->store, file, err) : rc < 0 ? -1 : 0;
}

int rt_intake_again(struct rt_work *work, const struct rt_file *file, const char *path,
                    const char *refused, struct rt_err *err)
{
    struct rt_intake in = {.work = work, .file = *file, .path = path, .side = file->side};
    int rc;

    in.file.run = work->run;
    rc = note_numbered(work, &in.file, err);
    if (rc == 0)
        rc = refused ? refuse(&in, refused, err) : take_file(work, &in.file, path, err);
    intake_clear(&in);
    return rc;
}

int rt_intake_paths(struct rt_work *work, enum rt_side side, const char *const *paths, size_t count,
                    struct rt_err *err)
{
    struct rt_waiting_files list;
    int rc;

    if (work->given[side] != NULL)
        return rt_intake_again(work, work->given[side], paths[0], NULL, err);
    rc = rt_intake_list_paths(work, side, paths, count, &list, err);
    if (rc == 0)
        rc = take_list(work, &list, err);
    rt_intake_list_clear(&list);
    return rc;
}
