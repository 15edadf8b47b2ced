#include "lib/unreached.h"

int rt_unreached_keep(struct rt_unreached *unreached, const struct rt_err *err)
{
    if (err->code != RT_UNREACHABLE || unreached->is_kept)
        return -1;
    *unreached = (struct rt_unreached){true, *err};
    return 0;
}

int rt_unreached_end(const struct rt_unreached *unreached, const struct rt_log *log, int rc,
                     struct rt_err *err)
{
    if (!unreached->is_kept)
        return rc;
    if (rc < 0)
        rt_log_warn(log, "%s", unreached->err.msg);
    else
        *err = unreached->err;
    return -1;
}
