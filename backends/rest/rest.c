#include "backends/rest/rest.h"

#include <stdlib.h>

#include "backends/rest/ahead.h"
#include "backends/rest/engine.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/http_apart.h"

enum { CLOCK_FINE_S = 60, CLOCK_REFUSED_S = 300 };

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
                   const struct res *before, struct pb_err *err)
{
    const char *source = source_of(run->a, run->rq, rec->provider);
    r->run = run;
    r->rec = rec;
    if (!source) {
        r->problem = "the provider configuration is not known";
        return 0;
    }
    if (before && before->pack && pb_streq(before->rec->type, rec->type) &&
        pb_streq(before->rec->provider, rec->provider))
        r->pack = before->pack; /* looking for it asks the file system */
    else if (pb_packs_find(&r->pack, run->packs, source, rec->type, err) == -1)
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

static int observe(struct pb_live *out, struct run *run, struct pb_err *err)
{
    for (size_t i = 0; i < run->nres; i++)
        if (prepare(&run->res[i], run, run->rq->resources[i], i ? &run->res[i - 1] : NULL, err) ==
            -1)
            return -1;
    for (size_t i = 0; i < run->nres; i++)
        res_start(&run->res[i]);
    batch_flush(run);
    if (run->transport->run(run->transport->ctx, err) == -1)
        return -1;
    silence_weigh(run);
    for (size_t i = 0; i < run->nres; i++)
        res_finish(&out[i], &run->res[i]);
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
    pb_map_release(&run->ops);
    pb_arena_free(run->a);
}

int pb_rest_observe(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                    const struct pb_observe_request *rq, const struct pb_rest_transport *transport,
                    struct pb_err *err)
{
    int64_t start = pb_clock_ms();
    struct run run = {
        .a = pb_arena_new(), .out = a, .rq = rq, .transport = transport, .nres = rq->n};
    run.packs = rq->ahead ? pb_rest_ahead_packs(rq->ahead) : pb_packs_new(run.a, rq->pack_dirs);
    run.res = pb_arena_zalloc(run.a, (rq->n + 1) * sizeof(*run.res));
    int rc = observe(out, &run, err);
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

static void examine_one(struct pb_diags *out, struct pb_arena *a, struct context *c)
{
    const char *account = c->account ? c->account : "";
    if (c->problem)
        pb_diag_add(out, a, "error", "credentials", c->key, "%s", c->problem);
    else if (c->canary && c->canary->done && c->canary->kind == PB_REPLY_OK)
        pb_diag_add(out, a, "notice", "credentials", c->key, "they work%s%s%s%s",
                    *account ? ", account " : "", account, c->region ? ", region " : "",
                    c->region ? c->region : "");
    else
        pb_diag_add(out, a, "warning", "credentials", c->key, "%s",
                    c->canary_reason ? c->canary_reason : "there was no answer");
}

/* Signatures carry the time; most services refuse one that is five minutes off. */
static void examine_clock(struct pb_diags *out, struct pb_arena *a, const struct context *c)
{
    long ahead = c->told ? (long)(c->asked - c->told) : 0;
    long off = labs(ahead);
    if (!c->told)
        return;
    if (off <= CLOCK_FINE_S)
        pb_diag_add(out, a, "notice", "clock", c->key, "agrees with the API's");
    else
        pb_diag_add(out, a, off < CLOCK_REFUSED_S ? "warning" : "error", "clock", c->key,
                    "this machine's is %ld s %s the API's", off, ahead > 0 ? "ahead of" : "behind");
}

/* One cheap read with each provider configuration that packs know. */
void pb_rest_examine(struct pb_diags *out, struct pb_arena *a, const struct pb_observe_request *rq,
                     const struct pb_rest_transport *transport)
{
    struct run run = {.a = pb_arena_new(), .rq = rq, .transport = transport};
    struct pb_err err = PB_ERR_INIT;
    run.packs = pb_packs_new(run.a, rq->pack_dirs);
    size_t good = pb_packs_check(run.packs, out);
    pb_diag_add(out, a, "notice", "packs", NULL, "%zu are valid", good);
    for (size_t i = 0; i < rq->nproviders; i++) {
        const struct pb_pack_provider *p = NULL;
        if (pb_packs_provider(&p, run.packs, rq->providers[i].source, &err) == -1 || !p)
            continue;
        struct context *c = context_for(&run, rq->providers[i].key, p);
        if (!c->problem)
            context_ask_canary(c);
    }
    if (transport->run(transport->ctx, &err) == -1)
        pb_diag_add(out, a, "warning", "credentials", NULL, "%s", err.msg);
    for (size_t i = 0; i < run.ncontexts; i++)
        examine_one(out, a, run.contexts[i]);
    for (size_t i = 0; i < run.ncontexts; i++)
        examine_clock(out, a, run.contexts[i]);
    for (size_t i = 0; i < out->n; i++) /* messages may be of the run's arena */
        out->v[i] = (struct pb_diag){
            pb_arena_strdup(a, out->v[i].severity), pb_arena_strdup(a, out->v[i].code),
            pb_arena_strdup(a, out->v[i].message),
            out->v[i].address ? pb_arena_strdup(a, out->v[i].address) : NULL};
    release(&run);
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

static int apart_submit(void *ctx, const struct pb_http_rq *rq)
{
    return pb_http_apart_submit(ctx, rq);
}

static int apart_run(void *ctx, struct pb_err *err)
{
    int rc = pb_http_apart_run(ctx, err);
    pb_http_apart_close(ctx);
    return rc;
}

static void apart_stats(void *ctx, struct pb_http_stats *out)
{
    pb_http_apart_stats(ctx, out);
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
    struct pb_http_apart *h = pb_http_apart_new(&limits, err);
    if (!h)
        return -1;
    struct pb_rest_transport t = {apart_submit, apart_run, apart_stats, h};
    int rc = pb_rest_observe(out, stats, a, rq, &t, err);
    pb_http_apart_free(h);
    return rc;
}

static void rest_examine(struct pb_diags *out, struct pb_arena *a,
                         const struct pb_observe_request *rq)
{
    struct pb_http_limits limits;
    struct pb_err err = PB_ERR_INIT;
    pb_http_limits_default(&limits);
    limits.tries = 2;
    limits.total_ms = rq->timeout_ms > 0 ? rq->timeout_ms : 15000;
    struct pb_http *h = pb_http_new(&limits, &err);
    if (!h) {
        pb_diag_add(out, a, "error", "http", NULL, "%s", err.msg);
        return;
    }
    struct pb_rest_transport t = {http_submit, http_run, http_stats, h};
    pb_rest_examine(out, a, rq, &t);
    pb_http_free(h);
}

static bool rest_covers(const struct pb_observe_request *rq, const char *provider_source,
                        const char *type)
{
    const struct pb_pack *pack = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (!rq->ahead)
        return pb_packs_covers(rq->pack_dirs, provider_source, type);
    /* A broken one covers its type: observing says what is wrong with it. */
    return pb_packs_find(&pack, pb_rest_ahead_packs(rq->ahead), provider_source, type, &err) ==
               -1 ||
           pack;
}

const struct pb_observer pb_rest = {
    .name = "rest",
    .covers = rest_covers,
    .observe = rest_observe,
    .ahead = pb_rest_ahead,
    .ahead_end = pb_rest_ahead_end,
    .examine = rest_examine,
};
