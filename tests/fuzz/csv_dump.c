/*
 * Reads CSV from standard input and prints each row as a line of JSON: the header first, then the
 * rows, and {"refused": MESSAGE} if it comes to that.  For tests that compare the reader with
 * others.
 *
 *     csv_dump [DELIMITER [optional]]        optional: as final_newline = optional
 */
#include "lib/csv_reader.h"
#include "lib/source.h"

#include <stdio.h>

static void print_string(struct rt_slice text)
{
    putchar('"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == '"' || c == '\\')
            printf("\\u%04x", (unsigned)c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_row(const struct rt_slice *cells, size_t count)
{
    putchar('[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            putchar(',');
        print_string(cells[i]);
    }
    puts("]");
}

int main(int argc, char **argv)
{
    struct rt_csv_options options = {.delimiter = argc > 1 ? argv[1][0] : ',',
                                     .final_newline_optional = argc > 2};
    struct rt_source_file *file = NULL;
    struct rt_source source;
    struct rt_csv_reader *reader = NULL;
    struct rt_csv_row row;
    struct rt_err err = {0};
    size_t count;
    int r = rt_source_open("-", &file, &source, &err);

    if (r == 0)
        r = rt_csv_open(&source, "input", &options, &reader, &err);
    if (r == 0) {
        const struct rt_slice *header = rt_csv_header(reader, &count);

        print_row(header, count);
        while ((r = rt_csv_next(reader, &row, &err)) == 1)
            print_row(row.cells, row.count);
    }
    if (r < 0) {
        fputs("{\"refused\":", stdout);
        print_string(rt_slice_str(err.msg));
        puts("}");
    }
    rt_csv_close(reader);
    rt_source_close(file);
    return 0;
}
