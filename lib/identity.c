#include "lib/identity.h"

#include "lib/mem.h"

static bool disagrees(struct rt_slice known, struct rt_slice told)
{
    return known.len && told.len && !rt_slice_is_equal(known, told);
}

enum rt_identity rt_identity_of(const struct rt_slice id[2], const struct rt_record *const found[2])
{
    const struct rt_record *x = found[RT_EXTERNAL], *n = found[RT_NATIVE];
    const struct rt_record *one = x ? x : n;

    if (one == NULL)
        return RT_IDENTITY_NEW;
    if (x != NULL && n != NULL && x->rid != n->rid)
        return x->end[RT_NATIVE].id.len == 0 && n->end[RT_EXTERNAL].id.len == 0 ? RT_IDENTITY_JOIN
                                                                                : RT_IDENTITY_CLASH;
    for (int s = 0; s < 2; s++)
        if (disagrees(one->end[s].id, id[s]))
            return RT_IDENTITY_CLASH;
    for (int s = 0; s < 2; s++)
        if (id[s].len && !one->end[s].id.len)
            return RT_IDENTITY_LEARN;
    return RT_IDENTITY_MATCH;
}

static void describe(const struct rt_record *record, struct rt_buf *out)
{
    for (int s = 0; s < 2; s++)
        rt_buf_printf(
            out, "%s%s ID %.*s", s ? ", " : "", rt_side_name((enum rt_side)s),
            RT_SLICE_FMT(record->end[s].id.len ? record->end[s].id : rt_slice_str("(none)")));
}

void rt_identity_explain(const struct rt_slice id[2], const struct rt_record *const found[2],
                         struct rt_buf *out)
{
    rt_buf_printf(out, "the row says external ID %.*s and native ID %.*s",
                  RT_SLICE_FMT(id[RT_EXTERNAL]), RT_SLICE_FMT(id[RT_NATIVE]));
    for (int s = 0; s < 2; s++) {
        if (found[s] == NULL || (s == 1 && found[0] != NULL && found[0]->rid == found[1]->rid))
            continue;
        rt_buf_add_str(out, s == 1 && found[0] ? ", and a record with "
                                               : ", but there is a record with ");
        describe(found[s], out);
    }
}
