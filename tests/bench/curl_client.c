/*
 * The requests of a recording by libcurl: in a loop of curl_multi that does nothing else, or by
 * plumb's scheduler. The first is what an audit is measured against, the second against the first.
 *
 * usage: curl_client curl|scheduler PORT RECORDING [CONNECTIONS]   prints milliseconds and replies
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "observe/curl.h"
#include "observe/http.h"

enum { RECORDING_MAX = 1 << 30, CONNECTIONS_MAX = 256 };

struct request {
    char *method, *url;
    struct pb_strv headers;
    const char *body;
    size_t body_len;
};

static struct request *requests;
static size_t count, next, replies, failures;

/* "METHOD TARGET HTTP/1.1", headers, a body: without what libcurl says by itself. */
static void take_request(char *text, size_t n, const char *port)
{
    struct request *r = &requests[count++];
    char *end = memmem(text, n, "\r\n\r\n", 4), *target = strchr(text, ' '), *line;

    if (!end || !target)
        exit(1);
    r->body = end + 4;
    r->body_len = n - (size_t)(end + 4 - text);
    r->method = pb_strndup(text, (size_t)(target - text));
    target++;
    r->url = pb_asprintf("http://127.0.0.1:%s%.*s", port, (int)strcspn(target, " "), target);
    end[2] = '\0';
    for (line = strstr(text, "\r\n") + 2; *line; line += strcspn(line, "\r") + 2)
        if (strncasecmp(line, "host:", 5) != 0 && strncasecmp(line, "content-length:", 15) != 0)
            pb_strv_addf(&r->headers, "%.*s", (int)strcspn(line, "\r"), line);
}

static void load(const char *path, const char *port)
{
    static struct pb_buf all = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    if (pb_fs_read(&all, path, RECORDING_MAX, &err)) {
        fprintf(stderr, "curl_client: %s\n", err.msg);
        exit(1);
    }
    for (char *p = all.s; p < all.s + all.len;) {
        size_t len[3];
        for (int i = 0; i < 3; i++)
            len[i] = strtoull(p, &p, 10);
        p++;
        requests = realloc(requests, (count + 1) * sizeof(*requests));
        if (!requests)
            exit(1);
        memset(&requests[count], 0, sizeof(*requests));
        take_request(p + len[0], len[1], port);
        p += len[0] + len[1] + len[2];
    }
}

/* ---- curl_multi and nothing else ------------------------------------------------------------- */

static size_t drop(char *p, size_t size, size_t n, void *ctx)
{
    (void)p;
    (void)ctx;
    return size * n;
}

static void start(CURLM *m, CURL *e)
{
    struct request *r = &requests[next++];
    struct curl_slist *headers = NULL;

    curl_easy_reset(e);
    for (size_t i = 0; i < r->headers.n; i++)
        headers = curl_slist_append(headers, r->headers.v[i]);
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(e, CURLOPT_URL, r->url);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(e, CURLOPT_PRIVATE, headers);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (strcmp(r->method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)r->body_len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body);
    } else if (strcmp(r->method, "GET") != 0) {
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
    }
    curl_multi_add_handle(m, e);
}

static void by_curl(size_t connections)
{
    CURLM *m = curl_multi_init();
    int running = 0, left;
    CURLMsg *msg;

    curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)connections);
    for (size_t i = 0; i < connections && next < count; i++)
        start(m, curl_easy_init());
    do {
        curl_multi_perform(m, &running);
        while ((msg = curl_multi_info_read(m, &left))) {
            CURL *e = msg->easy_handle;
            struct curl_slist *headers = NULL;
            long status = 0;

            failures += msg->data.result != CURLE_OK;
            curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
            curl_easy_getinfo(e, CURLINFO_PRIVATE, &headers);
            failures += status == 501; /* the replay server has no such recording */
            replies++;
            curl_multi_remove_handle(m, e);
            curl_slist_free_all(headers);
            if (next < count)
                start(m, e);
            else
                curl_easy_cleanup(e);
        }
        if (replies < count)
            curl_multi_poll(m, NULL, 0, 1000, NULL);
    } while (replies < count);
    curl_multi_cleanup(m);
}

/* ---- plumb's scheduler ----------------------------------------------------------------------- */

static void on_done(const struct pb_http_rq *rq, const struct pb_http_reply *reply, void *ctx)
{
    (void)rq;
    (void)ctx;
    replies++;
    failures += reply->outcome != PB_HTTP_REPLY || reply->status == 501;
}

static void by_scheduler(size_t connections)
{
    struct pb_http_limits limits = {
        .concurrency = (int)connections, .per_service = (int)connections, .tries = 1};
    struct pb_err err = PB_ERR_INIT;
    struct pb_http *h = pb_http_new(&limits, &err);

    if (!h) {
        fprintf(stderr, "curl_client: %s\n", err.msg);
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        struct request *r = &requests[i];
        struct pb_http_rq rq = {.method = r->method,
                                .url = r->url,
                                .headers = r->headers.v,
                                .body = r->body_len ? r->body : NULL,
                                .body_len = r->body_len,
                                .service = "replay",
                                .label = "replay",
                                .done = on_done};
        pb_http_submit(h, &rq);
    }
    if (pb_http_run(h, &err))
        exit(1);
    pb_http_free(h);
}

int main(int argc, char **argv)
{
    size_t connections = argc > 4 ? strtoull(argv[4], NULL, 10) : 32;
    struct pb_err err = PB_ERR_INIT;
    struct timespec a, b;
    bool bare = argc > 3 && strcmp(argv[1], "curl") == 0;

    if (argc < 4 || (!bare && strcmp(argv[1], "scheduler") != 0) || connections < 1 ||
        connections > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: curl_client curl|scheduler PORT RECORDING [CONNECTIONS]\n");
        return 64;
    }
    load(argv[3], argv[2]);
    if (pb_curl_load(&err)) {
        fprintf(stderr, "curl_client: %s\n", err.msg);
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &a);
    if (bare)
        by_curl(connections);
    else
        by_scheduler(connections);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%.2f ms %zu replies %zu failures\n",
           (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6, replies,
           failures);
    return failures != 0;
}
