/*
 * `eligible`: an SQL expression over field names, computed by SQLite on a connection of its own, in
 * memory.
 *
 * Three things keep it an expression.  A look at the text first: parentheses that close, no `;`, no
 * comment, no parameter, no SELECT, so that it cannot reach beyond the parentheses that it is put
 * in.  An authorizer: no table, no statement, and of functions only those named here.  And all of
 * these give the same answer for the same row every time: there is no time of day and no chance
 * among them.
 *
 * Cells are text, and compare as text: amount = 5 is true for "5", amount > 10 compares letters;
 * for numbers write CAST(amount AS REAL) > 10.
 */
#include "lib/store_expr.h"

#include "lib/config.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NAME_SIZE    80

struct rt_expr {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char *text;
    size_t field_count;
    bool is_refused;         /* the authorizer met what it does not allow */
    char refused[NAME_SIZE]; /* the function, if it was one */
};

/* ---- what the text may not hold ---- */

static int refuse(struct rt_err *err, const char *text, const char *why)
{
    return rt_err_set(err, RT_CONFIG, "%.200s: %s", text, why);
}

/* Behind the quote that closes the one at `p`; NULL: none does.  A doubled quote is one inside. */
static const char *skip_quoted(const char *p)
{
    char quote = *p == '[' ? ']' : *p;

    for (p++; *p; p++) {
        if (*p != quote)
            continue;
        if (quote == ']' || p[1] != quote)
            return p + 1;
        p++;
    }
    return NULL;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(const char *p, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

/* Behind the word at `p`; NULL: it starts a query. */
static const char *skip_word(const char *p)
{
    static const char *const queries[] = {"SELECT", "VALUES", "WITH"};
    size_t len = 0;

    while (is_word_char(p[len]))
        len++;
    for (size_t i = 0; i < COUNT(queries); i++)
        if (is_word(p, len, queries[i]))
            return NULL;
    return p + len;
}

static const char *check_char(const char *p, int *depth)
{
    if (*p == ';')
        return "one expression, without ';'";
    if (strchr("?:@$#", *p) != NULL)
        return "only field names, values and operators: parameters mean nothing here";
    if ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*'))
        return "no comments";
    *depth += (*p == '(') - (*p == ')');
    return *depth < 0 ? "a ')' closes nothing" : NULL;
}

/* ---- what SQLite may do ---- */

static bool is_harmless(const char *function)
{
    static const char *const known[] = {
        "abs",   "char",  "coalesce", "glob",      "hex",  "ifnull", "iif",     "instr",   "length",
        "like",  "lower", "ltrim",    "max",       "min",  "nullif", "quote",   "replace", "round",
        "rtrim", "sign",  "substr",   "substring", "trim", "typeof", "unicode", "upper",
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (strcasecmp(function, known[i]) == 0)
            return true;
    return false;
}

/* For our own columns, which come from a subquery, SQLite does not ask: a READ is of another table.
 */
static int authorize(void *context, int action, const char *one, const char *two,
                     const char *database, const char *trigger)
{
    struct rt_expr *expr = context;

    (void)one;
    (void)database;
    (void)trigger;
    if (action == SQLITE_SELECT)
        return SQLITE_OK;
    if (action == SQLITE_FUNCTION && is_harmless(two))
        return SQLITE_OK;
    expr->is_refused = true;
    if (action == SQLITE_FUNCTION)
        sqlite3_snprintf(NAME_SIZE, expr->refused, "%s", two);
    return SQLITE_DENY;
}

/* ---- errors that a person can use ---- */

static const char *nearest_field(const struct rt_schema *schema, const char *name)
{
    const char **names = rt_xcalloc(schema->count, sizeof *names);
    const char *nearest;

    for (size_t i = 0; i < schema->count; i++)
        names[i] = schema->fields[i].name;
    nearest = rt_nearest(name, names, schema->count);
    free(names);
    return nearest;
}

static int fail_field(const char *text, const char *name, const struct rt_schema *schema,
                      struct rt_err *err)
{
    const char *nearest = nearest_field(schema, name);

    if (nearest != NULL)
        return rt_err_set(err, RT_CONFIG,
                          "%.200s: schema.csv has no field \"%.80s\"; did you mean \"%s\"?", text,
                          name, nearest);
    return rt_err_set(err, RT_CONFIG,
                      "%.200s: schema.csv has no field \"%.80s\" (a text stands in single quotes)",
                      text, name);
}

/* A field called like a word of SQL: SQLite says no more than `near "group": syntax error`. */
static const struct rt_field *field_near(const char *message, const struct rt_schema *schema)
{
    const char *start = "near \"", *end;
    char name[NAME_SIZE];

    if (strncmp(message, start, strlen(start)) != 0)
        return NULL;
    message += strlen(start);
    end = strchr(message, '"');
    if (end == NULL || (size_t)(end - message) >= sizeof name)
        return NULL;
    sqlite3_snprintf((int)(end - message) + 1, name, "%s", message);
    return rt_schema_find(schema, name);
}

static int fail(struct rt_expr *expr, const struct rt_schema *schema, struct rt_err *err)
{
    static const char unknown[] = "no such column: ";
    const char *message = sqlite3_errmsg(expr->db);
    const struct rt_field *field = field_near(message, schema);

    if (sqlite3_errcode(expr->db) == SQLITE_NOMEM)
        return rt_err_set(err, RT_INTERNAL, "%.200s: %s", expr->text, message);
    if (expr->refused[0] != '\0')
        return rt_err_set(err, RT_CONFIG,
                          "%.200s: the function %s cannot be used here: only those whose result "
                          "depends on the row alone",
                          expr->text, expr->refused);
    if (strncmp(message, unknown, sizeof unknown - 1) == 0)
        return fail_field(expr->text, message + sizeof unknown - 1, schema, err);
    if (field != NULL)
        return rt_err_set(err, RT_CONFIG,
                          "%.200s: %s: where the field is meant, write \"%s\" with its quotes",
                          expr->text, message, field->name);
    return refuse(err, expr->text,
                  expr->is_refused ? "only an expression over field names: no tables" : message);
}

/* ---- a look at the text ---- */

/* SQLite knows these names in any table, where they would be NULL. */
static bool is_rowid(struct rt_slice name)
{
    static const char *const names[] = {"rowid", "oid", "_rowid_"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (is_word(name.ptr, name.len, names[i]))
            return true;
    return false;
}

static int check_name(const char *text, struct rt_slice name, const struct rt_schema *schema,
                      struct rt_err *err)
{
    char *copy;
    int rc = 0;

    if (name.len > 2 && strchr("\"`[", *name.ptr) != NULL)
        name = rt_slice_from(name.ptr + 1, name.len - 2);
    if (!is_rowid(name))
        return 0;
    copy = rt_xstrndup(name.ptr, name.len);
    if (rt_schema_find(schema, copy) == NULL)
        rc = fail_field(text, copy, schema, err);
    free(copy);
    return rc;
}

static int check_text(const char *text, const struct rt_schema *schema, struct rt_err *err)
{
    const char *p = text + strspn(text, " \t\r\n"), *end, *why = NULL;
    int depth = 0;

    if (*p == '\0')
        return rt_err_set(err, RT_CONFIG,
                          "an empty expression: leave the setting out for all rows");
    for (; *p && why == NULL; p = end) {
        end = p + 1;
        if (strchr("'\"`[", *p) == NULL && !is_word_char(*p)) {
            why = check_char(p, &depth);
            continue;
        }
        end = is_word_char(*p) ? skip_word(p) : skip_quoted(p);
        if (end == NULL)
            return refuse(err, text,
                          is_word_char(*p) ? "only an expression over field names: no queries"
                                           : "a quote is not closed");
        if (check_name(text, rt_slice_from(p, (size_t)(end - p)), schema, err) < 0)
            return -1;
    }
    if (why == NULL && depth > 0)
        why = "a '(' is not closed";
    return why == NULL ? 0 : refuse(err, text, why);
}

/* ---- open, compute, close ---- */

/*
 * For summary and visit_type: SELECT ((EXPR)) IS TRUE FROM (SELECT CAST(?1 AS TEXT) AS "summary",
 * CAST(?2 AS TEXT) AS "visit_type").  IS TRUE makes NULL false; the CAST makes columns compare as
 * text.
 */
static void build_sql(const char *text, const struct rt_schema *schema, struct rt_buf *sql)
{
    rt_buf_printf(sql, "SELECT ((%s)) IS TRUE FROM (SELECT ", text);
    for (size_t i = 0; i < schema->count; i++)
        rt_buf_printf(sql, "%sCAST(?%zu AS TEXT) AS \"%s\"", i ? ", " : "", i + 1,
                      schema->fields[i].name);
    rt_buf_add_str(sql, ")");
}

static int compile(struct rt_expr *expr, const struct rt_schema *schema, struct rt_err *err)
{
    struct rt_buf sql = {0};
    int rc;

    if (sqlite3_open_v2(":memory:", &expr->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return rt_err_set(err, RT_INTERNAL, "cannot start SQLite for an expression");
    /* Without this an unknown name in double quotes would be a text. */
    sqlite3_db_config(expr->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_limit(expr->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(expr->db, authorize, expr);
    build_sql(expr->text, schema, &sql);
    rc = sqlite3_prepare_v3(expr->db, sql.ptr, -1, SQLITE_PREPARE_PERSISTENT, &expr->stmt, NULL);
    rt_buf_clear(&sql);
    return rc == SQLITE_OK ? 0 : fail(expr, schema, err);
}

int rt_expr_open(const char *text, const struct rt_schema *schema, struct rt_expr **expr,
                 struct rt_err *err)
{
    struct rt_expr *e;

    *expr = NULL;
    if (check_text(text, schema, err) < 0)
        return -1;
    e = rt_xcalloc(1, sizeof *e);
    e->text = rt_xstrdup(text);
    e->field_count = schema->count;
    if (compile(e, schema, err) < 0) {
        rt_expr_close(e);
        return -1;
    }
    *expr = e;
    return 0;
}

int rt_expr_is_true(struct rt_expr *expr, const struct rt_slice *cells, struct rt_err *err)
{
    int rc;

    for (size_t i = 0; i < expr->field_count; i++) {
        int index = (int)i + 1;

        if (cells[i].ptr == NULL)
            sqlite3_bind_null(expr->stmt, index);
        else
            sqlite3_bind_text64(expr->stmt, index, cells[i].ptr, cells[i].len, SQLITE_STATIC,
                                SQLITE_UTF8);
    }
    rc = sqlite3_step(expr->stmt);
    if (rc != SQLITE_ROW) {
        rt_err_set(err, RT_CONFIG, "%.200s: cannot be computed for this row: %s", expr->text,
                   sqlite3_errmsg(expr->db));
        sqlite3_reset(expr->stmt);
        return -1;
    }
    rc = sqlite3_column_int(expr->stmt, 0);
    sqlite3_reset(expr->stmt);
    return rc;
}

void rt_expr_close(struct rt_expr *expr)
{
    if (expr == NULL)
        return;
    sqlite3_finalize(expr->stmt);
    sqlite3_close(expr->db);
    free(expr->text);
    free(expr);
}
