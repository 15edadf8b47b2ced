/* Files become visible whole or not at all. */
#include "lib/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
    char dir[64];
    char a[96], b[96];
    struct rt_err err;
};

static int scene_open(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    assert_non_null(s);
    snprintf(s->dir, sizeof s->dir, "/tmp/rt-spool-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->a, sizeof s->a, "%s/a", s->dir);
    snprintf(s->b, sizeof s->b, "%s/b", s->dir);
    *state = s;
    return 0;
}

static int scene_close(void **state)
{
    struct scene *s = *state;
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", s->dir);
    assert_int_equal(system(command), 0);
    free(s);
    return 0;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_text(const char *path, const char *text)
{
    struct rt_buf buf = {0};
    struct rt_err err;

    assert_int_equal(rt_spool_read(path, 1 << 20, &buf, &err), 0);
    assert_string_equal(rt_buf_str(&buf), text);
    rt_buf_clear(&buf);
}

static int count_entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = -2;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void write_spool(struct scene *s, const char *name, const char *text, bool replace,
                        int expected)
{
    struct rt_spool *spool;

    assert_int_equal(rt_spool_open(s->dir, name, replace, &spool, &s->err), 0);
    assert_int_equal(rt_spool_write(spool, text, strlen(text), &s->err), 0);
    assert_int_equal(rt_spool_commit(spool, &s->err), expected);
    rt_spool_close(spool);
}

static void test_commit(void **state)
{
    struct scene *s = *state;
    struct rt_spool *spool;
    struct rt_digest digest;
    struct stat st;

    assert_int_equal(rt_spool_open(s->dir, "a", false, &spool, &s->err), 0);
    assert_int_equal(rt_spool_write(spool, "one ", 4, &s->err), 0);
    assert_int_equal(rt_spool_write(spool, "two", 3, &s->err), 0);
    assert_int_not_equal(access(s->a, F_OK), 0);
    assert_int_equal(rt_spool_size(spool), 7);
    digest = rt_digest_of(rt_slice_str("one two"));
    assert_true(rt_digest_is_equal(digest, rt_spool_digest(spool)));
    rt_spool_set_mtime(spool, 1700000000);
    assert_int_equal(rt_spool_commit(spool, &s->err), 0);
    rt_spool_close(spool);
    assert_text(s->a, "one two");
    assert_int_equal(stat(s->a, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_mtim.tv_sec, 1700000000);
    assert_int_equal(count_entries(s->dir), 1);
}

static void test_close_without_commit_leaves_nothing(void **state)
{
    struct scene *s = *state;
    struct rt_spool *spool;

    assert_int_equal(rt_spool_open(s->dir, "a", false, &spool, &s->err), 0);
    assert_int_equal(rt_spool_write(spool, "x", 1, &s->err), 0);
    assert_int_equal(rt_spool_flush(spool, &s->err), 0);
    assert_int_equal(count_entries(s->dir), 1);
    rt_spool_close(spool);
    assert_int_equal(count_entries(s->dir), 0);
}

static void test_never_replaces(void **state)
{
    struct scene *s = *state;

    write_text(s->a, "old");
    write_spool(s, "a", "new", false, -1);
    assert_int_equal(s->err.code, RT_IO);
    assert_non_null(strstr(s->err.msg, "already there"));
    assert_text(s->a, "old");
    assert_int_equal(count_entries(s->dir), 1);
    write_spool(s, "a", "new", true, 0);
    assert_text(s->a, "new");
}

static void test_large(void **state)
{
    struct scene *s = *state;
    struct rt_spool *spool;
    struct rt_file_facts facts;
    size_t len = 300001;
    char *bytes = malloc(len);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7);
    assert_int_equal(rt_spool_open(s->dir, "a", false, &spool, &s->err), 0);
    assert_int_equal(rt_spool_write(spool, bytes, 70000, &s->err), 0);
    assert_int_equal(rt_spool_write(spool, bytes + 70000, len - 70000, &s->err), 0);
    assert_int_equal(rt_spool_commit(spool, &s->err), 0);
    assert_int_equal(rt_spool_facts(s->a, &facts, &s->err), 0);
    assert_int_equal(facts.size, len);
    assert_true(rt_digest_is_equal(facts.digest, rt_digest_of(rt_slice_from(bytes, len))));
    assert_true(rt_digest_is_equal(facts.digest, rt_spool_digest(spool)));
    rt_spool_close(spool);
    free(bytes);
}

static void test_bad_names(void **state)
{
    struct scene *s = *state;
    struct rt_spool *spool;

    assert_int_equal(rt_spool_open(s->dir, "a/b", false, &spool, &s->err), -1);
    assert_int_equal(rt_spool_open(s->dir, "", false, &spool, &s->err), -1);
    assert_int_equal(rt_spool_open("/nonexistent", "a", false, &spool, &s->err), -1);
    assert_int_equal(s->err.code, RT_IO);
    assert_null(spool);
}

static void test_move_may_be_repeated(void **state)
{
    struct scene *s = *state;

    write_text(s->a, "x");
    assert_int_equal(rt_spool_move(s->a, s->b, &s->err), 0);
    assert_text(s->b, "x");
    assert_int_equal(rt_spool_move(s->a, s->b, &s->err), 0);
    write_text(s->a, "y");
    assert_int_equal(rt_spool_move(s->a, s->b, &s->err), -1);
    assert_text(s->b, "x");
    assert_text(s->a, "y");
    assert_int_equal(unlink(s->b), 0);
    assert_int_equal(link(s->a, s->b), 0); /* killed between link and unlink */
    assert_int_equal(rt_spool_move(s->a, s->b, &s->err), 0);
    assert_int_not_equal(access(s->a, F_OK), 0);
    assert_text(s->b, "y");
    assert_int_equal(unlink(s->b), 0);
    assert_int_equal(rt_spool_move(s->a, s->b, &s->err), -1);
}

static void test_remove_may_be_repeated(void **state)
{
    struct scene *s = *state;

    write_text(s->a, "x");
    assert_int_equal(rt_spool_remove(s->a, &s->err), 0);
    assert_int_equal(rt_spool_remove(s->a, &s->err), 0);
    assert_int_equal(count_entries(s->dir), 0);
    assert_int_equal(rt_spool_remove(s->dir, &s->err), -1);
}

static void test_copy(void **state)
{
    struct scene *s = *state;
    struct timespec times[2] = {{.tv_sec = 1600000000}, {.tv_sec = 1600000000}};
    struct stat st;

    write_text(s->a, "hello");
    assert_int_equal(utimensat(AT_FDCWD, s->a, times, 0), 0);
    assert_int_equal(rt_spool_copy(s->a, s->dir, "b", &s->err), 0);
    assert_text(s->b, "hello");
    assert_int_equal(stat(s->b, &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1600000000);
    assert_int_equal(rt_spool_copy(s->a, s->dir, "b", &s->err), -1);
    assert_int_equal(rt_spool_copy(s->dir, s->dir, "c", &s->err), -1);
    assert_int_equal(count_entries(s->dir), 2);
}

static void test_append_cuts_a_torn_end(void **state)
{
    struct scene *s = *state;

    assert_int_equal(rt_spool_append(s->a, 0, rt_slice_str("one\n"), &s->err), 0);
    assert_int_equal(rt_spool_append(s->a, 4, rt_slice_str("two\n"), &s->err), 0);
    assert_int_equal(rt_spool_append(s->a, 4, rt_slice_str("2\n"), &s->err), 0);
    assert_text(s->a, "one\n2\n");
    assert_int_equal(rt_spool_append(s->a, 99, rt_slice_str("x"), &s->err), -1);
    assert_text(s->a, "one\n2\n");
    assert_int_equal(symlink(s->a, s->b), 0);
    assert_int_equal(rt_spool_append(s->b, 0, rt_slice_str("x"), &s->err), -1);
}

static void test_sweep(void **state)
{
    struct scene *s = *state;
    char left[128];

    snprintf(left, sizeof left, "%s/.roundtrip-a.csv.Zz12aB", s->dir);
    write_text(left, "torn");
    write_text(s->a, "whole");
    assert_int_equal(rt_spool_sweep(s->dir, &s->err), 0);
    assert_int_equal(count_entries(s->dir), 1);
    assert_text(s->a, "whole");
    assert_int_equal(rt_spool_sweep("/nonexistent", &s->err), 0);
}

static void test_read_limit(void **state)
{
    struct scene *s = *state;
    struct rt_buf buf = {0};

    write_text(s->a, "12345");
    assert_int_equal(rt_spool_read(s->a, 5, &buf, &s->err), 0);
    rt_buf_clear(&buf);
    assert_int_equal(rt_spool_read(s->a, 4, &buf, &s->err), -1);
    assert_int_equal(s->err.code, RT_DATA);
    rt_buf_clear(&buf);
    assert_int_equal(rt_spool_read(s->b, 4, &buf, &s->err), -1);
    assert_int_equal(s->err.code, RT_IO);
}

static void test_facts_of_no_file(void **state)
{
    struct scene *s = *state;
    struct rt_file_facts facts;

    assert_int_equal(mkfifo(s->a, 0600), 0);
    assert_int_equal(rt_spool_facts(s->a, &facts, &s->err), -1);
    assert_int_equal(rt_spool_facts(s->b, &facts, &s->err), -1);
}

static void test_mkdir(void **state)
{
    struct scene *s = *state;
    char deep[160];
    struct stat st;

    snprintf(deep, sizeof deep, "%s/x//y/z/", s->dir);
    assert_int_equal(rt_spool_mkdir(deep, &s->err), 0);
    assert_int_equal(rt_spool_mkdir(deep, &s->err), 0);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    write_text(s->a, "a file");
    assert_int_equal(rt_spool_mkdir(s->a, &s->err), -1);
    assert_int_equal(chdir(s->dir), 0);
    assert_int_equal(rt_spool_mkdir("rel/ative", &s->err), 0);
    assert_int_equal(access("rel/ative", F_OK), 0);
    assert_int_equal(chdir("/"), 0);
}

#ifdef RT_FAULTS
/* In a child, since the steps are counted from the start of the process. */
static void write_with_fault(struct scene *s, int step)
{
    char fault[32];
    struct rt_spool *spool;

    snprintf(fault, sizeof fault, "%d:ENOSPC", step);
    setenv("ROUNDTRIP_FAULT", fault, 1);
    if (rt_spool_open(s->dir, "a", false, &spool, &s->err) != 0)
        _exit((int)s->err.code);
    if (rt_spool_write(spool, "x", 1, &s->err) == 0 && rt_spool_commit(spool, &s->err) == 0)
        _exit(0);
    rt_spool_close(spool);
    _exit((int)s->err.code);
}

/* Each step of one commit fails in turn: nothing is visible, and nothing is left. */
static void test_each_step_failing(void **state)
{
    struct scene *s = *state;
    int step = 0, status = -1;

    while (status != 0) {
        pid_t pid = fork();

        step++;
        assert_true(step < 20);
        if (pid == 0)
            write_with_fault(s, step);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(status == 0 || WEXITSTATUS(status) == RT_IO);
        assert_int_equal(count_entries(s->dir), status == 0);
    }
    assert_int_equal(step, 6); /* five steps, and one try that reaches no sixth */
}
#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
        T(test_commit),
        T(test_close_without_commit_leaves_nothing),
        T(test_never_replaces),
        T(test_large),
        T(test_bad_names),
        T(test_move_may_be_repeated),
        T(test_remove_may_be_repeated),
        T(test_copy),
        T(test_append_cuts_a_torn_end),
        T(test_sweep),
        T(test_read_limit),
        T(test_facts_of_no_file),
        T(test_mkdir),
#ifdef RT_FAULTS
        T(test_each_step_failing),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
