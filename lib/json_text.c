#include "lib/json_text.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The highest bit of each byte that JSON writes in another way: a control character, a quote or a
 * backslash.  In each of the three sums a byte has that bit unless it is such a one. */
static uint64_t specials_of(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), low = ones * 0x7f;
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';

    return ~((((word & low) + ones * 0x60) | word) & (((quote & low) + low) | quote) &
             (((backslash & low) + low) | backslash)) &
           ~low;
}

static uint64_t word_at(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

static bool is_special(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* The next such byte, from `i` on. */
static size_t next_special(struct rt_slice text, size_t i)
{
    const size_t size = sizeof(uint64_t);
    uint64_t specials;

    for (; i + size <= text.len; i += size) {
        specials = specials_of(word_at(text.ptr + i));
        if (specials)
            return i + (size_t)__builtin_ctzll(specials) / 8;
    }
    if (i < text.len && text.len >= size) { /* the last word, without what was looked at */
        specials = specials_of(word_at(text.ptr + text.len - size)) >> 8 * (i + size - text.len);
        return specials ? i + (size_t)__builtin_ctzll(specials) / 8 : text.len;
    }
    while (i < text.len && !is_special(text.ptr[i]))
        i++;
    return i;
}

void rt_json_put(struct rt_buf *out, struct rt_slice text)
{
    static const char hex[] = "0123456789abcdef";
    size_t from = 0;

    rt_buf_add_char(out, '"');
    for (size_t i = next_special(text, 0); i < text.len; i = next_special(text, i + 1)) {
        unsigned char c = (unsigned char)text.ptr[i];
        char escaped[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        size_t len = 6;

        if (c == '"' || c == '\\' || c == '\n') {
            escaped[1] = c == '\n' ? 'n' : (char)c;
            len = 2;
        }
        rt_buf_add(out, text.ptr + from, i - from);
        rt_buf_add(out, escaped, len);
        from = i + 1;
    }
    if (text.len > from)
        rt_buf_add(out, text.ptr + from, text.len - from);
    rt_buf_add_char(out, '"');
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape; false: rt_json_put writes no such one. */
static bool take_escape(char **in, char **to)
{
    char *p = *in;

    if (p[1] == 'u') {
        int high = p[2] == '0' && p[3] == '0' ? hex_digit(p[4]) : -1;
        int low = high >= 0 ? hex_digit(p[5]) : -1;

        if (high < 0 || low < 0)
            return false;
        *(*to)++ = (char)(high * 16 + low);
        *in += 6;
        return true;
    }
    if (p[1] == '\0')
        return false;
    *(*to)++ = p[1] == 'n' ? '\n' : p[1];
    *in += 2;
    return true;
}

bool rt_json_take(char **p, const char *end, struct rt_slice *text)
{
    char *in = *p, *to = *p;

    text->ptr = *p;
    for (;;) {
        size_t n = next_special(rt_slice_from(in, (size_t)(end - in)), 0);

        if (to != in)
            memmove(to, in, n);
        in += n;
        to += n;
        if (in == end)
            return false;
        if (*in == '"')
            break;
        if (*in != '\\')
            *to++ = *in++;
        else if (!take_escape(&in, &to))
            return false;
    }
    text->len = (size_t)(to - text->ptr);
    *p = in + 1;
    return true;
}
