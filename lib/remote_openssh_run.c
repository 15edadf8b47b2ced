#include "lib/remote_openssh.h"

#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_OUTPUT (256 << 20)
#define MAX_ERRORS 65536
#define MAX_ARGS   48
#define PART_MS    300

/* The arguments of one run; all in one arena. */
struct args {
    struct rt_arena arena;
    char *items[MAX_ARGS];
    size_t count;
};

static void add_arg(struct args *args, const char *text)
{
    if (args->count < MAX_ARGS - 1)
        args->items[args->count++] = rt_arena_strdup(&args->arena, text);
}

/*
 * A key is known when its fingerprint is a pin: ssh asks a command for known_hosts lines, and the
 * command gives it the very key that the server showed, if that is pinned.
 */
static void add_pins(struct args *args, const struct rt_list *pins)
{
    struct rt_buf text = {0};

    rt_buf_add_str(&text, "-oKnownHostsCommand=/bin/sh -c 'case \"$1\" in ");
    for (size_t i = 0; i < pins->count; i++) {
        const char *pin = pins->items[i];
        size_t len;

        if (strncmp(pin, "SHA256:", 7) == 0)
            pin += 7;
        /* Only what a fingerprint is made of: the rest would be shell. */
        len = strspn(pin, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
        rt_buf_printf(&text, "%sSHA256:%.*s", i > 0 ? "|" : "", (int)len, pin);
    }
    rt_buf_add_str(&text, ") echo \"$2 $3 $4\";; esac' sh %f %H %t %K");
    add_arg(args, rt_buf_str(&text));
    add_arg(args, "-oUserKnownHostsFile=/dev/null");
    add_arg(args, "-oGlobalKnownHostsFile=/dev/null");
    rt_buf_clear(&text);
}

static void add_options(struct args *args, const struct rt_openssh *o)
{
    const struct rt_side_config *settings = o->base.settings;
    int64_t third = settings->timeout / 3 > 0 ? settings->timeout / 3 : 1;

    add_arg(args, "-oStrictHostKeyChecking=yes");
    add_arg(args, "-oPermitLocalCommand=no");
    add_arg(args, "-oForwardAgent=no");
    add_arg(args, "-oClearAllForwardings=yes");
    add_arg(args, "-oNumberOfPasswordPrompts=1");
    add_arg(args,
            rt_arena_printf(&args->arena, "-oConnectTimeout=%lld", (long long)settings->timeout));
    add_arg(args, rt_arena_printf(&args->arena, "-oServerAliveInterval=%lld", (long long)third));
    add_arg(args, "-oServerAliveCountMax=3");
    if (o->types != NULL)
        add_arg(args, rt_arena_printf(&args->arena, "-oHostKeyAlgorithms=%s", o->types));
    if (settings->host_key.count > 0)
        add_pins(args, &settings->host_key);
    if (settings->user != NULL)
        add_arg(args, rt_arena_printf(&args->arena, "-oUser=%s", settings->user));
    if (settings->port != 22) /* 22 is also "not set": then ssh_config may say another */
        add_arg(args, rt_arena_printf(&args->arena, "-oPort=%d", settings->port));
    if (o->key != NULL) {
        add_arg(args, "-oIdentitiesOnly=yes");
        add_arg(args, "-i");
        add_arg(args, o->key);
    }
}

static void make_args(struct args *args, const struct rt_openssh *o)
{
    add_arg(args, "sftp");
    /* The first value counts, and -b brings its own: with a script to ask, ssh must be free to ask.
     */
    add_arg(args, o->askpass != NULL ? "-oBatchMode=no" : "-oBatchMode=yes");
    add_arg(args, "-b");
    add_arg(args, "-");
    add_options(args, o);
    add_arg(args, "--");
    add_arg(args, o->base.settings->host);
    args->items[args->count] = NULL;
}

static void set_environment(const struct rt_openssh *o)
{
    const struct rt_side_config *settings = o->base.settings;

    setenv("TZ", "UTC0", 1);
    setenv("LC_ALL", "C.UTF-8", 1); /* names as they are */
    if (o->askpass == NULL)
        return;
    setenv("SSH_ASKPASS", o->askpass, 1);
    setenv("SSH_ASKPASS_REQUIRE", "force", 1);
    setenv("ROUNDTRIP_FOLDER", o->profile, 1);
    setenv("ROUNDTRIP_PASSPHRASE_COMMAND",
           settings->passphrase_command ? settings->passphrase_command : "", 1);
    setenv("ROUNDTRIP_PASSWORD_COMMAND",
           settings->password_command ? settings->password_command : "", 1);
}

static void become_sftp(const struct rt_openssh *o, char *const *args, const int fds[3])
{
    setpgid(0, 0); /* so that its ssh can be ended with it */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], i) < 0)
            _exit(126);
    signal(SIGPIPE, SIG_DFL);
    set_environment(o);
    execvp(args[0], args);
    fprintf(stderr, "roundtrip: cannot run %s: %s\n", args[0], strerror(errno));
    _exit(127);
}

static void close_pair(int pair[2])
{
    if (pair[0] >= 0)
        close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_all(struct rt_openssh_child *child)
{
    close_end(&child->in);
    close_end(&child->out);
    close_end(&child->errors);
    child->pid = 0;
}

static int start(struct rt_openssh *o, struct rt_err *err)
{
    struct rt_openssh_child *child = &o->child;
    int in[2] = {-1, -1}, out[2] = {-1, -1}, errors[2] = {-1, -1};
    struct args args = {0};

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
        rt_err_errno(err, RT_INTERNAL, "cannot make a pipe");
        close_pair(in), close_pair(out), close_pair(errors);
        return -1;
    }
    make_args(&args, o);
    child->pid = fork();
    if (child->pid == 0)
        become_sftp(o, args.items, (const int[]){in[0], out[1], errors[1]});
    rt_arena_clear(&args.arena);
    close(in[0]), close(out[1]), close(errors[1]);
    child->in = in[1];
    child->out = out[0];
    child->errors = errors[0];
    fcntl(child->in, F_SETFL, O_NONBLOCK);
    fcntl(child->out, F_SETFL, O_NONBLOCK);
    fcntl(child->errors, F_SETFL, O_NONBLOCK);
    if (child->pid < 0) {
        rt_err_errno(err, RT_INTERNAL, "cannot start sftp");
        close_all(child);
        return -1;
    }
    setpgid(child->pid, child->pid);
    return 0;
}

/* Waits for its end; its status. */
static int finish(struct rt_openssh_child *child, bool is_late)
{
    int status = 0;

    if (is_late) {
        kill(-child->pid, SIGTERM);
        kill(-child->pid, SIGKILL);
    }
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR) {
            status = -1;
            break;
        }
    close_all(child);
    return status;
}

void rt_openssh_end(struct rt_openssh *o)
{
    struct timespec slice = {.tv_nsec = 2000000};
    int64_t until_ms = rt_clock_monotonic_ms() + PART_MS;
    siginfo_t info = {0};

    if (o->child.pid <= 0)
        return;
    close_end(&o->child.in); /* it parts with the server by itself, if that still answers */
    while (waitid(P_PID, (id_t)o->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0 && rt_clock_monotonic_ms() < until_ms)
        nanosleep(&slice, NULL);
    (void)finish(&o->child, true);
}

static void feed(struct rt_openssh_child *child, const struct rt_buf *commands, size_t *fed)
{
    ssize_t n = write(child->in, commands->ptr + *fed, commands->len - *fed);

    if (n > 0)
        *fed += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        close_end(&child->in); /* a child that reads no more will say why */
}

static int drain(int *fd, struct rt_buf *into, size_t limit)
{
    char block[16384];
    ssize_t n = *fd < 0 ? 0 : read(*fd, block, sizeof block);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0)
        close_end(fd);
    else if (into->len + (size_t)n <= limit)
        rt_buf_add(into, block, (size_t)n);
    else
        return -1;
    return 0;
}

static int64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* What sftp has read and written so far, to see that an upload or a listing goes on: it says
   nothing meanwhile.  -1 where Linux does not tell. */
static int64_t moved_by(pid_t pid)
{
    long long read_bytes, written;
    char path[40];
    FILE *file;
    int n;

    snprintf(path, sizeof path, "/proc/%ld/io", (long)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return -1;
    n = fscanf(file, "rchar: %lld wchar: %lld", &read_bytes, &written);
    fclose(file);
    return n == 2 ? read_bytes + written : -1;
}

/* A figure that changes while data flows; -1: nothing can be seen of it. */
static int64_t progress_of(const struct rt_openssh *o, const struct rt_openssh_run *run)
{
    int64_t moved;

    if (run->growing != NULL)
        return size_of(run->growing);
    moved = moved_by(o->child.pid);
    /* It prints a listing when it has all of it; most are quick, so that waiting in vain is worse.
     */
    return moved < 0 && !run->is_upload ? 0 : moved;
}

static int check_limits(struct rt_openssh *o, int64_t last_ms, struct rt_err *err)
{
    int64_t timeout = o->base.settings->timeout;

    if (rt_remote_check_time(&o->base, err) != 0)
        return -1;
    /* Connecting, and ssh's own looking after the server, take up to the time-out each. */
    if (rt_clock_monotonic_ms() - last_ms > timeout * 2000)
        return rt_err_set(err, RT_UNREACHABLE, "%s: no data for %lld s (timeout in roundtrip.ini)",
                          o->where, (long long)timeout * 2);
    return 0;
}

/* sftp repeats each command when it comes to it; the last one is a comment that nobody can foresee.
 */
static bool is_done(const struct rt_openssh_run *run)
{
    char last[sizeof run->mark + 16];
    int len = snprintf(last, sizeof last, "sftp> %s done\n", run->mark);
    const char *end = rt_buf_str(&run->out) + run->out.len;

    return run->out.len >= (size_t)len && memcmp(end - len, last, (size_t)len) == 0 &&
           (run->out.len == (size_t)len || end[-len - 1] == '\n');
}

/* Until it has done all commands, or both ends of its output are closed. */
static int converse(struct rt_openssh *o, struct rt_openssh_run *run, struct rt_err *err)
{
    struct rt_openssh_child *child = &o->child;
    int64_t last_ms = rt_clock_monotonic_ms(), progress = progress_of(o, run);
    size_t fed = 0;

    while (!is_done(run) && (child->out >= 0 || child->errors >= 0)) {
        struct pollfd p[3] = {{.fd = fed < run->commands.len ? child->in : -1, .events = POLLOUT},
                              {.fd = child->out, .events = POLLIN},
                              {.fd = child->errors, .events = POLLIN}};
        int n = poll(p, 3, 200);
        int64_t progress_now = progress_of(o, run);

        if (n > 0 || progress_now != progress || progress_now < 0)
            last_ms = rt_clock_monotonic_ms();
        progress = progress_now;
        if (check_limits(o, last_ms, err) != 0)
            return -1;
        if (n <= 0)
            continue;
        if (p[0].revents != 0)
            feed(child, &run->commands, &fed);
        /* What it complained of came before the last words that are read after it. */
        if ((p[1].revents != 0 && drain(&child->out, &run->out, MAX_OUTPUT) != 0) ||
            drain(&child->errors, &run->errors, MAX_ERRORS) != 0)
            return rt_err_set(err, RT_UNREACHABLE, "%s: sftp prints without end", o->where);
    }
    return 0;
}

static bool says(const struct rt_openssh_run *run, const char *words)
{
    return strstr(rt_buf_str(&run->errors), words) != NULL;
}

/* What ssh said, on one line, in printable characters; the last words count most. */
static const char *one_line(struct rt_openssh_run *run)
{
    char *text = run->errors.ptr;
    size_t len = run->errors.len;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        text[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
            text[i] = ' ';
    run->errors.len = len;
    return len == 0 ? "no reason given" : len > 600 ? text + len - 600 : text;
}

/* Exit 255, or a death: the connection.  What passes is RT_UNREACHABLE, what does not RT_REFUSED.
 */
static int explain(struct rt_openssh *o, struct rt_openssh_run *run, struct rt_err *err)
{
    static const char *const refusals[] = {
        "Host key verification failed",
        "HOST IDENTIFICATION HAS CHANGED",
        "host key is known",
        "Permission denied (",
        "Too many authentication",
        "no matching ",
        "Unable to negotiate",
        "Load key ",
        "subsystem request failed",
    };
    enum rt_code code = RT_UNREACHABLE;
    const char *advice = "", *key = "";

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (says(run, refusals[i]))
            code = RT_REFUSED;
    if (says(run, "Host key verification failed"))
        advice = o->base.settings->host_key.count > 0
                     ? "its host key is none of those pinned by host_key; ask its owner whether "
                       "the key was changed: "
                 : says(run, "host key is known") /* No ED25519 host key is known */
                     ? "its host key is not known; compare it with what its owner says, then set "
                       "host_key: "
                     : "its host key is not the one in known_hosts; compare it with what its owner "
                       "says, then set host_key: ";
    else if (says(run, "Permission denied (")) {
        advice = o->key != NULL ? "login refused with the key file " : "login refused: ";
        key = o->key != NULL ? o->key : "";
    }
    o->is_dead = true;
    return rt_err_set(err, code, "%s: %s%s%s%s", o->where, advice, key, *key != '\0' ? ": " : "",
                      one_line(run));
}

static bool has_lost_link(const struct rt_openssh_run *run)
{
    static const char *const signs[] = {
        "Connection closed", "Connection reset",     "Broken pipe",       "Connection to ",
        "Timeout, server",   "Connection timed out", "client_loop: send "};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (says(run, signs[i]))
            return true;
    return false;
}

int rt_openssh_mark(struct rt_openssh_run *run, struct rt_err *err)
{
    uint64_t dice[2];

    if (*run->mark != '\0')
        return 0;
    if (getrandom(dice, sizeof dice, 0) != (ssize_t)sizeof dice)
        return rt_err_errno(err, RT_INTERNAL, "no random numbers");
    snprintf(run->mark, sizeof run->mark, "# %016" PRIx64 "%016" PRIx64, dice[0], dice[1]);
    return 0;
}

/* It has ended: because a command failed, or because of worse. */
static int judge_end(struct rt_openssh *o, struct rt_openssh_run *run, int status,
                     struct rt_err *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        o->is_dead = true;
        return rt_err_set(err, RT_CONFIG,
                          "cannot run the sftp program; install the OpenSSH client, or use "
                          "transport = sftp");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 255 || WEXITSTATUS(status) == 0 ||
        has_lost_link(run))
        return explain(o, run, err);
    run->has_failed = true;
    return 0;
}

/* `ls` complains of a folder that it may not read, or that it could read half of, and goes on as if
 * all was well; half a listing is none. */
static bool has_broken_listing(const struct rt_openssh_run *run)
{
    return says(run, "remote readdir(") || says(run, "Couldn't read directory");
}

int rt_openssh_run(struct rt_openssh *o, struct rt_openssh_run *run, struct rt_err *err)
{
    if (o->is_dead)
        return rt_err_set(err, RT_UNREACHABLE, "%s: the connection was lost; run it again",
                          o->where);
    if (rt_remote_check_time(&o->base, err) != 0 || rt_openssh_mark(run, err) != 0 ||
        (o->child.pid == 0 && start(o, err) != 0))
        return -1;
    rt_buf_printf(&run->commands, "%s done\n", run->mark);
    if (converse(o, run, err) != 0) {
        (void)finish(&o->child, true);
        o->is_dead = true;
        return -1;
    }
    if (!is_done(run))
        return judge_end(o, run, finish(&o->child, false), err);
    run->has_failed = has_broken_listing(run);
    return 0;
}

void rt_openssh_run_clear(struct rt_openssh_run *run)
{
    rt_buf_clear(&run->commands);
    rt_buf_clear(&run->out);
    rt_buf_clear(&run->errors);
}
