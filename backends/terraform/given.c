/* What a tree that is not trusted was given, and may have copied to where anybody reads it: into a
 * value, the name of a member, an address. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/mark.h"
#include "backends/terraform/redact.h"
#include "backends/terraform/terraform.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

/* What is shorter is in every text by chance. */
enum { GIVEN_LEAST = 8, STATE_LEAST = 6 };

struct given {
    struct pb_arena *arena;
    struct pb_tf_redactor *secrets;
    const struct pb_recorded_set *recorded;
};

/* ---- secrets --------------------------------------------------------------------------------- */

static void add_sensitive(struct pb_strv *out, struct pb_map *known, const struct pb_value *v,
                          bool secret)
{
    secret |= (v->flags & PB_V_SENSITIVE) != 0;
    if (v->kind == PB_STRING && secret && v->n >= STATE_LEAST && !pb_map_put(known, v->s, known))
        pb_strv_add(out, v->s);
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        add_sensitive(out, known, &v->items[i], secret);
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        add_sensitive(out, known, &v->members[i].value, secret);
}

void pb_tf_recorded_secrets(struct pb_strv *out, const struct pb_recorded_set *recorded,
                            const struct pb_schema_set *schemas)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(map) struct pb_map known = PB_MAP_INIT;

    for (size_t i = 0; i < recorded->n; i++) {
        const struct pb_recorded *r = &recorded->v[i];
        const struct pb_schema *s = pb_schema_find(schemas, r->type);
        struct pb_value marked = pb_tf_mark_schema(a, r->attributes, s ? s->root : NULL);

        add_sensitive(out, &known, &marked, false);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool finds(const struct given *g, const char *s)
{
    return s && pb_tf_redactor_finds(g->secrets, s, strlen(s));
}

static const char *clean(const struct given *g, const char *s)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (!finds(g, s))
        return s;
    pb_buf_adds(&b, s);
    pb_tf_redact(g->secrets, &b);
    return pb_arena_strdup(g->arena, b.s);
}

static bool hides_below(const struct given *g, const struct pb_value *v)
{
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        if (hides_below(g, &v->items[i]))
            return true;
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        if (finds(g, v->members[i].key) || hides_below(g, &v->members[i].value))
            return true;
    return false;
}

/* No two members become one. */
static const char *clean_key(const struct given *g, const struct pb_value *map, struct pb_map *used,
                             const char *key)
{
    const char *name = clean(g, key);

    for (size_t n = 2; pb_get(map, name) || pb_map_put(used, name, used); n++)
        name = pb_arena_printf(g->arena, "%s %zu", clean(g, key), n);
    return name;
}

/* A name that the state has there already is no news. */
static struct pb_value clean_keys(const struct given *g, const struct pb_value *v,
                                  const struct pb_value *was)
{
    PB_AUTO(map) struct pb_map used = PB_MAP_INIT;
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_list_builder l = PB_BUILDER_INIT;
    struct pb_value out = *v;

    if (!hides_below(g, v))
        return out;
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        pb_list_add(&l, clean_keys(g, &v->items[i], pb_at(was, i)));
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++) {
        const char *key = v->members[i].key;
        const struct pb_value *there = pb_get(was, key);

        pb_map_add(&m, there || !finds(g, key) ? key : clean_key(g, v, &used, key),
                   clean_keys(g, &v->members[i].value, there));
    }
    out = v->kind == PB_LIST ? pb_list_done(&l, g->arena) : pb_map_done(&m, g->arena);
    out.flags = v->flags;
    return out;
}

/* ---- all that is declared -------------------------------------------------------------------- */

static const struct pb_value *shown(const struct given *g, const struct pb_value *v,
                                    const struct pb_recorded *was)
{
    struct pb_value marked;

    if (!v)
        return NULL;
    marked = pb_tf_mark_found(g->arena, v, g->secrets);
    return pb_box(g->arena, clean_keys(g, &marked, was ? was->attributes : NULL));
}

static const char *const *clean_list(const struct given *g, const char *const *list)
{
    const char **out;
    size_t n = 0;

    for (; list && list[n]; n++)
        ;
    if (!n)
        return list;
    out = pb_arena_zalloc(g->arena, (n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = clean(g, list[i]);
    return out;
}

static void clean_one(const struct given *g, struct pb_declared *d, struct pb_map *used)
{
    const struct pb_recorded *was = pb_recorded_find(g->recorded, d->address);
    const char *address = d->address;

    if (!was && d->previous_address)
        was = pb_recorded_find(g->recorded, d->previous_address);
    d->planned = shown(g, d->planned, was);
    d->prior = shown(g, d->prior, was);
    d->replace_paths = clean_list(g, d->replace_paths);
    if (pb_recorded_find(g->recorded, address) || !finds(g, address))
        return;
    d->address = clean(g, address);
    for (size_t n = 2; pb_map_put(used, d->address, used); n++)
        d->address = pb_arena_printf(g->arena, "%s #%zu", clean(g, address), n);
}

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct pb_declared *)a)->address,
                  ((const struct pb_declared *)b)->address);
}

static void clean_effects(const struct given *g, struct pb_declared_set *d)
{
    struct pb_side_effect *v = pb_arena_alloc(g->arena, (d->neffects + 1) * sizeof(*v));

    for (size_t i = 0; i < d->neffects; i++) {
        v[i] = d->effects[i];
        v[i].what = clean(g, v[i].what);
    }
    d->effects = v;
}

void pb_tf_hide_given(struct pb_declare_result *out, struct pb_tf_planning *p)
{
    PB_AUTO(strv) struct pb_strv secrets = PB_STRV_INIT;
    PB_AUTO(map) struct pb_map used = PB_MAP_INIT;
    struct pb_declared *v = (struct pb_declared *)(uintptr_t)out->declared.v;
    struct given g = {.arena = p->arena, .recorded = p->recorded};

    for (size_t i = 0; i < p->run.secrets.n; i++)
        if (strlen(p->run.secrets.v[i]) >= GIVEN_LEAST)
            pb_strv_add(&secrets, p->run.secrets.v[i]);
    if (p->recorded->lineage) /* the state as a whole */
        pb_strv_add(&secrets, p->recorded->lineage);
    pb_tf_recorded_secrets(&secrets, p->recorded, &out->schemas);
    g.secrets = pb_tf_redactor_new(&secrets);
    for (size_t i = 0; i < out->declared.n; i++)
        pb_map_put(&used, v[i].address, &g);
    for (size_t i = 0; i < out->declared.n; i++)
        clean_one(&g, &v[i], &used);
    if (out->declared.n)
        qsort(v, out->declared.n, sizeof(*v), by_address);
    clean_effects(&g, &out->declared);
    for (size_t i = 0; i < p->said.n; i++) {
        p->said.v[i].message = clean(&g, p->said.v[i].message);
        p->said.v[i].address = clean(&g, p->said.v[i].address);
    }
    pb_tf_redactor_free(g.secrets);
}
