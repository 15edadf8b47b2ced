#include "cmd/review_choice.h"

#include "lib/digest.h"

#include <inttypes.h>
#include <stdlib.h>

static int bad_spec(const struct rt_review_choice *r, struct rt_err *err)
{
    return rt_err_set(err, RT_USAGE,
                      "\"%s\": write an item's number, 3-7, 3,5,9, or all with --kind", r->spec);
}

struct rt_listed_item rt_review_shown(const struct rt_item *item)
{
    char *about = rt_xasprintf("%s %s", item->kind, item->subject);
    struct rt_listed_item shown = {item->number, item->version,
                                   rt_digest_of(rt_slice_str(about)).low};

    free(about);
    return shown;
}

/* It was named with its version: that one is meant, whatever version was shown. */
static void note_version(struct rt_review_choice *r, const struct rt_item *item)
{
    const struct rt_listed_item *seen = rt_listed_find(&r->listed, item->number);
    struct rt_listed_item meant = seen != NULL ? *seen : rt_review_shown(item);

    meant.version = item->version;
    rt_listed_set(&r->listed, meant);
}

static int choose(struct rt_review_choice *r, const struct rt_item *item, struct rt_err *err)
{
    const struct rt_listed_item *seen = rt_listed_find(&r->listed, item->number);

    if (seen != NULL &&
        (seen->version != item->version || seen->about != rt_review_shown(item).about))
        return rt_err_set(err, RT_STOPPED,
                          "review %" PRId64
                          " changed since it was listed: look at it again with roundtrip review "
                          "show %" PRId64,
                          item->number, item->number);
    for (size_t i = 0; i < r->earlier; i++)
        if (r->numbers[i] == item->number)
            return 0;
    r->numbers = rt_xgrow(r->numbers, r->count, sizeof *r->numbers);
    r->numbers[r->count++] = item->number;
    return 0;
}

struct range {
    struct rt_review_choice *r;
    int64_t from, to;
};

/* Several at once: only what a person has seen, where a list was ever asked for. */
static int choose_in_range(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct range *range = context;

    if (item->number < range->from || item->number > range->to)
        return 0;
    if (range->r->listed.any && rt_listed_find(&range->r->listed, item->number) == NULL) {
        range->r->unseen++;
        return 0;
    }
    return choose(range->r, item, err);
}

static int choose_one(struct rt_review_choice *r, int64_t number, int64_t version,
                      struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_item item;
    int rc = rt_store_item(r->session->store, number, &arena, &item, err);

    if (rc == 0)
        rc = rt_err_set(err, RT_USAGE,
                        "there is no review item %" PRId64 ": roundtrip review lists them", number);
    else if (rc == 1 && !item.is_open)
        rc = rt_err_set(err, RT_USAGE, "review %" PRId64 " is closed: %s", number,
                        item.how ? item.how : "settled");
    else if (rc == 1 && r->kind != NULL && strcmp(item.kind, r->kind) != 0)
        rc = rt_err_set(err, RT_USAGE,
                        "review %" PRId64
                        " is of kind %s, not %s: leave --kind out, or name that one",
                        number, item.kind, r->kind);
    else if (rc == 1 && version != 0 && version != item.version)
        rc = rt_err_set(err, RT_STOPPED,
                        "review %" PRId64 "@%" PRId64 " changed since it was listed: it is %" PRId64
                        "@%" PRId64 " now; look at it again with roundtrip review show %" PRId64,
                        number, version, number, item.version, number);
    else if (rc == 1 && version != 0)
        note_version(r, &item);
    if (rc == 1)
        rc = choose(r, &item, err);
    rt_arena_clear(&arena);
    return rc;
}

/* One of the words between commas: "3", "3@2" or "3-7". */
static int choose_word(struct rt_review_choice *r, const char **at, struct rt_err *err)
{
    struct range range = {.r = r};
    int64_t version = 0;
    char *end;

    range.from = range.to = strtoll(*at, &end, 10);
    if (end == *at || range.from <= 0)
        return bad_spec(r, err);
    if (*end == '@' || *end == '-') {
        const char *second = end + 1;
        int64_t value = strtoll(second, &end, 10);

        if (end == second || value <= 0)
            return bad_spec(r, err);
        if (second[-1] == '@')
            version = value;
        else
            range.to = value;
    }
    if ((*end != ',' && *end != '\0') || range.to < range.from)
        return bad_spec(r, err);
    *at = *end ? end + 1 : end;
    if (range.to > range.from)
        return rt_store_each_item(r->session->store, r->kind, choose_in_range, &range, err);
    return choose_one(r, range.from, version, err);
}

int rt_review_choose(struct rt_review_choice *r, struct rt_err *err)
{
    struct range all = {.r = r, .from = 1, .to = INT64_MAX};
    const char *at = r->spec;

    if (strcmp(r->spec, "all") == 0) {
        if (r->kind == NULL)
            return rt_err_set(err, RT_USAGE, "all needs --kind: say which kind of items");
        if (rt_store_each_item(r->session->store, r->kind, choose_in_range, &all, err) < 0)
            return -1;
    } else {
        do {
            r->earlier = r->count;
            if (choose_word(r, &at, err) < 0)
                return -1;
        } while (*at);
    }
    if (r->unseen && r->count == 0)
        return rt_err_set(err, RT_STOPPED,
                          "%" PRId64
                          " %s came up since the list was last looked at: look at them first with "
                          "roundtrip review list",
                          r->unseen, r->unseen == 1 ? "item" : "items");
    if (r->count == 0)
        return rt_err_set(err, RT_USAGE,
                          "%s: there are no such open items: roundtrip review lists what is open",
                          r->spec);
    return 0;
}

void rt_review_choice_clear(struct rt_review_choice *choice)
{
    rt_listed_clear(&choice->listed);
    free(choice->numbers);
}
