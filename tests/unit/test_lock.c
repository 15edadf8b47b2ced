/* One holder at a time, and no stale locks. */
#include "lib/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rt-lock-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    char path[96];

    (void)state;
    snprintf(path, sizeof path, "%s/.lock", dir);
    unlink(path);
    return rmdir(dir);
}

/* A child that holds the lock until it is killed; returns when it has it. */
static pid_t hold(const char *command)
{
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        struct rt_lock *lock;
        struct rt_err err;

        if (rt_lock_open(dir, command, 0, &lock, &err) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void test_second_is_told_who_holds_it(void **state)
{
    struct rt_lock *lock = NULL;
    struct rt_err err;
    char expected[64];
    pid_t pid = hold("run");

    (void)state;
    assert_int_equal(rt_lock_open(dir, "push", 0, &lock, &err), -1);
    assert_int_equal(err.code, RT_BUSY);
    snprintf(expected, sizeof expected, "process %ld (roundtrip run)", (long)pid);
    assert_non_null(strstr(err.msg, expected));
    assert_null(lock);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(rt_lock_open(dir, "push", 0, &lock, &err), 0);
    rt_lock_close(lock);
}

static void test_waits(void **state)
{
    struct rt_lock *lock = NULL;
    struct rt_err err;
    pid_t pid = hold("run"), killer;

    (void)state;
    killer = fork();
    if (killer == 0) {
        usleep(200000);
        kill(pid, SIGKILL);
        _exit(0);
    }
    assert_int_equal(rt_lock_open(dir, "push", 10, &lock, &err), 0);
    rt_lock_close(lock);
    waitpid(pid, NULL, 0);
    waitpid(killer, NULL, 0);
}

static void test_same_process_twice(void **state)
{
    struct rt_lock *one, *two;
    struct rt_err err;

    (void)state;
    assert_int_equal(rt_lock_open(dir, "run", 0, &one, &err), 0);
    assert_int_equal(rt_lock_open(dir, "run", 0, &two, &err), -1);
    assert_int_equal(err.code, RT_BUSY);
    rt_lock_close(one);
    assert_int_equal(rt_lock_open(dir, "run", 0, &two, &err), 0);
    rt_lock_close(two);
    rt_lock_close(NULL);
}

static void test_no_profile(void **state)
{
    struct rt_lock *lock;
    struct rt_err err;

    (void)state;
    assert_int_equal(rt_lock_open("/nonexistent", "run", 0, &lock, &err), -1);
    assert_int_equal(err.code, RT_IO);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_is_told_who_holds_it),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_same_process_twice),
        cmocka_unit_test(test_no_profile),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
