/*
 * What the implementations of lib/remote.h share with each other, and with nobody else: their
 * makers, the building of lists, and the choice of the exit status for an errno.
 */
#ifndef RT_REMOTE_IMPL_H
#define RT_REMOTE_IMPL_H

#include "lib/remote.h"

#include <sys/stat.h>

/* Of one folder; more is an error, not a bigger allocation. */
#define RT_REMOTE_MAX_ENTRIES 1000000

/* One maker per transport.  `profile` is only used while opening, or copied. */
int rt_remote_dir_open(const char *profile, struct rt_remote *base, struct rt_remote **remote,
                       struct rt_err *err) RT_MUST_CHECK;
int rt_remote_sftp_open(const char *profile, struct rt_remote *base, struct rt_remote **remote,
                        struct rt_err *err) RT_MUST_CHECK;
int rt_remote_openssh_open(const char *profile, struct rt_remote *base, struct rt_remote **remote,
                           struct rt_err *err) RT_MUST_CHECK;

/* Takes ownership of entry->name.  RT_IO when the folder holds too much. */
int rt_remote_list_add(struct rt_remote_list *list, const struct rt_remote_entry *entry,
                       struct rt_err *err) RT_MUST_CHECK;
void rt_remote_list_sort(struct rt_remote_list *list);

/* What an errno of the other end means: permission is RT_REFUSED, a lost link RT_UNREACHABLE, else
 * RT_IO. */
enum rt_code rt_remote_code(int number);

/* Sets err with that code and the text of errno. */
int rt_remote_errno(struct rt_err *err, const char *what, const char *path);

/* RT_STOPPED after SIGINT or SIGTERM, RT_UNREACHABLE when the deadline has passed, else 0. */
int rt_remote_check_time(const struct rt_remote *remote, struct rt_err *err) RT_MUST_CHECK;

/* The one wording for a file that did not stand still. */
int rt_remote_changed(struct rt_err *err, const char *path);
/* A folder that is not there; a file where one is to be written; a file where one is to be moved.
 */
int rt_remote_no_folder(struct rt_err *err, const char *folder);
int rt_remote_in_the_way(struct rt_err *err, const char *path);
int rt_remote_rename_onto(struct rt_err *err, const char *from, const char *to);

/* Every write may have been acknowledged and the file still be short.  `there`: what a look after
   the write saw; NULL: nothing. */
int rt_remote_check_written(const struct rt_remote *remote, const char *path, uint64_t size,
                            const struct rt_remote_entry *there, struct rt_err *err) RT_MUST_CHECK;

/* Opens a local file to be sent and tells its size; the descriptor, or -1. */
int rt_remote_open_local(const char *local, uint64_t *size, struct rt_err *err) RT_MUST_CHECK;

#endif
