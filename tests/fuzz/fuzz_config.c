/*
 * roundtrip.ini.  Any text is read or refused in one line; what is read lies within its limits; and
 * a comment in front of it changes nothing but the line that a refusal names.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/config.h"
#include "lib/filename.h"
#include "lib/mem.h"

static void need_list(const struct rt_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        fuzz_need(list->items[i] != NULL && list->items[i][0], "no word of a list is empty");
}

static void need_side(const struct rt_side_config *side)
{
    fuzz_need(side->label && side->encoding && side->timezone && side->output_name && side->pattern,
              "what has a default is there");
    fuzz_need(side->port > 0 && side->port < 65536, "a port is one");
    fuzz_need(side->batch_rows == RT_NO_LIMIT || side->batch_rows > 0, "a batch has rows");
    fuzz_need(side->max_age == RT_NO_LIMIT || side->max_age >= 0, "an age is none or not negative");
    fuzz_need(side->settle >= 0 && side->timeout > 0 && side->deadline > 0, "times are sensible");
    fuzz_need(side->retries >= 0, "retries are not negative");
    fuzz_need(strchr("\"\r\n", side->delimiter) == NULL, "a delimiter that CSV can have");
    fuzz_need(side->stamp == NULL || rt_stamp_pattern_fault(side->stamp) == NULL,
              "a stamp tells a day");
    fuzz_need(side->after_fetch != RT_AFTER_MOVE || side->after_fetch_folder, "move has a folder");
    fuzz_need(side->upload != RT_UPLOAD_FOLDER || side->upload_folder, "folder has one");
    fuzz_need(strstr(side->output_name, "{stamp}") && strstr(side->output_name, "{delta}"),
              "every name is new");
    need_list(&side->host_key);
    need_list(&side->require_name);
    need_list(&side->forbid_name);
}

static void need_config(const struct rt_config *config)
{
    fuzz_need(config->name && config->name[0], "a profile has a name");
    fuzz_need(config->loop_window >= RT_NO_LIMIT && config->max_changes >= RT_NO_LIMIT &&
                  config->max_deletes >= RT_NO_LIMIT && config->keep_archive >= RT_NO_LIMIT,
              "limits are none or not negative");
    fuzz_need(config->overdue >= 0 && config->import_lag >= 0, "ages are not negative");
    for (int s = 0; s < 2; s++)
        need_side(&config->side[s]);
}

/* The number behind the first ": line "; 0: none. */
static unsigned long line_of(const char *msg)
{
    const char *at = strstr(msg, ": line ");

    return at ? strtoul(at + 7, NULL, 10) : 0;
}

static void drop_figures(char *text)
{
    char *to = text;

    for (; *text; text++)
        if (*text < '0' || *text > '9')
            *to++ = *text;
    *to = '\0';
}

/* Line numbers differ by one. */
static void need_next_line(struct rt_err a, struct rt_err b)
{
    fuzz_need(line_of(a.msg) + (line_of(a.msg) > 0) == line_of(b.msg), "a refusal names its line");
    drop_figures(a.msg);
    drop_figures(b.msg);
    fuzz_need(strncmp(a.msg, b.msg, sizeof a.msg / 2) == 0, "a comment changes no refusal");
}

static void need_comment_is_nothing(struct rt_slice text, int result, const struct rt_err *err)
{
    struct rt_config *config = NULL;
    struct rt_buf with = {0};
    struct rt_err other = {0};

    rt_buf_add_str(&with, "; a comment\n");
    rt_buf_add_slice(&with, text);
    fuzz_need(rt_config_parse(rt_buf_slice(&with), "i", "f", &config, &other) == result,
              "a comment decides nothing");
    need_next_line(*err, other);
    rt_config_free(config);
    rt_buf_clear(&with);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_slice text = rt_slice_from(data, size);
    struct rt_config *config = NULL;
    struct rt_err err = {0};
    int result = rt_config_parse(text, "i", "f", &config, &err);

    if (result == 0)
        need_config(config);
    else
        fuzz_need_error(&err, RT_CONFIG);
    fuzz_need(result == 0 || config == NULL, "no settings come of a refusal");
    if (!rt_slice_has_prefix(text, rt_slice_str("\xef\xbb\xbf")))
        need_comment_is_nothing(text, result, &err);
    rt_config_free(config);
    return 0;
}
