/*
 * roundtrip.ini(5), read with inih; the only user of it.
 *
 * All keys, their defaults and their checks live in one table in config_table.c.  An unknown
 * section or key, a value that does not fit, or a combination that cannot work is RT_CONFIG,
 * with "roundtrip.ini: line N: ..." and the nearest known key.  The settings are a value: read
 * once, never changed, freed with rt_config_free.
 */
#ifndef RT_CONFIG_H
#define RT_CONFIG_H

#include "lib/err.h"
#include "lib/side.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum rt_transport {
    RT_TRANSPORT_DIRECTORY,
    RT_TRANSPORT_SFTP,
    RT_TRANSPORT_OPENSSH,
    RT_TRANSPORT_COMMAND
};
enum rt_match { RT_MATCH_UPSERT, RT_MATCH_UPDATE_ONLY, RT_MATCH_INSERT_ONLY };
enum rt_deletes { RT_DELETES_IGNORE, RT_DELETES_REVIEW, RT_DELETES_PROPAGATE };
enum rt_conflict_policy {
    RT_CONFLICT_REVIEW,
    RT_CONFLICT_EXTERNAL,
    RT_CONFLICT_NATIVE,
    RT_CONFLICT_NEWEST
};
enum rt_upload { RT_UPLOAD_RENAME, RT_UPLOAD_DIRECT, RT_UPLOAD_DONE_FILE, RT_UPLOAD_FOLDER };
enum rt_after_fetch { RT_AFTER_LEAVE, RT_AFTER_MOVE, RT_AFTER_DELETE };

#define RT_NO_LIMIT (-1) /* for a limit or age that is "none" */

struct rt_list { /* comma- or blank-separated words */
    char **items;
    size_t count;
};

struct rt_side_config {
    char *label;
    enum rt_transport transport;
    bool is_snapshot;       /* content = snapshot */
    char *snapshot_pattern; /* glob, or NULL */
    bool own_id_only;       /* matches_by = own-id */
    enum rt_match match;
    char *eligible; /* SQL expression, or NULL for all */
    enum rt_deletes deletes;
    char *encoding;
    char delimiter;
    char *timezone;
    char *stamp;     /* strptime pattern with *, or NULL for the file's mtime */
    int64_t max_age; /* seconds or RT_NO_LIMIT */
    bool shows_imports;
    bool store_ids;
    bool final_newline_optional;
    char *output_name;
    struct rt_list require_name, forbid_name; /* globs */
    int64_t batch_rows;                       /* or RT_NO_LIMIT */
    char *written_at_column, *action_column;  /* or NULL */
    bool crlf, quote_all, gzip;
    /* sftp, openssh and directory */
    char *host, *user, *identity, *passphrase_command, *password_command; /* or NULL */
    int port;
    struct rt_list host_key; /* SHA256:... */
    char *exports, *imports; /* remote folders; for directory: local folders or NULL */
    char *pattern;
    enum rt_after_fetch after_fetch;
    char *after_fetch_folder; /* for move */
    enum rt_upload upload;
    char *upload_folder; /* for folder */
    mode_t umask;        /* for files in local folders of others; 077, unless the caller sets it */
    int64_t settle, timeout, deadline; /* seconds */
    int retries;
    /* command */
    char *extract, *extract_full, *load; /* or NULL */
};

#define RT_CONFIG_SECTIONS 4
#define RT_CONFIG_MAX_KEYS 64 /* of a section */

/* Which line set which key: for messages.  0: the default stands. */
struct rt_config_origin {
    const char *path; /* as given to rt_config_parse */
    unsigned lines[RT_CONFIG_SECTIONS][RT_CONFIG_MAX_KEYS];
};

struct rt_config {
    char *name;
    bool single_trip;
    struct rt_side_config side[2];
    enum rt_conflict_policy conflict;
    bool resend;                /* not_taken = resend */
    bool bind_suspected;        /* suspected_duplicate = bind */
    int64_t loop_window;        /* seconds or RT_NO_LIMIT */
    int64_t max_changes;        /* rows or RT_NO_LIMIT */
    int64_t max_change_percent; /* or RT_NO_LIMIT */
    int64_t max_deletes;        /* 0: none allowed */
    bool allow_network_state;
    int64_t overdue, import_lag; /* seconds */
    int64_t keep_archive;        /* seconds or RT_NO_LIMIT */
    struct rt_config_origin origin;
};

/* `text` is the file's content, `path` its name in messages, which outlives the settings,
 * `folder_name` the default profile name. */
int rt_config_parse(struct rt_slice text, const char *path, const char *folder_name,
                    struct rt_config **config, struct rt_err *err) RT_MUST_CHECK;
void rt_config_free(struct rt_config *config);

/* Where a setting stands, for messages: "roundtrip.ini: line 7: [external] deletes"; without a line
 * if the default stands.  `section` is "profile", "external", "native" or "policy". */
struct rt_config_place {
    char text[128];
};
struct rt_config_place rt_config_place(const struct rt_config *config, const char *section,
                                       const char *key);

/* "external", "native", or a label of a side, in upper or lower case: true and *side. */
bool rt_config_find_side(const struct rt_config *config, const char *word, enum rt_side *side);

/* The known word nearest to `word` (edit distance of at most a third), or NULL. */
const char *rt_nearest(const char *word, const char *const *known, size_t count);

const char *rt_config_library_version(void); /* inih's: it does not tell itself, the build does */

#endif
