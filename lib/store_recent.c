#include "lib/store_internal.h"

/*
 * Where the records are.  A daily file changes a few of very many, each on a page of its own:
 * written in place, every one of them would cost a page read, saved, and written.  So a record
 * that changes is appended to record_recent, whole, and its row in record_base counts no more.
 * Once there are many, a commit moves them all to record_base, page by page.
 *
 * What a first load writes stays in record_base, and so does what comes when record_recent is full.
 */

#define RECENT_PART 8 /* at most this part of all records */

bool rt_store_appends(const struct rt_store *store)
{
    return !store->is_first_load && store->recent < (store->next_rid - 1) / RECENT_PART;
}

int rt_store_compact(struct rt_store *store, struct rt_err *err)
{
    if (store->recent == 0 || rt_store_appends(store))
        return 0;
    store->recent = 0;
    return rt_store_exec(store,
                         "DELETE FROM record_base WHERE rid IN (SELECT rid FROM record_recent);"
                         "INSERT INTO record_base SELECT * FROM record_recent;"
                         "DELETE FROM record_recent",
                         err);
}
