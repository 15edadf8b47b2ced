#include "lib/listed.h"

#include "lib/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME     ".review-listed"
#define MAX_SIZE ((size_t)16 << 20)

void rt_listed_read(struct rt_listed *listed, const char *profile)
{
    char *path = rt_xasprintf("%s/" NAME, profile);
    struct rt_buf text = {0};
    struct rt_err ignored;

    *listed = (struct rt_listed){0};
    if (rt_spool_read(path, MAX_SIZE, &text, &ignored) == 0) {
        const char *line = rt_buf_str(&text);
        struct rt_listed_item item;

        listed->any = true;
        while (line != NULL && sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNx64, &item.number,
                                      &item.version, &item.about) == 3) {
            rt_listed_set(listed, item);
            line = strchr(line, '\n');
            line = line && line[1] ? line + 1 : NULL;
        }
    }
    rt_buf_clear(&text);
    free(path);
}

void rt_listed_clear(struct rt_listed *listed)
{
    free(listed->items);
    *listed = (struct rt_listed){0};
}

/* Where the number is, or would be: they are in order. */
static size_t find(const struct rt_listed *listed, int64_t number)
{
    size_t low = 0, high = listed->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (listed->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct rt_listed_item *rt_listed_find(const struct rt_listed *listed, int64_t number)
{
    size_t at = find(listed, number);

    return at < listed->count && listed->items[at].number == number ? &listed->items[at] : NULL;
}

void rt_listed_set(struct rt_listed *listed, struct rt_listed_item item)
{
    size_t at = find(listed, item.number);

    if (at == listed->count || listed->items[at].number != item.number) {
        listed->items = rt_xgrow(listed->items, listed->count, sizeof *listed->items);
        memmove(listed->items + at + 1, listed->items + at,
                (listed->count - at) * sizeof *listed->items);
        listed->count++;
    }
    listed->items[at] = item;
}

int rt_listed_write(const struct rt_listed *listed, const char *profile, struct rt_err *err)
{
    struct rt_spool *spool = NULL;
    struct rt_buf text = {0};
    int rc;

    for (size_t i = 0; i < listed->count; i++)
        rt_buf_printf(&text, "%" PRId64 " %" PRId64 " %" PRIx64 "\n", listed->items[i].number,
                      listed->items[i].version, listed->items[i].about);
    rc = rt_spool_open(profile, NAME, true, &spool, err);
    if (rc == 0)
        rc = rt_spool_write(spool, rt_buf_str(&text), text.len, err);
    if (rc == 0)
        rc = rt_spool_commit(spool, err);
    rt_spool_close(spool);
    rt_buf_clear(&text);
    return rc;
}
