#include "backends/auth/sigv4.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"

/* The three parts of a URL that are signed; they point into it. */
struct url_parts {
    const char *host, *path, *query;
    size_t host_len, path_len, query_len;
};

static int split_url(struct url_parts *out, const char *url, struct pb_err *err)
{
    const char *p = strstr(url, "://");

    if (!p)
        return pb_fail(err, PB_E_CONFIG, "cannot sign: the URL has no scheme");
    out->host = p + 3;
    out->host_len = strcspn(out->host, "/?#");
    out->path = out->host + out->host_len;
    out->path_len = strcspn(out->path, "?#");
    out->query = out->path + out->path_len;
    if (*out->query == '?')
        out->query++;
    out->query_len = strcspn(out->query, "#");
    if (out->host_len == 0)
        return pb_fail(err, PB_E_CONFIG, "cannot sign: the URL has no host");
    return 0;
}

static bool unreserved(unsigned char c)
{
    return isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct pb_buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (unreserved(c) || c == '/')
            pb_buf_addc(b, (char)c);
        else
            pb_buf_addf(b, "%%%02X", c);
    }
}

/* Dot segments out, double slashes to one: what every service but S3 does before it
 * verifies. */
static void add_normal_path(struct pb_buf *out, const char *path, size_t n)
{
    PB_AUTO(buf) struct pb_buf norm = PB_BUF_INIT;
    bool slash_behind = n == 0 || path[n - 1] == '/';

    for (size_t i = 0; i < n;) {
        size_t len;
        if (path[i] == '/') {
            i++;
            continue;
        }
        for (len = 0; i + len < n && path[i + len] != '/';)
            len++;
        if (len == 2 && memcmp(path + i, "..", 2) == 0) {
            const char *last = strrchr(norm.s, '/');
            pb_buf_truncate(&norm, last ? (size_t)(last - norm.s) : 0);
            slash_behind = slash_behind || i + len == n;
        } else if (len == 1 && path[i] == '.') {
            slash_behind = slash_behind || i + len == n;
        } else {
            pb_buf_addc(&norm, '/');
            pb_buf_add(&norm, path + i, len);
        }
        i += len;
    }
    if (slash_behind)
        pb_buf_addc(&norm, '/');
    add_encoded(out, norm.s, norm.len);
}

static int by_param(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t nx = strcspn(x, "="), ny = strcspn(y, "=");
    int c = memcmp(x, y, nx < ny ? nx : ny);

    if (c != 0)
        return c;
    if (nx != ny)
        return nx < ny ? -1 : 1;
    return strcmp(x + nx, y + ny);
}

static void add_query(struct pb_buf *out, const char *query, size_t n)
{
    PB_AUTO(strv) struct pb_strv params = PB_STRV_INIT;

    for (size_t i = 0; i < n;) {
        size_t len = 0;
        while (i + len < n && query[i + len] != '&')
            len++;
        if (len > 0) {
            bool bare = !memchr(query + i, '=', len);
            pb_strv_addf(&params, "%.*s%s", (int)len, query + i, bare ? "=" : "");
        }
        i += len + 1;
    }
    if (params.n > 1)
        qsort(params.v, params.n, sizeof(*params.v), by_param);
    for (size_t i = 0; i < params.n; i++) {
        if (i)
            pb_buf_addc(out, '&');
        pb_buf_adds(out, params.v[i]);
    }
}

/* "Name:  a  b " becomes "name:a b". */
static char *canonical_header(const char *header)
{
    char *out = pb_malloc(strlen(header) + 2), *to = out;
    const char *p = header;

    for (; *p && *p != ':'; p++)
        *to++ = (char)tolower((unsigned char)*p);
    *to++ = ':';
    if (*p)
        p++;
    while (*p == ' ' || *p == '\t')
        p++;
    for (; *p; p++) {
        bool space = *p == ' ' || *p == '\t';
        if (space && (p[1] == ' ' || p[1] == '\t' || p[1] == '\0'))
            continue;
        *to++ = space ? ' ' : *p;
    }
    *to = '\0';
    return out;
}

/* Stable by name: several headers of one name keep their order and become one. */
static void sort_headers(struct pb_strv *v)
{
    for (size_t i = 1; i < v->n; i++) {
        char *h = v->v[i];
        size_t j = i;
        for (; j > 0; j--) {
            size_t a = strcspn(v->v[j - 1], ":"), b = strcspn(h, ":");
            int c = memcmp(v->v[j - 1], h, a < b ? a : b);
            if (c < 0 || (c == 0 && a <= b))
                break;
            v->v[j] = v->v[j - 1];
        }
        v->v[j] = h;
    }
}

static void add_headers(struct pb_buf *out, struct pb_buf *names, char *const *headers)
{
    PB_AUTO(strv) struct pb_strv v = PB_STRV_INIT;

    for (size_t i = 0; headers && headers[i]; i++) {
        PB_AUTO(str) char *h = canonical_header(headers[i]);
        pb_strv_add(&v, h);
    }
    sort_headers(&v);
    for (size_t i = 0; i < v.n; i++) {
        size_t len = strcspn(v.v[i], ":");
        bool again = i > 0 && strncmp(v.v[i - 1], v.v[i], len + 1) == 0;
        if (again) {
            pb_buf_truncate(out, out->len - 1);
            pb_buf_addc(out, ',');
            pb_buf_adds(out, v.v[i] + len + 1);
            pb_buf_addc(out, '\n');
            continue;
        }
        pb_buf_adds(out, v.v[i]);
        pb_buf_addc(out, '\n');
        if (names->len)
            pb_buf_addc(names, ';');
        pb_buf_add(names, v.v[i], len);
    }
}

static int canonical(struct pb_buf *out, struct pb_buf *names, const struct pb_sigv4 *rq,
                     char *const *headers, struct pb_err *err)
{
    struct url_parts u;
    char hash[PB_SHA256_HEX];

    if (split_url(&u, rq->url, err) == -1)
        return -1;
    pb_buf_addf(out, "%s\n", rq->method);
    if (strcmp(rq->service, "s3") == 0) {
        if (u.path_len == 0)
            pb_buf_addc(out, '/');
        pb_buf_add(out, u.path, u.path_len);
    } else {
        add_normal_path(out, u.path, u.path_len);
    }
    pb_buf_addc(out, '\n');
    add_query(out, u.query, u.query_len);
    pb_buf_addc(out, '\n');
    add_headers(out, names, headers);
    pb_sha256_hex_of(hash, rq->body ? rq->body : "", rq->body ? rq->body_len : 0);
    pb_buf_addf(out, "\n%s\n%s", names->s, hash);
    return 0;
}

int pb_sigv4_canonical(struct pb_buf *out, const struct pb_sigv4 *rq, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf names = PB_BUF_INIT;

    return canonical(out, &names, rq, rq->headers, err);
}

static bool has_header(char *const *headers, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; headers && headers[i]; i++)
        if (strncasecmp(headers[i], name, len) == 0 && headers[i][len] == ':')
            return true;
    return false;
}

/* HMAC chain: secret -> date -> region -> service -> "aws4_request". */
static void signing_key(unsigned char key[PB_SHA256_LEN], const struct pb_sigv4 *rq,
                        const char *date)
{
    PB_AUTO(buf) struct pb_buf first = PB_BUF_INIT;
    const char *parts[] = {rq->region, rq->service, "aws4_request"};
    unsigned char next[PB_SHA256_LEN];

    pb_buf_addf(&first, "AWS4%s", rq->secret_key);
    pb_hmac_sha256(key, first.s, first.len, date, strlen(date));
    pb_buf_wipe(&first);
    for (size_t i = 0; i < PB_COUNT(parts); i++) {
        pb_hmac_sha256(next, key, PB_SHA256_LEN, parts[i], strlen(parts[i]));
        memcpy(key, next, PB_SHA256_LEN);
    }
    pb_wipe(next, sizeof(next));
}

static void keep_key(struct pb_sigv4_key *k, const struct pb_sigv4 *rq, const char *date)
{
    if (strcmp(k->date, date) == 0)
        return;
    signing_key(k->mac, rq, date);
    memcpy(k->date, date, strlen(date) + 1);
}

static int check(const struct pb_sigv4 *rq, struct pb_err *err)
{
    if (!rq->access_key || !rq->secret_key || !rq->service || !rq->region)
        return pb_fail(err, PB_E_AUTH, "cannot sign: keys, service or region are missing");
    if (strpbrk(rq->access_key, "\r\n") || (rq->token && strpbrk(rq->token, "\r\n")))
        return pb_fail(err, PB_E_AUTH,
                       "the access key or session token contains a line break: "
                       "set the credentials again");
    return 0;
}

int pb_sigv4_sign(struct pb_strv *out, const struct pb_sigv4 *rq, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;
    PB_AUTO(buf) struct pb_buf request = PB_BUF_INIT, names = PB_BUF_INIT, text = PB_BUF_INIT;
    struct pb_sigv4_key own = {0}, *key = rq->key ? rq->key : &own;
    unsigned char mac[PB_SHA256_LEN];
    char hash[PB_SHA256_HEX], stamp[20], date[PB_COUNT(own.date)];
    struct url_parts u;
    struct tm tm;
    size_t given;

    if (check(rq, err) == -1 || split_url(&u, rq->url, err) == -1)
        return -1;
    gmtime_r(&rq->now, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    strftime(date, sizeof(date), "%Y%m%d", &tm);
    for (size_t i = 0; rq->headers && rq->headers[i]; i++)
        pb_strv_add(&all, rq->headers[i]);
    given = all.n;
    if (!has_header(rq->headers, "host"))
        pb_strv_addf(&all, "Host: %.*s", (int)u.host_len, u.host);
    if (!has_header(rq->headers, "x-amz-date"))
        pb_strv_addf(&all, "X-Amz-Date: %s", stamp);
    if (rq->token)
        pb_strv_addf(&all, "X-Amz-Security-Token: %s", rq->token);
    if (strcmp(rq->service, "s3") == 0) {
        pb_sha256_hex_of(hash, rq->body ? rq->body : "", rq->body ? rq->body_len : 0);
        pb_strv_addf(&all, "x-amz-content-sha256: %s", hash);
    }
    if (canonical(&request, &names, rq, all.v, err) == -1)
        return -1;
    pb_sha256_hex_of(hash, request.s, request.len);
    pb_buf_addf(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", stamp, date, rq->region,
                rq->service, hash);
    keep_key(key, rq, date);
    pb_hmac_sha256(mac, key->mac, sizeof(key->mac), text.s, text.len);
    pb_wipe(&own, sizeof(own));
    pb_hex(hash, mac, sizeof(mac));
    for (size_t i = given; i < all.n; i++)
        pb_strv_add(out, all.v[i]);
    pb_strv_addf(out,
                 "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, "
                 "SignedHeaders=%s, Signature=%s",
                 rq->access_key, date, rq->region, rq->service, names.s, hash);
    return 0;
}
