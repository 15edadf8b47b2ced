/*
 * The one error value.
 *
 * A function that can fail returns 0 or -1 (iterators 1, 0, -1) and fills the caller's struct
 * rt_err once, at the depth where the failure happened.  Callers may put context in front
 * ("while reading F: "); only cmd/ prints.  An error says what happened, where, and what to do,
 * in one line without a final full stop or newline.  The code is the exit status of the program.
 */
#ifndef RT_ERR_H
#define RT_ERR_H

#define RT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define RT_MUST_CHECK        __attribute__((warn_unused_result))

/* Exit statuses, as roundtrip(1) tells them (sysexits.h where one fits). */
enum rt_code {
    RT_OK = 0,
    RT_DIFFERS = 1, /* diff --exit-code, emit --only, status --check: a warning, not a failure */
    RT_STOPPED = 2, /* stopped on purpose, a person must act */
    RT_USAGE = 64,  /* wrong usage */
    RT_DATA = 65,   /* an incoming file was refused as a whole */
    RT_UNREACHABLE = 69, /* the other end could not be reached */
    RT_INTERNAL = 70,    /* an internal error */
    RT_IO = 74,          /* reading or writing failed */
    RT_BUSY = 75,        /* another run holds the lock */
    RT_REFUSED = 77,     /* host key, login, file permissions */
    RT_CONFIG = 78       /* roundtrip.ini or schema.csv is wrong */
};

struct rt_err {
    enum rt_code code;
    char msg[1024]; /* NUL-terminated; a longer message is cut */
};

/* ? for each control character: a name or a cell in a message may hold anything, and a terminal
 * must not obey it, nor a log break.  And for each byte that is no UTF-8, such as half a character
 * at the end of a message that was cut: JSON cannot hold it. */
void rt_keep_to_one_line(char *text);

/* Sets code and message, kept to one line.  Always returns -1, so that
 * callers can "return rt_err_set(...)". */
int rt_err_set(struct rt_err *err, enum rt_code code, const char *fmt, ...) RT_PRINTF(3, 4);

/* The same, with ": " and the text of errno behind the message. */
int rt_err_errno(struct rt_err *err, enum rt_code code, const char *fmt, ...) RT_PRINTF(3, 4);

/* Puts "context: " in front of the message that is there.  Always returns -1. */
int rt_err_context(struct rt_err *err, const char *fmt, ...) RT_PRINTF(2, 3);

/* Forgets the error: code RT_OK, empty message. */
void rt_err_clear(struct rt_err *err);

#endif
