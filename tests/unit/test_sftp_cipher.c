/* The ciphers for libssh2 beside libcrypto's own: the same bytes, however they are cut. */
#include "lib/remote_sftp_cipher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

#include <stdlib.h>
#include <string.h>

#define SIZE 100000 /* many times what is made ahead, and no multiple of it */

static const struct {
    const char *name;
    const EVP_CIPHER *(*cipher)(void);
    int key;
} kinds[] = {
    {"AES-128-CTR", EVP_aes_128_ctr, 16},
    {"AES-192-CTR", EVP_aes_192_ctr, 24},
    {"AES-256-CTR", EVP_aes_256_ctr, 32},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static unsigned char plain[SIZE], expected[KINDS][SIZE], again[KINDS][SIZE];
static const unsigned char key[] = "a key of thirty-two bytes for all";
static const unsigned char iv[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0};
static const unsigned char other_iv[16] = "another start";

static void start(EVP_CIPHER_CTX *ctx, size_t kind, const unsigned char *from, int encrypt)
{
    assert_int_equal(EVP_CipherInit(ctx, kinds[kind].cipher(), key, from, encrypt), 1);
}

/* By libcrypto alone, before anything is installed. */
static int make_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        plain[i] = (unsigned char)(i * 31 + i / 251);
    for (size_t kind = 0; kind < KINDS; kind++) {
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

        start(ctx, kind, iv, 1);
        assert_int_equal(EVP_Cipher(ctx, expected[kind], plain, SIZE), SIZE);
        start(ctx, kind, other_iv, 1);
        assert_int_equal(EVP_Cipher(ctx, again[kind], plain, SIZE), SIZE);
        EVP_CIPHER_CTX_free(ctx);
    }
    rt_sftp_cipher_install();
    rt_sftp_cipher_install(); /* each session does */
    return 0;
}

static void assert_cut(EVP_CIPHER_CTX *ctx, size_t most, const unsigned char *in,
                       const unsigned char *want)
{
    static unsigned char out[SIZE];
    size_t pos = 0;

    memset(out, 0, sizeof out);
    for (unsigned n = 1; pos < SIZE; n++) {
        size_t len = most == 16 ? 16 : 1 + n * 7919 % most;

        if (len > SIZE - pos)
            len = SIZE - pos;
        assert_int_equal(EVP_Cipher(ctx, out + pos, in + pos, (unsigned)len), len);
        pos += len;
    }
    assert_memory_equal(out, want, SIZE);
}

static void test_is_used_for_what_libssh2_asks_for(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        const EVP_CIPHER *cipher;

        start(ctx, kind, iv, 1);
        cipher = EVP_CIPHER_CTX_get0_cipher(ctx);
        assert_string_equal(OSSL_PROVIDER_get0_name(EVP_CIPHER_get0_provider(cipher)), "roundtrip");
        assert_int_equal(EVP_CIPHER_CTX_get_key_length(ctx), kinds[kind].key);
        assert_int_equal(EVP_CIPHER_CTX_get_iv_length(ctx), 16);
        assert_int_equal(EVP_CIPHER_CTX_get_block_size(ctx), 1);
        EVP_CIPHER_CTX_free(ctx);
    }
}

static void test_same_bytes_in_any_pieces(void **state)
{
    static const size_t pieces[] = {1, 16, 17, 4096, 30000, SIZE};

    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

            start(ctx, kind, iv, 1);
            assert_cut(ctx, pieces[i], plain, expected[kind]);
            start(ctx, kind, iv, 0);
            assert_cut(ctx, pieces[i], expected[kind], plain);
            EVP_CIPHER_CTX_free(ctx);
        }
}

/* New keys for a cipher in use: nothing of the old stream may be left. */
static void test_start_anew_in_the_middle(void **state)
{
    unsigned char few[100];

    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

        start(ctx, kind, iv, 1);
        assert_int_equal(EVP_Cipher(ctx, few, plain, sizeof few), sizeof few);
        assert_int_equal(EVP_CipherInit_ex(ctx, NULL, NULL, key, other_iv, 1), 1);
        assert_cut(ctx, 16, plain, again[kind]);
        EVP_CIPHER_CTX_free(ctx);
    }
}

static void test_in_place_and_by_update(void **state)
{
    unsigned char *bytes = malloc(SIZE);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len, rest;

    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, plain, SIZE);
    start(ctx, 0, iv, 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, bytes, &len, bytes, SIZE), 1);
    assert_int_equal(EVP_EncryptFinal(ctx, bytes + len, &rest), 1);
    assert_int_equal(len + rest, SIZE);
    assert_memory_equal(bytes, expected[0], SIZE);
    EVP_CIPHER_CTX_free(ctx);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_used_for_what_libssh2_asks_for),
        cmocka_unit_test(test_same_bytes_in_any_pieces),
        cmocka_unit_test(test_start_anew_in_the_middle),
        cmocka_unit_test(test_in_place_and_by_update),
    };

    return cmocka_run_group_tests(tests, make_expected, NULL);
}
