#include "lib/profile.h"

#include "lib/clock.h"
#include "lib/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_free(const char *dir, const char *name, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/%s", dir, name);
    bool is_there = access(path, F_OK) == 0;

    free(path);
    if (!is_there)
        return 0;
    return rt_err_set(err, RT_USAGE,
                      "%s: has a %s already, and nothing is overwritten: choose another folder",
                      dir, name);
}

/* There while a profile is being made.  With it and without settings, what lies there is of an init
 * that was killed, and is made again.  One that stayed beside the settings goes as temporary files
 * do: later it would say that again of what people have written since. */
#define MARK RT_SPOOL_TEMPORARY "being-made"

static bool is_unfinished(const char *dir)
{
    char *mark = rt_xasprintf("%s/" MARK, dir), *ini = rt_xasprintf("%s/roundtrip.ini", dir);
    bool is = access(mark, F_OK) == 0 && access(ini, F_OK) != 0;

    free(mark);
    free(ini);
    return is;
}

int rt_profile_is_free(const char *dir, struct rt_err *err)
{
    static const char *const names[] = {"roundtrip.ini", "schema.csv", "state.db"};
    struct stat st;

    if (stat(dir, &st) < 0 ? errno == ENOTDIR : !S_ISDIR(st.st_mode))
        return rt_err_set(err, RT_USAGE, "%s: that is no folder: choose another name", dir);
    if (access(dir, R_OK | X_OK) < 0 && errno == EACCES)
        return rt_err_errno(err, RT_REFUSED, "cannot look into %s", dir);
    for (size_t i = 0; !is_unfinished(dir) && i < sizeof names / sizeof *names; i++)
        if (check_free(dir, names[i], err) < 0)
            return -1;
    if (rt_profile_has_archive(dir))
        return rt_err_set(
            err, RT_USAGE,
            "%s: the archive of a profile is there, and belongs to the settings and "
            "the state of then: put them back from a backup, or choose another folder",
            dir);
    return 0;
}

static int remove_file(const char *dir, const char *name, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/%s", dir, name);
    int rc = access(path, F_OK) == 0 ? rt_spool_remove(path, err) : 0;

    free(path);
    return rc;
}

static int begin(const char *dir, const struct rt_profile_file *files, size_t count,
                 struct rt_err *err)
{
    char *mark = rt_xasprintf("%s/" MARK, dir);
    int rc = 0, fd = -1;

    if (is_unfinished(dir)) {
        for (size_t i = 0; rc == 0 && i < count; i++)
            rc = remove_file(dir, files[i].name, err);
        if (rc == 0)
            rc = remove_file(dir, "state.db", err);
        if (rc == 0)
            rc = remove_file(dir, "state.db-journal", err);
    } else {
        fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            rc = rt_err_errno(err, RT_IO, "cannot create %s", mark);
        else
            close(fd);
    }
    free(mark);
    return rc;
}

/* A folder that was there may be open to others; a profile may not. */
static int close_to_others(const char *dir, struct rt_err *err)
{
    struct stat st;

    if (stat(dir, &st) < 0 || !(st.st_mode & (S_IRWXG | S_IRWXO)) || chmod(dir, 0700) == 0)
        return 0;
    return rt_err_errno(err, RT_REFUSED, "%s: others can read it, and it cannot be closed to them",
                        dir);
}

static int make_folders(const char *dir, struct rt_err *err)
{
    static const char *const names[] = {"",
                                        "/inbox/external",
                                        "/inbox/native",
                                        "/outbox/external",
                                        "/outbox/native",
                                        "/archive/in/external",
                                        "/archive/in/native",
                                        "/archive/out/external",
                                        "/archive/out/native",
                                        "/rejects"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = rt_xasprintf("%s%s", dir, names[i]);
        int rc = rt_spool_mkdir(path, err);

        if (rc < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
            err->code = RT_REFUSED;
        free(path);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int make_state(const char *dir, struct rt_err *err)
{
    char *path = rt_xasprintf("%s/state.db", dir), line[128];
    struct rt_store *store = NULL;
    int rc = rt_store_open(path, RT_STORE_CREATE, &store, err);

    snprintf(line, sizeof line, "{\"at\":%lld,\"what\":\"pause\",\"reason\":\"new profile\"}",
             (long long)rt_clock_now());
    if (rc == 0 && (rt_store_begin(store, err) < 0 ||
                    rt_profile_pause(store, rt_clock_now(), "new profile", err) < 0 ||
                    rt_store_add_journal(store, line, err) < 0 || rt_store_commit(store, err) < 0))
        rc = -1;
    rt_store_abort(store);
    rt_store_close(store);
    free(path);
    return rc;
}

static int make_file(const char *dir, const struct rt_profile_file *file, struct rt_err *err)
{
    struct rt_spool *spool = NULL;
    int rc = rt_spool_open(dir, file->name, false, &spool, err);

    if (rc == 0)
        rc = rt_spool_write(spool, file->text.ptr, file->text.len, err);
    if (rc == 0)
        rc = rt_spool_commit(spool, err);
    rt_spool_close(spool);
    return rc;
}

int rt_profile_make(const char *dir, const struct rt_profile_file *files, size_t count,
                    struct rt_err *err)
{
    for (size_t i = 0; !is_unfinished(dir) && i < count; i++)
        if (check_free(dir, files[i].name, err) < 0)
            return -1;
    if (rt_profile_is_free(dir, err) < 0 || make_folders(dir, err) < 0 ||
        close_to_others(dir, err) < 0 || begin(dir, files, count, err) < 0 ||
        make_state(dir, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (make_file(dir, &files[i], err) < 0)
            return -1;
    return remove_file(dir, MARK, err);
}
