/*
 * Runs a fuzz target without a fuzzer: feeds it each file named on the command line, and each file
 * of the folders named there.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/mem.h"

#include <dirent.h>

static size_t replayed;

static bool feed(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct rt_buf bytes = {0};
    char block[4096];
    size_t n;

    if (file == NULL)
        return false;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        rt_buf_add(&bytes, block, n);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one named is the one that failed */
    LLVMFuzzerTestOneInput((const uint8_t *)rt_buf_str(&bytes), bytes.len);
    rt_buf_clear(&bytes);
    replayed++;
    return true;
}

static bool feed_folder(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    bool is_read = true;

    if (count < 0)
        return feed(path);
    for (int i = 0; i < count; i++) {
        char *file = rt_xasprintf("%s/%s", path, names[i]->d_name);

        if (names[i]->d_name[0] != '.')
            is_read = feed(file) && is_read;
        free(file);
        free(names[i]);
    }
    free(names);
    return is_read;
}

int main(int argc, char **argv)
{
    bool is_read = argc > 1;

    for (int i = 1; i < argc; i++)
        is_read = feed_folder(argv[i]) && is_read;
    printf("%zu inputs replayed\n", replayed);
    return is_read && replayed ? 0 : 1;
}
