#include "lib/decide_internal.h"

#include "lib/json_of.h"
#include "lib/review.h"

#include <stdlib.h>

/*
 * A record waits for one answer about the rows of a side at a time.  Once it is there, the next
 * question about a row of the same file holds it back.
 */

void rt_decide_free_up(struct rt_freed *freed, const struct rt_record *record)
{
    for (int s = 0; s < 2; s++) {
        json_t *id = rt_json_of_text(record->end[s].id);
        char *text = record->end[s].id.len ? json_dumps(id, JSON_ENCODE_ANY) : NULL;

        json_decref(id);
        if (text == NULL)
            continue;
        freed->ids = rt_xgrow(freed->ids, freed->count, sizeof *freed->ids);
        freed->ids[freed->count++] = text;
    }
}

void rt_decide_clear_freed(struct rt_freed *freed)
{
    for (size_t i = 0; i < freed->count; i++)
        free(freed->ids[i]);
    free(freed->ids);
    *freed = (struct rt_freed){NULL, 0};
}

struct next {
    struct rt_work *work;
    const struct rt_freed *freed;
};

/* There may be thousands of items, and this is done for each decision: so no parsing. */
static bool names_one(const struct next *next, const struct rt_item *item)
{
    for (size_t i = 0; item->detail != NULL && i < next->freed->count; i++)
        if (strstr(item->detail, next->freed->ids[i]) != NULL)
            return true;
    return false;
}

static struct rt_slice id_of(const json_t *detail, const char *key)
{
    const json_t *id = json_object_get(detail, key);

    return rt_slice_from(json_string_value(id), json_string_length(id));
}

static int ask(struct next *next, const struct rt_item *item, const struct rt_slice id[2],
               struct rt_err *err)
{
    bool is_clash = strcmp(item->kind, rt_kind_text(RT_KIND_CLASH)->name) == 0;
    struct rt_arena arena = {0};
    struct rt_found found;
    struct rt_file file;
    int rc = rt_store_file_by_id(next->work->store, item->file, &arena, &file, err), asked = 0;

    if (rc == 1)
        rc = rt_book_find(next->work, id, (enum rt_side)item->side, &arena, &found, err) < 0 ? -1
                                                                                             : 1;
    for (int s = 0; s < 2 && rc == 1; s++) {
        int is_asked = 0;

        if (found.at[s] != NULL && !rt_end_is_ahead(&found.at[s]->end[item->side], file.stamp))
            is_asked = rt_book_ask(next->work, found.at[s], item, file.stamp, err);
        rc = is_asked < 0 ? -1 : 1;
        asked |= is_asked;
    }
    /* The rows of a clash are decided together, wherever they are asked about. */
    if (rc == 1 && asked && !is_clash)
        rc = rt_store_close_item(next->work->store, item->kind, item->subject,
                                 "asked about its record", err);
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

static int see_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct next *next = context;
    struct rt_slice id[2];
    json_t *detail;
    int rc;

    if (!names_one(next, item))
        return 0;
    detail = rt_json_of_detail(item->detail);
    id[RT_EXTERNAL] = id_of(detail, "external_id");
    id[RT_NATIVE] = id_of(detail, "native_id");
    rc = ask(next, item, id, err);
    json_decref(detail);
    return rc;
}

int rt_decide_ask_next(struct rt_work *work, const struct rt_freed *freed, struct rt_err *err)
{
    struct next next = {work, freed};

    return freed->count ? rt_store_each_row_item(work->store, see_item, &next, err) : 0;
}
