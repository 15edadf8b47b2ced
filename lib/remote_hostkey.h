/*
 * Is this the server that we know?  Pure: text of a known_hosts file and the bytes of a key in, a
 * verdict out.  Uses libcrypto (SHA-256 of keys, HMAC-SHA1 of hashed names, base64).
 *
 * Understood in known_hosts: plain, hashed and [host]:port names, comma lists, * and ?, !negation,
 * @revoked, comments, CRLF.  @cert-authority lines say nothing here.  A line that cannot be read is
 * passed over: it must not make the other lines useless.
 */
#ifndef RT_REMOTE_HOSTKEY_H
#define RT_REMOTE_HOSTKEY_H

#include "lib/config.h"
#include "lib/mem.h"
#include "lib/slice.h"

#include <stdbool.h>

enum rt_hostkey_verdict {
    RT_HOSTKEY_UNKNOWN, /* nothing is known about this host */
    RT_HOSTKEY_MATCH,
    RT_HOSTKEY_CHANGED, /* other keys are known for it */
    RT_HOSTKEY_REVOKED
};

struct rt_hostkey_name {
    const char *host;
    int port;
};

#define RT_FINGERPRINT_SIZE 64
/* "SHA256:" and unpadded base64, as ssh-keygen -l prints it. */
const char *rt_hostkey_fingerprint(struct rt_slice key, char out[RT_FINGERPRINT_SIZE]);

/* One of the pins?  With or without "SHA256:" and padding. */
bool rt_hostkey_is_pinned(const struct rt_list *pins, struct rt_slice key);

/* `known` gets the fingerprints of the other keys known for the host, ", " between them. */
enum rt_hostkey_verdict rt_hostkey_check(struct rt_slice known_hosts, struct rt_hostkey_name name,
                                         struct rt_slice key, struct rt_buf *known);

/* The types of the keys known for a host, in file order, "," between them: to ask the server for
 * these. */
void rt_hostkey_types(struct rt_slice known_hosts, struct rt_hostkey_name name,
                      struct rt_buf *types);

/* Appends the bytes that base64 text stands for; false if it is none. */
bool rt_hostkey_decode(struct rt_slice base64, struct rt_buf *out);

#endif
