#include "lib/remote_openssh.h"

#include "lib/remote_secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ssh runs a program to ask for secrets; this one runs the commands of the settings, which are in
   its environment.  No secret is in it, nor in any argument. */
static int make_askpass(struct rt_openssh *o, struct rt_err *err)
{
    static const char script[] =
        "#!/bin/sh\n"
        "cd \"$ROUNDTRIP_FOLDER\" || exit 1\n"
        "case $1 in\n"
        "*[Pp]assphrase*) exec /bin/sh -c \"$ROUNDTRIP_PASSPHRASE_COMMAND\" ;;\n"
        "*[Pp]assword*) exec /bin/sh -c \"$ROUNDTRIP_PASSWORD_COMMAND\" ;;\n"
        "esac\n"
        "exit 1\n";
    char *path = rt_xasprintf("%s/.roundtrip-askpass.XXXXXX", o->profile);
    int fd = mkostemp(path, O_CLOEXEC);
    bool is_written = fd >= 0 &&
                      write(fd, script, sizeof script - 1) == (ssize_t)(sizeof script - 1) &&
                      fchmod(fd, 0700) == 0;

    if (fd >= 0 && close(fd) == 0 && is_written) {
        o->askpass = path;
        return 0;
    }
    rt_err_errno(err, RT_IO, "cannot write %s", path);
    if (fd >= 0)
        unlink(path);
    free(path);
    return -1;
}

/* "Remote working directory: /home/roundtrip" */
static bool take_start(struct rt_openssh *o, const char *out)
{
    static const char words[] = "Remote working directory: ";
    const char *at = strstr(out, words);

    if (at == NULL)
        return false;
    at += sizeof words - 1;
    free(o->start);
    o->start = rt_xstrndup(at, strcspn(at, "\r\n"));
    return true;
}

static int say_hello(struct rt_openssh *o, struct rt_err *err)
{
    struct rt_openssh_run run = {0};
    int rc;

    rt_buf_add_str(&run.commands, "pwd\n");
    o->is_dead = false;
    rc = rt_openssh_run(o, &run, err);
    if (rc == 0 && (run.has_failed || !take_start(o, rt_buf_str(&run.out))))
        rc = rt_err_set(err, RT_REFUSED, "%s: sftp does not start: %.600s", o->where,
                        rt_buf_str(&run.errors));
    rt_openssh_run_clear(&run);
    return rc;
}

/* A pin does not tell the type of its key, and the server shows one of several. */
static int say_hello_to_pinned(struct rt_openssh *o, struct rt_err *err)
{
    static const char *const types[] = {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
        "rsa-sha2-512,rsa-sha2-256",
    };
    struct rt_err first;

    if (say_hello(o, err) == 0)
        return 0;
    first = *err;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (first.code != RT_REFUSED || strstr(first.msg, "host key") == NULL)
            break;
        o->types = types[i];
        if (say_hello(o, err) == 0)
            return 0;
        if (err->code != RT_REFUSED)
            return -1;
        if (strstr(err->msg, "host key") == NULL)
            return -1; /* the right server, which refuses something else */
    }
    *err = first;
    return -1;
}

int rt_openssh_prepare(struct rt_openssh *o, struct rt_err *err)
{
    const struct rt_side_config *settings = o->base.settings;

    o->key = rt_remote_local_path(o->profile, settings->identity);
    if (o->key != NULL && rt_secret_check_file(o->key, err) != 0)
        return -1;
    if ((settings->passphrase_command != NULL || settings->password_command != NULL) &&
        make_askpass(o, err) != 0)
        return -1;
    return settings->host_key.count > 0 ? say_hello_to_pinned(o, err) : say_hello(o, err);
}
