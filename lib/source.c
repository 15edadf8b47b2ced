#include "lib/source.h"

#include "lib/fault.h"
#include "lib/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PACKED_BLOCK ((size_t)64 << 10)

/* windowBits for zlib: the largest window, and gzip's wrapping alone. */
#define GZIP_WINDOW (15 + 16)

struct rt_source_file {
    int fd;
    char *path;
    struct stat opened;       /* as it was then */
    struct rt_hasher *hasher; /* of all bytes read */
    uint64_t size;
    bool is_first; /* nothing was given out yet: gzip or not is still open */
    bool is_gzip;
    bool is_member_done; /* between two members of a gzip file, or at its end */
    z_stream z;
    unsigned char
        *packed; /* PACKED_BLOCK bytes; z.next_in and z.avail_in tell what is left of them */
};

static ssize_t read_fd(struct rt_source_file *file, void *buf, size_t size, struct rt_err *err)
{
    ssize_t n;

    do {
        if (file->fd == STDIN_FILENO && rt_stop_wait(file->fd, err) < 0)
            return -1;
        n = read(file->fd, buf, size);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return rt_err_errno(err, RT_IO, "cannot read %s", file->path);
    rt_hasher_add_bytes(file->hasher, rt_slice_from(buf, (size_t)n));
    file->size += (uint64_t)n;
    return n;
}

/* Gets more packed bytes if there are none.  1: there are some; 0: the end. */
static int refill(struct rt_source_file *file, struct rt_err *err)
{
    ssize_t n;

    if (file->z.avail_in > 0)
        return 1;
    n = read_fd(file, file->packed, PACKED_BLOCK, err);
    if (n < 0)
        return -1;
    file->z.next_in = file->packed;
    file->z.avail_in = (uInt)n;
    return n > 0;
}

static int refuse_gzip(const struct rt_source_file *file, const char *why, struct rt_err *err)
{
    return rt_err_set(err, RT_DATA, "%s: %s; export it again", file->path, why);
}

static ssize_t read_gzip(struct rt_source_file *file, void *buf, size_t size, struct rt_err *err)
{
    z_stream *z = &file->z;
    uInt room = size > UINT_MAX ? UINT_MAX : (uInt)size;

    if (room == 0)
        return 0;
    z->next_out = buf;
    z->avail_out = room;
    while (z->avail_out == room) {
        int more = refill(file, err), r;

        if (more < 0)
            return -1;
        if (more == 0 && file->is_member_done)
            return 0;
        if (more == 0)
            return refuse_gzip(file, "the gzip file was cut", err);
        if (file->is_member_done) { /* gzip files put one behind the other are one file */
            inflateReset(z);
            file->is_member_done = false;
        }
        r = inflate(z, Z_NO_FLUSH);
        if (r == Z_MEM_ERROR)
            return rt_err_set(err, RT_INTERNAL, "%s: out of memory while unpacking", file->path);
        if (r != Z_OK && r != Z_STREAM_END)
            return refuse_gzip(file, "the gzip file is damaged", err);
        file->is_member_done = r == Z_STREAM_END;
    }
    return (ssize_t)(room - z->avail_out);
}

/* Looks at the first two bytes, which decide how the rest is read. */
static int look(struct rt_source_file *file, struct rt_err *err)
{
    size_t have = 0;
    ssize_t n = 1;

    while (have < 2 && n > 0) {
        n = read_fd(file, file->packed + have, PACKED_BLOCK - have, err);
        if (n < 0)
            return -1;
        have += (size_t)n;
    }
    file->is_first = false;
    file->z.next_in = file->packed;
    file->z.avail_in = (uInt)have;
    file->is_gzip = have >= 2 && file->packed[0] == 0x1f && file->packed[1] == 0x8b;
    if (file->is_gzip && inflateInit2(&file->z, GZIP_WINDOW) != Z_OK) {
        file->is_gzip = false;
        return rt_err_set(err, RT_INTERNAL, "%s: out of memory while unpacking", file->path);
    }
    return 0;
}

static ssize_t read_file(void *context, void *buf, size_t size, struct rt_err *err)
{
    struct rt_source_file *file = context;
    size_t n;

    if (file->is_first && look(file, err) != 0)
        return -1;
    if (file->is_gzip)
        return read_gzip(file, buf, size, err);
    if (file->z.avail_in == 0)
        return read_fd(file, buf, size, err);
    n = size < file->z.avail_in ? size : file->z.avail_in; /* what look() has read */
    memcpy(buf, file->z.next_in, n);
    file->z.next_in += n;
    file->z.avail_in -= (uInt)n;
    return (ssize_t)n;
}

/* Opens a regular file and nothing else: a link may lead anywhere, a FIFO would wait for ever. */
static int open_regular(const char *path, struct rt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0 && errno == ELOOP)
        return rt_err_set(err, RT_IO, "%s: is a symbolic link; name the file itself", path);
    if (fd < 0)
        return rt_err_errno(err, RT_IO, "cannot open %s", path);
    if (fstat(fd, &st) != 0) {
        rt_err_errno(err, RT_IO, "cannot look at %s", path);
    } else if (!S_ISREG(st.st_mode)) {
        rt_err_set(err, RT_IO, "%s: is not a regular file; to read from a pipe, name it \"-\"",
                   path);
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

int rt_source_open(const char *path, struct rt_source_file **file, struct rt_source *source,
                   struct rt_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open_regular(path, err);
    struct rt_source_file *f;

    *file = NULL;
    if (fd < 0)
        return -1;
    f = rt_xcalloc(1, sizeof *f);
    f->fd = fd;
    fstat(fd, &f->opened); /* fails for no open file */
    f->hasher = rt_hasher_new();
    f->path = rt_xstrdup(is_stdin ? "standard input" : path);
    f->is_first = true;
    f->packed = rt_xmalloc(PACKED_BLOCK);
    *source = (struct rt_source){read_file, f};
    *file = f;
    return 0;
}

void rt_source_close(struct rt_source_file *file)
{
    if (file == NULL)
        return;
    if (file->is_gzip)
        inflateEnd(&file->z);
    if (file->fd != STDIN_FILENO)
        close(file->fd); /* only read from: nothing can be lost */
    rt_hasher_free(file->hasher);
    free(file->packed);
    free(file->path);
    free(file);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool rt_source_facts(const struct rt_source_file *file, struct rt_source_facts *facts)
{
    struct stat now, named;

    *facts = (struct rt_source_facts){.size = file->size, .digest = rt_hasher_end(file->hasher)};
    return fstat(file->fd, &now) == 0 && stat(file->path, &named) == 0 &&
           is_same(&file->opened, &now) && is_same(&now, &named) &&
           (uint64_t)now.st_size == file->size;
}

static ssize_t read_memory(void *context, void *buf, size_t size, struct rt_err *err)
{
    struct rt_source_memory *memory = context;
    size_t n = size < memory->rest.len ? size : memory->rest.len;

    (void)err;
    if (n == 0)
        return 0;
    memcpy(buf, memory->rest.ptr, n);
    memory->rest.ptr += n;
    memory->rest.len -= n;
    return (ssize_t)n;
}

void rt_source_from_memory(struct rt_source_memory *memory, struct rt_slice bytes,
                           struct rt_source *source)
{
    memory->rest = bytes;
    *source = (struct rt_source){read_memory, memory};
}

int rt_gzip_pack(struct rt_slice bytes, struct rt_buf *out, struct rt_err *err)
{
    /* Of the header zlib would fill in by itself only the system depends on where it runs. */
    gz_header header = {.os = 255};
    size_t before = out->len, done = 0;
    z_stream z = {0};
    int r;

    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return rt_err_set(err, RT_INTERNAL, "out of memory while packing with gzip");
    deflateSetHeader(&z, &header);
    do {
        size_t left = bytes.len - done;
        uInt chunk = left > UINT_MAX / 2 ? UINT_MAX / 2 : (uInt)left;

        z.next_in =
            left > 0 ? (Bytef *)(uintptr_t)(bytes.ptr + done) : NULL; /* zlib only reads it */
        z.avail_in = chunk;
        rt_buf_reserve(out, PACKED_BLOCK);
        z.next_out = (Bytef *)out->ptr + out->len;
        z.avail_out = PACKED_BLOCK;
        r = deflate(&z, chunk == left ? Z_FINISH : Z_NO_FLUSH);
        out->len += PACKED_BLOCK - z.avail_out;
        done += chunk - z.avail_in;
    } while (r == Z_OK);
    deflateEnd(&z);
    if (r != Z_STREAM_END) {
        out->len = before;
        return rt_err_set(err, RT_INTERNAL, "packing with gzip failed (zlib error %d)", r);
    }
    out->ptr[out->len] = '\0';
    return 0;
}

const char *rt_source_library_version(void)
{
    return zlibVersion();
}
