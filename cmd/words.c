#include "cmd/cmd.h"

#include "lib/filename.h"

#include <stdlib.h>
#include <strings.h>

/* ---- words of the command line ---- */

int rt_session_side(const struct rt_session *session, const char *word, enum rt_side *side,
                    struct rt_err *err)
{
    if (rt_config_find_side(session->config, word, side))
        return 0;
    return rt_err_set(err, RT_USAGE, "\"%s\" is no side: write external (%s) or native (%s)", word,
                      session->config->side[RT_EXTERNAL].label,
                      session->config->side[RT_NATIVE].label);
}

int rt_session_chosen_side(const struct rt_session *session, const struct rt_args *args,
                           enum rt_side *side, struct rt_err *err)
{
    const char *word = rt_args_get(args, "to");

    if (word != NULL && args->word_count > 0)
        return rt_err_set(err, RT_USAGE, "%s and --to %s: name the side once", args->words[0],
                          word);
    if (word == NULL && args->word_count > 0)
        word = args->words[0];
    if (word == NULL)
        return 0;
    return rt_session_side(session, word, side, err) < 0 ? -1 : 1;
}

/* "external:ID", "native:ID" or "LABEL:ID": true, *side and *id. */
static bool split_id(const struct rt_session *session, const char *text, enum rt_side *side,
                     const char **id)
{
    const char *colon = strchr(text, ':');
    char *word;
    bool is_side;

    if (colon == NULL)
        return false;
    word = rt_xstrndup(text, (size_t)(colon - text));
    is_side = rt_config_find_side(session->config, word, side);
    free(word);
    *id = colon + 1;
    return is_side;
}

/* Not the ID of a record, but perhaps one that it had before: an old mail may name that. */
static int no_record(struct rt_session *session, const char *text, struct rt_err *err)
{
    enum rt_side side = RT_EXTERNAL;
    const char *id = text;
    bool is_one = split_id(session, text, &side, &id);

    rt_err_set(err, RT_USAGE,
               "%s: no record has this ID, external or native: only rows that were taken in are "
               "known",
               text);
    for (int s = 0; s < 2; s++) {
        struct rt_arena arena = {0};
        struct rt_record record;
        struct rt_err ignored;
        int64_t rid;

        if ((!is_one || (int)side == s) &&
            rt_store_find_former(session->store, (enum rt_side)s, rt_slice_str(id), &rid,
                                 &ignored) == 1 &&
            rt_store_load(session->store, rid, &arena, &record, &ignored) == 0 &&
            record.end[s].id.len > 0)
            rt_err_set(err, RT_USAGE, "%s: no record has this ID any more: it became %s:%.*s", text,
                       rt_side_name((enum rt_side)s), (int)record.end[s].id.len,
                       record.end[s].id.ptr);
        rt_arena_clear(&arena);
    }
    return -1;
}

int rt_session_record(struct rt_session *session, const char *text, int64_t *rid,
                      struct rt_err *err)
{
    enum rt_side side = RT_EXTERNAL;
    const char *id;
    int64_t found[2] = {0, 0};

    if (split_id(session, text, &side, &id)) {
        int rc = rt_store_find(session->store, side, rt_slice_str(id), rid, err);

        if (rc == 1 || rc < 0)
            return rc < 0 ? -1 : 0;
    }
    for (int s = 0; s < 2; s++)
        if (rt_store_find(session->store, (enum rt_side)s, rt_slice_str(text), &found[s], err) < 0)
            return -1;
    if (found[0] && found[1] && found[0] != found[1])
        return rt_err_set(err, RT_USAGE,
                          "%s is both an external and a native ID: write external:%s or native:%s",
                          text, text, text);
    *rid = found[0] ? found[0] : found[1];
    return *rid ? 0 : no_record(session, text, err);
}

/* What stands behind "external:" or "native:"; NULL: none of them.  A label may well be the
 * beginning of an ID that is not known yet. */
static const char *behind_side(const char *text, enum rt_side *side)
{
    for (int s = 0; s < 2; s++) {
        size_t len = strlen(rt_side_name((enum rt_side)s));

        *side = (enum rt_side)s;
        if (strncasecmp(text, rt_side_name(*side), len) == 0 && text[len] == ':')
            return text + len + 1;
    }
    return NULL;
}

int rt_session_id(struct rt_session *session, enum rt_side side, const char *text,
                  struct rt_slice *id, struct rt_err *err)
{
    enum rt_side named;
    const char *rest = behind_side(text, &named);
    int64_t rid;
    int rc = 0;

    *id = rt_slice_str(text);
    if (rest != NULL)
        rc = rt_store_find(session->store, side, *id, &rid, err);
    if (rest == NULL || rc != 0)
        return rc < 0 ? -1 : 0;
    if (named != side)
        return rt_err_set(err, RT_USAGE, "%s: here is the place of the %s ID", text,
                          rt_side_name(side));
    *id = rt_slice_str(rest);
    return 0;
}

/* The delta of a file, also under the name that it was handed over again with.  1, 0, -1. */
static int find_by_name(struct rt_session *session, const char *word, int64_t *delta,
                        struct rt_err *err)
{
    const char *slash = strrchr(word, '/'), *name = slash ? slash + 1 : word;
    char *first = rt_name_at_first(name);
    int rc = rt_store_find_part(session->store, name, delta, err);

    if (rc == 0 && first != NULL)
        rc = rt_store_find_part(session->store, first, delta, err);
    free(first);
    return rc;
}

int rt_session_delta(struct rt_session *session, const char *word, int64_t *delta,
                     struct rt_err *err)
{
    struct rt_arena arena = {0};
    struct rt_delta known;
    char *end;
    int rc = find_by_name(session, word, delta, err);

    if (rc == 0) {
        *delta = strtoll(word, &end, 10);
        if (*word && *end == '\0' && *delta > 0)
            rc = rt_store_delta(session->store, *delta, &arena, &known, err);
    }
    rt_arena_clear(&arena);
    return rc == 0  ? rt_err_set(err, RT_USAGE,
                                 "%s: there is no such delta: see outbox/ and archive/out", word)
           : rc < 0 ? -1
                    : 0;
}

int rt_session_since(const struct rt_session *session, const struct rt_args *args, int64_t *since,
                     struct rt_err *err)
{
    const int64_t first = rt_time_from_civil(1, 1, 1, 0);
    const char *text = rt_args_get(args, "since");
    int64_t age;

    *since = RT_NEVER;
    if (text == NULL || rt_time_parse(text, since))
        return 0;
    /* A bare number, seconds in settings, is days or hours to who types it here: it must say. */
    if (text[strspn(text, "0123456789")] != '\0' && rt_age_parse(text, &age)) {
        *since = session->rules.now - age;
        if (*since < first) /* nothing is that old, and a calendar has no more days */
            *since = first;
        return 0;
    }
    return rt_err_set(
        err, RT_USAGE,
        "--since %s: not a time: write it as 2026-11-21T06:00:00Z, or as an age like 3d", text);
}

const char *rt_session_reason(const struct rt_args *args, struct rt_arena *arena)
{
    const char *given = rt_args_get(args, "reason");
    char *text = given ? rt_arena_strdup(arena, given) : NULL;

    if (text != NULL)
        rt_keep_to_one_line(text);
    return text;
}
