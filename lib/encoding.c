#include "lib/encoding.h"

#include "lib/utf8.h"

#include <errno.h>
#include <stdint.h>
#include <strings.h>

#define ONES  UINT64_C(0x0101010101010101) /* the lowest bit of each byte */
#define HIGHS (ONES << 7)                  /* the highest */

bool rt_text_is_plain(const char *text, size_t len)
{
    uint64_t seen = 0, word;

    for (; len >= sizeof word; text += sizeof word, len -= sizeof word) {
        memcpy(&word, text, sizeof word);
        seen |= word | ((word - ONES) & ~word); /* the top bit of a byte: it is high, or was NUL */
    }
    word = ONES;
    memcpy(&word, text, len);
    seen |= word | ((word - ONES) & ~word);
    return (seen & HIGHS) == 0;
}

size_t rt_text_valid_bytes(struct rt_slice text)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t i = 0, n;

    while (i < text.len) {
        uint64_t word;

        if (p[i] < 0x80) { /* most text: eight at a time, as long as that works */
            for (; text.len - i >= sizeof word; i += sizeof word) {
                memcpy(&word, p + i, sizeof word);
                if ((word & HIGHS) != 0)
                    break;
            }
            while (i < text.len && p[i] < 0x80)
                i++;
            continue;
        }
        n = rt_utf8_length(p + i, text.len - i);
        if (n == 0)
            return i;
        i += n;
    }
    return i;
}

bool rt_encoding_is_utf8(const char *name)
{
    return name == NULL || strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0;
}

int rt_encoding_open(const char *to, const char *from, iconv_t *cd, struct rt_err *err)
{
    /* An empty name is the locale's.  A slash begins an option, and //IGNORE drops what does not
     * fit. */
    bool is_name = *to != '\0' && *from != '\0' && !strchr(to, '/') && !strchr(from, '/');

    *cd = is_name ? iconv_open(to, from) : RT_NO_ICONV;
    if (*cd != RT_NO_ICONV)
        return 0;
    return rt_err_set(err, RT_CONFIG,
                      "encoding \"%s\" is not known: \"iconv -l\" lists those that are",
                      rt_encoding_is_utf8(to) ? from : to);
}

/* Converts a few bytes on their own.  Number of bytes that came out, -1 if they are not a text. */
static int convert_few(iconv_t cd, const char *bytes, size_t len, char out[32])
{
    char copy[4], *in = copy, *to = out;
    size_t left = 32;

    memcpy(copy, bytes, len);
    iconv(cd, NULL, NULL, NULL, NULL);
    errno = 0;
    if (iconv(cd, &in, &len, &to, &left) == (size_t)-1)
        return -1;
    iconv(cd, NULL, NULL, &to, &left);
    return (int)(to - out);
}

bool rt_encoding_is_ascii_compatible(iconv_t cd, char delimiter)
{
    const char special[] = {'"', '\r', '\n', delimiter};
    char pair[2], out[32] = "";

    for (int b = 0; b < 128; b++) {
        pair[0] = (char)b;
        if (convert_few(cd, pair, 1, out) != 1 || out[0] != (char)b)
            return false;
    }
    for (int b = 128; b < 256; b++) {
        for (size_t i = 0; i < sizeof special; i++) {
            int n;

            pair[0] = (char)b;
            pair[1] = special[i];
            n = convert_few(cd, pair, 2, out);
            if (n > 0 ? n < 2 || out[n - 1] != special[i] : errno == EINVAL)
                return false;
        }
    }
    return true;
}

bool rt_encoding_is_known(const char *name)
{
    iconv_t in = RT_NO_ICONV, out = RT_NO_ICONV;
    struct rt_err ignored;
    bool is_known = rt_encoding_open("UTF-8", name, &in, &ignored) == 0 &&
                    rt_encoding_open(name, "UTF-8", &out, &ignored) == 0;

    if (in != RT_NO_ICONV)
        iconv_close(in);
    if (out != RT_NO_ICONV)
        iconv_close(out);
    return is_known;
}
