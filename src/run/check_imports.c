/* An import of what the state has already, under an address that the same change lets go of, is a
 * move, whatever it is written as: what was recorded of it and changed outside counts. */
#include "run/check_internal.h"

#include "base/text.h"

#include <string.h>

/* What is forgotten and is the object of that type and id; d->n: nothing is. */
static size_t let_go(const struct pb_declared_set *d, const struct pb_recorded_set *recorded,
                     const char *type, const char *id)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct pb_declared *f = &d->v[i];
        const struct pb_recorded *r;

        if (f->action != PB_ACT_FORGET || strcmp(f->type, type) != 0)
            continue;
        r = pb_recorded_find(recorded, f->previous_address ? f->previous_address : f->address);
        if (r && !r->deposed && pb_streq(r->id, id))
            return i;
    }
    return d->n;
}

static bool imports_anew(const struct pb_declared *m, const struct pb_declared_set *base)
{
    const struct pb_declared *b = m->importing ? pb_declared_find(base, m->address) : NULL;

    return m->importing && !m->previous_address && !(b && b->importing);
}

void pb_check_imports(struct pb_declared_set *merged, struct pb_arena *a,
                      const struct pb_declared_set *base, const struct pb_recorded_set *recorded)
{
    struct pb_declared *v = pb_arena_alloc(a, (merged->n + 1) * sizeof(*v));
    bool *gone = pb_arena_zalloc(a, merged->n + 1);
    size_t n = 0;

    for (size_t i = 0; i < merged->n; i++) {
        const struct pb_declared *m = v + i;
        const char *id;
        size_t at;

        v[i] = merged->v[i];
        id = imports_anew(m, base) ? pb_get_str(m->prior, "id") : NULL;
        at = id ? let_go(merged, recorded, m->type, id) : merged->n;
        if (at == merged->n || gone[at])
            continue;
        gone[at] = true;
        v[i].previous_address =
            merged->v[at].previous_address ? merged->v[at].previous_address : merged->v[at].address;
    }
    for (size_t i = 0; i < merged->n; i++)
        if (!gone[i])
            v[n++] = v[i];
    merged->v = v;
    merged->n = n;
}
