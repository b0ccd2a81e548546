#include "run/confirm.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { ENOUGH = 5 };

static const struct pb_resource_result *result_of(const struct pb_reconcile_out *o,
                                                  const char *address)
{
    size_t lo = 0, hi = o->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(o->v[mid].address, address);

        if (c == 0)
            return &o->v[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Observers know what moves by the address that the state has. */
static const struct pb_resource_result *result_of_live(const struct pb_reconcile_out *o,
                                                       const char *address)
{
    const struct pb_resource_result *r = result_of(o, address);

    for (size_t i = 0; !r && i < o->n; i++)
        if (pb_streq(o->v[i].moved_from, address))
            r = &o->v[i];
    return r;
}

/* Neither seen to be as recorded nor something that only an apply will change. */
static bool suspicious(const struct pb_resource_result *r)
{
    if (r->ignored)
        return false;
    if (r->unlooked) /* another observer may */
        return true;
    switch (r->verdict) {
    case PB_STALE_RECORD:
    case PB_CONVERGED:
    case PB_UNKNOWN_V:
    case PB_UNOBSERVED:
    case PB_LAUNDERED:
    case PB_DRIFTED:
    case PB_MISSING:
    case PB_CONFLICT: return true;
    default: return r->also != PB_IN_SYNC;
    }
}

static const char *provider_of(const struct pb_live_request *rq, const char *address)
{
    const struct pb_recorded *r = pb_recorded_find(rq->recorded, address);

    return r && r->provider ? r->provider : "";
}

/* A provider that finds nothing at all is not believed: where none that is asked for was seen, or
 * few are, one that is known to be there is asked for too. */
static void add_witnesses(bool *want, const struct pb_live_set *live,
                          const struct pb_reconcile_out *seen, const struct pb_live_request *rq)
{
    PB_AUTO(map) struct pb_map asked = PB_MAP_INIT, known = PB_MAP_INIT;

    for (size_t i = 0; i < live->n; i++) {
        const char *key = want[i] ? provider_of(rq, live->v[i].address) : "";

        if (want[i])
            pb_map_put(&asked, key, (void *)((uintptr_t)pb_map_get(&asked, key) + 1));
        if (want[i] && live->v[i].presence == PB_P_KNOWN)
            pb_map_put(&known, key, want);
    }
    for (size_t i = 0; i < live->n && asked.n; i++) {
        const struct pb_resource_result *r = result_of(seen, live->v[i].address);
        const char *key;
        uintptr_t n;

        if (want[i] || !r || r->verdict != PB_IN_SYNC || live->v[i].presence != PB_P_KNOWN ||
            pb_streq(live->v[i].observer, "none"))
            continue;
        key = provider_of(rq, live->v[i].address);
        n = (uintptr_t)pb_map_get(&asked, key);
        if (n && (n < ENOUGH || !pb_map_has(&known, key))) {
            want[i] = true;
            pb_map_put(&asked, key, (void *)(uintptr_t)ENOUGH);
            pb_map_put(&known, key, want);
        }
    }
}

static bool can_confirm(const struct pb_live_request *rq)
{
    for (size_t i = 0; !rq->observer && pb_observers[i]; i++)
        if (pb_observers[i]->confirms)
            return true;
    return false;
}

int pb_confirm(struct pb_confirmed *out, struct pb_live_set *live, struct pb_observe_stats *stats,
               struct pb_arena *a, const struct pb_reconcile_out *seen, bool cross_check,
               const struct pb_live_request *rq, struct pb_err *err)
{
    bool *want = pb_calloc(live->n + 1, sizeof(*want)), any = false;
    size_t *at = pb_calloc(live->n + 1, sizeof(*at)), n = 0;
    int rc = 0;

    *out = (struct pb_confirmed){.before = seen, .arena = a};
    for (size_t i = 0; i < live->n && can_confirm(rq); i++) {
        const struct pb_resource_result *r = result_of_live(seen, live->v[i].address);

        want[i] = r && !pb_streq(live->v[i].observer, "none") && (cross_check || suspicious(r));
        any |= want[i];
    }
    if (any)
        add_witnesses(want, live, seen, rq);
    out->addresses = pb_arena_zalloc(a, (live->n + 1) * sizeof(*out->addresses));
    for (size_t i = 0; any && i < live->n; i++) {
        if (!want[i])
            continue;
        at[n++] = i;
        out->addresses[out->n++] = result_of_live(seen, live->v[i].address)->address;
    }
    if (n)
        rc = pb_live_confirm(live, at, n, stats, a, rq, err);
    free(want);
    free(at);
    return rc;
}

static const char *first_path(const struct pb_resource_result *r)
{
    for (size_t i = 0; i < r->nattrs; i++)
        if (r->attrs[i].verdict == r->verdict)
            return r->attrs[i].path;
    return NULL;
}

/* What only one of them looks at, and what Git does not ask for, is no disagreement. */
static bool seen(const struct pb_resource_result *r)
{
    return r && r->verdict != PB_UNOBSERVED && r->verdict != PB_UNKNOWN_V;
}

static enum pb_verdict plain(enum pb_verdict v)
{
    return v == PB_COMPUTED || v == PB_UNCHECKED ? PB_IN_SYNC : v;
}

void pb_confirm_tell(const struct pb_confirmed *c, const struct pb_reconcile_out *after,
                     bool cross_check, struct pb_diags *diags)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct pb_resource_result *was = result_of(c->before, c->addresses[i]);
        const struct pb_resource_result *is = result_of(after, c->addresses[i]);
        const char *path;

        if (!seen(was) || !seen(is) || (was->verdict == PB_UNCHECKED && was->unlooked) ||
            plain(was->verdict) == plain(is->verdict) || pb_streq(was->observer, is->observer))
            continue;
        path = first_path(was->verdict > is->verdict ? was : is);
        pb_diag_add(diags, c->arena, cross_check ? "warning" : "notice", "observers-disagree",
                    c->addresses[i], "'%s' says %s and '%s' says %s%s%s%s: the latter counts",
                    was->observer ? was->observer : "?", pb_verdict_name(was->verdict),
                    is->observer ? is->observer : "?", pb_verdict_name(is->verdict),
                    path ? " ('" : "", path ? path : "", path ? "')" : "");
    }
}
