#include "cmd/complete.h"

#include "lib/review.h"

#include <stdio.h>
#include <stdlib.h>

/* What a word is, by its name in help texts and in the table below. */
static const struct {
    const char *name;
    enum rt_complete_state what;
} from_state[] = {
    {"ID", RT_COMPLETE_ID},         {"HELD", RT_COMPLETE_HELD}, {"OUTBOX", RT_COMPLETE_OUTBOX},
    {"DELTA", RT_COMPLETE_HANDED},  {"SIDE", RT_COMPLETE_SIDE}, {"N-ITEM", RT_COMPLETE_ITEM},
    {"HANDED", RT_COMPLETE_HANDED},
};

/* The operands of each command.  The last kind of one that `repeats` is that of all further ones.
 */
static const struct operands {
    const char *command;
    const char *kinds[3];
    bool repeats;
} operands[] = {
    {"init", {"DIR"}, false},
    {"check", {NULL}, false},
    {"fetch", {"SIDE", "FILE"}, true},
    {"diff", {"SIDE", "FILE"}, true},
    {"emit", {NULL}, false},
    {"push", {"SIDE"}, false},
    {"run", {NULL}, false},
    {"withdraw", {"OUTBOX"}, false},
    {"baseline", {NULL}, false},
    {"bind", {"BIND", "ID", "NEW"}, false},
    {"confirm", {"HANDED"}, false},
    {"retry", {"HANDED"}, true},
    {"review", {"VERB", "N-ITEM", "SIDE"}, false},
    {"hold", {"ID"}, true},
    {"release", {"HELD"}, true},
    {"pause", {NULL}, false},
    {"resume", {NULL}, false},
    {"status", {NULL}, false},
    {"log", {NULL}, false},
    {"show", {"ID"}, false},
    {"report", {"FILE"}, false},
    {"backup", {"FILE"}, false},
    {"rebuild", {NULL}, false},
};

/* A command line, up to the word that is completed. */
struct line {
    const struct rt_cmd *cmd;
    const char *profile, *word;
    const struct rt_option *option; /* whose value is the word */
    bool is_folder;                 /* the word is that of -C */
    bool only_words, rekey;
    size_t count; /* operands in front of the word */
};

/* ---- reading the line ---- */

static const struct rt_cmd *command_of(const char *word)
{
    for (size_t i = 0; rt_commands[i] != NULL; i++)
        if (strcmp(rt_commands[i]->name, word) == 0)
            return rt_commands[i];
    return NULL;
}

/* bash takes --name=value and side:ID apart: the sign alone is a word. */
static bool is_sign(struct line *line, const char *word)
{
    if (strcmp(word, ":") == 0 && line->count > 0)
        line->count--;
    return strcmp(word, ":") == 0 || strcmp(word, "=") == 0;
}

static void take_option(struct line *line, const char *word)
{
    const struct rt_option *option =
        line->cmd ? rt_option_find(line->cmd, rt_slice_str(word + 2)) : NULL;

    if (strcmp(word, "--") == 0)
        line->only_words = true;
    else if (option != NULL && option->argument != NULL)
        line->option = option;
    if (strcmp(word, "--rekey") == 0)
        line->rekey = true;
}

static void take(struct line *line, const char *word)
{
    if (is_sign(line, word))
        return;
    if (line->is_folder) {
        line->profile = word;
        line->is_folder = false;
    } else if (line->option != NULL)
        line->option = NULL;
    else if (!line->only_words && strcmp(word, "-C") == 0)
        line->is_folder = true;
    else if (!line->only_words && word[0] == '-' && word[1] != '\0')
        take_option(line, word);
    else if (line->cmd == NULL)
        line->cmd = command_of(word);
    else
        line->count++;
}

/* ---- offering ---- */

void rt_complete_offer(const char *word, const char *candidate, const char *description)
{
    if (strncmp(candidate, word, strlen(word)) == 0 && strpbrk(candidate, "\t\n\r") == NULL)
        rt_say("%s\t%.*s\n", candidate, (int)strcspn(description, "\t\n\r"), description);
}

static void offer_options(const struct rt_option *option, const char *word)
{
    for (; option != NULL && option->name != NULL; option++) {
        char text[64];

        snprintf(text, sizeof text, "--%s", option->name);
        rt_complete_offer(word, text, option->help);
    }
}

static void offer_front(const char *word)
{
    if (*word == '-') {
        rt_complete_offer(word, "-C", "the profile's folder");
        rt_complete_offer(word, "-q", "say nothing but results and errors");
        rt_complete_offer(word, "-v", "say more");
        rt_complete_offer(word, "--help", "show the commands");
        rt_complete_offer(word, "--version", "show the versions of the program and its libraries");
        return;
    }
    for (size_t i = 0; rt_commands[i] != NULL; i++)
        rt_complete_offer(word, rt_commands[i]->name, rt_commands[i]->summary);
}

/* Words that are the same everywhere.  False: it is another kind. */
static bool offer_fixed(const char *kind, const char *word)
{
    static const struct {
        const char *kind, *word, *description;
    } fixed[] = {
        {"FORMAT", "summary", "for people"},
        {"FORMAT", "csv", "one line a field"},
        {"FORMAT", "json", "the same, one object a line"},
        {"VERB", "list", "the open items"},
        {"VERB", "show", "one item, with both sides' values"},
        {"VERB", "accept", "yes to what an item proposes"},
        {"VERB", "dismiss", "no to it"},
        {"VERB", "take", "decide a conflict: the value of a side"},
        {"NAME", "evertrue", "interactions of EverTrue and a database"},
        {"NAME", "contacts", "contacts of a donation site and a CRM"},
        {"NAME", "plain", "anything else"},
    };
    bool any = false;

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(fixed[i].kind, kind) == 0) {
            rt_complete_offer(word, fixed[i].word, fixed[i].description);
            any = true;
        }
    for (int k = 0; strcmp(kind, "KIND") == 0 && k < RT_KIND_COUNT; k++)
        rt_complete_offer(word, rt_kind_text((enum rt_kind)k)->name,
                          rt_kind_text((enum rt_kind)k)->why);
    return any || strcmp(kind, "KIND") == 0;
}

static void offer(const struct line *line, const char *kind)
{
    if (strcmp(kind, "FILE") == 0 || strcmp(kind, "CSV") == 0)
        rt_say(":files\n");
    else if (strcmp(kind, "DIR") == 0)
        rt_say(":dirs\n");
    else if (strcmp(kind, "BIND") == 0)
        offer(line, line->rekey ? "SIDE" : "FILE");
    else if (!offer_fixed(kind, line->word))
        for (size_t i = 0; i < sizeof from_state / sizeof *from_state; i++)
            if (strcmp(from_state[i].name, kind) == 0)
                rt_complete_from_state(line->profile, from_state[i].what, line->word);
}

static void offer_operand(const struct line *line)
{
    for (size_t i = 0; i < sizeof operands / sizeof *operands; i++) {
        size_t at = line->count;

        if (strcmp(operands[i].command, line->cmd->name) != 0)
            continue;
        while (operands[i].repeats && at > 0 && (at > 2 || operands[i].kinds[at] == NULL))
            at--;
        if (at < 3 && operands[i].kinds[at] != NULL)
            offer(line, operands[i].kinds[at]);
    }
}

void rt_complete(int argc, char **argv)
{
    const char *profile = getenv("ROUNDTRIP_PROFILE");
    struct line line = {.profile = profile && *profile ? profile : ".",
                        .word = argc > 0 ? argv[argc - 1] : ""};

    for (int i = 0; i + 1 < argc; i++)
        take(&line, argv[i]);
    if (strcmp(line.word, "=") == 0 || strcmp(line.word, ":") == 0)
        line.word = "";
    if (line.is_folder)
        rt_say(":dirs\n");
    else if (line.option != NULL)
        offer(&line, line.option->argument);
    else if (line.cmd == NULL)
        offer_front(line.word);
    else if (!line.only_words && *line.word == '-') {
        offer_options(line.cmd->options, line.word);
        offer_options(rt_global_options, line.word);
        rt_complete_offer(line.word, "-C", "the profile's folder");
    } else
        offer_operand(&line);
}
