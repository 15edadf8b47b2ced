/* Known hosts, fingerprints, and what a server's KEXINIT tells. */
#include "lib/remote_hostkey.h"
#include "lib/remote_kexinit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Two keys made for this test, with what ssh-keygen -l and -H say of them. */
#define KEY_A "AAAAC3NzaC1lZDI1NTE5AAAAIOj3t6J4x4tnTrQ1ipSEzdHyRHeNLftXnswye46mEOy0"
#define KEY_B "AAAAC3NzaC1lZDI1NTE5AAAAIImJvJVw2QmUxoL/1f1ZPWOiBhwgxNOk8HRG28b7KDjx"
#define PIN_A "SHA256:VaMmI35Zpz4/0Ubmjw487Ui1UkI9C+AGwSvOQbWbRKw"
#define PIN_B "SHA256:3/M6TIFskS3iENnWznzrMgr/6SxGo+ENSEAxVGGsT8o"
#define HASHED                                                                                     \
    "|1|nz6SIf0wT9BiakVxhDEZjhni+wU=|9HDaR+JXE9TIC05T+OKrTqcs2HM=" /* sftp.example.org, key A */
#define PORTED                                                                                     \
    "|1|bsYr3A0ugvVdCFeg/1bHo0h8kbY=|0bzNEOLTqjtbSUT2kVWJjitSVzo=" /* [sftp.example.org]:2222, key \
                                                                      A */

static enum rt_hostkey_verdict check(const char *known_hosts, const char *host, int port,
                                     char *known)
{
    struct rt_hostkey_name name = {host, port};
    struct rt_buf key = {0}, others = {0};
    enum rt_hostkey_verdict verdict;

    assert_true(rt_hostkey_decode(rt_slice_str(KEY_A), &key));
    verdict = rt_hostkey_check(rt_slice_str(known_hosts), name, rt_buf_slice(&key), &others);
    if (known != NULL)
        strcpy(known, rt_buf_str(&others));
    rt_buf_clear(&key);
    rt_buf_clear(&others);
    return verdict;
}

static void test_lines(void **state)
{
    static const struct {
        const char *text;
        int port;
        enum rt_hostkey_verdict verdict;
    } cases[] = {
        {"", 22, RT_HOSTKEY_UNKNOWN},
        {"sftp.example.org ssh-ed25519 " KEY_A, 22, RT_HOSTKEY_MATCH},
        {"sftp.example.org ssh-ed25519 " KEY_A " a comment\r\n", 22, RT_HOSTKEY_MATCH},
        {"  sftp.example.org\tssh-ed25519\t" KEY_A "\n", 22, RT_HOSTKEY_MATCH},
        {"SFTP.Example.ORG ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_MATCH},
        {"a,sftp.example.org,b ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_MATCH},
        {"*.example.org ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_MATCH},
        {"sft?.example.org ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_MATCH},
        {"*,!sftp.example.org ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_UNKNOWN},
        {"other.example.org ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_UNKNOWN},
        {"sftp.example.org ssh-ed25519 " KEY_B "\n", 22, RT_HOSTKEY_CHANGED},
        {"sftp.example.org ssh-ed25519 " KEY_B "\nsftp.example.org ssh-ed25519 " KEY_A "\n", 22,
         RT_HOSTKEY_MATCH},
        {"# sftp.example.org ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_UNKNOWN},
        {"garbage\n\n|1|x\n|1|a|b ssh-ed25519 " KEY_A "\nsftp.example.org ssh-ed25519 " KEY_A "\n",
         22, RT_HOSTKEY_MATCH},
        {"sftp.example.org ssh-rsa " KEY_A "\n", 22, RT_HOSTKEY_UNKNOWN}, /* type and key differ */
        {"sftp.example.org ssh-ed25519 AAAA\n", 22, RT_HOSTKEY_UNKNOWN},
        {"sftp.example.org ssh-ed25519 "
         "=AAAC3NzaC1lZDI1NTE5AAAAIOj3t6J4x4tnTrQ1ipSEzdHyRHeNLftXnswye46"
         "mEOy0\n",
         22, RT_HOSTKEY_UNKNOWN},
        {HASHED " ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_MATCH},
        {HASHED " ssh-ed25519 " KEY_B "\n", 22, RT_HOSTKEY_CHANGED},
        {PORTED " ssh-ed25519 " KEY_A "\n", 2222, RT_HOSTKEY_MATCH},
        {PORTED " ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_UNKNOWN},
        {"[sftp.example.org]:2222 ssh-ed25519 " KEY_A "\n", 2222, RT_HOSTKEY_MATCH},
        {"[sftp.example.org]:2222 ssh-ed25519 " KEY_A "\n", 2223, RT_HOSTKEY_UNKNOWN},
        {"[sftp.example.org]:2222 ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_UNKNOWN},
        {"sftp.example.org ssh-ed25519 " KEY_A "\n", 2222, RT_HOSTKEY_MATCH},
        {"sftp.example.org ssh-ed25519 " KEY_B "\n", 2222, RT_HOSTKEY_UNKNOWN},
        {"@revoked sftp.example.org ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_REVOKED},
        {"sftp.example.org ssh-ed25519 " KEY_A "\n@revoked * ssh-ed25519 " KEY_A "\n", 22,
         RT_HOSTKEY_REVOKED},
        {"[sftp.example.org]:2222 ssh-ed25519 " KEY_B "\n@revoked * ssh-ed25519 " KEY_A "\n", 2222,
         RT_HOSTKEY_REVOKED},
        {"@revoked sftp.example.org ssh-ed25519 " KEY_B "\n", 22, RT_HOSTKEY_UNKNOWN},
        {"@cert-authority sftp.example.org ssh-ed25519 " KEY_A "\n", 22, RT_HOSTKEY_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (check(cases[i].text, "sftp.example.org", cases[i].port, NULL) != cases[i].verdict)
            fail_msg("case %zu: %s", i, cases[i].text);
}

static void test_old_fingerprints(void **state)
{
    char known[256];

    (void)state;
    check("sftp.example.org ssh-ed25519 " KEY_B "\n", "sftp.example.org", 22, known);
    assert_string_equal(known, PIN_B);
}

static void test_pins(void **state)
{
    static const struct {
        const char *pin;
        bool is_pinned;
    } cases[] = {{PIN_A, true}, {PIN_A "=", true},   {PIN_B, false},    {"SHA256:", false},
                 {"", false},   {"SHA256:x", false}, {PIN_A "x", false}};
    struct rt_buf key = {0};
    char pin[RT_FINGERPRINT_SIZE];

    (void)state;
    assert_true(rt_hostkey_decode(rt_slice_str(KEY_A), &key));
    assert_string_equal(rt_hostkey_fingerprint(rt_buf_slice(&key), pin), PIN_A);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *items[] = {(char[]){"SHA256:no"}, rt_xstrdup(cases[i].pin)};
        struct rt_list pins = {items, 2};

        if (rt_hostkey_is_pinned(&pins, rt_buf_slice(&key)) != cases[i].is_pinned)
            fail_msg("%s", cases[i].pin);
        free(items[1]);
    }
    rt_buf_clear(&key);
}

static void test_types(void **state)
{
    struct rt_hostkey_name name = {"sftp.example.org", 2222};
    struct rt_buf types = {0};

    (void)state;
    rt_hostkey_types(rt_slice_str("x ssh-ed25519 " KEY_B "\n" PORTED " ssh-ed25519 " KEY_A "\n"
                                  "@revoked [sftp.example.org]:2222 ssh-ed25519 " KEY_B "\n"),
                     name, &types);
    assert_string_equal(rt_buf_str(&types), "ssh-ed25519");
    rt_buf_clear(&types);
}

static void add_list(struct rt_buf *payload, const char *names)
{
    size_t len = strlen(names);

    for (int shift = 24; shift >= 0; shift -= 8)
        rt_buf_add_char(payload, (char)(len >> shift));
    rt_buf_add_str(payload, names);
}

static void make_payload(struct rt_buf *payload)
{
    rt_buf_add(payload,
               "\x14"
               "0123456789abcdef",
               17);
    add_list(payload, "curve25519-sha256,other");
    add_list(payload, "rsa-sha2-512");
    add_list(payload, "aes256-ctr");
    add_list(payload, "aes256-ctr");
    add_list(payload, "hmac-sha2-256-etm@openssh.com");
    add_list(payload, "hmac-sha2-256-etm@openssh.com");
}

static void test_kexinit(void **state)
{
    char *const ours[RT_KEX_LISTS] = {(char[]){"x,curve25519-sha256"}, (char[]){"ssh-ed25519"},
                                      (char[]){"aes256-ctr"},          (char[]){"aes256-ctr"},
                                      (char[]){"hmac-sha2-256"},       (char[]){"hmac-sha2-256"}};
    struct rt_kexinit kexinit = {0};
    struct rt_buf payload = {0}, text = {0};

    (void)state;
    make_payload(&payload);
    assert_true(rt_kexinit_parse(rt_buf_slice(&payload), &kexinit));
    assert_true(rt_kexinit_explain(&kexinit, ours, &text));
    assert_string_equal(
        rt_buf_str(&text),
        "no host key type in common: it offers rsa-sha2-512, known here are ssh-ed25519; "
        "no MAC in common: it offers hmac-sha2-256-etm@openssh.com, known here are "
        "hmac-sha2-256");
    rt_kexinit_clear(&kexinit);
    for (size_t len = 0; len < payload.len;
         len++) { /* cut anywhere: no list is read past its end */
        char *copy = rt_xmalloc(len);

        memcpy(copy, payload.ptr, len);
        assert_false(rt_kexinit_parse(rt_slice_from(copy, len), &kexinit));
        rt_kexinit_clear(&kexinit);
        free(copy);
    }
    rt_buf_clear(&payload);
    rt_buf_clear(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_old_fingerprints),
        cmocka_unit_test(test_pins),    cmocka_unit_test(test_types),
        cmocka_unit_test(test_kexinit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
