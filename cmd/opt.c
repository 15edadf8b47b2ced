#include "cmd/cmd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Options that every command takes. */
const struct rt_option rt_global_options[] = {
    {"json", NULL, "print one JSON object at the end instead of the usual results"},
    {"quiet", NULL, "say nothing but results and errors (-q)"},
    {"verbose", NULL, "say more (-v)"},
    {"no-progress", NULL, "no progress bar, also on a terminal"},
    {"wait", "SECONDS", "wait for another run that holds the lock"},
    {"help", NULL, "show this help"},
    {NULL, NULL, NULL},
};

static const struct rt_option *find(const struct rt_option *options, struct rt_slice name)
{
    for (; options != NULL && options->name != NULL; options++)
        if (rt_slice_is_str(name, options->name))
            return options;
    return NULL;
}

const struct rt_option *rt_option_find(const struct rt_cmd *cmd, struct rt_slice name)
{
    const struct rt_option *option = find(cmd->options, name);

    return option ? option : find(rt_global_options, name);
}

static int unknown_option(const struct rt_cmd *cmd, const char *word, struct rt_slice name,
                          struct rt_err *err)
{
    const char *known[64];
    char *text = rt_xstrndup(name.ptr, name.len);
    const char *near;
    size_t n = 0;

    for (const struct rt_option *o = cmd->options; o != NULL && o->name != NULL && n < 50; o++)
        known[n++] = o->name;
    for (const struct rt_option *o = rt_global_options; o->name != NULL; o++)
        known[n++] = o->name;
    near = rt_nearest(text, known, n);
    rt_err_set(err, RT_USAGE, "unknown option %s%s%s%s roundtrip %s --help lists them", word,
               near ? ": did you mean --" : ":", near ? near : "", near ? "?" : "", cmd->name);
    free(text);
    return -1;
}

static int set_global(struct rt_session *session, const struct rt_option *option, const char *value,
                      struct rt_err *err)
{
    char *end;
    long seconds;

    if (strcmp(option->name, "json") == 0)
        session->json = true;
    else if (strcmp(option->name, "quiet") == 0)
        session->quiet = true;
    else if (strcmp(option->name, "verbose") == 0)
        session->verbose = true;
    else if (strcmp(option->name, "no-progress") == 0)
        session->no_progress = true;
    else if (strcmp(option->name, "help") == 0)
        return 1;
    else if (value != NULL) {
        seconds = strtol(value, &end, 10);
        session->wait = seconds > INT_MAX ? INT_MAX : (int)seconds;
        if (end == value || *end || seconds < 0)
            return rt_err_set(err, RT_USAGE, "--wait %s: not a number of seconds", value);
    }
    return 0;
}

static void remember(struct rt_args *args, const struct rt_option *option, const char *value)
{
    args->given = rt_xgrow(args->given, args->given_count, sizeof *args->given);
    args->given[args->given_count].option = option;
    args->given[args->given_count++].value = value;
}

/* --name, --name=value or --name value; *i is moved to the last word used. */
static int take_long(struct rt_args *args, struct rt_session *session, int argc, char **argv,
                     int *i, struct rt_err *err)
{
    const char *word = argv[*i], *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
    struct rt_slice name =
        rt_slice_from(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
    const struct rt_option *option = find(args->cmd->options, name),
                           *global = find(rt_global_options, name);
    const struct rt_option *found = option ? option : global;

    if (found == NULL)
        return unknown_option(args->cmd, word, name, err);
    if (found->argument == NULL && value != NULL)
        return rt_err_set(err, RT_USAGE, "--%s takes no value", found->name);
    if (found->argument != NULL && value == NULL) {
        if (*i + 1 >= argc)
            return rt_err_set(err, RT_USAGE, "--%s needs a value: %s", found->name,
                              found->argument);
        value = argv[++*i];
    }
    if (option == NULL)
        return set_global(session, global, value, err);
    remember(args, option, value);
    return 0;
}

static int take_short(struct rt_args *args, struct rt_session *session, const char *word,
                      struct rt_err *err)
{
    if (strcmp(word, "-q") == 0)
        session->quiet = true;
    else if (strcmp(word, "-v") == 0)
        session->verbose = true;
    else if (strcmp(word, "-h") == 0)
        return 1;
    else
        return unknown_option(args->cmd, word, rt_slice_str(word + 1), err);
    return 0;
}

int rt_args_parse(const struct rt_cmd *cmd, int argc, char **argv, struct rt_session *session,
                  struct rt_args *args, struct rt_err *err)
{
    bool only_words = false;
    int rc = 0;

    *args = (struct rt_args){.cmd = cmd};
    args->words = rt_xcalloc((size_t)argc + 1, sizeof *args->words);
    for (int i = 0; rc == 0 && i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (!only_words && strncmp(argv[i], "--", 2) == 0)
            rc = take_long(args, session, argc, argv, &i, err);
        else if (!only_words && argv[i][0] == '-' && argv[i][1] == 'C' && argv[i][2] == '\0') {
            if (i + 1 >= argc)
                rc = rt_err_set(err, RT_USAGE, "-C needs a folder");
            else
                session->profile = argv[++i];
        } else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0')
            rc = take_short(args, session, argv[i], err);
        else
            args->words[args->word_count++] = argv[i];
    }
    return rc;
}

void rt_args_clear(struct rt_args *args)
{
    free(args->given);
    free(args->words);
    *args = (struct rt_args){0};
}

const char *rt_args_each(const struct rt_args *args, const char *option, size_t i)
{
    for (size_t g = 0; g < args->given_count; g++)
        if (strcmp(args->given[g].option->name, option) == 0 && i-- == 0)
            return args->given[g].value ? args->given[g].value : "";
    return NULL;
}

bool rt_args_has(const struct rt_args *args, const char *option)
{
    return rt_args_each(args, option, 0) != NULL;
}

const char *rt_args_get(const struct rt_args *args, const char *option)
{
    const char *value = NULL, *next;

    for (size_t i = 0; (next = rt_args_each(args, option, i)) != NULL; i++)
        value = next;
    return value;
}

int rt_args_count(const struct rt_args *args, size_t from, size_t to, struct rt_err *err)
{
    if (args->word_count < from)
        return rt_err_set(err, RT_USAGE, "something is missing: roundtrip %s %s", args->cmd->name,
                          args->cmd->synopsis);
    if (args->word_count > to)
        return rt_err_set(err, RT_USAGE, "\"%s\" is one word too many: roundtrip %s%s%s",
                          args->words[to], args->cmd->name, *args->cmd->synopsis ? " " : "",
                          args->cmd->synopsis);
    return 0;
}

static void list_options(const struct rt_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        char left[64];

        snprintf(left, sizeof left, "--%s%s%s", options->name, options->argument ? " " : "",
                 options->argument ? options->argument : "");
        rt_say("  %-22s %s\n", left, options->help);
    }
}

void rt_args_help(const struct rt_cmd *cmd)
{
    rt_say("usage: roundtrip [-C DIR] %s%s%s\n\n%s\n", cmd->name, *cmd->synopsis ? " " : "",
           cmd->synopsis, cmd->summary);
    if (cmd->options != NULL) {
        rt_say("\noptions:\n");
        list_options(cmd->options);
    }
    rt_say("\nall commands:\n");
    list_options(rt_global_options);
    rt_say("\nman roundtrip-%s tells more, with examples and exit statuses.\n", cmd->name);
}
