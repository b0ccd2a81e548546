#include "model/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* Longer strings seldom repeat, and hashing them costs more than it saves. */
enum { INTERN_MAX = 64 };

const struct pb_value pb_null = {.kind = PB_NULL};
const struct pb_value pb_true = {.kind = PB_BOOL, .b = true};
const struct pb_value pb_false = {.kind = PB_BOOL, .b = false};
const struct pb_value pb_unknown = {.kind = PB_UNKNOWN};
const struct pb_value pb_empty_list = {.kind = PB_LIST};
const struct pb_value pb_empty_map = {.kind = PB_MAP};

_Static_assert(sizeof(struct pb_value) == 16, "a state of 100,000 resources must fit");

static struct pb_value text_value(struct pb_arena *a, enum pb_kind kind, const char *s, size_t n)
{
    struct pb_value v = {.kind = (uint8_t)kind};

    if (n > UINT32_MAX)
        BUG("a string of %zu bytes", n);
    v.n = (uint32_t)n;
    v.s = n <= INTERN_MAX ? pb_arena_intern(a, s, n) : pb_arena_strndup(a, s, n);
    return v;
}

struct pb_value pb_mk_string(struct pb_arena *a, const char *s)
{
    return text_value(a, PB_STRING, s, strlen(s));
}

struct pb_value pb_mk_stringn(struct pb_arena *a, const char *s, size_t n)
{
    return text_value(a, PB_STRING, s, n);
}

struct pb_value pb_mk_number(struct pb_arena *a, const char *digits)
{
    return text_value(a, PB_NUMBER, digits, strlen(digits));
}

struct pb_value pb_mk_int(struct pb_arena *a, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);

    return text_value(a, PB_NUMBER, digits, (size_t)len);
}

struct pb_value pb_mk_unknown(struct pb_arena *a, const char *reason)
{
    return reason ? text_value(a, PB_UNKNOWN, reason, strlen(reason)) : pb_unknown;
}

const struct pb_value *pb_box(struct pb_arena *a, struct pb_value v)
{
    struct pb_value *p = pb_arena_alloc(a, sizeof(*p));

    *p = v;
    return p;
}

void pb_list_add(struct pb_list_builder *b, struct pb_value v)
{
    b->v = pb_grow(b->v, &b->cap, b->n + 1, sizeof(*b->v));
    b->v[b->n++] = v;
}

struct pb_value pb_list_done(struct pb_list_builder *b, struct pb_arena *a)
{
    struct pb_value v = pb_empty_list;
    struct pb_value *items;

    if (b->n > UINT32_MAX)
        BUG("a list of %zu items", b->n);
    if (b->n) {
        items = pb_arena_alloc(a, b->n * sizeof(*items));
        memcpy(items, b->v, b->n * sizeof(*items));
        v.n = (uint32_t)b->n;
        v.items = items;
    }
    pb_list_builder_release(b);
    return v;
}

void pb_list_builder_release(struct pb_list_builder *b)
{
    free(b->v);
    *b = (struct pb_list_builder)PB_BUILDER_INIT;
}

void pb_map_add(struct pb_map_builder *b, const char *key, struct pb_value v)
{
    b->v = pb_grow(b->v, &b->cap, b->n + 1, sizeof(*b->v));
    b->v[b->n].key = key;
    b->v[b->n++].value = v;
}

/* By key; equal keys stay in the order in which they were added. */
static int by_key(const void *pa, const void *pb)
{
    const struct pb_member *const *a = pa, *const *b = pb;
    int c = strcmp((*a)->key, (*b)->key);

    if (c)
        return c;
    return *a < *b ? -1 : *a > *b;
}

static size_t copy_sorted(struct pb_member *out, const struct pb_member *v, size_t n)
{
    const struct pb_member **order = pb_malloc(n * sizeof(*order));
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        order[i] = &v[i];
    qsort(order, n, sizeof(*order), by_key);
    for (size_t i = 0; i < n; i++) {
        if (kept && strcmp(out[kept - 1].key, order[i]->key) == 0)
            kept--;
        out[kept++] = *order[i];
    }
    free(order);
    return kept;
}

static bool is_ascending(const struct pb_member *v, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (strcmp(v[i - 1].key, v[i].key) >= 0)
            return false;
    return true;
}

struct pb_value pb_map_done(struct pb_map_builder *b, struct pb_arena *a)
{
    struct pb_value v = pb_empty_map;
    struct pb_member *members;

    if (b->n > UINT32_MAX)
        BUG("a map of %zu members", b->n);
    if (b->n) {
        members = pb_arena_alloc(a, b->n * sizeof(*members));
        v.n = (uint32_t)b->n;
        if (is_ascending(b->v, b->n))
            memcpy(members, b->v, b->n * sizeof(*members));
        else
            v.n = (uint32_t)copy_sorted(members, b->v, b->n);
        v.members = members;
    }
    pb_map_builder_release(b);
    return v;
}

void pb_map_builder_release(struct pb_map_builder *b)
{
    free(b->v);
    *b = (struct pb_map_builder)PB_BUILDER_INIT;
}

bool pb_is(const struct pb_value *v, enum pb_kind kind)
{
    return v && v->kind == kind;
}

bool pb_is_nullish(const struct pb_value *v)
{
    return !v || v->kind == PB_NULL;
}

const struct pb_value *pb_get(const struct pb_value *map, const char *key)
{
    size_t lo = 0, hi;

    if (!pb_is(map, PB_MAP))
        return NULL;
    for (hi = map->n; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(map->members[mid].key, key);
        if (c == 0)
            return &map->members[mid].value;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct pb_value *pb_at(const struct pb_value *list, size_t i)
{
    return pb_is(list, PB_LIST) && i < list->n ? &list->items[i] : NULL;
}

const char *pb_str(const struct pb_value *v)
{
    return pb_is(v, PB_STRING) ? v->s : NULL;
}

const char *pb_get_str(const struct pb_value *map, const char *key)
{
    return pb_str(pb_get(map, key));
}

bool pb_get_bool(const struct pb_value *map, const char *key, bool otherwise)
{
    const struct pb_value *v = pb_get(map, key);

    return pb_is(v, PB_BOOL) ? v->b : otherwise;
}

int pb_get_int(int64_t *out, const struct pb_value *map, const char *key)
{
    const struct pb_value *v = pb_get(map, key);
    char again[24];
    long long n;

    if (!pb_is(v, PB_NUMBER))
        return -1;
    /* strtoll saturates, stops at "." and "e": printing the result finds all of these. */
    n = strtoll(v->s, NULL, 10);
    snprintf(again, sizeof(again), "%lld", n);
    if (pb_number_cmp(again, v->s) != 0)
        return -1;
    *out = n;
    return 0;
}

size_t pb_len(const struct pb_value *v)
{
    return pb_is(v, PB_LIST) || pb_is(v, PB_MAP) ? v->n : 0;
}

const char *pb_kind_name(enum pb_kind kind)
{
    static const char *const names[] = {
        [PB_NULL] = "null", [PB_BOOL] = "bool", [PB_NUMBER] = "number",   [PB_STRING] = "string",
        [PB_LIST] = "list", [PB_MAP] = "map",   [PB_UNKNOWN] = "unknown", [PB_SEALED] = "sealed",
    };

    return names[kind];
}

/* One step of pb_walk; *path is moved behind the step. */
static const struct pb_value *walk_step(const struct pb_value *v, const char **path)
{
    const char *p = *path;
    const char *end;
    char key[256];
    size_t n;

    if (*p == '[' && p[1] != '"') {
        char *stop;
        unsigned long i = strtoul(p + 1, &stop, 10);
        if (stop == p + 1 || *stop != ']')
            return NULL;
        *path = stop + 1;
        return pb_at(v, i);
    }
    if (*p == '[') {
        p += 2;
        end = strstr(p, "\"]");
        if (!end)
            return NULL;
        n = (size_t)(end - p);
        *path = end + 2;
    } else {
        p += *p == '.';
        n = strcspn(p, ".[");
        *path = p + n;
    }
    if (n >= sizeof(key))
        return NULL;
    memcpy(key, p, n);
    key[n] = '\0';
    return pb_get(v, key);
}

const struct pb_value *pb_walk(const struct pb_value *v, const char *path)
{
    while (v && *path)
        v = walk_step(v, &path);
    return v;
}

static int cmp_text(const struct pb_value *a, const struct pb_value *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    int c = n ? memcmp(a->s, b->s, n) : 0;

    return c ? c : (a->n > b->n) - (a->n < b->n);
}

static int cmp_members(const struct pb_value *a, const struct pb_value *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        const struct pb_member *x = &a->members[i], *y = &b->members[i];
        int c = x->key == y->key ? 0 : strcmp(x->key, y->key);
        if (!c)
            c = pb_value_cmp(&x->value, &y->value);
        if (c)
            return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

static int cmp_items(const struct pb_value *a, const struct pb_value *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int c = pb_value_cmp(&a->items[i], &b->items[i]);
        if (c)
            return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

int pb_value_cmp(const struct pb_value *a, const struct pb_value *b)
{
    if (a == b)
        return 0;
    if (!a || !b)
        return a ? 1 : -1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch ((enum pb_kind)a->kind) {
    case PB_NULL: return 0;
    case PB_BOOL: return a->b - b->b;
    case PB_NUMBER: return pb_number_cmp(a->s, b->s);
    case PB_LIST: return a->n && a->items == b->items && a->n == b->n ? 0 : cmp_items(a, b);
    case PB_MAP: return a->n && a->members == b->members && a->n == b->n ? 0 : cmp_members(a, b);
    case PB_STRING:
    case PB_UNKNOWN:
    case PB_SEALED: return cmp_text(a, b);
    }
    BUG("a value of kind %d", a->kind);
}

bool pb_value_equal(const struct pb_value *a, const struct pb_value *b)
{
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind || a->kind == PB_UNKNOWN)
        return false;
    if (a->kind != PB_LIST && a->kind != PB_MAP)
        return pb_value_cmp(a, b) == 0;
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (a->kind == PB_LIST) {
            if (!pb_value_equal(&a->items[i], &b->items[i]))
                return false;
            continue;
        }
        if (strcmp(a->members[i].key, b->members[i].key) != 0 ||
            !pb_value_equal(&a->members[i].value, &b->members[i].value))
            return false;
    }
    return true;
}

bool pb_has_unknown(const struct pb_value *v)
{
    if (!v)
        return false;
    if (v->kind == PB_LIST) {
        for (size_t i = 0; i < v->n; i++)
            if (pb_has_unknown(&v->items[i]))
                return true;
    } else if (v->kind == PB_MAP) {
        for (size_t i = 0; i < v->n; i++)
            if (pb_has_unknown(&v->members[i].value))
                return true;
    }
    return v->kind == PB_UNKNOWN;
}

struct pb_value pb_value_copy(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_value out = *v;

    if (v->kind == PB_LIST && v->n) {
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));
        for (size_t i = 0; i < v->n; i++)
            items[i] = pb_value_copy(a, &v->items[i]);
        out.items = items;
    } else if (v->kind == PB_MAP && v->n) {
        struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));
        for (size_t i = 0; i < v->n; i++) {
            const struct pb_member *m = &v->members[i];
            members[i].key = pb_arena_intern(a, m->key, strlen(m->key));
            members[i].value = pb_value_copy(a, &m->value);
        }
        out.members = members;
    } else if (v->kind == PB_STRING || v->kind == PB_NUMBER || v->kind == PB_SEALED ||
               (v->kind == PB_UNKNOWN && v->s)) {
        struct pb_value text = text_value(a, (enum pb_kind)v->kind, v->s, v->n);
        out.s = text.s;
    }
    return out;
}
