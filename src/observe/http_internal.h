/*
 * http_internal.h: the scheduler's loop in pieces, for who runs it in another way. Private to
 * src/observe.
 *
 *	pb_http_begin(h);
 *	while (pb_http_pending(h) > 0) {
 *		int64_t wait = pb_http_round(h);
 *		if (pb_http_pending(h) > 0 && wait > 0)
 *			pb_http_wait(h, wait);
 *	}
 */
#ifndef PB_OBSERVE_HTTP_INTERNAL_H
#define PB_OBSERVE_HTTP_INTERNAL_H

#include "observe/http.h"

void pb_http_begin(struct pb_http *h); /* the total time limit counts from here */
size_t pb_http_pending(const struct pb_http *h);
/* Ends what has ended, starts what may start; returns ms until something else may start. Ends
 * everything when interrupted or too late. */
int64_t pb_http_round(struct pb_http *h);
void pb_http_abandon(struct pb_http *h, const char *why); /* ends everything now */
/* Until something happens on a connection, pb_http_wake(), or so many ms. Nothing may be performed
 * here: what ends by it would wait for the timeout. */
void pb_http_wait(struct pb_http *h, int64_t ms);
void pb_http_wake(struct pb_http *h); /* from any thread */
/* Inside `done` with a whole reply: its buffers for those given, which are emptied and used for
 * another. Headers as pb_headers_find() reads them. */
void pb_http_take(struct pb_http *h, struct pb_buf *body, struct pb_buf *headers,
                  struct pb_buf *type);

#endif
