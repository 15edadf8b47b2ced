/*
 * A provider for libcrypto with AES-CTR in three sizes (provider-cipher(7)).  The cipher proper is
 * the one that libcrypto had before: it makes the key stream, some thousand bytes at once, and what
 * is left for each call is to xor.  Every byte of the stream serves once.  SSH's MAC covers the
 * plain text, so that a fault in here breaks the connection and not a file.
 */
#include "lib/remote_sftp_cipher.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <string.h>

#define NAME  "roundtrip"
#define AHEAD 4096 /* of key stream; small beside a processor's first cache */
#define LANE  16

enum { AES_128, AES_192, AES_256, CIPHERS };

/* Held until the process ends: libcrypto parts with them, after us. */
static EVP_CIPHER *originals[CIPHERS];
static OSSL_PROVIDER *provider;

struct stream {
    EVP_CIPHER_CTX *original;
    size_t used;
    unsigned char bytes[AHEAD];
};

static void stream_free(void *context)
{
    struct stream *s = context;

    EVP_CIPHER_CTX_free(s->original);
    OPENSSL_clear_free(s, sizeof *s);
}

static void *stream_new(int which)
{
    struct stream *s = OPENSSL_zalloc(sizeof *s);

    if (s == NULL)
        return NULL;
    s->used = AHEAD;
    s->original = EVP_CIPHER_CTX_new();
    if (s->original != NULL &&
        EVP_EncryptInit_ex2(s->original, originals[which], NULL, NULL, NULL) == 1)
        return s;
    stream_free(s);
    return NULL;
}

static int stream_start(void *context, const unsigned char *key, size_t key_len,
                        const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
    struct stream *s = context;

    (void)key_len, (void)iv_len; /* libcrypto has seen to it that they fit */
    s->used = AHEAD;
    return EVP_EncryptInit_ex2(s->original, NULL, key, iv, params);
}

static int stream_refill(struct stream *s)
{
    static const unsigned char zeros[AHEAD];
    int len;

    if (EVP_EncryptUpdate(s->original, s->bytes, &len, zeros, AHEAD) != 1)
        return -1;
    s->used = 0; /* not before: what was used must not serve again */
    return 0;
}

/* Lanes are written in one piece, as libssh2 reads them at once afterwards. */
static void xor_bytes(unsigned char *out, const unsigned char *a, const unsigned char *b,
                      size_t len)
{
    for (; len >= LANE; len -= LANE, out += LANE, a += LANE, b += LANE) {
        unsigned char __attribute__((vector_size(LANE))) x, y;

        memcpy(&x, a, LANE);
        memcpy(&y, b, LANE);
        x ^= y;
        memcpy(out, &x, LANE);
    }
    for (size_t i = 0; i < len; i++)
        out[i] = a[i] ^ b[i];
}

/* There and back are the same. */
static int stream_update(void *context, unsigned char *out, size_t *out_len, size_t out_size,
                         const unsigned char *in, size_t len)
{
    struct stream *s = context;

    if (out_size < len)
        return 0;
    *out_len = len;
    while (len > 0) {
        size_t n;

        if (s->used == AHEAD && stream_refill(s) != 0)
            return 0;
        n = AHEAD - s->used < len ? AHEAD - s->used : len;
        xor_bytes(out, in, s->bytes + s->used, n);
        s->used += n;
        out += n;
        in += n;
        len -= n;
    }
    return 1;
}

static int stream_end(void *context, unsigned char *out, size_t *out_len, size_t out_size)
{
    (void)context, (void)out, (void)out_size;
    *out_len = 0;
    return 1;
}

static int stream_facts(void *context, OSSL_PARAM params[])
{
    return EVP_CIPHER_CTX_get_params(((struct stream *)context)->original, params);
}

#define CALL(function) (void (*)(void))(function)
#define CIPHER(bits)                                                                               \
    static void *new_##bits(void *none)                                                            \
    {                                                                                              \
        (void)none;                                                                                \
        return stream_new(AES_##bits);                                                             \
    }                                                                                              \
    static int facts_##bits(OSSL_PARAM params[])                                                   \
    {                                                                                              \
        return EVP_CIPHER_get_params(originals[AES_##bits], params);                               \
    }                                                                                              \
    static const OSSL_DISPATCH calls_##bits[] = {                                                  \
        {OSSL_FUNC_CIPHER_NEWCTX, CALL(new_##bits)},                                               \
        {OSSL_FUNC_CIPHER_FREECTX, CALL(stream_free)},                                             \
        {OSSL_FUNC_CIPHER_ENCRYPT_INIT, CALL(stream_start)},                                       \
        {OSSL_FUNC_CIPHER_DECRYPT_INIT, CALL(stream_start)},                                       \
        {OSSL_FUNC_CIPHER_UPDATE, CALL(stream_update)},                                            \
        {OSSL_FUNC_CIPHER_FINAL, CALL(stream_end)},                                                \
        {OSSL_FUNC_CIPHER_CIPHER, CALL(stream_update)},                                            \
        {OSSL_FUNC_CIPHER_GET_PARAMS, CALL(facts_##bits)},                                         \
        {OSSL_FUNC_CIPHER_GET_CTX_PARAMS, CALL(stream_facts)},                                     \
        {0, NULL},                                                                                 \
    }

CIPHER(128);
CIPHER(192);
CIPHER(256);

static const OSSL_ALGORITHM ciphers[CIPHERS + 1] = {
    [AES_128] = {"AES-128-CTR", "provider=" NAME, calls_128, NULL},
    [AES_192] = {"AES-192-CTR", "provider=" NAME, calls_192, NULL},
    [AES_256] = {"AES-256-CTR", "provider=" NAME, calls_256, NULL},
};

static const OSSL_ALGORITHM *query(void *none, int operation, int *no_cache)
{
    (void)none;
    *no_cache = 0;
    return operation == OSSL_OP_CIPHER ? ciphers : NULL;
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                 void **context)
{
    static const OSSL_DISPATCH calls[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, CALL(query)},
                                          {0, NULL}};
    static int nothing;

    (void)handle, (void)in;
    *out = calls;
    *context = &nothing; /* must not be NULL */
    return 1;
}

void rt_sftp_cipher_install(void)
{
    /* A machine that is told to use approved providers only keeps to them. */
    if (originals[0] != NULL || EVP_default_properties_is_fips_enabled(NULL))
        return;
    for (int i = 0; i < CIPHERS; i++)
        if ((originals[i] = EVP_CIPHER_fetch(NULL, ciphers[i].algorithm_names, NULL)) == NULL)
            return;
    if (OSSL_PROVIDER_add_builtin(NULL, NAME, start) == 1)
        provider = OSSL_PROVIDER_try_load(NULL, NAME, 1);
    if (provider != NULL)
        (void)EVP_set_default_properties(NULL, "?provider=" NAME);
}
