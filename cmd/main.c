#include "cmd/cmd.h"
#include "cmd/complete.h"
#include "cmd/json.h"

#include "lib/csv_reader.h"
#include "lib/fault.h"
#include "lib/remote.h"
#include "lib/source.h"

#include <jansson.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct rt_cmd rt_cmd_init, rt_cmd_check, rt_cmd_fetch, rt_cmd_diff, rt_cmd_emit,
    rt_cmd_push, rt_cmd_withdraw, rt_cmd_baseline, rt_cmd_bind, rt_cmd_confirm, rt_cmd_retry,
    rt_cmd_review, rt_cmd_hold, rt_cmd_release, rt_cmd_pause, rt_cmd_resume, rt_cmd_status,
    rt_cmd_log, rt_cmd_show, rt_cmd_report, rt_cmd_run, rt_cmd_backup, rt_cmd_rebuild;

const struct rt_cmd *const rt_commands[] = {
    &rt_cmd_init,     &rt_cmd_check,  &rt_cmd_fetch,   &rt_cmd_diff,
    &rt_cmd_emit,     &rt_cmd_push,   &rt_cmd_run,     &rt_cmd_withdraw,
    &rt_cmd_baseline, &rt_cmd_bind,   &rt_cmd_confirm, &rt_cmd_retry,
    &rt_cmd_review,   &rt_cmd_hold,   &rt_cmd_release, &rt_cmd_pause,
    &rt_cmd_resume,   &rt_cmd_status, &rt_cmd_log,     &rt_cmd_show,
    &rt_cmd_report,   &rt_cmd_backup, &rt_cmd_rebuild, NULL};

static void help(void)
{
    rt_say("usage: roundtrip [-C DIR] COMMAND ...\n\n"
           "Keeps interactions in step between a platform and a database that exchange CSV "
           "files.\n\n");
    for (size_t i = 0; rt_commands[i] != NULL; i++)
        rt_say("  %-10s %s\n", rt_commands[i]->name, rt_commands[i]->summary);
    rt_say("\nroundtrip COMMAND --help tells the options; man roundtrip is the place to start.\n");
}

static void say_versions(void)
{
    unsigned xxhash = rt_digest_library_version();

    rt_say("roundtrip %s\n", RT_VERSION);
    rt_say("with libcsv %s, libssh2 %s, sqlite %s, xxhash %u.%u.%u, zlib %s, jansson %s, inih %s\n",
           rt_csv_library_version(), rt_remote_library_version(), rt_store_library_version(),
           xxhash / 10000, xxhash / 100 % 100, xxhash % 100, rt_source_library_version(),
           jansson_version_str(), rt_config_library_version());
}

static const struct rt_cmd *find_command(const char *word, struct rt_err *err)
{
    const char *names[64];
    const char *near;
    size_t n = 0;

    for (; rt_commands[n] != NULL; n++) {
        if (strcmp(rt_commands[n]->name, word) == 0)
            return rt_commands[n];
        names[n] = rt_commands[n]->name;
    }
    near = rt_nearest(word, names, n);
    rt_err_set(err, RT_USAGE, "there is no command \"%s\"%s%s%s roundtrip --help lists them", word,
               near ? ": did you mean " : ":", near ? near : "", near ? "?" : "");
    return NULL;
}

/* Options in front of the command.  1: done, nothing to run; 0; -1. */
static int take_front(int *argc, char ***argv, struct rt_session *session, struct rt_err *err)
{
    while (*argc > 0 && (*argv)[0][0] == '-') {
        const char *word = (*argv)[0];

        (*argc)--;
        (*argv)++;
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            help();
            return 1;
        }
        if (strcmp(word, "--complete") == 0) {
            rt_complete(*argc, *argv);
            return 1;
        }
        if (strcmp(word, "--version") == 0) {
            say_versions();
            return 1;
        }
        if (strcmp(word, "-q") == 0)
            session->quiet = true;
        else if (strcmp(word, "-v") == 0)
            session->verbose = true;
        else if (strcmp(word, "-C") == 0 && *argc > 0 && *(*argv)[0] != '\0') {
            session->profile = (*argv)[0];
            (*argc)--;
            (*argv)++;
        } else if (strcmp(word, "-C") == 0)
            return rt_err_set(err, RT_USAGE, "-C needs a folder");
        else
            return rt_err_set(
                err, RT_USAGE,
                "%s: not an option that stands in front of the command: see roundtrip --help",
                word);
    }
    if (*argc > 0)
        return 0;
    return rt_err_set(err, RT_USAGE, "which command? see roundtrip --help");
}

/* Also behind an option that is wrong, where reading stopped. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int run_command(struct rt_session *session, int argc, char **argv, struct rt_err *err)
{
    struct rt_args args = {0};
    int rc;

    session->cmd = find_command(argv[0], err);
    if (session->cmd == NULL)
        return -1;
    rc = rt_args_parse(session->cmd, argc - 1, argv + 1, session, &args, err);
    if (rc < 0)
        session->json = wants_json(argc, argv);
    if (rc == 1) {
        rt_args_help(session->cmd);
        rc = 0;
    } else if (rc == 0) {
        rc = rt_session_open(session, &args, err) < 0 ? -1 : session->cmd->run(session, &args, err);
        if (rc < 0)
            rt_session_note_failure(session, err);
        if (rc < 0 && session->cmd->failed != NULL)
            session->cmd->failed(session, &args, err);
    }
    rt_session_close(session);
    rt_args_clear(&args);
    return rc;
}

/* With --json there is an object at the end in any case. */
static void say_error(const struct rt_session *session, const struct rt_err *err)
{
    rt_json_say(json_pack("{s:s, s:i, s:o}", "command", session->cmd->name, "status",
                          err->code ? (int)err->code : RT_INTERNAL, "error",
                          rt_json_message(err->msg)));
}

/* A file that we open must not become standard output or error, or messages would be written into
   it.  Read-only: what cannot be told is an error, as it would be without. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd < STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    struct rt_session session = {.profile = getenv("ROUNDTRIP_PROFILE")};
    struct rt_err err = {.code = RT_OK};
    int rc;

    fill_standard_files();
    session.umask = umask(077);
    rt_stop_install();
    if (session.profile == NULL || *session.profile == '\0')
        session.profile = ".";
    argc--;
    argv++;
    rc = take_front(&argc, &argv, &session, &err);
    if (rc == 1)
        rc = 0;
    else if (rc == 0)
        rc = run_command(&session, argc, argv, &err);
    if (rc < 0 && session.json && session.cmd != NULL)
        say_error(&session, &err);
    if (rc >= 0) {
        struct rt_err late;

        if (rt_report_end(&late) < 0) {
            err = late;
            rc = -1;
        }
    }
    if (rc < 0) {
        if (*err.msg != '\0')
            fprintf(stderr, "roundtrip%s%s: %s\n", session.cmd ? " " : "",
                    session.cmd ? session.cmd->name : "", err.msg);
        return err.code ? (int)err.code : RT_INTERNAL;
    }
    return rc;
}
