#include "lib/store_internal.h"

#include <stdlib.h>

/*
 * Records that this transaction saved, as they would be loaded again: what a file changed is
 * planned and sent soon after.  Those with open questions, and all that find no more room, are
 * loaded.
 *
 * A record that was there before and keeps its IDs is saved here alone: its row is put off until a
 * statement asks for rows of records, or the transaction ends.  So most are written once.
 */

/* Bytes at most: so many, and more where there are many records. */
#define KEPT_LEAST      ((size_t)32 << 20)
#define KEPT_PER_RECORD ((size_t)16)

struct rt_kept {
    struct rt_arena arena;
    struct slot {
        int64_t rid;              /* 0: free */
        struct rt_record *record; /* NULL: forgotten */
        bool is_put_off, is_insert;
    } * slots;
    size_t size, count; /* of the slots, a power of two; of those in use */
    int64_t *put_off;   /* the numbers of those that are to be written */
    size_t put_off_count;
};

static struct slot *slot_of(const struct rt_kept *kept, int64_t rid)
{
    /* New records have one number after the other: spread, or they would make one long run. */
    size_t i = (size_t)((uint64_t)rid * 0x9e3779b97f4a7c15u >> 17) & (kept->size - 1);

    while (kept->slots[i].rid != 0 && kept->slots[i].rid != rid)
        i = (i + 1) & (kept->size - 1);
    return &kept->slots[i];
}

static void grow(struct rt_kept *kept)
{
    struct slot *old = kept->slots;
    size_t size = kept->size;

    kept->size = size ? size * 2 : 256;
    kept->slots = rt_xcalloc(kept->size, sizeof *kept->slots);
    for (size_t i = 0; i < size; i++)
        if (old[i].rid != 0)
            *slot_of(kept, old[i].rid) = old[i];
    free(old);
}

struct rt_record *rt_store_kept(struct rt_store *store, int64_t rid)
{
    return store->kept == NULL ? NULL : slot_of(store->kept, rid)->record;
}

int rt_store_unkeep(struct rt_store *store, int64_t rid, struct rt_err *err)
{
    struct slot *slot;

    if (store->kept == NULL)
        return 0;
    slot = slot_of(store->kept, rid);
    if (slot->is_put_off && rt_store_write_kept(store, err) < 0)
        return -1;
    slot->record = NULL;
    return 0;
}

void rt_store_unkeep_all(struct rt_store *store)
{
    if (store->kept == NULL)
        return;
    rt_arena_clear(&store->kept->arena);
    free(store->kept->slots);
    free(store->kept->put_off);
    free(store->kept);
    store->kept = NULL;
}

/* The contents of a kept record: known by their numbers, since they never change. */
struct contents {
    const struct rt_content *of[2 * RT_RECORD_CONTENTS]; /* before it was saved, and since */
    size_t count;
};

static struct contents contents_of(struct rt_record *record)
{
    const struct rt_content **places[RT_RECORD_CONTENTS] = {NULL};
    struct contents contents = {.count = rt_record_contents(record, places)};

    for (size_t i = 0; i < contents.count; i++)
        contents.of[i] = *places[i];
    return contents;
}

/* Versions of a record differ in few fields: what is the same text is there once. */
static struct rt_slice copy_text(struct rt_store *store, const struct contents *contents,
                                 size_t field, struct rt_slice text)
{
    for (size_t i = 0; i < contents->count; i++)
        if (rt_slice_is_equal(contents->of[i]->value[field].raw, text))
            return contents->of[i]->value[field].raw;
    return rt_arena_dup(&store->kept->arena, text);
}

static const struct rt_content *copy_content(struct rt_store *store, struct contents *contents,
                                             const struct rt_content *from)
{
    struct rt_content *to;

    for (size_t i = 0; i < contents->count; i++)
        if (contents->of[i]->cid == from->cid)
            return contents->of[i];
    to = rt_content_copy(store->schema, from, &store->kept->arena);
    to->cid = from->cid;
    for (size_t i = 0; i < store->schema->content_count; i++)
        if (rt_value_is_known(to->value[i]))
            to->value[i].raw = copy_text(store, contents, i, to->value[i].raw);
    contents->of[contents->count++] = to;
    return to;
}

/* All that the record points to, into the store's own memory; `contents` are there already. */
static void copy_all(struct rt_store *store, struct rt_record *record, struct contents *contents)
{
    const struct rt_content **places[RT_RECORD_CONTENTS];
    size_t count = rt_record_contents(record, places);

    for (size_t i = 0; i < count; i++)
        *places[i] = copy_content(store, contents, *places[i]);
    for (int s = 0; s < 2; s++) {
        struct rt_end *end = &record->end[s];

        record->stored_id[s] = end->id = rt_arena_dup(&store->kept->arena, end->id);
        end->not_taken = NULL;
        end->cuts = NULL;
        end->not_taken_delta = 0;
    }
    record->conflicts = NULL;
}

static bool is_full(const struct rt_store *store)
{
    return store->kept->arena.total >= KEPT_LEAST + (size_t)store->next_rid * KEPT_PER_RECORD;
}

/* Its slot, with a copy of it; NULL: it is not kept. */
static struct slot *keep(struct rt_store *store, const struct rt_record *record)
{
    struct contents contents = {.count = 0};
    struct slot *slot;

    if (!store->in_transaction || store->is_first_load || rt_store_has_open(record))
        return NULL;
    if (store->kept == NULL)
        store->kept = rt_xcalloc(1, sizeof *store->kept);
    if (store->kept->count * 3 >= store->kept->size * 2)
        grow(store->kept);
    slot = slot_of(store->kept, record->rid);
    if (slot->record == record)
        return slot; /* borrowed */
    if (is_full(store))
        return NULL;
    if (slot->record != NULL)
        contents = contents_of(slot->record);
    else
        slot->record = rt_arena_alloc(&store->kept->arena, sizeof *record);
    store->kept->count += slot->rid == 0;
    slot->rid = record->rid;
    *slot->record = *record;
    copy_all(store, slot->record, &contents);
    return slot;
}

void rt_store_keep(struct rt_store *store, const struct rt_record *record)
{
    (void)keep(store, record);
}

/* ---- rows that are put off ---- */

bool rt_store_put_off(struct rt_store *store, const struct rt_record *record, bool is_insert)
{
    struct slot *slot = keep(store, record);
    struct rt_kept *kept = store->kept;

    if (slot == NULL)
        return false;
    slot->is_insert = slot->is_insert || is_insert;
    if (slot->is_put_off)
        return true;
    slot->is_put_off = true;
    kept->put_off = rt_xgrow(kept->put_off, kept->put_off_count, sizeof *kept->put_off);
    kept->put_off[kept->put_off_count++] = record->rid;
    return true;
}

static int compare_rids(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* By number, as the table has them. */
int rt_store_write_kept(struct rt_store *store, struct rt_err *err)
{
    struct rt_kept *kept = store->kept;

    if (kept == NULL || kept->put_off_count == 0)
        return 0;
    qsort(kept->put_off, kept->put_off_count, sizeof *kept->put_off, compare_rids);
    for (size_t i = 0; i < kept->put_off_count; i++) {
        struct slot *slot = slot_of(kept, kept->put_off[i]);

        if (rt_store_write_row(store, slot->record, slot->is_insert, err) < 0)
            return -1;
        slot->is_put_off = slot->is_insert = false;
    }
    kept->put_off_count = 0;
    return 0;
}
