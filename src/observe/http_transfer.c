#include "observe/http_transfer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

enum { HEADERS_MAX = 256 << 10 };

int pb_transfer_init(struct pb_transfer *t, struct pb_err *err)
{
    memset(t, 0, sizeof(*t));
    t->headers = t->body = t->type = (struct pb_buf)PB_BUF_INIT;
    t->easy = curl_easy_init();
    if (t->easy == NULL)
        return pb_fail(err, PB_E_INTERNAL, "cannot make a curl handle");
    return 0;
}

/* The headers may hold credentials: overwrite them before they go back to the heap. */
static void drop_sent(struct pb_transfer *t)
{
    for (struct curl_slist *h = t->sent; h != NULL; h = h->next)
        pb_wipe(h->data, strlen(h->data));
    curl_slist_free_all(t->sent);
    t->sent = NULL;
}

void pb_transfer_release(struct pb_transfer *t)
{
    curl_easy_cleanup(t->easy);
    drop_sent(t);
    pb_buf_release(&t->headers);
    pb_buf_release(&t->body);
    pb_buf_release(&t->type);
}

/* Called with what curl has decompressed, so a small reply that unpacks to a huge one is
 * stopped too. */
static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct pb_transfer *t = ctx;

    n *= size;
    if (n > t->max_body - t->body.len) {
        t->too_big = true;
        return 0;
    }
    pb_buf_add(&t->body, p, n);
    return n;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct pb_transfer *t = ctx;
    const char *colon, *end, *value;
    char *to;

    n *= size;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        pb_buf_clear(&t->headers); /* a 100 Continue came before */
        return n;
    }
    colon = memchr(p, ':', n);
    if (colon == NULL)
        return n;
    if (t->headers.len + n > HEADERS_MAX) {
        t->too_big = true;
        return 0;
    }
    pb_buf_reserve(&t->headers, n + 2);
    to = t->headers.s + t->headers.len;
    for (const char *c = p; c < colon; c++)
        *to++ = (char)tolower((unsigned char)*c);
    *to++ = '\0';
    for (value = colon + 1; value < p + n && (*value == ' ' || *value == '\t');)
        value++;
    for (end = p + n; end > value && isspace((unsigned char)end[-1]);)
        end--;
    for (; value < end; value++)
        if (*value != '\0')
            *to++ = *value;
    *to++ = '\0';
    pb_buf_advance(&t->headers, (size_t)(to - t->headers.s) - t->headers.len);
    return n;
}

const char *pb_headers_find(const struct pb_buf *headers, const char *name)
{
    const char *p = headers->s, *end = headers->s + headers->len;

    while (p < end) {
        const char *value = p + strlen(p) + 1;

        if (strcmp(p, name) == 0)
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

const char *pb_transfer_header(const struct pb_transfer *t, const char *name)
{
    return pb_headers_find(&t->headers, name);
}

static void swap(struct pb_buf *a, struct pb_buf *b)
{
    struct pb_buf c = *a;

    *a = *b;
    *b = c;
    pb_buf_clear(a);
}

void pb_transfer_swap(struct pb_transfer *t, struct pb_buf *body, struct pb_buf *headers,
                      struct pb_buf *type)
{
    swap(&t->body, body);
    swap(&t->headers, headers);
    swap(&t->type, type);
}

const char *pb_transfer_type(struct pb_transfer *t)
{
    const char *p = pb_transfer_header(t, "content-type");

    pb_buf_clear(&t->type);
    for (; p != NULL && *p != '\0' && *p != ';' && *p != ' '; p++)
        pb_buf_addc(&t->type, (char)tolower((unsigned char)*p));
    return t->type.s;
}

static int add_header(struct pb_transfer *t, const char *h, struct pb_err *err)
{
    const char *colon = strchr(h, ':');
    PB_AUTO(buf) struct pb_buf empty = PB_BUF_INIT;
    struct curl_slist *list;

    if (colon == NULL || strpbrk(h, "\r\n") != NULL)
        return pb_fail(err, PB_E_AUTH, "a request header is malformed (no ':' or a line break)");
    if (colon[1 + strspn(colon + 1, " \t")] == '\0') { /* curl would leave it out */
        pb_buf_add(&empty, h, (size_t)(colon - h));
        pb_buf_addc(&empty, ';');
        h = empty.s;
    }
    list = curl_slist_append(t->sent, h);
    if (list == NULL)
        pb_oom();
    t->sent = list;
    return 0;
}

static int set_headers(struct pb_transfer *t, const struct pb_http_rq *rq, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;
    int rc = 0;

    drop_sent(t);
    for (char *const *h = rq->headers; h != NULL && *h != NULL; h++)
        pb_strv_add(&all, *h);
    if (rq->sign != NULL)
        rc = rq->sign(rq, &all, rq->sign_ctx, err);
    for (size_t i = 0; i < all.n; i++) {
        if (rc == 0)
            rc = add_header(t, all.v[i], err);
        pb_wipe(all.v[i], strlen(all.v[i]));
    }
    t->sent = curl_slist_append(t->sent, "Expect:"); /* no round trip before the body */
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->sent);
    return rc;
}

static void set_method(CURL *e, const struct pb_http_rq *rq)
{
    if (rq->body != NULL) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body_len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, rq->body);
    } else if (strcmp(rq->method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, "");
    }
    if (strcmp(rq->method, "HEAD") == 0)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (strcmp(rq->method, rq->body != NULL ? "POST" : "GET") != 0)
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
}

/* For loopback there is none: what runs on this machine a proxy elsewhere could not reach. */
static bool is_direct(const struct pb_http_rq *rq)
{
    static const char *const hosts[] = {"127.", "localhost", "[::1]"};
    const char *host = strstr(rq->url, "://");

    if (rq->direct)
        return true;
    for (size_t i = 0; host != NULL && i < PB_COUNT(hosts); i++) {
        size_t n = strlen(hosts[i]);

        if (strncasecmp(host + 3, hosts[i], n) == 0 &&
            (i == 0 || strchr(":/?#", host[3 + n]) != NULL)) /* finds the end, too */
            return true;
    }
    return false;
}

/* The variable that names a proxy for this URL; NULL when none does. A CGI's HTTP_PROXY is a
 * header of whoever sent its request. */
static const char *proxy_variable(const char *url)
{
    static const char *const plain[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char *const *names = strncasecmp(url, "https:", 6) == 0 ? tls : plain;

    for (size_t i = 0; i < PB_COUNT(plain); i++) {
        const char *v = getenv(names[i]);

        if (v != NULL && *v != '\0' &&
            (strcmp(names[i], "HTTP_PROXY") != 0 || getenv("REQUEST_METHOD") == NULL))
            return names[i];
    }
    return NULL;
}

static void set_proxy(CURL *e, const struct pb_http_rq *rq)
{
    const char *variable = is_direct(rq) || rq->proxy != NULL ? NULL : proxy_variable(rq->url);

    if (is_direct(rq))
        curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    else if (rq->proxy != NULL)
        curl_easy_setopt(e, CURLOPT_PROXY, rq->proxy);
    else if (variable != NULL) /* curl itself does not know HTTP_PROXY */
        curl_easy_setopt(e, CURLOPT_PROXY, getenv(variable));
    if (!is_direct(rq) && rq->no_proxy != NULL)
        curl_easy_setopt(e, CURLOPT_NOPROXY, rq->no_proxy);
}

int pb_transfer_prepare(struct pb_transfer *t, const struct pb_http_rq *rq,
                        const struct pb_http_limits *l, const struct pb_trust *trust,
                        struct pb_err *err)
{
    CURL *e = t->easy;

    curl_easy_reset(e);
    pb_buf_clear(&t->headers);
    pb_buf_clear(&t->body);
    t->error[0] = '\0';
    t->too_big = false;
    t->max_body = l->max_body;
    curl_easy_setopt(e, CURLOPT_URL, rq->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L); /* what is signed is what is sent */
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* On a connection that was used before and breaks, curl sends a request again by itself. */
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, rq->once ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 300L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, l->connect_ms);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, l->request_ms);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, l->slow_bytes);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, l->slow_s);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "plumb");
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_CAINFO, rq->ca_file != NULL ? rq->ca_file : trust->file);
    curl_easy_setopt(e, CURLOPT_CAPATH, rq->ca_file != NULL ? NULL : trust->dir);
    if (rq->client_cert != NULL) {
        curl_easy_setopt(e, CURLOPT_SSLCERT, rq->client_cert);
        curl_easy_setopt(e, CURLOPT_KEYPASSWD, ""); /* or OpenSSL asks for one on the terminal */
    }
    if (rq->client_key != NULL)
        curl_easy_setopt(e, CURLOPT_SSLKEY, rq->client_key);
    set_proxy(e, rq);
    set_method(e, rq);
    return set_headers(t, rq, err);
}

static void add_host(struct pb_buf *out, const char *url)
{
    CURLU *u = curl_url();
    char *host = NULL;

    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        pb_buf_adds(out, host);
    else
        pb_buf_adds(out, "an address that is no URL");
    curl_free(host);
    curl_url_cleanup(u);
}

/* TLS 1.3 refuses a client after the handshake, where it looks like a broken connection. */
bool pb_transfer_is_final(const struct pb_transfer *t, CURLcode code)
{
    return code == CURLE_RECV_ERROR && strstr(t->error, "alert") != NULL &&
           strstr(t->error, "SSL") != NULL;
}

/* What curl says in its own words, or NULL. Some of it quotes a proxy's address, password and
 * all, when that is malformed. */
static const char *own_words(const struct pb_transfer *t, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: break;
    default: return NULL;
    }
    if (t->error[0] == '\0' || strchr(t->error, '@') != NULL ||
        strstr(t->error, "Unsupported proxy") != NULL)
        return NULL;
    return t->error;
}

static const char *in_short(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return "no whole reply in time";
    case CURLE_PARTIAL_FILE: return "the connection closed before the whole reply had come";
    case CURLE_GOT_NOTHING: return "the connection closed without a reply";
    case CURLE_SSL_CACERT_BADFILE: return "the CA certificates cannot be read";
    case CURLE_SSL_CERTPROBLEM:
        return "the client certificate cannot be used: it or its key is missing or not PEM, they "
               "do not belong together, or the key has a passphrase";
    default: return curl_easy_strerror(code);
    }
}

static void add_remedy(struct pb_buf *out, const struct pb_transfer *t, const struct pb_http_rq *rq,
                       CURLcode code, const struct pb_trust *trust)
{
    const char *ca = rq->ca_file != NULL ? rq->ca_file : trust->file;
    const char *proxy = is_direct(rq)       ? NULL
                        : rq->proxy != NULL ? "the provider's configuration"
                                            : proxy_variable(rq->url);
    long verdict = 0;

    switch (code) {
    case CURLE_SSL_CACERT_BADFILE:
        pb_buf_addf(out, ": correct '%s'", ca != NULL ? ca : trust->dir);
        break;
    case CURLE_SSL_CERTPROBLEM:
        pb_buf_addf(out, ": look at '%s' and '%s'", rq->client_cert,
                    rq->client_key != NULL ? rq->client_key : rq->client_cert);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
        if (verdict != 0 && rq->ca_file != NULL)
            pb_buf_addf(out, "; only the CAs in '%s' are trusted here", rq->ca_file);
        else if (verdict != 0)
            pb_buf_adds(out, "; if its CA is your own, name a file with it in SSL_CERT_FILE");
        break;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_RECV_ERROR:
    case CURLE_OPERATION_TIMEDOUT:
        if (proxy != NULL)
            pb_buf_addf(out, " (%s names a proxy: see that it is right)", proxy);
        break;
    default: break;
    }
}

void pb_transfer_explain(struct pb_buf *out, const struct pb_transfer *t,
                         const struct pb_http_rq *rq, CURLcode code, const struct pb_http_limits *l,
                         const struct pb_trust *trust)
{
    const char *words = own_words(t, code);

    pb_buf_clear(out);
    pb_buf_addf(out, "'%s' at '", rq->label != NULL ? rq->label : rq->method);
    add_host(out, rq->url);
    pb_buf_adds(out, "': ");
    if (t->too_big) {
        pb_buf_addf(out, "the reply is larger than the limit of %zu bytes", l->max_body);
        return;
    }
    if (words == NULL)
        words = in_short(code);
    pb_text_add_safe(out, words, strlen(words)); /* may hold a certificate's names */
    add_remedy(out, t, rq, code, trust);
}
