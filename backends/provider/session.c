#include "backends/provider/session.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backends/provider/convert.h"
#include "backends/provider/msgpack.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

/* For providers that look at it; nothing of ours depends on it. */
static const char default_version[] = "1.9.0";

long pb_session_time(const struct pb_session *s, long at_most)
{
    int64_t left = s->run->deadline - pb_clock_ms();

    return left < 1 ? 1 : left < at_most ? (long)left : at_most;
}

static void stop(struct pb_session *s)
{
    if (s->client) {
        struct pb_rpc_stats st = pb_client_stats(s->client);

        s->run->stats->requests += st.calls;
        s->run->stats->bytes += st.received;
    }
    pb_client_end(s->client);
    s->client = NULL;
    if (s->dir)
        (void)pb_fs_remove_tree(s->dir, NULL);
    s->phase = PB_SESSION_DONE;
}

void pb_session_fail(struct pb_session *s, const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_plugin_site *site = s->run->rq->plugins;
    va_list ap;

    if (s->phase == PB_SESSION_DONE)
        return;
    va_start(ap, fmt);
    pb_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    pb_plugin_redact(&text, s->config ? s->config->values : NULL);
    pb_plugin_redact_env(&text, site ? site->env : NULL);
    if (text.len > PB_SESSION_REASON_MAX)
        pb_buf_truncate(&text, PB_SESSION_REASON_MAX);
    s->problem = pb_arena_strdup(s->run->arena, text.s);
    for (size_t i = 0; s->phase < PB_SESSION_READING && i < s->ntargets; i++)
        s->targets[i].out->unusable = true;
    stop(s);
    pb_session_settle(s, s->problem);
}

void pb_session_release(struct pb_session *s)
{
    stop(s);
    for (size_t i = 0; i < s->ntargets; i++) {
        pb_buf_wipe(&s->targets[i].state);
        pb_buf_wipe(&s->targets[i].identity);
        pb_buf_wipe(&s->targets[i].notes);
    }
    free(s->targets);
    free(s->dir);
    pb_map_release(&s->types);
    pb_times_release(&s->times);
    pb_plugin_schemas_release(&s->schemas);
}

/* ---- starting --------------------------------------------------------------------------- */

static bool has_config(struct pb_session *s)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    const char *reason = NULL;

    if (!s->config) {
        pb_session_fail(s, "provider configuration '%s' is not in the configuration any more",
                        s->key);
        return false;
    }
    if (pb_find_unknown(&path, &reason, s->config->values)) {
        pb_session_fail(s,
                        "setting '%s' of provider '%s' is known only to Terraform%s%s%s: give it "
                        "under 'providers' in plumb.yaml",
                        path.s, s->name, reason ? " (" : "", reason ? reason : "",
                        reason ? ")" : "");
        return false;
    }
    return true;
}

static int make_dir(struct pb_session *s, struct pb_err *err)
{
    PB_AUTO(str)
    char *wish = pb_asprintf("%s/p%zu", s->run->rq->plugins->work, (size_t)(s - s->run->sessions));

    return pb_plugin_dir(&s->dir, wish, err);
}

void pb_session_start(struct pb_session *s)
{
    const struct pb_plugin_site *site = s->run->rq->plugins;
    struct pb_install_query q = {.source = s->source, .version = s->version};
    struct pb_plugin_spec spec = {.name = s->name};
    struct pb_err err = PB_ERR_INIT;

    if (!site) {
        pb_session_fail(s, "where providers are installed is not known");
        return;
    }
    if (!has_config(s))
        return;
    q.hashes = s->config->hashes;
    q.dirs = site->dirs;
    q.cache_dir = site->cache_dir;
    if (pb_install_find(&s->binary, s->run->arena, &q, &err) || make_dir(s, &err)) {
        pb_session_fail(s, "%s", err.msg);
        return;
    }
    spec.path = s->binary.path;
    spec.env = site->env;
    spec.dir = s->dir;
    spec.cwd = site->cwd;
    spec.handshake_ms = pb_session_time(s, PB_SESSION_HANDSHAKE_MS);
    if (pb_client_start(&s->client, &spec, &err)) {
        pb_session_fail(s, "%s", err.msg);
        return;
    }
    pb_session_sort(s);
    s->phase = PB_SESSION_STARTING;
}

/* ---- setting up ------------------------------------------------------------------------- */

/* What went wrong with the provider itself. */
static void broken(struct pb_session *s, const char *doing, const char *reason)
{
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;

    pb_client_problem(s->client, reason, &why);
    pb_session_fail(s, "provider '%s' %s: %s", s->name, doing, why.s);
}

static void on_configured(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_session *s = ctx;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    Tfplugin6__ConfigureProvider__Response *m;

    if (r->status != PB_GRPC_OK) {
        pb_buf_adds(&why, r->reason);
    } else {
        m = pb_proto_unpack(&tfplugin6__configure_provider__response__descriptor, a, r->msg, r->n,
                            &err);
        if (!m)
            pb_buf_adds(&why, err.msg);
        else if (!pb_plugin_errors(&why, m->diagnostics, m->n_diagnostics))
            pb_session_diagnostics(s, NULL, m->diagnostics, m->n_diagnostics);
    }
    if (why.len)
        s->problem = pb_arena_printf(s->run->arena, "does not take its settings: %s", why.s);
    else
        s->phase = PB_SESSION_READING;
}

static void configure(struct pb_session *s)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf config = PB_BUF_INIT;
    const struct pb_plugin_site *site = s->run->rq->plugins;
    Tfplugin6__ConfigureProvider__Request rq;
    Tfplugin6__DynamicValue dv;
    const struct pb_schema *schema;
    struct pb_err err = PB_ERR_INIT;
    struct pb_value v;

    if (pb_plugin_schema_of(&schema, a, &s->schemas, NULL, &err)) {
        s->problem = pb_arena_printf(s->run->arena, "cannot be used: %s", err.msg);
        return;
    }
    v = pb_convert(a, s->config->values ? s->config->values : &pb_empty_map, schema->root);
    if (pb_msgpack_encode(&config, a, &v, schema->root, &err)) {
        s->problem = pb_arena_printf(s->run->arena, "cannot be given its settings: %s", err.msg);
        return;
    }
    tfplugin6__configure_provider__request__init(&rq);
    tfplugin6__dynamic_value__init(&dv);
    dv.msgpack = pb_proto_bytes(config.s, config.len);
    rq.config = &dv;
    rq.terraform_version = pb_arena_strdup(
        a, site->tool_version && *site->tool_version ? site->tool_version : default_version);
    s->phase = PB_SESSION_CONFIGURING;
    pb_client_call(s->client, PB_CALL_CONFIGURE, &rq.base, pb_session_time(s, PB_SESSION_SETUP_MS),
                   on_configured, s);
    pb_wipe(config.s, config.len);
}

/* Field 4 of the answer: the rest of it is too large to be unpacked for its errors. */
static bool schema_errors(struct pb_buf *why, struct pb_arena *a, const struct pb_rpc_reply *r)
{
    struct pb_proto_walk w = {r->msg, r->n};
    Tfplugin6__Diagnostic *d[PB_DIAG_SHOWN + 1];
    struct pb_proto_item f;
    size_t n = 0;

    while (n < PB_COUNT(d) && pb_proto_field(&w, &f) == 1)
        if (f.number == 4 && f.p &&
            (d[n] = pb_proto_unpack(&tfplugin6__diagnostic__descriptor, a, f.p, f.n, NULL)))
            n++;
    return pb_plugin_errors(why, d, n);
}

static void on_schema(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_session *s = ctx;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    if (r->status != PB_GRPC_OK)
        pb_buf_adds(&why, r->reason);
    else if (!schema_errors(&why, a, r) &&
             pb_plugin_schemas_take(&s->schemas, pb_client_protocol(s->client), r->msg, r->n, &err))
        pb_buf_adds(&why, err.msg);
    if (why.len) {
        s->problem = pb_arena_printf(s->run->arena, "does not say what its types are: %s", why.s);
        return;
    }
    pb_plugin_schemas_store(&s->schemas, s->run->rq->plugins->cache_dir, s->binary.sha256);
    configure(s);
}

static void learn(struct pb_session *s)
{
    Tfplugin6__GetProviderSchema__Request rq;
    const char *cache = s->run->rq->plugins->cache_dir;

    if (pb_plugin_schemas_load(&s->schemas, cache, s->binary.sha256) &&
        s->schemas.protocol == pb_client_protocol(s->client)) {
        configure(s);
        return;
    }
    pb_plugin_schemas_release(&s->schemas);
    s->schemas.raw = (struct pb_buf){NULL, 0, 0, 0};
    tfplugin6__get_provider_schema__request__init(&rq);
    s->phase = PB_SESSION_LEARNING;
    pb_client_call(s->client, PB_CALL_SCHEMA, &rq.base, pb_session_time(s, PB_SESSION_SETUP_MS),
                   on_schema, s);
}

/* ---- the loop --------------------------------------------------------------------------- */

void pb_session_step(struct pb_session *s)
{
    enum pb_client_state state;

    pb_client_work(s->client);
    state = pb_client_state(s->client);
    if (state == PB_CLIENT_LOST) {
        broken(s, s->phase >= PB_SESSION_READING ? "failed" : "cannot be used", NULL);
        return;
    }
    if (state == PB_CLIENT_READY && s->phase == PB_SESSION_STARTING)
        learn(s);
    if (s->problem) {
        pb_session_fail(s, "provider '%s' %s", s->name, s->problem);
        return;
    }
    if (s->phase == PB_SESSION_READING) {
        pb_session_read_more(s);
        if (s->answered == s->ntargets) {
            pb_times_store(&s->times, s->run->rq->plugins->cache_dir, s->binary.sha256);
            s->phase = PB_SESSION_COMPARING;
        }
    }
    if (s->phase == PB_SESSION_COMPARING && !pb_session_compare_more(s)) {
        stop(s);
        return;
    }
    if (pb_clock_ms() >= s->run->deadline)
        pb_session_fail(s, "it was not read in the time that there was for all of them");
}
