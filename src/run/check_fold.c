/* What a module brings is found in each unit that calls it, and told once. */
#include "run/check_internal.h"

#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* One finding, and the units that have it. */
struct shared {
    const struct pb_check_finding *first;
    const char **units;
    size_t n, cap;
    size_t last;      /* the index of the unit that had it last */
    size_t resources; /* of all of them */
};

struct fold {
    struct pb_map by_key; /* place in v + 1 */
    struct shared *v;
    size_t n, cap;
};

/* All that is said of it but for how many resources it is about. The lengths keep texts apart. */
static void add_key(struct pb_buf *b, const struct pb_check_finding *f)
{
    const char *const texts[] = {f->code, f->severity, f->message, f->address, f->file};

    for (size_t i = 0; i < PB_COUNT(texts); i++)
        if (texts[i])
            pb_buf_addf(b, "%zu:%s,", strlen(texts[i]), texts[i]);
        else
            pb_buf_adds(b, "-,");
    pb_buf_addf(b, "%u,%u,%d", f->line, f->last_line, f->file_of_base);
}

/* NULL: it is not there, and not to be added. */
static struct shared *find(struct fold *all, const struct pb_check_finding *f, bool anew)
{
    PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
    size_t at;

    add_key(&key, f);
    at = (size_t)(uintptr_t)pb_map_get(&all->by_key, key.s);
    if (!at && anew) {
        all->v = pb_grow(all->v, &all->cap, all->n + 1, sizeof(*all->v));
        all->v[all->n++] = (struct shared){.first = f};
        at = all->n;
        pb_map_put(&all->by_key, key.s, (void *)(uintptr_t)at);
    }
    return at ? &all->v[at - 1] : NULL;
}

static void gather(struct fold *all, const struct pb_check *c, size_t unit)
{
    const struct pb_check_unit *u = &c->units[unit];

    for (size_t i = 0; i < u->findings.n; i++) {
        const struct pb_check_finding *f = &u->findings.v[i];
        struct shared *s = f->file ? find(all, f, true) : NULL;

        /* What is in no file is of its unit alone. */
        if (!s || (s->n && s->last == unit))
            continue;
        s->units = pb_grow(s->units, &s->cap, s->n + 1, sizeof(*s->units));
        s->units[s->n++] = u->name;
        s->last = unit;
        s->resources += f->resources;
    }
}

static void tell_once(struct pb_check *c, const struct shared *s)
{
    const char **names = pb_arena_zalloc(c->arena, (s->n + 1) * sizeof(*names));
    struct pb_check_finding one = *s->first;

    for (size_t i = 0; i < s->n; i++)
        names[i] = s->units[i];
    one.units = names;
    one.nunits = s->n;
    one.resources = s->resources;
    pb_check_add(&c->findings, c->arena, &one);
}

static void take_away(struct pb_check_findings *f, struct fold *all)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->n; i++) {
        const struct shared *s = find(all, &f->v[i], false);

        if (!s || s->n < 2)
            f->v[kept++] = f->v[i];
    }
    f->n = kept;
}

void pb_check_fold(struct pb_check *c)
{
    struct fold all = {.by_key = PB_MAP_INIT};

    for (size_t i = 0; i < c->nunits; i++)
        gather(&all, c, i);
    for (size_t i = 0; i < all.n; i++)
        if (all.v[i].n > 1)
            tell_once(c, &all.v[i]);
    for (size_t i = 0; i < c->nunits; i++)
        take_away(&c->units[i].findings, &all);
    for (size_t i = 0; i < all.n; i++)
        free(all.v[i].units);
    free(all.v);
    pb_map_release(&all.by_key);
}
