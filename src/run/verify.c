#include "run/verify.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Of arrays whose elements begin with their address. */
static int by_address(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const struct pb_applied_change *change_at(const struct pb_applied_change *v, size_t n,
                                                 const char *address)
{
    return n ? bsearch(&address, v, n, sizeof(*v), by_address) : NULL;
}

static bool removes(enum pb_action a)
{
    return a == PB_ACT_DELETE || a == PB_ACT_FORGET;
}

/* ---- declared ------------------------------------------------------------------------------- */

/* What was not known when it was planned, from the state. A list with something unknown in it may
 * be a set, whose items have no place: it is taken whole. */
static struct pb_value settled(struct pb_arena *a, const struct pb_value *planned,
                               const struct pb_value *after)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value out;

    if (!pb_has_unknown(planned))
        return *planned;
    if (planned->kind != PB_MAP || !pb_is(after, PB_MAP)) {
        out = after ? *after : pb_null;
        out.flags |= planned->flags & PB_V_SENSITIVE;
        return out;
    }
    for (size_t i = 0; i < planned->n; i++) {
        const char *key = planned->members[i].key;

        pb_map_add(&m, key, settled(a, &planned->members[i].value, pb_get(after, key)));
    }
    out = pb_map_done(&m, a);
    out.flags |= planned->flags;
    return out;
}

static void settle(struct pb_declared *d, struct pb_arena *a, const struct pb_recorded *r)
{
    if (r->attributes && d->planned)
        d->planned = pb_box(a, settled(a, d->planned, r->attributes));
    d->prior = r->attributes;
    d->action = PB_ACT_NONE;
    d->previous_address = NULL;
    d->importing = false;
    d->replace_paths = NULL;
}

void pb_verify_declared(struct pb_declared_set *out, struct pb_arena *a,
                        const struct pb_declared_set *planned, const struct pb_recorded_set *after,
                        const struct pb_applied_change *changes, size_t n)
{
    struct pb_declared *v = pb_arena_zalloc(a, (planned->n + 1) * sizeof(*v));
    size_t k = 0;

    for (size_t i = 0; i < planned->n; i++) {
        const struct pb_declared *d = &planned->v[i];
        const struct pb_applied_change *c = change_at(changes, n, d->address);
        const struct pb_recorded *r = pb_recorded_find(after, d->address);

        if (removes(d->action) && !r)
            continue;
        v[k] = *d;
        if (c && c->state == PB_APPLIED_DONE && r && !removes(d->action))
            settle(&v[k], a, r);
        k++;
    }
    *out = *planned;
    out->v = v;
    out->n = k;
}

/* ---- what to look at ------------------------------------------------------------------------ */

void pb_verify_touched(struct pb_recorded_set *out, struct pb_arena *a,
                       const struct pb_recorded_set *before, const struct pb_recorded_set *after,
                       const struct pb_applied_change *changes, size_t n)
{
    struct pb_recorded *v = pb_arena_zalloc(a, (n + 1) * sizeof(*v));
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        const struct pb_applied_change *c = &changes[i];
        const struct pb_recorded *r = pb_recorded_find(after, c->address);

        if (!r && c->action == PB_ACT_DELETE)
            r = pb_recorded_find(before, c->address);
        if (r && c->state != PB_APPLIED_NOT_STARTED)
            v[k++] = *r;
    }
    qsort(v, k, sizeof(*v), by_address);
    *out = *after;
    out->v = v;
    out->n = k;
}

struct pb_live_set pb_verify_merge(struct pb_arena *a, const struct pb_live_set *base,
                                   const struct pb_live_set *seen)
{
    struct pb_live *v = pb_arena_zalloc(a, (base->n + seen->n + 1) * sizeof(*v));
    size_t n = 0, i = 0, k = 0;

    while (i < base->n || k < seen->n) {
        int cmp = i == base->n   ? 1
                  : k == seen->n ? -1
                                 : strcmp(base->v[i].address, seen->v[k].address);

        v[n++] = cmp < 0 ? base->v[i] : seen->v[k];
        i += cmp <= 0;
        k += cmp >= 0;
    }
    return (struct pb_live_set){v, n};
}

/* ---- judging -------------------------------------------------------------------------------- */

static const struct pb_resource_result *result_at(const struct pb_reconcile_out *out,
                                                  const char *address)
{
    return out->n ? bsearch(&address, out->v, out->n, sizeof(*out->v), by_address) : NULL;
}

static const char *first_of(struct pb_arena *a, const struct pb_resource_result *r)
{
    for (size_t i = 0; i < r->nattrs; i++)
        if (r->attrs[i].verdict == r->verdict)
            return pb_arena_printf(a, "'%s' is %s", r->attrs[i].path,
                                   pb_verdict_name(r->attrs[i].verdict));
    return r->reason;
}

static void judge_present(struct pb_applied_change *c, struct pb_arena *a,
                          const struct pb_resource_result *r)
{
    if (!r) {
        c->verified = PB_TRI_UNKNOWN;
        c->reason = "no state has it after the apply";
        return;
    }
    c->verdict = r->verdict;
    if (pb_verdicts[r->verdict].effect == PB_EFFECT_INCONCLUSIVE) {
        c->verified = PB_TRI_UNKNOWN;
        c->reason = r->reason ? r->reason : first_of(a, r);
    } else if (pb_verdicts[r->verdict].effect == PB_EFFECT_DIFFERENCE &&
               r->verdict != PB_COMPUTED) {
        c->verified = PB_TRI_NO;
        c->reason = first_of(a, r);
    } else if (r->unlooked) {
        c->verified = PB_TRI_UNKNOWN;
        c->reason = pb_arena_printf(a, "nobody looked at what Git sets: %s", r->unlooked);
    } else {
        c->verified = PB_TRI_YES;
    }
}

static void judge_removed(struct pb_applied_change *c, const struct pb_reconcile_out *out,
                          const struct pb_live_set *seen)
{
    const struct pb_live *l = pb_live_find(seen, c->address);

    c->verdict = PB_IN_SYNC;
    if (result_at(out, c->address) || (l && l->presence == PB_P_KNOWN)) {
        c->verified = PB_TRI_NO;
        c->verdict = PB_UNMANAGED;
        c->reason = "it is still there";
    } else if (!l || l->presence != PB_P_ABSENT) {
        c->verified = PB_TRI_UNKNOWN;
        c->verdict = PB_UNOBSERVED;
        c->reason = l && l->reason ? l->reason : "nobody could see whether it is gone";
    } else {
        c->verified = PB_TRI_YES;
    }
}

static enum pb_tri worse(enum pb_tri a, enum pb_tri b)
{
    if (a == PB_TRI_NO || b == PB_TRI_NO)
        return PB_TRI_NO;
    return a == PB_TRI_UNKNOWN || b == PB_TRI_UNKNOWN ? PB_TRI_UNKNOWN : PB_TRI_YES;
}

enum pb_tri pb_verify_judge(struct pb_applied_change *changes, size_t n, struct pb_arena *a,
                            const struct pb_reconcile_out *out, const struct pb_live_set *seen)
{
    enum pb_tri all = PB_TRI_YES;

    for (size_t i = 0; i < n; i++) {
        struct pb_applied_change *c = &changes[i];

        c->reason = NULL;
        c->verified = PB_TRI_YES;
        if (c->state != PB_APPLIED_DONE) {
            c->verified = c->state == PB_APPLIED_NOT_STARTED ? PB_TRI_NO : PB_TRI_UNKNOWN;
            c->reason = c->state == PB_APPLIED_NOT_STARTED ? "it was not started"
                                                           : "it did not come to its end";
        } else if (c->action == PB_ACT_DELETE) {
            judge_removed(c, out, seen);
        } else if (c->action != PB_ACT_FORGET) {
            judge_present(c, a, result_at(out, c->address));
        }
        all = worse(all, c->verified);
    }
    return all;
}

/* ---- moved meanwhile ------------------------------------------------------------------------ */

static bool counts(const struct pb_attr_result *at)
{
    return at->verdict != PB_IN_SYNC && at->verdict != PB_COMPUTED && at->verdict != PB_UNCHECKED;
}

static const struct pb_attr_result *attr_at(const struct pb_resource_result *r, const char *path)
{
    for (size_t i = 0; i < r->nattrs; i++)
        if (strcmp(r->attrs[i].path, path) == 0)
            return &r->attrs[i];
    return NULL;
}

static bool same_value(const struct pb_value *a, const struct pb_value *b)
{
    if (pb_is_nullish(a) || pb_is_nullish(b))
        return pb_is_nullish(a) && pb_is_nullish(b);
    return (pb_is(a, PB_UNKNOWN) && pb_is(b, PB_UNKNOWN)) || pb_value_equal(a, b);
}

/* Whether all that `a` says of the live side, `b` says too. */
static bool within(const struct pb_resource_result *a, const struct pb_resource_result *b)
{
    for (size_t i = 0; i < a->nattrs; i++) {
        const struct pb_attr_result *x = &a->attrs[i], *y;

        if (!counts(x))
            continue;
        y = attr_at(b, x->path);
        if (!y || y->verdict != x->verdict || !same_value(x->live, y->live))
            return false;
    }
    return true;
}

const char *pb_verify_moved(const struct pb_reconcile_out *then, const struct pb_reconcile_out *now,
                            const struct pb_applied_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct pb_resource_result *a = result_at(then, changes[i].address);
        const struct pb_resource_result *b = result_at(now, changes[i].address);

        if (!a != !b || (a && (a->verdict != b->verdict || !within(a, b) || !within(b, a))))
            return changes[i].address;
    }
    return NULL;
}
