#include "backends/provider/msgpack.h"

#include <errno.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "model/number.h"

struct out {
    msgpack_packer pk;
    struct pb_arena *arena;
    struct pb_buf *buf;
    struct pb_buf where; /* "rule[0].name": of the value at hand, for messages */
    int depth;
    struct pb_err *err;
};

static int sink(void *ctx, const char *p, size_t n)
{
    pb_buf_add(ctx, p, n);
    return 0;
}

static int wrong(const struct out *o, const char *why, const char *subject)
{
    return pb_fail(o->err, PB_E_INPUT, "'%s' cannot be sent to the provider: %s %s",
                   o->where.len ? o->where.s : "the value", why, subject);
}

static int text(struct out *o, const char *s, size_t n)
{
    msgpack_pack_str(&o->pk, n);
    return msgpack_pack_str_body(&o->pk, s, n);
}

/* Whether `d` is exactly the decimal. Every double has a finite decimal expansion. */
static bool exact(double d, const char *digits)
{
    char all[1500];
    int n = snprintf(all, sizeof(all), "%.1074f", d);

    return n > 0 && (size_t)n < sizeof(all) && pb_number_cmp(all, digits) == 0;
}

static int number(struct out *o, const struct pb_value *v)
{
    struct pb_buf b = PB_BUF_INIT;
    char *end;
    double d;

    pb_number_add_canonical(&b, v->s);
    if (!strpbrk(b.s, ".eE")) {
        bool negative = b.s[0] == '-';
        unsigned long long u = 0;
        long long i = 0;

        errno = 0;
        if (negative)
            i = strtoll(b.s, &end, 10);
        else
            u = strtoull(b.s, &end, 10);
        if (!errno && !*end) {
            if (negative)
                msgpack_pack_int64(&o->pk, i);
            else
                msgpack_pack_uint64(&o->pk, u);
            pb_buf_release(&b);
            return 0;
        }
    }
    d = strtod(b.s, &end);
    if (isfinite(d) && exact(d, b.s))
        msgpack_pack_double(&o->pk, d);
    else
        text(o, b.s, b.len);
    pb_buf_release(&b);
    return 0;
}

static int encode(struct out *o, const struct pb_value *v, const struct pb_type *t);

static int items(struct out *o, const struct pb_value *v, const struct pb_type *t)
{
    size_t len = o->where.len;

    if (v->kind != PB_LIST)
        return wrong(o, "a list is needed, and it is a", pb_kind_name(v->kind));
    if (t->kind == PB_T_TUPLE && t->nfields != v->n)
        return wrong(o, "a tuple has another number of", "items");
    msgpack_pack_array(&o->pk, v->n);
    for (size_t i = 0; i < v->n; i++) {
        pb_buf_addf(&o->where, "[%zu]", i);
        if (encode(o, &v->items[i], t->kind == PB_T_TUPLE ? t->fields[i].type : t->elem))
            return -1;
        pb_buf_truncate(&o->where, len);
    }
    return 0;
}

static int members(struct out *o, const struct pb_value *v, const struct pb_type *t)
{
    size_t len = o->where.len;

    if (v->kind != PB_MAP)
        return wrong(o, "a map is needed, and it is a", pb_kind_name(v->kind));
    msgpack_pack_map(&o->pk, v->n);
    for (size_t i = 0; i < v->n; i++) {
        const char *k = v->members[i].key;

        pb_buf_addf(&o->where, "[\"%s\"]", k);
        text(o, k, strlen(k));
        if (encode(o, &v->members[i].value, t->elem))
            return -1;
        pb_buf_truncate(&o->where, len);
    }
    return 0;
}

static int fields(struct out *o, const struct pb_value *v, const struct pb_type *t)
{
    size_t len = o->where.len;

    if (v->kind != PB_MAP)
        return wrong(o, "an object is needed, and it is a", pb_kind_name(v->kind));
    for (size_t i = 0; i < v->n; i++)
        if (!pb_type_field(t, v->members[i].key))
            return wrong(o, "the schema has no", v->members[i].key);
    msgpack_pack_map(&o->pk, t->nfields);
    for (size_t i = 0; i < t->nfields; i++) {
        const struct pb_field *f = &t->fields[i];
        const struct pb_value *x = pb_get(v, f->name);

        text(o, f->name, strlen(f->name));
        if (pb_is_nullish(x) && (f->flags & PB_F_BLOCK))
            x = f->type->kind == PB_T_LIST || f->type->kind == PB_T_SET ? &pb_empty_list
                : f->type->kind == PB_T_MAP                             ? &pb_empty_map
                                                                        : NULL;
        pb_buf_addf(&o->where, "%s%s", len ? "." : "", f->name);
        if (encode(o, x ? x : &pb_null, f->type))
            return -1;
        pb_buf_truncate(&o->where, len);
    }
    return 0;
}

/* A value of its own accord, with its type in front. */
static int dynamic(struct out *o, const struct pb_value *v)
{
    struct pb_buf json = PB_BUF_INIT;
    const struct pb_type *t;
    int rc;

    pb_cty_add_type_of(&json, v);
    rc = pb_cty_type(&t, o->arena, json.s, json.len, o->err);
    if (rc == 0) {
        msgpack_pack_array(&o->pk, 2);
        msgpack_pack_bin(&o->pk, json.len);
        msgpack_pack_bin_body(&o->pk, json.s, json.len);
        rc = encode(o, v, t);
    }
    pb_buf_release(&json);
    return rc;
}

static int scalar(struct out *o, const struct pb_value *v, enum pb_type_kind kind)
{
    if (kind == PB_T_STRING && v->kind == PB_STRING)
        return text(o, v->s, v->n);
    if (kind == PB_T_NUMBER && v->kind == PB_NUMBER)
        return number(o, v);
    if (kind == PB_T_BOOL && v->kind == PB_BOOL)
        return v->b ? msgpack_pack_true(&o->pk) : msgpack_pack_false(&o->pk);
    return wrong(o,
                 kind == PB_T_STRING   ? "a string is needed, and it is a"
                 : kind == PB_T_NUMBER ? "a number is needed, and it is a"
                                       : "a bool is needed, and it is a",
                 pb_kind_name(v->kind));
}

static int of_type(struct out *o, const struct pb_value *v, const struct pb_type *t)
{
    switch (t->kind) {
    case PB_T_LIST:
    case PB_T_SET:
    case PB_T_TUPLE: return items(o, v, t);
    case PB_T_MAP: return members(o, v, t);
    case PB_T_OBJECT: return fields(o, v, t);
    case PB_T_DYNAMIC: return dynamic(o, v);
    default: return scalar(o, v, t->kind);
    }
}

static int encode(struct out *o, const struct pb_value *v, const struct pb_type *t)
{
    int rc = -1;

    if (v->kind == PB_NULL)
        return msgpack_pack_nil(&o->pk);
    if (v->kind == PB_UNKNOWN) {
        msgpack_pack_ext(&o->pk, 1, 0);
        return msgpack_pack_ext_body(&o->pk, "", 1);
    }
    if (v->kind == PB_SEALED)
        return wrong(o, "only a digest of it is", "kept");
    if (++o->depth > PB_MSGPACK_DEPTH)
        return wrong(o, "it is nested too", "deeply");
    rc = of_type(o, v, t);
    o->depth--;
    return rc;
}

int pb_msgpack_encode(struct pb_buf *out, struct pb_arena *a, const struct pb_value *v,
                      const struct pb_type *type, struct pb_err *err)
{
    struct out o = {.arena = a, .buf = out, .where = PB_BUF_INIT, .err = err};
    int rc;

    msgpack_packer_init(&o.pk, out, sink);
    rc = encode(&o, v ? v : &pb_null, type);
    pb_buf_release(&o.where);
    return rc;
}

int pb_cty_type(const struct pb_type **out, struct pb_arena *a, const void *json, size_t n,
                struct pb_err *err)
{
    struct pb_list_builder root = PB_BUILDER_INIT, field = PB_BUILDER_INIT;
    struct pb_map_builder entry = PB_BUILDER_INIT, one = PB_BUILDER_INIT;
    const struct pb_schema *s;
    const struct pb_value *t;
    struct pb_value v;

    if (pb_json_parse(&t, a, json, n, "a type of the provider", err))
        return -1;
    /* schema.h reads type expressions as parts of a schema. */
    pb_list_add(&field, pb_mk_int(a, PB_F_OPTIONAL));
    pb_list_add(&field, *t);
    pb_map_add(&one, "it", pb_list_done(&field, a));
    pb_list_add(&root, pb_mk_string(a, "object"));
    pb_list_add(&root, pb_map_done(&one, a));
    pb_map_add(&entry, "root", pb_list_done(&root, a));
    pb_map_add(&entry, "type", pb_mk_string(a, "type"));
    pb_map_add(&entry, "version", pb_mk_int(a, 0));
    v = pb_map_done(&entry, a);
    if (pb_schema_from_value(&s, a, &v, err))
        return -1;
    *out = s->root->fields[0].type;
    return 0;
}

static void add_fields(struct pb_buf *out, const struct pb_type *t, bool named)
{
    for (size_t i = 0; i < t->nfields; i++) {
        if (i)
            pb_buf_addc(out, ',');
        if (named) {
            pb_json_add_string(out, t->fields[i].name, strlen(t->fields[i].name));
            pb_buf_addc(out, ':');
        }
        pb_cty_add_type(out, t->fields[i].type);
    }
}

void pb_cty_add_type(struct pb_buf *out, const struct pb_type *t)
{
    static const char *const names[] = {
        [PB_T_DYNAMIC] = "dynamic", [PB_T_STRING] = "string", [PB_T_NUMBER] = "number",
        [PB_T_BOOL] = "bool",       [PB_T_LIST] = "list",     [PB_T_SET] = "set",
        [PB_T_MAP] = "map",         [PB_T_OBJECT] = "object", [PB_T_TUPLE] = "tuple",
    };

    if (t->kind <= PB_T_BOOL) {
        pb_buf_addf(out, "\"%s\"", names[t->kind]);
        return;
    }
    pb_buf_addf(out, "[\"%s\",", names[t->kind]);
    if (t->kind == PB_T_OBJECT || t->kind == PB_T_TUPLE) {
        pb_buf_addc(out, t->kind == PB_T_OBJECT ? '{' : '[');
        add_fields(out, t, t->kind == PB_T_OBJECT);
        pb_buf_addc(out, t->kind == PB_T_OBJECT ? '}' : ']');
    } else {
        pb_cty_add_type(out, t->elem);
    }
    pb_buf_addc(out, ']');
}

void pb_cty_add_type_of(struct pb_buf *out, const struct pb_value *v)
{
    bool is_map = v->kind == PB_MAP;

    if (v->kind != PB_LIST && !is_map) {
        pb_buf_adds(out, v->kind == PB_STRING   ? "\"string\""
                         : v->kind == PB_NUMBER ? "\"number\""
                         : v->kind == PB_BOOL   ? "\"bool\""
                                                : "\"dynamic\"");
        return;
    }
    pb_buf_adds(out, is_map ? "[\"object\",{" : "[\"tuple\",[");
    for (size_t i = 0; i < v->n; i++) {
        if (i)
            pb_buf_addc(out, ',');
        if (is_map) {
            pb_json_add_string(out, v->members[i].key, strlen(v->members[i].key));
            pb_buf_addc(out, ':');
        }
        pb_cty_add_type_of(out, is_map ? &v->members[i].value : &v->items[i]);
    }
    pb_buf_adds(out, is_map ? "}]" : "]]");
}
