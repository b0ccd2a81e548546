/* Reading one resource: its state is upgraded, what identifies it too, and then it is read. One
 * that no state knows is imported instead. */
#include "backends/provider/session.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/provider/msgpack.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { WINDOW_STEP = 5, SLOW_MS = 5000 };

static void answer(struct pb_target *t)
{
    if (t->answered)
        return;
    t->answered = true;
    t->session->answered++;
    if (t->doubtful)
        return; /* what was read is needed once more */
    pb_buf_wipe(&t->state);
    pb_buf_wipe(&t->identity);
    pb_buf_wipe(&t->notes);
}

static void unknown(struct pb_target *t, const char *doing, const char *why)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_plugin_site *site = t->session->run->rq->plugins;

    if (t->answered)
        return;
    pb_buf_addf(&text, "%s%s", doing, why);
    pb_plugin_redact(&text, t->rec->attributes);
    pb_plugin_redact(&text, t->session->config ? t->session->config->values : NULL);
    pb_plugin_redact_env(&text, site ? site->env : NULL);
    if (text.len > PB_SESSION_REASON_MAX)
        pb_buf_truncate(&text, PB_SESSION_REASON_MAX);
    t->out->presence = PB_P_UNKNOWN;
    t->out->reason = pb_arena_strdup(t->session->run->arena, text.s);
    t->session->run->stats->failed++;
    answer(t);
}

void pb_session_settle(struct pb_session *s, const char *reason)
{
    for (size_t i = 0; i < s->ntargets; i++)
        unknown(&s->targets[i], "", reason);
}

void pb_session_diagnostics(struct pb_session *s, const char *address,
                            Tfplugin6__Diagnostic *const *d, size_t n)
{
    struct pb_run *run = s->run;

    for (size_t i = 0; run->rq->diags && i < n && run->said.n < PB_SESSION_DIAGS_MAX; i++) {
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

        pb_plugin_diag_text(&text, d[i]);
        if (s->config)
            pb_plugin_redact(&text, s->config->values);
        pb_plugin_redact_env(&text, run->rq->plugins->env);
        if (text.len > PB_SESSION_REASON_MAX)
            pb_buf_truncate(&text, PB_SESSION_REASON_MAX);
        if (pb_map_has(&run->said, text.s))
            continue;
        pb_map_put(&run->said, text.s, run);
        pb_diag_add(run->rq->diags, run->arena, "notice", "provider-warning", address,
                    "provider '%s': %s", s->name, text.s);
    }
}

/* ---- what comes back -------------------------------------------------------------------- */

/* Null equals absent, and to this question an empty collection too. */
static bool is_nothing(const struct pb_value *v)
{
    return pb_is_nullish(v) || ((v->kind == PB_LIST || v->kind == PB_MAP) && !v->n);
}

bool pb_provider_same(const struct pb_value *a, const struct pb_value *b)
{
    if (is_nothing(a) || is_nothing(b))
        return is_nothing(a) && is_nothing(b);
    if (a->kind != b->kind)
        return false;
    if (a->kind == PB_LIST) {
        for (size_t i = 0; i < a->n; i++)
            if (i >= b->n || !pb_provider_same(&a->items[i], &b->items[i]))
                return false;
        return a->n == b->n;
    }
    if (a->kind != PB_MAP)
        return pb_value_equal(a, b);
    for (size_t i = 0; i < a->n; i++)
        if (!pb_provider_same(&a->members[i].value, pb_get(b, a->members[i].key)))
            return false;
    for (size_t i = 0; i < b->n; i++)
        if (!pb_get(a, b->members[i].key) && !is_nothing(&b->members[i].value))
            return false;
    return true;
}

/* A DynamicValue's bytes as a value; some providers answer in JSON. */
static int value_of(struct pb_value *out, const struct pb_target *t,
                    const Tfplugin6__DynamicValue *dv, struct pb_err *err)
{
    struct pb_arena *a = t->session->run->arena;
    const struct pb_value *v;

    if (dv && dv->msgpack.len)
        return pb_msgpack_decode(out, a, dv->msgpack.data, dv->msgpack.len, t->schema->root, err);
    if (!dv || !dv->json.len)
        return pb_fail(err, PB_E_INPUT, "the answer has no state in it");
    if (pb_json_parse(&v, a, (const char *)dv->json.data, dv->json.len, "the provider's answer",
                      err))
        return -1;
    *out = *v;
    return 0;
}

/* More at once as long as that does not make each slower: twice as many, until it has once. */
static void pace(struct pb_session *s, double slowness)
{
    int more = s->slowed ? WINDOW_STEP : s->window;

    if (s->run->rq->concurrency > 0 || slowness <= 0)
        return;
    s->slowness = s->slowness > 0 ? s->slowness * 0.8 + slowness * 0.2 : slowness;
    if (++s->since_change < s->window)
        return;
    s->since_change = 0;
    if (s->slowness < 1.5) {
        s->window += more;
    } else {
        s->slowed = true;
        s->window -= WINDOW_STEP;
    }
    s->window = s->window > PB_SESSION_WINDOW_MAX ? PB_SESSION_WINDOW_MAX : s->window;
    s->window = s->window < PB_SESSION_WINDOW ? PB_SESSION_WINDOW : s->window;
}

static void progress(const struct pb_run *run)
{
    const struct pb_progress *p = run->rq->progress;
    size_t done = 0;

    for (size_t i = 0; i < run->nsessions; i++)
        done += run->sessions[i].answered;
    if (p && p->report)
        p->report(p->ctx, "reading through providers", done, run->rq->n);
}

/* True when there is a message; takes care of everything else. */
static bool received(struct pb_target *t, const char *doing, const struct pb_rpc_reply *r)
{
    t->session->under_way--;
    if (r->status == PB_GRPC_OK)
        return true;
    /* When the provider is gone its end is the better reason, and it is told to all of them. */
    if (r->status != PB_GRPC_UNAVAILABLE || pb_client_state(t->session->client) == PB_CLIENT_READY)
        unknown(t, doing, r->reason);
    return false;
}

/* The message itself; NULL when that is the end of this target: it is then told why. */
static void *message(struct pb_target *t, const char *doing, struct pb_arena *a,
                     const ProtobufCMessageDescriptor *d, const struct pb_rpc_reply *r)
{
    struct pb_err err = PB_ERR_INIT;
    void *m;

    if (!received(t, doing, r))
        return NULL;
    m = pb_proto_unpack(d, a, r->msg, r->n, &err);
    if (!m)
        unknown(t, doing, err.msg);
    return m;
}

void *pb_session_answer(struct pb_target *t, struct pb_arena *a,
                        const ProtobufCMessageDescriptor *d, const struct pb_rpc_reply *r)
{
    t->session->under_way--;
    return r->status == PB_GRPC_OK ? pb_proto_unpack(d, a, r->msg, r->n, NULL) : NULL;
}

static const char reading[] = "the provider could not read it: ";
static const char upgrading[] = "the provider could not take what is recorded: ";

/* Keeps what was read where the provider is to say whether it is a difference. */
static void doubt(struct pb_target *t, const Tfplugin6__ReadResource__Response *m)
{
    t->doubtful = m->new_state->msgpack.len && pb_session_is_doubtful(t);
    if (!t->doubtful)
        return;
    pb_buf_clear(&t->state);
    pb_buf_add(&t->state, m->new_state->msgpack.data, m->new_state->msgpack.len);
    pb_buf_clear(&t->notes);
    if (m->private_.len)
        pb_buf_add(&t->notes, m->private_.data, m->private_.len);
}

/* Providers wait by themselves for what they take to be on its way: for what was deleted, most of
 * all. One of each type is enough. */
static void tell_slow(struct pb_target *t, int64_t ms)
{
    struct pb_run *run = t->session->run;
    PB_AUTO(str) char *key = pb_asprintf("slow %s", t->rec->type);

    if (ms < SLOW_MS || !run->rq->diags || pb_map_has(&run->said, key))
        return;
    pb_map_put(&run->said, key, run);
    pb_diag_add(run->rq->diags, run->arena, "notice", "slow-read", t->rec->address,
                "provider '%s' took %lld s to read this, and may take as long for others of its "
                "type: providers wait by themselves for what may be on its way",
                t->session->name, (long long)(ms / 1000));
}

static void on_read(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_target *t = ctx;
    struct pb_session *s = t->session;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    Tfplugin6__ReadResource__Response *m;
    int64_t took = pb_clock_ms() - t->asked;
    struct pb_value v;

    pace(s, pb_times_add(&s->times, s->run->arena, t->rec->type, took));
    tell_slow(t, took);
    if (!received(t, reading, r))
        return;
    m = pb_proto_unpack(&tfplugin6__read_resource__response__descriptor, a, r->msg, r->n, &err);
    if (!m) {
        unknown(t, reading, err.msg);
    } else if (pb_plugin_errors(&why, m->diagnostics, m->n_diagnostics)) {
        unknown(t, reading, why.s);
    } else if (m->deferred) {
        unknown(t, reading, "it is put off until something else is known");
    } else if (value_of(&v, t, m->new_state, &err)) {
        unknown(t, reading, err.msg);
    } else if (v.kind == PB_NULL) {
        t->out->presence = PB_P_ABSENT;
        t->out->reason = "the provider says that it does not exist";
    } else if (v.kind != PB_MAP) {
        unknown(t, reading, "what it answers is no object");
    } else {
        t->out->presence = PB_P_KNOWN;
        t->out->attributes = pb_box(s->run->arena, v);
        doubt(t, m);
    }
    if (m)
        pb_session_diagnostics(s, t->rec->address, m->diagnostics, m->n_diagnostics);
    answer(t);
    progress(s->run);
}

/* ---- what is sent ----------------------------------------------------------------------- */

void pb_session_ask(struct pb_target *t, enum pb_call call, const ProtobufCMessage *m,
                    void (*done)(void *ctx, const struct pb_rpc_reply *r))
{
    t->session->under_way++;
    pb_client_call(t->session->client, call, m, pb_session_time(t->session, PB_SESSION_CALL_MS),
                   done, t);
}

static void add_base64(struct pb_buf *out, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    unsigned char *raw;
    int len;

    if (!n || n % 4 || n > (size_t)1 << 24)
        return;
    raw = pb_malloc(n);
    len = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)n);
    /* It counts the padding as bytes. */
    if (len > 0)
        pb_buf_add(out, raw, (size_t)len - (text[n - 1] == '=') - (n > 1 && text[n - 2] == '='));
    free(raw);
}

static void read_it(struct pb_target *t)
{
    Tfplugin6__ReadResource__Request rq;
    Tfplugin6__DynamicValue state, identity;
    Tfplugin6__ResourceIdentityData id;
    char type[256];

    tfplugin6__read_resource__request__init(&rq);
    tfplugin6__dynamic_value__init(&state);
    tfplugin6__dynamic_value__init(&identity);
    tfplugin6__resource_identity_data__init(&id);
    snprintf(type, sizeof(type), "%s", t->rec->type);
    rq.type_name = type;
    state.msgpack = pb_proto_bytes(t->state.s, t->state.len);
    rq.current_state = &state;
    rq.private_ = pb_proto_bytes(t->notes.s, t->notes.len);
    if (t->identity.len) {
        identity.msgpack = pb_proto_bytes(t->identity.s, t->identity.len);
        id.identity_data = &identity;
        rq.current_identity = &id;
    }
    t->asked = pb_clock_ms();
    pb_session_ask(t, PB_CALL_READ, &rq.base, on_read);
}

/* A provider that does not take an identity still reads by the state. */
static void on_identity(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_target *t = ctx;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    const Tfplugin6__UpgradeResourceIdentity__Response *m;
    const Tfplugin6__DynamicValue *dv;

    if (r->status == PB_GRPC_UNAVAILABLE) {
        received(t, reading, r);
        return;
    }
    m = pb_session_answer(t, a, &tfplugin6__upgrade_resource_identity__response__descriptor, r);
    dv = m && m->upgraded_identity ? m->upgraded_identity->identity_data : NULL;
    if (dv && dv->msgpack.len && !pb_plugin_errors(&why, m->diagnostics, m->n_diagnostics))
        pb_buf_add(&t->identity, dv->msgpack.data, dv->msgpack.len);
    read_it(t);
}

static void upgrade_identity(struct pb_target *t)
{
    PB_AUTO(buf) struct pb_buf json = PB_BUF_INIT;
    Tfplugin6__UpgradeResourceIdentity__Request rq;
    Tfplugin6__RawState raw;
    char type[256];

    tfplugin6__upgrade_resource_identity__request__init(&rq);
    tfplugin6__raw_state__init(&raw);
    snprintf(type, sizeof(type), "%s", t->rec->type);
    pb_json_add(&json, t->rec->identity);
    raw.json = pb_proto_bytes(json.s, json.len);
    rq.type_name = type;
    rq.version = t->rec->identity_version;
    rq.raw_identity = &raw;
    pb_session_ask(t, PB_CALL_UPGRADE_IDENTITY, &rq.base, on_identity);
}

static void on_upgraded(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_target *t = ctx;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    const Tfplugin6__UpgradeResourceState__Response *m;
    struct pb_value v;

    m = message(t, upgrading, a, &tfplugin6__upgrade_resource_state__response__descriptor, r);
    if (!m)
        return;
    if (pb_plugin_errors(&why, m->diagnostics, m->n_diagnostics)) {
        unknown(t, upgrading, why.s);
        return;
    }
    if (value_of(&v, t, m->upgraded_state, &err) || v.kind != PB_MAP) {
        unknown(t, upgrading, *err.msg ? err.msg : "what it answers is no object");
        return;
    }
    t->recorded = pb_box(t->session->run->arena, v);
    if (!pb_provider_same(&v, t->rec->attributes))
        t->out->upgraded = t->recorded;
    if (m->upgraded_state->msgpack.len)
        pb_buf_add(&t->state, m->upgraded_state->msgpack.data, m->upgraded_state->msgpack.len);
    else if (pb_msgpack_encode(&t->state, a, &v, t->schema->root, &err)) {
        unknown(t, upgrading, err.msg);
        return;
    }
    if (t->rec->identity)
        upgrade_identity(t);
    else
        read_it(t);
}

static void upgrade(struct pb_target *t)
{
    PB_AUTO(buf) struct pb_buf json = PB_BUF_INIT;
    Tfplugin6__UpgradeResourceState__Request rq;
    Tfplugin6__RawState raw;
    char type[256];

    tfplugin6__upgrade_resource_state__request__init(&rq);
    tfplugin6__raw_state__init(&raw);
    snprintf(type, sizeof(type), "%s", t->rec->type);
    pb_json_add(&json, t->rec->stored ? t->rec->stored : t->rec->attributes);
    raw.json = pb_proto_bytes(json.s, json.len);
    rq.type_name = type;
    rq.version = t->rec->schema_version;
    rq.raw_state = &raw;
    pb_session_ask(t, PB_CALL_UPGRADE, &rq.base, on_upgraded);
    pb_wipe(json.s, json.len);
}

/* ---- what no state knows ---------------------------------------------------------------- */

static const char importing[] = "the provider could not import it: ";

static void on_imported(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_target *t = ctx;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;
    const Tfplugin6__ImportResourceState__ImportedResource *found = NULL;
    const Tfplugin6__ImportResourceState__Response *m;

    m = message(t, importing, a, &tfplugin6__import_resource_state__response__descriptor, r);
    if (!m)
        return;
    /* One import may bring others with it; they are somebody else's question. */
    for (size_t i = 0; i < m->n_imported_resources && !found; i++)
        if (strcmp(m->imported_resources[i]->type_name, t->rec->type) == 0)
            found = m->imported_resources[i];
    if (pb_plugin_errors(&why, m->diagnostics, m->n_diagnostics)) {
        unknown(t, importing, why.s);
    } else if (!found || !found->state || !found->state->msgpack.len) {
        unknown(t, importing, "it answers without a resource of that type");
    } else {
        pb_buf_add(&t->state, found->state->msgpack.data, found->state->msgpack.len);
        if (found->private_.len)
            pb_buf_add(&t->notes, found->private_.data, found->private_.len);
        if (found->identity && found->identity->identity_data)
            pb_buf_add(&t->identity, found->identity->identity_data->msgpack.data,
                       found->identity->identity_data->msgpack.len);
        read_it(t);
    }
}

static void import(struct pb_target *t)
{
    Tfplugin6__ImportResourceState__Request rq;

    if (!t->rec->id || !*t->rec->id) {
        unknown(t, importing, "there is no id");
        return;
    }
    tfplugin6__import_resource_state__request__init(&rq);
    rq.type_name = pb_arena_strdup(t->session->run->arena, t->rec->type);
    rq.id = pb_arena_strdup(t->session->run->arena, t->rec->id);
    pb_session_ask(t, PB_CALL_IMPORT, &rq.base, on_imported);
}

/* ---- which ------------------------------------------------------------------------------ */

/* NULL when the provider has no such type, or nothing that can be used of it. */
static const struct pb_schema *schema_for(struct pb_target *t)
{
    struct pb_session *s = t->session;
    const struct pb_schema *schema;
    struct pb_err err = PB_ERR_INIT;

    if (!pb_map_has(&s->types, t->rec->type)) {
        if (pb_plugin_schema_of(&schema, s->run->arena, &s->schemas, t->rec->type, &err)) {
            unknown(t, reading, err.msg);
            return NULL;
        }
        pb_map_put(&s->types, t->rec->type, (void *)(uintptr_t)schema);
    }
    schema = pb_map_get(&s->types, t->rec->type);
    if (!schema)
        unknown(t, "its provider does not have such a type in version ", s->version);
    return schema;
}

static void begin(struct pb_target *t)
{
    t->schema = schema_for(t);
    if (!t->schema)
        return;
    if (!t->rec->attributes && !t->rec->stored) {
        import(t);
        return;
    }
    add_base64(&t->notes, t->rec->private_data);
    if (t->rec->schema_version > t->schema->version)
        unknown(t, "",
                "the state was written by a newer version of the provider than is installed");
    else
        upgrade(t);
}

/* What takes longest comes first, else in the order that they came in. */
static int by_time(const void *x, const void *y)
{
    const struct pb_target *a = x, *b = y;
    unsigned ta = pb_times_expected(&a->session->times, a->rec->type);
    unsigned tb = pb_times_expected(&b->session->times, b->rec->type);

    if (ta != tb)
        return ta > tb ? -1 : 1;
    return a->out < b->out ? -1 : a->out > b->out;
}

void pb_session_sort(struct pb_session *s)
{
    pb_times_load(&s->times, s->run->arena, s->run->rq->plugins->cache_dir, s->binary.sha256);
    if (s->ntargets > 1)
        qsort(s->targets, s->ntargets, sizeof(*s->targets), by_time);
}

void pb_session_read_more(struct pb_session *s)
{
    int window = s->run->rq->concurrency > 0 ? s->run->rq->concurrency : s->window;

    while (s->next < s->ntargets && s->under_way < (size_t)window)
        begin(&s->targets[s->next++]);
}
