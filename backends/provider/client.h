/*
 * client.h: one running provider: its process and the calls to it.
 *
 *	struct pb_client *c;
 *	if (pb_client_start(&c, &spec, err)) ...
 *	while (...) {
 *	    n = pb_client_fds(c, fds);
 *	    poll(fds, n, until pb_client_deadline(c));
 *	    pb_client_work(c);			// done() is called from here
 *	    if (pb_client_state(c) == PB_CLIENT_READY) pb_client_call(c, PB_CALL_READ, ...);
 *	}
 *	pb_client_end(c);	// asks it to shut down, then makes it
 *
 * Messages of protocol 5 and 6 are the same on the wire but for schemas: calls are made with
 * those of 6, and the names are translated.
 */
#ifndef PB_PROVIDER_CLIENT_H
#define PB_PROVIDER_CLIENT_H

#include "backends/plugin/process.h"
#include "backends/plugin/proto.h"
#include "backends/provider/rpc.h"

struct pb_client;

enum pb_client_state {
    PB_CLIENT_STARTING,
    PB_CLIENT_READY,
    PB_CLIENT_LOST /* for pb_client_problem() to say why; calls end as unavailable */
};

enum pb_call {
    PB_CALL_SCHEMA,
    PB_CALL_CONFIGURE,
    PB_CALL_UPGRADE,
    PB_CALL_UPGRADE_IDENTITY,
    PB_CALL_READ,
    PB_CALL_IMPORT,
    PB_CALL_PLAN,
    PB_CALL_STOP,
    PB_NCALLS
};

int pb_client_start(struct pb_client **out, const struct pb_plugin_spec *spec, struct pb_err *err);
enum pb_client_state pb_client_state(const struct pb_client *c);
int pb_client_protocol(const struct pb_client *c);

int pb_client_fds(const struct pb_client *c, struct pollfd out[3]);
int64_t pb_client_deadline(const struct pb_client *c);
void pb_client_work(struct pb_client *c);

void pb_client_call(struct pb_client *c, enum pb_call call, const ProtobufCMessage *m,
                    long timeout_ms, void (*done)(void *ctx, const struct pb_rpc_reply *r),
                    void *ctx);

/* Why a call or the provider failed, with what it wrote last when it died of it. */
void pb_client_problem(struct pb_client *c, const char *reason, struct pb_buf *out);
struct pb_rpc_stats pb_client_stats(const struct pb_client *c);
void pb_client_end(struct pb_client *c); /* NULL is fine */

#endif
