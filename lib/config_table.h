/*
 * The table of all settings: private to config*.c.
 *
 * A key's row says where its value goes, how its text is read, and its default as text, so that
 * defaults pass the same reader as what people write.
 */
#ifndef RT_CONFIG_TABLE_H
#define RT_CONFIG_TABLE_H

#include "lib/config.h"

#include <stddef.h>

enum rt_key_kind {
    RT_KEY_TEXT,     /* char *, never empty */
    RT_KEY_OPTIONAL, /* char *, or NULL for nothing or the word `none` */
    RT_KEY_LIST,     /* struct rt_list; nothing or `none`: empty */
    RT_KEY_FLAG,     /* bool: words[0] is false, words[1] true */
    RT_KEY_WORD,     /* an enum, words in its order */
    RT_KEY_FOLDER,   /* the same, and behind folder_word stands :FOLDER, which goes to `folder` */
    RT_KEY_AGE,      /* int64_t seconds, or RT_NO_LIMIT for the word `none` */
    RT_KEY_COUNT,    /* int64_t from min to max, or the word `none` for `none_is` */
    RT_KEY_INT,      /* int from min to max */
    RT_KEY_DELIMITER /* char */
};

struct rt_config_key {
    const char *name;
    enum rt_key_kind kind;
    size_t offset;            /* in struct rt_config, or struct rt_side_config for the sides */
    const char *standard;     /* default as text; NULL: none, or put in by config.c */
    const char *const *words; /* NULL-terminated */
    const char *none; /* AGE, COUNT: no limit, or NULL; OPTIONAL: the word for NULL if not `none` */
    int64_t none_is, min, max;
    const char *(*fault)(const char *value); /* NULL, or why this text (or list item) will not do */
    const char *folder_word;
    size_t folder; /* offset of a char * */
};

enum rt_config_section_id {
    RT_SECTION_PROFILE,
    RT_SECTION_EXTERNAL, /* = RT_SECTION_EXTERNAL + side */
    RT_SECTION_NATIVE,
    RT_SECTION_POLICY,
    RT_SECTION_COUNT = RT_CONFIG_SECTIONS
};

struct rt_config_section {
    const char *name;
    const struct rt_config_key *keys;
    size_t count;
};

const struct rt_config_section *rt_config_section(enum rt_config_section_id id);

/* Index of the row, or -1. */
int rt_config_key_find(const struct rt_config_section *section, const char *name);

/* Where a section's values are. */
void *rt_config_base(struct rt_config *config, enum rt_config_section_id section);

/* Reads one value into its place; what was there is freed.  The error says why not and what would
   do, without file, line and key. */
int rt_config_value_set(void *base, const struct rt_config_key *key, const char *text,
                        struct rt_err *err) RT_MUST_CHECK;
void rt_config_value_free(void *base, const struct rt_config_key *key);

/* All rules about more than one key. */
int rt_config_check(const struct rt_config *config, struct rt_err *err);

#endif
