/*
 * Makes interactions to measure with: 22 columns, about 520 bytes a row, notes of log-normal length
 * of which many hold line breaks and quotes.  The same arguments give the same bytes.
 *
 *   generate ROWS OUT [--next] [--shuffle] [--quote-all] [--crlf] [--rows-changed K]
 *
 * Without --next, the base.  With it, what the same system holds a day later: of 1000 rows 10 are
 * changed, 5 are gone, and 5 new ones follow at the end.  --rows-changed K writes K changed rows
 * alone, spread over all: a file of changes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    uint64_t rows, changed;
    bool is_next, is_shuffled, quotes_all, has_crlf;
};

struct writer {
    FILE *out;
    const struct options *options;
    char row[1 << 16];
    size_t len;
    bool is_first;
};

/* ---- numbers by chance that depend on nothing but where they are used ---- */

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t chance(uint64_t row, uint64_t what, uint64_t below)
{
    return mix(row * 64 + what) % below;
}

static double uniform(uint64_t row, uint64_t what)
{
    return ((double)(mix(row * 64 + what) >> 11) + 0.5) / 9007199254740992.0;
}

/* ---- cells ---- */

static void put(struct writer *w, const char *text, size_t len)
{
    bool is_quoted = w->options->quotes_all || memchr(text, '"', len) || memchr(text, ',', len) ||
                     memchr(text, '\n', len);

    if (!w->is_first)
        w->row[w->len++] = ',';
    w->is_first = false;
    if (is_quoted)
        w->row[w->len++] = '"';
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            w->row[w->len++] = '"';
        w->row[w->len++] = text[i];
    }
    if (is_quoted)
        w->row[w->len++] = '"';
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_number(struct writer *w, const char *format, uint64_t number)
{
    char text[64];

    put(w, text, (size_t)snprintf(text, sizeof text, format, number));
}

static void end_row(struct writer *w)
{
    if (w->options->has_crlf)
        w->row[w->len++] = '\r';
    w->row[w->len++] = '\n';
    fwrite(w->row, 1, w->len, w->out);
    w->len = 0;
    w->is_first = true;
}

static const char *const words[] = {
    "called", "visited",  "the",      "family",  "about", "a",      "scholarship", "for",
    "spring", "interest", "in",       "library", "and",   "campus", "tour",        "with",
    "dean",   "follow",   "up",       "next",    "month", "gift",   "naming",      "lunch",
    "Zürich", "café",     "daughter", "class",   "of",    "1987",   "plans",       "reunion"};

static void put_words(struct writer *w, uint64_t seed, size_t target, bool has_breaks)
{
    char text[9000];
    size_t len = 0;

    for (uint64_t i = 0; len < target && len < 8000; i++) {
        uint64_t n = mix(seed + i);
        const char *word = words[n % (sizeof words / sizeof *words)];
        size_t size = strlen(word);

        if (len > 0)
            text[len++] = has_breaks && n >> 32 & 15 ? ' ' : has_breaks ? '\n' : ' ';
        if (has_breaks && (n >> 40) % 31 == 0)
            text[len++] = '"';
        memcpy(text + len, word, size);
        len += size;
    }
    put(w, text, len);
}

static size_t body_length(uint64_t row)
{
    double normal = sqrt(-2 * log(uniform(row, 20))) * cos(2 * M_PI * uniform(row, 21));

    return chance(row, 22, 100) < 12 ? 0 : (size_t)(204 * exp(0.87 * normal));
}

static const char *const types[] = {"Visit", "Call", "Email", "Note", "Event"};
static const char *const stages[] = {"Identification", "Cultivation", "Solicitation",
                                     "Stewardship"};

static void put_row(struct writer *w, uint64_t row, bool is_changed)
{
    uint64_t day = chance(row, 1, 28) + 1, month = chance(row, 2, 12) + 1;
    char text[64];

    if (chance(row, 3, 100) < 4)
        put_text(w, "");
    else
        put_number(w, "5f%018" PRIx64, row * 2654435761u % 0xffffffffffu);
    put_number(w, "N%07" PRIu64, row);
    put_number(w, "C%06" PRIu64, chance(row, 4, 300000));
    put_words(w, mix(row * 64 + 5), 14, false);
    put_text(w, types[chance(row, 6, 5)]);
    put(w, text,
        (size_t)snprintf(text, sizeof text, "%d-%02d-%02d", 2015 + (int)chance(row, 7, 11),
                         (int)month, (int)day));
    put_words(w, mix(row * 64 + 8 + (is_changed ? 1000000007u : 0)), 30, false);
    put_words(w, mix(row * 64 + 9), body_length(row), chance(row, 10, 100) < 64);
    put_number(w, "officer%" PRIu64 "@example.org", chance(row, 11, 120));
    put_words(w, mix(row * 64 + 12), 12, false);
    put_text(w, stages[chance(row, 13, 4)]);
    put_number(w, "%" PRIu64, chance(row, 14, 100) * 500);
    put_text(w, chance(row, 15, 2) ? "Y" : "N");
    put_words(w, mix(row * 64 + 16), chance(row, 17, 3) ? 0 : 20, false);
    put_number(w, "P%05" PRIu64, chance(row, 18, 20000));
    put_text(w, chance(row, 19, 4) ? "" : "Spring campaign");
    put_text(w, "Advancement");
    put_number(w, "%" PRIu64 " Main Street", chance(row, 23, 999));
    put_text(w, chance(row, 24, 3) ? "Springfield" : "Shelbyville");
    put_number(w, "+1 555 01%02" PRIu64, chance(row, 25, 100));
    put_text(w, "imported");
    put(w, text,
        (size_t)snprintf(text, sizeof text, "2026-%02d-%02d 09:30:00", (int)month, (int)day));
    end_row(w);
}

static void put_header(struct writer *w)
{
    static const char *const names[] = {
        "EXTERNAL_ID", "INTERACTION_ID", "CONSTITUENT_ID", "NAME",     "TYPE",  "DATE",
        "SUMMARY",     "BODY",           "OFFICER",        "CATEGORY", "STAGE", "AMOUNT",
        "IS_PRIVATE",  "OUTCOME",        "PROJECT",        "CAMPAIGN", "UNIT",  "STREET",
        "CITY",        "PHONE",          "SOURCE",         "CREATED"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_text(w, names[i]);
    end_row(w);
}

/* ---- which rows ---- */

static bool is_gone(uint64_t row)
{
    return chance(row, 30, 1000) < 5;
}

static bool is_changed(uint64_t row)
{
    return chance(row, 31, 1000) < 10;
}

/* Visits every number below `rows` once, in an order that looks like chance. */
static uint64_t shuffled(uint64_t i, uint64_t rows)
{
    uint64_t bits = 1, mask;

    while ((1u << bits) < rows)
        bits++;
    mask = ((uint64_t)1 << bits) - 1;
    do { /* a walk through a permutation of the next power of two */
        i = (i * 0x2545f491u + 12345) & mask;
        i ^= i >> (bits / 2);
        i = (i * 0x9e3779b1u + 99) & mask;
    } while (i >= rows);
    return i;
}

static void write_rows(struct writer *w)
{
    const struct options *o = w->options;
    uint64_t count = o->is_next ? o->rows + o->rows / 200 : o->rows;

    put_header(w);
    for (uint64_t i = 0; i < o->changed; i++)
        put_row(w, i * (o->rows / o->changed), true);
    for (uint64_t i = 0; o->changed == 0 && i < count; i++) {
        uint64_t row = o->is_shuffled ? shuffled(i, count) : i;
        bool is_new = row >= o->rows;

        if (!o->is_next || is_new || !is_gone(row))
            put_row(w, row, o->is_next && !is_new && is_changed(row));
    }
}

static int usage(void)
{
    fputs(
        "usage: generate ROWS OUT [--next] [--shuffle] [--quote-all] [--crlf] [--rows-changed K]\n",
        stderr);
    return 64;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    static struct writer w;

    if (argc < 3)
        return usage();
    options.rows = strtoull(argv[1], NULL, 10);
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--next") == 0)
            options.is_next = true;
        else if (strcmp(argv[i], "--shuffle") == 0)
            options.is_shuffled = true;
        else if (strcmp(argv[i], "--quote-all") == 0)
            options.quotes_all = true;
        else if (strcmp(argv[i], "--crlf") == 0)
            options.has_crlf = true;
        else if (strcmp(argv[i], "--rows-changed") == 0 && i + 1 < argc)
            options.changed = strtoull(argv[++i], NULL, 10);
        else
            return usage();
    }
    w = (struct writer){.out = fopen(argv[2], "wb"), .options = &options, .is_first = true};
    if (w.out == NULL) {
        perror(argv[2]);
        return 74;
    }
    write_rows(&w);
    if (fclose(w.out) != 0) {
        perror(argv[2]);
        return 74;
    }
    return 0;
}
