/*
 * What may stand next on a command line, for the shells' completions (completions/): they hand over
 * the words so far, the last one being the one that is completed, and offer what is printed: one
 * candidate a line, a tab, a description.  ":files" and ":dirs" ask for names of files or folders.
 * The tables of commands and options are the source, so nothing is written twice.
 */
#ifndef RT_COMPLETE_H
#define RT_COMPLETE_H

#include "cmd/cmd.h"

/* Never fails: what cannot be read is not offered. */
void rt_complete(int argc, char **argv);

/* Offers a candidate if it goes on where `word` ends; the description is cut at a line end. */
void rt_complete_offer(const char *word, const char *candidate, const char *description);

/* What the state knows, of the session's profile, for RT_COMPLETE kinds of words. */
enum rt_complete_state {
    RT_COMPLETE_ID,     /* of any record, once a letter of it is there */
    RT_COMPLETE_HELD,   /* of held records */
    RT_COMPLETE_OUTBOX, /* deltas that were not handed over */
    RT_COMPLETE_HANDED, /* deltas that were */
    RT_COMPLETE_ITEM,   /* open items of the review list */
    RT_COMPLETE_SIDE
};
void rt_complete_from_state(const char *profile, enum rt_complete_state what, const char *word);

#endif
