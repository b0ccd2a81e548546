/* Transforms between encodings: JSON, URL, base64, DNS, times. */
#include <ctype.h>
#include <openssl/evp.h>

#include "backends/rest/transform.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "model/json.h"

#define NEED_TEXT(s)                            \
    const char *s = pb_scalar_text(ev->a, &in); \
    if (!(s))                                   \
    return pb_tf_cannot(ev, in, "a text")

PB_TRANSFORM(pb_tf_from_json)
{
    NEED_TEXT(s);
    const struct pb_value *v = NULL;
    if (pb_json_parse(&v, ev->a, s, strlen(s), "text", NULL) == -1)
        return pb_tf_cannot(ev, in, "JSON");
    return *v;
}

PB_TRANSFORM(pb_tf_to_json)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    pb_json_add(&b, &in);
    return pb_mk_stringn(ev->a, b.s, b.len);
}

PB_TRANSFORM(pb_tf_json)
{
    NEED_TEXT(s);
    if (!*s)
        return in;
    struct pb_value v = pb_tf_from_json(ev, in, NULL, 0);
    return v.kind == PB_UNKNOWN ? v : pb_tf_to_json(ev, v, NULL, 0);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

PB_TRANSFORM(pb_tf_url_decode)
{
    NEED_TEXT(s);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    for (; *s; s++) {
        if (*s == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
            pb_buf_addc(&b, (char)(hex_digit(s[1]) * 16 + hex_digit(s[2])));
            s += 2;
        } else {
            pb_buf_addc(&b, *s == '+' ? ' ' : *s);
        }
    }
    if (!pb_utf8_valid(b.s, b.len) || memchr(b.s, '\0', b.len))
        return pb_tf_cannot(ev, in, "encoded text");
    return pb_mk_stringn(ev->a, b.s, b.len);
}

PB_TRANSFORM(pb_tf_url_encode)
{
    NEED_TEXT(s);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("-._~", *s))
            pb_buf_addc(&b, *s);
        else
            pb_buf_addf(&b, "%%%02X", (unsigned char)*s);
    }
    return pb_mk_stringn(ev->a, b.s, b.len);
}

/* How many bytes, into the arena; -1 when it is no base64. */
static int decode(unsigned char **out, struct pb_eval *ev, const char *s)
{
    size_t n = strlen(s);
    *out = pb_arena_alloc(ev->a, n + 4);
    int len = n % 4 || n > 1 << 24 ? -1 : EVP_DecodeBlock(*out, (const unsigned char *)s, (int)n);
    for (size_t i = n; len > 0 && i && s[i - 1] == '='; i--)
        len--;
    return len;
}

PB_TRANSFORM(pb_tf_base64_decode)
{
    NEED_TEXT(s);
    unsigned char *out = NULL;
    int len = decode(&out, ev, s);
    if (len < 0 || !pb_utf8_valid((const char *)out, (size_t)len) || memchr(out, 0, (size_t)len))
        return pb_tf_cannot(ev, in, "text in base64");
    return pb_mk_stringn(ev->a, (const char *)out, (size_t)len);
}

PB_TRANSFORM(pb_tf_base64_sha1)
{
    NEED_TEXT(s);
    unsigned char *out = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    int len = decode(&out, ev, s);
    if (len < 0 || EVP_Digest(out, (size_t)len, digest, &n, EVP_sha1(), NULL) != 1)
        return pb_tf_cannot(ev, in, "base64");
    pb_hex(hex, digest, n);
    return pb_mk_string(ev->a, hex);
}

PB_TRANSFORM(pb_tf_base64_encode)
{
    NEED_TEXT(s);
    size_t n = strlen(s);
    if (n > 1 << 24)
        return pb_tf_cannot(ev, in, "short enough");
    unsigned char *out = pb_arena_alloc(ev->a, n / 3 * 4 + 8);
    EVP_EncodeBlock(out, (const unsigned char *)s, (int)n);
    return pb_mk_string(ev->a, (const char *)out);
}

static bool octal(char c)
{
    return c >= '0' && c <= '7';
}

PB_TRANSFORM(pb_tf_dns_unescape)
{
    NEED_TEXT(s);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    for (; *s; s++) {
        if (s[0] == '\\' && octal(s[1]) && octal(s[2]) && octal(s[3])) {
            int c = (s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0');
            if (c == 0 || c > 127)
                return pb_tf_cannot(ev, in, "a name that can be shown");
            pb_buf_addc(&b, (char)c);
            s += 3;
        } else {
            pb_buf_addc(&b, *s);
        }
    }
    return pb_mk_stringn(ev->a, b.s, b.len);
}

PB_TRANSFORM(pb_tf_timestamp)
{
    NEED_TEXT(s);
    char out[PB_CLOCK_RFC3339], *end = NULL;
    time_t t = 0;
    double seconds = strtod(s, &end);
    if (end != s && *end == '\0' && seconds >= 0 && seconds < 253402300800.0)
        t = (time_t)seconds;
    else if (pb_clock_parse_rfc3339(&t, s) == -1)
        return pb_tf_cannot(ev, in, "a time");
    pb_clock_rfc3339(out, t);
    return pb_mk_string(ev->a, out);
}
