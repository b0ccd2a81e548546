/*
 * schema.h: the types of attributes, as providers publish them.
 *
 * Terraform's attributes and nested blocks are one thing here: a resource type is an
 * OBJECT; a nested block is a field whose type is a LIST, SET or MAP of OBJECT (nesting
 * list, set, map) or an OBJECT (nesting single, group), with PB_F_BLOCK set.
 * Source: `terraform providers schema -json`, format_version 1.0.
 */
#ifndef PB_MODEL_SCHEMA_H
#define PB_MODEL_SCHEMA_H

#include "base/err.h"
#include "model/value.h"

enum pb_type_kind {
    PB_T_DYNAMIC = 0, /* anything, also when no schema is known */
    PB_T_STRING,
    PB_T_NUMBER,
    PB_T_BOOL,
    PB_T_LIST,
    PB_T_SET,
    PB_T_MAP,
    PB_T_OBJECT,
    PB_T_TUPLE
};

enum {
    PB_F_REQUIRED = 1,
    PB_F_OPTIONAL = 2,
    PB_F_COMPUTED = 4,
    PB_F_SENSITIVE = 8,
    PB_F_WRITE_ONLY = 16,
    PB_F_BLOCK = 32
};

struct pb_field;

struct pb_type {
    enum pb_type_kind kind;
    const struct pb_type *elem;    /* LIST, SET, MAP */
    const struct pb_field *fields; /* OBJECT: sorted by name; TUPLE: in order */
    size_t nfields;
};

struct pb_field {
    const char *name;
    const struct pb_type *type;
    unsigned flags; /* PB_F_* */
};

struct pb_schema {
    const char *type; /* "aws_vpc" */
    int64_t version;
    const struct pb_type *root; /* an OBJECT */
};

const struct pb_field *pb_type_field(const struct pb_type *object, const char *name);

/* From one entry of resource_schemas ({"version": n, "block": {...}}). */
int pb_schema_from_json(const struct pb_schema **out, struct pb_arena *a, const char *type,
                        const struct pb_value *entry, struct pb_err *err);
/* The compact form that plumb caches, and back. */
struct pb_value pb_schema_to_value(struct pb_arena *a, const struct pb_schema *s);
int pb_schema_from_value(const struct pb_schema **out, struct pb_arena *a, const struct pb_value *v,
                         struct pb_err *err);

#endif
