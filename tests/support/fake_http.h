/*
 * fake_http.h: a transport for the rest observer that answers from a table and keeps a log of
 * what was asked. Replies are delivered by run(), one after the other, in the order sent.
 */
#ifndef PB_TESTS_FAKE_HTTP_H
#define PB_TESTS_FAKE_HTTP_H

#include "backends/rest/rest.h"
#include "base/strv.h"

struct fake_reply {
    const char *match; /* part of "METHOD URL BODY"; the first row that has it answers */
    int status;        /* 0: no reply at all, `body` is the error */
    const char *type;  /* NULL: application/json */
    const char *body;
    int times; /* how often this row answers before it is passed over; 0: always */
};

struct fake_http {
    const struct fake_reply *rows;
    size_t nrows;
    int used[64];
    const char *date;   /* every reply's header; NULL: it has none */
    struct pb_strv log; /* "METHOD URL BODY" */
    struct pb_http_rq *queue;
    size_t n, cap, next;
};

void fake_http_init(struct fake_http *f, const struct fake_reply *rows, size_t n);
struct pb_rest_transport fake_http_transport(struct fake_http *f);
/* How many requests had `part` in them. */
size_t fake_http_count(const struct fake_http *f, const char *part);
void fake_http_release(struct fake_http *f);

#endif
