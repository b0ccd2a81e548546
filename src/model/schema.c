#include "model/schema.h"

#include <stdlib.h>
#include <string.h>

/* Deeper than any provider nests (AWS's deepest, WAF statements, have about 20). */
enum { DEPTH_MAX = 128 };

struct ctx {
    struct pb_arena *arena;
    const char *type; /* of the resource, for messages */
    struct pb_err *err;
};

static const struct pb_type scalars[] = {
    [PB_T_DYNAMIC] = {.kind = PB_T_DYNAMIC},
    [PB_T_STRING] = {.kind = PB_T_STRING},
    [PB_T_NUMBER] = {.kind = PB_T_NUMBER},
    [PB_T_BOOL] = {.kind = PB_T_BOOL},
};

const struct pb_field *pb_type_field(const struct pb_type *object, const char *name)
{
    size_t lo = 0, hi;

    if (!object || object->kind != PB_T_OBJECT)
        return NULL;
    for (hi = object->nfields; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(object->fields[mid].name, name);
        if (c == 0)
            return &object->fields[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static int wrong(const struct ctx *c, const char *what, const char *subject)
{
    return pb_fail(c->err, PB_E_INPUT, "the schema of '%s' cannot be understood: %s '%s'", c->type,
                   what, subject ? subject : "");
}

static struct pb_type *new_type(const struct ctx *c, enum pb_type_kind kind)
{
    struct pb_type *t = pb_arena_zalloc(c->arena, sizeof(*t));

    t->kind = kind;
    return t;
}

static const struct pb_type *collection(const struct ctx *c, enum pb_type_kind kind,
                                        const struct pb_type *elem)
{
    struct pb_type *t = new_type(c, kind);

    t->elem = elem;
    return t;
}

static int expr(const struct pb_type **out, const struct ctx *c, const struct pb_value *v,
                int depth);

/* Fields of a cty object: {"name": type expression}; in plumb's compact form,
 * {"name": [flags, type expression]}. */
static int expr_object(const struct pb_type **out, const struct ctx *c, const struct pb_value *v,
                       int depth)
{
    struct pb_type *t = new_type(c, PB_T_OBJECT);
    struct pb_field *fields;

    if (!pb_is(v, PB_MAP))
        return wrong(c, "an object type without", "attributes");
    fields = pb_arena_zalloc(c->arena, v->n * sizeof(*fields) + 1);
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        const struct pb_value *type = &m->value;
        fields[i].name = pb_arena_intern(c->arena, m->key, strlen(m->key));
        fields[i].flags = PB_F_OPTIONAL;
        if (pb_is(pb_at(type, 0), PB_NUMBER)) {
            fields[i].flags = (unsigned)strtoul(pb_at(type, 0)->s, NULL, 10);
            type = pb_at(type, 1);
        }
        if (expr(&fields[i].type, c, type, depth + 1))
            return -1;
    }
    t->fields = fields;
    t->nfields = v->n;
    *out = t;
    return 0;
}

static int expr_tuple(const struct pb_type **out, const struct ctx *c, const struct pb_value *v,
                      int depth)
{
    struct pb_type *t = new_type(c, PB_T_TUPLE);
    struct pb_field *fields;

    if (!pb_is(v, PB_LIST))
        return wrong(c, "a tuple type without", "elements");
    fields = pb_arena_zalloc(c->arena, v->n * sizeof(*fields) + 1);
    for (size_t i = 0; i < v->n; i++) {
        fields[i].name = "";
        if (expr(&fields[i].type, c, &v->items[i], depth + 1))
            return -1;
    }
    t->fields = fields;
    t->nfields = v->n;
    *out = t;
    return 0;
}

static int scalar(const struct pb_type **out, const struct ctx *c, const char *name)
{
    static const struct {
        const char *name;
        enum pb_type_kind kind;
    } names[] = {
        {"string", PB_T_STRING},
        {"number", PB_T_NUMBER},
        {"bool", PB_T_BOOL},
        {"dynamic", PB_T_DYNAMIC},
    };

    for (size_t i = 0; i < PB_COUNT(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = &scalars[names[i].kind];
            return 0;
        }
    }
    return wrong(c, "unknown type", name);
}

static int kind_of(enum pb_type_kind *out, const char *name)
{
    static const struct {
        const char *name;
        enum pb_type_kind kind;
    } names[] = {
        {"list", PB_T_LIST},     {"set", PB_T_SET},     {"map", PB_T_MAP},
        {"object", PB_T_OBJECT}, {"tuple", PB_T_TUPLE},
    };

    for (size_t i = 0; name && i < PB_COUNT(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].kind;
            return 0;
        }
    }
    return -1;
}

static int expr(const struct pb_type **out, const struct ctx *c, const struct pb_value *v,
                int depth)
{
    const struct pb_type *elem;
    enum pb_type_kind kind;

    if (depth > DEPTH_MAX)
        return wrong(c, "nested too deeply", "");
    if (pb_is(v, PB_STRING))
        return scalar(out, c, v->s);
    if (kind_of(&kind, pb_str(pb_at(v, 0))))
        return wrong(c, "unknown type", pb_str(pb_at(v, 0)));
    if (kind == PB_T_OBJECT)
        return expr_object(out, c, pb_at(v, 1), depth);
    if (kind == PB_T_TUPLE)
        return expr_tuple(out, c, pb_at(v, 1), depth);
    if (expr(&elem, c, pb_at(v, 1), depth + 1))
        return -1;
    *out = collection(c, kind, elem);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct pb_field *)a)->name, ((const struct pb_field *)b)->name);
}

static unsigned flags_of(const struct pb_value *v)
{
    unsigned flags = 0;

    if (pb_get_bool(v, "required", false))
        flags |= PB_F_REQUIRED;
    if (pb_get_bool(v, "optional", false))
        flags |= PB_F_OPTIONAL;
    if (pb_get_bool(v, "computed", false))
        flags |= PB_F_COMPUTED;
    if (pb_get_bool(v, "sensitive", false))
        flags |= PB_F_SENSITIVE;
    if (pb_get_bool(v, "write_only", false))
        flags |= PB_F_WRITE_ONLY;
    return flags;
}

/* "single" and "group" are the object itself. */
static int nest(const struct pb_type **out, const struct ctx *c, const char *mode,
                const struct pb_type *object)
{
    enum pb_type_kind kind;

    if (mode && (strcmp(mode, "single") == 0 || strcmp(mode, "group") == 0)) {
        *out = object;
        return 0;
    }
    if (kind_of(&kind, mode) || kind == PB_T_OBJECT || kind == PB_T_TUPLE)
        return wrong(c, "unknown nesting mode", mode);
    *out = collection(c, kind, object);
    return 0;
}

static int block(const struct pb_type **out, const struct ctx *c, const struct pb_value *v,
                 int depth);

static int attribute(struct pb_field *f, const struct ctx *c, const struct pb_value *v, int depth)
{
    const struct pb_value *nested = pb_get(v, "nested_type");
    const struct pb_type *object;

    f->flags = flags_of(v);
    if (!nested)
        return expr(&f->type, c, pb_get(v, "type"), depth + 1);
    if (block(&object, c, nested, depth + 1))
        return -1;
    return nest(&f->type, c, pb_get_str(nested, "nesting_mode"), object);
}

static int nested_block(struct pb_field *f, const struct ctx *c, const struct pb_value *v,
                        int depth)
{
    const struct pb_type *object;

    f->flags = PB_F_BLOCK | PB_F_OPTIONAL;
    if (block(&object, c, pb_get(v, "block"), depth + 1))
        return -1;
    return nest(&f->type, c, pb_get_str(v, "nesting_mode"), object);
}

/* A block, or the object of a nested attribute, which has attributes only. */
static int block(const struct pb_type **out, const struct ctx *c, const struct pb_value *v,
                 int depth)
{
    const struct pb_value *attrs = pb_get(v, "attributes"), *blocks = pb_get(v, "block_types");
    size_t na = pb_is(attrs, PB_MAP) ? attrs->n : 0, nb = pb_is(blocks, PB_MAP) ? blocks->n : 0;
    struct pb_type *t = new_type(c, PB_T_OBJECT);
    struct pb_field *fields = pb_arena_zalloc(c->arena, (na + nb) * sizeof(*fields) + 1);

    if (depth > DEPTH_MAX)
        return wrong(c, "nested too deeply", "");
    for (size_t i = 0; i < na + nb; i++) {
        const struct pb_member *m = i < na ? &attrs->members[i] : &blocks->members[i - na];
        int rc;
        fields[i].name = pb_arena_intern(c->arena, m->key, strlen(m->key));
        rc = i < na ? attribute(&fields[i], c, &m->value, depth)
                    : nested_block(&fields[i], c, &m->value, depth);
        if (rc)
            return -1;
    }
    qsort(fields, na + nb, sizeof(*fields), by_name);
    t->fields = fields;
    t->nfields = na + nb;
    *out = t;
    return 0;
}

int pb_schema_from_json(const struct pb_schema **out, struct pb_arena *a, const char *type,
                        const struct pb_value *entry, struct pb_err *err)
{
    struct ctx c = {a, type, err};
    struct pb_schema *s = pb_arena_zalloc(a, sizeof(*s));

    s->type = pb_arena_intern(a, type, strlen(type));
    if (!pb_is(pb_get(entry, "block"), PB_MAP))
        return wrong(&c, "it has no", "block");
    if (pb_get_int(&s->version, entry, "version"))
        s->version = 0;
    if (block(&s->root, &c, pb_get(entry, "block"), 0))
        return -1;
    *out = s;
    return 0;
}

/*
 * The compact form: {"type": "aws_vpc", "version": 1, "root": T} where T is "string",
 * "number", "bool", "dynamic", ["list"|"set"|"map", T], ["tuple", [T...]] or
 * ["object", {name: [flags, T]}]: Terraform's type expressions, with flags.
 */
static const char *const kind_names[] = {
    [PB_T_DYNAMIC] = "dynamic", [PB_T_STRING] = "string", [PB_T_NUMBER] = "number",
    [PB_T_BOOL] = "bool",       [PB_T_LIST] = "list",     [PB_T_SET] = "set",
    [PB_T_MAP] = "map",         [PB_T_OBJECT] = "object", [PB_T_TUPLE] = "tuple",
};

static struct pb_value to_value(struct pb_arena *a, const struct pb_type *t)
{
    struct pb_list_builder b = PB_BUILDER_INIT, pair = PB_BUILDER_INIT;
    struct pb_map_builder fields = PB_BUILDER_INIT;
    struct pb_value name = pb_mk_string(a, kind_names[t->kind]);

    if (t->kind <= PB_T_BOOL)
        return name;
    pb_list_add(&b, name);
    if (t->kind == PB_T_OBJECT) {
        for (size_t i = 0; i < t->nfields; i++) {
            pb_list_add(&pair, pb_mk_int(a, t->fields[i].flags));
            pb_list_add(&pair, to_value(a, t->fields[i].type));
            pb_map_add(&fields, t->fields[i].name, pb_list_done(&pair, a));
        }
        pb_list_add(&b, pb_map_done(&fields, a));
    } else if (t->kind == PB_T_TUPLE) {
        for (size_t i = 0; i < t->nfields; i++)
            pb_list_add(&pair, to_value(a, t->fields[i].type));
        pb_list_add(&b, pb_list_done(&pair, a));
    } else {
        pb_list_add(&b, to_value(a, t->elem));
    }
    return pb_list_done(&b, a);
}

struct pb_value pb_schema_to_value(struct pb_arena *a, const struct pb_schema *s)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    pb_map_add(&b, "type", pb_mk_string(a, s->type));
    pb_map_add(&b, "version", pb_mk_int(a, s->version));
    pb_map_add(&b, "root", to_value(a, s->root));
    return pb_map_done(&b, a);
}

int pb_schema_from_value(const struct pb_schema **out, struct pb_arena *a, const struct pb_value *v,
                         struct pb_err *err)
{
    const char *type = pb_get_str(v, "type");
    struct ctx c = {a, type ? type : "?", err};
    struct pb_schema *s = pb_arena_zalloc(a, sizeof(*s));

    if (!type || pb_get_int(&s->version, v, "version"))
        return wrong(&c, "it has no", "type and version");
    s->type = pb_arena_intern(a, type, strlen(type));
    if (expr(&s->root, &c, pb_get(v, "root"), 0))
        return -1;
    if (s->root->kind != PB_T_OBJECT)
        return wrong(&c, "it is no", "object");
    *out = s;
    return 0;
}
