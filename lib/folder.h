/* The files of a folder of the profile. */
#ifndef RT_FOLDER_H
#define RT_FOLDER_H

#include "lib/err.h"

/* Calls `visit` with the name of each file whose name does not begin with a dot, in no order.  A
   folder that is not there has none.  Stops when it returns other than 0, and returns that; -1 with
   RT_IO if the folder cannot be read. */
typedef int rt_folder_visit(void *context, const char *name, struct rt_err *err);
int rt_folder_each(const char *path, rt_folder_visit *visit, void *context,
                   struct rt_err *err) RT_MUST_CHECK;

/* Is something there?  1, 0; -1 (RT_IO): that cannot be told, which is not the same as no: a disk
   that cannot be read must not look as if somebody had taken the file away. */
int rt_folder_has(const char *path, struct rt_err *err) RT_MUST_CHECK;

#endif
