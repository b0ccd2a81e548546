/* One resource of reality as a file: stable, readable in a diff, and without secrets. */
#include "run/record_live.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/json.h"
#include "model/number.h"
#include "reconcile/compare.h"
#include "run/live.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 200, NAME_KEPT = 150, SECRET_MIN = 4, SECRET_INSIDE_MIN = 8 };

static const char hidden[] = "(sensitive)";

/* ---- paths ------------------------------------------------------------------------------ */

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-.[]", c));
}

/* The part of an address up to its next module or resource. */
static size_t part_len(const char *s, bool *is_module)
{
    bool quoted = false;
    int dots = 0, depth = 0;

    *is_module = strncmp(s, "module.", 7) == 0;
    for (size_t i = 0; s[i]; i++) {
        if (quoted && s[i] == '\\' && s[i + 1])
            i++;
        else if (s[i] == '"')
            quoted = !quoted;
        else if (!quoted && (s[i] == '[' || s[i] == ']'))
            depth += s[i] == '[' ? 1 : -1;
        else if (!quoted && !depth && s[i] == '.' && *is_module && ++dots == 2)
            return i;
    }
    return strlen(s);
}

/* Names of folders and files that every system takes, one for each address. The quotes of keys
 * become ', what is not a letter, a digit or one of _-.[] becomes %XX. */
static void add_name(struct pb_buf *out, const char *s, size_t n, const char *suffix)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            pb_buf_addc(&b, '\'');
        else if (plain(s[i]) && (i || s[i] != '.'))
            pb_buf_addc(&b, s[i]);
        else
            pb_buf_addf(&b, "%%%02X", (unsigned char)s[i]);
    }
    if (b.len > NAME_MAX_BYTES) {
        char hex[PB_SHA256_HEX];

        pb_sha256_hex_of(hex, s, n);
        pb_buf_truncate(&b, NAME_KEPT);
        pb_buf_addf(&b, "%%~%.32s", hex);
    }
    pb_buf_adds(out, b.s);
    pb_buf_adds(out, suffix);
}

void pb_record_live_path(struct pb_buf *out, const char *address)
{
    bool is_module;
    size_t n;

    while ((n = part_len(address, &is_module)), is_module && address[n]) {
        add_name(out, address, n, "/");
        address += n + 1;
    }
    add_name(out, address, n, ".json");
}

char *pb_record_live_ref(const char *unit)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_buf_adds(&b, PB_LIVE_REFS);
    for (const char *p = unit; *p; p++) {
        /* What git refuses of points: at an end, two of them, and ".lock". */
        bool point = *p == '.' && (p == unit || p[1] == '.' || !p[1] || pb_streq(p, ".lock"));

        if (*p == '/')
            pb_buf_addc(&b, '+');
        else if (plain(*p) && *p != '[' && *p != ']' && !point)
            pb_buf_addc(&b, *p);
        else
            pb_buf_addf(&b, "%%%02X", (unsigned char)*p);
    }
    if (!*unit)
        pb_buf_addc(&b, '%');
    return pb_buf_detach(&b);
}

/* ---- secrets ---------------------------------------------------------------------------- */

struct writer {
    struct pb_arena *arena;
    struct pb_compare compare;
    struct pb_strv secrets; /* of this resource, on all sides */
};

static void base64(struct pb_buf *b, const char *s, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /* The last, incomplete group is left out: it depends on what follows. */
    for (size_t i = 0; i + 3 <= n; i += 3) {
        unsigned v = (unsigned)(unsigned char)s[i] << 16 | (unsigned)(unsigned char)s[i + 1] << 8 |
                     (unsigned char)s[i + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            pb_buf_addc(b, digits[v >> shift & 63]);
    }
}

static void collect(struct writer *w, const struct pb_value *v, bool sensitive);

static void add_secret(struct writer *w, const struct pb_value *v)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT, code = PB_BUF_INIT;
    const struct pb_value *doc = NULL;

    pb_buf_add(&b, v->s, v->n);
    while (b.len && strchr(" \t\r\n", b.s[b.len - 1]))
        pb_buf_truncate(&b, b.len - 1);
    if (b.len < SECRET_MIN || strcmp(b.s, hidden) == 0 || pb_strv_has(&w->secrets, b.s))
        return;
    pb_strv_add(&w->secrets, b.s);
    base64(&code, b.s, b.len);
    if (code.len >= SECRET_INSIDE_MIN)
        pb_strv_add(&w->secrets, code.s);
    if ((*b.s == '{' || *b.s == '[') &&
        pb_json_parse(&doc, w->arena, b.s, b.len, "a string", NULL) == 0)
        collect(w, doc, true);
}

static void collect(struct writer *w, const struct pb_value *v, bool sensitive)
{
    if (!v)
        return;
    sensitive |= (v->flags & PB_V_SENSITIVE) != 0;
    if (v->kind == PB_STRING && sensitive)
        add_secret(w, v);
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        collect(w, &v->items[i], sensitive);
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        collect(w, &v->members[i].value, sensitive);
}

/* Providers repeat what they were given under other names, which nobody marked. */
static bool tells_secret(const struct writer *w, const struct pb_value *v)
{
    for (size_t i = 0; i < w->secrets.n; i++) {
        const char *secret = w->secrets.v[i];

        if (strlen(secret) < SECRET_INSIDE_MIN ? strcmp(v->s, secret) == 0
                                               : strstr(v->s, secret) != NULL)
            return true;
    }
    return false;
}

/* What was hidden when it was written last, marked. */
static struct pb_value mark_hidden(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_value out = *v;

    if (v->kind == PB_STRING && strcmp(v->s, hidden) == 0) {
        out.flags |= PB_V_SENSITIVE;
    } else if (v->kind == PB_LIST && v->n) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));

        for (size_t i = 0; i < v->n; i++)
            items[i] = mark_hidden(a, &v->items[i]);
        out.items = items;
    } else if (v->kind == PB_MAP && v->n) {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));

        for (size_t i = 0; i < v->n; i++)
            members[i] =
                (struct pb_member){v->members[i].key, mark_hidden(a, &v->members[i].value)};
        out.members = members;
    }
    return out;
}

/* ---- one form for what means the same --------------------------------------------------- */

static struct pb_value normal(struct writer *w, const struct pb_value *v, const struct pb_type *t);

static int by_value(const void *a, const void *b)
{
    return pb_value_cmp(a, b);
}

static struct pb_value normal_list(struct writer *w, const struct pb_value *v,
                                   const struct pb_type *t)
{
    struct pb_list_builder l = PB_BUILDER_INIT;

    for (size_t i = 0; i < v->n; i++) {
        const struct pb_type *elem = t && t->kind == PB_T_TUPLE && i < t->nfields
                                         ? t->fields[i].type
                                     : t ? t->elem
                                         : NULL;

        pb_list_add(&l, normal(w, &v->items[i], elem));
    }
    if (t && t->kind == PB_T_SET && l.n)
        qsort(l.v, l.n, sizeof(*l.v), by_value);
    return pb_list_done(&l, w->arena);
}

/* What a provider cannot tell from null is left out of objects. */
static struct pb_value normal_map(struct writer *w, const struct pb_value *v,
                                  const struct pb_type *t)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    bool object = t && t->kind == PB_T_OBJECT;

    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *e = &v->members[i];
        const struct pb_field *f = object ? pb_type_field(t, e->key) : NULL;
        const struct pb_type *inner = object ? (f ? f->type : NULL) : t ? t->elem : NULL;

        if ((t && e->value.kind == PB_NULL) ||
            (object && pb_same_as_null(inner ? inner : &pb_type_dynamic, &e->value, 0)))
            continue;
        pb_map_add(&m, e->key, normal(w, &e->value, inner));
    }
    return pb_map_done(&m, w->arena);
}

static struct pb_value normal_string(struct writer *w, const struct pb_value *v)
{
    const struct pb_value *doc = NULL;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if ((*v->s == '{' || *v->s == '[') &&
        pb_json_parse(&doc, w->arena, v->s, v->n, "a string", NULL) == 0) {
        struct pb_value same = normal(w, doc, NULL);

        pb_json_add_canonical(&b, &same);
        return pb_mk_stringn(w->arena, b.s, b.len);
    }
    return tells_secret(w, v) ? pb_mk_string(w->arena, hidden) : *v;
}

static struct pb_value normal(struct writer *w, const struct pb_value *v, const struct pb_type *t)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (v->kind != PB_NULL && ((v->flags & PB_V_SENSITIVE) || v->kind == PB_SEALED))
        return pb_mk_string(w->arena, hidden);
    switch ((enum pb_kind)v->kind) {
    case PB_LIST: return normal_list(w, v, t);
    case PB_MAP: return normal_map(w, v, t);
    case PB_STRING: return normal_string(w, v);
    case PB_NUMBER: pb_number_add_canonical(&b, v->s); return pb_mk_number(w->arena, b.s);
    case PB_UNKNOWN:
    case PB_SEALED:
    case PB_NULL:
    case PB_BOOL: break;
    }
    return *v;
}

/* ---- the file --------------------------------------------------------------------------- */

/* `seen` tells which fields were looked at: in `now` those that are null are gone. */
static bool same(struct writer *w, const struct pb_type *t, const struct pb_value *was,
                 const struct pb_value *now, const struct pb_value *seen)
{
    t = t ? pb_type_observed(w->arena, t, seen) : &pb_type_dynamic;
    return pb_same(&w->compare, t, was, now, 0);
}

static void add_seen(struct writer *w, struct pb_map_builder *m, const struct pb_member *e,
                     const struct pb_type *t, const struct pb_value *was)
{
    struct pb_value now;

    if (pb_has_unknown(&e->value)) {
        if (was)
            pb_map_add(m, e->key, *was);
        return;
    }
    if (pb_same_as_null(t ? t : &pb_type_dynamic, &e->value, 0))
        return;
    now = normal(w, &e->value, t);
    pb_map_add(m, e->key, was && same(w, t, was, &now, &e->value) ? *was : now);
}

static struct pb_value attributes(struct writer *w, const struct pb_record_live_one *one,
                                  const struct pb_value *seen, const struct pb_value *was)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    for (size_t i = 0; i < pb_len(was); i++) {
        const struct pb_member *e = &was->members[i];

        if (!pb_get(seen, e->key) && pb_type_field(one->schema->root, e->key))
            pb_map_add(&m, e->key, e->value);
    }
    for (size_t i = 0; i < pb_len(seen); i++) {
        const struct pb_member *e = &seen->members[i];
        const struct pb_field *f = pb_type_field(one->schema->root, e->key);

        add_seen(w, &m, e, f ? f->type : NULL, pb_get(was, e->key));
    }
    return pb_map_done(&m, w->arena);
}

void pb_record_live_file(struct pb_buf *out, const struct pb_record_live_one *one)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct writer w = {.arena = a, .compare = {.scratch = a}, .secrets = PB_STRV_INIT};
    const struct pb_value *before = NULL, *was = NULL;
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value seen = *one->attributes, doc;

    if (one->before)
        pb_json_parse(&before, a, one->before, one->before_len, "the file", NULL);
    was = pb_is(pb_get(before, "attributes"), PB_MAP) ? pb_get(before, "attributes") : NULL;
    for (size_t i = 0; i < PB_COUNT(one->marks); i++) {
        seen = pb_live_mark(a, &seen, one->marks[i], one->schema->root);
        collect(&w, one->marks[i], false);
    }
    if (was) {
        struct pb_value like = mark_hidden(a, was);

        seen = pb_live_mark(a, &seen, &like, one->schema->root);
    }
    collect(&w, &seen, false);
    pb_map_add(&m, "address", pb_mk_string(a, one->address));
    pb_map_add(&m, "type", pb_mk_string(a, one->type));
    pb_map_add(&m, "attributes", attributes(&w, one, &seen, was));
    doc = pb_map_done(&m, a);
    pb_json_add_pretty(out, &doc);
    pb_buf_addc(out, '\n');
    pb_strv_release(&w.secrets);
}
