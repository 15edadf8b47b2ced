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
    for (int s = 0; s < 2; s++)
        if (record->end[s].id.len) {
            freed->ids = freed->ids ? freed->ids : json_array();
            json_array_append_new(freed->ids, rt_json_of_text(record->end[s].id));
        }
}

void rt_decide_clear_freed(struct rt_freed *freed)
{
    json_decref(freed->ids);
    freed->ids = NULL;
}

static int ask(struct rt_work *work, const struct rt_item *item, const struct rt_slice id[2],
               struct rt_err *err)
{
    bool is_clash = strcmp(item->kind, rt_kind_text(RT_KIND_CLASH)->name) == 0;
    struct rt_arena arena = {0};
    struct rt_found found;
    struct rt_file file;
    int rc = rt_store_file_by_id(work->store, item->file, &arena, &file, err), asked = 0;

    if (rc == 1)
        rc = rt_book_find(work, id, (enum rt_side)item->side, &arena, &found, err) < 0 ? -1 : 1;
    for (int s = 0; s < 2 && rc == 1; s++) {
        int is_asked = 0;

        if (found.at[s] != NULL && !rt_end_is_ahead(&found.at[s]->end[item->side], file.stamp))
            is_asked = rt_book_ask(work, found.at[s], item, file.stamp, err);
        rc = is_asked < 0 ? -1 : 1;
        asked |= is_asked;
    }
    /* The rows of a clash are decided together, wherever they are asked about. */
    if (rc == 1 && asked && !is_clash)
        rc = rt_store_close_item(work->store, item->kind, item->subject, "asked about its record",
                                 err);
    rt_arena_clear(&arena);
    return rc < 0 ? -1 : 0;
}

static int see_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    json_t *detail = rt_json_of_detail(item->detail);
    struct rt_slice id[2];
    int rc;

    id[RT_EXTERNAL] = rt_json_slice_of(json_object_get(detail, "external_id"));
    id[RT_NATIVE] = rt_json_slice_of(json_object_get(detail, "native_id"));
    rc = ask(context, item, id, err);
    json_decref(detail);
    return rc;
}

int rt_decide_ask_next(struct rt_work *work, const struct rt_freed *freed, struct rt_err *err)
{
    char *ids = freed->ids ? json_dumps(freed->ids, JSON_COMPACT) : NULL;
    int rc = ids ? rt_store_each_unknown_of(work->store, ids, see_item, work, err) : 0;

    free(ids);
    return rc;
}
