/*
 * http_transfer.h: one try of one request on one curl handle. Private to src/observe.
 */
#ifndef PB_OBSERVE_HTTP_TRANSFER_H
#define PB_OBSERVE_HTTP_TRANSFER_H

#include "observe/curl.h"
#include "observe/http.h"

/* Whom to believe: NULL is the machine's own. */
struct pb_trust {
    const char *file, *dir;
};

struct pb_transfer {
    CURL *easy;
    struct curl_slist *sent; /* headers of the request */
    struct pb_buf headers;   /* of the reply: name NUL value NUL ... */
    struct pb_buf body;
    struct pb_buf type; /* Content-Type, normalised */
    size_t max_body;
    bool too_big;
    char error[CURL_ERROR_SIZE];
    void *job;
};

int pb_transfer_init(struct pb_transfer *t, struct pb_err *err);
void pb_transfer_release(struct pb_transfer *t);
/* Signs and sets everything up; -1 when it cannot be signed. */
int pb_transfer_prepare(struct pb_transfer *t, const struct pb_http_rq *rq,
                        const struct pb_http_limits *l, const struct pb_trust *trust,
                        struct pb_err *err);
/* Whether another try would fail in the same way, though its code says otherwise. */
bool pb_transfer_is_final(const struct pb_transfer *t, CURLcode code);
const char *pb_transfer_header(const struct pb_transfer *t, const char *name);
/* The value of a header in what pb_transfer.headers holds; NULL. */
const char *pb_headers_find(const struct pb_buf *headers, const char *name);
/* Gives the reply away for empty buffers. */
void pb_transfer_swap(struct pb_transfer *t, struct pb_buf *body, struct pb_buf *headers,
                      struct pb_buf *type);
const char *pb_transfer_type(struct pb_transfer *t);
/* Says what went wrong, for people: label, host, reason, remedy. No path, query or header, and
 * no proxy's password. */
void pb_transfer_explain(struct pb_buf *out, const struct pb_transfer *t,
                         const struct pb_http_rq *rq, CURLcode code, const struct pb_http_limits *l,
                         const struct pb_trust *trust);

#endif
