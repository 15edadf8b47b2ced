#include "lib/intake_internal.h"

#include "lib/json_of.h"

#include <stdlib.h>
#include <string.h>

/*
 * Rows that a person has dismissed, and that a side goes on showing: a snapshot has the same faulty
 * row each day.  The answer holds while they stay as they were.
 *
 *     rejected, clash       the row is as it was
 *     repeated, went-back   the rows are as they were, and no other row of the record was taken in
 *                           since: what comes back after that is an edit again
 */

/* Where it stands, and how contents were written then, tells nothing about what a row says. */
static void forget_place(json_t *row)
{
    json_object_del(row, "file");
    json_object_del(row, "line");
    json_object_del(row, "stamp");
    json_object_del(row, "layout");
}

static uint64_t key_of(const char *kind, const json_t *rows)
{
    json_t *copy = json_deep_copy(rows), *row;
    struct rt_buf text = {0};
    uint64_t key;
    char *said;
    size_t i;

    json_array_foreach(copy, i, row) forget_place(row);
    forget_place(copy);
    said = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    rt_buf_add_str(&text, kind);
    rt_buf_add_str(&text, said);
    key = rt_digest_of(rt_buf_slice(&text)).low;
    free(said);
    rt_buf_clear(&text);
    json_decref(copy);
    return key;
}

static int64_t stamp_of(const json_t *rows)
{
    const json_t *row = json_is_array(rows) ? json_array_get(rows, 0) : rows;

    return json_integer_value(json_object_get(row, "stamp"));
}

static void add_dismissed(struct rt_intake *in, const char *kind, const json_t *rows)
{
    in->dismissed = rt_xgrow(in->dismissed, in->dismissed_count, sizeof *in->dismissed);
    in->dismissed[in->dismissed_count++] =
        (struct rt_dismissed){.key = key_of(kind, rows), .stamp = stamp_of(rows)};
}

/* One item may have rows of both sides: a file asks about those of its own. */
static void add_of_side(struct rt_intake *in, const char *kind, const json_t *rows,
                        enum rt_side side)
{
    json_t *list = json_array(), *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "side"));

        if (name != NULL && strcmp(name, rt_side_name(side)) == 0)
            json_array_append(list, row);
    }
    if (json_array_size(list) > 0)
        add_dismissed(in, kind, list);
    json_decref(list);
}

/* States of earlier versions have of a rejected row no list, and its side in the item alone. */
static json_t *rows_of(const struct rt_item *item, const json_t *detail)
{
    json_t *rows = json_object_get(detail, "rows");

    if (!json_is_object(rows) || json_object_get(rows, "side") != NULL || item->side < 0)
        return json_incref(rows);
    json_object_set_new(rows, "side", json_string(rt_side_name((enum rt_side)item->side)));
    return json_pack("[O]", rows);
}

static int note_dismissed(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct rt_intake *in = context;
    json_t *detail = rt_json_of_detail(item->detail), *rows = rows_of(item, detail);

    (void)err;
    if (json_is_object(rows))
        add_dismissed(in, item->kind, rows);
    for (int s = 0; s < 2 && json_is_array(rows); s++)
        add_of_side(in, item->kind, rows, (enum rt_side)s);
    json_decref(rows);
    json_decref(detail);
    return 0;
}

static int compare_dismissed(const void *a, const void *b)
{
    const struct rt_dismissed *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->stamp < y->stamp ? -1 : x->stamp > y->stamp;
}

static int read_dismissed(struct rt_intake *in, struct rt_err *err)
{
    if (in->has_read_dismissed)
        return 0;
    in->has_read_dismissed = true;
    if (rt_store_each_dismissed(in->work->store, note_dismissed, in, err) < 0)
        return -1;
    if (in->dismissed_count)
        qsort(in->dismissed, in->dismissed_count, sizeof *in->dismissed, compare_dismissed);
    return 0;
}

/* The newest answer about these rows: the last one with the key. */
static const struct rt_dismissed *find_key(const struct rt_intake *in, uint64_t key)
{
    size_t low = 0, high = in->dismissed_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (in->dismissed[middle].key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && in->dismissed[low - 1].key == key ? &in->dismissed[low - 1] : NULL;
}

int rt_intake_is_dismissed(struct rt_intake *in, const struct rt_question *question,
                           const struct rt_end *end, struct rt_err *err)
{
    bool is_edit = question->kind == RT_KIND_REPEATED || question->kind == RT_KIND_WENT_BACK;
    const struct rt_dismissed *found;
    json_t *rows;

    if (read_dismissed(in, err) < 0)
        return -1;
    if (in->dismissed_count == 0)
        return 0;
    rows = json_loads(question->rows, JSON_ALLOW_NUL, NULL);
    found = find_key(in, key_of(rt_kind_text(question->kind)->name, rows));
    json_decref(rows);
    return found != NULL && (end == NULL || !is_edit || end->look.stamp <= found->stamp);
}
