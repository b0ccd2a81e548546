/* What the targets of the command line leave: all sides alike, so that nothing looks as if it
 * were not there. */
#include "run/session.h"

#include "base/map.h"
#include "model/path.h"

static bool wanted(const struct pb_session *j, const char *address)
{
    char *const *t = j->s->options->targets;

    if (!t)
        return true;
    for (; *t; t++)
        if (pb_addr_within(address, *t))
            return true;
    return false;
}

/* What moves is wanted under both its addresses, on all sides. */
static bool wanted_declared(const struct pb_session *j, const struct pb_declared *d)
{
    return wanted(j, d->address) || (d->previous_address && wanted(j, d->previous_address));
}

static bool wanted_recorded(const struct pb_session *j, const char *address)
{
    return wanted(j, address) || pb_map_has(&j->renamed, address);
}

static void find_renamed(struct pb_session *j)
{
    const struct pb_declared_set *d = &j->u->declared.declared;

    for (size_t i = 0; j->s->options->targets && i < d->n; i++)
        if (d->v[i].previous_address && wanted(j, d->v[i].address))
            pb_map_put(&j->renamed, d->v[i].previous_address, j);
}

void pb_narrow_recorded(struct pb_session *j)
{
    struct pb_recorded_set *r = &j->u->recorded;
    struct pb_recorded *v = pb_arena_zalloc(j->u->arena, (r->n + 1) * sizeof(*v));
    size_t n = 0;

    find_renamed(j);
    for (size_t i = 0; i < r->n; i++)
        if (wanted_recorded(j, r->v[i].address))
            v[n++] = r->v[i];
    r->v = v;
    r->n = n;
    j->u->narrowed = j->s->options->targets != NULL;
}

void pb_narrow_declared(struct pb_session *j)
{
    struct pb_declared_set *d = &j->u->declared.declared;
    struct pb_declared *v = pb_arena_zalloc(j->u->arena, (d->n + 1) * sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; i < d->n; i++)
        if (wanted_declared(j, &d->v[i]))
            v[n++] = d->v[i];
    d->v = v;
    d->n = n;
}

void pb_narrow_live(struct pb_session *j)
{
    struct pb_live_set *l = &j->u->live;
    struct pb_live *v = pb_arena_zalloc(j->u->arena, (l->n + 1) * sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (wanted_recorded(j, l->v[i].address))
            v[n++] = l->v[i];
    *l = (struct pb_live_set){v, n};
}
