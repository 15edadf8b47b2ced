#include "cmd/cmd.h"
#include "cmd/json.h"

#include "lib/publish.h"
#include "lib/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* What a copy that was killed left: SQLite would go on with it. */
static void remove_part(const char *part)
{
    char *journal = rt_xasprintf("%s-journal", part);

    unlink(part);
    unlink(journal);
    free(journal);
}

/* FILE is not there, or is a whole copy. */
static int copy_to(struct rt_session *session, const char *path, struct rt_err *err)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path + 1) : 0;
    char *part = rt_xasprintf("%.*s.roundtrip-%s.part", folder, path, path + folder);
    int rc = -1;

    remove_part(part);
    if (rt_store_backup(session->store, part, err) < 0) {
        rt_err_context(err, "%s", path);
    } else if (rt_spool_sync(part, err) == 0) {
        rc = rt_spool_move(part, path, err);
        if (rc < 0 && access(part, F_OK) != 0 && errno == ENOENT)
            unlink(path); /* it has its name, but may not be on the disk */
    }
    if (rc < 0)
        remove_part(part);
    free(part);
    return rc;
}

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    const char *path;

    if (rt_args_count(args, 1, 1, err) < 0)
        return -1;
    path = args->words[0];
    if (rt_publish_check_name(path, err) < 0)
        return -1;
    if (access(path, F_OK) == 0)
        return rt_err_set(err, RT_USAGE, "%s is there already: name a new file", path);
    if (copy_to(session, path, err) < 0)
        return -1;
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:o}", "command", "backup", "status", 0, "file",
                              rt_json_message(path)));
    else
        rt_tell(session, "a copy of the state is in %s\n", path);
    return 0;
}

const struct rt_cmd rt_cmd_backup = {
    .name = "backup",
    .synopsis = "FILE",
    .summary = "write a consistent copy of the state, also while another run works",
    .needs = RT_NEEDS_PROFILE | RT_NEEDS_STATE,
    .run = run,
};
