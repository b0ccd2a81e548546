#include "model/number.h"

#include <string.h>

#include "model/value.h"

/* The value is (-1)^neg * 0.d1d2..dn * 10^point. The digits are those of `s` from `from` to
 * `to`, skipping a '.', with neither leading nor trailing zeros; zero has none. */
struct decimal {
    bool neg;
    const char *from, *to;
    int64_t point;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool pb_number_valid(const char *s, size_t n)
{
    const char *end = s + n;
    const char *from;

    if (s < end && *s == '-')
        s++;
    if (s == end || !is_digit(*s))
        return false;
    if (*s == '0')
        s++;
    else
        while (s < end && is_digit(*s))
            s++;
    if (s < end && *s == '.') {
        for (from = ++s; s < end && is_digit(*s);)
            s++;
        if (s == from)
            return false;
    }
    if (s < end && (*s == 'e' || *s == 'E')) {
        s++;
        if (s < end && (*s == '+' || *s == '-'))
            s++;
        for (from = s; s < end && is_digit(*s);)
            s++;
        if (s == from || s - from > PB_NUMBER_EXP_DIGITS)
            return false;
    }
    return s == end;
}

static int64_t exponent_of(const char *s)
{
    bool neg = *s == '-';
    int64_t e = 0;

    if (*s == '-' || *s == '+')
        s++;
    for (int n = 0; is_digit(*s) && n <= PB_NUMBER_EXP_DIGITS; s++, n++)
        e = e * 10 + (*s - '0');
    return neg ? -e : e;
}

static void decimal_of(struct decimal *d, const char *s)
{
    const char *first = NULL, *last = NULL;
    int64_t point = 0;
    bool fraction = false;

    d->neg = *s == '-';
    if (d->neg)
        s++;
    for (; *s && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            fraction = true;
            continue;
        }
        if (*s != '0') {
            if (!first)
                first = s;
            last = s;
        }
        if (!fraction && first)
            point++;
        else if (fraction && !first)
            point--;
    }
    if (!first) {
        *d = (struct decimal){false, s, s, 0};
        return;
    }
    d->from = first;
    d->to = last + 1;
    d->point = point + (*s ? exponent_of(s + 1) : 0);
}

/* The next digit, or '\0' at the end. */
static char next_digit(const char **p, const char *end)
{
    if (*p < end && **p == '.')
        (*p)++;
    return *p < end ? *(*p)++ : '\0';
}

static int magnitude_cmp(const struct decimal *a, const struct decimal *b)
{
    const char *p = a->from, *q = b->from;

    if (p == a->to || q == b->to)
        return (p != a->to) - (q != b->to);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    for (;;) {
        char x = next_digit(&p, a->to), y = next_digit(&q, b->to);
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            return 0;
    }
}

int pb_number_cmp(const char *a, const char *b)
{
    struct decimal x, y;

    if (strcmp(a, b) == 0)
        return 0;
    decimal_of(&x, a);
    decimal_of(&y, b);
    if (x.neg != y.neg)
        return x.neg ? -1 : 1;
    return x.neg ? magnitude_cmp(&y, &x) : magnitude_cmp(&x, &y);
}

static void add_zeros(struct pb_buf *b, int64_t n)
{
    while (n-- > 0)
        pb_buf_addc(b, '0');
}

void pb_number_add_canonical(struct pb_buf *b, const char *digits)
{
    struct decimal d;
    const char *p;
    int64_t n = 0;
    char c;

    decimal_of(&d, digits);
    if (d.from == d.to) {
        pb_buf_addc(b, '0');
        return;
    }
    if (d.neg)
        pb_buf_addc(b, '-');
    p = d.from;
    if (d.point > 40 || d.point < -6) { /* 1.5e99; beyond this, plain digits get silly */
        pb_buf_addc(b, next_digit(&p, d.to));
        if (p < d.to)
            pb_buf_addc(b, '.');
        while ((c = next_digit(&p, d.to)))
            pb_buf_addc(b, c);
        pb_buf_addf(b, "e%lld", (long long)(d.point - 1));
        return;
    }
    if (d.point <= 0) {
        pb_buf_adds(b, "0.");
        add_zeros(b, -d.point);
    }
    for (; (c = next_digit(&p, d.to)); n++) {
        if (n == d.point && d.point > 0)
            pb_buf_addc(b, '.');
        pb_buf_addc(b, c);
    }
    add_zeros(b, d.point - n);
}
