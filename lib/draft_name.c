#include "lib/draft_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- words ---- */

#define MOST_WORDS 8

struct words {
    char word[MOST_WORDS][32];
    size_t count;
};

/* Words that mean the same in headers; the first one stands for all. */
static const char *const synonyms[][9] = {
    {"postal", "zip", "postcode", "plz", "zipcode", "postalcode"},
    {"phone", "telephone", "tel", "telefon", "mobile"},
    {"email", "mail"},
    {"first", "given", "forename", "vorname"},
    {"last", "family", "surname", "nachname"},
    {"description", "notes", "note", "body", "comment", "comments", "remarks", "details",
     "bemerkung"},
    {"summary", "subject", "title", "headline", "betreff"},
    {"date", "datum", "day", "dt"},
    {"amount", "amt", "sum", "betrag"},
    {"modified", "updated", "changed", "chg", "mod", "geaendert"},
    {"created", "added", "entered"},
    {"quantity", "qty", "anzahl"},
    {"organization", "organisation", "org", "company"},
    {"start", "begin", "from", "starts"},
    {"end", "until", "to", "ends"},
    {"owner", "assignee", "assigned"},
    {"due", "deadline"},
    {"city", "town", "ort"},
    {"address", "street", "strasse"},
    {"number", "no", "nr", "num", "nummer"},
    {"fund", "designation"},
    {"receipt", "acknowledgment", "quittung"},
};

static const char *const noise[] = {"primary", "the", "of",  "a",   "record", "is",
                                    "has",     "at",  "for", "and", "e",      "interaction"};

static const char *meaning(const char *word)
{
    for (size_t i = 0; i < COUNT(synonyms); i++)
        for (size_t k = 0; k < COUNT(synonyms[i]) && synonyms[i][k] != NULL; k++)
            if (strcmp(synonyms[i][k], word) == 0)
                return synonyms[i][0];
    return word;
}

static bool is_noise(const char *word)
{
    for (size_t i = 0; i < COUNT(noise); i++)
        if (strcmp(noise[i], word) == 0)
            return true;
    return false;
}

/* visitDate, VisitDate and EVERTRUEId: does a word begin at p? */
static bool begins_word(const char *header, const char *p)
{
    return isupper((unsigned char)*p) && p > header &&
           (islower((unsigned char)p[-1]) || isdigit((unsigned char)p[-1]) ||
            (isupper((unsigned char)p[-1]) && islower((unsigned char)p[1])));
}

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static void split(const char *header, struct words *words)
{
    size_t n = 0;

    *words = (struct words){0};
    for (const char *p = header; *p && words->count < MOST_WORDS; p++) {
        if (n && (!is_letter(*p) || begins_word(header, p))) {
            words->count++;
            n = 0;
        }
        if (is_letter(*p) && words->count < MOST_WORDS && n < sizeof words->word[0] - 1)
            words->word[words->count][n++] = (char)tolower((unsigned char)*p);
    }
    if (n && words->count < MOST_WORDS)
        words->count++;
}

static bool holds(const struct words *words, const char *wanted)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(meaning(words->word[i]), meaning(wanted)) == 0)
            return true;
    return false;
}

bool rt_name_has_word(const char *header, const char *word)
{
    struct words words;

    split(header, &words);
    return holds(&words, word);
}

/* ---- two names ---- */

/* "Visit Date" and VISIT_DATE become "visitdate". */
static void normalise(const char *header, char out[64])
{
    size_t n = 0;

    for (; *header && n < 63; header++)
        if (is_letter(*header))
            out[n++] = (char)tolower((unsigned char)*header);
    out[n] = '\0';
    if (strncmp(out, "interaction", 11) == 0 && n > 11)
        memmove(out, out + 11, n - 10);
}

/* Is every word of a, but noise, in b?  False if there is none. */
static bool is_within(const struct words *a, const struct words *b)
{
    size_t counted = 0;

    for (size_t i = 0; i < a->count; i++) {
        if (is_noise(a->word[i]))
            continue;
        if (!holds(b, a->word[i]))
            return false;
        counted++;
    }
    return counted > 0;
}

enum rt_likeness rt_name_likeness(const char *a, const char *b)
{
    char x[64], y[64];
    struct words left, right;
    bool is_left, is_right;

    normalise(a, x);
    normalise(b, y);
    if (*x && strcmp(x, y) == 0)
        return RT_NAMES_ARE_SAME;
    split(a, &left);
    split(b, &right);
    is_left = is_within(&left, &right);
    is_right = is_within(&right, &left);
    return is_left && is_right   ? RT_NAMES_MEAN_THE_SAME
           : is_left || is_right ? RT_NAMES_OVERLAP
                                 : RT_NAMES_DIFFER;
}

/* ---- IDs ---- */

static int word_id_score(const char *word)
{
    static const char *const not_ids[] = {"paid", "bid", "said", "aid", "mid", "void", "laid"};
    static const char *const weak[] = {"number", "no",   "nr",        "num", "nummer",
                                       "ref",    "code", "reference", "line"};
    size_t n = strlen(word);

    for (size_t i = 0; i < COUNT(not_ids); i++)
        if (strcmp(word, not_ids[i]) == 0)
            return 0;
    if (n >= 2 && n <= 4 && strcmp(word + n - 2, "id") == 0)
        return 4;
    if (strcmp(word, "key") == 0 || strcmp(word, "uuid") == 0 || strcmp(word, "guid") == 0)
        return 3;
    for (size_t i = 0; i < COUNT(weak); i++)
        if (strcmp(word, weak[i]) == 0)
            return 2;
    return 0;
}

int rt_name_id_score(const char *header)
{
    /* IDs of what a record points to, more often than of the record. */
    static const char *const others[] = {
        "constituent", "proposal", "contact", "donor",     "campaign", "fund",       "user",
        "parent",      "person",   "account", "household", "phone",    "designation"};
    struct words words;
    int score = 0;

    split(header, &words);
    for (size_t i = 0; i < words.count; i++) {
        int one = word_id_score(words.word[i]);

        score = one > score ? one : score;
    }
    if (score == 0)
        return 0;
    for (size_t i = 0; i < COUNT(others); i++)
        score -= holds(&words, others[i]) ? 2 : 0;
    return score > 0 ? score : 1;
}

/* ---- a name for a field ---- */

static bool is_taken(const struct rt_draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->count; i++)
        if (strcmp(draft->lines[i].field, name) == 0)
            return true;
    return false;
}

const char *rt_name_of_field(const struct rt_draft *draft, const char *header,
                             struct rt_arena *arena)
{
    struct words words;
    char name[MOST_WORDS * 33];
    const char *unique;
    size_t n = 0;

    split(header, &words);
    for (size_t i = 0; i < words.count; i++) {
        size_t before = n;

        for (const char *p = words.word[i]; *p && n < 56; p++)
            if (isalnum((unsigned char)*p)) {
                if (before && n == before)
                    name[n++] = '_';
                name[n++] = *p;
            }
    }
    name[n] = '\0';
    unique = n == 0 || isdigit((unsigned char)*name) ? rt_arena_printf(arena, "field_%s", name)
                                                     : rt_arena_strdup(arena, name);
    for (int k = 2; is_taken(draft, unique); k++)
        unique = rt_arena_printf(arena, "%s_%d", name, k);
    return unique;
}
