/* A provider configuration in use: credentials, endpoints, settings, the canary. */
#include "backends/rest/engine.h"
#include "base/mem.h"
#include "base/text.h"

static const struct pb_provider_config *find_config(const struct pb_observe_request *rq,
                                                    const char *key)
{
    for (size_t i = 0; i < rq->nproviders; i++)
        if (pb_streq(rq->providers[i].key, key))
            return &rq->providers[i];
    return NULL;
}

static const char *partition_of(const char *region)
{
    static const char *const rows[][2] = {
        {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"},
        {"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"},
    };
    for (size_t i = 0; region && i < PB_COUNT(rows); i++)
        if (pb_starts_with(region, rows[i][0]))
            return rows[i][1];
    return "aws";
}

static bool plain_name(const char *s)
{
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

/* What decides where and as whom we ask must not be unknown: falling back to the
 * environment could ask another account. */
static const char *unknown_setting(struct pb_arena *a, const struct pb_value *values)
{
    static const char *const names[] = {"region",
                                        "access_key",
                                        "secret_key",
                                        "token",
                                        "profile",
                                        "assume_role",
                                        "assume_role_with_web_identity",
                                        "shared_config_files",
                                        "shared_credentials_files",
                                        "endpoints",
                                        "use_fips_endpoint",
                                        "use_dualstack_endpoint",
                                        "http_proxy",
                                        "https_proxy",
                                        "no_proxy",
                                        "custom_ca_bundle"};
    for (size_t i = 0; i < PB_COUNT(names); i++) {
        const struct pb_value *v = pb_get(values, names[i]);
        if (v && pb_has_unknown(v))
            return pb_arena_printf(a, "'%s' of the provider configuration is not known", names[i]);
    }
    return NULL;
}

static void open_session(struct context *c)
{
    struct pb_err err = PB_ERR_INIT;
    struct pb_arena *a = c->run->a;
    if ((c->problem = unknown_setting(a, c->values)))
        return;
    if (pb_auth_open(&c->auth, c->pack->auth, c->values, NULL, &err) == -1) {
        c->problem = pb_arena_strdup(a, err.msg);
        return;
    }
    struct pb_aws_session *s = pb_auth_aws(c->auth);
    if (!s)
        return;
    const char *region = pb_aws_region(s);
    if (!region || !plain_name(region)) {
        c->problem = region ? "the region of the provider configuration is no region"
                            : "no region is configured; set 'region' or AWS_REGION";
        return;
    }
    c->region = pb_arena_strdup(a, region);
    c->partition = partition_of(region);
    c->dns_suffix = pb_arena_strdup(a, pb_aws_dns_suffix(region));
}

static void set_tags(struct context *c)
{
    const struct pb_pack_provider *p = c->pack;
    c->tags = p->tags;
    /* A block is a map, or a list of one. */
    struct pb_arena *a = c->run->a;
    const char *const paths[] = {p->tag_defaults, p->tag_ignore_keys, p->tag_ignore_prefixes};
    const struct pb_value **out[] = {&c->tags.defaults, &c->tags.ignore_keys,
                                     &c->tags.ignore_prefixes};
    for (size_t i = 0; i < PB_COUNT(paths); i++) {
        if (!paths[i])
            continue;
        const char *dot = strchr(paths[i], '.');
        const char *head = dot ? pb_arena_strndup(a, paths[i], (size_t)(dot - paths[i])) : paths[i];
        const struct pb_value *v = pb_get(c->values, head);
        if (pb_is(v, PB_LIST))
            v = pb_at(v, 0);
        if (dot && !pb_is(v, PB_UNKNOWN))
            v = pb_walk(v, dot + 1);
        *out[i] = v;
    }
}

struct context *context_for(struct run *run, const char *key, const struct pb_pack_provider *p)
{
    for (size_t i = 0; i < run->ncontexts; i++)
        if (pb_streq(run->contexts[i]->key, key) && run->contexts[i]->pack == p)
            return run->contexts[i];
    struct context *c = pb_arena_zalloc(run->a, sizeof(*c));
    const struct pb_provider_config *config = find_config(run->rq, key);
    c->run = run;
    c->key = key;
    c->index = run->ncontexts;
    c->pack = p;
    c->values = config ? config->values : NULL;
    c->endpoints = pb_arena_zalloc(run->a, (p->nservices + 1) * sizeof(*c->endpoints));
    open_session(c);
    set_tags(c);
    run->contexts = pb_grow(run->contexts, &run->ccap, run->ncontexts + 1, sizeof(*run->contexts));
    run->contexts[run->ncontexts++] = c;
    return c;
}

static struct pb_value from_env(struct context *c, const struct pb_value *setting)
{
    const struct pb_value *v = NULL;
    const char *path = pb_get_str(setting, "provider"), *env = pb_get_str(setting, "env");
    if (path && (v = pb_walk(c->values, path)) && v->kind != PB_NULL)
        return *v;
    const char *s = env ? pb_auth_getenv(NULL, env) : NULL;
    if (s)
        return pb_mk_string(c->run->a, s);
    v = pb_get(setting, "default");
    return v ? *v : pb_null;
}

struct pb_value context_setting(struct context *c, const char *name)
{
    const char *s = NULL;
    const struct pb_value *setting = pb_get(pb_get(c->pack->root, "settings"), name);
    if (setting)
        return from_env(c, setting);
    if (strcmp(name, "region") == 0)
        s = c->region;
    else if (strcmp(name, "partition") == 0)
        s = c->partition;
    else if (strcmp(name, "dns_suffix") == 0)
        s = c->dns_suffix;
    return s ? pb_mk_string(c->run->a, s) : pb_null;
}

static struct pb_value setting_cb(void *ctx, const char *name)
{
    return context_setting(ctx, name);
}

/* A text, or the text for our partition; with the settings put in. */
static const char *by_partition(struct context *c, const struct pb_value *v)
{
    struct pb_names names = {
        .settings = c->pack->settings, .no_recorded = true, .no_account = true, .no_steps = true};
    struct pb_eval ev = {.a = c->run->a, .setting = setting_cb, .ctx = c, .tags = &c->tags};
    const struct pb_expr *e = NULL;
    if (pb_is(v, PB_MAP)) {
        const struct pb_value *own = pb_get(v, c->partition ? c->partition : "default");
        v = own ? own : pb_get(v, "default");
    }
    if (!pb_is(v, PB_STRING) || pb_template_parse(&e, c->run->a, v->s, &names, NULL) == -1)
        return NULL;
    struct pb_value out = pb_expr_eval(e, &ev);
    return pb_str(&out);
}

struct endpoint *context_endpoint(struct context *c, const struct pb_service *s)
{
    struct endpoint *ep = &c->endpoints[s - c->pack->services];
    struct pb_arena *a = c->run->a;
    if (ep->url || ep->problem)
        return ep;
    struct pb_aws_session *session = c->auth ? pb_auth_aws(c->auth) : NULL;
    const char *url = session ? pb_aws_endpoint(session, s->name) : NULL;
    if (!url && (url = by_partition(c, s->endpoint)) && session) {
        PB_AUTO(str) char *own = pb_aws_public_url(session, c->region, url);
        url = pb_arena_strdup(a, own);
    }
    ep->region = s->signing_region ? by_partition(c, s->signing_region) : c->region;
    if (!url || (!pb_starts_with(url, "https://") && !pb_starts_with(url, "http://"))) {
        ep->problem = pb_arena_printf(a, "the endpoint of '%s' is not known", s->name);
        return ep;
    }
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    ep->url = pb_arena_strndup(a, url, n);
    ep->budget = pb_arena_printf(a, "%s@%s", s->name, ep->region ? ep->region : "");
    return ep;
}

void context_ask_canary(struct context *c)
{
    struct pb_eval ev = {.a = c->run->a, .setting = setting_cb, .ctx = c, .tags = &c->tags};
    struct pb_ask ask;
    if (c->canary || c->canary_reason)
        return;
    if (!c->pack->canary) {
        c->canary_reason = "the provider's pack has no canary";
        return;
    }
    const char *why = pb_ask_render(&ask, c->pack->canary, &ev);
    struct endpoint *ep = context_endpoint(c, c->pack->canary->service);
    if (why || ep->problem) {
        c->canary_reason = why ? why : ep->problem;
        return;
    }
    c->canary = fetch_submit(c->run, c, &ask, false);
    fetch_add_waiter(c->canary, (struct waiter){0});
}

void context_canary_done(struct context *c, struct fetch *f)
{
    if (f->kind != PB_REPLY_OK) {
        c->canary_reason = f->reason;
        return;
    }
    const struct pb_path *p = &c->pack->canary_account;
    if (!p->text)
        return;
    struct pb_value v = pb_segs_walk(c->run->a, f->docs[0], p->segs, p->n);
    c->account = pb_scalar_text(c->run->a, &v);
    if (!c->account)
        c->canary_reason =
            pb_arena_printf(c->run->a, "the reply of '%s' names no account", f->ask.label);
}

void context_release(struct context *c)
{
    pb_map_release(&c->counts);
    pb_auth_free(c->auth);
}
