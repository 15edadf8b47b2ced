/*
 * R11: suspected duplicates.  A row of a side without the other side's ID, equal to one or more
 * pending inserts to that side in content or in the `fingerprint` fields, is what a lost ID looks
 * like.  The record made for it is not sent back as new until somebody decides, or a later file
 * settles it.
 */
#ifndef RT_SUSPECT_H
#define RT_SUSPECT_H

#include "lib/book.h"
#include "lib/work.h"

/* The pending inserts that a row of unknown ID may be. */
int rt_suspect_find(struct rt_work *work, const struct rt_row *row, struct rt_arena *arena,
                    struct rt_rid_list *suspects, struct rt_err *err) RT_MUST_CHECK;

/* Saves `record` as a suspect of these: it waits for a person. */
int rt_suspect_keep(struct rt_work *work, struct rt_record *record,
                    const struct rt_rid_list *suspects, struct rt_arena *arena,
                    struct rt_err *err) RT_MUST_CHECK;

/* An insert of `record` was written for a side: from now on its echo may come back without the ID.
 */
int rt_suspect_add_pending(struct rt_work *work, const struct rt_record *record, enum rt_side side,
                           struct rt_err *err) RT_MUST_CHECK;

/* After a change of the schema: what was sent is recognised by what it says, and by the fields that
 * are its fingerprint, now. */
int rt_suspect_renew(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;

/* The record's ID on that side is known now: it is pending no more, and who was suspected for it
 * alone is free. */
int rt_suspect_settle(struct rt_work *work, int64_t rid, enum rt_side side,
                      struct rt_err *err) RT_MUST_CHECK;

/* accept: the suspect and its only pending insert are one interaction.  RT_USAGE if there is not
 * exactly one. */
int rt_suspect_bind(struct rt_work *work, int64_t rid, struct rt_arena *arena,
                    struct rt_err *err) RT_MUST_CHECK;

/* dismiss: it is another interaction. */
int rt_suspect_dismiss(struct rt_work *work, int64_t rid, struct rt_arena *arena,
                       struct rt_err *err) RT_MUST_CHECK;

#endif
