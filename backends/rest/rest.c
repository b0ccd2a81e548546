#include "backends/rest/rest.h"

#include "backends/rest/engine.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/* The source of a configuration's key: provider["registry.terraform.io/hashicorp/aws"].west,
 * with a module in front when it is configured in one. */
static const char *source_of(struct pb_arena *a, const struct pb_observe_request *rq,
                             const char *key)
{
    for (size_t i = 0; i < rq->nproviders; i++)
        if (pb_streq(rq->providers[i].key, key) && rq->providers[i].source)
            return rq->providers[i].source;
    const char *start = key ? strstr(key, "provider[\"") : NULL;
    if (!start)
        return NULL;
    start += strlen("provider[\"");
    return pb_arena_strndup(a, start, strcspn(start, "\""));
}

static void count_type(struct context *c, const char *type)
{
    size_t *n = pb_map_get(&c->counts, type);
    if (!n) {
        n = pb_arena_zalloc(c->run->a, sizeof(*n));
        pb_map_put(&c->counts, type, n);
    }
    ++*n;
}

static int prepare(struct res *r, struct run *run, const struct pb_recorded *rec,
                   struct pb_err *err)
{
    const char *source = source_of(run->a, run->rq, rec->provider);
    r->run = run;
    r->rec = rec;
    if (!source) {
        r->problem = "the provider configuration is not known";
        return 0;
    }
    if (pb_packs_find(&r->pack, run->packs, source, rec->type, err) == -1)
        return -1;
    if (!r->pack) {
        r->problem = pb_arena_printf(run->a, "no pack covers '%s'", rec->type);
        return 0;
    }
    r->ctx = context_for(run, rec->provider, r->pack->provider);
    r->steps = pb_arena_zalloc(run->a, r->pack->nsteps * sizeof(*r->steps));
    r->lets = pb_arena_zalloc(run->a, (r->pack->nlets + 1) * sizeof(*r->lets));
    r->problem = r->ctx->problem;
    if (!r->problem && (!rec->id || !*rec->id))
        r->problem = "the record has no id";
    count_type(r->ctx, rec->type);
    return 0;
}

static int observe(struct pb_live *out, struct pb_arena *a, struct run *run, struct pb_err *err)
{
    for (size_t i = 0; i < run->nres; i++)
        if (prepare(&run->res[i], run, run->rq->resources[i], err) == -1)
            return -1;
    for (size_t i = 0; i < run->nres; i++)
        res_start(&run->res[i]);
    batch_flush(run);
    if (run->transport->run(run->transport->ctx, err) == -1)
        return -1;
    for (size_t i = 0; i < run->nres; i++)
        res_finish(&out[i], a, &run->res[i]);
    return 0;
}

static void release(struct run *run)
{
    for (struct fetch *f = run->all; f; f = f->next)
        fetch_release(f);
    for (struct chunk *ch = run->unsent; ch; ch = ch->next)
        free(ch->waiters);
    for (size_t i = 0; i < run->batches.n; i++) {
        struct batch *b = run->batches.e[i].value;
        pb_map_release(&b->where);
    }
    for (size_t i = 0; i < run->ncontexts; i++)
        context_release(run->contexts[i]);
    free(run->contexts);
    pb_map_release(&run->fetches);
    pb_map_release(&run->batches);
    pb_arena_free(run->a);
}

int pb_rest_observe(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                    const struct pb_observe_request *rq, const struct pb_rest_transport *transport,
                    struct pb_err *err)
{
    int64_t start = pb_clock_ms();
    struct run run = {.a = pb_arena_new(), .rq = rq, .transport = transport, .nres = rq->n};
    run.packs = pb_packs_new(run.a, rq->pack_dirs);
    run.res = pb_arena_zalloc(run.a, (rq->n + 1) * sizeof(*run.res));
    int rc = observe(out, a, &run, err);
    if (stats) {
        struct pb_http_stats s = {0};
        transport->stats(transport->ctx, &s);
        *stats = (struct pb_observe_stats){.requests = s.requests,
                                           .retries = s.retries,
                                           .failed = s.failed,
                                           .bytes = s.bytes,
                                           .elapsed_ms = (long)(pb_clock_ms() - start)};
    }
    release(&run);
    return rc;
}

static int http_submit(void *ctx, const struct pb_http_rq *rq)
{
    return pb_http_submit(ctx, rq);
}

static int http_run(void *ctx, struct pb_err *err)
{
    return pb_http_run(ctx, err);
}

static void http_stats(void *ctx, struct pb_http_stats *out)
{
    pb_http_stats(ctx, out);
}

static int rest_observe(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                        const struct pb_observe_request *rq, struct pb_err *err)
{
    struct pb_http_limits limits;
    pb_http_limits_default(&limits);
    if (rq->concurrency > 0)
        limits.concurrency = rq->concurrency;
    if (rq->timeout_ms > 0)
        limits.total_ms = rq->timeout_ms;
    struct pb_http *h = pb_http_new(&limits, err);
    if (!h)
        return -1;
    struct pb_rest_transport t = {http_submit, http_run, http_stats, h};
    int rc = pb_rest_observe(out, stats, a, rq, &t, err);
    pb_http_free(h);
    return rc;
}

static bool rest_covers(const struct pb_observe_request *rq, const char *provider_source,
                        const char *type)
{
    return pb_packs_covers(rq->pack_dirs, provider_source, type);
}

const struct pb_observer pb_rest = {
    .name = "rest",
    .covers = rest_covers,
    .observe = rest_observe,
};
