/*
 * The profile folder: its files, who may read them, its state, and whether it may work just now
 * (R13).
 */
#ifndef RT_PROFILE_H
#define RT_PROFILE_H

#include "lib/config.h"
#include "lib/schema.h"
#include "lib/store.h"
#include "lib/work.h"

/* Is this a profile, and can nobody else read it?  RT_CONFIG, RT_REFUSED. */
int rt_profile_check(const char *profile, struct rt_err *err) RT_MUST_CHECK;

struct rt_profile_file { /* of a new profile: settings, schema, tables of codes */
    const char *name;
    struct rt_slice text;
};

/* Does the archive hold anything?  Also a profile that nothing was taken into yet has a journal, as
 * soon as something was decided. */
bool rt_profile_has_archive(const char *profile);

/* Is there nothing yet that a new profile would overwrite?  RT_USAGE with the file that is there.
 * What a killed init has left does not count. */
int rt_profile_is_free(const char *dir, struct rt_err *err) RT_MUST_CHECK;

/*
 * Makes a profile, paused: folders, state, and these files in their order.  The settings come last:
 * what has none is no profile, and is not taken for one that is turned on.  Overwrites nothing
 * (RT_USAGE).
 */
int rt_profile_make(const char *dir, const struct rt_profile_file *files, size_t count,
                    struct rt_err *err) RT_MUST_CHECK;

/*
 * Settings and schema, and a copy of the files that they were read from, as one line of JSON: the
 * profile's folder name and the texts of roundtrip.ini, schema.csv and the tables of codes.  The
 * copy goes into the journal, since files of the archive mean what they meant under the settings of
 * their time.
 */
struct rt_settings {
    struct rt_config *config;
    struct rt_schema *schema;
    char *copy;
};

/* Reads them; caller clears, also after a failure. */
int rt_profile_read(const char *profile, struct rt_settings *settings,
                    struct rt_err *err) RT_MUST_CHECK;
int rt_profile_parse_copy(const char *copy, struct rt_settings *settings,
                          struct rt_err *err) RT_MUST_CHECK;
void rt_settings_clear(struct rt_settings *settings);

/* Writes the copy into the journal, unless it is there as the newest one.  Inside a transaction. */
int rt_profile_note_copy(struct rt_store *store, const char *copy, int64_t now,
                         struct rt_err *err) RT_MUST_CHECK;

/* Opens state.db, if it is the state of this archive: one that is lost, or older than the archive,
   or on a network file system is RT_STOPPED with what to do. */
int rt_profile_open_state(const char *profile, const struct rt_config *config,
                          enum rt_store_mode mode, struct rt_store **store,
                          struct rt_err *err) RT_MUST_CHECK;

/* RT_STOPPED if a file of the archive is there that the state does not know. */
int rt_profile_check_archive(const char *profile, struct rt_store *store,
                             struct rt_err *err) RT_MUST_CHECK;

/* RT_STOPPED if the profile is paused, with since when and why. */
int rt_profile_check_active(struct rt_store *store, struct rt_err *err) RT_MUST_CHECK;

/* R13.  Inside a transaction; `reason` may be NULL. */
int rt_profile_pause(struct rt_store *store, int64_t now, const char *reason,
                     struct rt_err *err) RT_MUST_CHECK;
int rt_profile_resume(struct rt_store *store, const struct rt_config *config,
                      struct rt_err *err) RT_MUST_CHECK;

/* R13: RT_STOPPED while a side with a source was not fetched since `resume`. */
int rt_profile_check_fresh(struct rt_store *store, const struct rt_config *config,
                           struct rt_err *err) RT_MUST_CHECK;
bool rt_profile_has_source(const struct rt_side_config *side);
/* A side was fetched: inside a transaction; the same in one of its own. */
int rt_profile_fetched(struct rt_store *store, enum rt_side side, int64_t now,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_profile_note_fetch(struct rt_store *store, enum rt_side side, int64_t now,
                          struct rt_err *err) RT_MUST_CHECK;

struct rt_fetch_state {
    int64_t at;       /* the last fetch from its source that went well; RT_NEVER */
    bool is_required; /* R13: none since `resume` */
};
int rt_profile_last_fetch(struct rt_store *store, enum rt_side side, struct rt_fetch_state *state,
                          struct rt_err *err) RT_MUST_CHECK;

/* RT_STOPPED with the first difference, if schema, `eligible` or `mode` are not
 * the accepted ones. */
int rt_profile_check_contract(struct rt_store *store, const struct rt_schema *schema,
                              const struct rt_config *config, struct rt_err *err) RT_MUST_CHECK;
/* What differs, a line each ("+ ..." and "- ..."), in order; nothing if nothing does. */
int rt_profile_contract_changes(struct rt_store *store, const struct rt_schema *schema,
                                const struct rt_config *config, struct rt_buf *out,
                                struct rt_err *err) RT_MUST_CHECK;
/* What is there now is accepted by a person: every row is looked at again, and the journal has it.
 */
int rt_profile_accept_schema(struct rt_work *work, struct rt_err *err) RT_MUST_CHECK;
/* Notes the contract in a state that has none yet. */
int rt_profile_keep_contract(struct rt_store *store, const struct rt_schema *schema,
                             const struct rt_config *config, struct rt_err *err) RT_MUST_CHECK;

#endif
