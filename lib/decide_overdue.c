#include "lib/decide.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * `overdue`: nothing happens on the day on which a delta has been under way for too long, so the
 * list is brought up to date whenever somebody looks at it.
 */

struct overdue {
    struct rt_work *work;
    enum rt_side side;
    struct rt_rid_set deltas; /* that are overdue */
};

static int note_flight(void *context, int64_t number, int64_t rows, struct rt_err *err)
{
    struct overdue *overdue = context;
    struct rt_work *work = overdue->work;
    struct rt_arena arena = {0};
    char subject[32], detail[80];
    struct rt_delta delta;
    bool is_waived = false;
    int rc = rt_store_delta(work->store, number, &arena, &delta, err);
    struct rt_item item = {
        .kind = "overdue", .subject = subject, .side = (int)overdue->side, .detail = detail};

    rt_arena_clear(&arena);
    if (rc != 1 || !rt_store_is_late(&delta, work->rules.config->overdue, work->rules.now))
        return rc < 0 ? -1 : 0;
    snprintf(subject, sizeof subject, "d%" PRId64, number);
    if (rt_store_is_waived(work->store, &delta, &is_waived, err) < 0)
        return -1;
    if (is_waived)
        return 0;
    snprintf(detail, sizeof detail, "{\"delta\":%" PRId64 ",\"rows\":%" PRId64 "}", number, rows);
    item.opened = delta.gone_at + work->rules.config->overdue;
    rt_rid_set_add(&overdue->deltas, number);
    return rt_store_put_item(work->store, &item, err);
}

static int close_settled(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct overdue *overdue = context;
    long long number = 0;

    if (sscanf(item->subject, "d%lld", &number) != 1 || rt_rid_set_has(&overdue->deltas, number))
        return 0;
    return rt_store_close_item(overdue->work->store, item->kind, item->subject,
                               "settled by later files", err);
}

int rt_decide_note_overdue(struct rt_work *work, struct rt_err *err)
{
    struct overdue overdue = {.work = work};
    int rc = 0;

    for (int s = 0; rc == 0 && s < 2; s++) {
        overdue.side = (enum rt_side)s;
        if (work->rules.config->side[s].shows_imports)
            rc = rt_store_each_flight(work->store, overdue.side,
                                      work->rules.config->side[s].own_id_only, note_flight,
                                      &overdue, err);
    }
    if (rc == 0)
        rc = rt_store_each_item(work->store, "overdue", close_settled, &overdue, err);
    rt_rid_set_clear(&overdue.deltas);
    return rc;
}
