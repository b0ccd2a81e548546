#include "backends/provider/msgpack.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/number.h"

/*
 * msgpack-c's own unpacker has two properties that outside data must not meet: it refuses
 * more than 32 levels, which large AWS schemas have, and it allocates what an array's header
 * claims before it has seen the items.
 */
struct in {
    const uint8_t *p;
    size_t n;
    struct pb_arena *arena;
    int depth;
    struct pb_err *err;
};

static int wrong(const struct in *in, const char *why)
{
    return pb_fail(in->err, PB_E_INPUT, "a value is no valid msgpack: %s", why);
}

static int take(struct in *in, size_t bytes, uint64_t *out)
{
    *out = 0;
    if (in->n < bytes)
        return wrong(in, "it ends too early");
    for (size_t i = 0; i < bytes; i++)
        *out = *out << 8 | in->p[i];
    in->p += bytes;
    in->n -= bytes;
    return 0;
}

static int bytes(struct in *in, uint64_t len, const char **out)
{
    *out = "";
    if (len > in->n)
        return wrong(in, "it ends inside a string");
    *out = (const char *)in->p;
    in->p += len;
    in->n -= (size_t)len;
    return 0;
}

static int string(struct pb_value *out, struct in *in, uint64_t len, const struct pb_type *t)
{
    const char *s;

    if (bytes(in, len, &s))
        return -1;
    if (!pb_utf8_valid(s, (size_t)len))
        return wrong(in, "a string is not UTF-8");
    if (t && t->kind == PB_T_NUMBER) {
        if (!pb_number_valid(s, (size_t)len))
            return wrong(in, "a number that is none");
        *out = pb_mk_number(in->arena, pb_arena_strndup(in->arena, s, (size_t)len));
    } else {
        *out = pb_mk_stringn(in->arena, s, (size_t)len);
    }
    return 0;
}

static int positive(struct pb_value *out, struct in *in, uint64_t u)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)u);
    *out = pb_mk_number(in->arena, text);
    return 0;
}

static int integer(struct pb_value *out, struct in *in, int64_t i)
{
    *out = pb_mk_int(in->arena, i);
    return 0;
}

static int real(struct pb_value *out, struct in *in, double d)
{
    char text[32];

    if (!isfinite(d))
        return wrong(in, "a number that is not finite");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    *out = pb_mk_number(in->arena, text);
    return 0;
}

static int value(struct pb_value *out, struct in *in, const struct pb_type *t);

static const struct pb_type *elem_type(const struct pb_type *t, uint64_t i)
{
    if (!t)
        return NULL;
    if (t->kind == PB_T_TUPLE)
        return i < t->nfields ? t->fields[i].type : NULL;
    return t->kind == PB_T_LIST || t->kind == PB_T_SET ? t->elem : NULL;
}

static bool is_bin(const struct in *in)
{
    return in->n && in->p[0] >= 0xc4 && in->p[0] <= 0xc6;
}

/* [bin(type as JSON), value]: bins are nowhere else. */
static int dynamic(struct pb_value *out, struct in *in)
{
    const struct pb_type *t;
    const char *json;
    uint64_t len;

    if (take(in, 1, &len) || take(in, (size_t)1 << (len - 0xc4), &len) || bytes(in, len, &json))
        return -1;
    if (pb_cty_type(&t, in->arena, json, (size_t)len, in->err))
        return -1;
    return value(out, in, t);
}

static int array(struct pb_value *out, struct in *in, uint64_t len, const struct pb_type *t)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    if (len > in->n)
        return wrong(in, "an array is longer than the input");
    if (len == 2 && is_bin(in))
        return dynamic(out, in);
    for (uint64_t i = 0; i < len; i++) {
        struct pb_value v;

        if (value(&v, in, elem_type(t, i))) {
            pb_list_builder_release(&b);
            return -1;
        }
        pb_list_add(&b, v);
    }
    *out = pb_list_done(&b, in->arena);
    return 0;
}

static int key(const char **out, struct in *in)
{
    uint64_t head, len;
    const char *s;

    *out = "";
    if (take(in, 1, &head))
        return -1;
    if ((head & 0xe0) == 0xa0)
        len = head & 0x1f;
    else if (head < 0xd9 || head > 0xdb)
        return wrong(in, "a key is no string");
    else if (take(in, (size_t)1 << (head - 0xd9), &len))
        return -1;
    if (bytes(in, len, &s))
        return -1;
    if (!pb_utf8_valid(s, (size_t)len) || memchr(s, '\0', (size_t)len))
        return wrong(in, "a key is not UTF-8");
    *out = pb_arena_intern(in->arena, s, (size_t)len);
    return 0;
}

static int map(struct pb_value *out, struct in *in, uint64_t len, const struct pb_type *t)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    if (len > in->n / 2)
        return wrong(in, "a map is longer than the input");
    for (uint64_t i = 0; i < len; i++) {
        const struct pb_type *inner = NULL;
        unsigned flags = 0;
        struct pb_value v;
        const char *k;

        if (key(&k, in))
            goto bad;
        if (t && t->kind == PB_T_OBJECT) {
            const struct pb_field *f = pb_type_field(t, k);
            inner = f ? f->type : NULL;
            flags = f ? f->flags : 0;
        } else if (t && t->kind == PB_T_MAP) {
            inner = t->elem;
        }
        if (value(&v, in, inner))
            goto bad;
        if (flags & PB_F_SENSITIVE)
            v.flags |= PB_V_SENSITIVE;
        pb_map_add(&b, k, v);
    }
    *out = pb_map_done(&b, in->arena);
    return 0;
bad:
    pb_map_builder_release(&b);
    return -1;
}

/* Every extension is an unknown value; refinements of type 12 narrow it and are not needed. */
static int extension(struct pb_value *out, struct in *in, uint64_t len)
{
    uint64_t type;
    const char *payload;

    if (take(in, 1, &type) || bytes(in, len, &payload))
        return -1;
    *out = pb_unknown;
    return 0;
}

static int fixed(struct pb_value *out, struct in *in, unsigned head)
{
    size_t width = (size_t)1 << (head & 3);
    uint64_t u;

    if (take(in, width, &u))
        return -1;
    if (head >= 0xcc && head <= 0xcf)
        return positive(out, in, u);
    if (width == 1)
        u = (uint64_t)(int64_t)(int8_t)u;
    else if (width == 2)
        u = (uint64_t)(int64_t)(int16_t)u;
    else if (width == 4)
        u = (uint64_t)(int64_t)(int32_t)u;
    return integer(out, in, (int64_t)u);
}

static int floating(struct pb_value *out, struct in *in, bool is_double)
{
    uint64_t u;
    double d;
    float f;

    if (take(in, is_double ? 8 : 4, &u))
        return -1;
    if (is_double) {
        memcpy(&d, &u, sizeof(d));
    } else {
        uint32_t u32 = (uint32_t)u;
        memcpy(&f, &u32, sizeof(f));
        d = f;
    }
    return real(out, in, d);
}

static int sized(struct pb_value *out, struct in *in, unsigned head, const struct pb_type *t)
{
    uint64_t len = 0;

    switch (head) {
    case 0xc0: *out = pb_null; return 0;
    case 0xc2: *out = pb_false; return 0;
    case 0xc3: *out = pb_true; return 0;
    case 0xc7:
    case 0xc8:
    case 0xc9:
        if (take(in, (size_t)1 << (head - 0xc7), &len))
            return -1;
        return extension(out, in, len);
    case 0xca:
    case 0xcb: return floating(out, in, head == 0xcb);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: return extension(out, in, 1u << (head - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb: return take(in, (size_t)1 << (head - 0xd9), &len) ? -1 : string(out, in, len, t);
    case 0xdc:
    case 0xdd: return take(in, (size_t)2 << (head - 0xdc), &len) ? -1 : array(out, in, len, t);
    case 0xde:
    case 0xdf: return take(in, (size_t)2 << (head - 0xde), &len) ? -1 : map(out, in, len, t);
    default: return wrong(in, "bytes where a value cannot have them");
    }
}

static int value(struct pb_value *out, struct in *in, const struct pb_type *t)
{
    uint64_t head;
    int rc;

    if (take(in, 1, &head))
        return -1;
    if (++in->depth > PB_MSGPACK_DEPTH)
        return wrong(in, "it is nested too deeply");
    if (head < 0x80)
        rc = integer(out, in, (int64_t)head);
    else if (head >= 0xe0)
        rc = integer(out, in, (int8_t)head);
    else if (head < 0x90)
        rc = map(out, in, head & 0x0f, t);
    else if (head < 0xa0)
        rc = array(out, in, head & 0x0f, t);
    else if (head < 0xc0)
        rc = string(out, in, head & 0x1f, t);
    else if (head >= 0xcc && head <= 0xd3)
        rc = fixed(out, in, (unsigned)head);
    else
        rc = sized(out, in, (unsigned)head, t);
    in->depth--;
    return rc;
}

int pb_msgpack_decode(struct pb_value *out, struct pb_arena *a, const void *p, size_t n,
                      const struct pb_type *type, struct pb_err *err)
{
    struct in in = {p, n, a, 0, err};

    if (value(out, &in, type))
        return -1;
    return in.n ? wrong(&in, "there are bytes behind it") : 0;
}
