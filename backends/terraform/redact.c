#include "backends/terraform/redact.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

/* What is shorter is in every text by chance. */
enum { LEAST = 4, LINE_LEAST = 12, ENCODED_MAX = 1 << 20 };

struct pb_tf_redactor {
    struct pb_strv forms;        /* longest first: one secret may be a part of another */
    const char **starts;         /* the same by their first bytes */
    unsigned char seen[1 << 13]; /* a bit for the hash of each such start */
};

static void add_form(struct pb_tf_redactor *r, const char *s, size_t n)
{
    PB_AUTO(str) char *form = pb_strndup(s, n);

    if (n >= LEAST)
        pb_strv_add(&r->forms, form);
    pb_wipe(form, n);
}

static void add_json(struct pb_tf_redactor *r, const char *s, size_t n)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_json_add_string(&b, s, n);
    add_form(r, b.s + 1, b.len - 2);
    pb_buf_wipe(&b);
}

static void add_base64(struct pb_tf_redactor *r, const char *s, size_t n)
{
    size_t size = (n + 2) / 3 * 4, len;
    PB_AUTO(str) char *out = pb_calloc(size + 1, 1);

    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)s, (int)n);
    for (len = size; len && out[len - 1] == '='; len--)
        ;
    add_form(r, out, len); /* with or without padding behind */
    for (char *p = out; *p; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    add_form(r, out, len);
    pb_wipe(out, size);
}

static void add_digits(struct pb_tf_redactor *r, const char *s, size_t n)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    PB_AUTO(buf) struct pb_buf lower = PB_BUF_INIT, upper = PB_BUF_INIT, url = PB_BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        pb_buf_addf(&lower, "%02x", c);
        pb_buf_addf(&upper, "%02X", c);
        if (strchr(plain, c) && c)
            pb_buf_addc(&url, (char)c);
        else
            pb_buf_addf(&url, "%%%02X", c);
    }
    add_form(r, lower.s, lower.len);
    add_form(r, upper.s, upper.len);
    add_form(r, url.s, url.len);
    pb_buf_wipe(&lower);
    pb_buf_wipe(&upper);
    pb_buf_wipe(&url);
}

/* A key of many lines is shown on one, or a line of it alone. */
static void add_lines(struct pb_tf_redactor *r, const char *s, size_t n)
{
    PB_AUTO(str) char *flat = pb_strndup(s, n);

    if (!strchr(s, '\n'))
        return;
    for (const char *p = s; *p; p += strspn(p, "\r\n")) {
        size_t len = strcspn(p, "\r\n");
        if (len >= LINE_LEAST)
            add_form(r, p, len);
        p += len;
    }
    for (char *p = flat; *p; p++)
        *p = *p == '\n' || *p == '\r' ? ' ' : *p;
    add_form(r, flat, n);
    pb_wipe(flat, n);
}

static int by_length(const void *a, const void *b)
{
    size_t x = strlen(*(char *const *)a), y = strlen(*(char *const *)b);

    return x < y ? 1 : x > y ? -1 : strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_start(const void *a, const void *b)
{
    return memcmp(*(const char *const *)a, *(const char *const *)b, LEAST);
}

static unsigned bit_of(const char *start)
{
    uint32_t x;

    memcpy(&x, start, sizeof(x));
    return (x * 2654435761U) >> 16;
}

static void index_starts(struct pb_tf_redactor *r)
{
    r->starts = pb_calloc(r->forms.n, sizeof(*r->starts));
    for (size_t i = 0; i < r->forms.n; i++) {
        unsigned bit = bit_of(r->forms.v[i]);

        r->starts[i] = r->forms.v[i];
        r->seen[bit / 8] |= (unsigned char)(1U << bit % 8);
    }
    qsort(r->starts, r->forms.n, sizeof(*r->starts), by_start);
}

struct pb_tf_redactor *pb_tf_redactor_new(const struct pb_strv *secrets)
{
    struct pb_tf_redactor *r = pb_calloc(1, sizeof(*r));

    for (size_t i = 0; secrets && i < secrets->n; i++) {
        const char *s = secrets->v[i];
        size_t n = strlen(s);

        if (n < LEAST)
            continue;
        add_form(r, s, n);
        if (n > ENCODED_MAX)
            continue;
        add_json(r, s, n);
        add_base64(r, s, n);
        add_digits(r, s, n);
        add_lines(r, s, n);
    }
    if (r->forms.n) {
        qsort(r->forms.v, r->forms.n, sizeof(*r->forms.v), by_length);
        index_starts(r);
    }
    return r;
}

void pb_tf_redact(const struct pb_tf_redactor *r, struct pb_buf *text)
{
    for (size_t i = 0; r && i < r->forms.n; i++)
        if (i == 0 || strcmp(r->forms.v[i], r->forms.v[i - 1]) != 0)
            pb_text_take_out(text, r->forms.v[i]);
}

/* Whether one of them begins a text of `n` bytes, at least LEAST. */
static bool begins(const struct pb_tf_redactor *r, const char *text, size_t n)
{
    size_t low = 0, high = r->forms.n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(r->starts[mid], text, LEAST) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < r->forms.n && memcmp(r->starts[low], text, LEAST) == 0; low++) {
        size_t len = strlen(r->starts[low]);

        if (len <= n && memcmp(text, r->starts[low], len) == 0)
            return true;
    }
    return false;
}

/* A state has thousands of secrets, and a plan a hundred times as many texts. */
bool pb_tf_redactor_finds(const struct pb_tf_redactor *r, const char *text, size_t n)
{
    for (size_t i = 0; r && r->forms.n && i + LEAST <= n; i++) {
        unsigned bit = bit_of(text + i);

        if ((r->seen[bit / 8] & 1U << bit % 8) && begins(r, text + i, n - i))
            return true;
    }
    return false;
}

void pb_tf_redactor_free(struct pb_tf_redactor *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->forms.n; i++)
        pb_wipe(r->forms.v[i], strlen(r->forms.v[i]));
    pb_strv_release(&r->forms);
    free(r->starts);
    free(r);
}
