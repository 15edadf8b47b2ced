#include "lib/profile.h"

#include "lib/clock.h"
#include "lib/folder.h"
#include "lib/store_schema.h"
#include "lib/suspect.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- who may read it ---- */

/* Can others get to this folder at all?  They need the x bit on every folder above it. */
static bool is_reachable(const char *path)
{
    char *real = realpath(path, NULL), *up;
    struct stat st;
    bool reachable = real != NULL;

    while (reachable && strcmp(real, "/") != 0) {
        up = rt_xstrdup(dirname(real));
        free(real);
        real = up;
        if (stat(real, &st) == 0 && !(st.st_mode & S_IXOTH) && !(st.st_mode & S_IXGRP))
            reachable = false;
    }
    free(real);
    return reachable;
}

static bool has_open_settings(const char *profile)
{
    char *path = rt_xasprintf("%s/roundtrip.ini", profile);
    struct stat st;
    bool is_open = stat(path, &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH));

    free(path);
    return is_open;
}

/* The folder must be closed to others.  Only one that was made by hand, open with all that is in
   it, under a folder that others cannot pass anyway, is nobody else's business. */
static int check_private(const char *profile, struct rt_err *err)
{
    struct stat st;

    if (stat(profile, &st) < 0 || !(st.st_mode & (S_IRWXG | S_IRWXO)))
        return 0;
    if (has_open_settings(profile) && !is_reachable(profile))
        return 0;
    return rt_err_set(err, RT_REFUSED, "%s: others can read this profile: chmod 700 %s", profile,
                      profile);
}

int rt_profile_check(const char *profile, struct rt_err *err)
{
    char *ini = rt_xasprintf("%s/roundtrip.ini", profile);
    int number = access(ini, F_OK) == 0 ? 0 : errno;
    int rc;

    if (number == 0)
        rc = check_private(profile, err);
    else if (number == EACCES)
        rc = rt_err_set(err, RT_REFUSED,
                        "%s: permission denied: run it as the user whose profile this is", profile);
    else if (number == EIO)
        rc = rt_err_errno(err, RT_IO, "cannot look at %s", ini);
    else
        rc = rt_err_set(
            err, RT_CONFIG,
            "%s: no profile here (no roundtrip.ini): make one with roundtrip init, or name it "
            "with -C DIR",
            profile);
    free(ini);
    return rc;
}

/* ---- the state and the archive ---- */

static int stop_at_first(void *context, const char *name, struct rt_err *err)
{
    (void)context, (void)name, (void)err;
    return 1;
}

/* One that cannot be read may hold some. */
static bool has_files(const char *profile, const char *folder)
{
    char *path = rt_xasprintf("%s/%s", profile, folder);
    struct rt_err ignored;
    int rc = rt_folder_each(path, stop_at_first, NULL, &ignored);

    free(path);
    return rc != 0;
}

static const char *const archive_folders[] = {"archive/in/external", "archive/in/native",
                                              "archive/out/external", "archive/out/native"};

bool rt_profile_has_archive(const char *profile)
{
    char *journal = rt_xasprintf("%s/archive/journal", profile);
    struct stat st;
    bool has_any = stat(journal, &st) == 0 && st.st_size > 0;

    free(journal);
    for (size_t i = 0; !has_any && i < sizeof archive_folders / sizeof *archive_folders; i++)
        has_any = has_files(profile, archive_folders[i]);
    return has_any;
}

static bool is_network(const char *path)
{
    static const long kinds[] = {
        0x6969 /* nfs */,    0xff534d42 /* cifs */, 0xfe534d42 /* smb2 */, 0x517b /* smb */,
        0x01021997 /* 9p */, 0x65735546 /* fuse */, 0x5346414f /* afs */,  0x00c36400 /* ceph */};
    struct statfs fs;

    if (statfs(path, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((unsigned long)fs.f_type == (unsigned long)kinds[i])
            return true;
    return false;
}

/* The archive's journal is a prefix of what the state knows, or the state is an old copy. */
static int check_journal(const char *profile, struct rt_store *store, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/archive/journal", profile);
    struct rt_buf tail = {0};
    uint64_t offset, size;
    struct stat st;
    int rc = rt_store_journal_tail(store, &offset, &tail, err);
    bool is_there = stat(path, &st) == 0;

    size = is_there ? (uint64_t)st.st_size : 0;
    if (rc == 0 && !is_there && errno != ENOENT)
        rc = rt_err_errno(err, errno == EACCES ? RT_REFUSED : RT_IO, "cannot look at %s", path);
    else if (rc == 0 && size > offset + tail.len)
        rc = rt_err_set(err, RT_STOPPED,
                        "state.db is older than the archive: it was restored from a backup, and "
                        "does not know what was done since; run roundtrip rebuild");
    else if (rc == 0 && size < offset)
        rc = rt_err_set(err, RT_STOPPED,
                        "archive/journal %s: put back the one that belongs to it, of at least %llu "
                        "bytes",
                        is_there ? "is older than state.db, or was cut" : "is gone",
                        (unsigned long long)offset);
    rt_buf_clear(&tail);
    free(path);
    return rc;
}

/* A number in front, as the intake gives it; 0 if there is none. */
static int64_t number_of(const char *name)
{
    char *end;
    long long number = strtoll(name, &end, 10);

    return *end == '-' ? number : 0;
}

struct archive {
    struct rt_store *store;
    const char *folder;
    int64_t last_file; /* the highest number in the state */
};

/* Is that a file of the archive which the state has brought there?  1, 0, -1 */
static int is_known(const struct archive *archive, const char *name, struct rt_err *err)
{
    int64_t delta, number = number_of(name);

    if (strncmp(archive->folder, "archive/out", 11) == 0)
        return rt_store_find_part(archive->store, name, &delta, err);
    return number > 0 && number <= archive->last_file;
}

static int check_file(void *context, const char *name, struct rt_err *err)
{
    const struct archive *archive = context;
    int rc = is_known(archive, name, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return rt_err_set(err, RT_STOPPED,
                      "%s/%s: state.db does not know this file: was it restored from a backup, and "
                      "archive/journal with it? Put the newest journal back and run roundtrip "
                      "rebuild; or move the file away, if it is not of this profile",
                      archive->folder, name);
}

int rt_profile_check_archive(const char *profile, struct rt_store *store, struct rt_err *err)
{
    struct archive archive = {.store = store};
    int rc = rt_store_last_file(store, &archive.last_file, err);

    for (size_t i = 0; rc == 0 && i < sizeof archive_folders / sizeof *archive_folders; i++) {
        char *path = rt_xasprintf("%s/%s", profile, archive_folders[i]);

        archive.folder = archive_folders[i];
        rc = rt_folder_each(path, check_file, &archive, err);
        free(path);
    }
    return rc;
}

int rt_profile_open_state(const char *profile, const struct rt_config *config,
                          enum rt_store_mode mode, struct rt_store **store, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/state.db", profile);
    int rc = 0;

    *store = NULL;
    if (access(path, F_OK) != 0 && errno == ENOENT && rt_profile_has_archive(profile))
        rc = rt_err_set(err, RT_STOPPED,
                        "state.db is gone, but the archive is not empty: restore it from a backup, "
                        "or run roundtrip rebuild");
    else if (!config->allow_network_state && is_network(profile))
        rc = rt_err_set(err, RT_STOPPED,
                        "%s: on a network file system, where locks cannot be trusted: put the "
                        "profile on a local disk, or set allow_network_state = yes",
                        profile);
    if (rc == 0)
        rc = rt_store_open(path, mode, store, err);
    if (rc == 0 &&
        (rt_store_hold(*store, err) < 0 || check_journal(profile, *store, err) < 0 ||
         rt_profile_check_archive(profile, *store, err) < 0 || rt_store_let_go(*store, err) < 0))
        rc = -1;
    free(path);
    return rc;
}

/* ---- pause, and fetch required ---- */

#define PAUSED "paused"

int rt_profile_check_active(struct rt_store *store, struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *paused;
    int rc = rt_store_get(store, PAUSED, &arena, &paused, err);

    if (rc == 1)
        rc = rt_err_set(err, RT_STOPPED,
                        "paused %s: roundtrip resume turns it on, --once works once", paused);
    rt_arena_clear(&arena);
    return rc;
}

int rt_profile_pause(struct rt_store *store, int64_t now, const char *reason, struct rt_err *err)
{
    char when[RT_TIME_SIZE], *text;
    int rc;

    text = rt_xasprintf("since %s%s%s", rt_time_format(now, when), reason ? ": " : "",
                        reason ? reason : "");
    rc = rt_store_set(store, PAUSED, text, err);
    free(text);
    return rc;
}

static const char *required_key(enum rt_side side)
{
    return side == RT_EXTERNAL ? "fetch_required_external" : "fetch_required_native";
}

static const char *fetched_key(enum rt_side side)
{
    return side == RT_EXTERNAL ? "fetched_external" : "fetched_native";
}

int rt_profile_resume(struct rt_store *store, const struct rt_config *config, struct rt_err *err)
{
    if (rt_store_set(store, PAUSED, NULL, err) < 0)
        return -1;
    /* R13: what was exported while nobody fetched is not known yet.  Every resume asks for it, also
       one that ends no pause. */
    for (int s = 0; s < 2; s++)
        if (rt_profile_has_source(&config->side[s]) &&
            rt_store_set(store, required_key((enum rt_side)s), "yes", err) < 0)
            return -1;
    return 0;
}

bool rt_profile_has_source(const struct rt_side_config *side)
{
    return side->transport == RT_TRANSPORT_COMMAND
               ? side->extract != NULL || side->extract_full != NULL
               : side->exports != NULL;
}

int rt_profile_fetched(struct rt_store *store, enum rt_side side, int64_t now, struct rt_err *err)
{
    char when[RT_TIME_SIZE], *line;
    int rc;

    if (rt_store_set(store, required_key(side), NULL, err) < 0 ||
        rt_store_set(store, fetched_key(side), rt_time_format(now, when), err) < 0)
        return -1;
    line = rt_xasprintf("{\"at\":%lld,\"what\":\"fetched\",\"side\":\"%s\"}", (long long)now,
                        rt_side_name(side));
    rc = rt_store_add_journal(store, line, err);
    free(line);
    return rc;
}

int rt_profile_note_fetch(struct rt_store *store, enum rt_side side, int64_t now,
                          struct rt_err *err)
{
    if (rt_store_begin(store, err) < 0)
        return -1;
    if (rt_profile_fetched(store, side, now, err) == 0 && rt_store_commit(store, err) == 0)
        return 0;
    rt_store_abort(store);
    return -1;
}

int rt_profile_last_fetch(struct rt_store *store, enum rt_side side, struct rt_fetch_state *state,
                          struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *value;
    int rc;

    *state = (struct rt_fetch_state){.at = RT_NEVER};
    rc = rt_store_get(store, required_key(side), &arena, &value, err);
    state->is_required = rc == 1;
    if (rc >= 0)
        rc = rt_store_get(store, fetched_key(side), &arena, &value, err);
    if (rc == 1 && !rt_time_parse(value, &state->at))
        state->at = RT_NEVER;
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

int rt_profile_check_fresh(struct rt_store *store, const struct rt_config *config,
                           struct rt_err *err)
{
    for (int s = 0; s < 2; s++) {
        struct rt_fetch_state fetch = {.at = RT_NEVER};

        if (rt_profile_has_source(&config->side[s]) &&
            rt_profile_last_fetch(store, (enum rt_side)s, &fetch, err) < 0)
            return -1;
        if (fetch.is_required)
            return rt_err_set(err, RT_STOPPED,
                              "%s was not fetched since the profile was resumed, and stale data "
                              "must not be sent: roundtrip fetch %s first",
                              config->side[s].label, rt_side_name((enum rt_side)s));
    }
    return 0;
}

/* ---- the contract ---- */

#define CONTRACT "contract"

static bool has_line(struct rt_slice text, struct rt_slice line)
{
    while (text.len) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;

        if (rt_slice_is_equal(rt_slice_from(text.ptr, len), line))
            return true;
        text = rt_slice_from(text.ptr + len + (end != NULL), text.len - len - (end != NULL));
    }
    return false;
}

static void list_missing(struct rt_slice from, struct rt_slice in, char sign, struct rt_buf *out)
{
    while (from.len) {
        const char *end = memchr(from.ptr, '\n', from.len);
        size_t len = end ? (size_t)(end - from.ptr) : from.len;
        struct rt_slice line = rt_slice_from(from.ptr, len);

        if (len && !has_line(in, line))
            rt_buf_printf(out, "%c %.*s\n", sign, RT_SLICE_FMT(line));
        from = rt_slice_from(from.ptr + len + (end != NULL), from.len - len - (end != NULL));
    }
}

int rt_profile_contract_changes(struct rt_store *store, const struct rt_schema *schema,
                                const struct rt_config *config, struct rt_buf *out,
                                struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_buf now = {0};
    const char *accepted;
    int rc = rt_store_get(store, CONTRACT, &arena, &accepted, err);

    if (rc == 1)
        rt_schema_contract(schema, config, &now);
    if (rc == 1 && strcmp(accepted, rt_buf_str(&now)) != 0) {
        list_missing(rt_slice_str(accepted), rt_buf_slice(&now), '-', out);
        list_missing(rt_buf_slice(&now), rt_slice_str(accepted), '+', out);
    }
    rt_buf_clear(&now);
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

int rt_profile_check_contract(struct rt_store *store, const struct rt_schema *schema,
                              const struct rt_config *config, struct rt_err *err)
{
    struct rt_buf changes = {0};
    int rc = rt_profile_contract_changes(store, schema, config, &changes, err);

    if (rc == 0 && changes.len) {
        const char *end = strchr(rt_buf_str(&changes), '\n');

        rc = rt_err_set(err, RT_STOPPED,
                        "schema.csv or roundtrip.ini changed (%.*s%s): look at it with roundtrip "
                        "check, then roundtrip check --accept-schema",
                        (int)(end - changes.ptr), changes.ptr, end[1] ? " ..." : "");
    }
    rt_buf_clear(&changes);
    return rc;
}

static int accept_contract(struct rt_store *store, const struct rt_schema *schema,
                           const struct rt_config *config, struct rt_err *err)
{
    struct rt_buf now = {0};
    int rc;

    rt_schema_contract(schema, config, &now);
    rc = rt_store_set(store, CONTRACT, rt_buf_str(&now), err);
    rt_buf_clear(&now);
    return rc;
}

/* Where codes were added to a table, what is known of the field stays known. */
static int keep_codes(struct rt_store *store, const struct rt_schema *schema, struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *accepted;
    int rc = rt_store_get(store, CONTRACT, &arena, &accepted, err);
    bool is_there = rc == 1;

    for (size_t i = 0; is_there && rc >= 0 && i < schema->content_count; i++) {
        const struct rt_field *field = schema->content[i];
        struct rt_codes old;

        if (rt_schema_codes_grew(field, accepted, &old))
            rc = rt_store_keep_codes(store, field, &old, err);
        free(old.pairs);
    }
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

/* A field that flowed nowhere was shown alone, and nobody asked whether the two sides agree in it:
   one that flows from now on is a new one. */
static int forget_fields(struct rt_store *store, const struct rt_schema *schema, struct rt_err *err)
{
    bool *is_new = rt_xcalloc(schema->content_count + 1, sizeof *is_new);
    struct rt_arena arena = {0};
    const char *accepted;
    int rc = rt_store_get(store, CONTRACT, &arena, &accepted, err);

    for (size_t i = 0; rc == 1 && i < schema->content_count; i++)
        is_new[i] = schema->content[i]->direction != RT_DIR_NONE &&
                    !rt_schema_flowed(schema->content[i], accepted);
    if (rc >= 0)
        rc = rt_store_forget_fields(store, is_new, err);
    rt_arena_clear(&arena);
    free(is_new);
    return rc;
}

/* A side's times of change were read in another way, if from another column, format or zone: they
   do not compare with those that come.  `changes`: those of the contract. */
static bool is_time_changed(const char *changes, enum rt_side side)
{
    char *zone = rt_xasprintf(" timezone %s: ", rt_side_name(side));
    bool is_changed = strstr(changes, ", role modified_at, ") || strstr(changes, zone);

    free(zone);
    return is_changed;
}

static int forget_times(struct rt_work *work, struct rt_err *err)
{
    struct rt_buf changes = {0};
    int rc = rt_profile_contract_changes(work->store, work->rules.schema, work->rules.config,
                                         &changes, err);

    for (int s = 0; s < 2 && rc == 0; s++)
        if (is_time_changed(rt_buf_str(&changes), (enum rt_side)s))
            rc = rt_store_forget_modified(work->store, (enum rt_side)s, err);
    rt_buf_clear(&changes);
    return rc;
}

int rt_profile_accept_schema(struct rt_work *work, struct rt_err *err)
{
    char line[80];

    snprintf(line, sizeof line, "{\"at\":%lld,\"what\":\"accept-schema\"}",
             (long long)work->rules.now);
    if (keep_codes(work->store, work->rules.schema, err) < 0 ||
        forget_fields(work->store, work->rules.schema, err) < 0 || forget_times(work, err) < 0 ||
        rt_suspect_renew(work, err) < 0 ||
        accept_contract(work->store, work->rules.schema, work->rules.config, err) < 0 ||
        rt_store_forget_prints(work->store, err) < 0)
        return -1;
    return rt_store_add_journal(work->store, line, err);
}

int rt_profile_keep_contract(struct rt_store *store, const struct rt_schema *schema,
                             const struct rt_config *config, struct rt_err *err)
{
    struct rt_arena arena = {0};
    const char *accepted;
    int rc = rt_store_get(store, CONTRACT, &arena, &accepted, err);

    rt_arena_clear(&arena);
    return rc == 0 ? accept_contract(store, schema, config, err) : rc < 0 ? -1 : 0;
}
