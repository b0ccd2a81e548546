#include "backends/rest/ahead.h"

#include <stdlib.h>

#include "base/crew.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/strv.h"

struct ahead {
    struct pb_arena *arena;
    struct pb_packs *packs;
    struct pb_strv sources, types; /* pairs, each once */
    struct pb_crew *crew;
    struct pb_crew_job job;
};

static void read_them(void *ctx)
{
    struct ahead *h = ctx;
    const struct pb_pack *pack;

    for (size_t i = 0; i < h->types.n; i++)
        (void)pb_packs_find(&pack, h->packs, h->sources.v[i], h->types.v[i], NULL);
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

    h->arena = pb_arena_new();
    h->packs = pb_packs_new(h->arena, pack_dirs);
    for (size_t i = 0; i < recorded->n; i++) {
        const struct pb_recorded *r = &recorded->v[i];

        if (r->provider &&
            (!last || strcmp(last->type, r->type) != 0 || strcmp(last->provider, r->provider) != 0))
            add(h, &known, r->provider, r->type);
        last = r->provider ? r : last;
    }
    h->crew = crew;
    h->job = (struct pb_crew_job){.run = read_them, .ctx = h};
    pb_crew_start(crew, &h->job);
    return h;
}

struct pb_packs *pb_rest_ahead_packs(void *ahead)
{
    struct ahead *h = ahead;

    pb_crew_wait(h->crew, &h->job);
    return h->packs;
}

void pb_rest_ahead_end(void *ahead)
{
    struct ahead *h = ahead;

    if (!h)
        return;
    pb_rest_ahead_packs(h);
    pb_strv_release(&h->sources);
    pb_strv_release(&h->types);
    pb_arena_free(h->arena);
    free(h);
}
