/*
 * roundtrip.ini: defaults, every key, every message with its line, and the combinations that are
 * wrong.
 */
#include "lib/config.h"
#include "lib/config_table.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

static struct rt_config *parse(const char *text)
{
    struct rt_config *config;
    struct rt_err err;

    if (rt_config_parse(rt_slice_str(text), "roundtrip.ini", "acme", &config, &err) != 0)
        fail_msg("%s", err.msg);
    return config;
}

/* The text is refused with 78 and and exactly these words behind "roundtrip.ini: ". */
static void refused(const char *text, const char *words)
{
    struct rt_config *config;
    struct rt_err err;
    int rc = rt_config_parse(rt_slice_str(text), "roundtrip.ini", "acme", &config, &err);

    assert_int_equal(rc, -1);
    assert_null(config);
    assert_int_equal(err.code, RT_CONFIG);
    assert_memory_equal(err.msg, "roundtrip.ini: ", 15);
    assert_string_equal(err.msg + 15, words);
}

/* The same, but only some of the words. */
static void refused_with(const char *text, const char *part)
{
    struct rt_config *config;
    struct rt_err err;

    assert_int_equal(rt_config_parse(rt_slice_str(text), "roundtrip.ini", "acme", &config, &err),
                     -1);
    assert_int_equal(err.code, RT_CONFIG);
    if (strstr(err.msg, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, err.msg);
}

static void test_defaults(void **state)
{
    struct rt_config *c = parse("");
    const struct rt_side_config *e = &c->side[RT_EXTERNAL], *n = &c->side[RT_NATIVE];

    (void)state;
    assert_string_equal(c->name, "acme");
    assert_false(c->single_trip);
    assert_string_equal(e->label, "EverTrue");
    assert_string_equal(n->label, "database");
    assert_false(e->own_id_only);
    assert_true(n->own_id_only);
    assert_int_equal(e->transport, RT_TRANSPORT_DIRECTORY);
    assert_null(e->exports);
    assert_null(e->imports);
    assert_null(e->eligible);
    assert_null(e->snapshot_pattern);
    assert_null(e->stamp);
    assert_int_equal(e->match, RT_MATCH_UPSERT);
    assert_int_equal(e->deletes, RT_DELETES_IGNORE);
    assert_string_equal(e->encoding, "utf-8");
    assert_int_equal(e->delimiter, ',');
    assert_string_equal(e->timezone, "UTC");
    assert_int_equal(e->max_age, RT_NO_LIMIT);
    assert_true(e->shows_imports);
    assert_false(e->store_ids);
    assert_false(e->final_newline_optional);
    assert_string_equal(e->output_name, "{profile}-{side}-{stamp}-{delta}.csv");
    assert_int_equal(e->require_name.count, 0);
    assert_int_equal(e->batch_rows, RT_NO_LIMIT);
    assert_false(e->crlf || e->quote_all || e->gzip);
    assert_int_equal(e->port, 22);
    assert_string_equal(e->pattern, "*.csv");
    assert_int_equal(e->after_fetch, RT_AFTER_LEAVE);
    assert_int_equal(e->upload, RT_UPLOAD_RENAME);
    assert_int_equal(e->settle, 60);
    assert_int_equal(e->timeout, 30);
    assert_int_equal(e->deadline, 1800);
    assert_int_equal(e->retries, 4);
    assert_int_equal(c->conflict, RT_CONFLICT_REVIEW);
    assert_false(c->resend || c->bind_suspected || c->allow_network_state);
    assert_int_equal(c->loop_window, RT_NO_LIMIT);
    assert_int_equal(c->max_changes, 5000);
    assert_int_equal(c->max_change_percent, 20);
    assert_int_equal(c->max_deletes, 0);
    assert_int_equal(c->overdue, 3 * 86400);
    assert_int_equal(c->import_lag, 12 * 3600);
    assert_int_equal(c->keep_archive, RT_NO_LIMIT);
    rt_config_free(c);
}

static void test_values(void **state)
{
    struct rt_config *c =
        parse("; a comment\n# another\n[profile]\nname = visits\nmode = single-trip\n"
              "[external]\n"
              "label = Cloud # 1\n"
              "transport = sftp\nhost = sftp.example.org\nuser = acme\nport = 2222\n"
              "host_key = SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, "
              "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
              "eligible = reference_source = 'RaiseDonors' ; only theirs\n"
              "require_name = *.csv*, visits-*\nforbid_name = *.full.* *.gift.*\n"
              "after_fetch = move:done/today\nupload = folder:tmp\nstamp = *%Y-%m-%d*\n"
              "max_age = 36h\ncompress = gzip\nline_ending = crlf\nquote = all\n"
              "shows_imports = no\nstore_ids = yes\nfinal_newline = optional\nbatch_rows = 500\n"
              "content = snapshot\nmatches_by = own-id\nmatch = insert-only\ndeletes = review\n"
              "imports = none\n"
              "[native]\ntransport = command\nextract = cat a.csv; true\nload = ./load \"$1\"\n"
              "delimiter = semicolon\ntimezone = America/New_York\nencoding = windows-1252\n"
              "[policy]\nconflict = newest\nnot_taken = resend\nsuspected_duplicate = bind\n"
              "loop_window = 1h\nmax_changes = none\nmax_change_percent = none\nmax_deletes = 7\n"
              "allow_network_state = yes\noverdue = 2w\nimport_lag = 90\nkeep_archive = 30d\n");
    const struct rt_side_config *e = &c->side[RT_EXTERNAL], *n = &c->side[RT_NATIVE];

    (void)state;
    assert_string_equal(c->name, "visits");
    assert_true(c->single_trip);
    assert_string_equal(e->label, "Cloud # 1");
    assert_int_equal(e->transport, RT_TRANSPORT_SFTP);
    assert_int_equal(e->port, 2222);
    assert_int_equal(e->host_key.count, 2);
    assert_string_equal(e->eligible, "reference_source = 'RaiseDonors'");
    assert_int_equal(e->require_name.count, 2);
    assert_string_equal(e->require_name.items[1], "visits-*");
    assert_int_equal(e->forbid_name.count, 2);
    assert_int_equal(e->after_fetch, RT_AFTER_MOVE);
    assert_string_equal(e->after_fetch_folder, "done/today");
    assert_int_equal(e->upload, RT_UPLOAD_FOLDER);
    assert_string_equal(e->upload_folder, "tmp");
    assert_string_equal(e->stamp, "*%Y-%m-%d*");
    assert_int_equal(e->max_age, 36 * 3600);
    assert_true(e->gzip && e->crlf && e->quote_all && e->store_ids && e->final_newline_optional);
    assert_true(e->is_snapshot && e->own_id_only);
    assert_false(e->shows_imports);
    assert_int_equal(e->batch_rows, 500);
    assert_int_equal(e->match, RT_MATCH_INSERT_ONLY);
    assert_int_equal(e->deletes, RT_DELETES_REVIEW);
    assert_string_equal(e->exports, "exports");
    assert_null(e->imports);
    assert_string_equal(n->extract, "cat a.csv; true");
    assert_string_equal(n->load, "./load \"$1\"");
    assert_int_equal(n->delimiter, ';');
    assert_string_equal(n->timezone, "America/New_York");
    assert_int_equal(c->conflict, RT_CONFLICT_NEWEST);
    assert_true(c->resend && c->bind_suspected && c->allow_network_state);
    assert_int_equal(c->loop_window, 3600);
    assert_int_equal(c->max_changes, RT_NO_LIMIT);
    assert_int_equal(c->max_change_percent, RT_NO_LIMIT);
    assert_int_equal(c->max_deletes, 7);
    assert_int_equal(c->overdue, 14 * 86400);
    assert_int_equal(c->import_lag, 90);
    assert_int_equal(c->keep_archive, 30 * 86400);
    rt_config_free(c);
}

static void test_file_forms(void **state)
{
    struct rt_config *c =
        parse("\xEF\xBB\xBF[profile]\r\nname = a\r\n\r\n  [policy]  ; why\r\n  max_changes : 3");

    (void)state;
    assert_string_equal(c->name, "a");
    assert_int_equal(c->max_changes, 3);
    rt_config_free(c);
    c = parse("[native]\ndelimiter =;\n[external]\ndelimiter = tab\n");
    assert_int_equal(c->side[RT_NATIVE].delimiter, ';');
    assert_int_equal(c->side[RT_EXTERNAL].delimiter, '\t');
    rt_config_free(c);
}

static void test_unknown(void **state)
{
    (void)state;
    refused("[profile]\nname = a\n\n; x\n[policy]\nconflict = review\nmax_chnages = 4\n",
            "line 7: unknown key \"max_chnages\" in [policy]; did you mean \"max_changes\"?");
    refused("[polcy]\n", "line 1: unknown section [polcy]; did you mean \"policy\"?");
    refused_with("[profile]\n[wombat]\n", "line 2: unknown section [wombat]; remove");
    refused("\n[external]\nconflict = review\n",
            "line 3: unknown key \"conflict\" in [external]; it belongs in [policy]");
    refused("[policy]\nhost = a\n",
            "line 2: unknown key \"host\" in [policy]; it belongs in [external] or [native]");
    refused_with("[policy]\nzzz = a\n", "line 2: unknown key \"zzz\" in [policy]; remove");
    refused_with("name = a\n", "line 1: \"name\" stands before any section");
    refused_with("[policy]\n = a\n", "line 2: unknown key \"\"");
    /* in one line, with nothing that a terminal would obey */
    refused("[\x1b[2J]\n",
            "line 1: unknown section [?[2J]; remove or correct it (roundtrip.ini(5) lists all)");
}

static void test_malformed(void **state)
{
    (void)state;
    refused_with("[profile]\nname\n", "line 2: neither a [section] nor key = value");
    refused_with("[profile\nname = a\n", "line 1: [ without ]");
    refused_with("[profile] name = a\n", "line 1: text behind [profile]");
    refused("[profile]\nname = a\n[policy]\n[profile]\nname = b\n",
            "line 5: [profile] name is already set on line 2; remove one of them");
    /* a line that begins with a blank continues nothing */
    refused_with("[native]\nextract = a\n  b\n", "line 3: neither");
}

static void test_long_lines(void **state)
{
    struct rt_buf text = {0};
    struct rt_config *c;

    (void)state;
    rt_buf_add_str(&text, "[external]\neligible = ");
    for (int i = 0; i < 60000; i++)
        rt_buf_add_char(&text, 'x');
    rt_buf_add_str(&text, "\n");
    c = parse(rt_buf_str(&text));
    assert_int_equal(strlen(c->side[RT_EXTERNAL].eligible), 60000);
    rt_config_free(c);
    rt_buf_reset(&text);
    rt_buf_add_str(&text, "[external]\n\neligible = ");
    for (int i = 0; i < 70000; i++)
        rt_buf_add_char(&text, 'x');
    refused_with(rt_buf_str(&text), "line 3: longer than ");
    rt_buf_clear(&text);
}

static void test_bytes(void **state)
{
    struct rt_config *config;
    struct rt_err err;

    (void)state;
    refused_with("\n[profile]\nname = \xFF\n", "line 3: not valid UTF-8");
    assert_int_equal(
        rt_config_parse(rt_slice_from("[profile]\n\0", 11), "roundtrip.ini", "acme", &config, &err),
        -1);
    assert_int_equal(err.code, RT_CONFIG);
    assert_string_equal(err.msg,
                        "roundtrip.ini: line 2: it holds a NUL byte; save it as plain UTF-8 text");
}

static void test_wrong_values(void **state)
{
    static const struct {
        const char *section, *line, *words;
    } cases[] = {
        {"profile", "mode = both", "\"both\" will not do; write round-trip or single-trip"},
        {"profile", "name =", "the value is empty"},
        {"profile", "name = a/b", "it has a slash in it"},
        {"external", "transport = ftp", "write directory, sftp, openssh or command"},
        {"external", "content = all", "write changes or snapshot"},
        {"external", "matches_by = both", "write either-id or own-id"},
        {"external", "match = all", "write upsert, update-only or insert-only"},
        {"external", "deletes = yes", "write ignore, review or propagate"},
        {"external", "encoding = utf-17", "iconv knows no such encoding"},
        {"external", "delimiter = ;", "write one character"},
        {"external", "delimiter = a", "write one character"},
        {"external", "delimiter = ab", "write one character"},
        {"external", "timezone = Mars/Olympus", "knows no such time zone"},
        {"external", "timezone = ../../etc/passwd", "knows no such time zone"},
        {"external", "stamp = *%H%M*", "does not tell year, month and day"},
        {"external", "max_age = soon", "is no age; write it as 90s, 30m, 36h, 3d or 2w, or none"},
        {"external", "settle = none", "is no age"},
        {"external", "timeout = 0", "write an age of at least 1s"},
        {"external", "store_ids = true", "write no or yes"},
        {"external", "final_newline = maybe", "write required or optional"},
        {"external", "output_name = {profile}-{stamp}.csv",
         "{stamp} and {delta} must both be in it"},
        {"external", "output_name = {delta}.csv", "{stamp} and {delta} must both be in it"},
        {"external", "output_name = {day}{stamp}{delta}.csv", "is not known"},
        {"external", "output_name = a/{stamp}{delta}.csv", "it has a slash in it"},
        {"external", "require_name = *.interactions.*", "does not match require_name"},
        {"external", "forbid_name = *.gift.*, acme-external-*",
         "matches forbid_name \"acme-external-*\""},
        {"external", "batch_rows = 0", "write a number of at least 1, or none"},
        {"external", "batch_rows = 1x", "write a number of at least 1"},
        {"external", "line_ending = cr", "write lf or crlf"},
        {"external", "quote = some", "write minimal or all"},
        {"external", "compress = zip", "write none or gzip"},
        {"external", "port = 70000", "write a number from 1 to 65535"},
        {"external", "host = -oProxyCommand=x", "begins with a dash"},
        {"external", "user = a b", "blank or control character"},
        {"external", "host_key = MD5:00", "write it as SHA256:"},
        {"external", "after_fetch = move", "write leave, move:FOLDER or delete"},
        {"external", "after_fetch = move:", "write leave, move:FOLDER or delete"},
        {"external", "after_fetch = leave:x", "write leave, move:FOLDER or delete"},
        {"external", "upload = folder", "write rename, direct, done-file or folder:FOLDER"},
        {"external", "retries = -1", "write a number from 0 to 100"},
        {"external", "transport = sftp", "sftp needs `host`"},
        {"external", "transport = openssh\nhost = a.example.org", "openssh needs `user`"},
        {"external", "transport = command", "command needs `extract` or `load`"},
        {"external", "extract = cat a", "only used with transport = command"},
        {"external", "extract_full = cat a", "only used with transport = command"},
        {"external", "load = cat a", "only used with transport = command"},
        {"external", "label = native", "is the word for the other side"},
        {"external", "label = Database", "both sides are called"},
        {"external", "written_at_column = x\naction_column = x", "has the same name"},
        {"external", "exports = d\nimports = d", "would be fetched again"},
        {"external", "exports = ./d//e\nimports = d/./e/", "would be fetched again"},
        {"external", "exports = /d\nimports = //d/.", "would be fetched again"},
        {"external", "exports = d\nafter_fetch = move:./d", "be fetched again; name another"},
        {"native", "imports = d/e\nupload = folder:d//e/", "is `imports` itself"},
        {"policy", "conflict = both", "write review, external, native or newest"},
        {"policy", "not_taken = again", "write review or resend"},
        {"policy", "suspected_duplicate = x", "write review or bind"},
        {"policy", "loop_window = x", "is no age"},
        {"policy", "max_changes = -1", "write a number of at least 0, or none"},
        {"policy", "max_change_percent = 101", "write a number from 0 to 100, or none"},
        {"policy", "max_deletes = many", "write a number"},
        {"policy", "allow_network_state = 1", "write no or yes"},
        {"policy", "overdue = none", "is no age"},
        {"policy", "keep_archive = none", "or forever"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = rt_xasprintf("; first\n[%s]\n%s\n", cases[i].section, cases[i].line);

        refused_with(text, cases[i].words);
        refused_with(text, "line ");
        free(text);
    }
}

/* A value of the default must not need to be written, and the line of a message must be the key's.
 */
static void test_lines_of_combinations(void **state)
{
    (void)state;
    refused_with("[external]\nhost = a\ntransport = sftp\n",
                 "line 3: [external] transport: sftp needs `user`");
    refused_with("[native]\n\n\nlabel = evertrue\n", "line 4: [native] label: both sides");
}

static void test_nearest(void **state)
{
    static const char *const words[] = {"user", "port", "max_changes", "exports"};

    (void)state;
    assert_string_equal(rt_nearest("usr", words, 4), "user");
    assert_string_equal(rt_nearest("prot", words, 4), "port");
    assert_string_equal(rt_nearest("MAX_CHANGES", words, 4), "max_changes");
    assert_null(rt_nearest("wombat", words, 4));
    assert_null(rt_nearest("", words, 4));
}

static void test_find_side(void **state)
{
    struct rt_config *c = parse("[native]\nlabel = Banner\n");
    enum rt_side side = RT_EXTERNAL;

    (void)state;
    assert_true(rt_config_find_side(c, "native", &side));
    assert_int_equal(side, RT_NATIVE);
    assert_true(rt_config_find_side(c, "EXTERNAL", &side));
    assert_int_equal(side, RT_EXTERNAL);
    side = RT_NATIVE;
    assert_true(rt_config_find_side(c, "evertrue", &side));
    assert_int_equal(side, RT_EXTERNAL);
    assert_true(rt_config_find_side(c, "banner", &side));
    assert_int_equal(side, RT_NATIVE);
    assert_false(rt_config_find_side(c, "database", &side));
    rt_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_file_forms),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_lines_of_combinations),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_find_side),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
