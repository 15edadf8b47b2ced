/* What the two halves of `show` share. */
#ifndef RT_SHOW_H
#define RT_SHOW_H

#include "cmd/cmd.h"

#include <jansson.h>

struct rt_show {
    struct rt_session *session;
    struct rt_record record;
    struct rt_arena arena; /* what is shown lives here */
    json_t *root;          /* NULL: for people */
};

/* One line of at most `width` characters: line breaks and other control characters are written as
   \n and \x01, what is longer is cut, with "..." behind it.  In the arena. */
const char *rt_show_line(struct rt_show *show, struct rt_slice text, size_t width);

/* Where something stood.  In the arena. */
struct rt_place {
    const char *text; /* "FILE:LINE", or NULL for no file */
    int64_t stamp;    /* of the file */
    int64_t run;      /* that took it in */
};
int rt_show_place(struct rt_show *show, int64_t file, int64_t line, struct rt_place *place,
                  struct rt_err *err) RT_MUST_CHECK;

/* show_fields.c: what the sides hold, and what both should. */
void rt_show_fields(struct rt_show *show);

/* show_story.c: what happened to it, and which deltas carried it, in order of time. */
int rt_show_story(struct rt_show *show, struct rt_err *err) RT_MUST_CHECK;

#endif
