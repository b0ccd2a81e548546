#include "base/text.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

bool pb_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool pb_ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool pb_streq(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

bool pb_is_among(const char *s, const char *const *list)
{
    while (s && list && *list && strcmp(*list, s) != 0)
        list++;
    return s && list && *list;
}

/* ---- UTF-8 ------------------------------------------------------------------------------ */

/* Length of the character at s (n bytes left), 0 when it is not valid UTF-8: overlong
 * forms, surrogates and everything above U+10FFFF are not. */
static size_t decode(uint32_t *out, const unsigned char *s, size_t n)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80             ? 1
                 : (s[0] & 0xe0) == 0xc0 ? 2
                 : (s[0] & 0xf0) == 0xe0 ? 3
                 : (s[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    uint32_t c;

    if (len == 0 || len > n)
        return 0;
    c = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return len;
}

bool pb_utf8_valid(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    uint32_t c;

    for (size_t i = 0; i < n;) {
        uint64_t eight;
        size_t len;
        /* Almost all of a state is ASCII. */
        if (n - i >= sizeof(eight)) {
            memcpy(&eight, p + i, sizeof(eight));
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof(eight);
                continue;
            }
        }
        len = decode(&c, p + i, n - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(const struct range *r, size_t n, uint32_t c)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c > r[mid].last)
            lo = mid + 1;
        else if (c < r[mid].first)
            hi = mid;
        else
            return true;
    }
    return false;
}

/* Besides controls: what reorders, breaks a line, or hides text from the reader. */
static const struct range unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c}, {0x200b, 0x200b},   {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f},
};

static void add_escaped(struct pb_buf *b, uint32_t c)
{
    if (c == '\n')
        pb_buf_adds(b, "\\n");
    else if (c == '\t')
        pb_buf_adds(b, "\\t");
    else if (c < 0x80)
        pb_buf_addf(b, "\\x%02x", (unsigned)c);
    else if (c <= 0xffff)
        pb_buf_addf(b, "\\u%04x", (unsigned)c);
    else
        pb_buf_addf(b, "\\U%08x", (unsigned)c);
}

void pb_text_add_safe(struct pb_buf *b, const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t plain = 0; /* start of the run that is copied as it is */
    uint32_t c = 0;

    for (size_t i = 0; i < n;) {
        size_t len = decode(&c, p + i, n - i);
        if (len && !in_ranges(unsafe, PB_COUNT(unsafe), c)) {
            i += len;
            continue;
        }
        pb_buf_add(b, s + plain, i - plain);
        if (len)
            add_escaped(b, c);
        else
            pb_buf_addf(b, "\\x%02x", p[i]);
        i += len ? len : 1;
        plain = i;
    }
    pb_buf_add(b, s + plain, n - plain);
}

/* ---- width ------------------------------------------------------------------------------ */

static const struct range zero_wide[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},
    {0x0610, 0x061a},   {0x064b, 0x065f},   {0x06d6, 0x06dc}, {0x0900, 0x0902}, {0x093c, 0x093c},
    {0x0941, 0x0948},   {0x0e31, 0x0e31},   {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1160, 0x11ff},
    {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
    {0x20d0, 0x20f0},   {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff},
    {0xe0000, 0xe007f}, {0xe0100, 0xe01ef},
};

static const struct range two_wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f5},   {0x26fa, 0x26fa},
    {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},
    {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2757},   {0x2795, 0x2797},
    {0x27b0, 0x27b0},   {0x27bf, 0x27bf},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b55},
    {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},
    {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},
    {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18aff},
    {0x1b000, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e},
    {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f3fa}, {0x1f400, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7eb}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
};

size_t pb_text_width(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t n = strlen(s), width = 0;
    uint32_t c = 0;

    for (size_t i = 0; i < n;) {
        size_t len = decode(&c, p + i, n - i);
        i += len ? len : 1;
        if (len == 0 || (c >= 0x20 && c < 0x7f))
            width++;
        else if (!in_ranges(zero_wide, PB_COUNT(zero_wide), c))
            width += in_ranges(two_wide, PB_COUNT(two_wide), c) ? 2 : 1;
    }
    return width;
}

/* ---- nearest ---------------------------------------------------------------------------- */

enum { WORD_MAX = 64, BEGUN_MIN = 3 };

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: a swap of neighbours counts as one mistake. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t d[3][WORD_MAX + 1]; /* rows i-2, i-1, i by i % 3 */

    for (size_t j = 0; j <= nb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *row = d[i % 3], *up = d[(i - 1) % 3], *up2 = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            row[j] = least_of(least_of(up[j] + 1, row[j - 1] + 1), up[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least_of(row[j], up2[j - 2] + 1);
        }
    }
    return d[na % 3][nb];
}

/* The one word that begins like this; NULL: none does, or several do. */
static const char *begun(const char *word, size_t len, const char *const *words, size_t n)
{
    const char *found = NULL;

    for (size_t i = 0; i < n && len >= BEGUN_MIN; i++) {
        if (strncmp(words[i], word, len) != 0)
            continue;
        if (found)
            return NULL;
        found = words[i];
    }
    return found;
}

const char *pb_text_nearest(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t len = strlen(word), best_d = SIZE_MAX;

    if (len == 0 || len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(words[i]);
        /* Of four letters two others make another word: yaml is no html. */
        size_t d, near = least_of(len, m) > 4 ? 1 + least_of(len, m) / 4 : 1;
        if (m == 0 || m > WORD_MAX)
            continue;
        d = distance(word, len, words[i], m);
        if (d <= near && d < least_of(len, m) && d < best_d) {
            best = words[i];
            best_d = d;
        }
    }
    return best ? best : begun(word, len, words, n);
}

void pb_text_take_out(struct pb_buf *b, const char *secret)
{
    size_t n = strlen(secret);
    PB_AUTO(buf) struct pb_buf clean = PB_BUF_INIT;
    const char *p = b->s, *hit;

    if (n < 4 || !strstr(b->s, secret))
        return;
    for (; (hit = strstr(p, secret)); p = hit + n) {
        pb_buf_add(&clean, p, (size_t)(hit - p));
        pb_buf_adds(&clean, "(sensitive)");
    }
    pb_buf_adds(&clean, p);
    pb_buf_clear(b);
    pb_buf_add(b, clean.s, clean.len);
}

const char *pb_text_line(const char *s, unsigned line)
{
    for (; s && line > 1; line--) {
        s = strchr(s, '\n');
        s += s != NULL;
    }
    return s && *s ? s : NULL;
}

bool pb_text_has_lines(const char *text, const char *lines, size_t n)
{
    for (const char *p = text; p; p = pb_text_line(p, 2))
        if (strncmp(p, lines, n) == 0 && (p[n] == '\n' || p[n] == '\r' || !p[n]))
            return true;
    return false;
}
