/*
 * Names of files: which incoming ones are taken, what time they tell, how outgoing ones are called,
 * and which names a receiver would misread.  Pure.
 */
#ifndef RT_FILENAME_H
#define RT_FILENAME_H

#include "lib/config.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/side.h"

#include <stdbool.h>
#include <stdint.h>

/* Shell glob (*, ?, [...]), as fnmatch without flags but for the whole name. */
bool rt_name_matches(const char *pattern, const char *name);

/* A name that may be taken in at all: not empty, no slash, no control character, no leading dot or
   dash, valid UTF-8, at most 200 bytes.  NULL, or why not. */
const char *rt_name_fault(const char *name);

/*
 * The time in a name, in UTC: a strptime pattern in which * stands for anything, as in *%Y-%m-%d*.
 * The first place (shortest *) where all fits decides.  True and *t, or false.
 *
 *     stamp_from_name("*%Y-%m-%d*", "acme-2026-11-21.csv")  2026-11-21T00:00:00Z
 */
bool rt_name_stamp(const char *pattern, const char *name, int64_t *t);

/* The stamp pattern that a name like this one asks for, or NULL: no time is in it. */
const char *rt_stamp_pattern_of(const char *name);

/* Is it a pattern that can tell a day?  NULL, or why not. */
const char *rt_stamp_pattern_fault(const char *pattern);

/* For how many seconds more than its stamp a file may be from: a name that tells a day alone does
   not tell when on it.  NULL: the stamp is not from the name. */
int64_t rt_stamp_slack(const char *pattern);

struct rt_name_parts {
    const char *profile;
    enum rt_side side;
    int64_t written_at;
    int64_t delta;        /* the running number */
    unsigned part, parts; /* 1 of 1, or i of n */
    bool gzip;            /* the name gains .gz */
};

/* Expands {profile} {side} {stamp} {delta} of a template; caller frees. */
char *rt_output_name(const char *template, const struct rt_name_parts *parts);

/* What a file is called that is handed over again then, and what it was called at first, NULL: it
 * is not one of those; caller frees.
 *
 *     name_again("acme-000042.csv.gz", ...)  acme-000042-again-20261121T060000Z.csv.gz
 */
char *rt_name_again(const char *name, int64_t at);
char *rt_name_at_first(const char *name);

/* May this name go to that side (require_name, forbid_name, name faults)?  RT_CONFIG with what to
 * do. */
int rt_output_name_check(const struct rt_side_config *side, const char *name,
                         struct rt_err *err) RT_MUST_CHECK;

#endif
