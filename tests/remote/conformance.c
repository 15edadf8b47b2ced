/*
 * One suite for all implementations of lib/remote.h.
 *
 *     conformance directory|sftp|openssh [TEST]
 *
 * RT_SSHD is the path of sshd.sh, or of a script like it for a server of another make, which
 * RT_MAKE then names; RT_WORK is an empty folder.  What the other end holds is looked at in its own
 * folder, not through the code under test.
 */
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/mem.h"
#include "lib/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE (5 * 1024 * 1024 + 17)
/* Seconds; a busy machine may rest for some. */
#define PATIENCE 60
#define STALL    5

/* The scene: one folder, one server, one remote. */
static struct {
    enum rt_transport transport;
    char *work, *sshd;
    char *root;  /* what the other end serves, seen from here */
    char *local; /* a folder of ours */
    struct rt_side_config settings;
    char *pins[4];
    struct rt_log log;
    struct rt_buf logged;
    struct rt_remote *remote;
    struct rt_err err;
} scene;

static char *path_of(const char *folder, const char *name)
{
    static char text[8][512];
    static int next;
    char *path = text[next++ % 8], joined[sizeof text[0]];

    snprintf(joined, sizeof joined, "%s/%s", folder,
             name); /* the name may be one of `text` itself */
    return memcpy(path, joined, sizeof joined);
}

static char *there(const char *name)
{
    return path_of(scene.root, name);
}

static char *here(const char *name)
{
    return path_of(scene.local, name);
}

static void RT_PRINTF(1, 2) shell(const char *fmt, ...)
{
    char command[4096];
    va_list ap;

    va_start(ap, fmt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(command, sizeof command, fmt, ap);
#pragma GCC diagnostic pop
    va_end(ap);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static void write_bytes(const char *path, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    for (size_t i = 0; i < len; i++)
        fputc((int)((i * 131 + i / 251) & 0xff), f);
    assert_int_equal(fclose(f), 0);
}

/* A file of holes. */
static void truncate_new(const char *path, off_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || ftruncate(fd, len) != 0)
        _exit(1);
    close(fd);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void assert_text(const char *path, const char *text)
{
    struct rt_buf buf = {0};
    struct rt_err err;

    assert_int_equal(rt_spool_read(path, 1 << 20, &buf, &err), 0);
    assert_string_equal(rt_buf_str(&buf), text);
    rt_buf_clear(&buf);
}

static void assert_same_bytes(const char *a, const char *b)
{
    struct rt_file_facts fa, fb;
    struct rt_err err;

    assert_int_equal(rt_spool_facts(a, &fa, &err), 0);
    assert_int_equal(rt_spool_facts(b, &fb, &err), 0);
    assert_int_equal(fa.size, fb.size);
    assert_true(rt_digest_is_equal(fa.digest, fb.digest));
}

static off_t size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void assert_says(const char *words)
{
    if (strstr(scene.err.msg, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, scene.err.msg);
}

static void on_message(void *context, enum rt_log_level level, const char *text)
{
    (void)context, (void)level;
    rt_buf_printf(&scene.logged, "%s\n", text);
}

/* The server. */

static bool is_remote(void)
{
    return scene.transport != RT_TRANSPORT_DIRECTORY;
}

static char *server_value(const char *name)
{
    char line[512], *env = path_of(scene.work, "server/env"), *value = NULL;
    FILE *f = fopen(env, "r");
    size_t len = strlen(name);

    assert_non_null(f);
    while (value == NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == '=') {
            line[strcspn(line, "\n")] = '\0';
            value = rt_xstrdup(line + len + 1);
        }
    fclose(f);
    if (value == NULL)
        fail_msg("no %s in the server's env", name);
    return value;
}

static void set_pin(int i, const char *name)
{
    free(scene.pins[i]);
    scene.pins[i] = server_value(name);
    scene.settings.host_key.count = (size_t)i + 1;
}

static char *key_path(const char *name)
{
    return path_of(path_of(scene.work, "server"), name);
}

static void server_start(const char *environment, const char *line)
{
    char *port;

    shell("%s sh '%s' start %s/server %s >/dev/null", environment, scene.sshd, scene.work, line);
    port = server_value("RT_PORT");
    scene.settings.port = (int)strtol(port, NULL, 10);
    free(port);
    set_pin(0, "RT_PIN_ED25519");
}

static void server_do(const char *verb)
{
    shell("sh '%s' %s %s/server", scene.sshd, verb, scene.work);
}

static void set_identity(const char *key)
{
    free(scene.settings.identity);
    scene.settings.identity = rt_xstrdup(key_path(key));
}

static int open_remote(void)
{
    int64_t deadline = rt_clock_monotonic_ms() + PATIENCE * 10 * 1000;

    rt_remote_close(scene.remote);
    scene.remote = NULL;
    return rt_remote_open(&scene.settings, scene.work, deadline, &scene.log, &scene.remote,
                          &scene.err);
}

static void must_open(void)
{
    if (open_remote() != 0)
        fail_msg("cannot open: %s", scene.err.msg);
}

static void must_refuse(enum rt_code code, const char *words)
{
    assert_int_equal(open_remote(), -1);
    if (scene.err.code != code)
        fail_msg("code %d: %s", (int)scene.err.code, scene.err.msg);
    assert_null(scene.remote);
    assert_says(words);
}

static int set_up(void **state)
{
    (void)state;
    shell("rm -rf %s/exports %s/imports %s && mkdir -p %s/exports %s/imports %s", scene.root,
          scene.root, scene.local, scene.root, scene.root, scene.local);
    scene.settings.timeout = PATIENCE;
    scene.settings.retries = 0;
    scene.settings.upload = RT_UPLOAD_RENAME;
    rt_buf_reset(&scene.logged);
    rt_err_clear(&scene.err);
    if (is_remote()) {
        set_pin(0, "RT_PIN_ED25519");
        set_identity("user_ed25519");
        scene.settings.passphrase_command = scene.settings.password_command = NULL;
    }
    return 0;
}

static int set_up_open(void **state)
{
    set_up(state);
    must_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rt_remote_close(scene.remote);
    scene.remote = NULL;
    return 0;
}

/* The interface, shorter. */

static int do_list(const char *folder, struct rt_remote_list *list)
{
    return scene.remote->class->list(scene.remote, folder, list, &scene.err);
}

static int do_stat(const char *path, struct rt_remote_entry *entry)
{
    return scene.remote->class->stat(scene.remote, path, entry, &scene.err);
}

static int do_get(const char *path, const char *name)
{
    struct rt_spool *spool;
    int rc;

    assert_int_equal(rt_spool_open(scene.local, name, false, &spool, &scene.err), 0);
    rc = scene.remote->class->get(scene.remote, path, spool, &scene.err);
    if (rc == 0)
        assert_int_equal(rt_spool_commit(spool, &scene.err), 0);
    rt_spool_close(spool);
    return rc;
}

static int do_put(const char *local, const char *path)
{
    return scene.remote->class->put(scene.remote, local, path, &scene.err);
}

static int do_rename(const char *from, const char *to)
{
    return scene.remote->class->rename(scene.remote, from, to, &scene.err);
}

static int do_remove(const char *path)
{
    return scene.remote->class->remove(scene.remote, path, &scene.err);
}

static int do_deliver(const char *name)
{
    return rt_remote_deliver(scene.remote, here(name), "imports", name, &scene.err);
}

static void must(int rc)
{
    if (rc != 0)
        fail_msg("%s", scene.err.msg);
}

static void must_fail(int rc, enum rt_code code, const char *words)
{
    assert_int_equal(rc, -1);
    if (scene.err.code != code)
        fail_msg("code %d: %s", (int)scene.err.code, scene.err.msg);
    assert_says(words);
}

/* What every implementation does. */

static const char *const odd_names[] = {
    " leading",     "a b.csv",         "a  two.csv",      "it's \"it\".csv",
    "st*r[1]?.csv", "back\\slash.csv", "caf\xc3\xa9.csv", "trailing ",
};
#define ODD (sizeof odd_names / sizeof *odd_names)

static void test_list(void **state)
{
    struct rt_remote_list list;
    struct rt_remote_entry *entry;

    (void)state;
    for (size_t i = 0; i < ODD; i++)
        write_bytes(path_of(there("exports"), odd_names[i]), i * 10);
    shell("mkdir '%s'", there("exports/sub"));
    must(do_list("exports", &list));
    assert_int_equal(list.count, ODD + 1);
    for (size_t i = 1; i < list.count; i++)
        assert_true(strcmp(list.entries[i - 1].name, list.entries[i].name) < 0);
    for (size_t i = 0; i < ODD; i++) {
        size_t at = 0;

        while (at < list.count && strcmp(list.entries[at].name, odd_names[i]) != 0)
            at++;
        if (at == list.count)
            fail_msg("not listed: %s", odd_names[i]);
        entry = &list.entries[at];
        assert_true(entry->has_size && entry->has_mtime && entry->is_regular);
        assert_int_equal(entry->size, i * 10);
        assert_true(llabs((long long)(entry->mtime - rt_clock_now())) < 120);
    }
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.entries[i].name, "sub") == 0)
            assert_false(list.entries[i].is_regular);
    rt_remote_list_clear(&list);
}

static void test_list_times(void **state)
{
    struct rt_remote_list list;
    int64_t granularity = scene.transport == RT_TRANSPORT_OPENSSH ? 86400 : 1;

    (void)state;
    write_text(there("exports/old.csv"), "x");
    shell("touch -d '2019-03-05 10:11:12 UTC' %s", there("exports/old.csv"));
    must(do_list("exports", &list));
    assert_int_equal(list.count, 1);
    assert_true(list.entries[0].mtime >= 1551780672);
    assert_true(list.entries[0].mtime < 1551780672 + granularity);
    rt_remote_list_clear(&list);
}

static void test_list_empty_and_missing(void **state)
{
    struct rt_remote_list list;

    (void)state;
    must(do_list("exports", &list));
    assert_int_equal(list.count, 0);
    must_fail(do_list("nowhere", &list), RT_IO, "no such folder");
    assert_int_equal(list.count, 0);
    must(do_list("imports", &list));
}

static void test_list_many(void **state)
{
    struct rt_remote_list list;

    (void)state;
    shell("cd %s && seq -f 'file-%%05.0f.csv' 1 3000 | xargs touch", there("exports"));
    must(do_list("exports", &list));
    assert_int_equal(list.count, 3000);
    rt_remote_list_clear(&list);
}

static void test_stat(void **state)
{
    struct rt_remote_entry entry;

    (void)state;
    write_text(there("exports/a b.csv"), "12345");
    assert_int_equal(do_stat("exports/a b.csv", &entry), 1);
    assert_int_equal(entry.size, 5);
    assert_true(entry.is_regular);
    assert_int_equal(do_stat("exports/none.csv", &entry), 0);
    assert_int_equal(do_stat("nowhere/none.csv", &entry), 0);
    assert_int_equal(do_stat("exports", &entry), 1);
    assert_false(entry.is_regular);
}

static void test_get(void **state)
{
    (void)state;
    write_bytes(there("exports/large.csv"), LARGE);
    write_bytes(there("exports/empty.csv"), 0);
    must(do_get("exports/large.csv", "large"));
    assert_same_bytes(there("exports/large.csv"), here("large"));
    must(do_get("exports/empty.csv", "empty"));
    assert_same_bytes(there("exports/empty.csv"), here("empty"));
    must_fail(do_get("exports/none.csv", "none"), RT_IO, "none.csv");
    assert_false(is_there(here("none")));
    for (size_t i = 0; i < ODD; i++) {
        write_text(path_of(there("exports"), odd_names[i]), odd_names[i]);
        must(do_get(path_of("exports", odd_names[i]), "odd"));
        assert_text(here("odd"), odd_names[i]);
        unlink(here("odd"));
    }
    shell("test \"$(ls -A %s | wc -l)\" = 2", scene.local);
}

static void test_get_of_a_growing_file(void **state)
{
    pid_t pid;
    int rc = 0;

    (void)state;
    write_bytes(there("exports/growing.csv"), LARGE);
    pid = fork();
    if (pid == 0) {
        int fd = open(there("exports/growing.csv"), O_WRONLY | O_APPEND);

        for (int i = 0; i < 200000; i++)
            if (write(fd, "more\n", 5) == 5)
                usleep(20);
        _exit(0);
    }
    while (size_of(there("exports/growing.csv")) == LARGE)
        usleep(1000);
    /* On a busy machine the child may rest just then. */
    for (int i = 0; i < 50 && (rc = do_get("exports/growing.csv", "growing")) == 0; i++)
        unlink(here("growing"));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    must_fail(rc, RT_IO, "changed while it was read");
    assert_false(is_there(here("growing")));
    must(do_get("exports/growing.csv", "growing"));
    assert_same_bytes(there("exports/growing.csv"), here("growing"));
}

static void replace_for_ever(void)
{
    for (time_t t = 1500000000;; t += 100000) {
        struct timespec times[2] = {{.tv_sec = t}, {.tv_sec = t}};

        truncate_new(there("exports/new"), LARGE);
        utimensat(AT_FDCWD, there("exports/new"), times, 0);
        rename(there("exports/new"), there("exports/a.csv"));
        usleep(500);
    }
}

/* The old bytes come whole, but are not what is there any more. */
static void test_get_of_a_replaced_file(void **state)
{
    pid_t pid;
    int rc = 0;

    (void)state;
    write_bytes(there("exports/a.csv"), LARGE);
    pid = fork();
    if (pid == 0)
        replace_for_ever();
    for (int i = 0; i < 50 && (rc = do_get("exports/a.csv", "a")) == 0; i++)
        unlink(here("a"));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    must_fail(rc, RT_IO, "changed while it was read");
    assert_false(is_there(here("a")));
}

/* The same length, and never a time twice: each write is given one of its own. */
static void rewrite_for_ever(void)
{
    int fd = open(there("exports/a.csv"), O_WRONLY);
    char line[65536];

    for (time_t t = 1500000000;; t++) {
        struct timespec times[2] = {{.tv_sec = t}, {.tv_sec = t}};
        off_t at = (off_t)sizeof line * (t % (LARGE / (off_t)sizeof line));

        memset(line, 'a' + (int)(t % 26), sizeof line);
        if (pwrite(fd, line, sizeof line, at) < 0)
            _exit(1);
        futimens(fd, times);
    }
}

static void test_get_of_a_rewritten_file(void **state)
{
    struct stat st;
    pid_t pid;
    int rc = 0;

    (void)state;
    shell("head -c %d /dev/zero >%s", LARGE / 65536 * 65536, there("exports/a.csv"));
    shell("touch -d 2001-01-01 %s", there("exports/a.csv"));
    pid = fork();
    if (pid == 0)
        rewrite_for_ever();
    do {
        usleep(1000);
        assert_int_equal(stat(there("exports/a.csv"), &st), 0);
    } while (st.st_mtime < 1500000000);
    for (int i = 0; i < 500 && (rc = do_get("exports/a.csv", "a")) == 0; i++)
        unlink(here("a"));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    must_fail(rc, RT_IO, "changed while it was read");
    assert_false(is_there(here("a")));
}

static void test_put(void **state)
{
    (void)state;
    write_bytes(here("large.csv"), LARGE);
    write_bytes(here("empty.csv"), 0);
    must(do_put(here("large.csv"), "imports/large.csv"));
    assert_same_bytes(here("large.csv"), there("imports/large.csv"));
    must(do_put(here("empty.csv"), "imports/empty.csv"));
    assert_same_bytes(here("empty.csv"), there("imports/empty.csv"));
    must_fail(do_put(here("empty.csv"), "imports/large.csv"), RT_IO, "already there");
    assert_same_bytes(here("large.csv"), there("imports/large.csv"));
    must_fail(do_put(here("none.csv"), "imports/none.csv"), RT_IO, "none.csv");
    must_fail(do_put(here("empty.csv"), "nowhere/x.csv"), RT_IO, "nowhere");
    for (size_t i = 0; i < ODD; i++) {
        write_text(here("odd"), odd_names[i]);
        must(do_put(here("odd"), path_of("imports", odd_names[i])));
        assert_text(path_of(there("imports"), odd_names[i]), odd_names[i]);
    }
}

static void test_rename(void **state)
{
    (void)state;
    write_text(there("exports/a b.csv"), "a");
    write_text(there("exports/b.csv"), "b");
    shell("mkdir %s", there("exports/done"));
    must_fail(do_rename("exports/a b.csv", "exports/b.csv"), RT_IO, "already there");
    assert_text(there("exports/a b.csv"), "a");
    assert_text(there("exports/b.csv"), "b");
    must(do_rename("exports/a b.csv", "exports/done/a b.csv"));
    assert_text(there("exports/done/a b.csv"), "a");
    assert_false(is_there(there("exports/a b.csv")));
    must_fail(do_rename("exports/a b.csv", "exports/c.csv"), RT_IO, "a b.csv");
    must_fail(do_rename("exports/b.csv", "nowhere/b.csv"), RT_IO, "b.csv");
    assert_text(there("exports/b.csv"), "b");
}

static void test_remove(void **state)
{
    (void)state;
    write_text(there("exports/st*r.csv"), "a");
    write_text(there("exports/star.csv"), "b");
    must(do_remove("exports/st*r.csv"));
    assert_false(is_there(there("exports/st*r.csv")));
    assert_true(is_there(there("exports/star.csv")));
    must(do_remove("exports/st*r.csv"));
    must(do_remove("nowhere/a.csv"));
    shell("mkdir %s", there("exports/folder"));
    assert_int_equal(do_remove("exports/folder"), -1);
    assert_says("folder");
    must(do_remove("exports/star.csv"));
}

static void test_deliver(void **state)
{
    (void)state;
    write_text(here("d.csv"), "id\n1\n");
    must(do_deliver("d.csv"));
    assert_text(there("imports/d.csv"), "id\n1\n");
    assert_false(is_there(there("imports/d.csv.part")));
    must(do_deliver("d.csv"));
    assert_text(there("imports/d.csv"), "id\n1\n");
    write_text(here("d.csv"), "id\n1\n2\n");
    must_fail(do_deliver("d.csv"), RT_IO, "5 bytes instead of 7");
    assert_text(there("imports/d.csv"), "id\n1\n");
}

static void test_deliver_after_a_broken_one(void **state)
{
    (void)state;
    write_text(here("d.csv"), "id\n1\n");
    write_text(there("imports/d.csv.part"), "id");
    must(do_deliver("d.csv"));
    assert_text(there("imports/d.csv"), "id\n1\n");
    assert_false(is_there(there("imports/d.csv.part")));
    write_text(there("imports/d.csv.part"),
               "id"); /* the rename came through, the removal did not */
    must(do_deliver("d.csv"));
    assert_false(is_there(there("imports/d.csv.part")));
}

static void test_deliver_in_other_ways(void **state)
{
    (void)state;
    write_text(here("d.csv"), "id\n1\n");
    scene.settings.upload = RT_UPLOAD_DIRECT;
    must(do_deliver("d.csv"));
    assert_text(there("imports/d.csv"), "id\n1\n");
    scene.settings.upload = RT_UPLOAD_DONE_FILE;
    must(do_deliver("d.csv")); /* as after a push that broke before the marker */
    assert_text(there("imports/d.csv.done"), "");
    must(do_deliver("d.csv"));
    shell("rm %s/imports/* && mkdir %s/imports/tmp", scene.root, scene.root);
    scene.settings.upload = RT_UPLOAD_FOLDER;
    scene.settings.upload_folder = (char[]){"imports/tmp"};
    write_text(there("imports/tmp/d.csv"), "id");
    must(do_deliver("d.csv"));
    assert_text(there("imports/d.csv"), "id\n1\n");
    assert_false(is_there(there("imports/tmp/d.csv")));
    shell("test -z \"$(ls -A %s | grep -v 'd.csv$')\"", scene.local);
}

static void test_past_the_deadline(void **state)
{
    struct rt_remote_list list;

    (void)state;
    write_bytes(there("exports/a.csv"), 100000);
    scene.remote->deadline_ms = rt_clock_monotonic_ms() - 1;
    must_fail(do_get("exports/a.csv", "a"), RT_UNREACHABLE, "deadline");
    if (is_remote())
        must_fail(do_list("exports", &list), RT_UNREACHABLE, "deadline");
}

/* What only a server can do wrong. */

static void test_pins(void **state)
{
    (void)state;
    set_pin(0, "RT_PIN_ECDSA");
    must_open();
    scene.pins[0][10] = scene.pins[0][10] == 'a' ? 'b' : 'a';
    must_refuse(RT_REFUSED, "host key");
    assert_says("pinned");
    set_pin(1, "RT_PIN_ED25519"); /* one of two is right */
    must_open();
}

static void test_changed_host_key(void **state)
{
    char *now;

    (void)state;
    server_do("newhostkey");
    must_refuse(RT_REFUSED, "host key");
    now = server_value("RT_PIN_ED25519");
    if (scene.transport == RT_TRANSPORT_SFTP)
        assert_says("SHA256:");
    set_pin(0, "RT_PIN_ED25519");
    must_open();
    free(now);
}

static void use_known_hosts(const char *file)
{
    shell("mkdir -p %s/home/.ssh && cp %s/server/%s %s/home/.ssh/known_hosts", scene.work,
          scene.work, file, scene.work);
    setenv("HOME", path_of(scene.work, "home"), 1);
    scene.settings.host_key.count = 0;
}

static void test_known_hosts(void **state)
{
    char *known = path_of(scene.work, "home/.ssh/known_hosts"), *pin;

    (void)state;
    if (scene.transport != RT_TRANSPORT_SFTP)
        skip(); /* ssh looks into the home folder of the account, whatever HOME says */
    pin = server_value("RT_PIN_ED25519");
    shell("cd %s/server && rm -f known_hosts* && for k in ed25519 ecdsa rsa; do printf "
          "'[127.0.0.1]:%d "
          "%%s\\n' \"$(cut -d' ' -f1,2 host_$k.pub)\"; done >known_hosts && cp known_hosts "
          "known_hosts_hashed && ssh-keygen -q -H -f known_hosts_hashed >/dev/null 2>&1",
          scene.work, scene.settings.port);
    use_known_hosts("known_hosts");
    must_open();
    use_known_hosts("known_hosts_hashed");
    must_open();
    shell("grep ed25519 %s/server/known_hosts >%s", scene.work, known);
    must_open(); /* although libssh2 likes ECDSA better */
    shell("sed -i 's/^/garbage here\\n/; s/$/\\r/' %s", known);
    must_open();
    shell("sed 's/^/@revoked /' %s/server/known_hosts >>%s", scene.work, known);
    must_refuse(RT_REFUSED, "revoked");
    shell("printf '[127.0.0.1]:%d %%s\\n' \"$(cut -d' ' -f1,2 %s/server/user_ed25519.pub)\" >%s",
          scene.settings.port, scene.work, known);
    must_refuse(RT_REFUSED, "but was SHA256:");
    assert_says(pin);
    shell("printf '[127.0.0.1]:%d %%s\\n' \"$(cut -d' ' -f1,2 %s/server/host_rsa.pub)\" >%s",
          scene.settings.port, scene.work, known);
    if (open_remote() != 0) /* this libssh2 and this server do not agree on RSA */
        assert_says("set transport = openssh");
    shell(": >%s", known);
    must_refuse(RT_REFUSED, "is not known");
    assert_says("set host_key = SHA256:");
    free(pin);
}

static void test_refused_login(void **state)
{
    (void)state;
    scene.settings.retries = 3;
    set_identity("user_stranger");
    must_refuse(RT_REFUSED, "refused");
    rt_buf_reset(&scene.logged);
    assert_int_equal(rt_remote_open_patient(&scene.settings, scene.work,
                                            rt_clock_monotonic_ms() + PATIENCE * 1000, &scene.log,
                                            &scene.remote, &scene.err),
                     -1);
    assert_null(strstr(rt_buf_str(&scene.logged), "try 2")); /* never tried again */
    set_identity("user_none");
    must_refuse(RT_REFUSED, "user_none");
}

static void test_key_that_others_can_read(void **state)
{
    (void)state;
    shell("chmod 644 %s", key_path("user_ed25519"));
    must_refuse(RT_REFUSED, "can be read by others");
    shell("chmod 600 %s", key_path("user_ed25519"));
    must_open();
}

static void test_passphrase(void **state)
{
    (void)state;
    set_identity("user_locked");
    must_refuse(RT_REFUSED, "user_locked");
    scene.settings.passphrase_command = (char[]){"echo 'correct horse'"};
    must_open();
    scene.settings.passphrase_command = (char[]){"echo 'wrong'"};
    must_refuse(RT_REFUSED, "user_locked");
    assert_null(strstr(rt_buf_str(&scene.logged), "correct horse"));
    assert_null(strstr(scene.err.msg, "horse"));
    shell("test -z \"$(ls -A %s | grep askpass)\"", scene.work);
}

static void test_ecdsa_and_rsa_user_keys(void **state)
{
    (void)state;
    set_identity("user_ecdsa");
    must_open();
    set_identity("user_rsa");
    if (scene.transport == RT_TRANSPORT_OPENSSH)
        must_open();
    else
        must_refuse(RT_REFUSED, "ed25519 or ECDSA key, or transport = openssh");
}

static void test_agent(void **state)
{
    (void)state;
    free(scene.settings.identity);
    scene.settings.identity = NULL;
    shell("ssh-agent -a %s/agent >%s/agent.env 2>/dev/null && . %s/agent.env >/dev/null && ssh-add "
          "-q "
          "%s/server/user_ed25519 2>/dev/null",
          scene.work, scene.work, scene.work, scene.work);
    setenv("SSH_AUTH_SOCK", path_of(scene.work, "agent"), 1);
    must_open();
    shell(". %s/agent.env >/dev/null && kill $SSH_AGENT_PID", scene.work);
    unsetenv("SSH_AUTH_SOCK");
    must_refuse(RT_REFUSED, "");
}

static void test_nobody_listens(void **state)
{
    int64_t start;

    (void)state;
    server_do("stop");
    must_refuse(RT_UNREACHABLE, "onnect");
    scene.settings.retries = 1;
    start = rt_clock_monotonic_ms();
    assert_int_equal(rt_remote_open_patient(&scene.settings, scene.work, start + PATIENCE * 1000,
                                            &scene.log, &scene.remote, &scene.err),
                     -1);
    assert_int_equal(scene.err.code, RT_UNREACHABLE);
    assert_non_null(strstr(rt_buf_str(&scene.logged), "try 2 of 2"));
    assert_null(strstr(rt_buf_str(&scene.logged), "try 3"));
    assert_true(rt_clock_monotonic_ms() - start >= 500);
    server_start("", "");
    must_open();
}

static void test_read_only(void **state)
{
    struct rt_remote_list list;

    (void)state;
    server_do("stop");
    server_start("RT_SFTP_ARGS=-R", "");
    must_open();
    write_text(here("d.csv"), "x");
    must_fail(do_put(here("d.csv"), "imports/d.csv"), RT_REFUSED, "imports/d.csv");
    must(do_list("imports", &list));
    assert_int_equal(list.count, 0);
    server_do("stop");
    server_start("", "");
}

static void test_full_disk(void **state)
{
    (void)state;
    server_do("stop");
    server_start("RT_FSIZE_KB=2000", "");
    must_open();
    write_bytes(here("d.csv"), LARGE);
    must_fail(do_deliver("d.csv"), RT_IO, "d.csv");
    shell("test -z \"$(ls -A %s)\"", there("imports"));
    server_do("stop");
    server_start("", "");
}

static void test_frozen_server(void **state)
{
    /* ssh may see it first, and has words of its own. */
    const char *says = scene.transport == RT_TRANSPORT_SFTP ? "no data for 5 s" : "";
    struct rt_remote_list list;
    int64_t start;

    (void)state;
    scene.settings.timeout = STALL;
    must_open();
    server_do("freeze");
    must_fail(do_list("exports", &list), RT_UNREACHABLE, says);
    start = rt_clock_monotonic_ms();
    rt_remote_close(scene.remote);
    scene.remote = NULL;
    assert_true(rt_clock_monotonic_ms() - start < STALL * 1000); /* must not wait either */
    must_refuse(RT_UNREACHABLE, says);
    server_do("thaw");
    scene.settings.timeout = PATIENCE;
    must_open();
}

static void test_dropped_session(void **state)
{
    struct rt_remote_list list;

    (void)state;
    server_do("drop");
    must_fail(do_list("exports", &list), RT_UNREACHABLE, "");
    must_fail(do_list("exports", &list), RT_UNREACHABLE, "lost");
    must_open();
    must(do_list("exports", &list));
}

/* A transfer that breaks in the middle, by a child that waits until it has begun. */
static void break_once_there(const char *path, const char *verb)
{
    if (fork() == 0) {
        struct stat st = {0};

        while (stat(path, &st) != 0 || st.st_size < 1000000)
            usleep(1000);
        execl("/bin/sh", "sh", scene.sshd, verb, path_of(scene.work, "server"), (char *)NULL);
        _exit(127);
    }
}

static void test_link_lost_while_writing(void **state)
{
    int rc;

    (void)state;
    shell("head -c 600000000 /dev/zero >%s", here("d.csv"));
    break_once_there(there("imports/d.csv.part"), "drop");
    rc = do_deliver("d.csv");
    wait(NULL);
    if (rc == 0)
        fail_msg("the transfer was too fast for this test");
    assert_int_equal(scene.err.code, RT_UNREACHABLE);
    assert_false(is_there(there("imports/d.csv")));
    assert_true(is_there(there("imports/d.csv.part")));
    write_text(here("d.csv"), "short\n");
    must_open();
    must(do_deliver("d.csv"));
    assert_text(there("imports/d.csv"), "short\n");
    assert_false(is_there(there("imports/d.csv.part")));
}

static void test_sftp_process_killed(void **state)
{
    struct rt_remote_list list;
    char environment[512];

    (void)state;
    if (access("/usr/lib/openssh/sftp-server", X_OK) != 0)
        skip();
    snprintf(environment, sizeof environment, "RT_SFTP='/usr/lib/openssh/sftp-server -d %s'",
             scene.root);
    server_do("stop");
    server_start(environment, "");
    must_open();
    must(do_list("exports", &list));
    server_do("killsftp");
    must_fail(do_list("exports", &list), RT_UNREACHABLE, "");
    assert_null(strstr(scene.err.msg, "no data for")); /* not only by the time-out */
    server_do("stop");
    server_start("", "");
}

static void test_algorithms(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"'MACs hmac-sha2-256-etm@openssh.com'", "no MAC in common: it offers hmac-sha2-256-etm"},
        {"'Ciphers aes256-gcm@openssh.com'", "no cipher in common: it offers aes256-gcm"},
        {"'KexAlgorithms sntrup761x25519-sha512@openssh.com'", "no key exchange in common"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        server_do("stop");
        server_start("", cases[i].line);
        if (scene.transport == RT_TRANSPORT_OPENSSH)
            must_open();
        else
            must_refuse(RT_REFUSED, cases[i].says);
    }
    server_do("stop");
    server_start("", "");
}

static void test_rsa_host_key_only(void **state)
{
    char line[512];

    (void)state;
    snprintf(line, sizeof line, "'HostKey %s'", key_path("host_rsa"));
    server_do("stop");
    server_start("", line);
    set_pin(0, "RT_PIN_RSA");
    if (scene.transport == RT_TRANSPORT_OPENSSH)
        must_open();
    else
        must_refuse(RT_REFUSED, "no host key type in common: it offers rsa-sha2-512");
    server_do("stop");
    server_start("", "");
    set_pin(0, "RT_PIN_RSA"); /* among others, the right one is found by its type */
    if (scene.transport == RT_TRANSPORT_OPENSSH)
        must_open();
    else
        must_refuse(RT_REFUSED, "pinned");
}

static void test_no_sftp_there(void **state)
{
    (void)state;
    server_do("stop");
    server_start("RT_SFTP=/bin/false", "");
    scene.settings.timeout = STALL;
    assert_int_equal(open_remote(), -1); /* it passes or it does not: not to be told apart */
    server_do("stop");
    server_start("", "");
}

/* A server in Python, for what sshd cannot do without the accounts of the machine. */
static void odd_start(const char *way)
{
    int port = 0;
    char pin[128];
    FILE *f = NULL;

    unlink(key_path("odd.env"));
    shell("/usr/bin/python3 '%s/%s.py' %s/server %s >%s/odd.log 2>&1 &", getenv("RT_HERE"),
          strncmp(way, "two-", 4) == 0 ? "two_factors" : "odd_server", scene.work, way, scene.work);
    for (int i = 0; i < PATIENCE * 20 && (f = fopen(key_path("odd.env"), "r")) == NULL; i++)
        usleep(50000);
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d %127s", &port, pin), 2);
    fclose(f);
    scene.settings.port = port;
    free(scene.pins[0]);
    scene.pins[0] = rt_xstrdup(pin);
    scene.settings.host_key.count = 1;
    free(scene.settings.user);
    scene.settings.user = rt_xstrdup("pat");
}

static int tear_down_odd(void **state)
{
    tear_down(state);
    shell("kill $(cat %s)", key_path("odd.pid"));
    free(scene.settings.user);
    scene.settings.user = server_value("RT_USER");
    return 0;
}

static void test_password(void **state)
{
    struct rt_remote_list list;

    (void)state;
    odd_start("password");
    must_refuse(RT_REFUSED, "");
    scene.settings.password_command = (char[]){"echo open sesame; echo more"};
    must_open();
    must(do_list("exports", &list));
    scene.settings.password_command = (char[]){"echo wrong"};
    must_refuse(RT_REFUSED, "refused");
    assert_null(strstr(scene.err.msg, "wrong"));
    scene.settings.password_command = (char[]){"exit 3"};
    must_refuse(RT_REFUSED, "");
}

static void test_question(void **state)
{
    (void)state;
    odd_start("question");
    scene.settings.password_command = (char[]){"echo open sesame"};
    must_open();
    scene.settings.password_command = (char[]){"echo wrong"};
    must_refuse(RT_REFUSED, "refused");
}

static void test_question_for_a_code(void **state)
{
    (void)state;
    odd_start("otp");
    scene.settings.password_command = (char[]){"echo open sesame"};
    must_refuse(RT_REFUSED,
                scene.transport == RT_TRANSPORT_SFTP ? "asks for more than a password" : "refused");
}

/* The first proof is no login yet, and no failure. */
static void test_key_and_then(const char *way)
{
    struct rt_remote_list list;

    odd_start(way);
    must_refuse(RT_REFUSED, "");
    scene.settings.password_command = (char[]){"echo open sesame"};
    must_open();
    must(do_list("exports", &list));
    assert_int_equal(list.count, 0);
    rt_remote_close(scene.remote);
    scene.remote = NULL;
    scene.settings.password_command = (char[]){"echo wrong"};
    must_refuse(RT_REFUSED, "refused");
    set_identity("user_stranger");
    scene.settings.password_command = (char[]){"echo open sesame"};
    must_refuse(RT_REFUSED, "refused");
}

static void test_key_and_password(void **state)
{
    (void)state;
    test_key_and_then("two-password");
}

static void test_key_and_question(void **state)
{
    (void)state;
    test_key_and_then("two-question");
}

static void test_short_answers(void **state)
{
    (void)state;
    odd_start("short");
    must_open();
    write_bytes(there("exports/large.csv"), LARGE);
    must(do_get("exports/large.csv", "large"));
    assert_same_bytes(there("exports/large.csv"), here("large"));
}

static int run_all(void)
{
#define OPEN(name)  cmocka_unit_test_setup_teardown(name, set_up_open, tear_down)
#define ODDLY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_odd)
#define SHUT(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest common[] = {
        OPEN(test_list),
        OPEN(test_list_times),
        OPEN(test_list_empty_and_missing),
        OPEN(test_list_many),
        OPEN(test_stat),
        OPEN(test_get),
        OPEN(test_get_of_a_growing_file),
        OPEN(test_get_of_a_replaced_file),
        OPEN(test_get_of_a_rewritten_file),
        OPEN(test_put),
        OPEN(test_rename),
        OPEN(test_remove),
        OPEN(test_deliver),
        OPEN(test_deliver_after_a_broken_one),
        OPEN(test_deliver_in_other_ways),
        OPEN(test_past_the_deadline),
    };
    static const struct CMUnitTest servers[] = {
        SHUT(test_pins),
        SHUT(test_changed_host_key),
        SHUT(test_known_hosts),
        SHUT(test_refused_login),
        SHUT(test_key_that_others_can_read),
        SHUT(test_passphrase),
        SHUT(test_agent),
        SHUT(test_nobody_listens),
        SHUT(test_frozen_server),
        OPEN(test_dropped_session),
        OPEN(test_link_lost_while_writing),
    };
    static const struct CMUnitTest sshd[] = {
        SHUT(test_ecdsa_and_rsa_user_keys), SHUT(test_read_only),  SHUT(test_full_disk),
        SHUT(test_sftp_process_killed),     SHUT(test_algorithms), SHUT(test_rsa_host_key_only),
        SHUT(test_no_sftp_there),
    };
    static const struct CMUnitTest odd[] = {
        ODDLY(test_password),         ODDLY(test_question),         ODDLY(test_question_for_a_code),
        ODDLY(test_key_and_password), ODDLY(test_key_and_question), ODDLY(test_short_answers),
    };
    int failed = cmocka_run_group_tests_name("common", common, NULL, NULL);

    if (is_remote())
        failed += cmocka_run_group_tests_name("servers", servers, NULL, NULL);
    /* Needs an sshd: a configuration made for the test, or another way to serve files. */
    if (is_remote() && getenv("RT_MAKE") == NULL)
        failed += cmocka_run_group_tests_name("sshd", sshd, NULL, NULL);
    if (is_remote() && getenv("RT_MAKE") == NULL && getenv("RT_ODD") != NULL)
        failed += cmocka_run_group_tests_name("odd", odd, NULL, NULL);
    return failed;
}

static void make_scene(const char *kind)
{
    scene.work = getenv("RT_WORK");
    scene.sshd = getenv("RT_SSHD");
    scene.transport = strcmp(kind, "sftp") == 0      ? RT_TRANSPORT_SFTP
                      : strcmp(kind, "openssh") == 0 ? RT_TRANSPORT_OPENSSH
                                                     : RT_TRANSPORT_DIRECTORY;
    scene.local = rt_xasprintf("%s/local", scene.work);
    scene.root = is_remote() ? rt_xasprintf("%s/server/root", scene.work) : rt_xstrdup(scene.work);
    scene.log.message = on_message;
    scene.settings.label = rt_xstrdup("EverTrue");
    scene.settings.transport = scene.transport;
    scene.settings.host_key.items = scene.pins;
    if (!is_remote())
        return;
    scene.settings.host = rt_xstrdup("127.0.0.1");
    server_start("", "");
    scene.settings.user = server_value("RT_USER");
}

int main(int argc, char **argv)
{
    int failed;

    if (argc < 2 || getenv("RT_WORK") == NULL || getenv("RT_SSHD") == NULL) {
        fprintf(stderr, "usage: RT_WORK=DIR RT_SSHD=sshd.sh conformance directory|sftp|openssh "
                        "[TEST]\n");
        return 64;
    }
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    rt_stop_install();
    make_scene(argv[1]);
    failed = run_all();
    if (is_remote())
        server_do("stop");
    return failed != 0;
}
