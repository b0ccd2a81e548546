/* provider.yaml. */
#include "backends/auth/auth.h"
#include "backends/rest/load.h"
#include "base/text.h"
#include "model/yaml.h"

const char *const pb_protocol_names[PB_NPROTOCOLS + 1] = {
    "query", "ec2-query", "json-1.0", "json-1.1", "rest-json", "rest-xml", "json", NULL,
};

static int load_protocol(struct pb_service *s, struct pb_load *l, const struct pb_value *v)
{
    for (size_t i = 0; i < PB_NPROTOCOLS; i++)
        if (strcmp(pb_protocol_names[i], v->s) == 0) {
            s->protocol = (enum pb_protocol_id)i;
            return 0;
        }
    pb_load_enter(l, "protocol");
    const char *near = pb_text_nearest(v->s, pb_protocol_names, PB_NPROTOCOLS);
    return pb_load_fail(l, v, "'%s' is no protocol; did you mean '%s'?", v->s,
                        near ? near : "json");
}

static int load_paths(const struct pb_path **out, struct pb_load *l, const struct pb_value *v)
{
    if (!v)
        return 0;
    size_t n = pb_is(v, PB_LIST) ? v->n : 1;
    struct pb_path *paths = pb_arena_zalloc(l->a, (n + 1) * sizeof(*paths));
    for (size_t i = 0; i < n; i++) {
        const struct pb_value *item = pb_is(v, PB_LIST) ? &v->items[i] : v;
        if (!pb_is(item, PB_STRING))
            return pb_load_fail(l, item, "this must be a path within the reply");
        if (pb_load_path(&paths[i], l, item) == -1)
            return -1;
    }
    *out = paths;
    return 0;
}

/* A string, or a map of strings by partition. All are templates over the settings. */
static int check_by_partition(struct pb_load *l, const struct pb_value *v)
{
    const struct pb_expr *e = NULL;
    if (!v)
        return 0;
    if (pb_is(v, PB_STRING))
        return pb_load_template(&e, l, v);
    for (size_t i = 0; i < v->n; i++) {
        if (!pb_is(&v->members[i].value, PB_STRING))
            return pb_load_fail(l, v, "'%s' must be a text", v->members[i].key);
        if (pb_load_template(&e, l, &v->members[i].value) == -1)
            return -1;
    }
    return 0;
}

static int load_signing(struct pb_service *s, struct pb_load *l, const struct pb_value *v)
{
    s->signing_name = s->name;
    if (!v)
        return 0;
    size_t mark = pb_load_enter(l, "signing");
    if (pb_load_check(l, v, &pb_keys_signing) == -1)
        return -1;
    if (pb_get_str(v, "name"))
        s->signing_name = pb_get_str(v, "name");
    s->signing_region = pb_get(v, "region");
    if (check_by_partition(l, s->signing_region) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

static int load_fault(struct pb_service *s, struct pb_load *l, const struct pb_value *v)
{
    if (!v)
        return 0;
    size_t mark = pb_load_enter(l, "fault");
    if (pb_load_check(l, v, &pb_keys_fault) == -1 ||
        load_paths(&s->fault_code, l, pb_get(v, "code")) == -1 ||
        load_paths(&s->fault_message, l, pb_get(v, "message")) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

static int load_service(struct pb_service *s, struct pb_load *l, const struct pb_value *v)
{
    if (pb_load_check(l, v, &pb_keys_service) == -1 ||
        load_protocol(s, l, pb_get(v, "protocol")) == -1)
        return -1;
    s->endpoint = pb_get(v, "endpoint");
    s->version = pb_scalar_text(l->a, pb_get(v, "version"));
    s->target = pb_get_str(v, "target");
    size_t mark = pb_load_enter(l, "endpoint");
    if (check_by_partition(l, s->endpoint) == -1)
        return -1;
    pb_load_leave(l, mark);
    if (load_signing(s, l, pb_get(v, "signing")) == -1 ||
        load_fault(s, l, pb_get(v, "fault")) == -1 ||
        pb_load_params(&s->headers, &s->nheaders, l, pb_get(v, "headers")) == -1 ||
        pb_load_strings(&s->not_found, l, pb_get(v, "not_found")) == -1 ||
        pb_load_strings(&s->throttle, l, pb_get(v, "throttle")) == -1 ||
        pb_load_strings(&s->denied, l, pb_get(v, "denied")) == -1)
        return -1;
    if (pb_get(v, "page")) {
        mark = pb_load_enter(l, "page");
        if (pb_load_page(&s->page, l, pb_get(v, "page")) == -1)
            return -1;
        pb_load_leave(l, mark);
    }
    bool query = s->protocol == PB_PROTO_QUERY || s->protocol == PB_PROTO_EC2_QUERY;
    bool target = s->protocol == PB_PROTO_JSON_10 || s->protocol == PB_PROTO_JSON_11;
    if (query && !s->version)
        return pb_load_fail(l, v, "protocol %s needs 'version'", pb_protocol_names[s->protocol]);
    if (target && !s->target)
        return pb_load_fail(l, v, "protocol %s needs 'target'", pb_protocol_names[s->protocol]);
    return 0;
}

static int load_services(struct pb_pack_provider *p, struct pb_load *l, const struct pb_value *v)
{
    struct pb_service *services = pb_arena_zalloc(l->a, (v->n + 1) * sizeof(*services));
    size_t mark = pb_load_enter(l, "services");
    for (size_t i = 0; i < v->n; i++) {
        services[i].name = v->members[i].key;
        size_t inner = pb_load_enter(l, services[i].name);
        if (load_service(&services[i], l, &v->members[i].value) == -1)
            return -1;
        pb_load_leave(l, inner);
    }
    pb_load_leave(l, mark);
    p->services = services;
    p->nservices = v->n;
    return 0;
}

/* Those of the file, and what an aws_sigv4 session knows. */
static int load_settings(struct pb_pack_provider *p, struct pb_load *l, const struct pb_value *v)
{
    static const char *const session[] = {"region", "partition", "dns_suffix"};
    const char **names = pb_arena_zalloc(l->a, (pb_len(v) + 4) * sizeof(const char *));
    size_t n = 0;
    size_t mark = pb_load_enter(l, "settings");
    for (; n < pb_len(v); n++) {
        size_t inner = pb_load_enter(l, v->members[n].key);
        names[n] = v->members[n].key;
        if (pb_load_check(l, &v->members[n].value, &pb_keys_setting) == -1)
            return -1;
        pb_load_leave(l, inner);
    }
    if (pb_streq(pb_get_str(p->auth, "scheme"), "aws_sigv4"))
        for (size_t i = 0; i < PB_COUNT(session); i++)
            names[n++] = session[i];
    pb_load_leave(l, mark);
    p->settings = names;
    l->names = (struct pb_names){
        .settings = names, .no_recorded = true, .no_account = true, .no_steps = true};
    return 0;
}

static int load_tags(struct pb_pack_provider *p, struct pb_load *l, const struct pb_value *v)
{
    if (!v)
        return 0;
    size_t mark = pb_load_enter(l, "tags");
    if (pb_load_check(l, v, &pb_keys_tags) == -1)
        return -1;
    p->tags.drop_prefixes = pb_get(v, "drop_prefixes");
    p->tag_defaults = pb_get_str(v, "defaults");
    p->tag_ignore_keys = pb_get_str(v, "ignore_keys");
    p->tag_ignore_prefixes = pb_get_str(v, "ignore_prefixes");
    pb_load_leave(l, mark);
    return 0;
}

static int load_canary(struct pb_pack_provider *p, struct pb_load *l, const struct pb_value *v)
{
    if (!v)
        return 0;
    size_t mark = pb_load_enter(l, "canary");
    const struct pb_service *service = NULL;
    if (pb_load_check(l, v, &pb_keys_canary) == -1 ||
        !(service = pb_load_service(l, pb_get(v, "service"))) ||
        pb_load_request(&p->canary, l, v, service) == -1 ||
        pb_load_path(&p->canary_account, l, pb_get(v, "account")) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

static bool is_among(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names;
}

/* The secret itself, alone or in a list of places where it may be. */
static bool written_down(const struct pb_value *v)
{
    bool any = pb_is(v, PB_STRING);
    for (size_t i = 0; pb_is(v, PB_LIST) && i < pb_len(v); i++)
        any |= pb_is(pb_at(v, i), PB_STRING);
    return any;
}

static int check_auth(struct pb_load *l, const struct pb_value *v, const struct pb_auth_scheme *s)
{
    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->members[i].key;
        const struct pb_value *value = &v->members[i].value;
        const char *near = pb_text_nearest(key, s->required, s->required[0] ? 1 : 0);
        if (strcmp(key, "scheme") != 0 && !is_among(s->required, key) &&
            !is_among(s->optional, key))
            return pb_load_fail(l, value, "scheme '%s' has no setting '%s'%s%s%s", s->name, key,
                                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        if (s->secret && strcmp(key, s->secret) == 0 && written_down(value)) {
            pb_load_enter(l, key);
            return pb_load_fail(l, value,
                                "a secret may not be written down: use {env: NAME}, "
                                "{file: PATH} or {provider: \"path\"}");
        }
    }
    for (const char *const *name = s->required; *name; name++)
        if (!pb_get(v, *name))
            return pb_load_fail(l, v, "scheme '%s' needs '%s'", s->name, *name);
    return 0;
}

static int load_auth(struct pb_pack_provider *p, struct pb_load *l, const struct pb_value *v)
{
    const char *scheme = pb_get_str(v, "scheme"), *names[32];
    size_t n = 0, mark = pb_load_enter(l, "auth");
    int rc = v ? 1 : 0; /* 1: no scheme was found yet */
    p->auth = v;
    for (; rc == 1 && n < pb_auth_schemes_count && n < PB_COUNT(names); n++) {
        names[n] = pb_auth_schemes[n].name;
        if (pb_streq(scheme, names[n]))
            rc = check_auth(l, v, &pb_auth_schemes[n]);
    }
    if (rc == 1) {
        const char *near = scheme ? pb_text_nearest(scheme, names, n) : NULL;
        rc = pb_load_fail(l, v, "'scheme' must be one of those in backends/auth/auth.h%s%s%s",
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    pb_load_leave(l, mark);
    return rc;
}

static int load_provider(struct pb_pack_provider *p, struct pb_load *l, const struct pb_value *root)
{
    if (pb_load_check(l, root, &pb_keys_provider) == -1)
        return -1;
    p->root = root;
    p->tables = pb_get(root, "tables");
    if (pb_load_strings(&p->sources, l, pb_get(root, "sources")) == -1 ||
        load_auth(p, l, pb_get(root, "auth")) == -1 ||
        load_settings(p, l, pb_get(root, "settings")) == -1 ||
        load_services(p, l, pb_get(root, "services")) == -1 ||
        load_tags(p, l, pb_get(root, "tags")) == -1)
        return -1;
    return load_canary(p, l, pb_get(root, "canary"));
}

int pb_pack_load_provider(const struct pb_pack_provider **out, struct pb_arena *a, const char *text,
                          size_t n, const char *file, struct pb_err *err)
{
    int rc = -1;
    const struct pb_value *root = NULL;
    struct pb_pack_provider *p = pb_arena_zalloc(a, sizeof(*p));
    p->file = pb_arena_strdup(a, file);
    struct pb_load l = {
        .a = a, .file = p->file, .err = err, .provider = p, .field = PB_BUF_INIT, .line = 1};
    if (pb_yaml_parse(&root, a, text, n, file, err) == 0 && load_provider(p, &l, root) == 0) {
        *out = p;
        rc = 0;
    }
    pb_buf_release(&l.field);
    return rc;
}
