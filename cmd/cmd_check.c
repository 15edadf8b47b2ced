#include "cmd/check_connect.h"
#include "cmd/check_settings.h"
#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/decide.h"
#include "lib/profile.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const struct rt_option options[] = {
    {"connect", NULL, "reach both other ends, and say what is there"},
    {"state", NULL, "look through the whole state for damage"},
    {"accept-schema", NULL, "take the changed schema and settings as they are now"},
    {NULL, NULL, NULL},
};

struct check {
    struct rt_session *session;
    bool json;
    json_t *root;
};

/* ---- the state ---- */

/* A profile that was never used has none: nothing to compare with. */
static int open_state(const struct check *check, bool *is_there, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/state.db", check->session->profile);
    int rc = rt_session_read(check->session, err);

    *is_there = access(path, F_OK) == 0;
    free(path);
    return rc < 0 && !*is_there && err->code != RT_STOPPED ? 0 : rc;
}

static int verify(const struct check *check, struct rt_err *err)
{
    int64_t records;

    if (rt_store_verify(check->session->store, err) < 0 ||
        rt_store_count_records(check->session->store, &records, err) < 0)
        return -1;
    json_object_set_new(check->root, "records", json_integer(records));
    if (!check->json)
        rt_say("state.db: whole, %lld record%s\n", (long long)records, records == 1 ? "" : "s");
    return 0;
}

static int accept(const struct check *check, struct rt_err *err)
{
    struct rt_session *session = check->session;

    if (rt_session_change(session, err) < 0 || rt_session_begin(session, err) < 0 ||
        rt_decide_accept_schema(&session->work, err) < 0)
        return -1;
    return rt_session_commit(session, 0, err);
}

/* RT_STOPPED while there are changes that nobody has accepted. */
static int check_contract(const struct check *check, bool is_accepted, struct rt_err *err)
{
    struct rt_session *session = check->session;
    struct rt_buf changes = {0};
    int rc = rt_profile_contract_changes(session->store, session->schema, session->config, &changes,
                                         err);

    if (rc == 0) {
        json_object_set_new(check->root, "changes", json_string(rt_buf_str(&changes)));
        json_object_set_new(check->root, "accepted", json_boolean(changes.len == 0 || is_accepted));
        if (changes.len && !check->json)
            rt_say("schema.csv or roundtrip.ini changed (- was accepted, + is now):\n%s",
                   rt_buf_str(&changes));
        if (is_accepted)
            rc = accept(check, err);
        else if (changes.len)
            rc = RT_STOPPED;
    }
    if (rc == RT_STOPPED)
        rt_tell(session, "nothing is sent until roundtrip check --accept-schema\n");
    else if (rc == 0 && is_accepted && !check->json)
        rt_say("accepted: every row of the next files is looked at again\n");
    rt_buf_clear(&changes);
    return rc;
}

static int check_state(const struct check *check, const struct rt_args *args, struct rt_err *err)
{
    bool is_there;

    if (open_state(check, &is_there, err) < 0)
        return -1;
    if (!is_there) {
        if (!check->json)
            rt_say("state.db: none yet\n");
        return 0;
    }
    if (rt_args_has(args, "state") && verify(check, err) < 0)
        return -1;
    return check_contract(check, rt_args_has(args, "accept-schema"), err);
}

/* ---- going live with EverTrue ---- */

static void say_list(const struct check *check)
{
    static const char *const lines[] = {
        "the SFTP home is set up, and host_key or known_hosts names the server",
        "the export has InteractionEverTrueID and InteractionImportID",
        "the entry form's fields are all in schema.csv, spelled as in the export",
        "support has mapped the column \"EverTrue Interaction ID\" of imports",
        "the first file was mapped by hand: header names and order are fixed from then on",
        "automatic import is on for the organization: a file that is gone is not yet imported",
        "file names hold .interactions. and none of .full., .gift. or .gifts.",
        "history went out first: emit --historical, or baseline where it is there already",
        "a first diff, then emit --only ID with one interaction, then the rest",
        "status --check is watched, and fetch runs right before emit",
    };

    if (check->json || strcasecmp(check->session->config->side[RT_EXTERNAL].label, "EverTrue") != 0)
        return;
    rt_say("before going live with EverTrue, see that\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        rt_say("  [ ] %s\n", lines[i]);
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    struct check check = {.session = session, .json = session->json, .root = json_object()};
    int rc = rt_args_count(args, 0, 0, err);

    if (rc == 0)
        rc = rt_check_settings(session, check.root, err);
    if (rc == 0)
        rc = check_state(&check, args, err);
    if (rc >= 0 && rt_args_has(args, "connect") && rt_check_connect(session, check.root, err) < 0)
        rc = -1;
    if (rc < 0) {
        json_decref(check.root);
        return -1;
    }
    say_list(&check);
    json_object_set_new(check.root, "command", json_string("check"));
    json_object_set_new(check.root, "status", json_integer(rc));
    if (check.json)
        rt_json_say(check.root);
    else
        json_decref(check.root);
    return rc;
}

const struct rt_cmd rt_cmd_check = {
    .name = "check",
    .synopsis = "[--connect] [--state] [--accept-schema]",
    .summary = "are settings, schema, connections and state in order?",
    .options = options,
    .needs = RT_NEEDS_PROFILE,
    .run = run,
};
