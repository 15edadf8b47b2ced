/* What init makes, and how it tells it. */
#ifndef RT_INIT_REPORT_H
#define RT_INIT_REPORT_H

#include "cmd/cmd.h"

#include "lib/draft.h"
#include "lib/preset.h"

struct rt_making { /* of a profile */
    const char *dir;
    const struct rt_preset *preset;
    struct rt_arena arena;
    struct rt_buf bytes[2]; /* of the samples */
    struct rt_sample samples[2];
    const struct rt_sample *sample[2]; /* NULL where there is none */
    struct rt_draft draft;
    struct rt_buf settings, schema;
};

/* One entry for each proposed line, what is still to be done, and what comes next. */
void rt_init_report(const struct rt_session *session, struct rt_making *making,
                    const struct rt_config *config);

#endif
