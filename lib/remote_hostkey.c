#include "lib/remote_hostkey.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BASE64 65536
#define SHA1_SIZE  20

/* One line of known_hosts, cut up; slices into the file's text. */
struct line {
    struct rt_slice marker, hosts, type, base64;
};

bool rt_hostkey_decode(struct rt_slice base64, struct rt_buf *out)
{
    size_t room = base64.len / 4 * 3, padding = 0;
    int n;

    if (base64.len == 0 || base64.len % 4 != 0 || base64.len > MAX_BASE64)
        return false;
    while (padding < 2 && base64.ptr[base64.len - 1 - padding] == '=')
        padding++;
    if (memchr(base64.ptr, '=', base64.len - padding) != NULL)
        return false; /* libcrypto would read it as an A */
    rt_buf_reserve(out, room);
    n = EVP_DecodeBlock((unsigned char *)out->ptr + out->len, (const unsigned char *)base64.ptr,
                        (int)base64.len);
    if (n < 0)
        return false;
    out->len += (size_t)n - padding;
    out->ptr[out->len] = '\0';
    return true;
}

const char *rt_hostkey_fingerprint(struct rt_slice key, char out[RT_FINGERPRINT_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    size_t end;

    memcpy(out, "SHA256:", 8);
    if (EVP_Digest(key.ptr, key.len, hash, &len, EVP_sha256(), NULL) != 1 || len > 32)
        return out;
    EVP_EncodeBlock((unsigned char *)out + 7, hash, (int)len);
    end = strlen(out);
    while (end > 0 && out[end - 1] == '=')
        out[--end] = '\0';
    return out;
}

bool rt_hostkey_is_pinned(const struct rt_list *pins, struct rt_slice key)
{
    char ours[RT_FINGERPRINT_SIZE];
    size_t len = strlen(rt_hostkey_fingerprint(key, ours) + 7);

    for (size_t i = 0; i < pins->count; i++) {
        const char *pin = pins->items[i];

        if (strncmp(pin, "SHA256:", 7) == 0)
            pin += 7;
        if (strncmp(pin, ours + 7, len) == 0 && strspn(pin + len, "=") == strlen(pin + len))
            return len > 0;
    }
    return false;
}

static struct rt_slice next_word(struct rt_slice *rest)
{
    struct rt_slice word;

    while (rest->len > 0 && (*rest->ptr == ' ' || *rest->ptr == '\t'))
        rest->ptr++, rest->len--;
    word = rt_slice_from(rest->ptr, 0);
    while (rest->len > 0 && *rest->ptr != ' ' && *rest->ptr != '\t' && *rest->ptr != '\r')
        rest->ptr++, rest->len--, word.len++;
    return word;
}

/* Cuts the next line off; false at the end.  Lines that say nothing come out with an empty base64.
 */
static bool next_line(struct rt_slice *rest, struct line *line)
{
    const char *newline;
    struct rt_slice text;

    if (rest->len == 0)
        return false;
    newline = memchr(rest->ptr, '\n', rest->len);
    text = rt_slice_from(rest->ptr, newline ? (size_t)(newline - rest->ptr) : rest->len);
    rest->ptr += text.len + (newline != NULL);
    rest->len -= text.len + (newline != NULL);
    *line = (struct line){.hosts = next_word(&text)};
    if (line->hosts.len > 0 && line->hosts.ptr[0] == '#')
        return true;
    if (line->hosts.len > 0 && line->hosts.ptr[0] == '@') {
        line->marker = line->hosts;
        line->hosts = next_word(&text);
    }
    line->type = next_word(&text);
    line->base64 = next_word(&text);
    return true;
}

/* "|1|SALT|HASH": is HASH the HMAC-SHA1 of the name under SALT? */
static bool is_hashed_name(struct rt_slice pattern, const char *name)
{
    struct rt_buf salt = {0}, hash = {0};
    const char *bar = memchr(pattern.ptr + 3, '|', pattern.len - 3);
    unsigned char ours[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    bool is_it = false;

    if (bar == NULL)
        return false;
    if (rt_hostkey_decode(rt_slice_from(pattern.ptr + 3, (size_t)(bar - pattern.ptr) - 3), &salt) &&
        rt_hostkey_decode(rt_slice_from(bar + 1, pattern.len - (size_t)(bar + 1 - pattern.ptr)),
                          &hash) &&
        HMAC(EVP_sha1(), salt.ptr, (int)salt.len, (const unsigned char *)name, strlen(name), ours,
             &len) != NULL)
        is_it = len == SHA1_SIZE && hash.len == len && memcmp(hash.ptr, ours, len) == 0;
    rt_buf_clear(&salt);
    rt_buf_clear(&hash);
    return is_it;
}

/* fnmatch would read the brackets of "[host]:port" as a set of characters. */
static bool matches_glob(struct rt_slice pattern, const char *name)
{
    struct rt_buf escaped = {0};
    bool is_match;

    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];

        if (c == '[' || c == ']' || c == '\\')
            rt_buf_add_char(&escaped, '\\');
        rt_buf_add_char(&escaped, (char)tolower((unsigned char)c));
    }
    is_match = fnmatch(rt_buf_str(&escaped), name, 0) == 0;
    rt_buf_clear(&escaped);
    return is_match;
}

static bool matches_hosts(struct rt_slice hosts, const char *name)
{
    bool is_match = false;

    if (hosts.len > 3 && memcmp(hosts.ptr, "|1|", 3) == 0)
        return is_hashed_name(hosts, name);
    while (hosts.len > 0) {
        const char *comma = memchr(hosts.ptr, ',', hosts.len);
        struct rt_slice one = {hosts.ptr, comma ? (size_t)(comma - hosts.ptr) : hosts.len};
        bool is_negated = one.len > 0 && *one.ptr == '!';

        hosts.ptr += one.len + (comma != NULL);
        hosts.len -= one.len + (comma != NULL);
        if (is_negated)
            one.ptr++, one.len--;
        if (one.len > 0 && matches_glob(one, name)) {
            if (is_negated)
                return false;
            is_match = true;
        }
    }
    return is_match;
}

static char *lookup_name(struct rt_hostkey_name name, bool with_port)
{
    char *text = with_port ? rt_xasprintf("[%s]:%d", name.host, name.port) : rt_xstrdup(name.host);

    for (char *p = text; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return text;
}

/* The key's bytes start with its type; a line in which the two differ says nothing. */
static bool decode_key(const struct line *line, struct rt_buf *key)
{
    size_t len;

    rt_buf_reset(key);
    if (!rt_hostkey_decode(line->base64, key) || key->len < 4)
        return false;
    len = (size_t)(unsigned char)key->ptr[2] << 8 | (unsigned char)key->ptr[3];
    return key->ptr[0] == 0 && key->ptr[1] == 0 && key->len - 4 >= len &&
           rt_slice_is_equal(rt_slice_from(key->ptr + 4, len), line->type);
}

static enum rt_hostkey_verdict check_name(struct rt_slice text, const char *name,
                                          struct rt_slice key, struct rt_buf *known)
{
    enum rt_hostkey_verdict verdict = RT_HOSTKEY_UNKNOWN;
    struct rt_buf theirs = {0};
    struct line line;

    while (next_line(&text, &line)) {
        bool is_revoked = rt_slice_is_str(line.marker, "@revoked"), is_same;
        char fingerprint[RT_FINGERPRINT_SIZE];

        if ((line.marker.len > 0 && !is_revoked) || !matches_hosts(line.hosts, name) ||
            !decode_key(&line, &theirs))
            continue;
        is_same = rt_slice_is_equal(rt_buf_slice(&theirs), key);
        if (is_revoked && is_same) {
            verdict = RT_HOSTKEY_REVOKED;
            break;
        }
        if (is_revoked)
            continue;
        if (is_same)
            verdict = RT_HOSTKEY_MATCH; /* and go on: a later line may revoke it */
        else if (verdict == RT_HOSTKEY_UNKNOWN)
            verdict = RT_HOSTKEY_CHANGED;
        if (!is_same)
            rt_buf_printf(known, "%s%s", known->len > 0 ? ", " : "",
                          rt_hostkey_fingerprint(rt_buf_slice(&theirs), fingerprint));
    }
    rt_buf_clear(&theirs);
    return verdict;
}

enum rt_hostkey_verdict rt_hostkey_check(struct rt_slice known_hosts, struct rt_hostkey_name name,
                                         struct rt_slice key, struct rt_buf *known)
{
    struct rt_buf ignored = {0};
    enum rt_hostkey_verdict verdict, plain;
    char *text = lookup_name(name, name.port != 22);

    verdict = check_name(known_hosts, text, key, known);
    free(text);
    if (name.port == 22 || verdict == RT_HOSTKEY_MATCH || verdict == RT_HOSTKEY_REVOKED)
        return verdict;
    /* As ssh does: the same key under the plain name will do; another one there says nothing. */
    text = lookup_name(name, false);
    plain = check_name(known_hosts, text, key, &ignored);
    free(text);
    rt_buf_clear(&ignored);
    if (plain == RT_HOSTKEY_REVOKED || (plain == RT_HOSTKEY_MATCH && verdict == RT_HOSTKEY_UNKNOWN))
        return plain;
    return verdict;
}

static void add_types(struct rt_slice text, const char *name, struct rt_buf *types)
{
    struct rt_buf key = {0};
    struct line line;

    while (next_line(&text, &line)) {
        if (line.marker.len > 0 || !matches_hosts(line.hosts, name) || !decode_key(&line, &key))
            continue;
        rt_buf_printf(types, "%s%.*s", types->len > 0 ? "," : "", RT_SLICE_FMT(line.type));
    }
    rt_buf_clear(&key);
}

void rt_hostkey_types(struct rt_slice known_hosts, struct rt_hostkey_name name,
                      struct rt_buf *types)
{
    char *text = lookup_name(name, name.port != 22);

    add_types(known_hosts, text, types);
    free(text);
    if (types->len > 0 || name.port == 22)
        return;
    text = lookup_name(name, false);
    add_types(known_hosts, text, types);
    free(text);
}
