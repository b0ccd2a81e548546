/*
 * rpc.h: gRPC calls over one HTTP/2 connection, plaintext, many at once, from one thread.
 *
 *	struct pb_rpc *c;
 *	if (pb_rpc_connect(&c, socket_path, err)) ...
 *	pb_rpc_call(c, &(struct pb_rpc_request){.path = "/tfplugin6.Provider/ReadResource", ...});
 *	while (...) {
 *	    poll pb_rpc_fd(c) for pb_rpc_events(c), at most until pb_rpc_next_deadline(c);
 *	    pb_rpc_work(c);		// done() is called from here and from nowhere else
 *	}
 *	pb_rpc_free(c);			// calls under way are dropped without done()
 *
 * Once the connection is lost every call under way and every new one ends with
 * PB_GRPC_UNAVAILABLE and the reason.
 */
#ifndef PB_PROVIDER_RPC_H
#define PB_PROVIDER_RPC_H

#include "backends/provider/grpc.h"

struct pb_rpc;

struct pb_rpc_reply {
    int status;         /* PB_GRPC_OK, or why there is no message */
    const char *reason; /* unless OK: what was said, for people */
    const uint8_t *msg; /* valid during done() */
    size_t n;
};

struct pb_rpc_request {
    const char *path;
    const void *msg; /* copied */
    size_t n;
    long timeout_ms;  /* 0: none */
    size_t max_reply; /* 0: PB_RPC_REPLY_MAX */
    /* Exactly once, or many times with OK and at last with another status when it streams. */
    void (*done)(void *ctx, const struct pb_rpc_reply *r);
    void *ctx;
    bool stream;
};

#define PB_RPC_REPLY_MAX ((size_t)64 << 20)

int pb_rpc_connect(struct pb_rpc **out, const char *socket_path, struct pb_err *err);
void pb_rpc_free(struct pb_rpc *c);

void pb_rpc_call(struct pb_rpc *c, const struct pb_rpc_request *rq);

int pb_rpc_fd(const struct pb_rpc *c);          /* -1 once it is lost */
const char *pb_rpc_why(const struct pb_rpc *c); /* it was lost; for people */
short pb_rpc_events(const struct pb_rpc *c);
int64_t pb_rpc_next_deadline(const struct pb_rpc *c); /* monotonic; INT64_MAX: none */
/* Sends and receives what can be without waiting, and ends what is over. */
void pb_rpc_work(struct pb_rpc *c);

struct pb_rpc_stats {
    size_t calls;
    size_t sent, received; /* bytes */
};
struct pb_rpc_stats pb_rpc_stats(const struct pb_rpc *c);

#endif
