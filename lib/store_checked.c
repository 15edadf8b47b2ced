#include "lib/store_checked.h"

#include "lib/digest.h"
#include "lib/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SPARE        8 /* bytes at the end of a page */
#define SPARE_OFFSET 20
#define PAGE_SIZE    "8192" /* of a new file: a page holds some fifteen notes */
#define SIZE_OFFSET  16     /* of a page, in two bytes, the higher first */

struct checked_file {
    sqlite3_file base;
    int page_size; /* 0: pages have no spare bytes */
};

static sqlite3_file *real_file(sqlite3_file *file)
{
    return (sqlite3_file *)((struct checked_file *)file + 1);
}

/* The first page says how large the pages are, and whether they have spare bytes. */
static void look_at_header(struct checked_file *file, const void *bytes, int size, int64_t offset)
{
    const unsigned char *header = bytes;

    if (offset != 0 || size <= SPARE_OFFSET)
        return;
    file->page_size =
        header[SPARE_OFFSET] != SPARE ? 0 : header[SIZE_OFFSET] << 8 | header[SIZE_OFFSET + 1];
}

/* Other reads and writes are of parts of the header, or of the first page while SQLite does not
   know yet how large it is. */
static bool is_page(const struct checked_file *file, int size, int64_t offset)
{
    return size == file->page_size && offset % size == 0;
}

static void digest_page(const char *page, int size, int64_t offset, char out[SPARE])
{
    struct rt_digest digest = rt_digest_of(rt_slice_from(page, (size_t)(size - SPARE)));
    uint64_t value = digest.low ^ ((uint64_t)offset + 1) * UINT64_C(0x9e3779b97f4a7c15);

    memcpy(out, &value, SPARE);
}

/* A page that was freed before it was ever written is a hole in the file. */
static bool is_hole(const char *page, int size)
{
    return page[0] == 0 && memcmp(page, page + 1, (size_t)size - 1) == 0;
}

static int checked_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    struct checked_file *checked = (struct checked_file *)file;
    int rc = real_file(file)->pMethods->xRead(real_file(file), bytes, size, offset);
    char sum[SPARE], *page = bytes;

    if (rc != SQLITE_OK)
        return rc;
    look_at_header(checked, bytes, size, offset);
    if (!is_page(checked, size, offset))
        return SQLITE_OK;
    digest_page(page, size, offset, sum);
    if (memcmp(page + size - SPARE, sum, SPARE) == 0 || is_hole(page, size))
        return SQLITE_OK;
    return SQLITE_IOERR_DATA;
}

/* The digest goes into SQLite's own page, too: what it puts into its journal later comes from
   there, and must be right when it is written back, whatever the header says by then. */
static int checked_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct checked_file *checked = (struct checked_file *)file;
    sqlite3_file *real = real_file(file);
    char *page = (char *)(uintptr_t)bytes;

    look_at_header(checked, bytes, size, offset);
    if (is_page(checked, size, offset))
        digest_page(page, size, offset, page + size - SPARE);
    return real->pMethods->xWrite(real, bytes, size, offset);
}

/* ---- the rest goes through ---- */

static int checked_close(sqlite3_file *file)
{
    return real_file(file)->pMethods->xClose(real_file(file));
}

static int checked_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_file(file)->pMethods->xTruncate(real_file(file), size);
}

static int checked_sync(sqlite3_file *file, int flags)
{
    return real_file(file)->pMethods->xSync(real_file(file), flags);
}

static int checked_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_file(file)->pMethods->xFileSize(real_file(file), size);
}

static int checked_lock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int checked_unlock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int checked_reserved(sqlite3_file *file, int *is_reserved)
{
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), is_reserved);
}

static int checked_control(sqlite3_file *file, int op, void *argument)
{
    return real_file(file)->pMethods->xFileControl(real_file(file), op, argument);
}

static int checked_sector(sqlite3_file *file)
{
    return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int checked_device(sqlite3_file *file)
{
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

/* Version 1: no shared memory (the state has a rollback journal), and no pages mapped past us. */
static const sqlite3_io_methods methods = {.iVersion = 1,
                                           .xClose = checked_close,
                                           .xRead = checked_read,
                                           .xWrite = checked_write,
                                           .xTruncate = checked_truncate,
                                           .xSync = checked_sync,
                                           .xFileSize = checked_size,
                                           .xLock = checked_lock,
                                           .xUnlock = checked_unlock,
                                           .xCheckReservedLock = checked_reserved,
                                           .xFileControl = checked_control,
                                           .xSectorSize = checked_sector,
                                           .xDeviceCharacteristics = checked_device};

static int checked_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                        int *out)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    struct checked_file *checked = (struct checked_file *)file;
    int rc;

    (void)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return real->xOpen(real, name, file, flags, out);
    *checked = (struct checked_file){.page_size = 0};
    rc = real->xOpen(real, name, real_file(file), flags, out);
    checked->base.pMethods = real_file(file)->pMethods ? &methods : NULL;
    return rc;
}

/* A copy of the system's own but for `open`; it lives as long as the program. */
static int register_layer(void)
{
    sqlite3_vfs *real, *ours;

    if (sqlite3_vfs_find(RT_STORE_VFS) != NULL)
        return SQLITE_OK;
    real = sqlite3_vfs_find(NULL);
    if (real == NULL)
        return SQLITE_ERROR;
    ours = rt_xmalloc(sizeof *ours);
    *ours = *real;
    ours->zName = RT_STORE_VFS;
    ours->szOsFile = (int)sizeof(struct checked_file) + real->szOsFile;
    ours->pNext = NULL;
    ours->xOpen = checked_open;
    return sqlite3_vfs_register(ours, 0);
}

/* SQLite's NOFOLLOW refuses a link anywhere in the path.  The state itself may not be one, but the
 * folders above it may: /srv/acme is one on many machines. */
static char *below_real_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash == NULL ? rt_xstrdup(".") : rt_xasprintf("%.*s/", (int)(slash - path), path);
    char *real = realpath(folder, NULL);
    char *whole = real ? rt_xasprintf("%s/%s", real, slash ? slash + 1 : path) : rt_xstrdup(path);

    free(folder);
    free(real);
    return whole;
}

int rt_store_open_checked(const char *path, sqlite3 **db, int flags)
{
    int spare = SPARE, rc;
    char *real = below_real_folder(path);

    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks; counting takes a lock */
    rc = register_layer();
    if (rc == SQLITE_OK)
        rc = sqlite3_open_v2(real, db, flags, RT_STORE_VFS);
    free(real);
    /* Of a file that is not empty both are settled already. */
    if (rc == SQLITE_OK)
        (void)sqlite3_file_control(*db, "main", SQLITE_FCNTL_RESERVE_BYTES, &spare);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db, "PRAGMA page_size = " PAGE_SIZE, NULL, NULL, NULL);
    return rc;
}
