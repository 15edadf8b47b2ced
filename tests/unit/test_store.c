/*
 * The ledger, deltas, story, review list, journal and expressions of the state.  What holds in both
 * ways of opening it is run in both: the second time as a scratch copy, which must leave no trace.
 */
#include "lib/store.h"
#include "lib/store_checked.h"
#include "lib/store_expr.h"
#include "lib/store_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY 86400
#define NOW ((int64_t)1795240800)

static char dir[64], path[96];
static struct rt_err err;
static struct rt_arena arena;

static struct rt_store *open_store(enum rt_store_mode mode)
{
    struct rt_store *store;

    if (rt_store_open(path, mode, &store, &err) < 0)
        fail_msg("%s", err.msg);
    return store;
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rt-store-XXXXXX");
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
    return rmdir(dir); /* fails, and so does the test, if a file is left */
}

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, err.msg);                                                    \
    } while (0)

static struct rt_buf read_bytes(void)
{
    struct rt_buf bytes = {0};
    FILE *f = fopen(path, "rb");
    char block[4096];
    size_t n;

    assert_non_null(f);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        rt_buf_add(&bytes, block, n);
    fclose(f);
    return bytes;
}

static int count_files(void)
{
    DIR *d = opendir(dir);
    int count = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count - 2;
}

/* Runs `work` on a state prepared by `prepare`: once for real, once on a scratch copy that changes
 * nothing. */
static void in_both_modes(void (*prepare)(struct rt_store *), void (*work)(struct rt_store *))
{
    static const enum rt_store_mode modes[] = {RT_STORE_SCRATCH, RT_STORE_CREATE};
    struct rt_store *store = open_store(RT_STORE_CREATE);
    struct rt_buf before, after;

    OK(rt_store_begin(store, &err));
    prepare(store);
    OK(rt_store_commit(store, &err));
    rt_store_close(store);
    for (size_t i = 0; i < 2; i++) {
        before = read_bytes();
        store = open_store(modes[i]);
        OK(rt_store_begin(store, &err));
        work(store);
        assert_int_equal(count_files(), modes[i] == RT_STORE_SCRATCH ? 1 : 2);
        OK(rt_store_commit(store, &err));
        rt_store_close(store);
        after = read_bytes();
        assert_int_equal(count_files(), 1);
        assert_int_equal(rt_slice_is_equal(rt_buf_slice(&before), rt_buf_slice(&after)),
                         modes[i] == RT_STORE_SCRATCH);
        rt_buf_clear(&before);
        rt_buf_clear(&after);
    }
}

/* ---- the ledger ---- */

static struct rt_file a_file(const char *name, int64_t stamp, const char *file_path)
{
    return (struct rt_file){.side = RT_NATIVE,
                            .name = name,
                            .digest = {1, UINT64_MAX},
                            .size = 77,
                            .mtime = RT_NEVER,
                            .stamp = stamp,
                            .state = RT_FILE_TAKEN,
                            .path = file_path};
}

static void prepare_files(struct rt_store *store)
{
    struct rt_file one = a_file("a.csv", NOW, "archive/in/a.csv");
    struct rt_file two = a_file("b.csv", NOW - DAY, "inbox/native/b.csv");
    struct rt_file three = a_file("c.csv", NOW + DAY, "inbox/native/b.csv");

    one.remote = "a.csv 77 2026-11-21";
    one.run = 4;
    OK(rt_store_add_file(store, &one, &err));
    OK(rt_store_add_file(store, &two, &err));
    three.state = RT_FILE_WAITING;
    three.has_stamp = three.is_snapshot = true;
    three.mtime = 12;
    OK(rt_store_add_file(store, &three, &err));
    assert_int_equal(one.id, 1);
    assert_int_equal(three.id, 3);
}

static int change_file(void *context, const struct rt_file *file, struct rt_err *e)
{
    struct rt_store *store = context;
    struct rt_file changed = *file;

    changed.counts = "{}";
    if (rt_store_update_file(store, &changed, e) < 0)
        return -1;
    changed.id = 0;
    return file->id > 3 ? -1 : rt_store_add_file(store, &changed, e);
}

static void work_on_files(struct rt_store *store)
{
    struct rt_file file;
    int64_t stamp;

    assert_int_equal(rt_store_file_by_id(store, 9, &arena, &file, &err), 0);
    assert_int_equal(rt_store_file_by_id(store, 3, &arena, &file, &err), 1);
    assert_string_equal(file.name, "c.csv");
    assert_true(file.has_stamp && file.is_snapshot && file.mtime == 12 && file.size == 77);
    assert_null(file.counts);
    assert_null(file.remote);
    assert_int_equal(rt_store_file_by_path(store, "inbox/native/b.csv", &arena, &file, &err), 1);
    assert_int_equal(file.id, 3);
    assert_int_equal(rt_store_file_by_digest(store, RT_NATIVE, (struct rt_digest){1, UINT64_MAX},
                                             &arena, &file, &err),
                     1);
    assert_int_equal(file.id, 1); /* newer than b, and c was not taken in */
    assert_true(file.mtime == RT_NEVER && file.run == 4 && file.digest.low == UINT64_MAX);
    assert_int_equal(
        rt_store_file_by_digest(store, RT_NATIVE, (struct rt_digest){2, 2}, &arena, &file, &err),
        0);
    assert_int_equal(rt_store_file_by_digest(store, RT_EXTERNAL, file.digest, &arena, &file, &err),
                     0);
    assert_int_equal(
        rt_store_file_by_remote(store, RT_NATIVE, "a.csv 77 2026-11-21", &arena, &file, &err), 1);
    assert_int_equal(
        rt_store_file_by_remote(store, RT_EXTERNAL, "a.csv 77 2026-11-21", &arena, &file, &err), 0);
    OK(rt_store_newest_stamp(store, RT_NATIVE, &stamp, &err));
    assert_true(stamp == NOW);
    OK(rt_store_newest_stamp(store, RT_EXTERNAL, &stamp, &err));
    assert_true(stamp == RT_NEVER);
    OK(rt_store_each_file(store, change_file, store, &err));
    assert_int_equal(rt_store_file_by_id(store, 6, &arena, &file, &err), 1);
    assert_int_equal(rt_store_file_by_id(store, 7, &arena, &file, &err), 0);
    file.id = 70;
    assert_int_equal(rt_store_update_file(store, &file, &err), -1);
    assert_int_equal(err.code, RT_INTERNAL);
    assert_non_null(strstr(err.msg, "no file 70"));
}

static void test_files(void **state)
{
    (void)state;
    in_both_modes(prepare_files, work_on_files);
}

/* ---- deltas ---- */

static void add_rows(struct rt_store *store, int64_t delta, int64_t count)
{
    for (int64_t i = 1; i <= count; i++) {
        struct rt_delta_row row = {.delta = delta,
                                   .position = i,
                                   .rid = 100 + i,
                                   .action = RT_ROW_UPDATE,
                                   .id = {rt_slice_str("x|1"), {NULL, 0}},
                                   .cid = i};

        OK(rt_store_add_row(store, &row, &err));
    }
}

static int64_t add_delta(struct rt_store *store, enum rt_delta_state state, int64_t handed,
                         int64_t gone)
{
    struct rt_delta delta = {.side = RT_NATIVE,
                             .state = state,
                             .written_at = NOW,
                             .handed_at = handed,
                             .gone_at = gone,
                             .confirmed_at = RT_NEVER,
                             .rows = 1200,
                             .parts = 2,
                             .header = rt_slice_str("ID,Summary")};

    OK(rt_store_add_delta(store, &delta, &err));
    return delta.number;
}

static void add_parts(struct rt_store *store, int64_t delta)
{
    struct rt_delta_part part = {.delta = delta, .part = 2, .first = 601, .rows = 600, .size = 9};

    part.name = rt_arena_printf(&arena, "%lld-2of2.csv", (long long)delta);
    OK(rt_store_add_part(store, &part, &err));
    part.part = part.first = 1;
    part.is_handed = true;
    part.name = rt_arena_printf(&arena, "%lld-1of2.csv", (long long)delta);
    OK(rt_store_add_part(store, &part, &err));
}

static void prepare_deltas(struct rt_store *store)
{
    assert_int_equal(add_delta(store, RT_DELTA_HANDED, NOW, RT_NEVER), 1);
    assert_int_equal(add_delta(store, RT_DELTA_OUTBOX, RT_NEVER, RT_NEVER), 2);
    assert_int_equal(add_delta(store, RT_DELTA_WITHDRAWN, NOW, NOW), 3);
    add_parts(store, 1);
    add_rows(store, 1, 1200);
}

static void assert_times(struct rt_store *store, int64_t delta, int64_t handed, int64_t gone)
{
    int64_t h, g;

    OK(rt_store_delta_times(store, delta, &h, &g, &err));
    assert_true(h == handed);
    assert_true(g == gone);
}

static void work_on_times(struct rt_store *store)
{
    struct rt_delta delta;

    assert_times(store, 0, RT_NEVER, RT_NEVER);
    assert_times(store, 1, NOW, NOW);
    assert_times(store, 2, RT_NEVER, RT_NEVER);
    assert_times(store, 3, RT_NEVER, RT_NEVER);
    assert_times(store, 1000000000000, RT_NEVER, RT_NEVER);
    OK(rt_store_savepoint(store, &err));
    assert_int_equal(rt_store_delta(store, 2, &arena, &delta, &err), 1);
    delta.handed_at = NOW + 5; /* published; others may have it from now on */
    OK(rt_store_update_delta(store, &delta, &err));
    assert_times(store, 2, NOW + 5, RT_NEVER);
    delta.state = RT_DELTA_HANDED;
    delta.gone_at = NOW + 50;
    OK(rt_store_update_delta(store, &delta, &err));
    assert_times(store, 2, NOW + 5, NOW + 50);
    OK(rt_store_rewind(store, &err));
    assert_times(store, 2, RT_NEVER, RT_NEVER);
    delta.number = 9;
    assert_int_equal(rt_store_update_delta(store, &delta, &err), -1);
    assert_int_equal(err.code, RT_INTERNAL);
}

struct seen {
    struct rt_store *store;
    int64_t count, last, sum;
};

static int see_row(void *context, const struct rt_delta_row *row, struct rt_err *e)
{
    struct seen *seen = context;

    (void)e;
    assert_true(row->position == seen->last + 1);
    assert_true(row->rid == 100 + row->position);
    assert_int_equal(row->action, RT_ROW_UPDATE);
    assert_true(rt_slice_is_str(row->id[RT_EXTERNAL], "x|1"));
    assert_int_equal(row->id[RT_NATIVE].len, 0);
    seen->last = row->position;
    seen->count++;
    return 0;
}

static int64_t count_rows(struct rt_store *store, int64_t delta, int64_t first, int64_t count)
{
    struct seen seen = {.last = first - 1};

    OK(rt_store_each_row(store, &(struct rt_row_range){delta, first, count}, see_row, &seen, &err));
    return seen.count;
}

static int see_part(void *context, const struct rt_delta_part *part, struct rt_err *e)
{
    struct seen *seen = context;

    assert_true(part->part == ++seen->last);
    seen->count++;
    seen->sum += count_rows(seen->store, part->delta, part->first, part->rows);
    return rt_store_set_part_handed(seen->store, part->delta, part->part, e);
}

static int fail_at_delta(void *context, const struct rt_delta *delta, struct rt_err *e)
{
    struct seen *seen = context;

    seen->count++;
    return delta->number == 2 ? rt_err_set(e, RT_DATA, "enough") : 0;
}

static void work_on_deltas(struct rt_store *store)
{
    struct seen seen = {.store = store};
    struct rt_delta delta;
    int64_t number;

    work_on_times(store);
    assert_int_equal(rt_store_delta(store, 1, &arena, &delta, &err), 1);
    assert_int_equal(delta.handed_parts, 1);
    assert_true(rt_slice_is_str(delta.header, "ID,Summary"));
    assert_int_equal(rt_store_delta(store, 4, &arena, &delta, &err), 0);
    OK(rt_store_each_part(store, 1, see_part, &seen, &err));
    assert_true(seen.count == 2 && seen.sum == 1200);
    assert_int_equal(rt_store_delta(store, 1, &arena, &delta, &err), 1);
    assert_int_equal(delta.handed_parts, 2);
    assert_int_equal(rt_store_set_part_handed(store, 1, 3, &err), -1);
    assert_int_equal(rt_store_find_part(store, "1-2of2.csv", &number, &err), 1);
    assert_true(number == 1);
    assert_int_equal(rt_store_find_part(store, "1-3of2.csv", &number, &err), 0);
    OK(rt_store_next_delta(store, &number, &err));
    assert_true(number == 4);
    add_rows(store, number, 513);
    assert_times(store, number, RT_NEVER, RT_NEVER);
    assert_true(add_delta(store, RT_DELTA_HANDED, NOW, RT_NEVER) == number);
    assert_times(store, number, NOW, NOW);
    assert_true(count_rows(store, number, 1, INT64_MAX) == 513);
    assert_true(count_rows(store, 1, 512, 2) == 2);
    assert_true(count_rows(store, 1, 1201, 5) == 0);
    seen.count = 0;
    assert_int_equal(rt_store_each_delta(store, fail_at_delta, &seen, &err), -1);
    assert_true(seen.count == 2 && err.code == RT_DATA);
}

static void test_deltas(void **state)
{
    (void)state;
    in_both_modes(prepare_deltas, work_on_deltas);
}

/* ---- the story ---- */

static void add_events(struct rt_store *store, int64_t rid, int64_t run, int count)
{
    struct rt_event event = {.rid = rid, .run = run, .at = NOW, .side = -1, .what = "echo"};

    for (int i = 0; i < count; i++)
        OK(rt_store_add_event(store, &event, &err));
}

static void prepare_story(struct rt_store *store)
{
    int64_t run;

    OK(rt_store_begin_run(store, "emit", NOW, &run, &err));
    OK(rt_store_end_run(store, run, NOW + 1, 0, "{\"rows\":1}", &err));
    OK(rt_store_begin_run(store, "emit", NOW + DAY, &run, &err));
    OK(rt_store_end_run(store, run, NOW + DAY, RT_IO, NULL, &err));
    OK(rt_store_begin_run(store, "emit", NOW + 2 * DAY, &run, &err));
    add_events(store, 7, 1, 300);
    add_events(store, 0, 1, 1);
}

static int see_run(void *context, const struct rt_run *run, struct rt_err *e)
{
    struct seen *seen = context;

    (void)e;
    seen->count++;
    seen->last = run->id;
    if (run->id == 3)
        assert_true(run->ended == RT_NEVER && run->status == -1 && run->counts == NULL);
    if (run->id == 1)
        assert_string_equal(run->counts, "{\"rows\":1}");
    return 0;
}

/* Adds one more of the same: it must not be walked over. */
static int see_event(void *context, const struct rt_event *event, struct rt_err *e)
{
    struct seen *seen = context;

    assert_true(event->id > seen->last);
    seen->last = event->id;
    seen->count++;
    seen->sum += event->rid;
    return seen->store ? rt_store_add_event(seen->store, event, e) : 0;
}

static void work_on_story(struct rt_store *store)
{
    struct seen seen = {.store = NULL};
    struct rt_event event = {.rid = 7,
                             .run = 3,
                             .at = NOW,
                             .side = RT_NATIVE,
                             .what = "emit",
                             .id_of = {rt_slice_str("e1"), rt_slice_str("n1")}};

    OK(rt_store_each_run(store, RT_NEVER, see_run, &seen, &err));
    assert_true(seen.count == 3);
    OK(rt_store_each_run(store, NOW + 2 * DAY, see_run, &seen, &err));
    assert_true(seen.count == 4);
    assert_int_equal(rt_store_end_run(store, 44, NOW, 0, NULL, &err), -1);
    OK(rt_store_add_event(store, &event, &err));
    seen = (struct seen){.store = NULL};
    OK(rt_store_each_event(store, 7, see_event, &seen, &err));
    assert_true(seen.count == 301 && seen.sum == 301 * 7);
    seen = (struct seen){.store = NULL};
    OK(rt_store_each_run_event(store, 1, see_event, &seen, &err));
    assert_true(seen.count == 301 && seen.sum == 300 * 7);
}

static int check_event(void *context, const struct rt_event *event, struct rt_err *e)
{
    (void)context;
    (void)e;
    assert_true(event->id == 302 && event->rid == 7 && event->side == RT_NATIVE);
    assert_true(rt_slice_is_str(event->id_of[RT_EXTERNAL], "e1"));
    assert_true(rt_slice_is_str(event->id_of[RT_NATIVE], "n1"));
    assert_string_equal(event->what, "emit");
    assert_null(event->detail);
    return 0;
}

static void work_on_new_events(struct rt_store *store)
{
    struct seen seen = {.store = store};

    work_on_story(store);
    OK(rt_store_each_run_event(store, 3, check_event, NULL, &err));
    OK(rt_store_each_event(store, 7, see_event, &seen, &err));
    assert_true(seen.count == 301);
    seen = (struct seen){.store = NULL};
    OK(rt_store_each_event(store, 7, see_event, &seen, &err));
    assert_true(seen.count == 602 && seen.last == 603);
}

static void test_story(void **state)
{
    (void)state;
    in_both_modes(prepare_story, work_on_new_events);
}

/* ---- the review list ---- */

static struct rt_item an_item(const char *kind, const char *subject)
{
    return (struct rt_item){.kind = kind, .subject = subject, .side = -1, .opened = NOW};
}

static void prepare_items(struct rt_store *store)
{
    struct rt_item item = an_item("conflict", "r1");

    OK(rt_store_put_item(store, &item, &err));
    item = an_item("conflict", "r2");
    OK(rt_store_put_item(store, &item, &err));
    item = an_item("missing", "r1");
    OK(rt_store_put_item(store, &item, &err));
}

static int close_item(void *context, const struct rt_item *item, struct rt_err *e)
{
    struct seen *seen = context;

    assert_true(item->is_open && item->number > seen->last);
    seen->last = item->number;
    seen->count++;
    return rt_store_close_item(seen->store, item->kind, item->subject, "files", e);
}

static void put_again(struct rt_store *store)
{
    struct rt_item item = an_item("conflict", "r2");

    item.opened = NOW + DAY;
    OK(rt_store_put_item(store, &item, &err));
    assert_true(item.number == 2 && item.version == 1 && item.opened == NOW);
    item.detail = "{\"text\":\"x\"}";
    item.side = RT_EXTERNAL;
    OK(rt_store_put_item(store, &item, &err));
    OK(rt_store_put_item(store, &item, &err));
    assert_true(item.number == 2 && item.version == 2 && item.is_open);
    item.line = 12;
    OK(rt_store_put_item(store, &item, &err));
    assert_true(item.version == 3);
}

static void work_on_items(struct rt_store *store)
{
    struct seen seen = {.store = store};
    struct rt_item item;
    int64_t last;

    put_again(store);
    assert_int_equal(rt_store_item(store, 2, &arena, &item, &err), 1);
    assert_true(item.rid == 0 && item.side == RT_EXTERNAL && item.line == 12 && item.version == 3);
    assert_string_equal(item.detail, "{\"text\":\"x\"}");
    assert_int_equal(rt_store_item(store, 4, &arena, &item, &err), 0);
    OK(rt_store_each_item(store, "conflict", close_item, &seen, &err));
    assert_true(seen.count == 2);
    OK(rt_store_last_item(store, &last, &err));
    assert_true(last == 3);
    assert_int_equal(rt_store_item(store, 2, &arena, &item, &err), 1);
    assert_false(item.is_open);
    assert_string_equal(item.how, "files");
    item = an_item("conflict", "r2");
    OK(rt_store_put_item(store, &item, &err));
    assert_true(item.number == 4 &&
                item.version == 1); /* a closed one stays; numbers have no gaps */
    seen = (struct seen){.store = store};
    OK(rt_store_each_item(store, NULL, close_item, &seen, &err));
    assert_true(seen.count == 2);
    OK(rt_store_close_item(store, "conflict", "r2", "again", &err));
    assert_int_equal(rt_store_item(store, 4, &arena, &item, &err), 1);
    assert_string_equal(item.how, "files");
}

static void test_items(void **state)
{
    (void)state;
    in_both_modes(prepare_items, work_on_items);
}

static int count_item(void *context, const struct rt_item *item, struct rt_err *e)
{
    struct seen *seen = context;

    (void)e;
    seen->count += item->is_open;
    return 0;
}

static int64_t count_unknown_of(struct rt_store *store, const char *ids)
{
    struct seen seen = {.store = store};

    OK(rt_store_each_unknown_of(store, ids, count_item, &seen, &err));
    return seen.count;
}

/* An item is found by what it says now. */
static void work_on_questions(struct rt_store *store)
{
    struct rt_item item = an_item("rejected", "i1");

    assert_true(count_unknown_of(store, "[\"E1\"]") == 0);
    item.detail = "{\"external_id\":\"E1\",\"native_id\":\"N1\"}";
    OK(rt_store_put_item(store, &item, &err));
    assert_true(count_unknown_of(store, "[\"E7\",\"N1\"]") == 1);
    item.detail = "{\"external_id\":\"E1\",\"native_id\":\"N2\"}";
    OK(rt_store_put_item(store, &item, &err));
    assert_true(count_unknown_of(store, "[\"N1\"]") == 0);
    assert_true(count_unknown_of(store, "[\"E1\",\"N2\"]") == 1);
    OK(rt_store_close_item(store, "rejected", "i1", "files", &err));
    assert_true(count_unknown_of(store, "[\"E1\"]") == 0);
}

static void test_questions(void **state)
{
    (void)state;
    in_both_modes(prepare_items, work_on_questions);
}

/* ---- the journal ---- */

static void assert_tail(struct rt_store *store, uint64_t offset, const char *text)
{
    struct rt_buf buf = {0};
    uint64_t at;

    rt_buf_add_str(&buf, "old");
    OK(rt_store_journal_tail(store, &at, &buf, &err));
    assert_true(at == offset);
    assert_string_equal(rt_buf_str(&buf), text);
    rt_buf_clear(&buf);
}

static void prepare_journal(struct rt_store *store)
{
    assert_tail(store, 0, "");
    OK(rt_store_add_journal(store, "bind é", &err));
}

static void work_on_journal(struct rt_store *store)
{
    uint64_t length;

    assert_int_equal(rt_store_add_journal(store, "two\nlines", &err), -1);
    assert_int_equal(err.code, RT_INTERNAL);
    assert_tail(store, 0, "bind é\n");
    OK(rt_store_add_journal(store, "hold", &err));
    assert_tail(store, 0, "bind é\nhold\n");
    OK(rt_store_journal_length(store, &length, &err));
    assert_int_equal(length, 0);
    OK(rt_store_journal_done(store, &err));
    OK(rt_store_journal_length(store, &length, &err));
    assert_int_equal(length, 13); /* bytes, not characters */
    assert_tail(store, 13, "");
    OK(rt_store_journal_done(store, &err));
    OK(rt_store_add_journal(store, "", &err));
    assert_tail(store, 13, "\n");
    OK(rt_store_journal_done(store, &err));
    assert_tail(store, 14, "");
}

static void test_journal(void **state)
{
    (void)state;
    in_both_modes(prepare_journal, work_on_journal);
}

/* Outside a transaction, both changes are there as soon as the call returns. */
static void test_journal_alone(void **state)
{
    struct rt_store *store = open_store(RT_STORE_CREATE);

    (void)state;
    OK(rt_store_add_journal(store, "one", &err));
    OK(rt_store_journal_done(store, &err));
    rt_store_close(store);
    store = open_store(RT_STORE_READ);
    assert_tail(store, 4, "");
    rt_store_close(store);
}

/* A transaction that is not committed leaves nothing. */
static void test_abort(void **state)
{
    struct rt_store *store = open_store(RT_STORE_CREATE);
    int64_t number;

    (void)state;
    OK(rt_store_begin(store, &err));
    prepare_deltas(store);
    assert_times(store, 1, NOW, NOW);
    rt_store_abort(store);
    assert_times(store, 1, RT_NEVER, RT_NEVER);
    OK(rt_store_next_delta(store, &number, &err));
    assert_true(number == 1);
    rt_store_close(store);
}

/* ---- pages ---- */

static int page_size(const char *file)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;
    int size;

    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA page_size", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    size = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return size;
}

/* As states were before they had larger pages. */
static void begin_small_pages(void)
{
    const char *sql = "PRAGMA page_size = 4096; CREATE TABLE gone (x); DROP TABLE gone";
    sqlite3 *db;

    assert_int_equal(rt_store_open_checked(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void flip_byte(const char *file, long offset)
{
    FILE *stream = fopen(file, "r+b");
    int byte;

    assert_non_null(stream);
    assert_int_equal(fseek(stream, offset, SEEK_SET), 0);
    byte = fgetc(stream);
    assert_int_equal(fseek(stream, offset, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, stream), byte ^ 1);
    assert_int_equal(fclose(stream), 0);
}

/* A state keeps the pages that it was made with, their checksums included; so does a copy of it. */
static void test_small_pages(void **state)
{
    struct rt_store *store;
    char copy[112];

    (void)state;
    snprintf(copy, sizeof copy, "%s/copy.db", dir);
    begin_small_pages();
    store = open_store(RT_STORE_CREATE);
    OK(rt_store_add_journal(store, "one", &err));
    OK(rt_store_verify(store, &err));
    OK(rt_store_backup(store, copy, &err));
    rt_store_close(store);
    assert_int_equal(page_size(path), 4096);
    assert_int_equal(page_size(copy), 4096);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(copy, path), 0);
    store = open_store(RT_STORE_CREATE);
    OK(rt_store_verify(store, &err));
    assert_tail(store, 0, "one\n");
    rt_store_close(store);
    flip_byte(path, 2 * 4096 - 20); /* in the second page, before its checksum */
    assert_int_equal(rt_store_open(path, RT_STORE_CREATE, &store, &err), -1);
    assert_non_null(strstr(err.msg, "the file is damaged"));
}

static void test_new_pages(void **state)
{
    (void)state;
    rt_store_close(open_store(RT_STORE_CREATE));
    assert_int_equal(page_size(path), 8192);
}

/* ---- expressions ---- */

static struct rt_field fields[] = {
    {.name = (char *)"reference_source"}, {.name = (char *)"amount"}, {.name = (char *)"group"}};
static const struct rt_schema schema = {.fields = fields, .count = 3};

static int is_true(const char *text, const struct rt_slice cells[3])
{
    struct rt_expr *expr;
    int rc;

    if (rt_expr_open(text, &schema, &expr, &err) < 0)
        fail_msg("%s", err.msg);
    rc = rt_expr_is_true(expr, cells, &err);
    assert_int_equal(rt_expr_is_true(expr, cells, &err), rc);
    rt_expr_close(expr);
    return rc;
}

static void test_expr(void **state)
{
    const struct rt_slice cells[3] = {rt_slice_from("RaiseDonorsXX", 11), rt_slice_str("9"),
                                      rt_slice_str("")};
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"reference_source = 'RaiseDonors'", 1},
        {"reference_source = 'RaiseDonorsXX'", 0},
        {"REFERENCE_SOURCE LIKE 'raise%'", 1},
        {"reference_source IN ('a;b', 'RaiseDonors')", 1},
        {"\"group\" = ''", 1},
        {"[group] IS NULL", 0},
        {"amount = 9", 1},
        {"amount > 10", 1}, /* as text */
        {"CAST(amount AS REAL) > 10", 0},
        {"length(reference_source) = 11 AND NOT amount IS NULL", 1},
        {"CASE amount WHEN '9' THEN NULL ELSE 1 END", 0},
        {"reference_source", 0},
        {"5", 1},
        {"0.5", 1},
        {"coalesce(NULL, 'it''s') = 'it''s' OR (1 = 2)", 1},
        {"max(amount, '5') = '9'", 1},
        {"max(amount) = '9'", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (is_true(cases[i].text, cells) != cases[i].result)
            fail_msg("%s is not %d", cases[i].text, cases[i].result);
}

static void test_expr_null(void **state)
{
    const struct rt_slice cells[3] = {{NULL, 0}, rt_slice_str("-9223372036854775808"), {NULL, 0}};
    struct rt_expr *expr;

    (void)state;
    assert_int_equal(is_true("reference_source = 'x'", cells), 0);
    assert_int_equal(is_true("NOT reference_source = 'x'", cells), 0);
    assert_int_equal(is_true("\"group\" IS NULL", cells), 1);
    OK(rt_expr_open("abs(CAST(amount AS INTEGER)) > 1", &schema, &expr, &err));
    assert_int_equal(rt_expr_is_true(expr, cells, &err), -1);
    assert_int_equal(err.code, RT_CONFIG);
    assert_int_equal(rt_expr_is_true(expr, (const struct rt_slice[3]){{NULL, 0}}, &err), 0);
    rt_expr_close(expr);
}

static void test_expr_refused(void **state)
{
    static const char *const cases[][2] = {
        {"", "empty"},
        {" \n", "empty"},
        {"1;", "';'"},
        {"1); SELECT (2", "closes nothing"},
        {"1) FROM (SELECT 'x' AS amount", "closes nothing"},
        {"(1", "not closed"},
        {"'a", "quote"},
        {"1 -- x", "comments"},
        {"1 /* x", "comments"},
        {"?1 = 'x'", "parameters"},
        {":a = 'x'", "parameters"},
        {"amount = 'x' OR (SELECT 1)", "no queries"},
        {"amount IN (values (1))", "no queries"},
        {"EXISTS (with x AS (select 1) select 1)", "no queries"},
        {"amount IN sqlite_schema", "no tables"},
        {"amount IN json_each('[1]')", "no "},
        {"amount IN pragma_table_list", "no "},
        {"random() > 0", "function random"},
        {"load_extension('x')", "function load_extension"},
        {"readfile('/etc/passwd') = ''", "readfile"},
        {"date('now') > amount", "function date"},
        {"amount < CURRENT_DATE", "function current_date"},
        {"count(*) = 1", "function count"},
        {"1, 2", "row value"},
        {"ammount = '1'", "no field \"ammount\"; did you mean \"amount\"?"},
        {"\"ammount\" = '1'", "did you mean \"amount\"?"},
        {"amount = \"RaiseDonors\"", "no field \"RaiseDonors\" (a text stands in single quotes)"},
        {"rowid = 1", "no field \"rowid\""},
        {"[OID] = 1", "no field"},
        {"group = 'x'", "write \"group\" with its quotes"},
        {"amount = = 1", "syntax error"},
        {"UPDATE", "syntax error"},
    };
    struct rt_expr *expr;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (rt_expr_open(cases[i][0], &schema, &expr, &err) == 0)
            fail_msg("%s: not refused", cases[i][0]);
        assert_null(expr);
        assert_int_equal(err.code, RT_CONFIG);
        if (strstr(err.msg, cases[i][1]) == NULL)
            fail_msg("%s: no \"%s\" in: %s", cases[i][0], cases[i][1], err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_deltas, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_story, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_items, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_questions, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_journal, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_journal_alone, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_abort, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_small_pages, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_new_pages, make_dir, remove_dir),
        cmocka_unit_test(test_expr),
        cmocka_unit_test(test_expr_null),
        cmocka_unit_test(test_expr_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
