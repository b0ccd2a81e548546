#include "reconcile/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/path.h"
#include "reconcile/ignore.h"
#include "reconcile/owner.h"
#include "reconcile/presence.h"
#include "reconcile/walk.h"

/* Parsed policies and the like pile up; beyond this the scratch arena starts anew. */
enum { SCRATCH_MAX = 4 * 1024 * 1024 };

struct run {
    struct pb_arena *arena;
    const struct pb_reconcile_in *in;
    struct pb_reconcile_out *out;
    struct pb_walk walk;
    struct pb_map moved; /* previous address -> its pb_declared */
    struct pb_resource_result *v;
    size_t n, cap;
    size_t d, r, l; /* how far the three arrays are merged */
};

/* Everything there is under one address. */
struct group {
    const char *address;
    const struct pb_declared *declared;
    const struct pb_recorded *recorded; /* the current object, not a deposed one */
    const struct pb_live *live;
    const struct pb_live *baseline;
};

#define CHECK_ORDER(set, what)                                        \
    for (size_t i = 1; (set) && i < (set)->n; i++)                    \
        if (strcmp((set)->v[i - 1].address, (set)->v[i].address) > 0) \
            BUG(what " are not sorted by address");

static void check_order(const struct pb_reconcile_in *in)
{
    CHECK_ORDER(in->declared, "declared resources")
    CHECK_ORDER(in->recorded, "recorded resources")
    CHECK_ORDER(in->live, "live resources")
    CHECK_ORDER(in->baseline, "baseline resources")
}

static enum pb_looked looked_of(const struct pb_live *live)
{
    if (!live)
        return PB_LOOK_NONE;
    if (live->presence == PB_P_ABSENT)
        return PB_LOOK_ABSENT;
    return live->presence == PB_P_KNOWN && live->attributes ? PB_LOOK_KNOWN : PB_LOOK_UNKNOWN;
}

/* After a schema upgrade the state still has the old shape; the plan saw it upgraded. */
static const struct pb_value *recorded_attributes(const struct group *g,
                                                  const struct pb_schema *schema)
{
    if (g->declared && g->declared->prior && schema &&
        g->recorded->schema_version < schema->version)
        return g->declared->prior;
    return g->recorded->attributes;
}

static void walk_attributes(struct run *run, const struct group *g, struct pb_resource_result *res,
                            enum pb_looked looked)
{
    const struct pb_live *base = g->baseline;
    struct pb_walk *w = &run->walk;

    w->address = g->address;
    w->provider = g->recorded ? g->recorded->provider : g->declared ? g->declared->provider : NULL;
    w->schema = pb_schema_find(run->in->schemas, res->type);
    w->echoes = pb_echo_of(run->in->echoes, res->type);
    w->declared = g->declared;
    w->d = g->declared ? g->declared->planned : NULL;
    w->r = recorded_attributes(g, w->schema);
    w->l = looked == PB_LOOK_KNOWN ? g->live->attributes : NULL;
    w->b = base && base->presence == PB_P_KNOWN ? base->attributes : NULL;
    w->silent = !w->d;
    w->unobserved = looked != PB_LOOK_KNOWN;
    w->why_unobserved = res->reason;
    w->unseeable = g->live ? g->live->unseeable : NULL;
    pb_walk_resource(w);
    if (w->unlooked.len)
        res->unlooked = pb_arena_strdup(run->arena, w->unlooked.s);
    res->attrs_total = w->total;
    run->out->echoes += w->echoed;
    res->attrs_observed = w->observed;
    res->nattrs = w->n;
    for (size_t i = 0; i < w->n; i++)
        res->nobodys |= w->v[i].nobodys;
    if (w->n) {
        struct pb_attr_result *attrs = pb_arena_alloc(run->arena, w->n * sizeof(*attrs));
        memcpy(attrs, w->v, w->n * sizeof(*attrs));
        res->attrs = attrs;
    }
}

static void worst_of(const struct run *run, struct pb_resource_result *res,
                     const struct pb_presence_answer *a)
{
    const struct pb_walk *w = &run->walk;

    if (!a->attributes || a->verdict == PB_UNOBSERVED)
        return;
    if (a->floor_if_quiet && (w->worst > PB_COMPUTED || (w->asked_ignored && !w->asked)))
        res->verdict = w->worst;
    else if (w->worst > res->verdict)
        res->verdict = w->worst;
    /* Present, and nothing of it was seen, or not all that Git sets: nothing is proved. */
    if (res->verdict == PB_IN_SYNC && w->total && !w->observed) {
        res->verdict = PB_UNCHECKED;
        res->reason = "it exists, and none of its attributes is observed";
    } else if (res->verdict == PB_IN_SYNC && res->unlooked) {
        res->verdict = PB_UNCHECKED;
        res->reason =
            pb_arena_printf(run->arena, "nobody looked at what Git sets: %s", res->unlooked);
    }
}

/* What is known to differ of a resource that could not be seen, or not all of it. */
static enum pb_verdict also_of(const struct pb_resource_result *res,
                               const struct pb_presence_answer *a, const struct pb_walk *w)
{
    bool walked = a->attributes;

    if (pb_verdicts[res->verdict].effect != PB_EFFECT_INCONCLUSIVE)
        return PB_IN_SYNC;
    if (walked && w->differs)
        return w->differs;
    if (walked && res->action == PB_ACT_UPDATE && w->asked_ignored && !w->asked)
        return PB_IN_SYNC; /* all that the update is about is ignored */
    return res->action == PB_ACT_NONE || res->action == PB_ACT_READ ? PB_IN_SYNC : PB_PENDING;
}

static void count(struct run *run, const struct pb_resource_result *res, bool expected,
                  enum pb_looked looked)
{
    struct pb_coverage *c = &run->out->coverage;

    if (expected) {
        c->resources_total++;
        c->resources_observed += looked == PB_LOOK_KNOWN || looked == PB_LOOK_ABSENT;
        c->attributes_total += res->attrs_total;
        c->attributes_observed += res->attrs_observed;
    }
    if (res->ignored)
        return;
    run->out->by_verdict[res->verdict]++;
    run->out->nobodys += res->nobodys;
    if (res->also)
        run->out->also[res->also]++;
}

static const char *type_of(struct run *run, const struct group *g)
{
    struct pb_buf module = PB_BUF_INIT;
    const char *from;

    if (g->recorded)
        return g->recorded->type;
    if (g->declared)
        return g->declared->type;
    pb_addr_module_of(&module, g->address);
    from = g->address + module.len + (module.len > 0);
    pb_buf_release(&module);
    return pb_arena_intern(run->arena, from, strcspn(from, "."));
}

static const char *ignored_by(const struct run *run, const char *address)
{
    const char *why = pb_ignore_resource(run->in->ignore, address);

    return why ? pb_arena_intern(run->arena, why, strlen(why)) : NULL;
}

static struct pb_resource_result *add_result(struct run *run)
{
    run->v = pb_grow(run->v, &run->cap, run->n + 1, sizeof(*run->v));
    memset(&run->v[run->n], 0, sizeof(*run->v));
    return &run->v[run->n++];
}

static void judge(struct run *run, const struct group *g)
{
    const struct pb_declared_set *declared = run->in->declared;
    enum pb_looked looked = looked_of(g->live);
    struct pb_presence_cell cell = {
        .declared = g->declared != NULL,
        .complete = declared && declared->complete,
        .action = g->declared ? g->declared->action : PB_ACT_NONE,
        .recorded = g->recorded != NULL,
        .live = looked,
        .tainted = g->recorded && g->recorded->tainted,
        .verified = g->baseline && g->baseline->presence == PB_P_KNOWN,
    };
    struct pb_presence_answer a = pb_presence(&cell);
    struct pb_resource_result *res;
    const char *why;

    if (a.none)
        return;
    res = add_result(run);
    res->address = g->address;
    res->type = type_of(run, g);
    res->id = g->recorded ? g->recorded->id : NULL;
    res->verdict = a.verdict;
    res->action = a.action;
    res->observer = g->live ? g->live->observer : NULL;
    res->reason = a.reason;
    if (!res->reason && g->live && looked != PB_LOOK_KNOWN)
        res->reason = g->live->reason;
    if (!res->reason && a.verdict == PB_UNOBSERVED)
        res->reason = "it could not be observed";
    if (g->recorded && strcmp(g->recorded->address, g->address) != 0)
        res->moved_from = g->recorded->address;
    if (g->declared && g->declared->previous_address && g->recorded && !res->reason) {
        res->reason = pb_arena_printf(run->arena, "moves from %s", g->declared->previous_address);
        res->verdict = res->verdict < PB_PENDING ? PB_PENDING : res->verdict;
    } else if (g->declared && g->declared->importing && !g->recorded) {
        res->reason = "an import block brings it into the state";
    }
    if (a.attributes) {
        walk_attributes(run, g, res, looked);
        worst_of(run, res, &a);
    }
    res->also = also_of(res, &a, &run->walk);
    why = ignored_by(run, g->address);
    if (why) {
        res->ignored = true;
        res->reason = why;
    } else if (a.attributes) {
        pb_ignored_join(&run->out->ignored, &run->walk.ignored);
    }
    count(run, res, g->recorded || !g->declared, looked);
}

static void judge_deposed(struct run *run, const struct pb_recorded *r)
{
    struct pb_presence_cell cell = {.recorded = true, .deposed = true};
    struct pb_presence_answer a = pb_presence(&cell);
    struct pb_resource_result *res = add_result(run);
    const char *why = ignored_by(run, r->address);

    res->address = pb_arena_printf(run->arena, "%s (deposed %s)", r->address, r->deposed);
    res->type = r->type;
    res->id = r->id;
    res->verdict = a.verdict;
    res->action = a.action;
    res->reason = why ? why : a.reason;
    res->ignored = why != NULL;
    count(run, res, false, PB_LOOK_NONE);
}

/* ---- merging the three sorted arrays --------------------------------------------------------- */

static const char *least(const char *a, const char *b)
{
    if (!a || !b)
        return a ? a : b;
    return strcmp(a, b) <= 0 ? a : b;
}

static const char *next_address(const struct run *run)
{
    const struct pb_reconcile_in *in = run->in;
    const char *at = NULL;

    if (in->declared && run->d < in->declared->n)
        at = in->declared->v[run->d].address;
    if (in->recorded && run->r < in->recorded->n)
        at = least(at, in->recorded->v[run->r].address);
    if (in->live && run->l < in->live->n)
        at = least(at, in->live->v[run->l].address);
    return at;
}

static bool at_declared(const struct run *run, const char *address)
{
    const struct pb_declared_set *s = run->in->declared;

    return s && run->d < s->n && strcmp(s->v[run->d].address, address) == 0;
}

static bool at_recorded(const struct run *run, const char *address)
{
    const struct pb_recorded_set *s = run->in->recorded;

    return s && run->r < s->n && strcmp(s->v[run->r].address, address) == 0;
}

static bool at_live(const struct run *run, const char *address)
{
    const struct pb_live_set *s = run->in->live;

    return s && run->l < s->n && strcmp(s->v[run->l].address, address) == 0;
}

/* Takes all that stands under the next address, and judges it. */
static void step(struct run *run, const char *address)
{
    const struct pb_reconcile_in *in = run->in;
    struct group g = {.address = address};
    size_t first_r = run->r;
    bool data = pb_addr_is_data(address);

    for (; at_declared(run, address); run->d++)
        /* Of two, the one that stays: the other speaks of a deposed object. */
        if (!g.declared || !g.declared->planned)
            g.declared = &in->declared->v[run->d];
    for (; at_recorded(run, address); run->r++)
        if (!in->recorded->v[run->r].deposed)
            g.recorded = &in->recorded->v[run->r];
    for (size_t i = 0; at_live(run, address); run->l++, i++) {
        const struct pb_recorded *of = first_r + i < run->r ? &in->recorded->v[first_r + i] : NULL;
        if (!g.live && (!of || of == g.recorded))
            g.live = &in->live->v[run->l];
    }
    if (data)
        return;
    g.baseline = pb_live_find(in->baseline, address);
    if (!g.baseline && g.declared && g.declared->previous_address)
        g.baseline = pb_live_find(in->baseline, g.declared->previous_address);
    if (g.declared && g.declared->previous_address && !g.recorded) {
        g.recorded = pb_recorded_find(in->recorded, g.declared->previous_address);
        if (!g.live)
            g.live = pb_live_find(in->live, g.declared->previous_address);
    }
    /* What moved away is reported at its new address. */
    if (g.declared || !pb_map_has(&run->moved, address))
        if (g.declared || g.recorded || g.live)
            judge(run, &g);
    for (size_t i = first_r; i < run->r; i++)
        if (in->recorded->v[i].deposed)
            judge_deposed(run, &in->recorded->v[i]);
}

static void find_moved(struct run *run)
{
    const struct pb_declared_set *s = run->in->declared;

    for (size_t i = 0; s && i < s->n; i++)
        if (s->v[i].previous_address)
            pb_map_put(&run->moved, s->v[i].previous_address, &run->moved);
}

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct pb_resource_result *)a)->address,
                  ((const struct pb_resource_result *)b)->address);
}

void pb_reconcile(struct pb_reconcile_out *out, struct pb_arena *a,
                  const struct pb_reconcile_in *in)
{
    struct run run = {.arena = a, .in = in, .out = out, .moved = PB_MAP_INIT};
    struct pb_arena *scratch = pb_arena_new();
    struct pb_resource_result *v;
    const char *address;

    memset(out, 0, sizeof(*out));
    check_order(in);
    find_moved(&run);
    run.walk.arena = a;
    run.walk.unlooked = (struct pb_buf)PB_BUF_INIT;
    run.walk.in = in;
    run.walk.cmp = (struct pb_compare){scratch, in->seal};
    run.walk.owners = pb_owners_new(in);
    while ((address = next_address(&run))) {
        step(&run, address);
        if (pb_arena_bytes(scratch) > SCRATCH_MAX) {
            pb_arena_free(scratch);
            scratch = pb_arena_new();
            run.walk.cmp.scratch = scratch;
        }
    }
    if (run.n) {
        /* " (deposed" sorts behind its address, but not always before the next one. */
        qsort(run.v, run.n, sizeof(*run.v), by_address);
        v = pb_arena_alloc(a, run.n * sizeof(*v));
        memcpy(v, run.v, run.n * sizeof(*v));
        out->v = v;
        out->n = run.n;
    }
    free(run.v);
    pb_map_release(&run.moved);
    pb_walk_release(&run.walk);
    pb_owners_free(run.walk.owners);
    pb_arena_free(scratch);
}
