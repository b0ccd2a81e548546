/* Provisioners and actions: when they run, and whether a commit has them. */
#include "run/gate_internal.h"

#include "git/tree.h"

static bool runs(const struct pb_side_effect *e, enum pb_action action)
{
    if (e->invoked)
        return true;
    switch (action) {
    case PB_ACT_CREATE: return e->on_create;
    case PB_ACT_DELETE: return e->on_destroy;
    case PB_ACT_REPLACE:
    case PB_ACT_UNKNOWN: return true;
    case PB_ACT_NONE:
    case PB_ACT_READ:
    case PB_ACT_UPDATE:
    case PB_ACT_FORGET: break;
    }
    return false;
}

static enum pb_gate_origin origin_of(const struct pb_gate_history *h,
                                     const struct pb_side_effect *e)
{
    char id[PB_OID_HEX];

    if (!e->file || pb_tree_id(id, h->audit->repo, h->audit->commit, e->file, NULL) < 0)
        return PB_ORIGIN_NONE;
    return h->last &&
                   pb_blame_has(h->blame, h->last, h->audit->commit, e->file, e->line, e->last_line)
               ? PB_ORIGIN_VERIFIED
               : PB_ORIGIN_COMMITTED;
}

const struct pb_gate_effect *pb_gate_effects(size_t *n, const struct pb_gate_history *h,
                                             const struct pb_side_effect *v, size_t nv,
                                             enum pb_action action)
{
    struct pb_arena *a = h->u->arena;
    struct pb_gate_effect *out = pb_arena_zalloc(a, (nv + 1) * sizeof(*out));

    *n = 0;
    for (size_t i = 0; i < nv; i++) {
        if (!runs(&v[i], action))
            continue;
        out[*n] = (struct pb_gate_effect){.what = v[i].what, .origin = origin_of(h, &v[i])};
        if (out[*n].origin != PB_ORIGIN_NONE) /* else it is a place that is gone by now */
            out[*n].where =
                v[i].line ? pb_arena_printf(a, "%s:%u", v[i].file, v[i].line) : v[i].file;
        (*n)++;
    }
    return out;
}
