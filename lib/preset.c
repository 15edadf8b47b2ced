#include "lib/preset.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- what all settings have ---- */

#define HEAD                                                                                       \
    "; Settings of this profile.  man roundtrip.ini tells every key and its default;",             \
        "; a line that begins with a semicolon is not read.", "", "[profile]",                     \
        "; used in messages and in the names of outgoing files", "name = @NAME@"

#define SIDE_FILES                                                                                 \
    "; what one incoming file holds: changes, or snapshot (everything; then absence can mean "     \
    "something)",                                                                                  \
        "content = changes",                                                                       \
        "; the time in incoming file names, in UTC; without it the file's "                        \
        "own time counts",                                                                         \
        "; stamp = *%Y-%m-%d*", "; the zone of times that name none", "timezone = UTC",            \
        "; any iconv name, for example windows-1252", "encoding = utf-8",                          \
        "; between the cells of a row", "delimiter = ,",                                           \
        "; what a row that is absent from a snapshot means: ignore, review or propagate",          \
        "deletes = ignore"

#define SIDE_FOLDERS                                                                               \
    "; directory: local folders; sftp; openssh (the system's sftp program); or command",           \
        "transport = directory",                                                                   \
        "; without exports, files are put into the inbox by others; without imports, they take "   \
        "ours from the outbox",                                                                    \
        "; exports = /srv/exchange/out", "; imports = /srv/exchange/in"

#define SIDE_SFTP                                                                                  \
    "; for transport = sftp:", "; host = sftp.example.org", "; port = 22", "; user = acme",        \
        "; the private key; without it the agent is asked",                                        \
        "; identity = /etc/roundtrip/id_ed25519",                                                  \
        "; a command that prints the password, where there is no key",                             \
        "; password_command = cat /run/credentials/sftp-password",                                 \
        "; as ssh-keygen -lf shows it; without it ~/.ssh/known_hosts decides",                     \
        "; host_key = SHA256:..."

#define POLICY                                                                                     \
    "", "[policy]",                                                                                \
        "; both sides changed the same field: review, external, native, or newest (needs a "       \
        "modified_at field)",                                                                      \
        "conflict = review",                                                                       \
        "; what we sent is not shown by a later file: review, or resend (twice at most)",          \
        "not_taken = review",                                                                      \
        "; a row that looks like the lost echo of our own insert: review, or bind",                \
        "suspected_duplicate = review",                                                            \
        "; the guard: with more due rows than this for one side a person must approve",            \
        "max_changes = 5000", "; and with more than this part of the records it holds",            \
        "max_change_percent = 20",                                                                 \
        "; handed over and not seen for this long: listed by status and review", "overdue = 3d",   \
        "; how long the other end may take to import a file", "import_lag = 12h",                  \
        "; after a change one way, changes the other way wait this long", "; loop_window = 1h",    \
        NULL

/* ---- EverTrue and a database of record ---- */

static const char *const evertrue_settings[] = {
    HEAD,
    "; round-trip, or single-trip: what was written in EverTrue is read-only in the database",
    "mode = round-trip",
    "",
    "[external]",
    "; this side's name in messages",
    "label = EverTrue",
    "; directory, for a first look with files by hand; then sftp, or openssh (the system's sftp "
    "program)",
    "transport = directory",
    SIDE_SFTP,
    "; EverTrue's folders: it drops its exports in one, and polls the other",
    "; exports = exports",
    "; imports = uploads",
    "; an export grows in place: only one that did not change for this long is taken",
    "; settle = 5m",
    SIDE_FILES,
    "; EverTrue finds the row to update by either ID",
    "matches_by = either-id",
    "; its exports do not show rows that only an import touched",
    "shows_imports = no",
    "; EverTrue tells the kind of a file by its name: without .interactions. the rows become "
    "constituents",
    "output_name = {profile}.interactions.{stamp}-{delta}.csv",
    "require_name = *.interactions.*",
    "; .full. deletes what is absent; .gift. and .gifts. come before .interactions.",
    "forbid_name = *.full.*, *.gift.*, *.gifts.*",
    "; with an age: while the newest export is older, nothing is sent to EverTrue",
    "; max_age = 36h",
    "; gzip is welcome there",
    "compress = none",
    "",
    "[native]",
    "; this side's name in messages",
    "label = database",
    SIDE_FOLDERS,
    SIDE_FILES,
    "; own-id: its loader finds a row by its own ID alone; or either-id",
    "matches_by = own-id",
    "; upsert, update-only or insert-only: what may be sent to it",
    "match = upsert",
    "; yes: a row that it shows without its EverTrue ID is sent again, so that the ID is stored",
    "store_ids = no",
    POLICY,
};

static const struct rt_draft_line evertrue_lines[] = {
    {.field = "external_id",
     .header = {"InteractionEverTrueID", "EVERTRUE_ID"},
     .role = RT_ROLE_EXTERNAL_ID,
     .type = RT_TYPE_ID,
     .why = "EverTrue's own ID of the interaction"},
    {.field = "native_id",
     .header = {"InteractionImportID", "INTERACTION_ID"},
     .role = RT_ROLE_NATIVE_ID,
     .type = RT_TYPE_ID,
     .why = "the database's ID, as EverTrue calls it"},
    {.field = "constituent_id",
     .header = {"ConstituentImportID", "CONSTITUENT_ID"},
     .role = RT_ROLE_FINGERPRINT,
     .type = RT_TYPE_ID,
     .why = "whom it is about"},
    {.field = "constituent_evertrue_id",
     .header = {"ConstituentEverTrueID", NULL},
     .type = RT_TYPE_ID,
     .direction = RT_DIR_NONE,
     .why = "shown, never sent"},
    {.field = "type",
     .header = {"InteractionType", "TYPE"},
     .type = RT_TYPE_CODE,
     .why = "where the two sides' codes differ, name a table in `values`"},
    {.field = "category",
     .header = {"Category", NULL},
     .direction = RT_DIR_NONE,
     .why = "shown, never sent"},
    {.field = "date",
     .header = {"Date", "INTERACTION_DATE"},
     .role = RT_ROLE_FINGERPRINT,
     .type = RT_TYPE_DATE,
     .format = {"%Y-%m-%d", "%Y-%m-%d"},
     .sure = RT_UNSURE,
     .why = "spelling and format follow your export"},
    {.field = "solicitors",
     .header = {"Solicitors", "SOLICITORS"},
     .type = RT_TYPE_SET,
     .format = {";", ";"},
     .sure = RT_UNSURE,
     .why = "spelling and separator follow your export"},
    {.field = "summary",
     .header = {"Summary", "SUMMARY"},
     .role = RT_ROLE_FINGERPRINT,
     .sure = RT_UNSURE,
     .why = "spelling follows your entry form"},
    {.field = "description",
     .header = {"Description", "DESCRIPTION"},
     .sure = RT_UNSURE,
     .why = "spelling follows your entry form"},
};

/* ---- contacts of a donation site and a CRM ---- */

static const char *const contacts_settings[] = {
    HEAD,
    "mode = round-trip",
    "",
    "[external]",
    "; this side's name in messages, and the reference source of the contacts that are born there",
    "label = RaiseDonors",
    SIDE_FOLDERS,
    SIDE_SFTP,
    SIDE_FILES,
    "; either-id: its loader finds a row by any of the two IDs; or own-id",
    "matches_by = either-id",
    "; upsert, update-only or insert-only: what may be sent to it",
    "match = upsert",
    "",
    "[native]",
    "; this side's name in messages",
    "label = Virtuous",
    SIDE_FOLDERS,
    SIDE_FILES,
    "; only contacts with this reference source take part",
    "eligible = reference_source = 'RaiseDonors'",
    "; own-id: its loader finds a row by its own ID alone; or either-id",
    "matches_by = own-id",
    "; upsert, update-only or insert-only: what may be sent to it",
    "match = upsert",
    POLICY,
};

static const struct rt_draft_line contacts_lines[] = {
    {.field = "external_id",
     .header = {"DonorId", "RaiseDonorsId"},
     .role = RT_ROLE_EXTERNAL_ID,
     .type = RT_TYPE_ID,
     .why = "the donor's ID on the donation site"},
    {.field = "native_id",
     .header = {"VirtuousId", "ContactId"},
     .role = RT_ROLE_NATIVE_ID,
     .type = RT_TYPE_ID,
     .why = "the contact's ID in the CRM"},
    {.field = "first_name",
     .role = RT_ROLE_FINGERPRINT,
     .header = {"FirstName", "FirstName"},
     .why = "both ways"},
    {.field = "last_name",
     .role = RT_ROLE_FINGERPRINT,
     .header = {"LastName", "LastName"},
     .why = "both ways"},
    {.field = "address", .header = {"Address", "Address1"}, .why = "primary address, both ways"},
    {.field = "city", .header = {"City", "City"}, .why = "primary address, both ways"},
    {.field = "state", .header = {"State", "State"}, .why = "primary address, both ways"},
    {.field = "postal_code",
     .header = {"Zip", "Postal"},
     .type = RT_TYPE_ID,
     .why = "primary address, both ways; zeros count"},
    {.field = "country", .header = {"Country", "Country"}, .why = "primary address, both ways"},
    {.field = "phone", .header = {"Phone", "PrimaryPhone"}, .why = "primary phone, both ways"},
    {.field = "email",
     .header = {"Email", "PrimaryEmail"},
     .direction = RT_DIR_TO_NATIVE,
     .why = "one way only, it is not in the other delta"},
    {.field = "reference_source",
     .header = {NULL, "ReferenceSource"},
     .role = RT_ROLE_ORIGIN,
     .why = "filled in by us: the label of the side where it was born"},
};

/* ---- the least ---- */

static const char *const plain_settings[] = {
    HEAD,
    "; round-trip, or single-trip: what was born external is read-only in the native side",
    "mode = round-trip",
    "",
    "[external]",
    "; this side's name in messages",
    "label = platform",
    SIDE_FOLDERS,
    SIDE_SFTP,
    SIDE_FILES,
    "; either-id: its loader finds a row by any of the two IDs; or own-id",
    "matches_by = either-id",
    "; upsert, update-only or insert-only: what may be sent to it",
    "match = upsert",
    "",
    "[native]",
    "; this side's name in messages",
    "label = database",
    SIDE_FOLDERS,
    SIDE_FILES,
    "; own-id: its loader finds a row by its own ID alone; or either-id",
    "matches_by = own-id",
    "; upsert, update-only or insert-only: what may be sent to it",
    "match = upsert",
    POLICY,
};

static const struct rt_draft_line plain_lines[] = {
    {.field = "external_id",
     .header = {"external_id", "external_id"},
     .role = RT_ROLE_EXTERNAL_ID,
     .type = RT_TYPE_ID,
     .why = "the ID that the external side gives"},
    {.field = "native_id",
     .header = {"native_id", "native_id"},
     .role = RT_ROLE_NATIVE_ID,
     .type = RT_TYPE_ID,
     .why = "the ID that the native side gives"},
    {.field = "summary", .header = {"summary", "summary"}, .why = "both ways"},
    {.field = "body", .header = {"body", "body"}, .why = "both ways"},
};

/* ---- the table ---- */

static const struct rt_preset presets[] = {
    {"evertrue",
     {"EverTrue", "database"},
     evertrue_settings,
     evertrue_lines,
     COUNT(evertrue_lines)},
    {"contacts",
     {"RaiseDonors", "Virtuous"},
     contacts_settings,
     contacts_lines,
     COUNT(contacts_lines)},
    {"plain", {"platform", "database"}, plain_settings, plain_lines, COUNT(plain_lines)},
};

const struct rt_preset *rt_preset_find(const char *name)
{
    for (size_t i = 0; i < COUNT(presets); i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

const char *rt_preset_names(void)
{
    return "evertrue, contacts or plain";
}

static const char *delimiter_word(char delimiter)
{
    return delimiter == ';'    ? "semicolon"
           : delimiter == '\t' ? "tab"
           : delimiter == '|'  ? "pipe"
                               : ",";
}

/* A line that a sample knows better. */
static bool add_known(const char *line, const struct rt_preset_file *file, struct rt_buf *out)
{
    if (strcmp(line, "delimiter = ,") == 0 && file->delimiter)
        rt_buf_printf(out, "delimiter = %s", delimiter_word(file->delimiter));
    else if (strcmp(line, "encoding = utf-8") == 0 && file->encoding != NULL)
        rt_buf_printf(out, "encoding = %s", file->encoding);
    else if (strcmp(line, "; stamp = *%Y-%m-%d*") == 0 && file->stamp != NULL)
        rt_buf_printf(out, "stamp = %s", file->stamp);
    else
        return false;
    return true;
}

void rt_preset_settings(const struct rt_preset *preset, const char *name,
                        const struct rt_preset_file file[2], struct rt_buf *out)
{
    int side = RT_EXTERNAL;

    for (const char *const *line = preset->settings; *line != NULL; line++) {
        const char *mark = strstr(*line, "@NAME@");

        if (strcmp(*line, "[native]") == 0)
            side = RT_NATIVE;
        if (mark != NULL)
            rt_buf_printf(out, "%.*s%s%s", (int)(mark - *line), *line, name,
                          mark + strlen("@NAME@"));
        else if (!add_known(*line, &file[side], out))
            rt_buf_add_str(out, *line);
        rt_buf_add_char(out, '\n');
    }
}
