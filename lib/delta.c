#include "lib/delta.h"

int rt_delta_format_init(struct rt_delta_format *format, const struct rt_rules *rules,
                         enum rt_side side, int64_t written_at, struct rt_err *err)
{
    const struct rt_side_config *settings = &rules->config->side[side];
    struct rt_csv_writer_options options = {.delimiter = settings->delimiter,
                                            .crlf = settings->crlf,
                                            .quote_all = settings->quote_all,
                                            .encoding = settings->encoding};

    *format = (struct rt_delta_format){.rules = rules, .side = side, .written_at = written_at};
    return rt_csv_writer_init(&format->writer, &options, err);
}

void rt_delta_format_clear(struct rt_delta_format *format)
{
    rt_csv_writer_clear(&format->writer);
}

/* Is there a column for this content field in the side's delta?  One-way fields only go their way.
 */
static bool is_written(const struct rt_delta_format *format, const struct rt_field *field)
{
    return field->content_index != RT_NOT_CONTENT && field->column[format->side].out != NULL &&
           rt_field_flows_to(field, format->side);
}

static int put(struct rt_delta_format *format, struct rt_buf *out, const char *text,
               struct rt_err *err)
{
    return rt_csv_put(&format->writer, out, rt_slice_str(text), err);
}

/* A word of the settings, such as a header or a label: can the side's files hold it? */
static int check_word(const struct rt_delta_format *format, const char *word, struct rt_err *err)
{
    if (rt_csv_fits(&format->writer, rt_slice_str(word)))
        return 0;
    return rt_err_set(
        err, RT_CONFIG,
        "%s: %s cannot hold \"%.100s\", which is written for that side; change one of them",
        rt_config_place(format->rules->config, rt_side_name(format->side), "encoding").text,
        format->writer.options.encoding, word);
}

static int put_header(struct rt_delta_format *format, struct rt_buf *out, const char *header,
                      struct rt_err *err)
{
    return check_word(format, header, err) < 0 ? -1 : put(format, out, header, err);
}

static int put_id_headers(struct rt_delta_format *format, struct rt_buf *out, struct rt_err *err)
{
    const struct rt_schema *schema = format->rules->schema;

    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < schema->id_count[s]; i++) {
            const char *header = schema->id[s][i]->column[format->side].out;

            if (header != NULL && put_header(format, out, header, err) < 0)
                return -1;
        }
    }
    return 0;
}

int rt_delta_header(struct rt_delta_format *format, struct rt_buf *out, struct rt_err *err)
{
    const struct rt_schema *schema = format->rules->schema;
    const struct rt_side_config *settings = &format->rules->config->side[format->side];
    const char *deleted = rt_rules_deleted_header(format->rules, format->side);
    const char *origin = schema->origin ? schema->origin->column[format->side].out : NULL;

    if (put_id_headers(format, out, err) < 0)
        return -1;
    for (size_t i = 0; i < schema->content_count; i++)
        if (is_written(format, schema->content[i]) &&
            put_header(format, out, schema->content[i]->column[format->side].out, err) < 0)
            return -1;
    if ((deleted != NULL && put_header(format, out, deleted, err) < 0) ||
        (origin != NULL && put_header(format, out, origin, err) < 0) ||
        (settings->written_at_column != NULL &&
         put_header(format, out, settings->written_at_column, err) < 0) ||
        (settings->action_column != NULL &&
         put_header(format, out, settings->action_column, err) < 0))
        return -1;
    rt_csv_end_row(&format->writer, out);
    return 0;
}

int rt_delta_check(const struct rt_config *config, const struct rt_schema *schema,
                   enum rt_side side, struct rt_err *err)
{
    struct rt_rules rules = {.config = config, .schema = schema};
    struct rt_delta_format format;
    struct rt_buf header = {0};
    int rc = rt_delta_format_init(&format, &rules, side, 0, err);

    if (rc == 0)
        rc = rt_delta_header(&format, &header, err);
    for (int s = 0; s < 2 && rc == 0; s++)
        if (schema->origin != NULL && schema->origin->column[side].out != NULL)
            rc = check_word(&format, config->side[s].label, err);
    rt_delta_format_clear(&format);
    rt_buf_clear(&header);
    return rc;
}

static int put_ids(struct rt_delta_format *format, const struct rt_delta_cells *cells,
                   struct rt_buf *out, struct rt_err *err)
{
    const struct rt_schema *schema = format->rules->schema;
    struct rt_arena arena = {0};
    int rc = 0;

    for (int s = 0; s < 2 && rc == 0; s++) {
        size_t n = schema->id_count[s];
        struct rt_slice one = cells->id[s], *parts = &one;

        if (n > 1) {
            parts = rt_arena_alloc(&arena, n * sizeof *parts);
            rt_id_split(cells->id[s], n, &arena, parts);
        }
        for (size_t i = 0; i < n && rc == 0; i++)
            if (schema->id[s][i]->column[format->side].out != NULL)
                rc = rt_csv_put(&format->writer, out, parts[i], err);
    }
    rt_arena_clear(&arena);
    return rc;
}

/* Does a column say what is wanted?  Not for a field that does not flow to the side for this record
   (single trip), unless nothing is there: what is inserted again is inserted whole. */
static bool is_told(const struct rt_delta_format *format, const struct rt_record *record,
                    const struct rt_field *field, struct rt_value want)
{
    return rt_value_is_known(want) &&
           (rt_record_flows_to(format->rules, record, field, format->side) ||
            record->end[format->side].seen == NULL);
}

/* What a column says.  What is there, where it does not say what is wanted, or its source has not
   told that yet: unknown is not empty.  So also for what the side shows itself beyond its limit, or
   the row would cut it. */
static struct rt_value value_for(const struct rt_delta_format *format,
                                 const struct rt_delta_cells *cells, const struct rt_field *field)
{
    const struct rt_record *record = cells->record;
    struct rt_value want = rt_content_value(cells->content, field->content_index), there;
    bool is_wanted;

    if (record == NULL)
        return want;
    is_wanted = is_told(format, record, field, want);
    if (is_wanted && field->column[format->side].max == 0)
        return want; /* the usual case */
    there = rt_content_value(record->end[format->side].seen, field->content_index);
    return !is_wanted || rt_value_is_beyond(field, format->side, there, want) ? there : want;
}

static int put_fields(struct rt_delta_format *format, const struct rt_delta_cells *cells,
                      struct rt_buf *out, struct rt_err *err)
{
    const struct rt_schema *schema = format->rules->schema;
    struct rt_buf text = {0};
    int rc = 0;

    for (size_t i = 0; i < schema->content_count && rc == 0; i++) {
        const struct rt_field *field = schema->content[i];

        if (!is_written(format, field))
            continue;
        rt_buf_reset(&text);
        rt_value_render(field, value_for(format, cells, field), format->side, &text);
        rc = rt_csv_put(&format->writer, out, rt_buf_slice(&text), err);
        if (rc < 0)
            rt_err_context(err, "field %s", field->name);
    }
    rt_buf_clear(&text);
    return rc;
}

/* "Y/N" or the side's own words for it: the part before or behind the slash. */
static struct rt_slice yes_or_no(const struct rt_field *field, enum rt_side side, bool is_yes)
{
    const char *words = field->column[side].format ? field->column[side].format : "Y/N";
    const char *slash = strchr(words, '/');

    if (slash == NULL)
        return rt_slice_str(is_yes ? "Y" : "N");
    return is_yes ? rt_slice_from(words, (size_t)(slash - words)) : rt_slice_str(slash + 1);
}

struct rt_delta_cells rt_delta_cells_of(const struct rt_record *record, enum rt_action action)
{
    return (struct rt_delta_cells){.id = {record->end[0].id, record->end[1].id},
                                   .content = record->want,
                                   .born = record->born,
                                   .action = action,
                                   .record = record};
}

int rt_delta_row(struct rt_delta_format *format, const struct rt_delta_cells *cells,
                 struct rt_buf *out, struct rt_err *err)
{
    const struct rt_schema *schema = format->rules->schema;
    const struct rt_config *config = format->rules->config;
    const struct rt_side_config *settings = &config->side[format->side];
    char time[RT_TIME_SIZE];

    if (put_ids(format, cells, out, err) < 0 || put_fields(format, cells, out, err) < 0)
        return -1;
    if (rt_rules_deleted_header(format->rules, format->side) != NULL &&
        rt_csv_put(&format->writer, out,
                   yes_or_no(schema->deleted, format->side, cells->action == RT_ACTION_DELETE),
                   err) < 0)
        return -1;
    if (schema->origin != NULL && schema->origin->column[format->side].out != NULL &&
        put(format, out, config->side[cells->born].label, err) < 0)
        return -1;
    if (settings->written_at_column != NULL &&
        put(format, out, rt_time_format(format->written_at, time), err) < 0)
        return -1;
    if (settings->action_column != NULL && put(format, out, rt_action_name(cells->action), err) < 0)
        return -1;
    rt_csv_end_row(&format->writer, out);
    return 0;
}

const struct rt_field *rt_delta_misfit(struct rt_delta_format *format,
                                       const struct rt_delta_cells *cells)
{
    const struct rt_schema *schema = format->rules->schema;
    const struct rt_field *misfit = NULL;
    struct rt_buf text = {0};

    if (format->writer.iconv == NULL)
        return NULL;
    for (int s = 0; s < 2 && misfit == NULL; s++)
        if (schema->id_count[s] && !rt_csv_fits(&format->writer, cells->id[s]))
            misfit = schema->id[s][0];
    for (size_t i = 0; i < schema->content_count && misfit == NULL; i++) {
        const struct rt_field *field = schema->content[i];

        if (!is_written(format, field))
            continue;
        rt_buf_reset(&text);
        rt_value_render(field, value_for(format, cells, field), format->side, &text);
        if (!rt_csv_fits(&format->writer, rt_buf_slice(&text)))
            misfit = field;
    }
    rt_buf_clear(&text);
    return misfit;
}
