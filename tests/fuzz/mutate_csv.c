/*
 * Every file cut at every byte, and with every byte changed, through the CSV reader and the row
 * map.
 *
 *     mutate_csv FILE...        LONG=1: also every place of large files, and more changes
 *
 * Never a crash, and no sanitizer's complaint; a failure is a refusal with words, or a packed file
 * that cannot be unpacked; what a row is said to span lies within the file, in order; and what
 * comes out does not depend on how the bytes come in, a few at a time or all at once.
 */
#include "lib/config.h"
#include "lib/digest.h"
#include "lib/rowmap.h"
#include "lib/source.h"
#include "lib/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGE      4096 /* bytes: of larger files every STRIDE-th place is tried */
#define STRIDE     331
#define MAX_FILE   ((size_t)1 << 20)
#define FEW        7 /* bytes in one read */
#define MAX_CHANGE 6

static const char schema_text[] = "field,external,native,role,type\n"
                                  "external_id,InteractionEverTrueID,XID,external_id,id\n"
                                  "native_id,InteractionImportID,NID,native_id,id\n"
                                  "kind,InteractionType,KIND,,\n"
                                  "date,InteractionDate,DATE,,date\n"
                                  "summary,Summary,SUMMARY,,\n"
                                  "body,Body,BODY,,\n";

struct tried {
    const struct rt_schema *schema;
    const char *file;
    uint64_t cuts, changes, refused, taken, rejected_rows, rows;
};

static void fail(const struct tried *t, const char *what, size_t at, int change)
{
    fprintf(stderr, "%s: %s: byte %zu, change %d\n", t->file, what, at, change);
    abort();
}

/* ---- a source that gives a few bytes at a time ---- */

struct drip {
    struct rt_slice rest;
    size_t most;
};

static ssize_t read_some(void *context, void *buf, size_t size, struct rt_err *err)
{
    struct drip *drip = context;
    size_t n = drip->rest.len < size ? drip->rest.len : size;

    (void)err;
    n = n < drip->most ? n : drip->most;
    if (n)
        memcpy(buf, drip->rest.ptr, n);
    drip->rest = rt_slice_from(drip->rest.ptr + n, drip->rest.len - n);
    return (ssize_t)n;
}

/* ---- one reading ---- */

struct outcome {
    struct rt_digest digest; /* of all that came out */
    uint64_t rows, rejected;
    bool refused;
};

static void add_row(struct rt_hasher *hasher, const struct rt_row *row,
                    const struct rt_schema *schema)
{
    for (int s = 0; s < 2; s++)
        rt_hasher_add(hasher, row->id[s]);
    for (size_t i = 0; i < schema->content_count; i++)
        rt_hasher_add(hasher, row->content->value[i].raw);
}

static int read_rows(const struct tried *t, struct rt_csv_reader *reader, struct rt_rowmap *map,
                     struct rt_hasher *hasher, struct outcome *outcome, size_t len)
{
    struct rt_arena arena = {0};
    struct rt_csv_row csv;
    struct rt_err err = {0};
    uint64_t end = 0;
    int rc;

    while ((rc = rt_csv_next(reader, &csv, &err)) == 1) {
        struct rt_row_fault fault = {0};
        struct rt_row row = {0};

        if (csv.offset < end || csv.length == 0 || (len && csv.offset + csv.length > len))
            fail(t, "a row spans what is not its own", (size_t)csv.offset, 0);
        end = csv.offset + csv.length;
        outcome->rows++;
        rt_arena_reset(&arena);
        if (rt_rowmap_row(map, &csv, &arena, &row, &fault) == 0) {
            add_row(hasher, &row, t->schema);
        } else {
            for (int i = 0; fault.has_id && i < 2; i++)
                if (row.id[i].len &&
                    (memchr(row.id[i].ptr, '\0', row.id[i].len) || !rt_utf8_is_valid(row.id[i])))
                    fail(t, "an ID that is no text", (size_t)csv.offset, 0);
            if (fault.reason[0] == '\0')
                fail(t, "a row is rejected without a word", (size_t)csv.offset, 0);
            rt_hasher_add(hasher, rt_slice_str(fault.reason));
            outcome->rejected++;
        }
    }
    if (rc < 0) {
        if (err.code != RT_DATA || err.msg[0] == '\0')
            fail(t, err.msg, 0, 0);
        rt_hasher_add(hasher, rt_slice_str(err.msg));
        outcome->refused = true;
    }
    rt_arena_clear(&arena);
    return rc;
}

/* `len` 0: the bytes are not what the rows' places count in (packed, another encoding). */
static struct outcome read_all(const struct tried *t, const struct rt_source *source, size_t len)
{
    struct rt_csv_options options = {.delimiter = ','};
    struct rt_hasher *hasher = rt_hasher_new();
    struct rt_csv_reader *reader = NULL;
    struct rt_rowmap *map = NULL;
    struct outcome outcome = {.rows = 0};
    struct rt_err err = {0};

    if (rt_csv_open(source, "f.csv", &options, &reader, &err) < 0 ||
        rt_rowmap_new(t->schema, RT_EXTERNAL, reader, "f.csv", &map, &err) < 0) {
        if (err.code != RT_DATA || err.msg[0] == '\0')
            fail(t, err.msg, 0, 0);
        rt_hasher_add(hasher, rt_slice_str(err.msg));
        outcome.refused = true;
    } else {
        read_rows(t, reader, map, hasher, &outcome, len);
    }
    rt_rowmap_free(map);
    rt_csv_close(reader);
    outcome.digest = rt_hasher_end(hasher);
    rt_hasher_free(hasher);
    return outcome;
}

static void count(struct tried *t, const struct outcome *outcome)
{
    t->refused += outcome->refused;
    t->taken += !outcome->refused;
    t->rows += outcome->rows;
    t->rejected_rows += outcome->rejected;
}

static void try_bytes(struct tried *t, struct rt_slice bytes, size_t at, int change)
{
    struct drip all = {bytes, bytes.len + 1}, few = {bytes, FEW};
    struct rt_source source = {read_some, &all};
    struct outcome once = read_all(t, &source, bytes.len), again;

    source.context = &few;
    again = read_all(t, &source, bytes.len);
    if (!rt_digest_is_equal(once.digest, again.digest))
        fail(t, "it matters how the bytes come in", at, change);
    count(t, &once);
}

/* A packed file goes through a real one, as it is unpacked there. */
static void try_packed(struct tried *t, struct rt_slice bytes, size_t at, int change)
{
    char path[] = "/tmp/mutate-XXXXXX";
    int fd = mkstemp(path);
    struct rt_source_file *file = NULL;
    struct rt_source source;
    struct rt_err err = {0};
    struct outcome outcome = {.refused = true};

    if (fd < 0 || write(fd, bytes.ptr, bytes.len) != (ssize_t)bytes.len) {
        perror(path);
        exit(1);
    }
    close(fd);
    if (rt_source_open(path, &file, &source, &err) == 0)
        outcome = read_all(t, &source, 0);
    else if (err.code != RT_DATA)
        fail(t, err.msg, at, change);
    rt_source_close(file);
    unlink(path);
    count(t, &outcome);
}

static char changed(char byte, int change)
{
    static const char to[MAX_CHANGE] = {0, 0, '"', '\n', '\0', ','};

    return change == 0 ? (char)(byte ^ 1) : change == 1 ? (char)(byte ^ 0x80) : to[change];
}

static bool is_long_run(void)
{
    const char *value = getenv("LONG");

    return value != NULL && strcmp(value, "1") == 0;
}

static void try_file(struct tried *t, const char *path)
{
    static char bytes[MAX_FILE];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    bool is_packed = len > 1 && memcmp(bytes, "\x1f\x8b", 2) == 0, is_long = is_long_run();
    size_t stride = len > LARGE && !is_long ? STRIDE : 1;
    int changes = is_long ? MAX_CHANGE : 4;

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    fclose(f);
    t->file = path;
    for (size_t at = 0; at <= len; at += stride) {
        char was = at < len ? bytes[at] : '\0';

        (is_packed ? try_packed : try_bytes)(t, rt_slice_from(bytes, at), at, -1);
        t->cuts++;
        for (int c = 0; at < len && c < changes; c++) {
            bytes[at] = changed(was, c);
            (is_packed ? try_packed : try_bytes)(t, rt_slice_from(bytes, len), at, c);
            t->changes++;
        }
        bytes[at] = was;
    }
}

int main(int argc, char **argv)
{
    struct rt_schema *schema = NULL;
    struct rt_config *config = NULL;
    struct rt_err err = {0};
    struct tried t = {.cuts = 0};

    if (rt_config_parse(rt_slice_str("[profile]\nname=fuzz\n"), "roundtrip.ini", "fuzz", &config,
                        &err) < 0 ||
        rt_schema_parse(rt_slice_str(schema_text), "schema.csv", config, NULL, &schema, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    t.schema = schema;
    for (int i = 1; i < argc; i++)
        try_file(&t, argv[i]);
    printf("%d files, %" PRIu64 " cuts, %" PRIu64 " changed bytes: %" PRIu64 " refused, %" PRIu64
           " taken, %" PRIu64 " of %" PRIu64 " rows rejected\n",
           argc - 1, t.cuts, t.changes, t.refused, t.taken, t.rejected_rows, t.rows);
    rt_schema_free(schema);
    rt_config_free(config);
    return t.refused && t.taken && t.rejected_rows ? 0 : 1;
}
