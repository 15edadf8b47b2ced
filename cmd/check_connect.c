#include "cmd/check_connect.h"
#include "cmd/json.h"

#include "lib/filename.h"
#include "lib/remote.h"

static void tell_folder(const struct rt_session *session, const char *what, const char *folder,
                        size_t count, const struct rt_remote_entry *newest)
{
    char when[RT_TIME_SIZE];

    if (session->json)
        return;
    rt_say("  %s %s: %zu file%s", what, folder, count, count == 1 ? "" : "s");
    if (newest != NULL)
        rt_say(", the newest is %s%s%s", newest->name, newest->has_mtime ? " of " : "",
               newest->has_mtime ? rt_time_format(newest->mtime, when) : "");
    rt_say("\n");
}

struct folder {
    const char *what, *path;
    const char *pattern; /* NULL: all files count */
};

static int look_at(const struct rt_session *session, struct rt_remote *remote,
                   const struct folder *folder, json_t *out, struct rt_err *err)
{
    struct rt_remote_list list = {0};
    const struct rt_remote_entry *newest = NULL;
    size_t count = 0;

    if (remote->class->list(remote, folder->path, &list, err) < 0) {
        if (err->code == RT_IO)
            err->code = RT_UNREACHABLE; /* as for fetch: a folder that is not there */
        return -1;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct rt_remote_entry *entry = &list.entries[i];

        if (!entry->is_regular || rt_name_fault(entry->name) != NULL ||
            (folder->pattern != NULL && !rt_name_matches(folder->pattern, entry->name)))
            continue;
        count++;
        if (newest == NULL || entry->mtime >= newest->mtime)
            newest = entry;
    }
    tell_folder(session, folder->what, folder->path, count, newest);
    json_object_set_new(
        out, folder->what,
        json_pack("{s:s, s:I, s:o, s:o}", "folder", folder->path, "files", (json_int_t)count,
                  "newest", rt_json_text(newest ? newest->name : NULL), "newest_time",
                  rt_json_time(newest && newest->has_mtime ? newest->mtime : RT_NEVER)));
    rt_remote_list_clear(&list);
    return 0;
}

static int connect_side(const struct rt_session *session, enum rt_side side, json_t *out,
                        struct rt_err *err)
{
    const struct rt_side_config *s = &session->config->side[side];
    struct rt_remote *remote = NULL;
    int rc;

    if (!session->json)
        rt_say("%s:\n", s->label);
    if (s->transport == RT_TRANSPORT_COMMAND || (s->exports == NULL && s->imports == NULL)) {
        if (!session->json)
            rt_say("  %s\n", s->transport == RT_TRANSPORT_COMMAND
                                 ? "commands: they are run by fetch and push alone"
                                 : "others bring the files and take them: nothing to reach");
        return 0;
    }
    if (rt_remote_open(s, session->profile, rt_clock_monotonic_ms() + s->deadline * 1000,
                       &session->log, &remote, err) < 0)
        return -1;
    rc = s->exports ? look_at(session, remote, &(struct folder){"exports", s->exports, s->pattern},
                              out, err)
                    : 0;
    if (rc == 0 && s->imports)
        rc = look_at(session, remote, &(struct folder){"imports", s->imports, NULL}, out, err);
    rt_remote_close(remote);
    return rc;
}

int rt_check_connect(struct rt_session *session, json_t *root, struct rt_err *err)
{
    json_t *sides = json_object();
    int rc = 0;

    for (int s = 0; s < 2; s++) {
        struct rt_err late;
        json_t *out = json_object();

        if (connect_side(session, (enum rt_side)s, out, &late) < 0) {
            rt_err_context(&late, "%s", session->config->side[s].label);
            if (rc < 0)
                rt_tell(session, "%s\n", late.msg);
            else
                *err = late;
            rc = -1;
        }
        json_object_set_new(sides, rt_side_name((enum rt_side)s), out);
    }
    json_object_set_new(root, "connect", sides);
    return rc;
}
