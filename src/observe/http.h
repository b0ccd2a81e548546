/*
 * http.h: the scheduler: every HTTP request that reads live state goes through one
 * curl_multi loop that owns concurrency, per-service rate budgets, Retry-After, jittered
 * retries, deadlines, byte limits and connection reuse.
 *
 *	struct pb_http *h = pb_http_new(&limits, err);
 *	pb_http_submit(h, &rq);		// from anywhere, also from inside a callback
 *	pb_http_run(h, err);		// until nothing is left
 *	pb_http_free(h);
 *
 * A request is described once and signed again for each try (`sign`), because signatures
 * carry the time. `done` is called exactly once for each submitted request, from
 * pb_http_run, and may submit more (the next page). Nothing follows a redirect, reads
 * .netrc, or speaks any protocol but http and https. A proxy from the environment is used
 * as Terraform does (HTTP_PROXY, HTTPS_PROXY, NO_PROXY, or in lower case), and none for loopback.
 * Believed are the machine's CAs, where SSL_CERT_FILE and SSL_CERT_DIR do
 * not say otherwise, or for a request with a ca_file, those in there and no others.
 *
 * What is retried: connection failures, timeouts, resets and short bodies, 429, 500, 502,
 * 503, 504, and replies that `throttled` calls so; up to limits.tries, with full jitter, or after
 * Retry-After when that is within the deadline; otherwise the whole service is not asked again
 * before that time. What is left after that is the caller's UNKNOWN. A request that must not be
 * done twice says so (`once`): it is tried again only when it is certain that nothing was done.
 * One thread owns a pb_http.
 */
#ifndef PB_OBSERVE_HTTP_H
#define PB_OBSERVE_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct pb_http;
struct pb_http_reply;

struct pb_http_limits {
    int concurrency; /* under way at once, all hosts; default 32 */
    int per_service; /* under way at once for one `service`, a quarter of that until it
                                has answered; default 16 */
    /* Making a connection costs more than a request on one that is there: no more than `few`
     * (default 8) are under way until one of them has waited for `long_ms` (default 2). */
    int few;
    long long_ms;
    int tries;               /* in all, default 4 */
    long connect_ms;         /* default 5000 */
    long request_ms;         /* one try, default 20000 */
    long total_ms;           /* for pb_http_run as a whole; 0: none */
    long slow_bytes;         /* bytes/s, default 32; slower than that for ... */
    long slow_s;             /* ... so many seconds: give up the try; default 10 */
    size_t max_body;         /* default 32 MiB; counted as it arrives */
    long backoff_ms;         /* first wait, doubles; default 200; tests set it low */
    long max_retry_after_ms; /* a longer Retry-After is not waited for; default 30000 */
};
void pb_http_limits_default(struct pb_http_limits *l);

/* A request that may be tried several times. Lives in the caller's arena until done. */
struct pb_http_rq {
    const char *method;   /* "GET", "POST" */
    const char *url;      /* without secrets; percent-encoded by the caller */
    char *const *headers; /* "Name: value"; NULL-terminated or NULL */
    const char *body;     /* or NULL */
    size_t body_len;
    const char *service; /* names the rate budget: "ec2@eu-west-1" */
    const char *label;   /* for messages: "ec2 DescribeVpcs" */

    /* Adds Authorization and the like to `headers` for this try; may be NULL. A failure
     * ends the request as PB_HTTP_AUTH with err's message. */
    int (*sign)(const struct pb_http_rq *rq, struct pb_strv *headers, void *ctx,
                struct pb_err *err);
    void *sign_ctx;
    const char *client_cert, *client_key, *ca_file; /* PEM files, or NULL */

    bool direct; /* through no proxy, whatever the environment says: for this machine's metadata */
    const char *proxy, *no_proxy; /* instead of the environment's, or NULL */

    /* Whether a reply means "slow down" though its status does not say so; may be NULL. */
    bool (*throttled)(int status, const char *body, size_t n, void *ctx);
    /* For a throttled reply without Retry-After: the header with the number of requests that are
     * left, and the one with the time (seconds of Unix) from which on there are more, which
     * counts when none is left; and how long to wait where that says nothing, 0: as after any
     * failure. All in lower case; may be NULL. */
    const char *left_header, *reset_header;
    long throttle_ms;
    /* Again only when it was refused as one too many, or no connection was had. */
    bool once;
    /* More follows from its reply: it goes before those of its service of which nothing does. */
    bool leads;

    void (*done)(const struct pb_http_rq *rq, const struct pb_http_reply *reply, void *ctx);
    void *ctx;
};

enum pb_http_outcome {
    PB_HTTP_REPLY,  /* a whole reply with a status, whatever it says */
    PB_HTTP_FAILED, /* no whole reply: DNS, connect, reset, truncated, too big */
    PB_HTTP_TIMEOUT,
    PB_HTTP_AUTH,     /* could not be signed */
    PB_HTTP_CANCELLED /* interrupted, or the total deadline passed */
};

struct pb_http_reply {
    enum pb_http_outcome outcome;
    int status;               /* 0 unless PB_HTTP_REPLY */
    const char *content_type; /* "" when none; without parameters, lower case */
    const char *body;
    size_t body_len;
    const char *error; /* for people, when not PB_HTTP_REPLY; names the host, no secrets */
    int tries;
    const char *(*header)(const struct pb_http_reply *r,
                          const char *name); /* lower-case name; NULL */
    const void *impl;
};

struct pb_http_stats {
    size_t requests; /* sent, with retries */
    size_t retries, failed, bytes;
    size_t connections;
};

struct pb_http *pb_http_new(const struct pb_http_limits *l, struct pb_err *err);
int pb_http_submit(struct pb_http *h,
                   const struct pb_http_rq *rq); /* copies *rq, not what it points to */
/* Runs until every request is done; -1 only when interrupted (all are then done too). */
int pb_http_run(struct pb_http *h, struct pb_err *err);
/* Another limits.total_ms for the runs that follow, for who shares one time among several. */
void pb_http_total(struct pb_http *h, long total_ms);
void pb_http_stats(const struct pb_http *h, struct pb_http_stats *out);
void pb_http_free(struct pb_http *h);

#endif
