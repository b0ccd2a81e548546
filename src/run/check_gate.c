/* What base's rules say of the merged plan. */
#include "run/check_internal.h"

#include "base/text.h"
#include "run/gate_internal.h"

#include <string.h>

static bool overwrites(void *ctx, const char *address)
{
    const struct pb_check_resource *r = pb_check_resource_at(ctx, address);

    return r && r->class == PB_CHECK_COLLIDES;
}

static bool touches(void *ctx, const char *address)
{
    const struct pb_check_resource *r = pb_check_resource_at(ctx, address);

    return r && r->touched;
}

static void attach(struct pb_check_unit *cu)
{
    for (size_t i = 0; i < cu->gate.out.n; i++) {
        const struct pb_gate_verdict *v = &cu->gate.out.v[i];
        const struct pb_check_resource *found = pb_check_resource_at(cu, v->change->address);
        /* The list was made for this unit a moment ago; only what reads it sees it as constant. */
        struct pb_check_resource *r = (struct pb_check_resource *)(uintptr_t)found;

        if (!r)
            continue;
        r->gate = v;
        r->by = cu->gate.by[i]->commit ? cu->gate.by[i] : NULL;
        r->guarded = v->guarded;
    }
}

static bool has_code(const struct pb_gate_out *o, const char *code)
{
    for (size_t i = 0; i < o->nrefusals; i++)
        if (strcmp(o->refusals[i].code, code) == 0)
            return true;
    return false;
}

/* Which of them base's own plan has as well. */
static int take_refusals(struct pb_checking *k, struct pb_check_unit *cu, struct pb_err *err)
{
    const struct pb_gate_out *o = &cu->gate.out;
    struct pb_check_refusal *v = pb_arena_zalloc(cu->arena, (o->nrefusals + 1) * sizeof(*v));
    struct pb_gate_review review = {.base = cu->base};
    struct pb_unit_gate before = {0};

    if (o->nrefusals && cu->base &&
        pb_run_gate_review(&before, &k->check->audit, cu->base, &review, err) < 0)
        return -1;
    for (size_t i = 0; i < o->nrefusals; i++)
        v[i] = (struct pb_check_refusal){.code = o->refusals[i].code,
                                         .what = o->refusals[i].what,
                                         .remedy = o->refusals[i].remedy,
                                         .before = has_code(&before.out, o->refusals[i].code)};
    cu->refusals = v;
    cu->nrefusals = o->nrefusals;
    return 0;
}

/* ---- what a removed unit leaves ------------------------------------------------------------- */

enum { NAMED = 5 };

static bool is_guarded(const struct pb_gate_policy *p, const char *address)
{
    for (size_t i = 0; i < p->nguards; i++)
        if (pb_match_address(&p->guards[i].address, address) != 0)
            return true;
    return false;
}

/* Their number; the first of them are named in `names`. */
static size_t name_guarded(struct pb_buf *names, const struct pb_gate_policy *p,
                           const struct pb_recorded_set *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->n; i++) {
        if (!is_guarded(p, set->v[i].address))
            continue;
        if (n++ < NAMED)
            pb_buf_addf(names, "%s'%s'", n > 1 ? ", " : "", set->v[i].address);
    }
    if (n > NAMED)
        pb_buf_addf(names, " and %zu more", n - NAMED);
    return n;
}

/* Nothing is deleted, but what is protected would be in nobody's care. */
static int look_at_orphans(struct pb_checking *k, struct pb_check_unit *cu, struct pb_err *err)
{
    const struct pb_config *c = &k->check->audit.config;
    PB_AUTO(buf) struct pb_buf names = PB_BUF_INIT;
    struct pb_ruleset rules = {0};
    struct pb_check_refusal *r;
    int rc = pb_ruleset_init(&rules, cu->arena, c->file, "", &c->gate, err);

    if (rc == 0)
        cu->guarded = name_guarded(&names, &rules.policy, &cu->base->recorded);
    pb_ruleset_release(&rules);
    if (rc < 0 || !cu->guarded)
        return rc;
    r = pb_arena_alloc(cu->arena, sizeof(*r));
    *r = (struct pb_check_refusal){
        .code = "protected-orphaned",
        .what = pb_arena_printf(cu->arena,
                                "the unit is removed, and its state has what base's "
                                "'gate.protected' names: %s",
                                names.s),
        .remedy = "keep the unit, move what is protected to another one first, or take it out of "
                  "'gate.protected' in a change before this one"};
    cu->refusals = r;
    cu->nrefusals = 1;
    return 0;
}

int pb_check_gate(struct pb_checking *k, struct pb_check_job *job, struct pb_err *err)
{
    struct pb_check_unit *cu = job->unit;
    struct pb_gate_review review = {
        .base = cu->base, .overwrites = overwrites, .touches = touches, .ctx = cu};

    if (cu->mode == PB_CHECK_REMOVED)
        return look_at_orphans(k, cu, err);
    if (!cu->merged || cu->mode == PB_CHECK_FAILED)
        return 0;
    if (pb_run_gate_review(&cu->gate, &k->check->then, cu->merged, &review, err) < 0 ||
        take_refusals(k, cu, err) < 0)
        return -1;
    attach(cu);
    return 0;
}
