/*
 * Records that change are appended to record_recent, and moved to record_base when there are many:
 * wherever they are, they are found by their IDs of now, by no earlier ones, and once.
 */
#include "lib/store_digests.h"
#include "lib/store_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADED 80 /* so ten may be recent */

static char dir[64], path[96];
static struct rt_err err;
static struct rt_arena arena;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, err.msg);                                                    \
    } while (0)

static struct rt_store *open_store(enum rt_store_mode mode)
{
    struct rt_store *store;

    OK(rt_store_open(path, mode, &store, &err));
    OK(rt_store_begin(store, &err));
    return store;
}

static void close_store(struct rt_store *store)
{
    OK(rt_store_commit(store, &err));
    rt_store_close(store);
}

static struct rt_slice id_of(const char *letter, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%s%lld", letter, (long long)number);
    return rt_slice_str(rt_arena_strdup(&arena, text));
}

static void add(struct rt_store *store, struct rt_slice external, struct rt_slice native)
{
    struct rt_record record;

    rt_record_init(&record);
    record.end[RT_EXTERNAL].id = external;
    record.end[RT_NATIVE].id = native;
    OK(rt_store_save(store, &record, NULL, &err));
}

static int64_t find(struct rt_store *store, enum rt_side side, struct rt_slice id)
{
    int64_t rid;

    OK(rt_store_find(store, side, id, &rid, &err));
    return rid;
}

static struct rt_record load(struct rt_store *store, int64_t rid)
{
    struct rt_record record;

    OK(rt_store_load(store, rid, &arena, &record, &err));
    return record;
}

static void rename_to(struct rt_store *store, int64_t rid, struct rt_slice external)
{
    struct rt_record record = load(store, rid);

    record.end[RT_EXTERNAL].id = external;
    record.is_held = true;
    OK(rt_store_save(store, &record, NULL, &err));
}

static int note_rid(void *context, int64_t rid, struct rt_err *unused)
{
    int64_t *last = context;

    (void)unused;
    assert_true(rid > last[0]); /* in order, and each once */
    last[0] = rid;
    last[1]++;
    return 0;
}

/* The records are 1 to `count` without 7; these were renamed from E to X. */
static void check_all(struct rt_store *store, int64_t count, int64_t first, int64_t last)
{
    int64_t walked[2] = {0, 0}, counted;

    for (int64_t rid = 1; rid <= LOADED; rid++) {
        bool is_renamed = rid >= first && rid <= last;

        if (rid == 7)
            continue;
        assert_int_equal(find(store, RT_EXTERNAL, id_of(is_renamed ? "X" : "E", rid)), rid);
        assert_int_equal(find(store, RT_NATIVE, id_of("N", rid)), rid);
        assert_int_equal(load(store, rid).is_held, is_renamed);
        if (is_renamed && rid != first) /* another has that one's first ID */
            assert_int_equal(find(store, RT_EXTERNAL, id_of("E", rid)), 0);
    }
    OK(rt_store_each_newer(store, 0, note_rid, walked, &err));
    assert_int_equal(walked[0], count);
    assert_int_equal(walked[1], count - 1);
    OK(rt_store_count_records(store, &counted, &err));
    assert_int_equal(counted, count - 1);
}

static void change_some(struct rt_store *store)
{
    bool is_there;

    rename_to(store, 20, id_of("X", 20));
    rename_to(store, 21, id_of("X", 21));
    add(store, id_of("E", 20), id_of("N", LOADED + 1)); /* an ID that is free again */
    assert_int_equal(find(store, RT_EXTERNAL, id_of("E", 20)), LOADED + 1);
    OK(rt_store_remove(store, 7, &err));
    OK(rt_store_has_record(store, 7, &is_there, &err));
    assert_false(is_there);
    assert_int_equal(find(store, RT_NATIVE, id_of("N", 7)), 0);
    assert_int_equal(store->recent, 3);
    check_all(store, LOADED + 1, 20, 21);
}

/* More than may be there: some change where they are. */
static void change_many(struct rt_store *store)
{
    for (int64_t rid = 22; rid <= 50; rid++)
        rename_to(store, rid, id_of("X", rid));
    assert_int_equal(store->recent, 10);
    check_all(store, LOADED + 1, 20, 50);
}

static void test_recent(void **state)
{
    struct rt_store *store = open_store(RT_STORE_CREATE);

    (void)state;
    for (int64_t i = 1; i <= LOADED; i++)
        add(store, id_of("E", i), id_of("N", i));
    assert_int_equal(store->recent, 0); /* a first load */
    close_store(store);

    store = open_store(RT_STORE_SCRATCH);
    change_some(store);
    change_many(store);
    close_store(store);

    store = open_store(RT_STORE_CREATE);
    change_some(store);
    close_store(store);
    store = open_store(RT_STORE_CREATE);
    assert_int_equal(store->recent, 3);
    check_all(store, LOADED + 1, 20, 21);
    change_many(store);
    close_store(store);

    store = open_store(RT_STORE_SCRATCH);
    assert_int_equal(store->recent, 0); /* they were moved */
    check_all(store, LOADED + 1, 20, 50);
    close_store(store);
}

static void test_an_id_belongs_to_one_record(void **state)
{
    struct rt_store *store = open_store(RT_STORE_CREATE);
    struct rt_record record;

    (void)state;
    for (int64_t i = 1; i <= LOADED; i++)
        add(store, id_of("E", i), id_of("N", i));
    close_store(store);
    store = open_store(RT_STORE_CREATE);
    record = load(store, 3); /* to be appended, while 4 is in record_base */
    record.end[RT_NATIVE].id = id_of("N", 4);
    assert_int_equal(rt_store_save(store, &record, NULL, &err), -1);
    assert_int_equal(err.code, RT_INTERNAL);
    assert_non_null(strstr(err.msg, "two records would have the native ID N4"));
    rt_store_close(store);
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rt-recent-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/state.db", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    rt_arena_clear(&arena);
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recent, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_an_id_belongs_to_one_record, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
