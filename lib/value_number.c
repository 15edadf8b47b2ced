#include "lib/value_number.h"

#include <ctype.h>

bool rt_number_format_parse(const char *text, struct rt_number_format *format)
{
    static const struct {
        const char *text;
        struct rt_number_format format;
    } known[] = {
        {"1234.5", {'.', '\0'}}, {"1,234.5", {'.', ','}}, {"1.234,5", {',', '.'}},
        {"1234,5", {',', '\0'}}, {"1 234,5", {',', ' '}}, {"1'234.5", {'.', '\''}},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (text == NULL || strcmp(text, known[i].text) == 0) {
            *format = known[i].format;
            return true;
        }
    }
    return false;
}

static struct rt_slice trim(struct rt_slice text)
{
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    while (text.len > 0 && *text.ptr == ' ') {
        text.ptr++;
        text.len--;
    }
    return text;
}

static bool is_digit_at(struct rt_slice text, size_t i)
{
    return i < text.len && isdigit((unsigned char)text.ptr[i]);
}

static void add(struct rt_buf *plain, char c)
{
    if (plain != NULL)
        rt_buf_add_char(plain, c);
}

/* The digits before the decimal sign, from *i on: "1,234" has marks, then all groups have three. */
static bool read_integer(struct rt_slice text, size_t *i, char group, struct rt_buf *plain)
{
    size_t run = 0;
    bool grouped = false;

    for (;; (*i)++) {
        if (is_digit_at(text, *i)) {
            run++;
            add(plain, text.ptr[*i]);
        } else if (group && *i < text.len && text.ptr[*i] == group) {
            if (run == 0 || run > 3 || (grouped && run != 3))
                return false;
            grouped = true;
            run = 0;
        } else {
            return !grouped || run == 3;
        }
    }
}

bool rt_number_read(struct rt_slice text, struct rt_number_format format, struct rt_buf *plain)
{
    size_t mark = plain ? plain->len : 0;
    size_t i = 0, start;
    bool digits;

    text = trim(text);
    if (text.len > 0 && (*text.ptr == '-' || *text.ptr == '+')) {
        if (*text.ptr == '-')
            add(plain, '-');
        i++;
    }
    start = i;
    if (!read_integer(text, &i, format.group, plain))
        goto out;
    digits = i > start;
    if (i < text.len && text.ptr[i] == format.decimal) {
        add(plain, '.');
        for (i++; is_digit_at(text, i); i++) {
            add(plain, text.ptr[i]);
            digits = true;
        }
    }
    if (digits && i == text.len)
        return true;
out:
    if (plain != NULL && plain->ptr != NULL) {
        plain->len = mark;
        plain->ptr[mark] = '\0';
    }
    return false;
}

static size_t integer_length(struct rt_slice plain)
{
    const char *point = plain.len ? memchr(plain.ptr, '.', plain.len) : NULL;

    return point ? (size_t)(point - plain.ptr) : plain.len;
}

void rt_number_write(struct rt_slice plain, struct rt_number_format format, struct rt_buf *out)
{
    size_t whole = integer_length(plain);
    size_t first = whole > 0 && *plain.ptr == '-';

    for (size_t i = 0; i < plain.len; i++) {
        if (i == whole)
            rt_buf_add_char(out, format.decimal);
        else
            rt_buf_add_char(out, plain.ptr[i]);
        if (format.group && i >= first && i + 1 < whole && (whole - i - 1) % 3 == 0)
            rt_buf_add_char(out, format.group);
    }
}

void rt_number_normalise(struct rt_slice plain, struct rt_buf *out)
{
    size_t whole = integer_length(plain);
    size_t first = whole > 0 && *plain.ptr == '-';
    size_t end = plain.len;
    size_t mark = out->len;

    while (end > whole && (plain.ptr[end - 1] == '0' || plain.ptr[end - 1] == '.'))
        end--;
    if (first)
        rt_buf_add_char(out, '-');
    for (; first < whole && plain.ptr[first] == '0'; first++)
        ;
    if (first == whole)
        rt_buf_add_char(out, '0');
    rt_buf_add(out, plain.ptr + first, end - first);
    if (out->len - mark == 2 && memcmp(out->ptr + mark, "-0", 2) == 0) {
        out->len = mark;
        rt_buf_add_char(out, '0');
    }
}
