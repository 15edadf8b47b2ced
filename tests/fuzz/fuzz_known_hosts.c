/*
 * known_hosts: the first byte of an input chooses the port, the rest is the file.
 *
 * The verdict about the whole is that of its lines, each read alone: a line that cannot be read
 * makes no other useless, none hides that a key is revoked.  A key that is known is in the file.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/remote_hostkey.h"

#define KEY_A "AAAAC3NzaC1lZDI1NTE5AAAAIOj3t6J4x4tnTrQ1ipSEzdHyRHeNLftXnswye46mEOy0"

static enum rt_hostkey_verdict check(struct rt_slice text, int port, struct rt_slice key)
{
    struct rt_hostkey_name name = {"sftp.example.org", port};
    struct rt_buf known = {0};
    enum rt_hostkey_verdict verdict = rt_hostkey_check(text, name, key, &known);

    for (const char *p = rt_buf_str(&known); *p; p++)
        fuzz_need((unsigned char)*p > 0x1f, "fingerprints are text");
    rt_buf_clear(&known);
    return verdict;
}

static bool has(struct rt_slice text, const char *word)
{
    return text.len && memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

/* Of two lines the stronger word counts. */
static int weight(enum rt_hostkey_verdict verdict)
{
    static const int weights[] = {
        [RT_HOSTKEY_UNKNOWN] = 0,
        [RT_HOSTKEY_CHANGED] = 1,
        [RT_HOSTKEY_MATCH] = 2,
        [RT_HOSTKEY_REVOKED] = 3,
    };

    return weights[verdict];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_slice text = rt_slice_from(data, size);
    int port = fuzz_byte(&text) % 2 ? 2222 : 22;
    struct rt_slice rest = text;
    struct rt_buf key = {0}, types = {0};
    enum rt_hostkey_verdict whole;
    int strongest = 0;

    fuzz_need(rt_hostkey_decode(rt_slice_str(KEY_A), &key), "a key of ours");
    whole = check(text, port, rt_buf_slice(&key));
    while (rest.len) {
        int line = weight(check(fuzz_until(&rest, '\n'), port, rt_buf_slice(&key)));

        strongest = line > strongest ? line : strongest;
    }
    fuzz_need(weight(whole) == strongest, "the verdict is that of the lines");
    fuzz_need(whole != RT_HOSTKEY_REVOKED || has(text, "@revoked"), "only @revoked revokes");
    fuzz_need(whole != RT_HOSTKEY_MATCH || has(text, "AAAAC3NzaC1lZDI1NTE5AAAAIOj3t6J4x4tn"),
              "a known key is in the file");
    rt_hostkey_types(text, (struct rt_hostkey_name){"sftp.example.org", port}, &types);
    rt_buf_clear(&types);
    rt_buf_clear(&key);
    return 0;
}
