#include "lib/raw_scan.h"

#include "lib/mem.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BLOCK 64 /* bytes looked at together: one bit each */

/* Where the bytes that matter stand in a block. */
struct marks {
    uint64_t quote, lf, cr, delimiter;
};

typedef void classify_fn(const char *block, char delimiter, struct marks *marks);

/* ---- a block as bits: in portable C, and for processors that do 32 bytes at once ---- */

/* One bit for each byte of `word` (its first byte the lowest) that equals the byte in `pattern`. */
static uint64_t equal_bytes(uint64_t word, uint64_t pattern)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    uint64_t x = word ^ pattern;
    uint64_t zero = ~(((x & low) + low) | x | low); /* the high bit of each byte that is zero */

    return (zero >> 7) * 0x0102040810204080u >> 56;
}

static uint64_t repeat(char c)
{
    return (unsigned char)c * 0x0101010101010101u;
}

static void classify_portable(const char *block, char delimiter, struct marks *marks)
{
    *marks = (struct marks){0};
    for (unsigned i = 0; i < BLOCK; i += 8) {
        uint64_t word;

        memcpy(&word, block + i, sizeof word);
        word = le64toh(word);
        marks->quote |= equal_bytes(word, repeat('"')) << i;
        marks->lf |= equal_bytes(word, repeat('\n')) << i;
        marks->cr |= equal_bytes(word, repeat('\r')) << i;
        marks->delimiter |= equal_bytes(word, repeat(delimiter)) << i;
    }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    __m256i pattern = _mm256_set1_epi8(c);
    uint32_t l = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, pattern));
    uint32_t h = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, pattern));

    return l | (uint64_t)h << 32;
}

__attribute__((target("avx2"))) static void classify_avx2(const char *block, char delimiter,
                                                          struct marks *marks)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));

    marks->quote = equal_avx2(low, high, '"');
    marks->lf = equal_avx2(low, high, '\n');
    marks->cr = equal_avx2(low, high, '\r');
    marks->delimiter = equal_avx2(low, high, delimiter);
}
#endif

/* ---- what the bits mean ---- */

/* What a block hands on to the next one, as its lowest bit or as all bits. */
struct carry {
    uint64_t in_quotes; /* all ones, or zero */
    uint64_t separator; /* the last byte was a delimiter or line end: a cell may begin */
    uint64_t close;     /* the last byte was a closing quote */
    uint64_t lone_cr;   /* the last byte was a CR outside quotes */
    uint32_t lines;
};

/* Bit i: is the number of ones up to and with bit i odd? */
static uint64_t prefix_xor(uint64_t x)
{
    for (unsigned shift = 1; shift < BLOCK; shift *= 2)
        x ^= x << shift;
    return x;
}

static void add_ends(struct rt_raw_ends *ends, uint64_t line_ends, const struct marks *marks,
                     uint32_t base, uint32_t lines)
{
    while (line_ends != 0) {
        unsigned i = (unsigned)__builtin_ctzll(line_ends);
        uint64_t upto = ((uint64_t)2 << i) - 1;

        ends->ends[ends->count++] = (struct rt_raw_end){
            base + i + 1, lines + (uint32_t)__builtin_popcountll(marks->lf & upto)};
        line_ends &= line_ends - 1;
    }
}

/* False: the block holds something irregular; nothing of it is used. */
static inline bool take_block(const struct marks *m, struct carry *carry, struct rt_raw_ends *ends,
                              uint32_t base)
{
    uint64_t in = prefix_xor(m->quote) ^ carry->in_quotes;
    uint64_t open = m->quote & in, close = m->quote & ~in;
    uint64_t separator = m->delimiter | m->lf | m->cr;
    uint64_t behind_separator = separator << 1 | carry->separator;
    uint64_t behind_close = close << 1 | carry->close;
    uint64_t cr = m->cr & ~in;
    uint64_t bad = (open & ~(behind_separator | behind_close)) |
                   (behind_close & ~(separator | open)) | ((cr << 1 | carry->lone_cr) & ~m->lf);

    if (bad != 0)
        return false;
    add_ends(ends, m->lf & ~in, m, base, carry->lines);
    carry->in_quotes = (uint64_t)((int64_t)in >> 63);
    carry->separator = separator >> 63;
    carry->close = close >> 63;
    carry->lone_cr = cr >> 63;
    carry->lines += (uint32_t)__builtin_popcountll(m->lf);
    return true;
}

static inline void scan(const char *bytes, size_t len, char delimiter, struct rt_raw_ends *ends,
                        classify_fn *classify)
{
    struct carry carry = {.separator = 1};
    struct marks marks;
    char last[BLOCK];

    ends->count = 0;
    for (size_t at = 0; at < len; at += BLOCK) {
        const char *block = bytes + at;

        if (ends->count + BLOCK > ends->room) {
            ends->room = ends->room ? ends->room * 2 : 1024;
            ends->ends = rt_xrealloc(ends->ends, ends->room * sizeof *ends->ends);
        }
        if (len - at < BLOCK) { /* line feeds behind the end: they end no whole record */
            memset(last, '\n', sizeof last);
            memcpy(last, block, len - at);
            block = last;
        }
        classify(block, delimiter, &marks);
        if (!take_block(&marks, &carry, ends, (uint32_t)at))
            break;
    }
    while (ends->count > 0 && ends->ends[ends->count - 1].at > len)
        ends->count--;
}

void rt_raw_scan_portable(const char *bytes, size_t len, char delimiter, struct rt_raw_ends *ends)
{
    scan(bytes, len, delimiter, ends, classify_portable);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void scan_avx2(const char *bytes, size_t len, char delimiter,
                                                      struct rt_raw_ends *ends)
{
    scan(bytes, len, delimiter, ends, classify_avx2);
}
#endif

void rt_raw_scan(const char *bytes, size_t len, char delimiter, struct rt_raw_ends *ends)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        scan_avx2(bytes, len, delimiter, ends);
        return;
    }
#endif
    rt_raw_scan_portable(bytes, len, delimiter, ends);
}
