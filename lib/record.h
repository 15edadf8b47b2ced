/*
 * One interaction, as far as it is known: what each side was seen to hold, what is on its way
 * there, and what both should hold.  A plain value: the rules in merge.h and
 * plan.h change and judge it, the store loads and saves it.  All that it points to lives in the
 * caller's arena.
 */
#ifndef RT_RECORD_H
#define RT_RECORD_H

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/mem.h"
#include "lib/schema.h"
#include "lib/side.h"
#include "lib/slice.h"
#include "lib/value.h"

#include <stdbool.h>
#include <stdint.h>

/* What all rules need: the settings, the fields, and the time.  A pure function gets its clock
 * here. */
struct rt_rules {
    const struct rt_config *config;
    const struct rt_schema *schema;
    int64_t now;
    bool is_baseline; /* both sides hold this already: what differs is for a person, whatever the
                         policy says */
};

/* The values of one row or version, by content index; rules->schema->content_count of them. */
struct rt_content {
    int64_t cid; /* its number in the state; 0: not stored yet */
    struct rt_value value[];
};

/* A new content with every value unknown. */
struct rt_content *rt_content_new(const struct rt_schema *schema, struct rt_arena *arena);
struct rt_content *rt_content_copy(const struct rt_schema *schema, const struct rt_content *from,
                                   struct rt_arena *arena);

/* Unknown where there is no content at all (NULL). */
static inline struct rt_value rt_content_value(const struct rt_content *content, size_t field)
{
    return content ? content->value[field] : (struct rt_value){{NULL, 0}, RT_FROM_UNKNOWN};
}

#define RT_SENT_MAX 8 /* R5: the eight newest versions are kept */

/* A version written into a delta for a side, and not observed there yet. */
struct rt_version {
    int64_t delta;    /* 0: not from a delta, but what was seen before a `confirm` */
    int64_t position; /* of its row in the delta, from 1 */
    const struct rt_content
        *content;      /* want, as it was then; only what flows to the side was written */
    int64_t handed;    /* when it was handed over; RT_NEVER while it is in the outbox */
    int64_t gone;      /* from when on import_lag counts: handed, or later where only the
                          disappearance of the file was noticed */
    int64_t until;     /* counts only for files stamped before this; RT_NEVER: no end */
    bool is_trusted;   /* false: no longer trusted to be there (R3, R7) */
    bool is_given_up;  /* a person said that it was not taken, or took what the side shows in its
                          place; it may still be shown */
    bool has_other_id; /* the other side's ID was written with it (store_ids) */
};

/* Where a side was last seen to hold a record. */
struct rt_look {
    int64_t stamp;       /* RT_NEVER: never */
    int64_t modified_at; /* RT_NEVER: not told */
    int64_t file;
    int64_t line;
};

/* Why a record of a side has no usable row in its newest file (R9), or is not there at all (R10).
 */
enum rt_flaw { RT_FLAW_NONE, RT_FLAW_REJECTED, RT_FLAW_CLASH, RT_FLAW_REPEATED, RT_FLAW_WENT_BACK };

enum rt_absence {
    RT_PRESENT,
    RT_MISSING,        /* not in the side's newest snapshot */
    RT_DELETED,        /* marked deleted by the side */
    RT_ABSENCE_KEPT,   /* a person decided: it stays on the other side and is not sent here */
    RT_ABSENCE_DELETE, /* the delete is to be sent to the other side, or was */
    RT_ABSENCE_TOLD    /* the other side's delete was written for it */
};

/* A value that a side was handed and does not show (R7). */
struct rt_missing_value {
    size_t field; /* content index */
    struct rt_value value;
};

/* `altered`, accepted: the side cannot hold more of that text. */
struct rt_cut {
    size_t field;  /* content index */
    size_t length; /* the most that it was seen to hold, in characters */
};

/* What is known of a record on one side. */
struct rt_end {
    struct rt_slice id;            /* len 0: not known */
    const struct rt_content *seen; /* what it was last observed to hold; NULL: never */
    struct rt_look look;
    struct rt_version sent[RT_SENT_MAX]; /* oldest first */
    size_t sent_count;
    const struct rt_content
        *given;          /* what was last written for it: reference of one-way fields; or NULL */
    int64_t given_delta; /* the delta that was in; 0: none */
    int64_t given_at;    /* when that one, or one before it, was last handed over; RT_NEVER */
    bool shows_other_id; /* its last row held the other side's ID */
    bool is_id_taken;    /* another record has the ID that it shows: it is told the new one */
    bool is_excluded;    /* it stopped being eligible */
    bool is_passed_over; /* the newest snapshot does not tell whether it is there still */
    bool is_untimed;     /* its last row told no time: look.modified_at is of one before */
    enum rt_absence absence;
    bool is_marked;  /* absent or brought back, and the row is there, marked as deleted */
    int64_t told_at; /* RT_ABSENCE_TOLD: when the whole delta was handed over; RT_NEVER */
    enum rt_flaw flaw;
    int64_t flaw_stamp; /* of the file with that row: what older files show settles nothing */
    struct rt_missing_value *not_taken; /* R7, waiting for a person; frozen */
    size_t not_taken_count;
    int64_t not_taken_delta;
    int resends;         /* R7, not_taken = resend: how often already */
    bool is_cut;         /* `altered`: shows a strict prefix of what was sent; frozen */
    struct rt_cut *cuts; /* a person said: it cannot hold more; such a prefix is no difference */
    size_t cut_count;
    bool is_read_only_edit; /* single trip: shows an edit of its own; not frozen */
    bool edit_vs_delete;    /* edited elsewhere while it is absent here; frozen */
};

/* Does the side hold the record under an ID that is known?  It does while the delete that was
   written for it waits behind other deltas. */
static inline bool rt_end_is_there(const struct rt_end *end)
{
    return end->id.len > 0 && (end->absence == RT_PRESENT || end->absence == RT_ABSENCE_TOLD);
}

/* Two values of one field, both edited (R4).  The record is frozen while there is one. */
struct rt_conflict {
    size_t field;             /* content index */
    struct rt_value value[2]; /* by side */
    bool is_first_seen;       /* the field has no common past */
};

#define RT_TRAIL_MAX 4 /* R8: A, B, A, B */

struct rt_record {
    int64_t rid; /* 0: not stored yet */
    enum rt_side born;
    int64_t born_file, born_line;
    const struct rt_content *want; /* NULL: nothing is known but IDs, no side has shown it */
    struct rt_end end[2];
    struct rt_conflict *conflicts;
    size_t conflict_count;
    uint64_t trail[RT_TRAIL_MAX]; /* digests of earlier wants, newest last; 0: none */
    bool is_flapping;
    bool flap_allowed; /* a person said: send it */
    bool is_held;
    bool is_suspect;              /* R11: may be the lost echo of another record's insert */
    bool not_due_until_edited;    /* baseline: on one side only */
    struct rt_slice stored_id[2]; /* the store's own: the IDs that the state has of it, */
    struct rt_digest
        print[2];   /* the digests of the rows by which it is recognised (no digest: 0), */
    bool is_recent; /* and in which table it is */
    unsigned items; /* kinds of review items that are open for it: bits of review.h */
};

/* An empty record: nothing known, never looked at. */
void rt_record_init(struct rt_record *record);

/* Lists the places of a record where a content stands; returns how many.  Several may hold the same
   one. */
#define RT_RECORD_CONTENTS (1 + 2 * (2 + RT_SENT_MAX))
size_t rt_record_contents(struct rt_record *record, const struct rt_content **places[]);

/*
 * How a field flows for this record: its direction, except that in single-trip mode every two-way
 * field of a record born external behaves as to_native.
 */
enum rt_direction rt_record_flow(const struct rt_rules *rules, const struct rt_record *record,
                                 const struct rt_field *field);
bool rt_record_flows_to(const struct rt_rules *rules, const struct rt_record *record,
                        const struct rt_field *field, enum rt_side side);

/* What it means that the side has the record no more: its setting, but in a single trip nothing of
   a record born external goes back unasked. */
enum rt_deletes rt_record_deletes(const struct rt_rules *rules, const struct rt_record *record,
                                  enum rt_side side);

/* The header under which that side is told that a record is deleted, or is not; NULL: in none. */
const char *rt_rules_deleted_header(const struct rt_rules *rules, enum rt_side side);

/* Was the record in a newer file already, be it in a row that is in question? */
bool rt_end_is_ahead(const struct rt_end *end, int64_t stamp);

/* A row of a file of this stamp is in question, unless it is stale. */
void rt_end_set_flaw(struct rt_end *end, enum rt_flaw flaw, int64_t stamp);

/* Removes the oldest `count` versions of sent. */
void rt_end_drop_sent(struct rt_end *end, size_t count);

/* The other side's ID changed: this side still stores the old one, and with store_ids gets the new
   one. */
void rt_end_forget_other_id(struct rt_end *end);

/* When the row that the side showed last was changed there; RT_NEVER: not told. */
int64_t rt_end_changed_at(const struct rt_end *end);

/* The newest version that is still trusted to be there, or to arrive; NULL. */
const struct rt_version *rt_end_trusted(const struct rt_end *end);

/* R7: nothing waits for an answer any more, and `resend` counts from the beginning. */
void rt_end_settle_not_taken(struct rt_end *end);

/* The delete that was written for this side is not to be: it was withdrawn, or not taken. */
void rt_end_untell(struct rt_end *end);

/* Would the same row of this side, seen again in a later file, change nothing at all, and have no
   mark beside it (R14)?  Only then may it be recognised by a digest alone. */
bool rt_record_is_quiet(const struct rt_record *record, enum rt_side side);

/* Equal as that side can hold them, taking an accepted cut (`altered`) into account. */
bool rt_record_holds_same(const struct rt_record *record, const struct rt_field *field,
                          enum rt_side side, struct rt_value shown, struct rt_value want);

/* Does what a side shows hold all of a version that was written for it?  What is not known of the
   version, since the field is new or was changed, tells nothing. */
bool rt_record_shows(const struct rt_rules *rules, const struct rt_record *record,
                     enum rt_side side, const struct rt_content *shown,
                     const struct rt_content *version);

/* Why nothing may be sent for it to either side: a short word ("conflict", "not-taken" ...), or
 * NULL. */
const char *rt_record_frozen(const struct rt_record *record);

#endif
