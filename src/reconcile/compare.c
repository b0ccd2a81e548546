#include "reconcile/compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/json.h"
#include "model/number.h"
#include "reconcile/policydoc.h"

const struct pb_type pb_type_dynamic = {.kind = PB_T_DYNAMIC};

static const struct pb_type *or_dynamic(const struct pb_type *t)
{
    return t ? t : &pb_type_dynamic;
}

static const struct pb_type *field_type(const struct pb_type *object, const char *name)
{
    const struct pb_field *f = pb_type_field(object, name);

    return f ? f->type : &pb_type_dynamic;
}

static const struct pb_type *item_type(const struct pb_type *t, size_t i)
{
    if (t->kind == PB_T_TUPLE)
        return i < t->nfields ? t->fields[i].type : &pb_type_dynamic;
    return t->kind == PB_T_LIST || t->kind == PB_T_SET ? or_dynamic(t->elem) : &pb_type_dynamic;
}

static const struct pb_type *member_type(const struct pb_type *t, const char *key)
{
    if (t->kind == PB_T_OBJECT)
        return field_type(t, key);
    return t->kind == PB_T_MAP ? or_dynamic(t->elem) : &pb_type_dynamic;
}

/* The flags for what lies inside a map or object of this type. */
static unsigned member_flags(const struct pb_type *t, unsigned flags)
{
    flags &= ~(unsigned)PB_SAME_ELEMENT;
    return t->kind == PB_T_OBJECT ? flags : flags | PB_SAME_ELEMENT;
}

bool pb_same_as_null(const struct pb_type *type, const struct pb_value *v, unsigned flags)
{
    if (!v)
        return true;
    type = or_dynamic(type);
    switch ((enum pb_kind)v->kind) {
    case PB_NULL: return true;
    case PB_BOOL: return (flags & PB_SAME_ZERO_IS_NULL) && !v->b;
    case PB_NUMBER: return (flags & PB_SAME_ZERO_IS_NULL) && pb_number_cmp(v->s, "0") == 0;
    case PB_STRING: return !(flags & PB_SAME_ELEMENT) && !v->n;
    case PB_LIST: return !v->n;
    case PB_MAP: break;
    case PB_UNKNOWN:
    case PB_SEALED: return false;
    }
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        if (!pb_same_as_null(member_type(type, m->key), &m->value, member_flags(type, flags)))
            return false;
    }
    return true;
}

/* The parsed JSON of a string that holds an object or list, policies in their normal form;
 * NULL for every other string. */
static const struct pb_value *json_inside(const struct pb_compare *c, const struct pb_value *v)
{
    const struct pb_value *out;
    size_t i = 0;

    if (!pb_is(v, PB_STRING) || v->n < 2)
        return NULL;
    while (i < v->n && strchr(" \t\r\n", v->s[i]))
        i++;
    if (v->s[i] != '{' && v->s[i] != '[')
        return NULL;
    if (pb_json_parse(&out, c->scratch, v->s, v->n, "a string", NULL))
        return NULL;
    if (pb_policydoc_is(out))
        return pb_box(c->scratch, pb_policydoc_normal(c->scratch, out));
    return out;
}

/* A scalar as another kind would write it: "5" for 5, "true" for true. */
static bool same_spelling(const struct pb_value *a, const struct pb_value *b)
{
    if (a->kind == PB_STRING && b->kind != PB_STRING)
        return same_spelling(b, a);
    if (b->kind != PB_STRING)
        return false;
    if (a->kind == PB_BOOL)
        return strcmp(b->s, a->b ? "true" : "false") == 0;
    return a->kind == PB_NUMBER && pb_number_valid(b->s, b->n) && pb_number_cmp(a->s, b->s) == 0;
}

static bool same_scalar(const struct pb_compare *c, const struct pb_type *t,
                        const struct pb_value *a, const struct pb_value *b)
{
    const struct pb_value *x, *y;

    if (a->kind != b->kind)
        return t->kind != PB_T_DYNAMIC && same_spelling(a, b);
    if (a->kind != PB_STRING)
        return pb_value_cmp(a, b) == 0;
    if (a->n == b->n && memcmp(a->s, b->s, a->n) == 0)
        return true;
    if (t->kind == PB_T_NUMBER)
        return pb_number_valid(a->s, a->n) && pb_number_valid(b->s, b->n) &&
               pb_number_cmp(a->s, b->s) == 0;
    x = json_inside(c, a);
    y = x ? json_inside(c, b) : NULL;
    return x && y && pb_value_equal(x, y);
}

static bool has_sealed(const struct pb_value *v)
{
    if (v->kind == PB_LIST) {
        for (size_t i = 0; i < v->n; i++)
            if (has_sealed(&v->items[i]))
                return true;
    } else if (v->kind == PB_MAP) {
        for (size_t i = 0; i < v->n; i++)
            if (has_sealed(&v->members[i].value))
                return true;
    }
    return v->kind == PB_SEALED;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **keys_of(const struct pb_compare *c, const struct pb_type *elem,
                      const struct pb_value *set, unsigned flags)
{
    char **keys = pb_calloc(set->n, sizeof(*keys));

    for (size_t i = 0; i < set->n; i++) {
        struct pb_buf b = PB_BUF_INIT;
        pb_same_key(&b, c, elem, &set->items[i], flags);
        keys[i] = pb_buf_detach(&b);
    }
    qsort(keys, set->n, sizeof(*keys), by_text);
    return keys;
}

static bool same_set_by_key(const struct pb_compare *c, const struct pb_type *elem,
                            const struct pb_value *a, const struct pb_value *b, unsigned flags)
{
    char **x = keys_of(c, elem, a, flags), **y = keys_of(c, elem, b, flags);
    bool same = true;

    for (size_t i = 0; i < a->n; i++) {
        same = same && strcmp(x[i], y[i]) == 0;
        free(x[i]);
        free(y[i]);
    }
    free(x);
    free(y);
    return same;
}

/* For what has no key: secrets under seal, and values not known yet. */
static bool same_set_by_pairs(const struct pb_compare *c, const struct pb_type *elem,
                              const struct pb_value *a, const struct pb_value *b, unsigned flags)
{
    bool *taken = pb_calloc(b->n, sizeof(*taken));
    bool same = true;

    for (size_t i = 0; same && i < a->n; i++) {
        size_t k = 0;
        while (k < b->n && (taken[k] || !pb_same(c, elem, &a->items[i], &b->items[k], flags)))
            k++;
        same = k < b->n;
        if (same)
            taken[k] = true;
    }
    free(taken);
    return same;
}

static bool same_list(const struct pb_compare *c, const struct pb_type *t, const struct pb_value *a,
                      const struct pb_value *b, unsigned flags)
{
    bool same = true;

    if (a->n != b->n)
        return false;
    flags &= ~(unsigned)PB_SAME_ELEMENT;
    for (size_t i = 0; same && i < a->n; i++)
        same = pb_same(c, item_type(t, i), &a->items[i], &b->items[i], flags);
    if (same || t->kind != PB_T_SET)
        return same;
    if (has_sealed(a) || has_sealed(b) || (flags & PB_SAME_UNKNOWN_MATCHES))
        return same_set_by_pairs(c, item_type(t, 0), a, b, flags);
    return same_set_by_key(c, item_type(t, 0), a, b, flags);
}

static bool same_members(const struct pb_compare *c, const struct pb_type *t,
                         const struct pb_value *a, const struct pb_value *b, unsigned flags)
{
    size_t i = 0, k = 0;

    flags = member_flags(t, flags);
    while (i < a->n || k < b->n) {
        const struct pb_member *x = i < a->n ? &a->members[i] : NULL;
        const struct pb_member *y = k < b->n ? &b->members[k] : NULL;
        int order = !x ? 1 : !y ? -1 : x->key == y->key ? 0 : strcmp(x->key, y->key);
        const char *key = order > 0 ? y->key : x->key;
        /* A field of an object that this type leaves out was not looked at. */
        bool counts = t->kind != PB_T_OBJECT || !t->nfields || pb_type_field(t, key);
        if (counts && !pb_same(c, member_type(t, key), order <= 0 ? &x->value : NULL,
                               order >= 0 ? &y->value : NULL, flags))
            return false;
        i += order <= 0;
        k += order >= 0;
    }
    return true;
}

static bool same_sealed(const struct pb_compare *c, const struct pb_value *a,
                        const struct pb_value *b)
{
    static const struct pb_value empty = {.kind = PB_STRING, .s = ""};

    if (!pb_is(a, PB_SEALED))
        return same_sealed(c, b, a);
    return pb_seal_matches(c->seal, a, pb_is_nullish(b) ? &empty : b);
}

bool pb_same(const struct pb_compare *c, const struct pb_type *type, const struct pb_value *a,
             const struct pb_value *b, unsigned flags)
{
    const struct pb_type *t = or_dynamic(type);

    if (pb_is(a, PB_UNKNOWN) || pb_is(b, PB_UNKNOWN))
        return flags & PB_SAME_UNKNOWN_MATCHES;
    if (pb_is(a, PB_SEALED) || pb_is(b, PB_SEALED))
        return same_sealed(c, a, b);
    if (pb_same_as_null(t, a, flags) && pb_same_as_null(t, b, flags))
        return true;
    if (!a || !b || a->kind == PB_NULL || b->kind == PB_NULL)
        return false;
    if (a->kind == PB_LIST && b->kind == PB_LIST)
        return same_list(c, t, a, b, flags);
    if (a->kind == PB_MAP && b->kind == PB_MAP)
        return same_members(c, t, a, b, flags);
    if (a->kind == PB_LIST || a->kind == PB_MAP || b->kind == PB_LIST || b->kind == PB_MAP)
        return false;
    return same_scalar(c, t, a, b);
}

static void key_scalar(struct pb_buf *out, const struct pb_compare *c, const struct pb_type *t,
                       const struct pb_value *v)
{
    const struct pb_value *json;
    bool number = v->kind == PB_NUMBER;

    if (v->kind == PB_STRING && t->kind == PB_T_NUMBER)
        number = pb_number_valid(v->s, v->n);
    if (number && t->kind == PB_T_STRING) {
        struct pb_buf digits = PB_BUF_INIT;
        pb_number_add_canonical(&digits, v->s);
        pb_json_add_string(out, digits.s, digits.len);
        pb_buf_release(&digits);
        return;
    }
    if (number) {
        pb_number_add_canonical(out, v->s);
        return;
    }
    if (v->kind == PB_BOOL) {
        const char *text = v->b ? "true" : "false";
        if (t->kind == PB_T_STRING)
            pb_json_add_string(out, text, strlen(text));
        else
            pb_buf_adds(out, text);
        return;
    }
    if (t->kind == PB_T_BOOL && (strcmp(v->s, "true") == 0 || strcmp(v->s, "false") == 0)) {
        pb_buf_adds(out, v->s);
        return;
    }
    json = json_inside(c, v);
    if (json)
        pb_json_add_canonical(out, json);
    else
        pb_json_add_string(out, v->s, v->n);
}

static void key_list(struct pb_buf *out, const struct pb_compare *c, const struct pb_type *t,
                     const struct pb_value *v, unsigned flags)
{
    char **keys;

    flags &= ~(unsigned)PB_SAME_ELEMENT;
    pb_buf_addc(out, '[');
    if (t->kind == PB_T_SET) {
        keys = keys_of(c, item_type(t, 0), v, flags);
        for (size_t i = 0; i < v->n; i++) {
            pb_buf_adds(out, keys[i]);
            pb_buf_addc(out, ',');
            free(keys[i]);
        }
        free(keys);
    } else {
        for (size_t i = 0; i < v->n; i++) {
            pb_same_key(out, c, item_type(t, i), &v->items[i], flags);
            pb_buf_addc(out, ',');
        }
    }
    pb_buf_addc(out, ']');
}

static void key_map(struct pb_buf *out, const struct pb_compare *c, const struct pb_type *t,
                    const struct pb_value *v, unsigned flags)
{
    flags = member_flags(t, flags);
    pb_buf_addc(out, '{');
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        const struct pb_type *mt = member_type(t, m->key);
        if (t->kind == PB_T_OBJECT && t->nfields && !pb_type_field(t, m->key))
            continue;
        if (pb_same_as_null(mt, &m->value, flags))
            continue;
        pb_json_add_string(out, m->key, strlen(m->key));
        pb_buf_addc(out, ':');
        pb_same_key(out, c, mt, &m->value, flags);
        pb_buf_addc(out, ',');
    }
    pb_buf_addc(out, '}');
}

void pb_same_key(struct pb_buf *out, const struct pb_compare *c, const struct pb_type *type,
                 const struct pb_value *v, unsigned flags)
{
    const struct pb_type *t = or_dynamic(type);

    if (pb_same_as_null(t, v, flags)) {
        pb_buf_adds(out, "null");
        return;
    }
    switch ((enum pb_kind)v->kind) {
    case PB_LIST: key_list(out, c, t, v, flags); return;
    case PB_MAP: key_map(out, c, t, v, flags); return;
    case PB_UNKNOWN: /* an address: equal to nothing else */
    case PB_SEALED: pb_buf_addf(out, "?%p", (const void *)v); return;
    case PB_NULL:
    case PB_BOOL:
    case PB_NUMBER:
    case PB_STRING: key_scalar(out, c, t, v); return;
    }
}

/* Whether the field is in any of these objects; NULL: whether any of them is an object. */
static bool in_any(const struct pb_value *objects, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (name ? pb_get(&objects[i], name) != NULL : objects[i].kind == PB_MAP)
            return true;
    return false;
}

static const struct pb_type *observed(struct pb_arena *a, const struct pb_type *t,
                                      const struct pb_value *v, size_t n);

/* All the values that a field, or the elements, have in these values, as one array. */
static const struct pb_value *gather(struct pb_arena *a, const struct pb_value *v, size_t n,
                                     const char *field, size_t *count)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    struct pb_value all;

    for (size_t i = 0; i < n; i++) {
        if (field) {
            const struct pb_value *m = pb_get(&v[i], field);
            if (m)
                pb_list_add(&b, *m);
        } else if (v[i].kind == PB_LIST) {
            for (size_t k = 0; k < v[i].n; k++)
                pb_list_add(&b, v[i].items[k]);
        } else if (v[i].kind == PB_MAP) {
            for (size_t k = 0; k < v[i].n; k++)
                pb_list_add(&b, v[i].members[k].value);
        }
    }
    all = pb_list_done(&b, a);
    *count = all.n;
    return all.items;
}

static const struct pb_type *observed_object(struct pb_arena *a, const struct pb_type *t,
                                             const struct pb_value *v, size_t n)
{
    struct pb_field *fields = pb_arena_alloc(a, t->nfields * sizeof(*fields) + 1);
    struct pb_type *out;
    size_t kept = 0, count;
    bool changed = false;

    for (size_t i = 0; i < t->nfields; i++) {
        const struct pb_field *f = &t->fields[i];
        if (!in_any(v, n, f->name)) {
            changed = true;
            continue;
        }
        fields[kept] = *f;
        if (f->type->kind > PB_T_BOOL) {
            const struct pb_value *all = gather(a, v, n, f->name, &count);
            fields[kept].type = observed(a, f->type, all, count);
        }
        changed = changed || fields[kept].type != f->type;
        kept++;
    }
    if (!changed)
        return t;
    if (!kept) { /* nothing of it was looked at: a field of no name keeps it an object */
        fields = pb_arena_zalloc(a, sizeof(*fields));
        fields[kept++] = (struct pb_field){"", &pb_type_dynamic, 0};
    }
    out = pb_arena_zalloc(a, sizeof(*out));
    *out = (struct pb_type){.kind = PB_T_OBJECT, .fields = fields, .nfields = kept};
    return out;
}

static const struct pb_type *observed(struct pb_arena *a, const struct pb_type *t,
                                      const struct pb_value *v, size_t n)
{
    const struct pb_value *all;
    const struct pb_type *elem;
    struct pb_type *out;
    size_t count;

    if (t->kind == PB_T_OBJECT)
        return in_any(v, n, NULL) ? observed_object(a, t, v, n) : t;
    if (t->kind != PB_T_LIST && t->kind != PB_T_SET && t->kind != PB_T_MAP)
        return t;
    if (!t->elem || t->elem->kind <= PB_T_BOOL)
        return t;
    all = gather(a, v, n, NULL, &count);
    elem = observed(a, t->elem, all, count);
    if (elem == t->elem)
        return t;
    out = pb_arena_zalloc(a, sizeof(*out));
    *out = (struct pb_type){.kind = t->kind, .elem = elem};
    return out;
}

const struct pb_type *pb_type_observed(struct pb_arena *a, const struct pb_type *type,
                                       const struct pb_value *live)
{
    return live ? observed(a, or_dynamic(type), live, 1) : or_dynamic(type);
}
