#include "lib/config_table.h"

#include "lib/clock.h"
#include "lib/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(enum rt_transport) == sizeof(unsigned) &&
                   sizeof(enum rt_match) == sizeof(unsigned) &&
                   sizeof(enum rt_deletes) == sizeof(unsigned) &&
                   sizeof(enum rt_upload) == sizeof(unsigned) &&
                   sizeof(enum rt_after_fetch) == sizeof(unsigned) &&
                   sizeof(enum rt_conflict_policy) == sizeof(unsigned),
               "words are stored as unsigned");

static void replace(char **at, const char *text)
{
    free(*at);
    *at = text ? rt_xstrdup(text) : NULL;
}

static bool is_none(const struct rt_config_key *key, const char *text)
{
    return *text == '\0' || strcmp(text, key->none ? key->none : "none") == 0;
}

static int refuse(struct rt_err *err, const char *why)
{
    return rt_err_set(err, RT_CONFIG, "%s", why);
}

static int set_text(void *at, const struct rt_config_key *key, const char *text, struct rt_err *err)
{
    const char *fault;

    if (*text == '\0')
        return refuse(err, "the value is empty; write one, or leave the key out");
    fault = key->fault ? key->fault(text) : NULL;
    if (fault)
        return rt_err_set(err, RT_CONFIG, "\"%.60s\" will not do: %s", text, fault);
    replace(at, text);
    return 0;
}

static int set_optional(void *at, const struct rt_config_key *key, const char *text,
                        struct rt_err *err)
{
    if (!is_none(key, text))
        return set_text(at, key, text, err);
    replace(at, NULL);
    return 0;
}

static void list_clear(struct rt_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct rt_list){0};
}

static int set_list(struct rt_list *list, const struct rt_config_key *key, const char *text,
                    struct rt_err *err)
{
    list_clear(list);
    if (is_none(key, text))
        return 0;
    while (*(text += strspn(text, ", \t"))) {
        size_t len = strcspn(text, ", \t");
        const char *fault;
        char *item = rt_xstrndup(text, len);

        list->items = rt_xgrow(list->items, list->count, sizeof *list->items);
        list->items[list->count++] = item;
        fault = key->fault ? key->fault(item) : NULL;
        if (fault)
            return rt_err_set(err, RT_CONFIG, "\"%.60s\" will not do: %s", item, fault);
        text += len;
    }
    return 0;
}

/* "leave, move:FOLDER or delete" */
static void say_words(const struct rt_config_key *key, struct rt_buf *out)
{
    for (size_t i = 0; key->words[i]; i++) {
        if (i > 0)
            rt_buf_add_str(out, key->words[i + 1] ? ", " : " or ");
        rt_buf_add_str(out, key->words[i]);
        if (key->folder_word && strcmp(key->words[i], key->folder_word) == 0)
            rt_buf_add_str(out, ":FOLDER");
    }
}

static int refuse_word(const struct rt_config_key *key, const char *text, struct rt_err *err)
{
    struct rt_buf words = {0};

    say_words(key, &words);
    rt_err_set(err, RT_CONFIG, "\"%.60s\" will not do; write %s", text, rt_buf_str(&words));
    rt_buf_clear(&words);
    return -1;
}

static int find_word(const struct rt_config_key *key, const char *text, size_t len)
{
    for (int i = 0; key->words[i]; i++) {
        if (strlen(key->words[i]) == len && strncmp(key->words[i], text, len) == 0)
            return i;
    }
    return -1;
}

static int set_flag(bool *at, const struct rt_config_key *key, const char *text, struct rt_err *err)
{
    int word = find_word(key, text, strlen(text));

    if (word < 0)
        return refuse_word(key, text, err);
    *at = word == 1;
    return 0;
}

static int set_word(void *at, const struct rt_config_key *key, const char *text, struct rt_err *err)
{
    int word = find_word(key, text, strlen(text));
    unsigned value = (unsigned)word;

    if (word < 0)
        return refuse_word(key, text, err);
    memcpy(at, &value, sizeof value);
    return 0;
}

static int set_folder(void *base, const struct rt_config_key *key, const char *text,
                      struct rt_err *err)
{
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    int word = find_word(key, text, len);
    unsigned value = (unsigned)word;

    while (colon && *++colon == ' ')
        ;
    if (word < 0 || (colon != NULL) != (strcmp(key->words[word], key->folder_word) == 0) ||
        (colon && *colon == '\0'))
        return refuse_word(key, text, err);
    memcpy((char *)base + key->offset, &value, sizeof value);
    replace((char **)(void *)((char *)base + key->folder), colon);
    return 0;
}

static int set_age(int64_t *at, const struct rt_config_key *key, const char *text,
                   struct rt_err *err)
{
    if (key->none && strcmp(text, key->none) == 0) {
        *at = RT_NO_LIMIT;
        return 0;
    }
    if (rt_age_parse(text, at) && *at < key->min)
        return rt_err_set(err, RT_CONFIG, "\"%.60s\" will not do; write an age of at least 1s%s%s",
                          text, key->none ? ", or " : "", key->none ? key->none : "");
    if (!rt_age_parse(text, at))
        return rt_err_set(err, RT_CONFIG,
                          "\"%.60s\" is no age; write it as 90s, 30m, 36h, 3d or 2w%s%s", text,
                          key->none ? ", or " : "", key->none ? key->none : "");
    return 0;
}

static bool read_integer(const char *text, int64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *text != ' ' && *text != '+';
}

static int set_count(int64_t *at, const struct rt_config_key *key, const char *text,
                     struct rt_err *err)
{
    char range[64];

    if (key->none && strcmp(text, key->none) == 0) {
        *at = key->none_is;
        return 0;
    }
    if (read_integer(text, at) && *at >= key->min && *at <= key->max)
        return 0;
    if (key->max < INT32_MAX)
        snprintf(range, sizeof range, "from %" PRId64 " to %" PRId64, key->min, key->max);
    else
        snprintf(range, sizeof range, "of at least %" PRId64, key->min);
    return rt_err_set(err, RT_CONFIG, "\"%.60s\" will not do; write a number %s%s%s", text, range,
                      key->none ? ", or " : "", key->none ? key->none : "");
}

static int set_int(int *at, const struct rt_config_key *key, const char *text, struct rt_err *err)
{
    int64_t value;

    if (set_count(&value, key, text, err) != 0)
        return -1;
    *at = (int)value;
    return 0;
}

/* A blank before ; begins a comment: the words are there for what cannot be written. */
static int set_delimiter(char *at, const char *text, struct rt_err *err)
{
    static const struct {
        const char *word;
        char delimiter;
    } known[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"\\t", '\t'}, {"pipe", '|'}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(text, known[i].word) == 0) {
            *at = known[i].delimiter;
            return 0;
        }
    }
    if (strlen(text) != 1 || (unsigned char)*text > 0x7E || strchr("\"\\'.-+_", *text) ||
        (*text >= '0' && *text <= '9') || ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z'))
        return rt_err_set(
            err, RT_CONFIG,
            "\"%.60s\" will not do; write one character, or comma, semicolon, tab or pipe", text);
    *at = *text;
    return 0;
}

int rt_config_value_set(void *base, const struct rt_config_key *key, const char *text,
                        struct rt_err *err)
{
    void *at = (char *)base + key->offset;

    switch (key->kind) {
    case RT_KEY_TEXT:
        return set_text(at, key, text, err);
    case RT_KEY_OPTIONAL:
        return set_optional(at, key, text, err);
    case RT_KEY_LIST:
        return set_list(at, key, text, err);
    case RT_KEY_FLAG:
        return set_flag(at, key, text, err);
    case RT_KEY_WORD:
        return set_word(at, key, text, err);
    case RT_KEY_FOLDER:
        return set_folder(base, key, text, err);
    case RT_KEY_AGE:
        return set_age(at, key, text, err);
    case RT_KEY_COUNT:
        return set_count(at, key, text, err);
    case RT_KEY_INT:
        return set_int(at, key, text, err);
    case RT_KEY_DELIMITER:
        return set_delimiter(at, text, err);
    }
    return refuse(err, "no such kind of setting");
}

void rt_config_value_free(void *base, const struct rt_config_key *key)
{
    void *at = (char *)base + key->offset;

    if (key->kind == RT_KEY_TEXT || key->kind == RT_KEY_OPTIONAL)
        replace(at, NULL);
    else if (key->kind == RT_KEY_LIST)
        list_clear(at);
    else if (key->kind == RT_KEY_FOLDER)
        replace((char **)(void *)((char *)base + key->folder), NULL);
}
