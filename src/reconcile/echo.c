#include "reconcile/echo.h"

#include <stdlib.h>
#include <string.h>

#include "model/path.h"

struct pb_echo_set {
    struct pb_echo *v; /* sorted by type, "*" first */
    size_t n;
};

static const char *const kinds[] = {
    [PB_ECHO_MIRROR] = "mirror",       [PB_ECHO_NULL_EMPTY] = "null_empty", [PB_ECHO_CASE] = "case",
    [PB_ECHO_UNORDERED] = "unordered", [PB_ECHO_DECLARED] = "declared",
};

static int kind_parse(enum pb_echo_kind *out, const char *name)
{
    for (size_t i = 0; name && i < PB_COUNT(kinds); i++) {
        if (strcmp(kinds[i], name) == 0) {
            *out = (enum pb_echo_kind)i;
            return 0;
        }
    }
    return -1;
}

static int by_type(const void *a, const void *b)
{
    return strcmp(((const struct pb_echo *)a)->type, ((const struct pb_echo *)b)->type);
}

/* A map whose values are strings, or lists of them too where `many` says so; NULL is fine. */
static bool is_names(const struct pb_value *v, bool many)
{
    for (size_t i = 0; i < pb_len(v); i++) {
        const struct pb_value *m = pb_is(v, PB_MAP) ? &v->members[i].value : NULL;

        if (pb_str(m))
            continue;
        if (!many || !pb_len(m) || !pb_is(m, PB_LIST))
            return false;
        for (size_t k = 0; k < m->n; k++)
            if (!pb_str(&m->items[k]))
                return false;
    }
    return !v || v->kind == PB_MAP;
}

static int parse_owner(struct pb_owner *out, const struct pb_value *v, const char *file,
                       struct pb_err *err)
{
    out->type = pb_get_str(v, "type");
    out->of = pb_get(v, "of");
    out->where = pb_get(v, "where");
    out->key = pb_get(v, "key");
    out->each = pb_get(v, "each");
    if (!out->type || !pb_len(out->of) || !is_names(out->of, true) ||
        (out->where && out->where->kind != PB_MAP) || !is_names(out->key, false) ||
        !is_names(out->each, false))
        return pb_fail(err, PB_E_CONFIG,
                       "%s:%d: an owner needs 'type' and 'of'; 'of', 'where', 'key' and 'each' map "
                       "names to names",
                       file, v->line);
    return 0;
}

static int parse_owners(struct pb_echo *out, struct pb_arena *a, const struct pb_value *v,
                        const char *file, struct pb_err *err)
{
    const struct pb_value *list = pb_get(v, "owners");
    struct pb_owner *owners = pb_arena_zalloc(a, pb_len(list) * sizeof(*owners) + 1);

    out->owners = owners;
    out->alike = pb_get(v, "alike");
    out->elsewhere = pb_get_bool(v, "elsewhere", false);
    if (list && (list->kind != PB_LIST || !list->n || out->kind != PB_ECHO_MIRROR))
        return pb_fail(err, PB_E_CONFIG, "%s:%d: 'owners' is a list, of a mirror", file, v->line);
    for (; out->nowners < pb_len(list); out->nowners++)
        if (parse_owner(&owners[out->nowners], &list->items[out->nowners], file, err))
            return -1;
    return 0;
}

static int parse_one(struct pb_echo *out, struct pb_arena *a, const struct pb_value *v,
                     const char *file, struct pb_err *err)
{
    out->type = pb_get_str(v, "type");
    out->path = pb_get_str(v, "path");
    out->why = pb_get_str(v, "why");
    out->repeats = pb_get_str(v, "repeats");
    if (!out->type || !out->path || !out->why)
        return pb_fail(err, PB_E_CONFIG, "%s:%d: an echo needs 'type', 'path' and 'why'", file,
                       v->line);
    if (kind_parse(&out->kind, pb_get_str(v, "kind")))
        return pb_fail(err, PB_E_CONFIG,
                       "%s:%d: 'kind' must be mirror, null_empty, case, unordered or declared",
                       file, v->line);
    return parse_owners(out, a, v, file, err);
}

int pb_echo_parse(const struct pb_echo_set **out, struct pb_arena *a, const struct pb_value *list,
                  const char *file, struct pb_err *err)
{
    struct pb_echo_set *s = pb_arena_zalloc(a, sizeof(*s));

    if (!pb_is(list, PB_LIST))
        return pb_fail(err, PB_E_CONFIG, "%s:1: a list of echoes is expected", file);
    s->v = pb_arena_zalloc(a, list->n * sizeof(*s->v) + 1);
    for (s->n = 0; s->n < list->n; s->n++)
        if (parse_one(&s->v[s->n], a, &list->items[s->n], file, err))
            return -1;
    qsort(s->v, s->n, sizeof(*s->v), by_type);
    *out = s;
    return 0;
}

static size_t first_of(const struct pb_echo_set *s, const char *type)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(s->v[mid].type, type) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static const struct pb_echo *span_of(const struct pb_echo_set *s, const char *type, size_t *n)
{
    size_t at = first_of(s, type);

    for (*n = 0; at + *n < s->n && strcmp(s->v[at + *n].type, type) == 0;)
        (*n)++;
    return &s->v[at];
}

struct pb_echoes pb_echo_of(const struct pb_echo_set *s, const char *type)
{
    struct pb_echoes e = {NULL, NULL, 0, 0};

    if (!s || !s->n)
        return e;
    e.own = span_of(s, type, &e.nown);
    e.any = span_of(s, "*", &e.nany);
    return e;
}

const struct pb_echo *pb_echo_all(const struct pb_echo_set *s, size_t *n)
{
    *n = s ? s->n : 0;
    return s ? s->v : NULL;
}

const struct pb_echo *pb_echo_match(const struct pb_echoes *e, const char *path, size_t *at)
{
    while (*at < e->nown + e->nany) {
        size_t i = (*at)++;
        const struct pb_echo *echo = i < e->nown ? &e->own[i] : &e->any[i - e->nown];
        if (pb_path_covers(echo->path, path))
            return echo;
    }
    return NULL;
}
