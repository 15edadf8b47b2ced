/*
 * The file of digests.  The first byte of an input chooses: the rest is the file as it stands, or
 * it is entries, of which a true file is written, and a change that is then made in it.
 *
 * A file that is not as it was written is never believed, unless it says the same; what is believed
 * finds every entry, and nothing that is not there.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/digest_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 64

static char path[64];

struct entries {
    struct rt_digest digest[MOST];
    int64_t rid[MOST];
    size_t count;
};

static const struct rt_digest_tag tag = {{1, 2}, {3, 4}};

static void make_path(void)
{
    struct stat st;

    if (path[0] == '\0')
        snprintf(path, sizeof path, "%s/rt-fuzz-digests.%ld",
                 stat("/dev/shm", &st) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
}

static void remove_file(void)
{
    unlink(path);
}

static void write_raw(struct rt_slice bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    fuzz_need(fd >= 0 && write(fd, bytes.ptr ? bytes.ptr : "", bytes.len) == (ssize_t)bytes.len,
              "a place for files");
    close(fd);
}

/* Small digests: that some are alike is wanted. */
static void take_entries(struct rt_slice *input, struct entries *entries)
{
    size_t count = fuzz_byte(input) % MOST;

    for (entries->count = 0; entries->count < count && input->len >= 2; entries->count++) {
        size_t i = entries->count;

        entries->digest[i].low = fuzz_byte(input);
        entries->digest[i].high = entries->digest[i].low / 64;
        entries->rid[i] = 1 + fuzz_byte(input);
    }
}

static void write_entries(const struct entries *entries)
{
    struct rt_digest_writer *writer = rt_digest_writer_open(path);

    fuzz_need(writer != NULL, "a place for files");
    for (size_t i = 0; i < entries->count; i++)
        rt_digest_writer_add(writer, entries->digest[i], entries->rid[i]);
    rt_digest_writer_publish(writer, &tag);
}

/* Changes one byte, and cuts the file or makes it longer, as the input says. */
static bool damage(struct rt_slice *input)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END), at = (off_t)fuzz_byte(input);
    unsigned flip = fuzz_byte(input), way = fuzz_byte(input) % 4;
    unsigned char byte;
    bool is_changed = false;

    if (flip && at < size && pread(fd, &byte, 1, at) == 1) {
        byte ^= (unsigned char)flip;
        is_changed = pwrite(fd, &byte, 1, at) == 1;
    }
    if (way > 1) {
        off_t now = way == 2 ? size - 1 - at % size : size + at + 1;

        fuzz_need(ftruncate(fd, now) == 0, "a file can be cut");
        is_changed = true;
    }
    close(fd);
    return is_changed;
}

static bool is_in(const struct rt_digest_file *file, struct rt_digest digest, int64_t rid,
                  const struct entries *entries)
{
    for (size_t i = 0; i < rt_digest_file_count(file) && i < entries->count; i++)
        if (rt_digest_is_equal(entries->digest[i], digest) && entries->rid[i] == rid)
            return true;
    return false;
}

static void need_entries(struct rt_digest_file *file, const struct entries *entries)
{
    fuzz_need(rt_digest_file_count(file) == entries->count, "as many entries as were written");
    for (size_t i = 0; i < entries->count; i++)
        fuzz_need(rt_digest_file_rid(file, i) == entries->rid[i], "records are those written");
    for (uint64_t low = 0; low < 256; low += 3) {
        struct rt_digest digest = {.low = low, .high = low / 64};
        int64_t rid = rt_digest_file_find(file, digest);
        bool was_written = false;

        for (size_t i = 0; i < entries->count; i++)
            was_written = was_written || rt_digest_is_equal(entries->digest[i], digest);
        fuzz_need(rid ? is_in(file, digest, rid, entries) : !was_written,
                  "what is found was written, and what was written is found");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_slice input = rt_slice_from(data, size);
    bool is_raw = fuzz_byte(&input) % 4 == 0, is_changed = true;
    struct entries entries = {.count = 0};
    struct rt_digest_file *file;

    if (path[0] == '\0') {
        make_path();
        atexit(remove_file);
    }
    if (is_raw) {
        write_raw(input);
    } else {
        take_entries(&input, &entries);
        write_entries(&entries);
        is_changed = damage(&input);
    }
    file = rt_digest_file_load(path, &tag);
    if (is_raw && file != NULL)
        (void)rt_digest_file_find(file, tag.generation);
    if (!is_raw)
        fuzz_need((file == NULL) == is_changed, "a file is believed if it is as it was written");
    if (!is_raw && file != NULL)
        need_entries(file, &entries);
    rt_digest_file_free(file);
    return 0;
}
