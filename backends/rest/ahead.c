#include "backends/rest/ahead.h"

#include <stdlib.h>

#include "base/crew.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/strv.h"

/* Audits wait for the packs, and for nothing else at that time. */
enum { PARTS = 2 };

struct part {
    struct ahead *of;
    size_t first; /* and every PARTS-th from there */
    struct pb_arena *arena;
    struct pb_packs *packs;
    struct pb_crew_job job;
};

struct ahead {
    struct pb_strv sources, types; /* pairs, each once */
    struct pb_crew *crew;
    struct part part[PARTS];
    bool joined;
};

static void read_part(void *ctx)
{
    const struct part *p = ctx;
    const struct pb_strv *sources = &p->of->sources, *types = &p->of->types;
    const struct pb_pack *pack;

    for (size_t i = p->first; i < types->n; i += PARTS)
        (void)pb_packs_find(&pack, p->packs, sources->v[i], types->v[i], NULL);
}

/* Packs of one provider know it by its address, so it is loaded once. */
static void read_them(void *ctx)
{
    struct part *first = ctx;
    struct ahead *h = first->of;
    const struct pb_pack_provider *provider;

    for (size_t i = 0; i < h->sources.n; i++)
        if (!i || strcmp(h->sources.v[i - 1], h->sources.v[i]) != 0)
            (void)pb_packs_provider(&provider, first->packs, h->sources.v[i], NULL);
    for (size_t i = 1; i < PARTS; i++) {
        h->part[i].packs = pb_packs_beside(h->part[i].arena, first->packs);
        pb_crew_start(h->crew, &h->part[i].job);
    }
    read_part(first);
}

/* provider["registry.terraform.io/hashicorp/aws"].west, with a module in front or not. */
static void add(struct ahead *h, struct pb_map *known, const char *provider, const char *type)
{
    const char *start = strstr(provider, "provider[\""), *end;
    PB_AUTO(str) char *key = pb_asprintf("%s %s", provider, type);

    end = start ? strchr(start + 10, '"') : NULL;
    if (!end || pb_map_has(known, key))
        return;
    pb_map_put(known, key, h);
    pb_strv_addf(&h->sources, "%.*s", (int)(end - start - 10), start + 10);
    pb_strv_add(&h->types, type);
}

void *pb_rest_ahead(struct pb_crew *crew, const char *pack_dirs,
                    const struct pb_recorded_set *recorded)
{
    struct ahead *h = pb_calloc(1, sizeof(*h));
    PB_AUTO(map) struct pb_map known = PB_MAP_INIT;
    const struct pb_recorded *last = NULL;

    for (size_t i = 0; i < PARTS; i++) {
        struct part *p = &h->part[i];

        *p = (struct part){.of = h, .first = i, .arena = pb_arena_new()};
        p->job = (struct pb_crew_job){.run = i ? read_part : read_them, .ctx = p};
    }
    h->part[0].packs = pb_packs_new(h->part[0].arena, pack_dirs);
    for (size_t i = 0; i < recorded->n; i++) {
        const struct pb_recorded *r = &recorded->v[i];

        if (r->provider &&
            (!last || strcmp(last->type, r->type) != 0 || strcmp(last->provider, r->provider) != 0))
            add(h, &known, r->provider, r->type);
        last = r->provider ? r : last;
    }
    h->crew = crew;
    pb_crew_start(crew, &h->part[0].job);
    return h;
}

struct pb_packs *pb_rest_ahead_packs(void *ahead)
{
    struct ahead *h = ahead;

    for (size_t i = 0; !h->joined && i < PARTS; i++)
        pb_crew_wait(h->crew, &h->part[i].job);
    for (size_t i = 1; !h->joined && i < PARTS; i++)
        pb_packs_join(h->part[0].packs, h->part[i].packs);
    h->joined = true;
    return h->part[0].packs;
}

void pb_rest_ahead_end(void *ahead)
{
    struct ahead *h = ahead;

    if (!h)
        return;
    pb_rest_ahead_packs(h);
    pb_strv_release(&h->sources);
    pb_strv_release(&h->types);
    pb_arena_free(h->part[0].arena);
    free(h);
}
