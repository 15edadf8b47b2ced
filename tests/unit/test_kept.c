/*
 * A record that the store keeps from when it was saved is the record that would be loaded from the
 * tables: whoever adds something to a record, and forgets to store it or to keep it, sees it here.
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

static char dir[64], path[96];
static struct rt_err err;
static struct rt_arena arena;
static struct rt_schema *schema;
static struct rt_config *config;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, err.msg);                                                    \
    } while (0)

static struct rt_store *open_store(void)
{
    struct rt_store *store;

    OK(rt_store_open(path, RT_STORE_CREATE, &store, &err));
    OK(rt_store_begin(store, &err));
    OK(rt_store_use_schema(store, schema, &err));
    return store;
}

static void close_store(struct rt_store *store)
{
    OK(rt_store_commit(store, &err));
    rt_store_close(store);
}

static struct rt_record load(struct rt_store *store, int64_t rid)
{
    struct rt_record record;

    OK(rt_store_load(store, rid, &arena, &record, &err));
    return record;
}

static const struct rt_content *content(const char *subject, const char *body)
{
    struct rt_content *c = rt_content_new(schema, &arena);

    if (subject != NULL)
        c->value[0] = (struct rt_value){rt_slice_str(subject), RT_FROM_NATIVE};
    if (body != NULL)
        c->value[1] = (struct rt_value){rt_slice_str(body), RT_FROM_EXTERNAL};
    return c;
}

static void fill_end(struct rt_end *end, const char *id, int64_t number)
{
    end->id = rt_slice_str(id);
    end->seen = content("call", id);
    end->look = (struct rt_look){number + 1, number + 2, number + 3, number + 4};
    end->sent[0] = (struct rt_version){.delta = 0,
                                       .content = content(NULL, "before a confirm"),
                                       .until = RT_NEVER,
                                       .is_trusted = true};
    end->sent[1] = (struct rt_version){.delta = 1,
                                       .position = number + 5,
                                       .content = content("visit", ""),
                                       .handed = 12345, /* not true: the delta tells */
                                       .until = number + 6,
                                       .has_other_id = true};
    end->sent_count = 2;
    end->given = end->sent[1].content;
    end->given_delta = 1;
    end->given_at = 12345;
    end->shows_other_id = true;
    end->is_excluded = true;
    end->absence = RT_ABSENCE_KEPT;
    end->flaw = RT_FLAW_REPEATED;
    end->resends = 2;
    end->is_cut = true;
    end->is_read_only_edit = true;
    end->edit_vs_delete = true;
}

static void fill(struct rt_record *record)
{
    record->want = content("visit", "a \"quoted\"\nline");
    fill_end(&record->end[RT_EXTERNAL], "E1", 100);
    fill_end(&record->end[RT_NATIVE], "N1", 200);
    memcpy(record->trail, ((uint64_t[]){7, 8, 9, UINT64_MAX}), sizeof record->trail);
    record->is_flapping = record->flap_allowed = record->is_held = record->is_suspect = true;
    record->not_due_until_edited = true;
    record->items = 5;
}

static void add_delta(struct rt_store *store)
{
    struct rt_delta delta = {.side = RT_NATIVE,
                             .state = RT_DELTA_HANDED,
                             .written_at = 10,
                             .handed_at = 20,
                             .gone_at = 30,
                             .confirmed_at = RT_NEVER,
                             .header = rt_slice_str("h")};

    OK(rt_store_add_delta(store, &delta, &err));
    assert_int_equal(delta.number, 1);
}

/* The record with one number for each content in place of its address, and without what else may
   stand elsewhere in memory: texts are compared here. */
static void normalise(struct rt_record *record)
{
    const struct rt_content **places[RT_RECORD_CONTENTS];
    size_t count = rt_record_contents(record, places);

    for (size_t i = 0; i < count; i++)
        *places[i] = (const struct rt_content *)(uintptr_t)(*places[i])->cid;
    for (int s = 0; s < 2; s++) {
        record->end[s].id.ptr = record->stored_id[s].ptr = NULL;
        record->end[s].not_taken = NULL;
    }
    record->conflicts = NULL;
}

static void check_content(const struct rt_content *kept, const struct rt_content *loaded)
{
    assert_int_equal(kept->cid, loaded->cid);
    for (size_t i = 0; i < schema->content_count; i++) {
        assert_int_equal(kept->value[i].from, loaded->value[i].from);
        assert_true(rt_slice_is_equal(kept->value[i].raw, loaded->value[i].raw));
    }
}

static void check_same(struct rt_record kept, struct rt_record loaded)
{
    const struct rt_content **of_kept[RT_RECORD_CONTENTS], **of_loaded[RT_RECORD_CONTENTS];
    size_t count = rt_record_contents(&kept, of_kept);

    assert_int_equal(rt_record_contents(&loaded, of_loaded), count);
    for (size_t i = 0; i < count; i++)
        check_content(*of_kept[i], *of_loaded[i]);
    for (int s = 0; s < 2; s++) {
        assert_true(rt_slice_is_equal(kept.end[s].id, loaded.end[s].id));
        assert_true(rt_slice_is_equal(kept.stored_id[s], loaded.stored_id[s]));
    }
    normalise(&kept);
    normalise(&loaded);
    assert_memory_equal(&kept, &loaded, sizeof kept);
}

/* The first transaction is a first load, of which nothing is kept. */
static struct rt_store *open_with_record(struct rt_record *record)
{
    struct rt_store *store = open_store();

    rt_record_init(record);
    OK(rt_store_save(store, record, NULL, &err));
    add_delta(store);
    assert_null(rt_store_kept(store, record->rid));
    close_store(store);
    store = open_store();
    *record = load(store, 1);
    fill(record);
    OK(rt_store_save(store, record, NULL, &err));
    return store;
}

static void kept_is_what_is_stored(void **state)
{
    struct rt_record record, kept, loaded;
    struct rt_store *store = open_with_record(&record);

    (void)state;
    assert_non_null(rt_store_kept(store, 1));
    kept = load(store, 1);
    assert_int_equal(kept.end[RT_NATIVE].given_at, 20);
    assert_int_equal(kept.end[RT_NATIVE].sent[1].gone, 30);
    OK(rt_store_unkeep(store, 1, &err));
    loaded = load(store, 1);
    check_same(kept, loaded);
    close_store(store); /* and what was kept is gone */
    store = open_store();
    check_same(loaded, load(store, 1));
    close_store(store);
}

/* Saved again, from a copy of what is kept or in its place. */
static void kept_is_what_was_saved_last(void **state)
{
    struct rt_record record, *borrowed;
    struct rt_store *store = open_with_record(&record);

    (void)state;
    record = load(store, 1);
    record.want = content("note", NULL);
    record.is_held = false;
    OK(rt_store_save(store, &record, NULL, &err));
    record = load(store, 1);
    assert_false(record.is_held);
    assert_true(rt_slice_is_equal(record.want->value[0].raw, rt_slice_str("note")));
    OK(rt_store_borrow(store, 1, &arena, &borrowed, &err));
    borrowed->end[RT_NATIVE].flaw = RT_FLAW_NONE;
    borrowed->want = borrowed->end[RT_NATIVE].seen;
    OK(rt_store_save(store, borrowed, NULL, &err));
    record = load(store, 1);
    OK(rt_store_unkeep(store, 1, &err));
    check_same(record, load(store, 1));
    assert_ptr_equal(record.want, record.end[RT_NATIVE].seen);
    close_store(store);
}

/* The row that the tables have, past the store: is the record held there? */
static bool is_held_in_table(struct rt_store *store)
{
    sqlite3_stmt *stmt;
    bool is_held;

    assert_int_equal(sqlite3_prepare_v2(store->db, "SELECT flags & 1 FROM record", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    is_held = sqlite3_column_int(stmt, 0) != 0;
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    return is_held;
}

static void save_held(struct rt_store *store, bool is_held)
{
    struct rt_record record = load(store, 1);

    record.is_held = is_held;
    OK(rt_store_save(store, &record, NULL, &err));
}

static int count_one(void *context, int64_t rid, struct rt_err *unused)
{
    (void)rid, (void)unused;
    ++*(int *)context;
    return 0;
}

static int count_print(void *context, const struct rt_print_entry *entry, struct rt_err *unused)
{
    (void)entry, (void)unused;
    ++*(int *)context;
    return 0;
}

/* A row that is put off is there for whoever asks for rows, and saved several times is written
 * once. */
static void put_off_until_asked_for(void **state)
{
    struct rt_record record;
    struct rt_store *store = open_with_record(&record);
    int before, count = 0;

    (void)state;
    OK(rt_store_each_newer(store, 0, count_one, &count, &err));
    assert_int_equal(count, 1);
    assert_true(is_held_in_table(store));
    before = sqlite3_total_changes(store->db);
    save_held(store, false);
    save_held(store, true);
    save_held(store, false);
    assert_int_equal(sqlite3_total_changes(store->db), before);
    assert_true(is_held_in_table(store));
    OK(rt_store_each_newer(store, 0, count_one, &count, &err)); /* numbers: they are there */
    assert_int_equal(sqlite3_total_changes(store->db), before);
    OK(rt_store_each_print(store, RT_NATIVE, count_print, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(sqlite3_total_changes(store->db), before + 1);
    assert_false(is_held_in_table(store));

    save_held(store, true);
    OK(rt_store_savepoint(store, &err));
    assert_true(is_held_in_table(store));
    save_held(store, false);
    OK(rt_store_rewind(store, &err));
    assert_true(load(store, 1).is_held);
    save_held(store, false);
    close_store(store);

    store = open_store();
    assert_false(is_held_in_table(store));
    save_held(store, true);
    rt_store_abort(store);
    assert_false(is_held_in_table(store));
    rt_store_close(store);
}

/* What is undone, removed, or changed in the tables alone is not kept. */
static void nothing_outlives_its_rows(void **state)
{
    const struct rt_glance glance = {.side = RT_NATIVE,
                                     .id = {{NULL, 0}, rt_slice_str("N1")},
                                     .print = {1, 2},
                                     .stamp = 1000,
                                     .file = 77,
                                     .line = 78};
    const struct rt_digest *prints[2] = {NULL, &glance.print};
    struct rt_record record;
    struct rt_store *store = open_with_record(&record);
    bool is_there;
    int64_t rid;

    (void)state;
    OK(rt_store_savepoint(store, &err));
    record = load(store, 1);
    record.is_held = false;
    OK(rt_store_save(store, &record, NULL, &err));
    OK(rt_store_rewind(store, &err));
    assert_true(load(store, 1).is_held);

    record = load(store, 1);
    record.is_held = record.is_suspect =
        false; /* else its rows are not recognised by their digest */
    record.conflict_count = 0;
    record.end[RT_EXTERNAL] = (struct rt_end){.seen = NULL, .given_at = RT_NEVER};
    record.end[RT_NATIVE] = (struct rt_end){.id = rt_slice_str("N1"),
                                            .seen = record.want,
                                            .look = {.stamp = 500, .modified_at = RT_NEVER},
                                            .given_at = RT_NEVER};
    OK(rt_store_save(store, &record, prints, &err));
    assert_int_equal(rt_store_is_unchanged(store, &glance, &rid, &err), 1);
    assert_int_equal(load(store, 1).end[RT_NATIVE].look.file, 77);

    OK(rt_store_save(store, &record, prints, &err));
    OK(rt_store_remove(store, 1, &err));
    OK(rt_store_has_record(store, 1, &is_there, &err));
    assert_false(is_there);
    assert_int_equal(rt_store_load(store, 1, &arena, &record, &err), -1);
    close_store(store);
}

static int set_up(void **state)
{
    static const char ini[] = "[profile]\nname = p\n", text[] = "field,external,native,role\n"
                                                                "eid,Id,ID,external_id\n"
                                                                "nid,Nid,NID,native_id\n"
                                                                "subject,Subject,SUBJECT,\n"
                                                                "body,Body,BODY,\n";
    const struct rt_schema_files files = {NULL, NULL};

    (void)state;
    strcpy(dir, "/tmp/roundtrip-kept-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/state.db", dir);
    if (rt_config_parse(rt_slice_str(ini), "roundtrip.ini", "p", &config, &err) < 0 ||
        rt_schema_parse(rt_slice_str(text), "schema.csv", config, &files, &schema, &err) < 0) {
        print_error("%s\n", err.msg);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    rmdir(dir);
    rt_schema_free(schema);
    rt_config_free(config);
    rt_arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_is_what_is_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kept_is_what_was_saved_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(put_off_until_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_outlives_its_rows, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
