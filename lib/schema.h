/*
 * schema.csv (roundtrip-schema(5)): one line per field.  Read once into a value, never changed.
 *
 * A field is content if a value of it is compared and merged: roles empty and `fingerprint`.  IDs,
 * modified_at, origin and deleted are not.  Content fields are numbered 0 .. content_count-1 in
 * schema order; that number is the index into every struct rt_content.
 */
#ifndef RT_SCHEMA_H
#define RT_SCHEMA_H

#include "lib/config.h"
#include "lib/digest.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/side.h"
#include "lib/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum rt_role {
    RT_ROLE_NONE,
    RT_ROLE_EXTERNAL_ID,
    RT_ROLE_NATIVE_ID,
    RT_ROLE_MODIFIED_AT,
    RT_ROLE_DELETED,
    RT_ROLE_ORIGIN,
    RT_ROLE_FINGERPRINT
};

enum rt_type {
    RT_TYPE_TEXT,
    RT_TYPE_ID,
    RT_TYPE_CODE,
    RT_TYPE_DATE,
    RT_TYPE_DATETIME,
    RT_TYPE_NUMBER,
    RT_TYPE_BOOLEAN,
    RT_TYPE_SET
};

enum rt_direction { RT_DIR_BOTH, RT_DIR_TO_NATIVE, RT_DIR_TO_EXTERNAL, RT_DIR_NONE };

struct rt_code_pair {
    char *code[2]; /* by side */
};

struct rt_codes { /* a value table, in file order: the first pair that fits decides */
    char *file;   /* as schema.csv names it, for messages */
    struct rt_code_pair *pairs;
    size_t count;
    struct rt_code_pair **sorted[2]; /* by that side's code; equal ones in file order */
};

struct rt_column { /* of a field, on one side */
    char *in;      /* header in that side's files; NULL: not there */
    char *out;     /* header in the delta for that side: x_out, else in; NULL: not there */
    size_t max;    /* characters that the side can hold; 0: no limit */
    char *format;  /* or NULL for the type's default */
};

struct rt_field {
    char *name;
    enum rt_role role;
    enum rt_type type;
    enum rt_direction direction;   /* effective: `none` where nothing can flow */
    struct rt_column column[2];    /* by side */
    struct rt_codes codes;         /* for RT_TYPE_CODE with `values` */
    const char *timezone[2];       /* of the side, for zone-less times; borrowed from the config */
    const struct rt_zone *zone[2]; /* the same, ready for use (zone.h); NULL: UTC */
    bool is_plain;        /* both sides write a value the same way: no conversion between them */
    size_t content_index; /* or RT_NOT_CONTENT */
    unsigned line;        /* in schema.csv */
};

#define RT_NOT_CONTENT ((size_t)-1)

struct rt_schema {
    struct rt_field *fields;
    size_t count;
    struct rt_field **content; /* content fields by content index */
    size_t content_count;
    struct rt_field **id[2]; /* fields of the ID that side s gives, in schema order */
    size_t id_count[2];
    struct rt_field *modified_at, *deleted, *origin; /* or NULL */
    bool has_fingerprint;
    struct rt_zone *zone[2]; /* by side; read only if there are datetime fields */
};

/*
 * Reads a schema.  `codes` reads the value table named in a `values` cell (a path relative to the
 * profile) into *text, which the caller of it frees: so that this module opens no files.
 * RT_CONFIG with "schema.csv: line N, column NAME: ..." for anything that will not do.
 */
struct rt_schema_files {
    int (*read)(void *context, const char *path, struct rt_buf *text, struct rt_err *err);
    void *context;
};
int rt_schema_parse(struct rt_slice text, const char *path, const struct rt_config *config,
                    const struct rt_schema_files *files, struct rt_schema **schema,
                    struct rt_err *err) RT_MUST_CHECK;
void rt_schema_free(struct rt_schema *schema);

/*
 * What only settings and schema together can tell: deletes = propagate, conflict = newest, extra
 * columns that repeat a header, a side without a column for the other side's ID.  RT_CONFIG with
 * the setting and what to do.
 */
int rt_settings_check(const struct rt_config *config, const struct rt_schema *schema,
                      struct rt_err *err) RT_MUST_CHECK;

/* Does a value of this field flow to that side?  Of both-way fields: to either. */
bool rt_field_flows_to(const struct rt_field *field, enum rt_side side);

/* Is it (a part of) an ID?  And the role of the ID that a side gives. */
static inline bool rt_role_is_id(enum rt_role role)
{
    return role == RT_ROLE_EXTERNAL_ID || role == RT_ROLE_NATIVE_ID;
}

static inline enum rt_role rt_role_of_id(enum rt_side side)
{
    return side == RT_EXTERNAL ? RT_ROLE_EXTERNAL_ID : RT_ROLE_NATIVE_ID;
}

/* NULL if there is no such field. */
const struct rt_field *rt_schema_find(const struct rt_schema *schema, const char *name);

/* Words of schema.csv, for reports: "text", "to_native", "external_id"; "" for RT_ROLE_NONE. */
const char *rt_type_name(enum rt_type type);
const char *rt_role_name(enum rt_role role);
const char *rt_direction_name(enum rt_direction direction);

/*
 * The part of schema and settings whose change must stop the program (roundtrip-schema(5)):
 * every line of the schema that is not `none` by direction, with its columns, types, formats and
 * codes, in an order that does not depend on the lines' order, then `eligible`, `mode`, time zones.
 * As text, one line each ("field summary: type text, both, external Summary, native SUMMARY"),
 * sorted, so that a difference can be shown to people line by line.
 */
void rt_schema_contract(const struct rt_schema *schema, const struct rt_config *config,
                        struct rt_buf *out);

/*
 * Has the table of codes only grown, or was sorted, since that contract?  Then all pairs that it
 * had are there still, and decide as before; `old` gets them in their old order, borrowed from the
 * field, for free(old->pairs).  False also if there was no table.
 */
bool rt_schema_codes_grew(const struct rt_field *field, const char *contract, struct rt_codes *old);

/* Did the field flow in any direction under that contract? */
bool rt_schema_flowed(const struct rt_field *field, const char *contract);

#endif
