#include "lib/value.h"

#include <ctype.h>
#include <stddef.h>

#define SAFE_DIGITS 15 /* what a spreadsheet keeps of a number */

struct rt_slice rt_id_in_cell(struct rt_slice cell)
{
    for (size_t i = 0; i < cell.len; i++)
        if (cell.ptr[i] != ' ' && cell.ptr[i] != '\t')
            return cell;
    return rt_slice_from(NULL, 0);
}

static size_t skip_digits(struct rt_slice text, size_t i)
{
    while (i < text.len && isdigit((unsigned char)text.ptr[i]))
        i++;
    return i;
}

/* 1.23E+15, 1,23E+15, 1E+15 */
static bool is_scientific(struct rt_slice id)
{
    size_t i = skip_digits(id, 0);

    if (i == 0)
        return false;
    if (i < id.len && (id.ptr[i] == '.' || id.ptr[i] == ','))
        i = skip_digits(id, i + 1);
    if (i + 2 >= id.len || (id.ptr[i] != 'E' && id.ptr[i] != 'e') || id.ptr[i + 1] != '+')
        return false;
    return skip_digits(id, i + 2) == id.len;
}

const char *rt_id_damage(struct rt_slice id)
{
    if (id.len > 0 && *id.ptr == '\'')
        return "it begins with ', as a spreadsheet marks text";
    if (rt_slice_has_prefix(id, rt_slice_str("=\"")))
        return "it begins with =\", which is a spreadsheet's formula";
    if (is_scientific(id))
        return "a spreadsheet has turned it into a rounded number";
    return NULL;
}

bool rt_id_is_long(struct rt_slice id)
{
    return id.len > SAFE_DIGITS && skip_digits(id, 0) == id.len;
}

bool rt_id_is_rounded(struct rt_slice id)
{
    if (!rt_id_is_long(id))
        return false;
    for (size_t i = SAFE_DIGITS; i < id.len; i++) {
        if (id.ptr[i] != '0')
            return false;
    }
    return true;
}

static void add_escaped(struct rt_buf *out, struct rt_slice part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '|' || part.ptr[i] == '\\')
            rt_buf_add_char(out, '\\');
        rt_buf_add_char(out, part.ptr[i]);
    }
}

int rt_id_join(const struct rt_slice *parts, size_t count, struct rt_buf *out)
{
    size_t empty = 0;

    for (size_t i = 0; i < count; i++)
        empty += parts[i].len == 0;
    if (empty == count)
        return 0;
    if (empty > 0)
        return -1;
    if (count == 1) {
        rt_buf_add_slice(out, parts[0]);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            rt_buf_add_char(out, '|');
        add_escaped(out, parts[i]);
    }
    return 0;
}

/* Where the part that begins at `from` ends: at a bar without a backslash, or at the end. */
static size_t part_end(struct rt_slice id, size_t from)
{
    for (; from < id.len && id.ptr[from] != '|'; from++) {
        if (id.ptr[from] == '\\' && from + 1 < id.len)
            from++;
    }
    return from;
}

static struct rt_slice unescape(struct rt_slice part, struct rt_arena *arena)
{
    char *bytes = rt_arena_alloc(arena, part.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '\\' && i + 1 < part.len)
            i++;
        bytes[n++] = part.ptr[i];
    }
    return rt_slice_from(bytes, n);
}

size_t rt_id_split(struct rt_slice id, size_t count, struct rt_arena *arena, struct rt_slice *parts)
{
    size_t found = 0;

    if (count == 1) {
        parts[0] = id;
        return 1;
    }
    for (size_t from = 0; from <= id.len; found++) {
        size_t end = part_end(id, from);

        if (found < count)
            parts[found] = unescape(rt_slice_from(id.ptr + from, end - from), arena);
        from = end + 1;
    }
    return found;
}
