#include "lib/id_columns.h"

#include "lib/value.h"

int rt_id_columns_put_names(struct rt_csv_writer *writer, const struct rt_schema *schema,
                            struct rt_buf *out, struct rt_err *err)
{
    static const char *const names[2] = {"external_id", "native_id"};

    for (int s = 0; s < 2; s++) {
        size_t count = schema->id_count[s];

        for (size_t i = 0; i < count; i++) {
            const char *name = count == 1 ? names[s] : schema->id[s][i]->name;

            if (rt_csv_put(writer, out, rt_slice_str(name), err) < 0)
                return -1;
        }
    }
    return 0;
}

int rt_id_columns_put(struct rt_csv_writer *writer, const struct rt_schema *schema,
                      enum rt_side side, struct rt_slice id, struct rt_buf *out, struct rt_err *err)
{
    size_t count = schema->id_count[side], known = 0;
    struct rt_arena arena = {0};
    struct rt_slice *parts = rt_arena_alloc(&arena, (count + 1) * sizeof *parts);
    int rc = 0;

    if (id.len > 0)
        known = rt_id_split(id, count, &arena, parts);
    if (known > 0 && known != count) { /* from a time when the ID had other fields */
        parts[0] = id;
        known = 1;
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = rt_csv_put(writer, out, i < known ? parts[i] : rt_slice_from(NULL, 0), err);
    rt_arena_clear(&arena);
    return rc;
}
