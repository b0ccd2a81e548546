/* What was seen of a resource, once every reply is in. */
#include "backends/rest/absence.h"
#include "backends/rest/derive.h"
#include "backends/rest/engine.h"
#include "base/text.h"

static const char *arn_of(struct res *r)
{
    struct pb_eval ev;
    if (!r->pack->arn)
        return pb_get_str(r->rec->attributes, "arn");
    res_eval(&ev, r);
    struct pb_value v = pb_expr_eval(r->pack->arn, &ev);
    return pb_str(&v);
}

static bool seen(const struct res *r)
{
    return r->pack && !r->problem && r->steps[r->pack->identity].state == STEP_DONE;
}

/* Another object of the same service that was seen with the same credentials; one of the
 * same account when there is one. */
static void find_sibling(struct pb_absence *e, struct res *r)
{
    const struct run *run = r->run;
    for (size_t i = 0; i < run->nres; i++) {
        struct res *o = &run->res[i];
        const char *region = NULL, *account = NULL;
        if (o == r || !seen(o) || o->ctx != r->ctx || o->pack->service != r->pack->service)
            continue;
        pb_arn_parts(&region, &account, run->a, arn_of(o));
        e->sibling = true;
        e->sibling_account = account;
        if (!e->recorded_account || !*e->recorded_account || pb_streq(account, e->recorded_account))
            return;
    }
}

struct tally {
    const char *name;
    size_t n;
};

static void add_to(struct tally *v, size_t *n, size_t max, const char *name)
{
    size_t i = 0;
    if (!name || !*name)
        return;
    while (i < *n && strcmp(v[i].name, name) != 0)
        i++;
    if (i == *n && *n < max)
        v[(*n)++] = (struct tally){name, 0};
    if (i < *n)
        v[i].n++;
}

static const char *most(const struct tally *v, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (v[i].n > v[best].n)
            best = i;
    return n ? v[best].name : NULL;
}

/* What has no ARN of its own is of the account and region of its neighbours: those that were
 * recorded through the same provider configuration. */
static void weigh_neighbours(struct context *c)
{
    struct tally accounts[16], regions[16];
    size_t na = 0, nr = 0;
    const struct pb_recorded_set *all = c->run->rq->recorded;
    c->weighed = true;
    for (size_t i = 0; all && i < all->n; i++) {
        const char *region = NULL, *account = NULL;
        if (!pb_streq(all->v[i].provider, c->key))
            continue;
        pb_arn_parts(&region, &account, c->run->a, pb_get_str(all->v[i].attributes, "arn"));
        add_to(accounts, &na, PB_COUNT(accounts), account);
        add_to(regions, &nr, PB_COUNT(regions), region);
    }
    c->recorded_account = most(accounts, na);
    c->recorded_region = most(regions, nr);
}

static void decide_absence(struct pb_live *out, struct pb_arena *a, struct res *r)
{
    const struct pb_step *id = &r->pack->steps[r->pack->identity];
    struct context *c = r->ctx;
    struct pb_absence e = {
        .label = r->label,
        .code = r->code,
        .listed_twice = r->listed_twice,
        .others_listed = r->others_listed && pb_streq(id->unlisted, "listing"),
        .doubt = silence_doubt(r, r->pack->identity),
        .asked_region = c->region,
        .canary_ok = c->canary && c->canary->done && c->canary->kind == PB_REPLY_OK,
        .canary_account = c->account,
        .canary_reason = c->canary_reason,
    };
    if (id->witness >= 0 && r->steps[id->witness].state == STEP_DONE)
        e.witness = r->pack->steps[id->witness].name;
    if (id->witness >= 0 && r->steps[id->witness].state == STEP_GONE && !e.code)
        e.code = r->steps[id->witness].reason;
    pb_arn_parts(&e.recorded_region, &e.recorded_account, a, arn_of(r));
    if (!c->weighed)
        weigh_neighbours(c);
    if (!e.recorded_account || !*e.recorded_account)
        e.recorded_account = c->recorded_account;
    if (!e.recorded_region) /* an ARN without a region is of a service that has none */
        e.recorded_region = c->recorded_region;
    find_sibling(&e, r);
    out->presence = pb_absence_decide(&e, a, &out->reason);
}

static const struct pb_value *derive(struct res *r, const char *const *doubts)
{
    struct pb_eval ev;
    res_eval(&ev, r);
    struct pb_value v = pb_derive(r->pack, &ev, doubts);
    return pb_box(r->run->out, pb_value_copy(r->run->out, &v));
}

void res_settled(struct res *r)
{
    bool account = !r->pack->uses_account || r->ctx->account;
    for (unsigned i = 0; i < r->pack->nsteps; i++)
        if (r->steps[i].state == STEP_WAITS || r->steps[i].state == STEP_SENT)
            return;
    if (account && !r->suspect && r->steps[r->pack->identity].state == STEP_DONE)
        r->derived = derive(r, NULL);
}

void res_finish(struct pb_live *out, struct res *r)
{
    struct pb_arena *a = r->run->out;
    *out = (struct pb_live){.address = r->rec->address, .observer = "rest"};
    if (r->problem) {
        out->reason = pb_arena_strdup(a, r->problem);
        return;
    }
    const struct step_run *id = &r->steps[r->pack->identity];
    const char *doubts[PB_MAX_STEPS] = {0};
    bool doubted = false;
    for (unsigned i = 0; i < r->pack->nsteps; i++) {
        doubts[i] = silence_doubt(r, i);
        doubted |= doubts[i] != NULL;
        r->garbled = doubts[i] ? doubts[i] : r->garbled;
    }
    out->garbled = r->garbled ? pb_arena_strdup(a, r->garbled) : NULL;
    if (r->suspect) {
        decide_absence(out, a, r);
        return;
    }
    if (id->state != STEP_DONE) {
        out->reason = pb_arena_strdup(a, id->reason ? id->reason : "there was no reply");
        return;
    }
    out->presence = PB_P_KNOWN;
    out->attributes = r->derived && !doubted ? r->derived : derive(r, doubts);
    out->unseeable = pb_arena_names(a, r->pack->unseeable);
}
