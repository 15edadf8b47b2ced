#include "lib/digest_file.h"

#include "lib/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRY      20
#define BUFFERED   ((size_t)ENTRY << 15)
#define NONE       UINT32_MAX
#define LOOK_AHEAD 8 /* entries: rows that are gone since leave short gaps */

struct head {
    char magic[8];
    struct rt_digest_tag tag;
    uint64_t count;
    struct rt_digest checksum; /* of the entries */
    struct rt_digest own;      /* of the head before it */
};

static const char magic[8] = "RTDIGS1";

struct rt_digest_file {
    unsigned char *entries;
    size_t count;
    size_t cursor;   /* behind the entry found last */
    uint32_t *table; /* entry numbers by digest; NULL: not needed yet */
    size_t table_size;
};

static struct rt_digest head_digest(const struct head *head)
{
    return rt_digest_of(rt_slice_from((const char *)head, offsetof(struct head, own)));
}

static struct rt_digest digest_at(const struct rt_digest_file *file, size_t i)
{
    struct rt_digest digest;

    memcpy(&digest, file->entries + i * ENTRY, sizeof digest);
    return digest;
}

int64_t rt_digest_file_rid(const struct rt_digest_file *file, size_t i)
{
    uint32_t rid;

    memcpy(&rid, file->entries + i * ENTRY + sizeof(struct rt_digest), sizeof rid);
    return rid;
}

size_t rt_digest_file_count(const struct rt_digest_file *file)
{
    return file->count;
}

/* ---- loading ---- */

static bool read_whole(int fd, void *to, size_t len)
{
    char *p = to;

    while (len > 0) {
        ssize_t n = read(fd, p, len > (1u << 30) ? 1u << 30 : len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static bool is_believable(const struct head *head, const struct rt_digest_tag *tag, off_t size)
{
    return memcmp(head->magic, magic, sizeof magic) == 0 &&
           rt_digest_is_equal(head->own, head_digest(head)) &&
           rt_digest_is_equal(head->tag.generation, tag->generation) &&
           rt_digest_is_equal(head->tag.fingerprint, tag->fingerprint) && head->count < NONE &&
           (uint64_t)size == sizeof *head + head->count * ENTRY;
}

struct rt_digest_file *rt_digest_file_load(const char *path, const struct rt_digest_tag *tag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct rt_digest_file *file = NULL;
    struct head head;
    struct stat st;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_whole(fd, &head, sizeof head) &&
        is_believable(&head, tag, st.st_size)) {
        size_t len = (size_t)head.count * ENTRY;

        file = rt_xcalloc(1, sizeof *file);
        file->count = (size_t)head.count;
        file->entries = rt_xmalloc(len + 1);
        if (!read_whole(fd, file->entries, len) ||
            !rt_digest_is_equal(rt_digest_of(rt_slice_from((char *)file->entries, len)),
                                head.checksum)) {
            rt_digest_file_free(file);
            file = NULL;
        }
    }
    close(fd); /* only read from */
    return file;
}

void rt_digest_file_free(struct rt_digest_file *file)
{
    if (file == NULL)
        return;
    free(file->entries);
    free(file->table);
    free(file);
}

/* ---- searching ---- */

static void build_table(struct rt_digest_file *file)
{
    file->table_size = 64;
    while (file->table_size * 3 < file->count * 5) /* at most 60 % full */
        file->table_size *= 2;
    file->table = rt_xmalloc(file->table_size * sizeof *file->table);
    memset(file->table, 0xff, file->table_size * sizeof *file->table); /* NONE */
    for (size_t i = 0; i < file->count; i++) {
        size_t slot = (size_t)digest_at(file, i).low & (file->table_size - 1);

        while (file->table[slot] != NONE)
            slot = (slot + 1) & (file->table_size - 1);
        file->table[slot] = (uint32_t)i;
    }
}

static int64_t take(struct rt_digest_file *file, size_t i)
{
    file->cursor = i + 1;
    return rt_digest_file_rid(file, i);
}

int64_t rt_digest_file_find(struct rt_digest_file *file, struct rt_digest digest)
{
    for (size_t i = file->cursor; i < file->count && i < file->cursor + LOOK_AHEAD; i++)
        if (rt_digest_is_equal(digest_at(file, i), digest))
            return take(file, i);
    if (file->table == NULL)
        build_table(file);
    for (size_t slot = (size_t)digest.low & (file->table_size - 1); file->table[slot] != NONE;
         slot = (slot + 1) & (file->table_size - 1))
        if (rt_digest_is_equal(digest_at(file, file->table[slot]), digest))
            return take(file, file->table[slot]);
    return 0;
}

/* ---- writing ---- */

struct rt_digest_writer {
    char *path, *temporary;
    int fd;
    bool has_failed;
    unsigned char *buffer;
    size_t len;
    uint64_t count;
    struct rt_hasher *hasher;
};

struct rt_digest_writer *rt_digest_writer_open(const char *path)
{
    struct rt_digest_writer *writer = rt_xcalloc(1, sizeof *writer);
    struct head head = {{0}, {{0, 0}, {0, 0}}, 0, {0, 0}, {0, 0}};

    writer->path = rt_xstrdup(path);
    writer->temporary = rt_xasprintf("%s.new", path);
    writer->hasher = rt_hasher_new();
    writer->fd =
        open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (writer->fd < 0 || write(writer->fd, &head, sizeof head) != (ssize_t)sizeof head) {
        rt_digest_writer_close(writer);
        return NULL;
    }
    writer->buffer = rt_xmalloc(BUFFERED);
    return writer;
}

static void flush(struct rt_digest_writer *writer)
{
    rt_hasher_add_bytes(writer->hasher, rt_slice_from((char *)writer->buffer, writer->len));
    for (size_t done = 0; done < writer->len && !writer->has_failed;) {
        ssize_t n = write(writer->fd, writer->buffer + done, writer->len - done);

        if (n < 0 && errno != EINTR)
            writer->has_failed = true;
        done += n > 0 ? (size_t)n : 0;
    }
    writer->len = 0;
}

void rt_digest_writer_add(struct rt_digest_writer *writer, struct rt_digest digest, int64_t rid)
{
    uint32_t number = (uint32_t)rid;

    if (rid >= NONE || writer->count >= NONE - 1)
        writer->has_failed = true;
    if (writer->len == BUFFERED)
        flush(writer);
    memcpy(writer->buffer + writer->len, &digest, sizeof digest);
    memcpy(writer->buffer + writer->len + sizeof digest, &number, sizeof number);
    writer->len += ENTRY;
    writer->count++;
}

void rt_digest_writer_publish(struct rt_digest_writer *writer, const struct rt_digest_tag *tag)
{
    struct head head = {{0}, *tag, writer->count, {0, 0}, {0, 0}};

    flush(writer);
    memcpy(head.magic, magic, sizeof magic);
    head.checksum = rt_hasher_end(writer->hasher);
    head.own = head_digest(&head);
    if (!writer->has_failed && pwrite(writer->fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
        rename(writer->temporary, writer->path) == 0) {
        free(writer->temporary);
        writer->temporary = NULL;
    }
    rt_digest_writer_close(writer);
}

void rt_digest_writer_close(struct rt_digest_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->temporary != NULL && writer->fd >= 0)
        unlink(writer->temporary);
    rt_hasher_free(writer->hasher);
    free(writer->buffer);
    free(writer->temporary);
    free(writer->path);
    free(writer);
}
