/*
 * msgpack.h: values as DynamicValue carries them (Terraform's object-wire-format.md).
 *
 *	struct pb_value v;
 *	if (pb_msgpack_decode(&v, a, dv->msgpack.data, dv->msgpack.len, type, err) == -1) ...
 *	pb_msgpack_encode(&out, a, &v, type, err);
 *
 * Null is nil; unknown is an extension: of type 0, or 12 with refinements, which are taken
 * and left out. Numbers that no 64-bit integer or double holds exactly are strings; where the
 * type is dynamic there is a pair of the type as JSON (a bin) and the value.
 *
 * `type` may be NULL or PB_T_DYNAMIC at the top of decode when it is not known: then numbers
 * that were sent as strings stay strings. What the type calls sensitive is marked. Encoding
 * needs the type.
 */
#ifndef PB_PROVIDER_MSGPACK_H
#define PB_PROVIDER_MSGPACK_H

#include "base/err.h"
#include "model/schema.h"

enum { PB_MSGPACK_DEPTH = 200 };

/* Refuses: trailing bytes, depth, lengths beyond the input, invalid UTF-8, keys that are no
 * strings, NaN and infinities. */
int pb_msgpack_decode(struct pb_value *out, struct pb_arena *a, const void *p, size_t n,
                      const struct pb_type *type, struct pb_err *err);

/* Appends. Members of an object that v does not have become null, blocks in a list, set or
 * map empty ones. A value that is not of the type is an error that names its place; sealed
 * values are. `a` is for temporary things. */
int pb_msgpack_encode(struct pb_buf *out, struct pb_arena *a, const struct pb_value *v,
                      const struct pb_type *type, struct pb_err *err);

/* A type constraint as JSON (Schema.Attribute.type): "string", ["list","string"], ... */
int pb_cty_type(const struct pb_type **out, struct pb_arena *a, const void *json, size_t n,
                struct pb_err *err);
/* And back; for a value of its own accord: lists are tuples, maps objects. */
void pb_cty_add_type(struct pb_buf *out, const struct pb_type *t);
void pb_cty_add_type_of(struct pb_buf *out, const struct pb_value *v);

#endif
