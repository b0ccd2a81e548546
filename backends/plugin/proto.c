#include "backends/plugin/proto.h"

#include <string.h>

#include "base/mem.h"

/* protobuf-c makes at most this much of a byte of input in honest messages (an empty
 * submessage is two bytes, a struct of 60 and its pointer); more is an attack. */
enum { AMPLIFY = 64, FLOOR = 1 << 20 };

struct pool {
    struct pb_arena *arena;
    size_t left;
};

static void *pool_alloc(void *ctx, size_t n)
{
    struct pool *p = ctx;

    if (n > p->left)
        return NULL;
    p->left -= n;
    return pb_arena_alloc(p->arena, n ? n : 1);
}

static void pool_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p; /* the arena's */
}

static int varint(struct pb_proto_walk *w, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && w->n; shift += 7) {
        uint8_t byte = *w->p++;

        w->n--;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return 0;
    }
    return -1;
}

static int fixed(struct pb_proto_walk *w, size_t bytes, uint64_t *out)
{
    if (w->n < bytes)
        return -1;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out |= (uint64_t)w->p[i] << (8 * i);
    w->p += bytes;
    w->n -= bytes;
    return 0;
}

int pb_proto_field(struct pb_proto_walk *w, struct pb_proto_item *out)
{
    uint64_t tag;

    *out = (struct pb_proto_item){0};
    if (!w->n)
        return 0;
    if (varint(w, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return -1;
    out->number = (unsigned)(tag >> 3);
    switch (tag & 7) {
    case 0: return varint(w, &out->varint) ? -1 : 1;
    case 1: return fixed(w, 8, &out->varint) ? -1 : 1;
    case 5: return fixed(w, 4, &out->varint) ? -1 : 1;
    case 2:
        if (varint(w, &out->varint) || out->varint > w->n)
            return -1;
        out->p = w->p;
        out->n = (size_t)out->varint;
        w->p += out->n;
        w->n -= out->n;
        return 1;
    default: return -1; /* groups are not in proto3 */
    }
}

/* protobuf-c recurses as deep as the message does. */
static int check_depth(const ProtobufCMessageDescriptor *d, const void *p, size_t n, int depth,
                       struct pb_err *err)
{
    struct pb_proto_walk w = {p, n};
    struct pb_proto_item f;
    int rc;

    if (depth > PB_PROTO_DEPTH)
        return pb_fail(err, PB_E_INPUT, "a '%s' is nested too deeply", d->short_name);
    while ((rc = pb_proto_field(&w, &f)) == 1) {
        const ProtobufCFieldDescriptor *fd =
            f.p ? protobuf_c_message_descriptor_get_field(d, f.number) : NULL;

        if (fd && fd->type == PROTOBUF_C_TYPE_MESSAGE &&
            check_depth(fd->descriptor, f.p, f.n, depth + 1, err))
            return -1;
    }
    return rc == 0 ? 0 : pb_fail(err, PB_E_INPUT, "a '%s' is no valid protobuf", d->short_name);
}

void *pb_proto_unpack(const ProtobufCMessageDescriptor *d, struct pb_arena *a, const void *p,
                      size_t n, struct pb_err *err)
{
    struct pool pool = {a, n * AMPLIFY + FLOOR};
    ProtobufCAllocator allocator = {pool_alloc, pool_free, &pool};
    void *m;

    if (check_depth(d, p, n, 0, err))
        return NULL;
    m = protobuf_c_message_unpack(d, &allocator, n, n ? p : (const void *)"");
    if (!m)
        pb_fail(err, PB_E_INPUT, "a '%s' is no valid protobuf", d->short_name);
    return m;
}

void pb_proto_pack(struct pb_buf *out, const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);

    pb_buf_reserve(out, n);
    protobuf_c_message_pack(m, (uint8_t *)out->s + out->len);
    out->len += n;
    out->s[out->len] = '\0';
}

ProtobufCBinaryData pb_proto_bytes(const void *p, size_t n)
{
    ProtobufCBinaryData b = {.len = n};

    memcpy(&b.data, &p, sizeof(p)); /* the library takes no const, and does not write */
    return b;
}
