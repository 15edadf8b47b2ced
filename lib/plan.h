/*
 * What is to be sent, and why not: R5 (due), R6 (pending insert), R8 (loops), R10 (deletes), R12
 * (hold), and the guards.  Pure: turns a record and the settings into one action a side, with a
 * reason in words.
 */
#ifndef RT_PLAN_H
#define RT_PLAN_H

#include "lib/record.h"

enum rt_action {
    RT_ACTION_NONE,
    RT_ACTION_INSERT,
    RT_ACTION_UPDATE,
    RT_ACTION_DELETE,
    RT_ACTION_WAIT,   /* will go by itself when something else has happened */
    RT_ACTION_REVIEW, /* a person must decide */
    RT_ACTION_EXCLUDE /* is not to be sent to that side */
};

const char *rt_action_name(enum rt_action action);

struct rt_decision {
    enum rt_action action;
    char reason[160]; /* why it is sent, or why not; "" for none */
};

/* What is due for that side? */
void rt_plan_side(const struct rt_rules *rules, const struct rt_record *record, enum rt_side side,
                  struct rt_decision *decision);

/* Is it to be sent now? */
static inline bool rt_action_is_sent(enum rt_action action)
{
    return action == RT_ACTION_INSERT || action == RT_ACTION_UPDATE || action == RT_ACTION_DELETE;
}

/* The record's ID on the other side changed: does that side's row of it still have the old one? */
bool rt_plan_shows_old_id(const struct rt_record *record, enum rt_side side);

/* Is there something for that side that the plan must look at again next time? */
bool rt_plan_is_open(const struct rt_decision *decision);

/* Notes that the record is written for the side: a new version in sent, given, and dropped ones.
   `content` is want.  Returns the version. */
struct rt_version *rt_plan_written(struct rt_record *record, enum rt_side side, int64_t delta,
                                   int64_t position);

/* The guard (max_changes, max_change_percent): does a plan of `due` rows for a side that holds
   `held` records trip it?  Then true and a reason in words. */
bool rt_guard_trips(const struct rt_config *config, int64_t due, int64_t held, char *reason,
                    size_t size);
/* Does a snapshot that lacks so many of the records that the side held look as if it was cut? */
bool rt_guard_missing_trips(const struct rt_config *config, int64_t missing, int64_t held,
                            char *reason, size_t size);
/* max_deletes: propagated deletes that are due for one side. */
bool rt_guard_deletes_trip(const struct rt_config *config, int64_t deletes, char *reason,
                           size_t size);

#endif
