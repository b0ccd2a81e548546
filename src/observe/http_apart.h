/*
 * http_apart.h: the scheduler of http.h with its loop in a thread of its own. Requests are signed,
 * sent and received while the caller still makes some and reads the replies of others.
 *
 *	struct pb_http_apart *h = pb_http_apart_new(&limits, err);
 *	pb_http_apart_submit(h, &rq);		// is sent from now on
 *	pb_http_apart_run(h, err);		// `done` of each, here; they may submit more
 *	pb_http_apart_free(h);
 *
 * One thread calls these. A request's `done` is called in it, from pb_http_apart_run() only;
 * `sign` and `throttled` are called in the loop's thread, at any time between submit and `done`:
 * what they use must bear that. No more than a few times limits.concurrency replies wait to be
 * read: then the loop waits.
 */
#ifndef PB_OBSERVE_HTTP_APART_H
#define PB_OBSERVE_HTTP_APART_H

#include "observe/http.h"

struct pb_http_apart;

/* The total time limit counts from here. */
struct pb_http_apart *pb_http_apart_new(const struct pb_http_limits *l, struct pb_err *err);
int pb_http_apart_submit(struct pb_http_apart *h, const struct pb_http_rq *rq);
/* As pb_http_run(). */
int pb_http_apart_run(struct pb_http_apart *h, struct pb_err *err);
/* After the last run: connections are closed from now on, and not while free() is waited for.
 * What is still under way is given up: its `done` is not called. */
void pb_http_apart_close(struct pb_http_apart *h);
void pb_http_apart_stats(struct pb_http_apart *h, struct pb_http_stats *out);
void pb_http_apart_free(struct pb_http_apart *h);

#endif
