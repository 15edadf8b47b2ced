#include "cmd/complete.h"
#include "cmd/review_view.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_IDS    50 /* of a side: nobody reads a longer list */
#define MOST_DELTAS 20 /* the newest, before a letter of the name is there */

struct offering {
    struct rt_session *session;
    const char *word;
    bool is_handed;
    int64_t first; /* delta */
};

static void offer_id(const struct offering *o, struct rt_slice id, struct rt_slice other,
                     enum rt_side side)
{
    char *text = rt_xstrndup(id.ptr ? id.ptr : "", id.len);
    char *about = rt_xasprintf("%s%s%.*s", o->session->config->side[side].label,
                               other.len ? ", other ID " : "", RT_SLICE_FMT(other));

    if (id.len)
        rt_complete_offer(o->word, text, about);
    free(about);
    free(text);
}

static int see_held(void *context, const struct rt_store_ids *ids, struct rt_err *err)
{
    (void)err;
    for (int s = 0; s < 2; s++)
        offer_id(context, ids->id[s], ids->id[!s], (enum rt_side)s);
    return 0;
}

static int see_id(void *context, const struct rt_store_ids *ids, struct rt_err *err)
{
    (void)err;
    offer_id(context, ids->id[ids->side], ids->id[!ids->side], ids->side);
    return 0;
}

static int see_part(void *context, const struct rt_delta_part *part, struct rt_err *err)
{
    const struct offering *o = context;
    char number[32], about[64];

    (void)err;
    snprintf(number, sizeof number, "%06lld", (long long)part->delta);
    snprintf(about, sizeof about, "delta %s, %lld rows", number, (long long)part->rows);
    rt_complete_offer(o->word, part->name, about);
    if (*o->word >= '0' && *o->word <= '9' && part->part == 1)
        rt_complete_offer(o->word, number, part->name);
    return 0;
}

static int see_delta(void *context, const struct rt_delta *delta, struct rt_err *err)
{
    const struct offering *o = context;
    bool is_handed = delta->state == RT_DELTA_HANDED;

    if (delta->state == RT_DELTA_WITHDRAWN || is_handed != o->is_handed || delta->number < o->first)
        return 0;
    return rt_store_each_part(o->session->store, delta->number, see_part, context, err);
}

static int offer_deltas(struct offering *o, struct rt_err *err)
{
    int64_t next;

    if (rt_store_next_delta(o->session->store, &next, err) < 0)
        return -1;
    o->first = *o->word ? 0 : next - MOST_DELTAS;
    return rt_store_each_delta(o->session->store, see_delta, o, err);
}

static int see_item(void *context, const struct rt_item *item, struct rt_err *err)
{
    struct offering *o = context;
    struct rt_review_view view;
    int rc = rt_review_view_open(o->session, item, &view, err);

    if (rc == 0) {
        char *subject = rt_review_subject(&view, o->session), number[32], *about;

        snprintf(number, sizeof number, "%lld", (long long)item->number);
        about = rt_xasprintf("%s %s", item->kind, subject);
        rt_complete_offer(o->word, number, about);
        free(about);
        free(subject);
    }
    rt_review_view_close(&view);
    return rc;
}

static int offer_all(struct offering *o, enum rt_complete_state what, struct rt_err *err)
{
    struct rt_store *store = o->session->store;

    switch (what) {
    case RT_COMPLETE_HELD:
        return rt_store_each_held(store, see_held, o, err);
    case RT_COMPLETE_OUTBOX:
    case RT_COMPLETE_HANDED:
        o->is_handed = what == RT_COMPLETE_HANDED;
        return offer_deltas(o, err);
    case RT_COMPLETE_ITEM:
        rt_complete_offer(o->word, "all", "all of one --kind");
        return rt_store_each_item(store, NULL, see_item, o, err);
    case RT_COMPLETE_ID:
        for (int s = 0; *o->word && s < 2; s++)
            if (rt_store_each_id_from(store,
                                      &(struct rt_store_prefix){(enum rt_side)s, o->word, MOST_IDS},
                                      see_id, o, err) < 0)
                return -1;
        return 0;
    case RT_COMPLETE_SIDE:
        for (int s = 0; s < 2; s++)
            rt_complete_offer(o->word, rt_side_name((enum rt_side)s),
                              o->session->config->side[s].label);
        return 0;
    }
    return 0;
}

/* A shell does not expand "~" in a word that is not finished. */
static char *expand(const char *profile)
{
    const char *home = getenv("HOME");

    if (profile[0] == '~' && profile[1] == '/' && home != NULL)
        return rt_xasprintf("%s%s", home, profile + 1);
    return rt_xstrdup(profile);
}

void rt_complete_from_state(const char *profile, enum rt_complete_state what, const char *word)
{
    static const struct rt_cmd cmd = {.name = "complete",
                                      .needs = RT_NEEDS_PROFILE | RT_NEEDS_STATE};
    char *folder = expand(profile);
    struct rt_session session = {.profile = folder, .cmd = &cmd, .quiet = true};
    struct rt_args args = {.cmd = &cmd};
    struct offering o = {.session = &session, .word = word};
    struct rt_err ignored;

    if (rt_session_open(&session, &args, &ignored) < 0 || offer_all(&o, what, &ignored) < 0)
        rt_err_clear(&ignored);
    if (what == RT_COMPLETE_SIDE && session.config == NULL) {
        rt_complete_offer(word, "external", "the platform");
        rt_complete_offer(word, "native", "the database of record");
    }
    rt_session_close(&session);
    free(folder);
}
