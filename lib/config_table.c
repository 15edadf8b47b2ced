#include "lib/config_table.h"

#include "lib/encoding.h"
#include "lib/filename.h"
#include "lib/zone.h"

#include <ctype.h>
#include <string.h>

static const char *const mode_words[] = {"round-trip", "single-trip", NULL};
static const char *const transport_words[] = {"directory", "sftp", "openssh", "command", NULL};
static const char *const content_words[] = {"changes", "snapshot", NULL};
static const char *const matches_by_words[] = {"either-id", "own-id", NULL};
static const char *const match_words[] = {"upsert", "update-only", "insert-only", NULL};
static const char *const deletes_words[] = {"ignore", "review", "propagate", NULL};
static const char *const newline_words[] = {"required", "optional", NULL};
static const char *const line_ending_words[] = {"lf", "crlf", NULL};
static const char *const quote_words[] = {"minimal", "all", NULL};
static const char *const compress_words[] = {"none", "gzip", NULL};
static const char *const after_fetch_words[] = {"leave", "move", "delete", NULL};
static const char *const upload_words[] = {"rename", "direct", "done-file", "folder", NULL};
static const char *const conflict_words[] = {"review", "external", "native", "newest", NULL};
static const char *const not_taken_words[] = {"review", "resend", NULL};
static const char *const suspected_words[] = {"review", "bind", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};

static const char *label_fault(const char *value)
{
    if (strlen(value) > 60)
        return "it is longer than 60 bytes";
    for (; *value; value++) {
        if ((unsigned char)*value < 0x20 || *value == 0x7F)
            return "it has a control character in it";
    }
    return NULL;
}

static const char *encoding_fault(const char *value)
{
    return rt_encoding_is_known(value) ? NULL
                                       : "iconv knows no such encoding; `iconv -l` lists them";
}

static const char *zone_fault(const char *value)
{
    return rt_zone_is_known(value)
               ? NULL
               : "the system knows no such time zone; names are like America/New_York, and come "
                 "with its package tzdata";
}

/* What ends up on a command line or in a login. */
static const char *login_fault(const char *value)
{
    if (*value == '-')
        return "it begins with a dash";
    for (; *value; value++) {
        if (isspace((unsigned char)*value) || (unsigned char)*value < 0x20 || *value == 0x7F)
            return "it has a blank or control character in it";
    }
    return NULL;
}

static const char *host_key_fault(const char *value)
{
    size_t len = strlen(value);

    if (strncmp(value, "SHA256:", 7) != 0 || len < 50 || len > 51)
        return "write it as SHA256:... with 43 characters, as `ssh-keygen -lf` shows it";
    return NULL;
}

/* clang-format off */
#define PROFILE_KEYS(KEY) \
    KEY("name", RT_KEY_TEXT, name, .fault = label_fault) \
    KEY("mode", RT_KEY_FLAG, single_trip, .standard = "round-trip", .words = mode_words)

#define SIDE_KEYS(KEY) \
    KEY("label", RT_KEY_TEXT, label, .fault = label_fault) \
    KEY("transport", RT_KEY_WORD, transport, .standard = "directory", .words = transport_words) \
    KEY("content", RT_KEY_FLAG, is_snapshot, .standard = "changes", .words = content_words) \
    KEY("snapshot_pattern", RT_KEY_OPTIONAL, snapshot_pattern) \
    KEY("matches_by", RT_KEY_FLAG, own_id_only, .words = matches_by_words) \
    KEY("match", RT_KEY_WORD, match, .standard = "upsert", .words = match_words) \
    KEY("eligible", RT_KEY_OPTIONAL, eligible, .none = "all") \
    KEY("deletes", RT_KEY_WORD, deletes, .standard = "ignore", .words = deletes_words) \
    KEY("encoding", RT_KEY_TEXT, encoding, .standard = "utf-8", .fault = encoding_fault) \
    KEY("delimiter", RT_KEY_DELIMITER, delimiter, .standard = ",") \
    KEY("timezone", RT_KEY_TEXT, timezone, .standard = "UTC", .fault = zone_fault) \
    KEY("stamp", RT_KEY_OPTIONAL, stamp, .none = "mtime", .fault = rt_stamp_pattern_fault) \
    KEY("max_age", RT_KEY_AGE, max_age, .standard = "none", .none = "none", .min = 1) \
    KEY("shows_imports", RT_KEY_FLAG, shows_imports, .standard = "yes", .words = yes_words) \
    KEY("store_ids", RT_KEY_FLAG, store_ids, .standard = "no", .words = yes_words) \
    KEY("final_newline", RT_KEY_FLAG, final_newline_optional, .standard = "required", .words = newline_words) \
    KEY("output_name", RT_KEY_TEXT, output_name, .standard = "{profile}-{side}-{stamp}-{delta}.csv") \
    KEY("require_name", RT_KEY_LIST, require_name) \
    KEY("forbid_name", RT_KEY_LIST, forbid_name) \
    KEY("batch_rows", RT_KEY_COUNT, batch_rows, .standard = "none", .none = "none", .none_is = RT_NO_LIMIT, .min = 1, .max = INT32_MAX) \
    KEY("written_at_column", RT_KEY_OPTIONAL, written_at_column) \
    KEY("action_column", RT_KEY_OPTIONAL, action_column) \
    KEY("line_ending", RT_KEY_FLAG, crlf, .standard = "lf", .words = line_ending_words) \
    KEY("quote", RT_KEY_FLAG, quote_all, .standard = "minimal", .words = quote_words) \
    KEY("compress", RT_KEY_FLAG, gzip, .standard = "none", .words = compress_words) \
    KEY("host", RT_KEY_OPTIONAL, host, .fault = login_fault) \
    KEY("port", RT_KEY_INT, port, .standard = "22", .min = 1, .max = 65535) \
    KEY("user", RT_KEY_OPTIONAL, user, .fault = login_fault) \
    KEY("identity", RT_KEY_OPTIONAL, identity) \
    KEY("passphrase_command", RT_KEY_OPTIONAL, passphrase_command) \
    KEY("password_command", RT_KEY_OPTIONAL, password_command) \
    KEY("host_key", RT_KEY_LIST, host_key, .fault = host_key_fault) \
    KEY("exports", RT_KEY_OPTIONAL, exports) \
    KEY("imports", RT_KEY_OPTIONAL, imports) \
    KEY("pattern", RT_KEY_TEXT, pattern, .standard = "*.csv") \
    KEY("after_fetch", RT_KEY_FOLDER, after_fetch, .standard = "leave", .words = after_fetch_words, .folder_word = "move", .folder = offsetof(struct rt_side_config, after_fetch_folder)) \
    KEY("upload", RT_KEY_FOLDER, upload, .standard = "rename", .words = upload_words, .folder_word = "folder", .folder = offsetof(struct rt_side_config, upload_folder)) \
    KEY("settle", RT_KEY_AGE, settle, .standard = "60s") \
    KEY("timeout", RT_KEY_AGE, timeout, .standard = "30s", .min = 1) \
    KEY("deadline", RT_KEY_AGE, deadline, .standard = "30m", .min = 1) \
    KEY("retries", RT_KEY_INT, retries, .standard = "4", .max = 100) \
    KEY("extract", RT_KEY_OPTIONAL, extract) \
    KEY("extract_full", RT_KEY_OPTIONAL, extract_full) \
    KEY("load", RT_KEY_OPTIONAL, load)

#define POLICY_KEYS(KEY) \
    KEY("conflict", RT_KEY_WORD, conflict, .standard = "review", .words = conflict_words) \
    KEY("not_taken", RT_KEY_FLAG, resend, .standard = "review", .words = not_taken_words) \
    KEY("suspected_duplicate", RT_KEY_FLAG, bind_suspected, .standard = "review", .words = suspected_words) \
    KEY("loop_window", RT_KEY_AGE, loop_window, .standard = "none", .none = "none") \
    KEY("max_changes", RT_KEY_COUNT, max_changes, .standard = "5000", .none = "none", .none_is = RT_NO_LIMIT, .max = INT64_MAX) \
    KEY("max_change_percent", RT_KEY_COUNT, max_change_percent, .standard = "20", .none = "none", .none_is = RT_NO_LIMIT, .max = 100) \
    KEY("max_deletes", RT_KEY_COUNT, max_deletes, .standard = "0", .none = "none", .none_is = 0, .max = INT64_MAX) \
    KEY("allow_network_state", RT_KEY_FLAG, allow_network_state, .standard = "no", .words = yes_words) \
    KEY("overdue", RT_KEY_AGE, overdue, .standard = "3d") \
    KEY("import_lag", RT_KEY_AGE, import_lag, .standard = "12h") \
    KEY("keep_archive", RT_KEY_AGE, keep_archive, .standard = "forever", .none = "forever", .min = 1)

#define PROFILE_ROW(NAME, KIND, MEMBER, ...) \
    {.name = NAME, .kind = KIND, .offset = offsetof(struct rt_config, MEMBER), __VA_ARGS__},
#define SIDE_ROW(NAME, KIND, MEMBER, ...) \
    {.name = NAME, .kind = KIND, .offset = offsetof(struct rt_side_config, MEMBER), __VA_ARGS__},
/* clang-format on */

static const struct rt_config_key profile_keys[] = {PROFILE_KEYS(PROFILE_ROW)};
static const struct rt_config_key side_keys[] = {SIDE_KEYS(SIDE_ROW)};
static const struct rt_config_key policy_keys[] = {POLICY_KEYS(PROFILE_ROW)};

#define COUNT(array) (sizeof(array) / sizeof *(array))

_Static_assert(COUNT(side_keys) <= RT_CONFIG_MAX_KEYS, "room for a line number of each key");

const struct rt_config_section *rt_config_section(enum rt_config_section_id id)
{
    static const struct rt_config_section sections[RT_SECTION_COUNT] = {
        {"profile", profile_keys, COUNT(profile_keys)},
        {"external", side_keys, COUNT(side_keys)},
        {"native", side_keys, COUNT(side_keys)},
        {"policy", policy_keys, COUNT(policy_keys)},
    };

    return &sections[id];
}

int rt_config_key_find(const struct rt_config_section *section, const char *name)
{
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->keys[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

void *rt_config_base(struct rt_config *config, enum rt_config_section_id section)
{
    if (section == RT_SECTION_EXTERNAL || section == RT_SECTION_NATIVE)
        return &config->side[section - RT_SECTION_EXTERNAL];
    return config;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters changed, left out, added or swapped with their neighbour, to make b of a. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t rows[3][LONGEST + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > LONGEST || lb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);

            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}

const char *rt_nearest(const char *word, const char *const *known, size_t count)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        size_t longer = strlen(known[i]) > strlen(word) ? strlen(known[i]) : strlen(word);
        size_t distance = edit_distance(word, known[i]);

        if (distance * 3 <= longer && distance < best) {
            best = distance;
            nearest = known[i];
        }
    }
    return nearest;
}
