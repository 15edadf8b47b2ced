#include "lib/intake_internal.h"

#include "lib/store_digests.h"

#include <stdlib.h>

/*
 * How the rows of a file are recognised as the same as last time, which is most of what a snapshot
 * says.  Three paths, by size:
 *
 *     lookup   a few rows: each row's ID is looked up in the state, and its digest compared
 *     digest   a snapshot whose predecessor left a digest file: the raw bytes of each record are
 *              compared with that, and only unknown ones are parsed and looked up
 *     keys     a snapshot without such a file, or written in another way than the last one: the
 *              digests of all parsed rows are loaded from the state in one pass
 *
 * ROUNDTRIP_PATH forces one, for tests; all give the same.  A snapshot also leaves a digest file of
 * its own, which is published after the commit.
 */

#define LOOKUP_PART    200 /* with more rows than this part of the records, no look-ups */
#define UNKNOWN_PART   20  /* with more unknown ones, all keys are loaded after all */
#define UNKNOWN_AT_ALL 1000
#define MEAN_ROW       64                  /* bytes, at least: to guess the number of rows */
#define LARGE_FROM     ((uint64_t)1 << 20) /* bytes: below, parsing costs nothing */

static const char *const path_names[] = {"lookup", "digest", "keys"};

static int forced_path(int *forced, struct rt_err *err)
{
    const char *name = getenv("ROUNDTRIP_PATH");

    *forced = -1;
    for (int i = 0; name != NULL && i < 3; i++)
        if (strcmp(name, path_names[i]) == 0)
            *forced = i;
    if (name != NULL && *name && *forced < 0)
        return rt_err_set(err, RT_USAGE, "ROUNDTRIP_PATH=%s: it is lookup, digest or keys", name);
    return 0;
}

bool rt_intake_is_large(const struct rt_intake *in)
{
    return in->file.size >= LARGE_FROM || getenv("ROUNDTRIP_PATH") != NULL;
}

/* ---- keys ---- */

static int add_print(void *context, const struct rt_print_entry *entry, struct rt_err *err)
{
    struct rt_intake *in = context;

    (void)err;
    if (entry->has_print && entry->known_at <= in->file.stamp)
        rt_prints_add(in->prints, entry->id[in->side], entry->rid, entry->print);
    return 0;
}

static int load_keys(struct rt_intake *in, struct rt_err *err)
{
    int64_t held = rt_store_count_held(in->work->store, in->side);

    if (held == 0)
        return 0;
    in->prints = rt_prints_new((size_t)held);
    return rt_store_each_print(in->work->store, in->side, add_print, in, err);
}

/* ---- digests of the last snapshot ---- */

static int add_dirty(void *context, int64_t rid, struct rt_err *err)
{
    struct rt_intake *in = context;

    (void)err;
    rt_rid_set_add(&in->known.dirty, rid);
    return 0;
}

static char *digest_path(const struct rt_work *work, enum rt_side side)
{
    return rt_xasprintf("%s/state.digests-%s", work->profile, rt_side_name(side));
}

/* Nothing is loaded, and that is no error, if there is no file that can be believed. */
static int load_digests(struct rt_intake *in, struct rt_err *err)
{
    struct rt_store_digests digests;
    struct rt_digest_tag tag = {.fingerprint = in->known.fingerprint};
    int rc = rt_store_digests(in->work->store, in->side, &digests, err);
    char *path;

    if (rc != 1)
        return rc;
    tag.generation = digests.generation;
    in->known.highest = digests.highest;
    path = digest_path(in->work, in->side);
    in->known.file = rt_digest_file_load(path, &tag);
    free(path);
    return in->known.file == NULL
               ? 0
               : rt_store_each_touched(in->work->store, in->side, add_dirty, in, err);
}

static void open_writer(struct rt_intake *in)
{
    char *path = digest_path(in->work, in->side);

    rt_digest_writer_close(in->work->digests[in->side].writer); /* of an earlier file of this run */
    in->work->digests[in->side].writer = NULL;
    in->known.writer = rt_digest_writer_open(path);
    in->known.first_touch = rt_store_touch_count(in->work->store);
    free(path);
}

/* Digests speak of the newest file only: an older one may not overrule what was seen since. */
static int may_use_digests(struct rt_intake *in, bool *may, struct rt_err *err)
{
    int64_t newest;

    if (rt_store_newest_stamp(in->work->store, in->side, &newest, err) < 0)
        return -1;
    *may = newest == RT_NEVER || in->file.stamp >= newest;
    return 0;
}

/* All that gives raw bytes their meaning; what the schema says besides, check --accept-schema
   renews. */
static struct rt_digest fingerprint(const struct rt_intake *in, const struct rt_csv_reader *reader)
{
    const struct rt_side_config *side = &in->work->rules.config->side[in->side];
    struct rt_digest columns = rt_rowmap_fingerprint(in->map, reader);
    struct rt_hasher *hasher = rt_hasher_new();
    struct rt_digest digest;

    rt_hasher_add(hasher, rt_slice_from((const char *)&columns, sizeof columns));
    rt_hasher_add(hasher, rt_slice_from(&side->delimiter, 1));
    rt_hasher_add(hasher, rt_slice_str(side->encoding ? side->encoding : ""));
    digest = rt_hasher_end(hasher);
    rt_hasher_free(hasher);
    return digest;
}

int rt_intake_choose_path(struct rt_intake *in, const struct rt_csv_reader *reader,
                          struct rt_err *err)
{
    int64_t held = rt_store_count_held(in->work->store, in->side);
    bool may_digest = false;
    int forced;

    if (forced_path(&forced, err) < 0)
        return -1;
    in->by = RT_PATH_LOOKUP;
    if (!in->file.is_snapshot || forced == RT_PATH_LOOKUP)
        return 0;
    if (may_use_digests(in, &may_digest, err) < 0)
        return -1;
    in->known.fingerprint = fingerprint(in, reader);
    if (may_digest && forced != RT_PATH_KEYS &&
        (forced == RT_PATH_DIGEST || in->file.size >= LARGE_FROM)) {
        if (in->group_count == 0 && load_digests(in, err) < 0)
            return -1;
        if (!in->work->is_dry)
            open_writer(in);
    }
    if (in->known.file != NULL) {
        in->by = RT_PATH_DIGEST;
        return 0;
    }
    if (forced < 0 && (int64_t)(in->file.size / MEAN_ROW) < held / LOOKUP_PART)
        return 0;
    in->by = RT_PATH_KEYS;
    return load_keys(in, err);
}

/* Many unknown rows: the file is written in another way than the last one. */
int rt_intake_note_unknown(struct rt_intake *in, struct rt_err *err)
{
    if (in->by != RT_PATH_DIGEST || ++in->known.unknown < UNKNOWN_AT_ALL ||
        in->known.unknown < rt_digest_file_count(in->known.file) / UNKNOWN_PART)
        return 0;
    in->by = RT_PATH_KEYS;
    return load_keys(in, err);
}

/* ---- row by row ---- */

static void enter(struct rt_intake *in, int64_t rid)
{
    if (in->known.writer == NULL)
        return;
    rt_digest_writer_add(in->known.writer, in->known.raw, rid);
    rt_rid_set_add(&in->known.entered, rid);
}

static bool skip_known(struct rt_intake *in, struct rt_slice raw)
{
    struct rt_known *known = &in->known;
    int64_t rid;

    known->raw = rt_digest_of(raw);
    if (known->file == NULL)
        return false;
    rid = rt_digest_file_find(known->file, known->raw);
    if (rid == 0 || rt_rid_set_has(&known->dirty, rid) || rt_rid_set_has(&in->applied, rid))
        return false;
    in->counts.rows++;
    rt_intake_count_known(in, rid);
    enter(in, rid);
    return true;
}

int rt_intake_next_row(struct rt_intake *in, struct rt_csv_reader *reader, struct rt_csv_row *row,
                       struct rt_err *err)
{
    struct rt_slice raw;

    in->known.has_raw = false;
    in->known.clean_rid = 0;
    while (in->known.file != NULL || in->known.writer != NULL) {
        in->known.has_raw = rt_csv_peek(reader, &raw);
        if (!in->known.has_raw || !skip_known(in, raw))
            break;
        rt_csv_skip(reader);
        in->known.has_raw = false;
        if (rt_intake_tick(in, rt_csv_offset(reader), err) < 0)
            return -1;
    }
    return rt_csv_next(reader, row, err);
}

void rt_intake_is_clean(struct rt_intake *in, int64_t rid, bool was_saved)
{
    struct rt_known *known = &in->known;

    if (known->writer == NULL || !known->has_raw)
        return;
    known->clean_rid = rid;
    if (!was_saved)
        return;
    known->clean = rt_xgrow(known->clean, known->clean_count, sizeof *known->clean);
    known->clean[known->clean_count++] =
        (struct rt_clean){rid, rt_store_touch_count(in->work->store)};
}

void rt_intake_row_done(struct rt_intake *in)
{
    if (in->known.has_raw && in->known.clean_rid != 0)
        enter(in, in->known.clean_rid);
}

/* ---- the end of the file ---- */

static int compare_clean(const void *a, const void *b)
{
    const struct rt_clean *x = a, *y = b;

    if (x->rid != y->rid)
        return x->rid < y->rid ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* A record that was changed after the row that was entered for it is not what the row says. */
static void touch_changed_later(struct rt_intake *in, size_t upto)
{
    struct rt_known *known = &in->known;
    struct rt_store *store = in->work->store;

    if (known->clean_count > 0)
        qsort(known->clean, known->clean_count, sizeof *known->clean, compare_clean);
    for (size_t i = known->first_touch; i < upto; i++) {
        int64_t rid = rt_store_touched_at(store, in->side, i);
        struct rt_clean after = {rid, i}; /* entered when this touch was already noted */
        size_t low = 0, high = known->clean_count;

        while (low < high) {
            size_t middle = (low + high) / 2;

            if (compare_clean(&known->clean[middle], &after) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (rid != 0 && (low == known->clean_count || known->clean[low].rid != rid))
            rt_store_touch_side(store, rid, in->side);
    }
}

/* Records that the file shows in rows that were not entered. */
static void touch_not_entered(struct rt_intake *in)
{
    for (int64_t rid = 0; (rid = rt_rid_set_next(&in->seen, rid)) != 0;)
        if (!rt_rid_set_has(&in->known.entered, rid))
            rt_store_touch_side(in->work->store, rid, in->side);
}

int rt_intake_keep_digests(struct rt_intake *in, struct rt_err *err)
{
    struct rt_pending_digests *pending = &in->work->digests[in->side];
    size_t upto = rt_store_touch_count(in->work->store);

    if (in->known.writer == NULL)
        return 0;
    if (in->has_unreadable_id) /* which records it does not show cannot be told */
        return rt_store_drop_digests(in->work->store, in->side, err);
    pending->tag.fingerprint = in->known.fingerprint;
    if (rt_store_set_digests(in->work->store, in->side, in->file.digest, &pending->tag.generation,
                             err) < 0)
        return -1;
    touch_changed_later(in, upto);
    touch_not_entered(in);
    pending->writer = in->known.writer;
    in->known.writer = NULL;
    return 0;
}

void rt_intake_publish_digests(struct rt_work *work)
{
    for (int s = 0; s < 2; s++)
        if (work->digests[s].writer != NULL) {
            rt_digest_writer_publish(work->digests[s].writer, &work->digests[s].tag);
            work->digests[s].writer = NULL;
        }
}

void rt_intake_forget_known(struct rt_intake *in)
{
    rt_prints_free(in->prints);
    in->prints = NULL;
    rt_digest_file_free(in->known.file);
    rt_digest_writer_close(in->known.writer);
    rt_rid_set_clear(&in->known.dirty);
    rt_rid_set_clear(&in->known.entered);
    free(in->known.clean);
    in->known = (struct rt_known){0};
}

/* ---- R10: which records may be missing ---- */

/* A record that changed since may be gone: joined into another one, which says itself what it is.
 */
static int visit_dirty(struct rt_intake *in, int64_t rid, rt_store_visit *visit, void *context,
                       struct rt_err *err)
{
    bool is_there;

    if (rt_store_has_record(in->work->store, rid, &is_there, err) < 0)
        return -1;
    return is_there ? visit(context, rid, err) : 0;
}

int rt_intake_each_unseen(struct rt_intake *in, rt_store_visit *visit, void *context,
                          struct rt_err *err)
{
    struct rt_known *known = &in->known;

    for (size_t i = 0; i < rt_digest_file_count(known->file); i++) {
        int64_t rid = rt_digest_file_rid(known->file, i);

        if (!rt_rid_set_has(&in->seen, rid) && !rt_rid_set_has(&known->dirty, rid) &&
            visit(context, rid, err) < 0)
            return -1;
    }
    for (int64_t rid = 0; (rid = rt_rid_set_next(&known->dirty, rid)) != 0;)
        if (!rt_rid_set_has(&in->seen, rid) && visit_dirty(in, rid, visit, context, err) < 0)
            return -1;
    return rt_store_each_newer(in->work->store, known->highest, visit, context, err);
}
