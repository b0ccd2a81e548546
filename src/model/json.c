#include "model/json.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/number.h"

/* Values are collected on one stack; a list or map, when it ends, takes what lies above
 * its beginning. */
struct parser {
    struct pb_arena *arena;
    struct pb_member *stack;
    size_t n, cap;
    struct {
        size_t start;    /* in stack */
        const char *key; /* in the surrounding map, or NULL */
    } frame[PB_JSON_DEPTH];
    size_t depth;
    const char *key; /* of the value that comes next */
    const char *problem;
    const char *problem_key;
};

static int stop(struct parser *p, const char *problem, const char *key)
{
    p->problem = problem;
    p->problem_key = key;
    return 0;
}

static int push(struct parser *p, struct pb_value v)
{
    p->stack = pb_grow(p->stack, &p->cap, p->n + 1, sizeof(*p->stack));
    p->stack[p->n].key = p->key;
    p->stack[p->n++].value = v;
    p->key = NULL;
    return 1;
}

static int on_null(void *ctx)
{
    return push(ctx, pb_null);
}

static int on_bool(void *ctx, int b)
{
    return push(ctx, b ? pb_true : pb_false);
}

static int on_number(void *ctx, const char *s, size_t n)
{
    struct parser *p = ctx;
    struct pb_value v = {.kind = PB_NUMBER, .n = (uint32_t)n};

    if (!pb_number_valid(s, n))
        return stop(p, "a number that is out of range", NULL);
    v.s = pb_arena_intern(p->arena, s, n);
    return push(p, v);
}

static int on_string(void *ctx, const unsigned char *s, size_t n)
{
    struct parser *p = ctx;

    if (n && memchr(s, '\0', n))
        return stop(p, "a NUL inside a string", NULL);
    if (n > UINT32_MAX)
        return stop(p, "a string of more than 4 GiB", NULL);
    return push(p, pb_mk_stringn(p->arena, (const char *)s, n));
}

static int on_key(void *ctx, const unsigned char *s, size_t n)
{
    struct parser *p = ctx;

    if (n && memchr(s, '\0', n))
        return stop(p, "a NUL inside a key", NULL);
    p->key = pb_arena_intern(p->arena, (const char *)s, n);
    return 1;
}

static int on_start(void *ctx)
{
    struct parser *p = ctx;

    if (p->depth == PB_JSON_DEPTH)
        return stop(p, "more than 512 levels", NULL);
    p->frame[p->depth].start = p->n;
    p->frame[p->depth].key = p->key;
    p->depth++;
    p->key = NULL;
    return 1;
}

/* Leaves the frame; the collected values stay at p->stack + the result. */
static size_t leave(struct parser *p)
{
    p->depth--;
    p->key = p->frame[p->depth].key;
    return p->frame[p->depth].start;
}

static int on_end_list(void *ctx)
{
    struct parser *p = ctx;
    size_t start = leave(p), n = p->n - start;
    struct pb_value v = pb_empty_list;
    struct pb_value *items;

    if (n > UINT32_MAX)
        return stop(p, "a list of more than 4,294,967,295 items", NULL);
    if (n) {
        items = pb_arena_alloc(p->arena, n * sizeof(*items));
        for (size_t i = 0; i < n; i++)
            items[i] = p->stack[start + i].value;
        v.n = (uint32_t)n;
        v.items = items;
    }
    p->n = start;
    return push(p, v);
}

static int by_pointer(const void *a, const void *b)
{
    const char *x = ((const struct pb_member *)a)->key, *y = ((const struct pb_member *)b)->key;

    return x < y ? -1 : x > y;
}

/* Keys are interned: equal ones are the same pointer. Reorders v; parsing is over. */
static const char *key_twice(struct pb_member *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_pointer);
    for (size_t i = 1; i < n; i++)
        if (v[i - 1].key == v[i].key)
            return v[i].key;
    return NULL;
}

static int on_end_map(void *ctx)
{
    struct parser *p = ctx;
    size_t start = leave(p), n = p->n - start;
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v = pb_empty_map;
    struct pb_member *members;
    bool ascending = true;

    for (size_t i = start + 1; ascending && i < p->n; i++)
        ascending = strcmp(p->stack[i - 1].key, p->stack[i].key) < 0;
    if (n && ascending && n <= UINT32_MAX) {
        members = pb_arena_alloc(p->arena, n * sizeof(*members));
        memcpy(members, p->stack + start, n * sizeof(*members));
        v.n = (uint32_t)n;
        v.members = members;
    } else if (n) {
        for (size_t i = start; i < p->n; i++)
            pb_map_add(&b, p->stack[i].key, p->stack[i].value);
        v = pb_map_done(&b, p->arena);
    }
    if (v.n != n)
        return stop(p, "a key that is there twice", key_twice(p->stack + start, n));
    p->n = start;
    return push(p, v);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_map,
    .yajl_start_array = on_start,
    .yajl_end_array = on_end_list,
};

static bool is_hex4(const char *s, const char *end, unsigned *out)
{
    unsigned v = 0;

    if (end - s < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        if (c >= '0' && c <= '9')
            v = v * 16 + (unsigned)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            v = v * 16 + (unsigned)((c | 32) - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

/* yajl turns half a surrogate pair into '?' or into bytes that are no UTF-8, which would
 * make different values look the same: find these before it does. NULL: there are none. */
static const char *lone_surrogate(const char *s, const char *end)
{
    while ((s = memchr(s, '\\', (size_t)(end - s)))) {
        unsigned hi, lo;
        if (end - s < 2)
            return NULL;
        if (s[1] != 'u' || !is_hex4(s + 2, end, &hi) || hi < 0xd800 || hi > 0xdfff) {
            s += 2;
            continue;
        }
        if (hi > 0xdbff || end - s < 8 || s[6] != '\\' || s[7] != 'u' ||
            !is_hex4(s + 8, end, &lo) || lo < 0xdc00 || lo > 0xdfff)
            return s;
        s += 12;
    }
    return NULL;
}

static int fail_at(struct pb_err *err, const char *what, const char *text, size_t at,
                   const char *problem, const char *key)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at; i++) {
        bool newline = text[i] == '\n';
        line += newline;
        column = newline ? 1 : column + 1;
    }
    if (key)
        return pb_fail(err, PB_E_INPUT,
                       "%s is no JSON that plumb reads: %s: '%s' (line %zu, "
                       "column %zu)",
                       what, problem, key, line, column);
    return pb_fail(err, PB_E_INPUT, "%s is no JSON that plumb reads: %s (line %zu, column %zu)",
                   what, problem, line, column);
}

/* yajl's own words, without the excerpt of the text: it could hold a secret. */
static int fail_yajl(struct pb_err *err, yajl_handle h, const char *what, const char *text,
                     size_t at)
{
    unsigned char *said = yajl_get_error(h, 0, NULL, 0);
    char line[160];
    size_t n = 0;

    for (const unsigned char *s = said; s && *s && *s != '\n' && n + 1 < sizeof(line); s++)
        line[n++] = (char)*s;
    while (n && line[n - 1] == '.')
        n--;
    line[n] = '\0';
    yajl_free_error(h, said);
    return fail_at(err, what, text, at, line, NULL);
}

static int run(struct parser *p, yajl_handle h, const char *text, size_t n, const char *what,
               struct pb_err *err)
{
    /* yajl_parse takes a pointer to const and keeps none. */
    yajl_status st = yajl_parse(h, (const unsigned char *)text, n);
    size_t at = yajl_get_bytes_consumed(h);

    if (st == yajl_status_ok) {
        at = n;
        st = yajl_complete_parse(h);
    }
    if (st == yajl_status_ok)
        return 0;
    if (p->problem)
        return fail_at(err, what, text, at < n ? at : n, p->problem, p->problem_key);
    return fail_yajl(err, h, what, text, at < n ? at : n);
}

int pb_json_parse(const struct pb_value **out, struct pb_arena *a, const char *text, size_t n,
                  const char *what, struct pb_err *err)
{
    struct parser p = {.arena = a};
    const char *bad;
    yajl_handle h;
    int rc = -1;

    if (!pb_utf8_valid(text, n))
        return pb_fail(err, PB_E_INPUT, "%s is no JSON that plumb reads: it is not UTF-8", what);
    bad = lone_surrogate(text, text + n);
    if (bad)
        return fail_at(err, what, text, (size_t)(bad - text), "half a surrogate pair", NULL);
    h = yajl_alloc(&callbacks, NULL, &p);
    if (!h)
        pb_oom();
    if (run(&p, h, text, n, what, err) == 0) {
        if (p.n == 1) {
            *out = pb_box(a, p.stack[0].value);
            rc = 0;
        } else {
            fail_at(err, what, text, n, "it is empty", NULL);
        }
    }
    yajl_free(h);
    free(p.stack);
    return rc;
}

int pb_json_read(const struct pb_value **out, struct pb_arena *a, const char *path, size_t max,
                 struct pb_err *err)
{
    struct pb_buf b = PB_BUF_INIT;
    PB_AUTO(str) char *what = pb_asprintf("'%s'", path);
    int rc = -1;

    if (pb_fs_read(&b, path, max, err) == 0 && pb_json_parse(out, a, b.s, b.len, what, err) == 0)
        rc = 0;
    pb_buf_wipe(&b); /* states hold secrets */
    return rc;
}
