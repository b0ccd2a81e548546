/*
 * json.h: JSON text to values and back, on yajl's event parser.
 *
 * Parsing keeps numbers as digits, interns keys and short strings, and refuses: more than
 * `max` bytes, depth over PB_JSON_DEPTH, duplicate keys, invalid UTF-8, NUL inside
 * strings, trailing text, and an empty document. The message gives line and column.
 */
#ifndef PB_MODEL_JSON_H
#define PB_MODEL_JSON_H

#include "base/err.h"
#include "model/value.h"

enum { PB_JSON_DEPTH = 512 };

/* `what` names the text in messages: a file's path, "the reply of 'ec2 DescribeVpcs'". */
int pb_json_parse(const struct pb_value **out, struct pb_arena *a, const char *text, size_t n,
                  const char *what, struct pb_err *err);
int pb_json_read(const struct pb_value **out, struct pb_arena *a, const char *path, size_t max,
                 struct pb_err *err);

/* Compact JSON, keys sorted, numbers as they came. PB_UNKNOWN and PB_SEALED, which JSON
 * does not have, are written as {"$unknown": reason|null} and {"$sealed": "hex"}; the flag
 * PB_V_SENSITIVE is not written (pb_json_add_redacted hides such values). A map that looks
 * like one of these is written inside {"$literal": ...}. With these exceptions this is
 * RFC 8785 canonical JSON but for number formatting. */
void pb_json_add(struct pb_buf *b, const struct pb_value *v);
/* The same with sensitive values replaced by the string "(sensitive)". */
void pb_json_add_redacted(struct pb_buf *b, const struct pb_value *v);
void pb_json_add_string(struct pb_buf *b, const char *s, size_t n); /* quoted */
/* Two-space indentation, for files that people read. */
void pb_json_add_pretty(struct pb_buf *b, const struct pb_value *v);

/* Canonical: numbers normalised too, so equal values give equal bytes. For hashing. */
void pb_json_add_canonical(struct pb_buf *b, const struct pb_value *v);

/* For caches: pb_seal_tree (seal.h), pb_json_add, and later pb_json_parse and this, which
 * restores unknown and sealed values (the latter marked sensitive). */
const struct pb_value *pb_json_unwrap(struct pb_arena *a, const struct pb_value *v);

#endif
