#include "cmd/cmd.h"
#include "cmd/json.h"

#include <unistd.h>

static int run(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    const char *path;

    if (rt_args_count(args, 1, 1, err) < 0)
        return -1;
    path = args->words[0];
    if (access(path, F_OK) == 0)
        return rt_err_set(err, RT_USAGE, "%s is there already: name a new file", path);
    if (rt_store_backup(session->store, path, err) < 0)
        return rt_err_context(err, "%s", path);
    if (session->json)
        rt_json_say(json_pack("{s:s, s:i, s:s}", "command", "backup", "status", 0, "file", path));
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
