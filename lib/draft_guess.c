#include "lib/draft.h"

#include "lib/value.h"

#include <ctype.h>
#include <stdlib.h>

/* Which formats are tried, in this order; a first one that others fit as well is a guess. */
static const char *const date_formats[] = {
    "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y",
    "%Y/%m/%d", "%Y%m%d",   "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d/%m/%y"};
static const char *const time_formats[] = {
    "%m/%d/%Y %H:%M",    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M",    "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M",    "%d.%m.%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M"};
static const char *const yes_no[] = {"Y/N",        "Yes/No",     "YES/NO",     "yes/no",
                                     "true/false", "TRUE/FALSE", "True/False", "T/F"};
static const char *const number_formats[] = {"1234.5", "1,234.5", "1.234,5"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct rt_slice cell_of(const struct rt_sample *sample, size_t row, size_t column)
{
    return sample->cells[row * sample->columns + column];
}

/* Does every value that is there fit the type? */
static bool fits(const struct rt_sample *sample, size_t column, enum rt_type type,
                 const char *format)
{
    struct rt_field field = {.type = type};
    char *copy = format ? rt_xstrdup(format) : NULL;
    bool all = true;

    field.column[RT_EXTERNAL].format = field.column[RT_NATIVE].format = copy;
    for (size_t r = 0; all && r < sample->rows; r++) {
        struct rt_slice cell = cell_of(sample, r, column);
        struct rt_err ignored;

        all = cell.len == 0 || rt_value_check(&field, RT_EXTERNAL, cell, &ignored) == 0;
    }
    free(copy);
    return all;
}

/* How many values are there, and how many of them have this byte in them? */
static size_t count_with(const struct rt_sample *sample, size_t column, int byte, size_t *filled)
{
    size_t with = 0;

    *filled = 0;
    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = cell_of(sample, r, column);

        *filled += cell.len != 0;
        with += cell.len != 0 && memchr(cell.ptr, byte, cell.len) != NULL;
    }
    return with;
}

static bool has_digits_everywhere(const struct rt_sample *sample, size_t column, size_t least)
{
    for (size_t r = 0; r < sample->rows; r++) {
        struct rt_slice cell = cell_of(sample, r, column);
        size_t digits = 0;

        for (size_t i = 0; i < cell.len; i++)
            digits += isdigit((unsigned char)cell.ptr[i]) != 0;
        if (cell.len && digits < least)
            return false;
    }
    return true;
}

struct formats {
    enum rt_type type;
    const char *const *list;
    size_t count;
};

/* One format of a list; `others` counts those that fit as well. */
static const char *find_format(const struct rt_sample *sample, size_t column,
                               struct formats formats, size_t *others)
{
    const char *first = NULL;

    *others = 0;
    for (size_t i = 0; i < formats.count; i++) {
        if (!fits(sample, column, formats.type, formats.list[i]))
            continue;
        if (first == NULL)
            first = formats.list[i];
        else
            (*others)++;
    }
    return first;
}

static bool guess_date(const struct rt_sample *sample, size_t column, struct rt_arena *arena,
                       struct rt_guess *guess)
{
    size_t others;
    const char *format;

    if (!has_digits_everywhere(sample, column, 3))
        return false;
    format = find_format(
        sample, column, (struct formats){RT_TYPE_DATE, date_formats, COUNT(date_formats)}, &others);
    if (format != NULL && strcmp(format, "%Y%m%d") != 0) {
        *guess =
            (struct rt_guess){RT_TYPE_DATE, format, others ? RT_UNSURE : RT_SURE,
                              rt_arena_printf(arena, "a date as %s%s", format,
                                              others ? ", but other formats fit as well" : "")};
        return true;
    }
    format =
        find_format(sample, column,
                    (struct formats){RT_TYPE_DATETIME, time_formats, COUNT(time_formats)}, &others);
    if (format == NULL && !fits(sample, column, RT_TYPE_DATETIME, NULL))
        return false;
    if (format == NULL && !has_digits_everywhere(sample, column, 8))
        return false;
    *guess =
        (struct rt_guess){RT_TYPE_DATETIME, format, others ? RT_UNSURE : RT_LIKELY,
                          rt_arena_printf(arena, "a time as %s%s; is the side's timezone right?",
                                          format ? format : "2026-11-21T14:30:00",
                                          others ? ", but other formats fit as well" : "")};
    return true;
}

static bool guess_number(const struct rt_sample *sample, size_t column, struct rt_arena *arena,
                         struct rt_guess *guess)
{
    size_t others, filled;
    const char *format;

    /* Digits alone may be an ID or a code, where 007 is not 7. */
    if (count_with(sample, column, '.', &filled) + count_with(sample, column, ',', &filled) == 0)
        return false;
    format = find_format(sample, column,
                         (struct formats){RT_TYPE_NUMBER, number_formats, COUNT(number_formats)},
                         &others);
    if (format == NULL)
        return false;
    *guess = (struct rt_guess){RT_TYPE_NUMBER, format, RT_LIKELY,
                               rt_arena_printf(arena, "a number as %s", format)};
    return true;
}

struct rt_guess rt_draft_guess(const struct rt_sample *sample, size_t column,
                               struct rt_arena *arena)
{
    struct rt_guess guess = {RT_TYPE_TEXT, NULL, RT_LIKELY, "text"};
    size_t filled, semicolons = count_with(sample, column, ';', &filled), others;
    const char *format;

    if (filled == 0)
        return (struct rt_guess){RT_TYPE_TEXT, NULL, RT_UNSURE,
                                 "text, as the sample has no value of it"};
    format = find_format(sample, column, (struct formats){RT_TYPE_BOOLEAN, yes_no, COUNT(yes_no)},
                         &others);
    if (format != NULL)
        return (struct rt_guess){RT_TYPE_BOOLEAN, format, others ? RT_LIKELY : RT_SURE,
                                 rt_arena_printf(arena, "yes or no as %s", format)};
    if (guess_date(sample, column, arena, &guess) || guess_number(sample, column, arena, &guess))
        return guess;
    if (semicolons * 2 > filled && filled > 1)
        return (struct rt_guess){RT_TYPE_SET, ";", RT_UNSURE,
                                 "a list, as most values have a ; in them"};
    return guess;
}
