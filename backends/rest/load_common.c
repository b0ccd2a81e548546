/* Checks and small parts of the pack loader. */
#include <stdarg.h>

#include "backends/rest/load.h"
#include "base/text.h"

int pb_load_fail(struct pb_load *l, const struct pb_value *at, const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    pb_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    pb_fail(l->err, PB_E_CONFIG, "%s", b.s);
    return pb_load_wrap(l, at);
}

int pb_load_wrap(struct pb_load *l, const struct pb_value *at)
{
    if (at && at->line)
        l->line = at->line;
    if (l->field.len)
        return pb_err_wrap(l->err, "%s:%u: field '%s'", l->file, l->line, l->field.s);
    return pb_err_wrap(l->err, "%s:%u", l->file, l->line);
}

size_t pb_load_enter(struct pb_load *l, const char *key)
{
    size_t mark = l->field.len;
    pb_buf_addf(&l->field, "%s%s", mark ? "." : "", key);
    return mark;
}

void pb_load_leave(struct pb_load *l, size_t mark)
{
    pb_buf_truncate(&l->field, mark);
}

static unsigned kind_bit(const struct pb_value *v)
{
    switch (v->kind) {
    case PB_STRING: return PB_K_STRING;
    case PB_NUMBER: return PB_K_NUMBER;
    case PB_BOOL: return PB_K_BOOL;
    case PB_LIST: return PB_K_LIST;
    case PB_MAP: return PB_K_MAP;
    default: return PB_K_NULL;
    }
}

static void add_kinds(struct pb_buf *b, unsigned kinds)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{PB_K_STRING, "a text"}, {PB_K_NUMBER, "a number"}, {PB_K_BOOL, "true or false"},
                 {PB_K_LIST, "a list"},   {PB_K_MAP, "a map"},       {PB_K_NULL, "null"}};
    const char *sep = "";
    for (size_t i = 0; i < PB_COUNT(names); i++)
        if (kinds & names[i].bit) {
            pb_buf_addf(b, "%s%s", sep, names[i].name);
            sep = " or ";
        }
}

static int unknown_key(struct pb_load *l, const struct pb_member *m, const struct pb_keys *keys)
{
    const char *names[64];
    size_t n = 0;
    for (; n < keys->n && n < PB_COUNT(names); n++)
        names[n] = keys->keys[n].name;
    const char *near = pb_text_nearest(m->key, names, n);
    if (near)
        return pb_load_fail(l, &m->value, "a %s has no key '%s'; did you mean '%s'?", keys->what,
                            m->key, near);
    return pb_load_fail(l, &m->value, "a %s has no key '%s'; remove it", keys->what, m->key);
}

int pb_load_check(struct pb_load *l, const struct pb_value *map, const struct pb_keys *keys)
{
    if (!pb_is(map, PB_MAP))
        return pb_load_fail(l, map, "a %s is a map, not a %s", keys->what,
                            map ? pb_kind_name(map->kind) : "missing value");
    for (size_t i = 0; i < map->n; i++) {
        const struct pb_member *m = &map->members[i];
        const struct pb_key *key = NULL;
        for (size_t k = 0; k < keys->n && !key; k++)
            if (strcmp(keys->keys[k].name, m->key) == 0)
                key = &keys->keys[k];
        size_t mark = pb_load_enter(l, m->key);
        if (!key)
            return unknown_key(l, m, keys);
        if (!(key->kinds & kind_bit(&m->value))) {
            PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
            add_kinds(&b, key->kinds);
            return pb_load_fail(l, &m->value, "this must be %s, not a %s", b.s,
                                pb_kind_name(m->value.kind));
        }
        pb_load_leave(l, mark);
    }
    for (size_t k = 0; k < keys->n; k++)
        if ((keys->keys[k].kinds & PB_K_REQUIRED) && !pb_get(map, keys->keys[k].name))
            return pb_load_fail(l, map, "a %s needs '%s'; add it", keys->what, keys->keys[k].name);
    return 0;
}

int pb_load_strings(const char *const **out, struct pb_load *l, const struct pb_value *v)
{
    *out = NULL;
    if (!v)
        return 0;
    if (pb_is(v, PB_STRING)) {
        const char **one = pb_arena_zalloc(l->a, 2 * sizeof(const char *));
        one[0] = v->s;
        *out = one;
        return 0;
    }
    const char **list = pb_arena_zalloc(l->a, (pb_len(v) + 1) * sizeof(const char *));
    for (size_t i = 0; i < pb_len(v); i++) {
        const struct pb_value *item = pb_at(v, i);
        list[i] = pb_scalar_text(l->a, item);
        if (!list[i] || !*list[i])
            return pb_load_fail(l, item, "element %zu must be a text", i + 1);
    }
    *out = list;
    return 0;
}

int pb_load_expr(const struct pb_expr **out, struct pb_load *l, const struct pb_value *v)
{
    const char *text = pb_scalar_text(l->a, v);
    if (!text)
        return pb_load_fail(l, v, "this must be an expression");
    if (pb_is(v, PB_STRING))
        return pb_expr_parse(out, l->a, text, &l->names, l->err) == -1 ? pb_load_wrap(l, v) : 0;
    struct pb_expr *e = pb_arena_zalloc(l->a, sizeof(*e));
    e->literal = *v;
    e->text = text;
    *out = e;
    return 0;
}

int pb_load_template(const struct pb_expr **out, struct pb_load *l, const struct pb_value *v)
{
    const char *text = pb_scalar_text(l->a, v);
    if (!text)
        return pb_load_fail(l, v, "this must be a text");
    return pb_template_parse(out, l->a, text, &l->names, l->err) == -1 ? pb_load_wrap(l, v) : 0;
}

int pb_load_path(struct pb_path *out, struct pb_load *l, const struct pb_value *v)
{
    static const struct pb_names item = {.item = true};
    const struct pb_expr *e = NULL;
    *out = (struct pb_path){0};
    if (!v)
        return 0;
    if (pb_expr_parse(&e, l->a, pb_str(v), &item, l->err) == -1)
        return pb_load_wrap(l, v);
    if (e->kind != PB_EXPR_PATH || e->ncalls)
        return pb_load_fail(l, v, "this must be a plain path within the reply");
    *out = (struct pb_path){.segs = e->segs, .n = e->nsegs, .text = e->text};
    return 0;
}

int pb_load_params(const struct pb_param **out, size_t *n, struct pb_load *l,
                   const struct pb_value *map)
{
    struct pb_param *v = pb_arena_zalloc(l->a, (pb_len(map) + 1) * sizeof(*v));
    for (size_t i = 0; i < pb_len(map); i++) {
        size_t mark = pb_load_enter(l, map->members[i].key);
        v[i].name = map->members[i].key;
        if (pb_load_template(&v[i].value, l, &map->members[i].value) == -1)
            return -1;
        pb_load_leave(l, mark);
    }
    *out = v;
    *n = pb_len(map);
    return 0;
}

int pb_load_place(struct pb_place *out, struct pb_load *l, const struct pb_value *at,
                  const char *text)
{
    static const struct {
        const char *prefix;
        enum pb_place_kind kind;
    } kinds[] = {{"form.", PB_PLACE_FORM}, {"query.", PB_PLACE_QUERY}, {"body.", PB_PLACE_BODY}};
    for (size_t i = 0; i < PB_COUNT(kinds); i++)
        if (pb_starts_with(text, kinds[i].prefix) && text[strlen(kinds[i].prefix)]) {
            *out = (struct pb_place){kinds[i].kind, text + strlen(kinds[i].prefix)};
            return 0;
        }
    return pb_load_fail(l, at,
                        "'%s' is no place in a request; write form.NAME, query.NAME or "
                        "body.NAME",
                        text);
}
