/*
 * schema.csv: what it says, what a spreadsheet does to it, and everything that is wrong with it.
 */
#include "lib/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#define HEADER "field,external,native,role,type,direction,external_format,native_format,values\n"
#define IDS    "et_id,EID,ET_ID,external_id,,,,,\ndb_id,DBID,ID,native_id,,,,,\n"

static int read_file(void *context, const char *path, struct rt_buf *text, struct rt_err *err)
{
    (void)context;
    if (strcmp(path, "good.csv") == 0)
        rt_buf_add_str(text, "native;external\r\nV;Visit\r\nC;Call\r\n");
    else if (strcmp(path, "twice.csv") == 0)
        rt_buf_add_str(text, "external,native\nVisit,V\nMeeting,V\nVisit,V\n");
    else if (strcmp(path, "columns.csv") == 0)
        rt_buf_add_str(text, "external,natve\nVisit,V\n");
    else if (strcmp(path, "empty.csv") == 0)
        rt_buf_add_str(text, "external,native\n");
    else
        return rt_err_set(err, RT_CONFIG, "%s: No such file or directory", path);
    return 0;
}

static const struct rt_schema_files files = {read_file, NULL};

static struct rt_config *settings(const char *text)
{
    struct rt_config *config;
    struct rt_err err;

    if (rt_config_parse(rt_slice_str(text), "roundtrip.ini", "acme", &config, &err) != 0)
        fail_msg("%s", err.msg);
    return config;
}

static struct rt_schema *parse(const char *text, const struct rt_config *config)
{
    struct rt_schema *schema;
    struct rt_err err;

    if (rt_schema_parse(rt_slice_str(text), "schema.csv", config, &files, &schema, &err) != 0)
        fail_msg("%s", err.msg);
    return schema;
}

/* Lines under HEADER and IDS (so the first one is line 4) are refused with these words. */
static void refused_text(const char *text, const char *words)
{
    struct rt_config *config = settings("");
    struct rt_schema *schema;
    struct rt_err err;

    assert_int_equal(
        rt_schema_parse(rt_slice_str(text), "schema.csv", config, &files, &schema, &err), -1);
    assert_null(schema);
    assert_int_equal(err.code, RT_CONFIG);
    if (strstr(err.msg, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
    rt_config_free(config);
}

/* Also in a row with a wrong number of cells, which is no fault of its own. */
static void test_bytes_that_are_no_text(void **state)
{
    static const char nul[] = HEADER IDS "s,S,\0S\n";
    struct rt_config *config = settings("");
    struct rt_schema *schema;
    struct rt_err err;

    (void)state;
    refused_text(HEADER IDS "s,S,\xFFS\n", "line 4: cell 3 is no text");
    assert_int_equal(rt_schema_parse(rt_slice_from(nul, sizeof nul - 1), "schema.csv", config,
                                     &files, &schema, &err),
                     -1);
    assert_non_null(strstr(err.msg, "line 4: cell 3 is no text"));
    rt_config_free(config);
}

static void refused(const char *lines, const char *words)
{
    char *text = rt_xasprintf("%s%s%s", HEADER, IDS, lines);

    refused_text(text, words);
    free(text);
}

static void test_fields(void **state)
{
    struct rt_config *config = settings("[native]\ntimezone = Europe/Berlin\n");
    struct rt_schema *s = parse(
        "native,field,external,direction,type,role,external_out,native_max,values,native_format\n"
        "ID,db_id,DBID,,,native_id,,,,\n"
        "ET_ID,et_id,EID,,,external_id,,,,\n"
        "TYPE,kind,Type,to_native,code,,,,good.csv,\n"
        "WHEN,happened,Date,,datetime,fingerprint,,,,%d.%m.%Y\n"
        "NOTE,note,Note,,,,Note In,4000,,\n"
        ",tag,Tag,,,,,,,\n"
        "CHANGED,changed,Changed,,,modified_at,,,,\n"
        ",src,Source,,,origin,,,,\n"
        "DEL,gone,,,,deleted,,,,\n",
        config);
    const struct rt_field *f;

    (void)state;
    assert_int_equal(s->count, 9);
    assert_int_equal(s->content_count, 4);
    assert_string_equal(s->content[2]->name, "note");
    assert_int_equal(s->content[2]->content_index, 2);
    assert_int_equal(s->id_count[RT_EXTERNAL], 1);
    assert_string_equal(s->id[RT_NATIVE][0]->name, "db_id");
    assert_int_equal(s->id[RT_NATIVE][0]->type, RT_TYPE_ID);
    assert_true(s->has_fingerprint);
    assert_string_equal(s->modified_at->name, "changed");
    assert_int_equal(s->modified_at->type, RT_TYPE_DATETIME);
    assert_int_equal(s->modified_at->content_index, RT_NOT_CONTENT);
    assert_string_equal(s->origin->name, "src");
    assert_int_equal(s->deleted->type, RT_TYPE_BOOLEAN);
    f = rt_schema_find(s, "kind");
    assert_int_equal(f->line, 4);
    assert_int_equal(f->codes.count, 2);
    assert_string_equal(f->codes.pairs[0].code[RT_EXTERNAL], "Visit");
    assert_string_equal(f->codes.pairs[0].code[RT_NATIVE], "V");
    assert_true(rt_field_flows_to(f, RT_NATIVE));
    assert_false(rt_field_flows_to(f, RT_EXTERNAL));
    assert_int_equal(f->direction, RT_DIR_TO_NATIVE);
    assert_false(f->is_plain);
    f = rt_schema_find(s, "note");
    assert_string_equal(f->column[RT_EXTERNAL].in, "Note");
    assert_string_equal(f->column[RT_EXTERNAL].out, "Note In");
    assert_string_equal(f->column[RT_NATIVE].out, "NOTE");
    assert_int_equal(f->column[RT_NATIVE].max, 4000);
    assert_true(f->is_plain && f->direction == RT_DIR_BOTH);
    f = rt_schema_find(s, "tag");
    assert_int_equal(f->direction, RT_DIR_NONE);
    assert_null(f->column[RT_NATIVE].in);
    assert_false(rt_field_flows_to(f, RT_NATIVE) || rt_field_flows_to(f, RT_EXTERNAL));
    f = rt_schema_find(s, "happened");
    assert_string_equal(f->timezone[RT_NATIVE], "Europe/Berlin");
    assert_non_null(f->zone[RT_NATIVE]);
    assert_null(f->zone[RT_EXTERNAL]);
    assert_false(rt_field_flows_to(s->modified_at, RT_NATIVE));
    assert_null(rt_schema_find(s, "nothing"));
    rt_schema_free(s);
    rt_config_free(config);
}

/* The same schema, as spreadsheets leave it. */
static void test_spreadsheets(void **state)
{
    static const char *const forms[] = {
        HEADER IDS "note,Note,NOTE,,,,,,\n",
        "\xEF\xBB\xBF"
        "field,external,native,role,,\r\net_id,EID,ET_ID,external_id,,\r\ndb_id,DBID,ID,native_id,,"
        "\r\n"
        "note,Note,NOTE,,,\r\n,,,,,\r\n,,,,,",
        "\xEF\xBB\xBF\"field\";\"external\";\"native\";\"role\";\r\net_id;EID;ET_ID;external_id;"
        "\r\n"
        "db_id;DBID;ID;native_id;\r\nnote;Note;NOTE;;",
        "field\texternal\tnative\trole\net_id\tEID\tET_ID\texternal_id\ndb_id\tDBID\tID\tnative_"
        "id\nnote\tNote\tNOTE\t\n",
        /* trailing cells left out, or more of them than the header has; blanks around words */
        "field,external,native,role,type\net_id,EID,ET_ID, external_id "
        ",\ndb_id,DBID,ID,native_id,,,\n note ,Note,NOTE\n",
    };
    struct rt_config *config = settings("");

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct rt_schema *s = parse(forms[i], config);

        assert_int_equal(s->count, 3);
        assert_string_equal(s->content[0]->name, "note");
        assert_string_equal(s->content[0]->column[RT_NATIVE].in, "NOTE");
        rt_schema_free(s);
    }
    rt_config_free(config);
}

static void test_refused_tables(void **state)
{
    (void)state;
    refused_text("", "schema.csv");
    refused_text(HEADER, "schema.csv: no fields");
    refused_text("field,extrnal\na,b\n",
                 "schema.csv: line 1: unknown column \"extrnal\"; did you mean \"external\"?");
    refused_text("feild,external\na,b\n",
                 "schema.csv: line 1: unknown column \"feild\"; did you mean \"field\"?");
    refused_text("external,native\na,b\n", "schema.csv: line 1: no column \"field\"");
    refused_text("field,native,native\na,b,c\n",
                 "schema.csv: line 1: column \"native\" is there twice");
    refused_text("field,external,native,role,,\nx,X,Y,,,stray\n",
                 "schema.csv: line 2: cell 6 has no column name");
    refused_text("field,external\nx,X,Y\n", "schema.csv: line 2: cell 3 has no column name");
    refused_text("field,external\nx,\"X\n", "schema.csv: line 2");
    refused_text("field,external\nx,\xFF\n", "schema.csv: line 2: ");
    refused_text("field,external,native,role\na,A,B,native_id\n",
                 "no field has the role external_id");
    refused_text("field,external,native,role\na,A,B,external_id\n",
                 "no field has the role native_id");
}

static void test_refused_lines(void **state)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        {",A,B,,,,,,", "line 4, column field: empty"},
        {"Note,A,B,,,,,,", "line 4, column field: \"Note\" will not do"},
        {"a-b,A,B,,,,,,", "line 4, column field: \"a-b\""},
        {"db_id,A,B,,,,,,", "line 4, column field: \"db_id\" is already on line 3"},
        {"a,,,,,,,,", "line 4, column external: no header on either side"},
        {"a,EID,B,,,,,,",
         "line 4, column external: header \"EID\" is already used by field et_id on line 2"},
        {"a,A,ID,,,,,,", "line 4, column native: header \"ID\" is already used by field db_id"},
        {"a,A,B,nativeid,,,,,",
         "line 4, column role: unknown word \"nativeid\"; did you mean \"native_id\"?"},
        {"a,A,B,boss,,,,,", "line 4, column role: unknown word \"boss\"; roundtrip-schema(5)"},
        {"a,A,B,,txt,,,,", "line 4, column type: unknown word \"txt\"; did you mean \"text\"?"},
        {"a,A,B,,,to_nativ,,,",
         "line 4, column direction: unknown word \"to_nativ\"; did you mean \"to_native\"?"},
        {"a,A,B,external_id,number,,,,", "line 4, column type: an ID has type id"},
        {"a,A,B,modified_at,number,,,,", "line 4, column type: modified_at"},
        {"a,A,B,deleted,number,,,,", "line 4, column type: deleted"},
        {"a,A,B,origin,number,,,,", "line 4, column type: origin"},
        {"a,A,B,modified_at,,,,,\nb,C,D,modified_at,,,,,",
         "line 5, column role: modified_at is already on line 4"},
        {"a,A,B,deleted,,,,,\nb,C,D,deleted,,,,,",
         "line 5, column role: deleted is already on line 4"},
        {"a,A,B,origin,,,,,\nb,C,D,origin,,,,,",
         "line 5, column role: origin is already on line 4"},
        {"a,,B,external_id,,,,,", "line 4, column external: empty; the files of EverTrue"},
        {"a,A,,native_id,,,,,", "line 4, column native: empty; the files of database"},
        {"a,A,,external_id,,,,,",
         "line 4, column native: empty, but database has a column for et_id"},
        {"a,A,B,,date,,%d.%m,,",
         "line 4, column external_format: \"%d.%m\" will not do: it does not tell"},
        {"a,A,B,,date,,,%d.%m.%Y %H:%M,",
         "line 4, column native_format: \"%d.%m.%Y %H:%M\" will not do: it has a time"},
        {"a,A,B,,datetime,,,%Y-%m-%d %Z,", "line 4, column native_format"},
        {"a,A,B,,datetime,,,%d/%m/%Y %yH:%M,", "will not do: what it writes reads back as another"},
        {"a,A,B,,datetime,,,%d/%m/%Y %H:%I,", "will not do: what it writes reads back as another"},
        {"a,A,B,,datetime,,,%d/%m/%Y %I:%M,", "will not do: it does not tell the hour"},
        {"a,A,B,,datetime,,,%d/%m/%Y :%M,", "will not do: it does not tell the hour"},
        {"a,A,B,,datetime,,,%Y-%m-%,", "line 4, column native_format"},
        {"a,A,B,,number,,,#,",
         "line 4, column native_format: \"#\" will not do: write it as 1234.5"},
        {"a,A,B,,boolean,,Y,,",
         "line 4, column external_format: \"Y\" will not do: write the words"},
        {"a,A,B,,boolean,,Y/Y,,", "yes and no are the same word"},
        {"a,A,B,,boolean,,,Oui/oui,", "yes and no are the same word"},
        {"a,A,B,,boolean,,,Y / N,", "\"Y / N\" will not do: leave out the blanks"},
        {"a,A,B,,boolean,,Y/ ,,", "leave out the blanks around its words"},
        {"a,A,B,,text,,%Y,,",
         "line 4, column external_format: \"%Y\" will not do: this type has no format"},
        {"a,A,B,,,,,,good.csv", "line 4, column values: only for type code"},
        {"a,A,B,,code,,,,none.csv", "line 4, column values: none.csv: No such file"},
        {"a,A,B,,code,,,,twice.csv",
         "line 4, column values: twice.csv: line 4: this pair is there already"},
        {"a,A,B,,code,,,,columns.csv",
         "line 4, column values: columns.csv: line 1: unknown column \"natve\""},
        {"a,A,B,,code,,,,empty.csv", "line 4, column values: empty.csv: no pair of codes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *line = rt_xasprintf("%s\n", cases[i].line);

        refused(line, cases[i].words);
        free(line);
    }
}

static void test_refused_outputs(void **state)
{
    (void)state;
    refused_text("field,external,native,role,external_out,native_max\n"
                 "e,E,X,external_id,,\nn,Y,N,native_id,,\na,A,B,,E,\n",
                 "line 4, column external_out: header \"E\" is already used by field e on line 2");
    refused_text("field,external,native,role,external_out\ne,E,X,external_id,\nn,Y,N,native_id,\na,"
                 "A,B,,C\nb,C,D,,\n",
                 "line 5, column external: header \"C\" is already used by field a on line 4");
    refused_text(
        "field,external,native,role,native_out\ne,E,X,external_id,\nn,Y,N,native_id,\na,A,,,B\n",
        "line 4, column native_out: there is nothing in column native");
    refused_text("field,external,native,role,native_max\ne,E,X,external_id,\nn,Y,N,native_id,\na,A,"
                 "B,,many\n",
                 "line 4, column native_max: \"many\" is not a number of characters");
    refused_text(
        "field,external,native,role,native_max\ne,E,X,external_id,\nn,Y,N,native_id,\na,A,B,,0\n",
        "line 4, column native_max");
    refused_text("field,external,native,role,native_max,type\ne,E,X,external_id,,\nn,Y,N,native_id,"
                 ",\na,A,B,,9,number\n",
                 "line 4, column native_max: a value of type number cannot be cut");
}

static void checked(const char *ini, const char *schema_text, const char *words)
{
    struct rt_config *config = settings(ini);
    struct rt_schema *schema = parse(schema_text, config);
    struct rt_err err;
    int rc = rt_settings_check(config, schema, &err);

    if (words == NULL) {
        if (rc != 0)
            fail_msg("%s", err.msg);
    } else {
        assert_int_equal(rc, -1);
        assert_int_equal(err.code, RT_CONFIG);
        if (strstr(err.msg, words) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
    }
    rt_schema_free(schema);
    rt_config_free(config);
}

static void test_settings(void **state)
{
    static const char plain[] = HEADER IDS "note,Note,NOTE,,,,,,\n";
    static const char no_other_id[] =
        "field,external,native,role\ne,E,,external_id\nn,N,M,native_id\nnote,Note,NOTE,\n";

    (void)state;
    checked("", plain, NULL);
    checked("[external]\ndeletes = propagate\n", plain,
            "[external] deletes: propagate needs an action_column in [native]");
    checked("[external]\ndeletes = propagate\naction_column = x\n", plain, "[external] deletes");
    checked("[external]\ndeletes = propagate\n[native]\naction_column = x\n", plain, NULL);
    checked("[external]\ndeletes = propagate\n", HEADER IDS "gone,,GONE,deleted,,,,,\n", NULL);
    checked("[native]\ndeletes = propagate\n", HEADER IDS "gone,,GONE,deleted,,,,,\n",
            "[native] deletes");
    checked("[policy]\nconflict = newest\n", plain, "[policy] conflict: newest needs");
    checked("[policy]\nconflict = newest\n", HEADER IDS "m,M,,modified_at,,,,,\n",
            "[policy] conflict: newest needs");
    checked("[policy]\nconflict = newest\n", HEADER IDS "m,M,M,modified_at,,,,,\n", NULL);
    checked("", no_other_id, "database has no column for e");
    checked("[native]\ntransport = command\nextract = cat a\n", no_other_id,
            "database has no column for e");
    checked("[native]\ntransport = command\nload = ./load\n", no_other_id, NULL);
    checked("",
            "field,external,native,role\ne,E,,external_id\nn,N,M,native_id\nnote,Note,NOTE,"
            "fingerprint\n",
            NULL);
    checked("[external]\naction_column = Note\n", plain,
            "[external] action_column: header \"Note\" is already used");
    checked("[native]\nwritten_at_column = ID\n", plain,
            "[native] written_at_column: header \"ID\"");
    checked("[native]\nwritten_at_column = Note\n", plain, NULL);
}

static char *contract(const char *schema_text, const char *ini)
{
    struct rt_config *config = settings(ini);
    struct rt_schema *schema = parse(schema_text, config);
    struct rt_buf out = {0};

    rt_schema_contract(schema, config, &out);
    rt_schema_free(schema);
    rt_config_free(config);
    return out.ptr;
}

static void same_contract(const char *a, const char *ini_a, const char *b, const char *ini_b,
                          bool expected)
{
    char *x = contract(a, ini_a), *y = contract(b, ini_b);

    if ((strcmp(x, y) == 0) != expected)
        fail_msg("\n%s\n%s", x, y);
    free(x);
    free(y);
}

static void test_contract(void **state)
{
    static const char plain[] =
        HEADER IDS "note,Note,NOTE,,,,,,\nkind,Type,TYPE,,code,to_native,,,good.csv\n";
    char *text = contract(plain, "");

    (void)state;
    assert_string_equal(text,
                        "codes kind: 00001 external \"Visit\", native \"V\"\n"
                        "codes kind: 00002 external \"Call\", native \"C\"\n"
                        "eligible external: all\n"
                        "eligible native: all\n"
                        "field db_id: type id, both, role native_id, external DBID, native ID\n"
                        "field et_id: type id, both, role external_id, external EID, native ET_ID\n"
                        "field kind: type code, to_native, external Type, native TYPE\n"
                        "field note: type text, both, external Note, native NOTE\n"
                        "mode: round-trip\n"
                        "timezone external: UTC\n"
                        "timezone native: UTC\n");
    free(text);
    /* passes silently: labels, order, new fields that are only shown */
    same_contract(plain, "", plain, "[native]\nlabel = Banner\n", true);
    same_contract(plain, "",
                  HEADER "kind,Type,TYPE,,code,to_native,,,good.csv\nnote,Note,NOTE,,,,,,\n" IDS,
                  "", true);
    same_contract(
        plain, "",
        HEADER IDS
        "note,Note,NOTE,,,,,,\nkind,Type,TYPE,,code,to_native,,,good.csv\ntag,Tag,,,,,,,\n",
        "", true);
    /* does not */
    same_contract(plain, "", plain, "[external]\neligible = note = 'x'\n", false);
    same_contract(plain, "", plain, "[profile]\nmode = single-trip\n", false);
    same_contract(plain, "", plain, "[native]\ntimezone = Europe/Berlin\n", false);
    same_contract(plain, "", HEADER IDS "note,Note,NOTE,,,,,,\nkind,Type,TYPE,,code,,,,good.csv\n",
                  "", false);
    same_contract(plain, "", HEADER IDS "note,Note,NOTE,,,,,,\nkind,Type,TYPE,,code,to_native,,,\n",
                  "", false);
    same_contract(plain, "",
                  HEADER IDS "note,Note2,NOTE,,,,,,\nkind,Type,TYPE,,code,to_native,,,good.csv\n",
                  "", false);
}

/* The order of the parts is what a|b means. */
static void test_contract_of_long_ids(void **state)
{
    static const char ab[] =
        HEADER "a,A,A,external_id,,,,,\nb,B,B,external_id,,,,,\nn,N,N,native_id,,,,,\n";
    static const char ba[] =
        HEADER "b,B,B,external_id,,,,,\na,A,A,external_id,,,,,\nn,N,N,native_id,,,,,\n";

    (void)state;
    same_contract(ab, "", ab, "", true);
    same_contract(ab, "", ba, "", false);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(rt_type_name(RT_TYPE_TEXT), "text");
    assert_string_equal(rt_type_name(RT_TYPE_SET), "set");
    assert_string_equal(rt_role_name(RT_ROLE_NONE), "");
    assert_string_equal(rt_role_name(RT_ROLE_FINGERPRINT), "fingerprint");
    assert_string_equal(rt_direction_name(RT_DIR_TO_NATIVE), "to_native");
    assert_string_equal(rt_direction_name(RT_DIR_NONE), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_spreadsheets),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_refused_tables),
        cmocka_unit_test(test_refused_lines),
        cmocka_unit_test(test_refused_outputs),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_contract_of_long_ids),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
