/* Which items of the review list a command line means. */
#ifndef RT_REVIEW_CHOICE_H
#define RT_REVIEW_CHOICE_H

#include "cmd/cmd.h"

#include "lib/listed.h"

struct rt_review_choice {
    struct rt_session *session;
    const char *kind; /* of --kind, or NULL */
    const char *spec; /* "3", "3@2" (only if it is still that version), "3-7", "3,5,9" or "all" */
    struct rt_listed listed; /* what was shown before; an item that changed since is refused */
    int64_t *numbers;        /* the open items that are meant */
    size_t count;
    size_t earlier; /* of them, those of the words before this one: each item is meant once */
    int64_t unseen; /* items that fit, but came up since the list was last looked at */
};

/* An item, as it is noted when it is shown. */
struct rt_listed_item rt_review_shown(const struct rt_item *item);

/* RT_USAGE; RT_STOPPED if an item changed since it was listed.  Caller clears. */
int rt_review_choose(struct rt_review_choice *choice, struct rt_err *err) RT_MUST_CHECK;
void rt_review_choice_clear(struct rt_review_choice *choice);

#endif
