#include "lib/intake_internal.h"

#include "lib/source.h"

/*
 * Spreadsheets keep 15 digits of a number and write zeros for the others.  An ID may well end in
 * zeros, so it is damaged only if every long one of the file does.  The rows that are not as last
 * time raise the suspicion; then the whole file is looked through, and read again if it is so.
 *
 * The IDs of records are judged among themselves: a column next to them that was kept as text
 * proves nothing.  An ID that is a value is judged among all.  What is known as it stands is no
 * damage.
 */

/* Notes which IDs of a row are whole. */
static void look_at(struct rt_intake *in, const struct rt_csv_row *csv)
{
    const struct rt_schema *schema = in->work->rules.schema;

    for (size_t i = 0; i < schema->count; i++) {
        struct rt_slice id = rt_rowmap_id_cell(in->map, csv, i);

        if (!rt_id_is_long(id) || rt_id_is_rounded(id))
            continue;
        in->rounded.in_values = false;
        if (rt_role_is_id(schema->fields[i].role))
            in->rounded.in_keys = false;
    }
}

int rt_intake_judge_rounded(struct rt_intake *in, struct rt_err *err)
{
    struct rt_csv_options options = rt_intake_csv_options(&in->work->rules.config->side[in->side]);
    struct rt_source_file *file = NULL;
    struct rt_csv_reader *reader = NULL;
    struct rt_source source;
    struct rt_csv_row csv;
    int rc = -1;

    if (!in->rounded.is_suspected || in->rounded.is_judged)
        return 0;
    in->rounded.is_judged = in->rounded.in_keys = in->rounded.in_values = true;
    if (rt_source_open(in->path, &file, &source, err) < 0 ||
        rt_csv_open(&source, in->file.name, &options, &reader, err) < 0)
        goto out;
    while (in->rounded.in_keys && (rc = rt_csv_next(reader, &csv, err)) == 1)
        if (csv.fault == NULL)
            look_at(in, &csv);
    in->must_read_again = in->must_read_again || in->rounded.in_keys || in->rounded.in_values;
out:
    rt_csv_close(reader);
    rt_source_close(file);
    return rc < 0 ? -1 : 0;
}

/* Of the ID that side `of` gives, the first field that looks rounded; schema->count: none. */
static size_t rounded_key(const struct rt_intake *in, const struct rt_csv_row *csv, enum rt_side of)
{
    const struct rt_schema *schema = in->work->rules.schema;

    for (size_t i = 0; i < schema->id_count[of]; i++) {
        size_t field = (size_t)(schema->id[of][i] - schema->fields);

        if (rt_id_is_rounded(rt_rowmap_id_cell(in->map, csv, field)))
            return field;
    }
    return schema->count;
}

/* 1: an ID of the row looks rounded, and is not one that is known; it is taken out of the row,
 * *field: its. */
static int check_keys(struct rt_intake *in, const struct rt_csv_row *csv, struct rt_row *row,
                      size_t *field, struct rt_err *err)
{
    size_t count = in->work->rules.schema->count;
    int found = 0;

    for (int s = 0; s < 2; s++) {
        size_t at = rounded_key(in, csv, (enum rt_side)s);
        int64_t rid;
        int rc;

        if (at == count)
            continue;
        rc = rt_store_find(in->work->store, (enum rt_side)s, row->id[s], &rid, err);
        if (rc < 0)
            return -1;
        if (rc == 1)
            continue;
        if (!found)
            *field = at;
        row->id[s] = rt_slice_from(NULL, 0);
        found = 1;
    }
    return found;
}

/* Does the record hold that value on a side, or is it on its way there? */
static bool holds(struct rt_record *record, size_t content_index, struct rt_slice value)
{
    const struct rt_content **places[RT_RECORD_CONTENTS];
    size_t count = rt_record_contents(record, places);

    for (size_t i = 0; i < count; i++)
        if (rt_slice_is_equal(rt_content_value(*places[i], content_index).raw, value))
            return true;
    return false;
}

/* 1: the row's record is known, and loaded. */
static int load(struct rt_intake *in, const struct rt_row *row, struct rt_record *record,
                struct rt_err *err)
{
    int64_t rid;
    int rc = 0;

    for (int s = 0; s < 2 && rc == 0; s++)
        if (row->id[s].len > 0)
            rc = rt_store_find(in->work->store, (enum rt_side)s, row->id[s], &rid, err);
    if (rc != 1)
        return rc;
    return rt_store_load(in->work->store, rid, &in->row_arena, record, err) < 0 ? -1 : 1;
}

/* 1: a value of type id looks rounded, and is not what the record holds; *field: its. */
static int check_values(struct rt_intake *in, const struct rt_csv_row *csv,
                        const struct rt_row *row, size_t *field, struct rt_err *err)
{
    const struct rt_schema *schema = in->work->rules.schema;
    struct rt_record record;
    int rc = -2; /* not looked for yet */

    for (size_t i = 0; i < schema->count; i++) {
        struct rt_slice id = rt_rowmap_id_cell(in->map, csv, i);

        if (rt_role_is_id(schema->fields[i].role) || !rt_id_is_rounded(id))
            continue;
        if (rc == -2)
            rc = load(in, row, &record, err);
        if (rc < 0)
            return -1;
        *field = i;
        if (rc == 0 || !holds(&record, schema->fields[i].content_index, id))
            return 1;
    }
    return 0;
}

int rt_intake_check_rounded(struct rt_intake *in, const struct rt_csv_row *csv, struct rt_row *row,
                            struct rt_row_fault *fault, struct rt_err *err)
{
    size_t count = in->work->rules.schema->count, field = count;
    bool is_key_at_fault;
    int rc = 0;

    for (size_t i = 0; i < count && !in->rounded.is_suspected; i++)
        in->rounded.is_suspected = rt_id_is_rounded(rt_rowmap_id_cell(in->map, csv, i));
    if (in->rounded.in_keys)
        rc = check_keys(in, csv, row, &field, err);
    is_key_at_fault = rc == 1;
    if (rc == 0 && in->rounded.in_values)
        rc = check_values(in, csv, row, &field, err);
    if (rc != 1)
        return rc;
    *fault =
        (struct rt_row_fault){.column = rt_rowmap_column(in->map, field),
                              .has_id = row->id[0].len > 0 || row->id[1].len > 0,
                              .has_bad_id = is_key_at_fault,
                              .is_spreadsheet = is_key_at_fault,
                              .reason = "the ID looks damaged by a spreadsheet: every long ID of "
                                        "this file ends in zeros after the 15th digit"};
    return 1;
}
