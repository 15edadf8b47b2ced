#include "lib/decide_internal.h"

#include "lib/profile.h"

#include <stdlib.h>

/*
 * A changed schema is accepted.  A conflict about a field that is written in another way from now
 * on, or has left the schema, cannot be answered any more: its values would be read as what they do
 * not say.  It ends, and the field is unknown on both sides, so that nothing of it flows until both
 * have shown it; if they differ then, it is asked again, as `first-seen`.
 */

struct asked {
    int64_t *rids;
    size_t count;
};

static int add_asked(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct asked *asked = context;

    (void)err;
    asked->rids = rt_xgrow(asked->rids, asked->count, sizeof *asked->rids);
    asked->rids[asked->count++] = item->rid;
    return 0;
}

/* A copy, without the fields that are in no schema any more: or they would come back with it. */
static struct rt_content *copy_of(struct rt_work *work, const struct rt_content *content,
                                  struct rt_arena *arena)
{
    return content ? rt_content_copy(work->rules.schema, content, arena) : NULL;
}

static void forget_field(struct rt_content *content, size_t field)
{
    if (content != NULL)
        content->value[field] = (struct rt_value){{NULL, 0}, RT_FROM_UNKNOWN};
}

static void end_unreadable(struct rt_work *work, struct rt_record *record, struct rt_arena *arena)
{
    struct rt_content *want = copy_of(work, record->want, arena),
                      *external = copy_of(work, record->end[RT_EXTERNAL].seen, arena),
                      *native = copy_of(work, record->end[RT_NATIVE].seen, arena);
    size_t left = 0;

    for (size_t i = 0; i < record->conflict_count; i++) {
        const struct rt_conflict *c = &record->conflicts[i];

        if (rt_value_is_known(c->value[RT_EXTERNAL]) && rt_value_is_known(c->value[RT_NATIVE])) {
            record->conflicts[left++] = *c;
            continue;
        }
        forget_field(want, c->field);
        forget_field(external, c->field);
        forget_field(native, c->field);
    }
    record->conflict_count = left;
    record->want = want;
    record->end[RT_EXTERNAL].seen = external;
    record->end[RT_NATIVE].seen = native;
}

static int look_again(struct rt_work *work, int64_t rid, struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_record record;
    int rc = rt_store_load(work->store, rid, &arena, &record, err);
    unsigned before;

    before = rc == 0 ? record.items : 0;
    if (rc == 0) {
        end_unreadable(work, &record, &arena);
        rc = rt_decide_save(work, &record, err);
    }
    if (rc == 0 && record.items != before)
        rc = rt_book_note(work, &record, -1, "accept-schema",
                          "a field in conflict is written in another way now, or not at all; it is "
                          "asked about again if the two sides show different values",
                          err);
    rt_arena_clear(&arena);
    return rc;
}

int rt_decide_accept_schema(struct rt_work *work, struct rt_err *err)
{
    struct asked asked = {NULL, 0};
    int rc = rt_profile_accept_schema(work, err);

    if (rc == 0)
        rc = rt_store_each_item(work->store, "conflict", add_asked, &asked, err);
    if (rc == 0)
        rc = rt_store_each_item(work->store, "first-seen", add_asked, &asked, err);
    for (size_t i = 0; rc == 0 && i < asked.count; i++)
        rc = look_again(work, asked.rids[i], err);
    free(asked.rids);
    return rc;
}
