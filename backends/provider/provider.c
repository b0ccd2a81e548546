/* The observer: resources are grouped by provider configuration, a provider is started for
 * each, and one loop looks after all of them. */
#include "backends/backend.h"

#include <stdlib.h>
#include <string.h>

#include "backends/provider/examine.h"
#include "backends/provider/session.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { TICK_MS = 100 };

static const char builtin[] = "terraform.io/builtin/";

/* The source between the quotes of provider["registry.terraform.io/hashicorp/aws"].west. */
static const char *source_of(struct pb_arena *a, const char *key)
{
    const char *from = key ? strstr(key, "provider[\"") : NULL;

    if (!from)
        return NULL;
    from += strlen("provider[\"");
    return pb_arena_strndup(a, from, strcspn(from, "\""));
}

static bool covers(const struct pb_observe_request *rq, const char *source, const char *type)
{
    (void)rq;
    (void)type;
    return source && *source && !pb_starts_with(source, builtin);
}

/* ---- sessions --------------------------------------------------------------------------- */

static const struct pb_provider_config *config_of(const struct pb_observe_request *rq,
                                                  const char *key)
{
    for (size_t i = 0; key && i < rq->nproviders; i++)
        if (strcmp(rq->providers[i].key, key) == 0)
            return &rq->providers[i];
    return NULL;
}

/* Two configurations that say the same can share a process. */
static bool can_share(const struct pb_session *s, const struct pb_provider_config *c)
{
    return s->config && c && pb_streq(s->source, c->source) && pb_streq(s->version, c->version) &&
           s->config->values && c->values && pb_value_equal(s->config->values, c->values);
}

static struct pb_session *session_for(struct pb_run *run, const struct pb_recorded *r)
{
    const struct pb_provider_config *c = config_of(run->rq, r->provider);
    const char *key = r->provider ? r->provider : "", *slash;
    struct pb_session *s;

    for (size_t i = 0; i < run->nsessions; i++)
        if (strcmp(run->sessions[i].key, key) == 0 || can_share(&run->sessions[i], c))
            return &run->sessions[i];
    s = &run->sessions[run->nsessions++];
    *s = (struct pb_session){.run = run, .key = key, .config = c, .window = PB_SESSION_WINDOW};
    s->source = c && c->source ? c->source : source_of(run->arena, key);
    s->source = s->source ? s->source : "";
    s->version = c ? c->version : NULL;
    slash = strrchr(s->source, '/');
    s->name = slash ? slash + 1 : s->source;
    return s;
}

static void add_target(struct pb_run *run, const struct pb_recorded *r, struct pb_live *out)
{
    struct pb_session *s = session_for(run, r);

    *out = (struct pb_live){
        .address = r->address, .observer = pb_provider.name, .presence = PB_P_UNKNOWN};
    s->targets = pb_grow(s->targets, &s->cap, s->ntargets + 1, sizeof(*s->targets));
    s->targets[s->ntargets++] = (struct pb_target){.session = s,
                                                   .rec = r,
                                                   .out = out,
                                                   .state = PB_BUF_INIT,
                                                   .identity = PB_BUF_INIT,
                                                   .notes = PB_BUF_INIT};
}

/* ---- the loop --------------------------------------------------------------------------- */

static bool running(const struct pb_session *s)
{
    return s->phase != PB_SESSION_WAITING && s->phase != PB_SESSION_DONE;
}

static size_t start_some(struct pb_run *run)
{
    size_t n = 0;

    for (size_t i = 0; i < run->nsessions; i++)
        n += running(&run->sessions[i]);
    for (size_t i = 0; i < run->nsessions && n < PB_SESSION_RUNNING; i++) {
        struct pb_session *s = &run->sessions[i];

        if (s->phase != PB_SESSION_WAITING)
            continue;
        pb_session_start(s);
        n += running(s);
    }
    return n;
}

static void wait_for_any(const struct pb_run *run)
{
    struct pollfd fds[3 * PB_SESSION_RUNNING];
    int64_t now = pb_clock_ms(), until = now + TICK_MS;
    int n = 0;

    for (size_t i = 0; i < run->nsessions; i++) {
        const struct pb_session *s = &run->sessions[i];
        int64_t at;

        if (!running(s))
            continue;
        n += pb_client_fds(s->client, fds + n);
        at = pb_client_deadline(s->client);
        until = at < until ? at : until;
    }
    poll(fds, (nfds_t)n, until > now ? (int)(until - now) : 0);
}

static int look_after(struct pb_run *run, struct pb_err *err)
{
    while (start_some(run)) {
        if (pb_cancel_check(err))
            return -1;
        wait_for_any(run);
        for (size_t i = 0; i < run->nsessions; i++)
            if (running(&run->sessions[i]))
                pb_session_step(&run->sessions[i]);
    }
    return pb_cancel_check(err);
}

/* Providers have taken "forbidden" for "gone": one that finds nothing at all proves nothing. */
static void doubt_absence(const struct pb_session *s)
{
    for (size_t i = 0; i < s->ntargets; i++)
        if (s->targets[i].out->presence == PB_P_KNOWN)
            return;
    for (size_t i = 0; i < s->ntargets; i++) {
        struct pb_live *l = s->targets[i].out;

        if (l->presence != PB_P_ABSENT)
            continue;
        l->presence = PB_P_UNKNOWN;
        l->reason =
            "the provider says that it does not exist, and found nothing else with the same "
            "settings either: that may be another account or a lack of permission";
    }
}

/* Answers come in any order; reports have one. */
static int by_place(const void *x, const void *y)
{
    const struct pb_diag *a = x, *b = y;
    int c = strcmp(a->address ? a->address : "", b->address ? b->address : "");

    return c ? c : strcmp(a->message, b->message);
}

static int observe(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                   const struct pb_observe_request *rq, struct pb_err *err)
{
    struct pb_observe_stats own = {0};
    int64_t start = pb_clock_ms();
    struct pb_run run = {.rq = rq, .arena = a, .stats = &own};
    size_t told = rq->diags ? rq->diags->n : 0;
    int rc;

    if (stats)
        run.stats = stats;
    *run.stats = (struct pb_observe_stats){0};
    run.deadline = start + (rq->timeout_ms > 0 ? rq->timeout_ms : PB_SESSION_TOTAL_MS);
    run.sessions = pb_calloc(rq->n + 1, sizeof(*run.sessions));
    for (size_t i = 0; i < rq->n; i++)
        add_target(&run, rq->resources[i], &out[i]);
    rc = look_after(&run, err);
    for (size_t i = 0; i < run.nsessions; i++) {
        doubt_absence(&run.sessions[i]);
        pb_session_release(&run.sessions[i]);
    }
    if (rq->diags && rq->diags->n > told)
        qsort(rq->diags->v + told, rq->diags->n - told, sizeof(*rq->diags->v), by_place);
    free(run.sessions);
    pb_map_release(&run.said);
    run.stats->elapsed_ms = (long)(pb_clock_ms() - start);
    return rc;
}

const struct pb_observer pb_provider = {
    .name = "provider",
    .confirms = true,
    .covers = covers,
    .observe = observe,
    .examine = pb_provider_examine,
};
