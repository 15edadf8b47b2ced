/*
 * What does the server offer?  A client and a server that share no algorithm part without saying
 * why; but the server's banner and its list of algorithms (KEXINIT, RFC 4253 section 7.1) go over
 * the wire in the clear, so a fresh connection can read them and name what is missing.
 */
#ifndef RT_REMOTE_KEXINIT_H
#define RT_REMOTE_KEXINIT_H

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum rt_kexinit_list {
    RT_KEX_EXCHANGE,
    RT_KEX_HOST_KEY,
    RT_KEX_CIPHER_OUT,
    RT_KEX_CIPHER_IN,
    RT_KEX_MAC_OUT,
    RT_KEX_MAC_IN,
    RT_KEX_LISTS
};

struct rt_kexinit {
    char banner[256];          /* "SSH-2.0-OpenSSH_9.2p1", printable characters only */
    char *lists[RT_KEX_LISTS]; /* comma-separated names, as the server sent them */
};

/* Connects and reads; RT_UNREACHABLE.  Cleared by the caller also after a failure. */
int rt_kexinit_read(const char *host, int port, int64_t until_ms, struct rt_kexinit *kexinit,
                    struct rt_err *err) RT_MUST_CHECK;
void rt_kexinit_clear(struct rt_kexinit *kexinit);

/* Takes the payload of one packet apart (after the message number); false if it is not a KEXINIT.
 */
bool rt_kexinit_parse(struct rt_slice payload, struct rt_kexinit *kexinit);

/* Appends one clause per kind in which nothing is shared; false if there is none.  `ours` are
   comma-separated names, NULL = not known. */
bool rt_kexinit_explain(const struct rt_kexinit *kexinit, char *const ours[RT_KEX_LISTS],
                        struct rt_buf *text);

/* Is a name of `len` bytes one of a comma-separated list (NULL: an empty one)? */
bool rt_kexinit_has_name(const char *list, const char *name, size_t len);

#endif
