/*
 * proto.h: protobuf-c with the limits that hostile input needs: nesting, and memory in
 * proportion to the message.
 *
 *	Tfplugin5__ReadResource__Response *r =
 *	    pb_proto_unpack(&tfplugin5__read_resource__response__descriptor, a, msg, n, err);
 *
 * What is unpacked lives in the arena: never call the generated free_unpacked on it. Begin a
 * message with its generated init function, not with the INIT macro, which our warnings refuse.
 */
#ifndef PB_PLUGIN_PROTO_H
#define PB_PLUGIN_PROTO_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { PB_PROTO_DEPTH = 100 };

/* NULL with err set: it is no such message, or it is out of bounds. */
void *pb_proto_unpack(const ProtobufCMessageDescriptor *d, struct pb_arena *a, const void *p,
                      size_t n, struct pb_err *err);
void pb_proto_pack(struct pb_buf *out, const ProtobufCMessage *m);

/* Bytes for a field; not copied. */
ProtobufCBinaryData pb_proto_bytes(const void *p, size_t n);

/* Walking a message without unpacking it: a large one of which little is needed.
 *
 *	struct pb_proto_walk w = {msg, n};
 *	while (pb_proto_field(&w, &f) == 1)
 *	    if (f.number == 2 && f.p) ...
 *
 * Returns 1 for a field, 0 at the end, -1 when it is no protobuf. */
struct pb_proto_walk {
    const uint8_t *p;
    size_t n;
};
struct pb_proto_item {
    unsigned number;
    uint64_t varint;  /* of a varint or fixed field */
    const uint8_t *p; /* of a length-delimited one, else NULL */
    size_t n;
};
int pb_proto_field(struct pb_proto_walk *w, struct pb_proto_item *out);

#endif
