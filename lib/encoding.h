/*
 * Text and its encodings, for the CSV reader and writer.  Inside the program all text is UTF-8.
 *
 * "Plain" text, ASCII without NUL, is the same in UTF-8 and in every ASCII-compatible encoding; it
 * is most of the text there is, and is told apart at memory speed.  The only user of iconv.
 */
#ifndef RT_ENCODING_H
#define RT_ENCODING_H

#include "lib/err.h"
#include "lib/slice.h"

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

#define RT_NO_ICONV ((iconv_t)-1)

/* True if all bytes are ASCII and none is NUL. */
bool rt_text_is_plain(const char *text, size_t len);

/* How many bytes at the beginning are right UTF-8; strict: no overlong forms, no surrogates. */
size_t rt_text_valid_bytes(struct rt_slice text);

/* NULL, "utf-8" or "utf8" in any case: nothing to convert. */
bool rt_encoding_is_utf8(const char *name);

/* Can iconv read and write it? */
bool rt_encoding_is_known(const char *name);

/* RT_CONFIG if one of the two is not known.  Caller closes *cd with iconv_close. */
int rt_encoding_open(const char *to, const char *from, iconv_t *cd,
                     struct rt_err *err) RT_MUST_CHECK;

/*
 * May a parser look for delimiters, quotes and line ends in the bytes that cd reads, as they are?
 * Only if ASCII stands for itself and such a byte is never the second half of a character:
 *
 *     windows-1252, GB18030: yes    UTF-16: no    ISO-2022-JP: no, ESC begins something
 *     Big5 with "," yes; but with "|", which is the second half of many characters, no
 */
bool rt_encoding_is_ascii_compatible(iconv_t cd, char delimiter);

#endif
