/*
 * What `init` starts a profile from: settings as text, and the lines of a schema.  Data only.
 */
#ifndef RT_PRESET_H
#define RT_PRESET_H

#include "lib/draft.h"
#include "lib/mem.h"

struct rt_preset {
    const char *name;
    const char *label[2];
    const char *const *settings; /* lines of roundtrip.ini, ends with NULL; "@NAME@" stands for the
                                    profile's name */
    const struct rt_draft_line *lines;
    size_t count;
};

/* NULL if there is no such preset. */
const struct rt_preset *rt_preset_find(const char *name);

/* "evertrue, contacts or plain" */
const char *rt_preset_names(void);

/* What a sample file tells about the settings of its side; zero or NULL: as the preset has it. */
struct rt_preset_file {
    char delimiter;
    const char *encoding, *stamp;
};

/* roundtrip.ini of a preset, for a profile of that name; `file` by side. */
void rt_preset_settings(const struct rt_preset *preset, const char *name,
                        const struct rt_preset_file file[2], struct rt_buf *out);

#endif
