/*
 * A checksum in every page of the state: damage is noticed where it is read, whatever it is.
 *
 * SQLite itself notices damage to the shape of its trees, not to what the rows say.  So pages of
 * the state have eight spare bytes at their end, which hold a digest of the others and of the
 * page's place; a layer between SQLite and the system fills them when a page is written and looks
 * at them when it is read.  A page that does not fit is an error of that read (SQLITE_IOERR_DATA),
 * which the store tells as a damaged state.  Other programs can read such a file, not write it.  A
 * file without spare bytes is read as it is.
 */
#ifndef RT_STORE_CHECKED_H
#define RT_STORE_CHECKED_H

#include <sqlite3.h>

#define RT_STORE_VFS "roundtrip"

/* Opens a database through that layer; as sqlite3_open_v2. */
int rt_store_open_checked(const char *path, sqlite3 **db, int flags);

#endif
