#include "backends/provider/schemas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/provider/msgpack.h"
#include "backends/plugin/proto.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

#define FILE_MAX ((size_t)128 << 20)

enum { DEPTH_MAX = 64, FIELDS_MAX = 4096 };

/* Field numbers of the published protocol. */
enum {
    RESPONSE_PROVIDER = 1,
    RESPONSE_RESOURCES = 2,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    SCHEMA_VERSION = 1,
    SCHEMA_BLOCK = 2,
    BLOCK_ATTRIBUTES = 2,
    BLOCK_TYPES = 3,
    ATTR_NAME = 1,
    ATTR_TYPE = 2,
    ATTR_REQUIRED = 4,
    ATTR_OPTIONAL = 5,
    ATTR_COMPUTED = 6,
    ATTR_SENSITIVE = 7,
    ATTR_10 = 10, /* write_only in protocol 5, nested_type in 6 */
    ATTR_11 = 11, /* write_only in 6 */
    NESTED_NAME = 1,
    NESTED_BLOCK = 2,
    NESTED_MODE = 3,
    OBJECT_ATTRIBUTES = 1,
    OBJECT_MODE = 3
};

static const char head_format[] = "plumb provider schemas 1, protocol %d\n";

struct reader {
    struct pb_arena *arena;
    int protocol;
    const char *type; /* for messages */
    struct pb_err *err;
};

static int wrong(const struct reader *r, const char *why)
{
    return pb_fail(r->err, PB_E_INPUT, "the schema of '%s' that the provider gives %s", r->type,
                   why);
}

/* ---- types ------------------------------------------------------------------------------ */

static int attribute(struct pb_field *out, const struct reader *r, struct pb_proto_walk w,
                     int depth);
static int block(const struct pb_type **out, const struct reader *r, struct pb_proto_walk w,
                 int depth);

/* The fields of an object while they are collected. */
struct fields {
    struct pb_field *v;
    size_t n, cap;
};

static struct pb_field *add(struct fields *f)
{
    f->v = pb_grow(f->v, &f->cap, f->n + 1, sizeof(*f->v));
    f->v[f->n] = (struct pb_field){.name = NULL};
    return &f->v[f->n++];
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct pb_field *)x)->name, ((const struct pb_field *)y)->name);
}

static int object_done(const struct pb_type **out, const struct reader *r, struct fields *f)
{
    struct pb_type *t = pb_arena_zalloc(r->arena, sizeof(*t));
    struct pb_field *v = pb_arena_alloc(r->arena, f->n * sizeof(*v) + 1);
    int rc = 0;

    if (f->n) {
        qsort(f->v, f->n, sizeof(*f->v), by_name);
        memcpy(v, f->v, f->n * sizeof(*v));
    }
    for (size_t i = 1; i < f->n && rc == 0; i++)
        if (strcmp(v[i - 1].name, v[i].name) == 0)
            rc = wrong(r, "has a name twice");
    t->kind = PB_T_OBJECT;
    t->fields = v;
    t->nfields = f->n;
    *out = t;
    return rc;
}

/* Nesting: 1 single, 2 list, 3 set, 4 map, 5 group. */
static int nest(const struct pb_type **t, const struct reader *r, uint64_t mode)
{
    static const enum pb_type_kind kinds[] = {[2] = PB_T_LIST, [3] = PB_T_SET, [4] = PB_T_MAP};
    struct pb_type *outer;

    if (mode == 1 || mode == 5)
        return 0;
    if (mode < 2 || mode > 4)
        return wrong(r, "nests in a way that this version does not know");
    outer = pb_arena_zalloc(r->arena, sizeof(*outer));
    outer->kind = kinds[mode];
    outer->elem = *t;
    *t = outer;
    return 0;
}

static int type_expression(const struct pb_type **out, const struct reader *r,
                           const struct pb_proto_item *f)
{
    static const struct {
        const char *text;
        struct pb_type type;
    } simple[] = {{"\"string\"", {.kind = PB_T_STRING}},
                  {"\"number\"", {.kind = PB_T_NUMBER}},
                  {"\"bool\"", {.kind = PB_T_BOOL}},
                  {"\"dynamic\"", {.kind = PB_T_DYNAMIC}}};

    for (size_t i = 0; i < PB_COUNT(simple); i++)
        if (f->n == strlen(simple[i].text) && memcmp(f->p, simple[i].text, f->n) == 0) {
            *out = &simple[i].type;
            return 0;
        }
    return pb_cty_type(out, r->arena, f->p, f->n, r->err);
}

/* An attribute whose value has attributes of its own, in protocol 6. */
static int nested_type(const struct pb_type **out, const struct reader *r, struct pb_proto_walk w,
                       int depth)
{
    struct fields fields = {NULL, 0, 0};
    struct pb_proto_item f;
    uint64_t mode = 0;
    int rc = 0, more;

    if (depth > DEPTH_MAX)
        return wrong(r, "is nested too deeply");
    while (rc == 0 && (more = pb_proto_field(&w, &f))) {
        if (more < 0 || fields.n >= FIELDS_MAX)
            rc = wrong(r, "is no valid protobuf");
        else if (f.number == OBJECT_ATTRIBUTES && f.p)
            rc = attribute(add(&fields), r, (struct pb_proto_walk){f.p, f.n}, depth + 1);
        else if (f.number == OBJECT_MODE && !f.p)
            mode = f.varint;
    }
    rc = rc ? rc : object_done(out, r, &fields);
    free(fields.v);
    return rc ? rc : nest(out, r, mode);
}

static int attribute(struct pb_field *out, const struct reader *r, struct pb_proto_walk w,
                     int depth)
{
    static const unsigned flags[] = {[ATTR_REQUIRED] = PB_F_REQUIRED,
                                     [ATTR_OPTIONAL] = PB_F_OPTIONAL,
                                     [ATTR_COMPUTED] = PB_F_COMPUTED,
                                     [ATTR_SENSITIVE] = PB_F_SENSITIVE};
    const unsigned write_only = r->protocol == 5 ? ATTR_10 : ATTR_11;
    struct pb_proto_item f;
    int more;

    while ((more = pb_proto_field(&w, &f))) {
        int rc = more < 0 ? wrong(r, "is no valid protobuf") : 0;

        if (f.number == ATTR_NAME && f.p)
            out->name = pb_arena_intern(r->arena, (const char *)f.p, f.n);
        else if (f.number == ATTR_TYPE && f.p && f.n)
            rc = type_expression(&out->type, r, &f);
        else if (f.number >= ATTR_REQUIRED && f.number <= ATTR_SENSITIVE && !f.p)
            out->flags |= f.varint ? flags[f.number] : 0;
        else if (f.number == write_only && !f.p)
            out->flags |= f.varint ? PB_F_WRITE_ONLY : 0;
        else if (f.number == ATTR_10 && f.p && r->protocol == 6)
            rc = nested_type(&out->type, r, (struct pb_proto_walk){f.p, f.n}, depth + 1);
        if (rc)
            return -1;
    }
    if (!out->name || !out->type)
        return wrong(r, "has an attribute without name or type");
    return 0;
}

static int nested_block(struct pb_field *out, const struct reader *r, struct pb_proto_walk w,
                        int depth)
{
    struct pb_proto_item f;
    uint64_t mode = 0;
    int more;

    out->flags = PB_F_OPTIONAL | PB_F_BLOCK;
    while ((more = pb_proto_field(&w, &f))) {
        int rc = more < 0 ? wrong(r, "is no valid protobuf") : 0;

        if (f.number == NESTED_NAME && f.p)
            out->name = pb_arena_intern(r->arena, (const char *)f.p, f.n);
        else if (f.number == NESTED_BLOCK && f.p)
            rc = block(&out->type, r, (struct pb_proto_walk){f.p, f.n}, depth + 1);
        else if (f.number == NESTED_MODE && !f.p)
            mode = f.varint;
        if (rc)
            return -1;
    }
    if (!out->name || !out->type)
        return wrong(r, "has a block without name or content");
    return nest(&out->type, r, mode);
}

static int block(const struct pb_type **out, const struct reader *r, struct pb_proto_walk w,
                 int depth)
{
    struct fields fields = {NULL, 0, 0};
    struct pb_proto_item f;
    int rc = 0, more;

    if (depth > DEPTH_MAX)
        return wrong(r, "is nested too deeply");
    while (rc == 0 && (more = pb_proto_field(&w, &f))) {
        struct pb_proto_walk inner = {f.p, f.n};

        if (more < 0 || fields.n >= FIELDS_MAX)
            rc = wrong(r, "is no valid protobuf");
        else if (f.number == BLOCK_ATTRIBUTES && f.p)
            rc = attribute(add(&fields), r, inner, depth);
        else if (f.number == BLOCK_TYPES && f.p)
            rc = nested_block(add(&fields), r, inner, depth);
    }
    rc = rc ? rc : object_done(out, r, &fields);
    free(fields.v);
    return rc;
}

static int schema(const struct pb_schema **out, const struct reader *r, struct pb_proto_walk w)
{
    struct pb_schema *s = pb_arena_zalloc(r->arena, sizeof(*s));
    struct fields none = {NULL, 0, 0};
    struct pb_proto_item f;
    int more;

    s->type = pb_arena_strdup(r->arena, r->type);
    while ((more = pb_proto_field(&w, &f))) {
        if (more < 0)
            return wrong(r, "is no valid protobuf");
        if (f.number == SCHEMA_VERSION && !f.p)
            s->version = (int64_t)f.varint;
        else if (f.number == SCHEMA_BLOCK && f.p &&
                 block(&s->root, r, (struct pb_proto_walk){f.p, f.n}, 0))
            return -1;
    }
    if (!s->root && object_done(&s->root, r, &none))
        return -1;
    *out = s;
    return 0;
}

/* ---- the answer ------------------------------------------------------------------------- */

static bool key_is(struct pb_proto_walk *entry, const char *type, struct pb_proto_item *value)
{
    bool same = false;
    struct pb_proto_item f;

    value->p = NULL;
    while (pb_proto_field(entry, &f) == 1) {
        if (f.number == ENTRY_KEY && f.p)
            same = f.n == strlen(type) && memcmp(f.p, type, f.n) == 0;
        else if (f.number == ENTRY_VALUE && f.p)
            *value = f;
    }
    return same;
}

int pb_plugin_schema_of(const struct pb_schema **out, struct pb_arena *a,
                        const struct pb_plugin_schemas *s, const char *type, struct pb_err *err)
{
    struct reader r = {a, s->protocol, type ? type : "its own settings", err};
    struct pb_proto_walk w = {(const uint8_t *)s->raw.s + s->head, s->raw.len - s->head};
    struct pb_proto_item f, value;

    *out = NULL;
    while (pb_proto_field(&w, &f) == 1) {
        struct pb_proto_walk inner = {f.p, f.n};

        if (!f.p)
            continue;
        if (!type && f.number == RESPONSE_PROVIDER)
            return schema(out, &r, inner);
        if (type && f.number == RESPONSE_RESOURCES && key_is(&inner, type, &value))
            return schema(out, &r, (struct pb_proto_walk){value.p, value.p ? value.n : 0});
    }
    /* A provider without settings may say nothing of them. */
    return type ? 0 : schema(out, &r, (struct pb_proto_walk){NULL, 0});
}

static void put_varint(struct pb_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        pb_buf_addc(b, (char)(v | 0x80));
    pb_buf_addc(b, (char)v);
}

int pb_plugin_schemas_take(struct pb_plugin_schemas *s, int protocol, const void *msg, size_t n,
                           struct pb_err *err)
{
    struct pb_proto_walk w = {msg, n};
    struct pb_proto_item f;
    int more;

    s->raw = (struct pb_buf)PB_BUF_INIT;
    s->head = 0;
    s->protocol = protocol;
    while ((more = pb_proto_field(&w, &f)) == 1) {
        if (!f.p || (f.number != RESPONSE_PROVIDER && f.number != RESPONSE_RESOURCES))
            continue;
        put_varint(&s->raw, (uint64_t)f.number << 3 | 2);
        put_varint(&s->raw, f.n);
        pb_buf_add(&s->raw, f.p, f.n);
    }
    return more ? pb_fail(err, PB_E_INPUT, "what it says of its types is no valid protobuf") : 0;
}

void pb_plugin_schemas_release(struct pb_plugin_schemas *s)
{
    if (s->raw.s)
        pb_buf_release(&s->raw);
}

/* ---- keeping it ------------------------------------------------------------------------- */

static char *path_of(const char *cache_dir, const char *binary)
{
    return pb_asprintf("%s/provider-schemas/%s", cache_dir, binary);
}

bool pb_plugin_schemas_load(struct pb_plugin_schemas *s, const char *cache_dir, const char *binary)
{
    PB_AUTO(str) char *path = path_of(cache_dir, binary);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (pb_fs_read(&text, path, FILE_MAX, NULL))
        return false;
    for (int protocol = 5; protocol <= 6; protocol++) {
        PB_AUTO(buf) struct pb_buf head = PB_BUF_INIT;

        pb_buf_addf(&head, head_format, protocol);
        if (!pb_starts_with(text.s, head.s))
            continue;
        s->raw = text;
        s->head = head.len;
        s->protocol = protocol;
        text = (struct pb_buf)PB_BUF_INIT;
        return true;
    }
    return false;
}

void pb_plugin_schemas_store(const struct pb_plugin_schemas *s, const char *cache_dir,
                             const char *binary)
{
    PB_AUTO(str) char *path = path_of(cache_dir, binary);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    pb_buf_addf(&text, head_format, s->protocol);
    pb_buf_add(&text, s->raw.s + s->head, s->raw.len - s->head);
    pb_fs_remember(path, text.s, text.len);
}
