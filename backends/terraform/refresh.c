/* The last resort of observing: what Terraform's own refresh sees. */
#include "backends/terraform/terraform.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

enum { REFRESH_MS = 900000 };

static bool covers(const struct pb_observe_request *rq, const char *source, const char *type)
{
    (void)type;
    return rq->unit && source && *source && !pb_starts_with(source, "terraform.io/builtin/");
}

/* What the plan calls it by now; the state may still have another address. */
static const struct pb_declared *planned(const struct pb_declared_set *d, const char *address)
{
    const struct pb_declared *found = pb_declared_find(d, address);

    for (size_t i = 0; !found && i < d->n; i++)
        if (pb_streq(d->v[i].previous_address, address))
            found = &d->v[i];
    return found;
}

static void answer(struct pb_live *out, const struct pb_recorded *r,
                   const struct pb_declared_set *d)
{
    const struct pb_declared *p = planned(d, r->address);

    *out = (struct pb_live){.address = r->address, .observer = pb_terraform_refresh.name};
    if (p && !pb_is_nullish(p->prior)) {
        out->presence = PB_P_KNOWN;
        out->attributes = p->prior;
    } else if (p && p->action == PB_ACT_CREATE) {
        out->presence = PB_P_ABSENT;
        out->reason = "terraform's refresh does not find it";
    } else {
        out->reason = "terraform's plan does not speak of it";
    }
}

static void failed(struct pb_live *out, const struct pb_observe_request *rq, const char *why)
{
    for (size_t i = 0; i < rq->n; i++)
        out[i] = (struct pb_live){.address = rq->resources[i]->address,
                                  .observer = pb_terraform_refresh.name,
                                  .reason = why};
}

/* Providers have taken "forbidden" for "gone": where one finds nothing at all, nothing is
 * proved. */
static void doubt(struct pb_live *out, const struct pb_observe_request *rq,
                  const struct pb_declared_set *d)
{
    PB_AUTO(map) struct pb_map finds = PB_MAP_INIT;

    for (size_t i = 0; rq->recorded && i < rq->recorded->n; i++) {
        const struct pb_recorded *r = &rq->recorded->v[i];
        const struct pb_declared *p = r->provider ? planned(d, r->address) : NULL;

        if (p && !pb_is_nullish(p->prior))
            pb_map_put(&finds, r->provider, &finds);
    }
    for (size_t i = 0; i < rq->n; i++) {
        const char *provider = rq->resources[i]->provider;

        if (out[i].presence != PB_P_ABSENT || (provider && pb_map_has(&finds, provider)))
            continue;
        out[i].presence = PB_P_UNKNOWN;
        out[i].reason = "terraform's refresh does not find it, and finds nothing else of the same "
                        "provider either: that may be a lack of permission";
    }
}

static int observe(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                   const struct pb_observe_request *rq, struct pb_err *err)
{
    struct pb_unit_ctx u = *rq->unit;
    struct pb_tf_planning p = {.arena = a, .u = &u, .recorded = rq->recorded};
    struct pb_err why = PB_ERR_INIT;
    int rc = 0;

    u.refresh = true;
    u.timeout_ms = rq->timeout_ms > 0 ? rq->timeout_ms : REFRESH_MS;
    memset(stats, 0, sizeof(*stats));
    if (pb_tf_plan_unit(&p, &why) == 0) {
        for (size_t i = 0; i < rq->n; i++)
            answer(&out[i], rq->resources[i], &p.plan.declared);
        doubt(out, rq, &p.plan.declared);
    } else if (why.cls == PB_E_INTERRUPTED) {
        rc = pb_fail(err, why.cls, "%s", why.msg);
    } else {
        failed(out, rq, pb_arena_strdup(a, why.msg));
    }
    pb_tf_planning_release(&p);
    return rc;
}

const struct pb_observer pb_terraform_refresh = {
    .name = "terraform",
    .confirms = true,
    .last_resort = true,
    .covers = covers,
    .observe = observe,
};
