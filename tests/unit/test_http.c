/* The scheduler against a small server on loopback that misbehaves on demand. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "observe/budget.h"
#include "observe/http.h"
#include "observe/http_apart.h"
#include "observe/retry.h"
#include "tests/support/loopback.h"

static atomic_int hits;
static int listener, port;

static void say(int fd, const char *s)
{
    send(fd, s, strlen(s), MSG_NOSIGNAL);
}

/* A 403 that means a limit, and says when there is more; the second request gets something. */
static void spent(int fd, int hit, const char *left)
{
    char reply[256];

    snprintf(
        reply, sizeof(reply),
        "HTTP/1.1 403 No\r\nX-Left: %s\r\nX-Reset: %lld\r\nContent-Length: 10\r\n\r\nrate limit",
        left, (long long)time(NULL) + 2);
    say(fd, hit == 1 ? reply : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* Whether the connection stays open afterwards. */
static bool answer(int fd, const char *path)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=x\r\n"
                             "X-Thing: a\r\nContent-Length: 2\r\n\r\nok";
    int hit = ++hits;

    if (strncmp(path, "/throttle", 9) == 0 && hit == 1)
        say(fd, "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "/long", 5) == 0)
        say(fd, "HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "/spent", 6) == 0)
        spent(fd, hit, "0");
    else if (strncmp(path, "/left", 5) == 0)
        spent(fd, hit, "7");
    else if (strncmp(path, "/500", 4) == 0)
        say(fd, "HTTP/1.1 500 Bad\r\nContent-Length: 3\r\n\r\nbad");
    else if (strncmp(path, "/moved", 6) == 0)
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "/reset", 6) == 0)
        return false;
    else if (strncmp(path, "/short", 6) == 0)
        return say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nonly"), false;
    else if (strncmp(path, "/chunk", 6) == 0)
        return say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), false;
    else if (strncmp(path, "/huge", 5) == 0)
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"
                "0123456789012345678901234567890123456789");
    else if (strncmp(path, "/stall", 6) == 0)
        return true;
    else if (strncmp(path, "/late", 5) == 0)
        return usleep(50000), say(fd, ok), true;
    else
        say(fd, ok);
    return true;
}

static void *serve_one(void *ctx)
{
    int fd = (int)(intptr_t)ctx;
    char buf[4096];
    size_t n = 0;
    ssize_t got;

    while ((got = recv(fd, buf + n, sizeof(buf) - 1 - n, 0)) > 0) {
        char *end;

        n += (size_t)got;
        buf[n] = '\0';
        end = strstr(buf, "\r\n\r\n");
        if (end == NULL)
            continue;
        if (!answer(fd, strchr(buf, ' ') + 1))
            break;
        n = 0;
    }
    close(fd);
    return NULL;
}

static void *serve(void *ctx)
{
    (void)ctx;
    for (;;) {
        pthread_t t;
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            return NULL;
        pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd);
        pthread_detach(t);
    }
}

static int setup(void **state)
{
    pthread_t t;

    (void)state;
    unsetenv("http_proxy");
    listener = test_listen(&port);
    if (listener < 0)
        return -1;
    pthread_create(&t, NULL, serve, NULL);
    return pthread_detach(t);
}

struct seen {
    int calls, status, tries;
    enum pb_http_outcome outcome;
    char error[512], body[64], type[64];
    bool header;
};

static void done(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    struct seen *s = ctx;

    (void)rq;
    s->calls++;
    s->status = r->status;
    s->tries = r->tries;
    s->outcome = r->outcome;
    s->header = r->header(r, "x-thing") != NULL;
    snprintf(s->error, sizeof(s->error), "%s", r->error != NULL ? r->error : "");
    snprintf(s->body, sizeof(s->body), "%s", r->body);
    snprintf(s->type, sizeof(s->type), "%s", r->content_type);
}

static bool is_limit(int status, const char *body, size_t n, void *ctx)
{
    (void)n;
    (void)ctx;
    return status == 403 && strstr(body, "rate limit") != NULL;
}

static struct pb_http_rq with; /* what a case wants beside the usual */

/* In this thread, or with the loop in one of its own. */
static struct seen fetch_once(const char *path, const struct pb_http_limits *given, int times,
                              struct pb_http_stats *stats, bool apart)
{
    struct pb_http_limits l = {.backoff_ms = 5};
    struct seen s = {0};
    char url[128];
    struct pb_http_rq rq = {
        .method = "GET", .url = url, .service = "x", .label = "x Read", .done = done, .ctx = &s};
    struct pb_http_apart *a = NULL;
    struct pb_http *h = NULL;

    rq.once = with.once;
    rq.throttled = with.throttled;
    rq.left_header = with.left_header;
    rq.reset_header = with.reset_header;
    rq.throttle_ms = with.throttle_ms;
    if (given != NULL)
        l = *given;
    hits = 0;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s?secret=1", port, path);
    if (apart)
        a = pb_http_apart_new(&l, NULL);
    else
        h = pb_http_new(&l, NULL);
    for (int i = 0; i < times; i++)
        assert_int_equal(apart ? pb_http_apart_submit(a, &rq) : pb_http_submit(h, &rq), 0);
    assert_int_equal(apart ? pb_http_apart_run(a, NULL) : pb_http_run(h, NULL), 0);
    assert_int_equal(s.calls, times);
    assert_null(strstr(s.error, "secret"));
    if (apart)
        pb_http_apart_stats(a, stats);
    else
        pb_http_stats(h, stats);
    pb_http_apart_free(a);
    pb_http_free(h);
    return s;
}

/* Either way: it is the same. */
static struct seen fetch(const char *path, const struct pb_http_limits *given, int times,
                         struct pb_http_stats *stats)
{
    struct pb_http_stats st[2];
    struct seen a = fetch_once(path, given, times, &st[0], false);
    struct seen b = fetch_once(path, given, times, &st[1], true);

    assert_int_equal(a.outcome, b.outcome);
    assert_int_equal(a.status, b.status);
    assert_int_equal(a.tries, b.tries);
    assert_int_equal(a.header, b.header);
    assert_string_equal(a.error, b.error);
    assert_string_equal(a.body, b.body);
    assert_string_equal(a.type, b.type);
    assert_int_equal(st[0].requests, st[1].requests);
    assert_int_equal(st[0].retries, st[1].retries);
    assert_int_equal(st[0].failed, st[1].failed);
    assert_int_equal(st[0].bytes, st[1].bytes);
    if (stats != NULL)
        *stats = st[1];
    return b;
}

static void http__reply(void **state)
{
    struct seen s = fetch("/ok", NULL, 1, NULL);

    (void)state;
    assert_int_equal(s.outcome, PB_HTTP_REPLY);
    assert_int_equal(s.status, 200);
    assert_string_equal(s.body, "ok");
    assert_string_equal(s.type, "text/plain");
    assert_true(s.header);
}

static void http__connections_are_reused(void **state)
{
    struct pb_http_limits l = {.concurrency = 4, .per_service = 4};
    struct pb_http_stats st;

    (void)state;
    fetch("/ok", &l, 200, &st);
    assert_int_equal(st.requests, 200);
    assert_true(st.connections <= 4);
}

static void http__few_connections_do_where_replies_come_at_once(void **state)
{
    struct pb_http_limits l = {.concurrency = 32, .per_service = 32, .few = 3, .long_ms = 60000};
    struct pb_http_stats st;

    (void)state;
    fetch("/ok", &l, 200, &st);
    assert_int_equal(st.requests, 200);
    assert_true(st.connections <= 3);
    /* Whoever waits is joined by others. */
    l.long_ms = 1;
    fetch("/late", &l, 100, &st);
    assert_int_equal(st.requests, 100);
    assert_true(st.connections > 16);
}

static void note_order(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    assert_int_equal(r->outcome, PB_HTTP_REPLY);
    pb_buf_adds(ctx, rq->label);
}

/* Of each service by itself, and otherwise in their order. */
static void http__what_leads_goes_first(void **state)
{
    static const char *const rows[][2] = {{"abcd", "abcd"}, {"aBcD", "BDac"}, {"ABcd", "ABcd"},
                                          {"abC", "Cab"},   {"A", "A"},       {"aB", "Ba"}};
    struct pb_http_limits l = {.concurrency = 1, .per_service = 1};
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", port);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PB_AUTO(buf) struct pb_buf order = PB_BUF_INIT;
        struct pb_http *h = pb_http_new(&l, NULL);
        char labels[8][2] = {{0}};

        /* Twice: what was taken from the queue leaves nothing behind. */
        for (int again = 0; again < 2; again++) {
            for (size_t k = 0; rows[i][0][k]; k++) {
                struct pb_http_rq rq = {.method = "GET",
                                        .url = url,
                                        .service = "x",
                                        .label = labels[k],
                                        .leads = rows[i][0][k] < 'a',
                                        .done = note_order,
                                        .ctx = &order};

                labels[k][0] = rows[i][0][k];
                assert_int_equal(pb_http_submit(h, &rq), 0);
            }
            pb_buf_clear(&order);
            assert_int_equal(pb_http_run(h, NULL), 0);
            assert_string_equal(order.s, rows[i][1]);
        }
        pb_http_free(h);
    }
}

static void http__retry_after_is_waited_for(void **state)
{
    int64_t t = pb_clock_ms();
    struct seen s = fetch("/throttle", NULL, 1, NULL);

    (void)state;
    assert_int_equal(s.status, 200);
    assert_int_equal(s.tries, 2);
    assert_true(pb_clock_ms() - t >= 1000);
}

static void http__long_retry_after_is_not(void **state)
{
    struct seen s = fetch("/long", NULL, 1, NULL);

    (void)state;
    assert_int_equal(s.status, 429);
    assert_int_equal(s.tries, 1);
}

static void http__tries_end(void **state)
{
    struct seen s = fetch("/500", NULL, 1, NULL);

    (void)state;
    assert_int_equal(s.outcome, PB_HTTP_REPLY);
    assert_int_equal(s.status, 500);
    assert_int_equal(s.tries, 4);
}

/* Nobody knows whether a request was done whose reply got lost; one that was refused was not. */
static void http__once_is_not_done_twice(void **state)
{
    static const char *const lost[] = {"/500", "/reset", "/short"};

    (void)state;
    with = (struct pb_http_rq){.once = true};
    for (size_t i = 0; i < PB_COUNT(lost); i++)
        assert_int_equal(fetch(lost[i], NULL, 1, NULL).tries, 1);
    assert_int_equal(fetch("/throttle", NULL, 1, NULL).status, 200);
    with = (struct pb_http_rq){0};
    assert_true(fetch("/reset", NULL, 1, NULL).tries > 1);
}

static void http__spent_limits_are_waited_for(void **state)
{
    struct pb_http_limits l = {.backoff_ms = 5, .max_retry_after_ms = 1};
    int64_t start = pb_clock_ms();
    struct seen s;

    (void)state;
    with = (struct pb_http_rq){
        .throttled = is_limit, .left_header = "x-left", .reset_header = "x-reset"};
    assert_int_equal(fetch_once("/spent", NULL, 1, &(struct pb_http_stats){0}, false).status, 200);
    assert_true(pb_clock_ms() - start >= 900);
    s = fetch("/spent", &l, 1, NULL); /* too long to wait for */
    assert_int_equal(s.status, 403);
    assert_int_equal(s.tries, 1);
    assert_int_equal(fetch("/left", &l, 1, NULL).tries, 2); /* that is not what was spent */
    with.throttle_ms = 5000;
    assert_int_equal(fetch("/left", &l, 1, NULL).tries, 1);
    with = (struct pb_http_rq){0};
}

static void http__redirects_are_not_followed(void **state)
{
    (void)state;
    assert_int_equal(fetch("/moved", NULL, 1, NULL).status, 302);
}

static void http__cut_replies_are_failures(void **state)
{
    static const char *const paths[] = {"/reset", "/short", "/chunk"};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(paths); i++) {
        struct seen s = fetch(paths[i], NULL, 1, NULL);

        assert_int_equal(s.outcome, PB_HTTP_FAILED);
        assert_int_equal(s.tries, 4);
        assert_non_null(strstr(s.error, "'x Read' at '127.0.0.1': the connection closed"));
    }
}

static void http__huge_body_is_refused_once(void **state)
{
    struct pb_http_limits l = {.max_body = 39};
    struct seen s = fetch("/huge", &l, 1, NULL);

    (void)state;
    assert_int_equal(s.outcome, PB_HTTP_FAILED);
    assert_int_equal(s.tries, 1);
    assert_non_null(strstr(s.error, "larger than the limit of 39 bytes"));
    l.max_body = 40;
    assert_int_equal(fetch("/huge", &l, 1, NULL).status, 200);
}

static void http__stall_times_out(void **state)
{
    struct pb_http_limits l = {.request_ms = 100, .tries = 2, .backoff_ms = 5};
    struct seen s = fetch("/stall", &l, 1, NULL);

    (void)state;
    assert_int_equal(s.outcome, PB_HTTP_TIMEOUT);
    assert_int_equal(s.tries, 2);
}

static void http__total_deadline(void **state)
{
    struct pb_http_limits l = {.total_ms = 200, .concurrency = 2};
    int64_t t = pb_clock_ms();
    struct seen s = fetch("/stall", &l, 8, NULL);

    (void)state;
    assert_int_equal(s.outcome, PB_HTTP_CANCELLED);
    assert_true(pb_clock_ms() - t < 10000); /* a request alone may take 20 s */
}

struct pages {
    struct pb_http_apart *h;
    int done, left;
};

static void next_page(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    struct pages *p = ctx;

    assert_int_equal(r->outcome, PB_HTTP_REPLY);
    assert_string_equal(r->body, "ok");
    p->done++;
    if (p->left > 0) {
        p->left--;
        assert_int_equal(pb_http_apart_submit(p->h, rq), 0);
    }
}

static void http_apart__replies_ask_for_more(void **state)
{
    struct pb_http_limits l = {.concurrency = 4};
    char url[64];
    struct pages p = {.left = 500};
    struct pb_http_rq rq = {.method = "GET", .url = url, .done = next_page, .ctx = &p};

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", port);
    p.h = pb_http_apart_new(&l, NULL);
    for (int i = 0; i < 100; i++) /* more than may wait to be read */
        pb_http_apart_submit(p.h, &rq);
    usleep(50000);
    assert_int_equal(p.done, 0);
    assert_int_equal(pb_http_apart_run(p.h, NULL), 0);
    assert_int_equal(p.done, 600);
    pb_http_apart_submit(p.h, &rq); /* it can be gone on with */
    assert_int_equal(pb_http_apart_run(p.h, NULL), 0);
    assert_int_equal(p.done, 601);
    pb_http_apart_free(p.h);
    pb_http_apart_free(NULL);
}

static void http_apart__ends_without_having_run(void **state)
{
    char url[64];
    struct pages p = {0};
    struct pb_http_rq rq = {.method = "GET", .url = url, .done = next_page, .ctx = &p};

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/stall", port);
    p.h = pb_http_apart_new(NULL, NULL);
    assert_int_equal(pb_http_apart_run(p.h, NULL), 0);
    pb_http_apart_submit(p.h, &rq);
    pb_http_apart_free(p.h);
    assert_int_equal(p.done, 0);
}

static void retry__after(void **state)
{
    (void)state;
    assert_int_equal(pb_retry_after("7", 0), 7000);
    assert_int_equal(pb_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 30), 30000);
    assert_int_equal(pb_retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 30), 0);
    assert_int_equal(pb_retry_after("soon", 30), -1);
    assert_int_equal(pb_retry_after("7x", 30), -1);
}

static void retry__reset(void **state)
{
    (void)state;
    assert_int_equal(pb_retry_reset("40", 30), 10000);
    assert_int_equal(pb_retry_reset("20", 30), 0);
    assert_int_equal(pb_retry_reset("99999999999999999999", 30), 1000000000000);
    assert_int_equal(pb_retry_reset("4o", 30), -1);
    assert_int_equal(pb_retry_reset("", 30), -1);
    assert_int_equal(pb_retry_reset("-5", 30), -1);
}

static void retry__backoff_is_spread_below_its_bound(void **state)
{
    (void)state;
    for (int tries = 1; tries <= 12; tries++) {
        int64_t bound = 50 * (INT64_C(1) << (tries - 1)), most = 0;

        bound = bound < 20000 ? bound : 20000;
        for (int i = 0; i < 500; i++) {
            int64_t wait = pb_retry_backoff(50, tries);

            assert_true(wait >= 0 && wait <= bound);
            most = wait > most ? wait : most;
        }
        assert_true(most > bound / 2);
    }
}

static void budget__halves_and_recovers(void **state)
{
    struct pb_budget b;

    (void)state;
    pb_budget_init(&b, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(pb_budget_take(&b, i), 0);
    pb_budget_throttled(&b, 100);
    assert_true(b.rate > 49 && b.rate < 51);
    pb_budget_throttled(&b, 150); /* the same burst */
    assert_true(b.rate > 49);
    assert_true(pb_budget_take(&b, 100) > 0);
    pb_budget_throttled(&b, 700);
    assert_true(b.rate < 26);
    assert_int_equal(pb_budget_take(&b, 120000), 0);
    assert_true(b.rate <= 0); /* no limit again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http__reply),
        cmocka_unit_test(http__connections_are_reused),
        cmocka_unit_test(http__few_connections_do_where_replies_come_at_once),
        cmocka_unit_test(http__what_leads_goes_first),
        cmocka_unit_test(http__retry_after_is_waited_for),
        cmocka_unit_test(http__long_retry_after_is_not),
        cmocka_unit_test(http__tries_end),
        cmocka_unit_test(http__once_is_not_done_twice),
        cmocka_unit_test(http__spent_limits_are_waited_for),
        cmocka_unit_test(http__redirects_are_not_followed),
        cmocka_unit_test(http__cut_replies_are_failures),
        cmocka_unit_test(http__huge_body_is_refused_once),
        cmocka_unit_test(http__stall_times_out),
        cmocka_unit_test(http__total_deadline),
        cmocka_unit_test(http_apart__replies_ask_for_more),
        cmocka_unit_test(http_apart__ends_without_having_run),
        cmocka_unit_test(retry__after),
        cmocka_unit_test(retry__reset),
        cmocka_unit_test(retry__backoff_is_spread_below_its_bound),
        cmocka_unit_test(budget__halves_and_recovers),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
