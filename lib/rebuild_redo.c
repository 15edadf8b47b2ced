#include "lib/rebuild_internal.h"

#include "lib/baseline.h"
#include "lib/decide.h"
#include "lib/emit.h"
#include "lib/intake.h"
#include "lib/outbox_internal.h"
#include "lib/run.h"
#include "lib/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- members of a line ---- */

static const char *text(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static int64_t number(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

static bool is_true(const json_t *line, const char *key)
{
    return json_is_true(json_object_get(line, key));
}

static bool is_what(const json_t *line, const char *what)
{
    const char *found = text(line, "what");

    return found != NULL && strcmp(found, what) == 0;
}

static int lacks(const char *what, struct rt_err *err)
{
    return rt_err_set(err, RT_STOPPED, "it does not say %s", what);
}

static int side_of(const json_t *line, const char *key, enum rt_side *side)
{
    const char *name = text(line, key);

    *side = name && strcmp(name, "native") == 0 ? RT_NATIVE : RT_EXTERNAL;
    return name ? 0 : -1;
}

/* The record that a decision names by its IDs, or by its number. */
static int record_of(struct rt_rebuild *r, const json_t *line, int64_t *rid, struct rt_err *err)
{
    static const char *const keys[2] = {"external_id", "native_id"};

    *rid = number(line, "record");
    if (*rid)
        return 0;
    for (int s = 0; s < 2; s++) {
        const char *id = text(line, keys[s]);
        int rc = id ? rt_store_find(r->store, (enum rt_side)s, rt_slice_str(id), rid, err) : 0;

        if (rc != 0)
            return rc < 0 ? -1 : 0;
    }
    return rt_err_set(err, RT_STOPPED, "no record has its IDs");
}

/* ---- settings ---- */

int rt_rebuild_use_settings(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    char *copy = json_dumps(json_object_get(line, "copy"), JSON_COMPACT);
    struct rt_settings settings = {0};
    int rc = copy ? rt_profile_parse_copy(copy, &settings, err) : lacks("which", err);

    if (rc == 0)
        rc = rt_store_use_schema(r->store, settings.schema, err);
    free(copy);
    if (rc < 0) {
        rt_settings_clear(&settings);
        return -1;
    }
    rt_settings_clear(&r->settings);
    r->settings = settings;
    r->work.rules.config = settings.config;
    r->work.rules.schema = settings.schema;
    return 0;
}

static int redo_settings(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    if (rt_rebuild_use_settings(r, line, err) < 0)
        return -1;
    return rt_profile_note_copy(r->store, r->settings.copy, number(line, "at"), err);
}

static int redo_accept_schema(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    (void)line;
    return rt_decide_accept_schema(&r->work, err);
}

/* ---- runs ---- */

static int redo_begin(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    const char *command = text(line, "command");

    if (command == NULL)
        return lacks("the command", err);
    r->run = 0;
    if (rt_work_prepare(&r->work, err) < 0 || rt_run_begin(&r->work, command, err) < 0)
        return -1;
    /* A decision is made on a list that was brought up to date just before. */
    return strcmp(command, "review") == 0 ? rt_decide_note_overdue(&r->work, err) : 0;
}

static int redo_end(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    if (rt_run_end(&r->work, (int)number(line, "status"), number(line, "ended"), err) < 0)
        return -1;
    return rt_profile_keep_contract(r->store, r->settings.schema, r->settings.config, err);
}

/* ---- files ---- */

static bool hex_digest(const char *hex, struct rt_digest *digest)
{
    char half[17] = {0};

    if (hex == NULL || strlen(hex) != 32)
        return false;
    memcpy(half, hex, 16);
    digest->high = strtoull(half, NULL, 16);
    digest->low = strtoull(hex + 16, NULL, 16);
    return true;
}

static int read_file(const json_t *line, struct rt_file *file, struct rt_err *err)
{
    *file = (struct rt_file){.id = number(line, "file"),
                             .name = text(line, "name"),
                             .size = (uint64_t)number(line, "size"),
                             .mtime = number(line, "mtime"),
                             .stamp = number(line, "stamp"),
                             .has_stamp = is_true(line, "has_stamp"),
                             .is_snapshot = is_true(line, "snapshot"),
                             .state = RT_FILE_WAITING,
                             .path = text(line, "path"),
                             .remote = text(line, "remote")};
    if (side_of(line, "side", &file->side) < 0 || file->id <= 0 || file->name == NULL ||
        file->path == NULL || !hex_digest(text(line, "digest"), &file->digest))
        return lacks("which file", err);
    return 0;
}

/* The file's bytes must be in the archive, the same as then. */
static int check_bytes(const struct rt_file *file, const char *path, struct rt_err *err)
{
    struct rt_file_facts facts;

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return rt_err_set(err, RT_STOPPED,
                          "%s is gone from the archive: put a backup of the state, made after it "
                          "was taken in, in the place of state.db, and run rebuild again",
                          file->path);
    if (rt_spool_facts(path, &facts, err) < 0)
        return -1;
    if (rt_digest_is_equal(facts.digest, file->digest))
        return 0;
    return rt_err_set(
        err, RT_STOPPED,
        "%s is not what was taken in: its bytes have changed: put it back from a backup",
        file->path);
}

static int redo_file(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    const char *refused = is_what(line, "refuse") ? text(line, "reason") : NULL;
    struct rt_file file;
    char *path;
    int rc;

    if (read_file(line, &file, err) < 0)
        return -1;
    if (is_what(line, "refuse") && refused == NULL)
        return lacks("why the file was refused", err);
    path = rt_xasprintf("%s/%s", r->profile, file.path);
    rc = refused ? 0 : check_bytes(&file, path, err);
    if (rc == 0)
        rc = rt_intake_again(&r->work, &file, path, refused, err);
    free(path);
    r->result->files++;
    return rc;
}

static int redo_fetched(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    enum rt_side side;

    if (side_of(line, "side", &side) < 0)
        return lacks("which side", err);
    return rt_profile_fetched(r->store, side, number(line, "at"), err);
}

/* ---- baseline: its files are told by the lines behind it ---- */

static int optional_side(const json_t *line, const char *key)
{
    enum rt_side side;

    return side_of(line, key, &side) < 0 ? -1 : (int)side;
}

/* Where the bytes are: of a file that was known already, baseline keeps no second copy. */
static int find_bytes(struct rt_rebuild *r, const json_t *line, const struct rt_file *file,
                      const char **path, struct rt_err *err)
{
    struct rt_file first;
    int rc = 0;

    if (is_what(line, "known"))
        rc = rt_store_file_by_digest(r->store, file->side, file->digest, &r->arena, &first, err);
    *path = rt_arena_printf(&r->arena, "%s/%s", r->profile, rc == 1 ? first.path : file->path);
    return rc < 0 ? -1 : check_bytes(file, *path, err);
}

static int redo_baseline(struct rt_rebuild *r, const struct rt_group *group, size_t at,
                         struct rt_err *err)
{
    const json_t *line = group->lines[at];
    struct rt_baseline_options options = {.prefer = optional_side(line, "prefer"),
                                          .insert = optional_side(line, "insert")};
    struct rt_baseline_result result;
    struct rt_file files[2], file;
    int rc = 0;

    for (size_t i = at + 1; rc == 0 && i < group->count; i++) {
        if (!is_what(group->lines[i], "take") && !is_what(group->lines[i], "known"))
            continue;
        rc = read_file(group->lines[i], &file, err);
        if (rc < 0)
            break;
        files[file.side] = file;
        r->work.given[file.side] = &files[file.side];
        rc = find_bytes(r, group->lines[i], &file, &options.path[file.side], err);
        r->result->files++;
    }
    if (rc == 0)
        rc = rt_baseline_run(&r->work, &options, &result, err);
    r->work.given[0] = r->work.given[1] = NULL;
    return rc;
}

/* ---- deltas ---- */

static int redo_emit(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    const json_t *given = json_object_get(line, "options"), *only = json_object_get(given, "only");
    const json_t *limit = json_object_get(given, "limit");
    struct rt_emit_options options = {
        .is_to = {is_true(given, "external"), is_true(given, "native")},
        .only_count = json_array_size(only),
        .limit = limit ? json_integer_value(limit) : RT_NO_LIMIT,
        .approve = text(given, "approve"),
        .historical = is_true(given, "historical")};
    int64_t *rids = rt_arena_alloc(&r->arena, (options.only_count + 1) * sizeof *rids);
    struct rt_emit emit;
    int rc = -1;

    for (size_t i = 0; i < options.only_count; i++)
        rids[i] = json_integer_value(json_array_get(only, i));
    options.only = rids;
    rt_emit_init(&emit, &r->work, &options);
    /* The guard let it pass then. */
    if (rt_emit_plan(&emit, err) == 0)
        rc = rt_emit_write(&emit, err);
    r->result->deltas += (emit.written[0].number != 0) + (emit.written[1].number != 0);
    rt_emit_clear(&emit);
    return rc;
}

static int find_delta(struct rt_rebuild *r, const json_t *line, struct rt_delta *delta,
                      struct rt_err *err)
{
    int rc = rt_store_delta(r->store, number(line, "delta"), &r->arena, delta, err);

    if (rc == 0)
        return rt_err_set(err, RT_STOPPED, "there is no delta %06" PRId64, number(line, "delta"));
    return rc < 0 ? -1 : 0;
}

static int redo_hand_over(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    struct rt_delta delta;
    struct rt_delta_part part;
    int rc;

    /* What the load printed was bound in the same transaction: the lines behind this one. */
    r->run = r->work.run = number(line, "run");
    if (find_delta(r, line, &delta, err) < 0)
        return -1;
    if (is_what(line, "again") && number(line, "part") == 0)
        return rt_outbox_handed_again(&r->work, &delta, NULL, number(line, "since"), err);
    rc = rt_store_part(r->store, delta.number, number(line, "part"), &r->arena, &part, err);
    if (rc == 0)
        return rt_err_set(err, RT_STOPPED, "delta %06" PRId64 " has no such part", delta.number);
    if (rc < 0)
        return -1;
    if (is_what(line, "shown"))
        return rt_outbox_shown(&r->work, &delta, &part, err);
    return is_what(line, "again")
               ? rt_outbox_handed_again(&r->work, &delta, &part, number(line, "since"), err)
               : rt_outbox_handed(&r->work, &delta, &part, part.name, number(line, "since"), err);
}

static int redo_withdraw(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    int64_t rows;

    return rt_decide_withdraw(&r->work, number(line, "delta"), &rows, err);
}

static int redo_confirm(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    struct rt_delivery done;

    return rt_decide_confirm(&r->work, number(line, "delta"), &done, err);
}

static int redo_retry(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    struct rt_delivery done;
    int64_t rid, versions;

    if (json_object_get(line, "delta") != NULL)
        return rt_decide_retry(&r->work, number(line, "delta"), &done, err);
    if (record_of(r, line, &rid, err) < 0)
        return -1;
    return rt_decide_retry_record(&r->work, rid, &versions, err);
}

static int redo_accept_header(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    struct rt_delta as_if = {0};
    struct rt_buf header = {0};
    int rc = side_of(line, "side", &as_if.side) < 0
                 ? lacks("which side", err)
                 : rt_outbox_header(&r->work, as_if.side, &header, err);

    if (rc == 0)
        rc = rt_outbox_lock_header(&r->work, as_if.side, rt_buf_slice(&header), err);
    if (rc == 0)
        rc = rt_outbox_journal(&r->work, "accept-header", &as_if, err);
    rt_buf_clear(&header);
    return rc;
}

/* ---- decisions ---- */

static int redo_pause(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    if (rt_profile_pause(r->store, r->work.rules.now, text(line, "reason"), err) < 0)
        return -1;
    return rt_decide_note(&r->work, "pause", text(line, "reason"), err);
}

static int redo_resume(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    (void)line;
    if (rt_profile_resume(r->store, r->settings.config, err) < 0)
        return -1;
    return rt_decide_note(&r->work, "resume", NULL, err);
}

static int redo_hold(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    bool changed;
    int64_t rid;

    if (record_of(r, line, &rid, err) < 0)
        return -1;
    return is_what(line, "hold")
               ? rt_decide_hold(&r->work, rid, text(line, "reason"), &changed, err)
               : rt_decide_release(&r->work, rid, &changed, err);
}

static int redo_bind(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    const char *external = text(line, "external_id"), *native = text(line, "native_id");
    struct rt_slice id[2];
    struct rt_buf why = {0};
    enum rt_bound outcome;
    int rc;

    if (external == NULL || native == NULL)
        return lacks("which IDs", err);
    id[RT_EXTERNAL] = rt_slice_str(external);
    id[RT_NATIVE] = rt_slice_str(native);
    rc = rt_decide_bind(&r->work, id, text(line, "by") ? RT_TOLD_BY_LOADER : RT_TOLD_BY_PERSON,
                        &outcome, &why, err);
    if (rc == 0 && outcome == RT_BOUND_REJECTED)
        rc = rt_err_set(err, RT_STOPPED, "they cannot be bound: %s", rt_buf_str(&why));
    rt_buf_clear(&why);
    return rc;
}

static int redo_rekey(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    const char *from = text(line, "from"), *to = text(line, "to");
    enum rt_side side;

    if (side_of(line, "side", &side) < 0 || from == NULL || to == NULL)
        return lacks("which ID", err);
    return rt_decide_rekey(&r->work, side, rt_slice_str(from), rt_slice_str(to), err);
}

struct search {
    const char *kind;
    char subject[64];          /* "": an item of its own, known by the place of its row */
    struct rt_row_place place; /* that place */
    struct rt_arena *arena;
    struct rt_item item;
    bool is_found;
};

static int match_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct search *search = context;

    (void)err;
    if (strcmp(item->kind, search->kind) != 0)
        return 0;
    search->is_found = true;
    search->item = *item;
    search->item.kind = rt_arena_strdup(search->arena, item->kind);
    search->item.subject = rt_arena_strdup(search->arena, item->subject);
    search->item.detail = item->detail ? rt_arena_strdup(search->arena, item->detail) : NULL;
    return 0;
}

static int find_item(struct rt_rebuild *r, struct search *search, struct rt_err *err)
{
    int rc;

    if (!*search->subject)
        return rt_store_each_unknown_at(r->store, &search->place, match_item, search, err);
    rc = rt_store_open_item(r->store, search->kind, search->subject, search->arena, &search->item,
                            err);
    search->is_found = rc == 1;
    return rc < 0 ? -1 : 0;
}

/* What an open item is about, as the list calls it: a record, a delta, or a file or a line of it.
 */
static int subject_of(struct rt_rebuild *r, const json_t *line, struct search *search,
                      struct rt_err *err)
{
    char *subject = search->subject;
    size_t size = sizeof search->subject;
    int64_t rid;

    if (text(line, "external_id") || text(line, "native_id") || number(line, "record")) {
        if (record_of(r, line, &rid, err) < 0)
            return -1;
        snprintf(subject, size, "r%" PRId64, rid);
    } else if (json_object_get(line, "delta")) {
        snprintf(subject, size, "d%" PRId64, number(line, "delta"));
    } else if (json_object_get(line, "line")) {
        search->place = (struct rt_row_place){number(line, "file"), number(line, "line")};
    } else {
        snprintf(subject, size, "f%" PRId64, number(line, "file"));
    }
    return 0;
}

static int redo_review(struct rt_rebuild *r, const json_t *line, struct rt_err *err)
{
    const char *kind = text(line, "kind"), *verb = text(line, "verb");
    struct search search = {.kind = kind, .arena = &r->arena};
    enum rt_side side = RT_EXTERNAL;

    if (kind == NULL || verb == NULL)
        return lacks("what was decided", err);
    if (subject_of(r, line, &search, err) < 0 || find_item(r, &search, err) < 0)
        return -1;
    if (!search.is_found)
        return rt_err_set(err, RT_STOPPED, "there is no open item %s of %s to decide", kind,
                          *search.subject ? search.subject : "a row");
    (void)side_of(line, "side", &side);
    return rt_decide_item(&r->work, &search.item,
                          strcmp(verb, "accept") == 0    ? RT_VERB_ACCEPT
                          : strcmp(verb, "dismiss") == 0 ? RT_VERB_DISMISS
                                                         : RT_VERB_TAKE,
                          side, err);
}

/* ---- any line ---- */

static const struct {
    const char *what;
    int (*redo)(struct rt_rebuild *r, const json_t *line, struct rt_err *err);
} kinds[] = {{"settings", redo_settings}, {"accept-schema", redo_accept_schema},
             {"begin", redo_begin},       {"end", redo_end},
             {"take", redo_file},         {"known", redo_file},
             {"refuse", redo_file},       {"fetched", redo_fetched},
             {"emit", redo_emit},         {"hand-over", redo_hand_over},
             {"again", redo_hand_over},   {"shown", redo_hand_over},
             {"withdraw", redo_withdraw}, {"confirm", redo_confirm},
             {"retry", redo_retry},       {"accept-header", redo_accept_header},
             {"pause", redo_pause},       {"resume", redo_resume},
             {"hold", redo_hold},         {"release", redo_hold},
             {"bind", redo_bind},         {"rekey", redo_rekey},
             {"review", redo_review}};

int rt_rebuild_redo(struct rt_rebuild *r, const struct rt_group *group, size_t at,
                    struct rt_err *err)
{
    const json_t *line = group->lines[at];

    r->work.rules.now = number(line, "at");
    if (r->settings.config == NULL && !is_what(line, "settings") && !is_what(line, "pause"))
        return rt_err_set(err, RT_STOPPED, "no settings are known from before it");
    if (is_what(line, "baseline"))
        return redo_baseline(r, group, at, err);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is_what(line, kinds[i].what))
            return kinds[i].redo(r, line, err);
    return rt_err_set(err, RT_STOPPED, "this program cannot do that: update it");
}
