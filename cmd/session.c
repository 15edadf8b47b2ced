#include "cmd/cmd.h"
#include "cmd/progress.h"

#include "lib/intake.h"
#include "lib/moves.h"
#include "lib/outbox.h"
#include "lib/profile.h"
#include "lib/prune.h"
#include "lib/run.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- messages of the library ---- */

static void on_message(void *context, enum rt_log_level level, const char *text)
{
    struct rt_session *session = context;

    if (level == RT_LOG_DEBUG && !session->verbose)
        return;
    if (level == RT_LOG_INFO && session->quiet)
        return;
    rt_progress_clear(session);
    fprintf(stderr, "roundtrip %s: %s\n", session->cmd->name, text);
}

static void on_progress(void *context, const struct rt_progress *progress)
{
    rt_progress_show(context, progress);
}

/* ---- opening, in order ---- */

static int open_lock(struct rt_session *session, struct rt_err *err)
{
    return rt_lock_open(session->profile, session->cmd->name, session->wait, &session->lock, err);
}

/* Settings are read, and the time is taken, when the lock is ours: it may have been waited for. */
static int open_profile(struct rt_session *session, struct rt_err *err)
{
    if (rt_clock_check(err) < 0 || rt_profile_check(session->profile, err) < 0 ||
        ((session->cmd->needs & RT_NEEDS_LOCK) && open_lock(session, err) < 0) ||
        rt_profile_read(session->profile, &session->settings, err) < 0)
        return -1;
    for (int s = 0; s < 2; s++)
        session->settings.config->side[s].umask = session->umask;
    session->config = session->settings.config;
    session->schema = session->settings.schema;
    session->rules = (struct rt_rules){
        .config = session->config, .schema = session->schema, .now = rt_clock_now()};
    return 0;
}

static enum rt_store_mode mode_of(unsigned needs)
{
    return needs & RT_NEEDS_CHANGE    ? RT_STORE_CREATE
           : needs & RT_NEEDS_SCRATCH ? RT_STORE_SCRATCH
                                      : RT_STORE_READ;
}

static int open_state(struct rt_session *session, enum rt_store_mode mode, struct rt_err *err)
{
    if (rt_profile_open_state(session->profile, session->config, mode, &session->store, err) < 0)
        return -1;
    rt_work_init(&session->work, session->store, &session->rules, session->profile);
    session->work.log = &session->log;
    session->work.is_dry = mode == RT_STORE_SCRATCH;
    if (mode == RT_STORE_CREATE) {
        /* The layout of the schema is written down; then what earlier runs left half way is
         * finished. */
        if (rt_store_begin(session->store, err) < 0 ||
            rt_profile_note_copy(session->store, session->settings.copy, session->rules.now, err) <
                0 ||
            rt_store_use_schema(session->store, session->schema, err) < 0 ||
            rt_store_commit(session->store, err) < 0)
            return -1;
        return rt_outbox_finish(&session->work, err);
    }
    return rt_store_use_schema(session->store, session->schema, err);
}

static int check_active(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    unsigned needs = session->cmd->needs;

    if ((needs & RT_NEEDS_ACTIVE) && !rt_args_has(args, "once") &&
        rt_profile_check_active(session->store, err) < 0)
        return -1;
    if ((needs & RT_NEEDS_FRESH) &&
        rt_profile_check_fresh(session->store, session->config, err) < 0)
        return -1;
    return 0;
}

int rt_session_open(struct rt_session *session, const struct rt_args *args, struct rt_err *err)
{
    unsigned needs = session->cmd->needs;

    session->log =
        (struct rt_log){.message = on_message, .progress = on_progress, .context = session};
    if ((needs & RT_NEEDS_PROFILE) && open_profile(session, err) < 0)
        return -1;
    if (session->cmd->check != NULL && session->cmd->check(session, args, err) < 0)
        return -1;
    if ((needs & (RT_NEEDS_STATE | RT_NEEDS_SCRATCH | RT_NEEDS_CHANGE)) &&
        open_state(session, mode_of(needs), err) < 0)
        return -1;
    if ((needs & RT_NEEDS_CONTRACT) &&
        rt_profile_check_contract(session->store, session->schema, session->config, err) < 0)
        return -1;
    return check_active(session, args, err);
}

int rt_session_read(struct rt_session *session, struct rt_err *err)
{
    return open_state(session, RT_STORE_READ, err);
}

int rt_session_change(struct rt_session *session, struct rt_err *err)
{
    rt_work_clear(&session->work);
    rt_store_close(session->store);
    session->store = NULL;
    if (session->lock == NULL && open_lock(session, err) < 0)
        return -1;
    session->rules.now = rt_clock_now();
    return open_state(session, RT_STORE_CREATE, err);
}

void rt_session_close(struct rt_session *session)
{
    rt_progress_clear(session);
    if (session->lock != NULL && session->store != NULL && rt_store_in_transaction(session->store))
        rt_moves_release(session->profile);
    rt_store_abort(session->store);
    rt_work_clear(&session->work);
    rt_store_close(session->store);
    rt_lock_close(session->lock);
    rt_settings_clear(&session->settings);
}

/* ---- one run, one transaction ---- */

int rt_session_begin(struct rt_session *session, struct rt_err *err)
{
    if (rt_store_begin(session->store, err) < 0)
        return -1;
    return rt_run_begin(&session->work, session->cmd->name, err);
}

int rt_session_commit(struct rt_session *session, int status, struct rt_err *err)
{
    if (rt_run_end(&session->work, status, rt_clock_now(), err) < 0 ||
        rt_profile_keep_contract(session->store, session->schema, session->config, err) < 0 ||
        rt_store_commit(session->store, err) < 0)
        return -1;
    rt_intake_publish_digests(&session->work);
    rt_work_lap(&session->work, RT_LAP_COMMIT);
    if (session->work.is_dry)
        return 0;
    if (rt_outbox_finish(&session->work, err) < 0 || rt_prune_archive(&session->work, err) < 0)
        return -1;
    session->has_done = true;
    return 0;
}

void rt_session_note_failure(struct rt_session *session, const struct rt_err *failure)
{
    struct rt_err ignored; /* the failure itself is what is told */

    if ((failure->code != RT_UNREACHABLE && !session->has_done) || session->lock == NULL ||
        session->store == NULL || !(session->cmd->needs & RT_NEEDS_CHANGE) || session->work.is_dry)
        return;
    rt_store_abort(session->store);
    if (rt_store_has_moves(session->store))
        return; /* left half way, for the next command: what failed once is not tried again */
    memset(session->work.counts, 0, sizeof session->work.counts);
    if (rt_session_begin(session, &ignored) == 0)
        (void)!rt_session_commit(session, (int)failure->code, &ignored);
}
