/*
 * grpc.h: how gRPC puts messages into the body of an HTTP/2 stream: a byte that says whether
 * it is compressed (never here), four bytes of length, the message. Used by both sides.
 *
 *	pb_grpc_frame(&out, msg, n);			// to send
 *
 *	struct pb_grpc_reader r = {.max = 64 << 20};	// to receive
 *	while (data comes) {
 *	    if (pb_grpc_read(&r, data, n, err) == -1)
 *		refuse the stream;
 *	    while (pb_grpc_next(&r, &msg, &len))
 *		use msg before the next call
 *	}
 *	if (pb_grpc_end(&r, err) == -1)		// cut off inside a message
 *	pb_grpc_release(&r);
 */
#ifndef PB_PROVIDER_GRPC_H
#define PB_PROVIDER_GRPC_H

#include "base/buf.h"
#include "base/err.h"

enum { PB_GRPC_PREFIX = 5 };

/* Status codes that plumb tells apart; the published numbers. */
enum {
    PB_GRPC_OK = 0,
    PB_GRPC_CANCELLED = 1,
    PB_GRPC_UNKNOWN = 2,
    PB_GRPC_DEADLINE_EXCEEDED = 4,
    PB_GRPC_RESOURCE_EXHAUSTED = 8,
    PB_GRPC_UNIMPLEMENTED = 12,
    PB_GRPC_INTERNAL = 13,
    PB_GRPC_UNAVAILABLE = 14
};
const char *pb_grpc_status_name(int status); /* "deadline exceeded"; never NULL */

/* Appends prefix and message. */
void pb_grpc_frame(struct pb_buf *out, const void *msg, size_t n);

struct pb_grpc_reader {
    size_t max;      /* of one message; longer ones are refused when their length is seen */
    struct pb_buf b; /* zeroed is fine */
    size_t taken;    /* of b: what earlier messages used */
};

/* Takes bytes of the body. -1: a message is compressed or longer than max; the reader can
 * then only be released. */
int pb_grpc_read(struct pb_grpc_reader *r, const void *p, size_t n, struct pb_err *err);
/* Whether a whole message is there; it stays valid until the next call on the reader. */
bool pb_grpc_next(struct pb_grpc_reader *r, const uint8_t **msg, size_t *n);
/* -1: bytes of an unfinished message are left. */
int pb_grpc_end(const struct pb_grpc_reader *r, struct pb_err *err);
void pb_grpc_release(struct pb_grpc_reader *r);

/* grpc-message is percent-encoded; grpc-timeout is digits and a unit. */
void pb_grpc_add_decoded(struct pb_buf *out, const char *s, size_t n);
void pb_grpc_add_timeout(struct pb_buf *out, long ms);

#endif
