/*
 * relay.h: between who speaks with a provider and the provider: every call is passed on as it is,
 * but for the question what types there are, which is answered from memory when that is possible.
 *
 *	r = pb_relay_new(&spec);		// the listener is its own from here on
 *	while (...) {
 *	    poll pb_relay_fds(r, fds);
 *	    pb_relay_work(r);
 *	}
 *	pb_relay_free(r);
 *
 * A connection to the relay has one of its own to the provider, made when the first call is to be
 * passed on. Headers, messages, trailers and resets go through in both directions while they come:
 * whatever a call is, one message or a stream of them. What either side breaks off is broken off
 * on the other. Nothing of what passes is kept.
 */
#ifndef PB_PLUGIN_RELAY_H
#define PB_PLUGIN_RELAY_H

#include <poll.h>

#include "base/buf.h"

struct pb_relay;

struct pb_relay_spec {
    int listener;         /* a unix socket that listens, non-blocking */
    const char *provider; /* where the provider's own is; must outlive it */
    /* The answer to the question; NULL: it is not known. */
    const struct pb_buf *(*schema)(void *ctx);
    /* What the provider answered to it, before it is passed on: schema() is asked again. */
    void (*learn)(void *ctx, const void *reply, size_t n);
    void *ctx;
};

enum { PB_RELAY_CONNECTIONS = 64, PB_RELAY_FDS = 1 + 2 * PB_RELAY_CONNECTIONS };

struct pb_relay *pb_relay_new(const struct pb_relay_spec *spec);
int pb_relay_fds(const struct pb_relay *r, struct pollfd out[PB_RELAY_FDS]); /* how many */
void pb_relay_work(struct pb_relay *r);
bool pb_relay_lost(const struct pb_relay *r); /* the provider broke a connection off */
void pb_relay_free(struct pb_relay *r);       /* NULL is fine */

#endif
