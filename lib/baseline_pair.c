#include "lib/baseline_pair.h"

#include "lib/book.h"
#include "lib/digest.h"

#include <stdlib.h>

/* What a record looks like to the eye of a person, on one side. */
struct print {
    struct rt_digest digest;
    enum rt_side side;
    int64_t rid;
    bool is_alone; /* the record has no ID on the other side */
};

struct prints {
    enum rt_side as; /* as that side can hold it, so that what is lost there makes no difference */
    struct print *items;
    size_t count;
    int64_t alone[2]; /* by side */
};

/* False if there is nothing to see. */
static bool digest_of(const struct rt_rules *rules, enum rt_side as, const struct rt_content *seen,
                      struct rt_digest *digest)
{
    struct rt_hasher *hasher = rt_hasher_new();
    struct rt_buf key = {0};
    bool any = false;

    for (size_t i = 0; i < rules->schema->content_count; i++) {
        const struct rt_field *field = rules->schema->content[i];

        if (field->role != RT_ROLE_FINGERPRINT)
            continue;
        rt_buf_reset(&key);
        rt_value_key(field, as, seen->value[i], &key);
        rt_hasher_add(hasher, rt_buf_slice(&key));
        any = any || key.len > 0;
    }
    *digest = rt_hasher_end(hasher);
    rt_hasher_free(hasher);
    rt_buf_clear(&key);
    return any;
}

static void add(struct prints *prints, const struct rt_rules *rules, const struct rt_record *record)
{
    for (int s = 0; s < 2; s++) {
        struct rt_digest digest;

        /* What a side is only taken to hold was not seen there. */
        if (record->end[s].look.stamp == RT_NEVER || record->end[s].seen == NULL ||
            !digest_of(rules, prints->as, record->end[s].seen, &digest))
            continue;
        prints->items = rt_xgrow(prints->items, prints->count, sizeof *prints->items);
        prints->items[prints->count++] = (struct print){.digest = digest,
                                                        .side = (enum rt_side)s,
                                                        .rid = record->rid,
                                                        .is_alone = record->end[!s].id.len == 0};
        prints->alone[s] += record->end[!s].id.len == 0;
    }
}

static int compare(const void *a, const void *b)
{
    const struct print *x = a, *y = b;

    if (x->digest.high != y->digest.high)
        return x->digest.high < y->digest.high ? -1 : 1;
    if (x->digest.low != y->digest.low)
        return x->digest.low < y->digest.low ? -1 : 1;
    if (x->side != y->side)
        return x->side < y->side ? -1 : 1;
    return (x->rid > y->rid) - (x->rid < y->rid);
}

static int join(struct rt_work *work, int64_t external, int64_t native, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_observed observed;
    struct rt_record into, from;
    int rc = -1;

    if (rt_store_load(work->store, external, &arena, &into, err) == 0 &&
        rt_store_load(work->store, native, &arena, &from, err) == 0 &&
        rt_book_join(work, &into, &from, &arena, &observed, err) == 0)
        rc = rt_book_note(work, &into, -1, "bind", "paired by its fingerprint", err);
    rt_arena_clear(&arena);
    return rc;
}

/* A pair is two in a row with one digest, one of each side, both alone, and no third one. */
static int join_unique(struct rt_work *work, const struct prints *prints, int64_t *paired,
                       struct rt_err *err)
{
    for (size_t i = 0, next; i < prints->count; i = next) {
        const struct print *p = &prints->items[i];

        for (next = i + 1;
             next < prints->count && rt_digest_is_equal(p->digest, prints->items[next].digest);)
            next++;
        if (next - i != 2 || p[0].side == p[1].side || !p[0].is_alone || !p[1].is_alone)
            continue;
        if (join(work, p[0].rid, p[1].rid, err) < 0)
            return -1;
        ++*paired;
    }
    return 0;
}

/* is_left: are there records left that are alone, on either side? */
static int pair_as(struct rt_work *work, enum rt_side as, int64_t *paired, bool *is_left,
                   struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct prints prints = {.as = as};
    struct rt_record record;
    int64_t before = *paired;
    int rc = 0;

    for (int64_t rid = 1; rc == 0 && rid <= rt_store_last_record(work->store); rid++) {
        bool is_there;

        rt_arena_reset(&arena);
        rc = rt_store_has_record(work->store, rid, &is_there, err);
        if (rc == 0 && is_there)
            rc = rt_store_load(work->store, rid, &arena, &record, err);
        if (rc == 0 && is_there)
            add(&prints, &work->rules, &record);
    }
    if (rc == 0 && prints.count) {
        qsort(prints.items, prints.count, sizeof *prints.items, compare);
        rc = join_unique(work, &prints, paired, err);
    }
    *is_left = prints.alone[0] > *paired - before && prints.alone[1] > *paired - before;
    rt_arena_clear(&arena);
    free(prints.items);
    return rc;
}

int rt_baseline_pair(struct rt_work *work, int64_t *paired, struct rt_err *err)
{
    bool is_left = true;

    for (int s = 1; is_left && s >= 0; s--)
        if (pair_as(work, (enum rt_side)s, paired, &is_left, err) < 0)
            return -1;
    return 0;
}
