/*
 * livetry: the scheduler and the authentication as a program, for the tests of tests/live,
 * which put servers before it. Reads one JSON document and prints a line of JSON for each
 * reply and one at the end. It prints credentials: those of tests.
 *
 *	livetry http   {"limits": {...}, "settings": {pack's auth}, "requests": [{"url": ...}]}
 *	livetry aws    {"block": {provider block}, "ask": ["ec2", ...], "again_ms": [...],
 *			"public": [URL, ...]}
 *
 * http: a request has url, method, body, service, headers, times; "follow" repeats it once
 * it is done, which is how pages are asked for. aws: the credentials, the region, the CA
 * file, the endpoints of the services, and what becomes of public URLs; again after each number
 * of milliseconds.
 */
#include <stdio.h>
#include <unistd.h>

#include "backends/auth/aws.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "model/json.h"

struct shot {
    struct pb_http *http;
    size_t index;
    int64_t follow;
};

static int die(const struct pb_err *err)
{
    fprintf(stderr, "livetry: %s\n", err->msg);
    return 2;
}

static void member(struct pb_buf *b, const char *name, const char *value)
{
    pb_buf_addf(b, "%s\"%s\":", b->s[b->len - 1] == '{' ? "" : ",", name);
    if (value != NULL)
        pb_json_add_string(b, value, strlen(value));
    else
        pb_buf_adds(b, "null");
}

static void put(struct pb_buf *b)
{
    puts(b->s);
    fflush(stdout);
    pb_buf_clear(b);
}

static void on_done(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    static const char *const names[] = {"reply", "failed", "timeout", "auth", "cancelled"};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct shot *s = ctx;

    pb_buf_addf(&b, "{\"index\":%zu,\"status\":%d,\"tries\":%d,\"size\":%zu", s->index, r->status,
                r->tries, r->body_len);
    member(&b, "outcome", names[r->outcome]);
    member(&b, "error", r->error);
    member(&b, "type", r->content_type);
    member(&b, "body", r->body_len < 65536 ? r->body : NULL);
    pb_buf_addc(&b, '}');
    put(&b);
    if (s->follow-- > 0)
        pb_http_submit(s->http, rq);
}

static long number(const struct pb_value *v, const char *name, long otherwise)
{
    int64_t n;

    return pb_get_int(&n, v, name) == 0 ? (long)n : otherwise;
}

static struct pb_http_limits read_limits(const struct pb_value *v)
{
    return (struct pb_http_limits){.concurrency = (int)number(v, "concurrency", 0),
                                   .per_service = (int)number(v, "per_service", 0),
                                   .tries = (int)number(v, "tries", 0),
                                   .connect_ms = number(v, "connect_ms", 0),
                                   .request_ms = number(v, "request_ms", 0),
                                   .total_ms = number(v, "total_ms", 0),
                                   .slow_bytes = number(v, "slow_bytes", 0),
                                   .slow_s = number(v, "slow_s", 0),
                                   .max_body = (size_t)number(v, "max_body", 0),
                                   .backoff_ms = number(v, "backoff_ms", 5),
                                   .max_retry_after_ms = number(v, "max_retry_after_ms", 0)};
}

static void submit_all(struct pb_http *h, struct pb_auth *auth, struct pb_arena *a,
                       const struct pb_value *all)
{
    for (size_t i = 0; i < pb_len(all); i++) {
        const struct pb_value *v = pb_at(all, i), *list = pb_get(v, "headers");
        char **headers = pb_arena_zalloc(a, (pb_len(list) + 1) * sizeof(*headers));
        const char *method = pb_get_str(v, "method"), *service = pb_get_str(v, "service");
        struct pb_http_rq rq = {.method = method != NULL ? method : "GET",
                                .url = pb_get_str(v, "url"),
                                .headers = headers,
                                .body = pb_get_str(v, "body"),
                                .service = service != NULL ? service : "x",
                                .label = "x Read",
                                .done = on_done};

        for (size_t k = 0; k < pb_len(list); k++)
            headers[k] = pb_arena_strdup(a, pb_str(pb_at(list, k)));
        rq.body_len = rq.body != NULL ? strlen(rq.body) : 0;
        pb_auth_apply(auth, rq.service, NULL, &rq);
        for (long k = number(v, "times", 1); k > 0; k--) {
            struct shot *s = pb_arena_zalloc(a, sizeof(*s));

            *s = (struct shot){h, i, number(v, "follow", 0)};
            rq.ctx = s;
            pb_http_submit(h, &rq);
        }
    }
}

static int try_http(const struct pb_value *doc, struct pb_arena *a)
{
    struct pb_http_limits limits = read_limits(pb_get(doc, "limits"));
    struct pb_err err = PB_ERR_INIT;
    struct pb_http_stats st;
    struct pb_auth *auth = NULL;
    struct pb_http *h;
    int64_t start = pb_clock_ms();
    int rc;

    if (pb_auth_open(&auth, pb_get(doc, "settings"), pb_get(doc, "block"), NULL, &err) == -1)
        return die(&err);
    h = pb_http_new(&limits, &err);
    if (h == NULL)
        return die(&err);
    submit_all(h, auth, a, pb_get(doc, "requests"));
    rc = pb_http_run(h, &err);
    pb_http_stats(h, &st);
    printf("{\"requests\":%zu,\"retries\":%zu,\"failed\":%zu,\"connections\":%zu,\"ms\":%ld}\n",
           st.requests, st.retries, st.failed, st.connections, (long)(pb_clock_ms() - start));
    pb_http_free(h);
    pb_auth_free(auth);
    return rc == 0 ? 0 : 130;
}

static void show_aws(struct pb_aws_session *s, const struct pb_value *ask,
                     const struct pb_value *urls)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    const struct pb_aws_creds *c;
    bool ok = pb_aws_credentials(&c, s, &err) == 0;

    pb_buf_addc(&b, '{');
    member(&b, "region", pb_aws_region(s));
    member(&b, "ca_file", pb_aws_ca_file(s));
    member(&b, "error", ok ? NULL : err.msg);
    member(&b, "access_key", ok ? c->access_key : NULL);
    member(&b, "secret_key", ok ? c->secret_key : NULL);
    member(&b, "token", ok ? c->token : NULL);
    member(&b, "source", ok ? c->source : NULL);
    pb_buf_addf(&b, ",\"expires\":%lld,\"endpoints\":{", ok ? (long long)c->expires : 0);
    for (size_t i = 0; i < pb_len(ask); i++)
        member(&b, pb_str(pb_at(ask, i)), pb_aws_endpoint(s, pb_str(pb_at(ask, i))));
    pb_buf_adds(&b, "},\"public\":{");
    for (size_t i = 0; i < pb_len(urls); i++) {
        const char *url = pb_str(pb_at(urls, i));
        PB_AUTO(str) char *own = pb_aws_public_url(s, pb_aws_region(s), url);

        member(&b, url, own);
    }
    pb_buf_adds(&b, "}}");
    put(&b);
}

static int try_aws(const struct pb_value *doc)
{
    const struct pb_value *ask = pb_get(doc, "ask"), *again = pb_get(doc, "again_ms");
    const struct pb_value *urls = pb_get(doc, "public");
    struct pb_aws_session *s = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (pb_aws_session_new(&s, pb_get(doc, "block"), NULL, &err) == -1) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

        pb_buf_addc(&b, '{');
        member(&b, "error", err.msg);
        pb_buf_addc(&b, '}');
        put(&b);
        return 0;
    }
    show_aws(s, ask, urls);
    for (size_t i = 0; i < pb_len(again); i++) {
        usleep((useconds_t)(1000 * strtol(pb_at(again, i)->s, NULL, 10)));
        show_aws(s, ask, urls);
    }
    pb_aws_session_free(s);
    return 0;
}

int main(int argc, char **argv)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *doc = NULL;
    struct pb_err err = PB_ERR_INIT;

    pb_cancel_install();
    if (argc != 3) {
        fputs("usage: livetry http|aws JSON\n", stderr);
        return 64;
    }
    if (pb_json_parse(&doc, a, argv[2], strlen(argv[2]), "the argument", &err) == -1)
        return die(&err);
    return strcmp(argv[1], "aws") == 0 ? try_aws(doc) : try_http(doc, a);
}
