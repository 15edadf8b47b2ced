#include "lib/not_csv.h"

#include <strings.h>

#define EXPORT_CSV ": export it as CSV"
#define UNPACK     ": unpack it, or pack it with gzip"
#define LOOK       ": look at what the export did"

static const struct kind {
    const char *begins; /* letters in any case */
    const char *what;
} kinds[] = {
    {"PK\x03\x04", "it is a ZIP file, as workbooks (.xlsx) are: unpack it, or save it as CSV"},
    {"\xd0\xcf\x11\xe0", "it is an old workbook (.xls)" EXPORT_CSV},
    {"%PDF-", "it is a PDF" EXPORT_CSV},
    {"BZh91AY&SY", "it is packed with bzip2" UNPACK},
    {"\xfd\x37zXZ", "it is packed with xz" UNPACK},
    {"\x28\xb5\x2f\xfd", "it is packed with zstd" UNPACK},
    {"7z\xbc\xaf", "it is packed with 7-Zip" UNPACK},
    {"-----BEGIN PGP", "it is encrypted with PGP: decrypt it first"},
    {"<!DOCTYPE", "it is a web page" LOOK},
    {"<html", "it is a web page" LOOK},
    {"<?xml", "it is XML" EXPORT_CSV},
    {"{\"", "it is JSON" LOOK},
    {"[{\"", "it is JSON" LOOK},
};

/* From the first byte that is not blank to the end of its line, or of what counts. */
static struct rt_slice first_line(struct rt_slice head, bool *is_whole)
{
    const char *end;

    head.len = head.len < RT_NOT_CSV_HEAD ? head.len : RT_NOT_CSV_HEAD;
    *is_whole = head.len == RT_NOT_CSV_HEAD;
    while (head.len > 0 && memchr(" \t\r\n", *head.ptr, 4) != NULL) {
        head.ptr++;
        head.len--;
    }
    end = head.len > 0 ? memchr(head.ptr, '\n', head.len) : NULL;
    if (end != NULL) {
        head.len = (size_t)(end - head.ptr);
        *is_whole = true;
    }
    return head;
}

bool rt_not_csv_is_enough(struct rt_slice head)
{
    bool is_whole;

    (void)first_line(head, &is_whole);
    return is_whole;
}

const char *rt_not_csv(struct rt_slice head)
{
    bool is_whole;
    struct rt_slice line = first_line(head, &is_whole);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i].begins);

        if (line.len >= len && strncasecmp(line.ptr, kinds[i].begins, len) == 0)
            return kinds[i].what;
    }
    return NULL;
}
