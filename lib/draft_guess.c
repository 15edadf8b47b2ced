#include "lib/draft_internal.h"

#include "lib/digest.h"
#include "lib/hash_set.h"
#include "lib/value.h"

#include <ctype.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Which formats are tried, in this order. */
static const char *const date_formats[] = {
    "%Y-%m-%d",  "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y",  "%d-%b-%Y",  "%d %b %Y",
    "%b %d, %Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y",  "%m/%d/%y",  "%d/%m/%y",
    "%d.%m.%y",  "%d-%b-%y", "%d %B %Y", "%B %d, %Y", "%d. %B %Y", "%Y%m%d"};
static const char *const time_formats[] = {
    "%m/%d/%Y %H:%M",    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M",    "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M",    "%d.%m.%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M",    "%Y/%m/%d %H:%M",    "%Y/%m/%d %H:%M:%S",
    "%d/%m/%Y %I:%M %p", "%Y%m%d%H%M%S"};
static const char *const yes_no[] = {"Y/N",        "Yes/No",     "YES/NO", "yes/no", "true/false",
                                     "TRUE/FALSE", "True/False", "T/F",    "J/N",    "Ja/Nein",
                                     "ja/nein",    "X/",         "x/",     "1/0"};
static const char *const number_formats[] = {"1234.5", "1,234.5", "1.234,5", "1234,5"};
static const char *const separators[] = {";", "|", ",", "/"};

struct formats {
    const char *const *list;
    size_t count;
};

/* Does every value that is there fit the type? */
static bool fits(const struct rt_sample *sample, size_t column, enum rt_type type,
                 const char *format)
{
    struct rt_field field = {.type = type};
    char *copy = format ? rt_xstrdup(format) : NULL;
    bool all = true, any = false;

    field.column[RT_EXTERNAL].format = field.column[RT_NATIVE].format = copy;
    for (size_t r = 0; all && r < sample->rows; r++) {
        struct rt_slice cell = rt_sample_cell(sample, r, column);
        struct rt_err ignored;

        any = any || cell.len != 0;
        all = cell.len == 0 || rt_value_check(&field, RT_EXTERNAL, cell, &ignored) == 0;
    }
    free(copy);
    return all && any;
}

/* The case of a word is no matter to the program, but it is to people. */
static bool fits_words(const struct rt_sample *sample, size_t column, const char *format)
{
    const char *slash = strchr(format, '/');
    struct rt_slice yes = rt_slice_from(format, (size_t)(slash - format)),
                    no = rt_slice_str(slash + 1);
    bool any = false;

    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = rt_sample_cell(sample, r, column);

        if (cell.len == 0)
            continue;
        any = true;
        if (!rt_slice_is_equal(cell, yes) && !rt_slice_is_equal(cell, no))
            return false;
    }
    return any;
}

/* ---- digits ---- */

static size_t count_digits(struct rt_slice cell)
{
    size_t digits = 0;

    for (size_t i = 0; i < cell.len; i++)
        digits += isdigit((unsigned char)cell.ptr[i]) != 0;
    return digits;
}

static bool has_digits_everywhere(const struct rt_sample *sample, size_t column, size_t least)
{
    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = rt_sample_cell(sample, r, column);

        if (cell.len && count_digits(cell) < least)
            return false;
    }
    return true;
}

/* Digits alone, and no zero in front of others: it may be a number, where it is called like one. */
static bool is_counting(const struct rt_sample *sample, size_t column)
{
    static const char *const words[] = {"amount", "quantity", "hours", "count", "total",
                                        "price",  "fee",      "score", "seats", "guests"};
    bool is_called_so = false;

    for (size_t i = 0; i < COUNT(words); i++)
        is_called_so = is_called_so || rt_name_has_word(sample->headers[column], words[i]);
    for (size_t r = 0; is_called_so && r < sample->rows; r++) {
        struct rt_slice cell = rt_sample_cell(sample, r, column);

        if (count_digits(cell) != cell.len || (cell.len > 1 && *cell.ptr == '0'))
            return false;
    }
    return is_called_so;
}

static bool has_mark(const struct rt_sample *sample, size_t column)
{
    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = rt_sample_cell(sample, r, column);

        if (cell.len && (memchr(cell.ptr, '.', cell.len) || memchr(cell.ptr, ',', cell.len)))
            return true;
    }
    return false;
}

/* ---- lists ---- */

struct members { /* of all cells, split at a separator */
    struct rt_hash_set seen;
    size_t count, again, longest;
    bool is_split; /* some cell has more than one */
    bool has_letter;
};

static void count_members(struct members *m, struct rt_slice cell, char separator)
{
    while (cell.len) {
        const char *end = memchr(cell.ptr, separator, cell.len);
        size_t n = end ? (size_t)(end - cell.ptr) : cell.len;
        struct rt_slice one = rt_slice_from(cell.ptr, n);

        while (one.len && *one.ptr == ' ')
            one = rt_slice_from(one.ptr + 1, one.len - 1);
        m->is_split = m->is_split || end != NULL;
        for (size_t i = 0; i < one.len; i++)
            m->has_letter = m->has_letter || isalpha((unsigned char)one.ptr[i]) ||
                            (unsigned char)one.ptr[i] >= 0x80;
        m->count++;
        m->longest = one.len > m->longest ? one.len : m->longest;
        m->again += !rt_hash_set_add(&m->seen, (int64_t)(rt_digest_of(one).low >> 1 | 1));
        cell = rt_slice_from(cell.ptr + n + (end != NULL), cell.len - n - (end != NULL));
    }
}

/* A list has short members that come again in other cells; prose with a ; in it has not.  Numbers
 * with slashes are dates, of which some may be spoilt: as a set, 3/4 would be the same as 4/3. */
static bool is_list(const struct rt_sample *sample, size_t column, char separator)
{
    struct members m = {0};

    for (size_t r = 0; r < sample->rows; r++)
        count_members(&m, rt_sample_cell(sample, r, column), separator);
    rt_hash_set_clear(&m.seen);
    return m.is_split && m.longest <= 40 && m.again * 3 >= m.count &&
           (separator != '/' || m.has_letter);
}

/* ---- what fits ---- */

static struct formats formats_of(enum rt_type type)
{
    switch (type) {
    case RT_TYPE_DATE:
        return (struct formats){date_formats, COUNT(date_formats)};
    case RT_TYPE_DATETIME:
        return (struct formats){time_formats, COUNT(time_formats)};
    case RT_TYPE_NUMBER:
        return (struct formats){number_formats, COUNT(number_formats)};
    case RT_TYPE_BOOLEAN:
        return (struct formats){yes_no, COUNT(yes_no)};
    case RT_TYPE_SET:
        return (struct formats){separators, COUNT(separators)};
    default:
        return (struct formats){NULL, 0};
    }
}

static bool one_fits(const struct rt_sample *sample, size_t column, enum rt_type type,
                     const char *format)
{
    if (type == RT_TYPE_SET)
        return is_list(sample, column, *format);
    if (type == RT_TYPE_BOOLEAN)
        return fits_words(sample, column, format);
    if (type == RT_TYPE_DATE && strcmp(format, "%Y%m%d") == 0 &&
        !rt_name_has_word(sample->headers[column], "date"))
        return false;
    return fits(sample, column, type, format);
}

size_t rt_draft_formats(const struct rt_sample *sample, size_t column, enum rt_type type,
                        const char **found, size_t most)
{
    struct formats formats = formats_of(type);
    size_t n = 0;

    if ((type == RT_TYPE_DATE && !has_digits_everywhere(sample, column, 3)) ||
        (type == RT_TYPE_DATETIME && !has_digits_everywhere(sample, column, 8)))
        return 0;
    for (size_t i = 0; i < formats.count && n < most; i++)
        if (one_fits(sample, column, type, formats.list[i]))
            found[n++] = formats.list[i];
    if (n == 0 && type == RT_TYPE_DATETIME && fits(sample, column, type, NULL))
        found[n++] = NULL; /* 2026-11-21T14:30:00 needs none */
    return n;
}

/* ---- the guess ---- */

static struct rt_guess found(const struct rt_sample *sample, size_t column, enum rt_type type,
                             struct rt_arena *arena)
{
    static const char *const words[] = {[RT_TYPE_DATE] = "a date as %s",
                                        [RT_TYPE_DATETIME] = "a time as %s",
                                        [RT_TYPE_NUMBER] = "a number as %s",
                                        [RT_TYPE_BOOLEAN] = "yes or no as %s",
                                        [RT_TYPE_SET] = "a list, with %s between its members"};
    struct rt_guess guess = {.type = type};
    const char *text, *mark;

    guess.format_count =
        rt_draft_formats(sample, column, type, guess.formats, COUNT(guess.formats));
    guess.format = guess.formats[0];
    text = guess.format ? guess.format : "2026-11-21T14:30:00";
    mark = strstr(words[type], "%s");
    guess.why =
        rt_arena_printf(arena, "%.*s%s%s", (int)(mark - words[type]), words[type], text, mark + 2);
    return guess;
}

static bool is_postal(const char *header)
{
    return rt_name_has_word(header, "postal");
}

static bool has_blank(const struct rt_sample *sample, size_t column)
{
    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = rt_sample_cell(sample, r, column);

        if (cell.len && memchr(cell.ptr, ' ', cell.len))
            return true;
    }
    return false;
}

static struct rt_guess guess_text(const struct rt_sample *sample, size_t column)
{
    const char *header = sample->headers[column];

    if (rt_name_id_score(header) >= 2 && !rt_name_has_word(header, "phone") &&
        (!has_blank(sample, column) || is_postal(header)))
        return (struct rt_guess){.type = RT_TYPE_ID, .why = "called like an ID"};
    if (is_postal(header))
        return (struct rt_guess){.type = RT_TYPE_ID, .why = "a code in which zeros count"};
    return (struct rt_guess){.type = RT_TYPE_TEXT, .why = "text"};
}

struct rt_guess rt_draft_guess(const struct rt_sample *sample, size_t column,
                               struct rt_arena *arena)
{
    static const enum rt_type order[] = {RT_TYPE_BOOLEAN, RT_TYPE_DATE, RT_TYPE_DATETIME,
                                         RT_TYPE_NUMBER, RT_TYPE_SET};
    const char *ignored[1], *header = sample->headers[column];
    bool any = false;

    for (size_t r = 0; r < sample->rows && !any; r++)
        any = rt_sample_cell(sample, r, column).len != 0;
    if (!any && rt_name_id_score(header) >= 3)
        return (struct rt_guess){.type = RT_TYPE_ID,
                                 .why = "called like an ID; the sample has no value of it"};
    if (!any)
        return (struct rt_guess){.type = RT_TYPE_TEXT,
                                 .why = "text, as the sample has no value of it"};
    for (size_t i = 0; i < COUNT(order); i++) {
        /* Digits alone may be an ID or a code, where 007 is not 7. */
        if (order[i] == RT_TYPE_NUMBER &&
            (rt_name_id_score(header) >= 4 || is_postal(header) ||
             (!has_mark(sample, column) && !is_counting(sample, column))))
            continue;
        if (order[i] == RT_TYPE_BOOLEAN && fits_words(sample, column, "1/0") &&
            !rt_name_has_word(header, "is") && !rt_name_has_word(header, "has"))
            continue;
        if (rt_draft_formats(sample, column, order[i], ignored, 1))
            return found(sample, column, order[i], arena);
    }
    return guess_text(sample, column);
}
