#include "backends/terraform/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { FORMAT = 7 };
#define ENTRY_MAX ((size_t)1 << 30)

/* ---- writing ------------------------------------------------------------------------------- */

struct writer {
    struct pb_arena *a;
    const struct pb_seal *seal;
};

static void put_str(struct pb_map_builder *b, struct pb_arena *a, const char *key, const char *s)
{
    if (s)
        pb_map_add(b, key, pb_mk_string(a, s));
}

static void put_value(struct pb_map_builder *b, const struct writer *w, const char *key,
                      const struct pb_value *v)
{
    if (v)
        pb_map_add(b, key, pb_seal_tree(w->seal, w->a, v));
}

static void put_list(struct pb_map_builder *b, struct pb_arena *a, const char *key,
                     const char *const *list)
{
    struct pb_list_builder l = PB_BUILDER_INIT;

    if (!list)
        return;
    for (; *list; list++)
        pb_list_add(&l, pb_mk_string(a, *list));
    pb_map_add(b, key, pb_list_done(&l, a));
}

static struct pb_value write_effects(struct pb_arena *a, const struct pb_side_effect *v, size_t n)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; i < n; i++) {
        struct pb_map_builder b = PB_BUILDER_INIT;
        put_str(&b, a, "what", v[i].what);
        put_str(&b, a, "file", v[i].file);
        pb_map_add(&b, "create", v[i].on_create ? pb_true : pb_false);
        pb_map_add(&b, "destroy", v[i].on_destroy ? pb_true : pb_false);
        pb_map_add(&b, "invoked", v[i].invoked ? pb_true : pb_false);
        pb_map_add(&b, "line", pb_mk_int(a, v[i].line));
        pb_map_add(&b, "end", pb_mk_int(a, v[i].last_line));
        pb_list_add(&list, pb_map_done(&b, a));
    }
    return pb_list_done(&list, a);
}

static bool same_text(const struct pb_value *a, const struct pb_value *b)
{
    PB_AUTO(buf) struct pb_buf x = PB_BUF_INIT, y = PB_BUF_INIT;

    pb_json_add(&x, a);
    pb_json_add(&y, b);
    return strcmp(x.s, y.s) == 0;
}

/* Mostly nothing is planned, and both are the same: it is written, and read, once. */
static void put_sides(struct pb_map_builder *b, const struct writer *w, const struct pb_declared *d)
{
    struct pb_value planned = d->planned ? pb_seal_tree(w->seal, w->a, d->planned) : pb_null;
    struct pb_value prior = d->prior ? pb_seal_tree(w->seal, w->a, d->prior) : pb_null;

    if (d->planned)
        pb_map_add(b, "planned", planned);
    if (d->planned && d->prior && same_text(&planned, &prior))
        pb_map_add(b, "prior_is_planned", pb_true);
    else if (d->prior)
        pb_map_add(b, "prior", prior);
}

static struct pb_value write_declared(const struct writer *w, const struct pb_declared *d)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    put_str(&b, w->a, "address", d->address);
    put_str(&b, w->a, "type", d->type);
    put_str(&b, w->a, "provider", d->provider);
    put_str(&b, w->a, "previous_address", d->previous_address);
    put_str(&b, w->a, "source_file", d->source_file);
    pb_map_add(&b, "action", pb_mk_int(w->a, d->action));
    pb_map_add(&b, "source_line", pb_mk_int(w->a, d->source_line));
    pb_map_add(&b, "source_end", pb_mk_int(w->a, d->source_end));
    if (d->neffects)
        pb_map_add(&b, "effects", write_effects(w->a, d->effects, d->neffects));
    pb_map_add(&b, "opaque", d->configured_opaque ? pb_true : pb_false);
    pb_map_add(&b, "importing", d->importing ? pb_true : pb_false);
    put_sides(&b, w, d);
    put_value(&b, w, "configured", d->configured);
    put_list(&b, w->a, "ignore_changes", d->ignore_changes);
    put_list(&b, w->a, "replace_paths", d->replace_paths);
    return pb_map_done(&b, w->a);
}

/* What is a secret by its name: schemas of providers seldom say so, and what is written into the
 * block or comes from a plain variable is one all the same. Paths of files are none. */
static bool names_secret(const char *name)
{
    static const char *const parts[] = {"secret",  "token",      "password",   "passphrase",
                                        "private", "credential", "access_key", "api_key",
                                        "apikey",  "auth_key"};

    if (pb_ends_with(name, "_file") || pb_ends_with(name, "_files") || pb_ends_with(name, "_path"))
        return false;
    for (size_t i = 0; i < PB_COUNT(parts); i++)
        if (strcasestr(name, parts[i]))
            return true;
    return false;
}

static struct pb_value mark_secrets(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_list_builder l = PB_BUILDER_INIT;
    struct pb_value out = *v;

    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++) {
        const struct pb_member *e = &v->members[i];
        struct pb_value x = mark_secrets(a, &e->value);

        if (x.kind != PB_BOOL && names_secret(e->key))
            x.flags |= PB_V_SENSITIVE;
        pb_map_add(&m, e->key, x);
    }
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        pb_list_add(&l, mark_secrets(a, &v->items[i]));
    if (v->kind == PB_MAP)
        out = pb_map_done(&m, a);
    else if (v->kind == PB_LIST)
        out = pb_list_done(&l, a);
    out.flags = v->flags;
    return out;
}

static struct pb_value write_provider(const struct writer *w, const struct pb_provider_config *p)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    put_str(&b, w->a, "key", p->key);
    put_str(&b, w->a, "source", p->source);
    put_str(&b, w->a, "alias", p->alias);
    put_str(&b, w->a, "version", p->version);
    if (p->values)
        put_value(&b, w, "values", pb_box(w->a, mark_secrets(w->a, p->values)));
    put_list(&b, w->a, "hashes", p->hashes);
    return pb_map_done(&b, w->a);
}

static struct pb_value write_diags(const struct writer *w, const struct pb_diags *said)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; said && i < said->n; i++) {
        struct pb_map_builder b = PB_BUILDER_INIT;
        put_str(&b, w->a, "severity", said->v[i].severity);
        put_str(&b, w->a, "code", said->v[i].code);
        put_str(&b, w->a, "message", said->v[i].message);
        put_str(&b, w->a, "address", said->v[i].address);
        pb_list_add(&list, pb_map_done(&b, w->a));
    }
    return pb_list_done(&list, w->a);
}

static struct pb_value write_all(const struct writer *w, const struct pb_declare_result *r,
                                 const struct pb_diags *said, time_t expires)
{
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_list_builder declared = PB_BUILDER_INIT, providers = PB_BUILDER_INIT,
                           schemas = PB_BUILDER_INIT;

    for (size_t i = 0; i < r->declared.n; i++)
        pb_list_add(&declared, write_declared(w, &r->declared.v[i]));
    for (size_t i = 0; i < r->declared.nproviders; i++)
        pb_list_add(&providers, write_provider(w, &r->declared.providers[i]));
    for (size_t i = 0; i < r->schemas.n; i++)
        pb_list_add(&schemas, pb_schema_to_value(w->a, r->schemas.v[i]));
    pb_map_add(&b, "format", pb_mk_int(w->a, FORMAT));
    pb_map_add(&b, "expires", pb_mk_int(w->a, expires));
    pb_map_add(&b, "complete", r->declared.complete ? pb_true : pb_false);
    pb_map_add(&b, "effects", write_effects(w->a, r->declared.effects, r->declared.neffects));
    pb_map_add(&b, "said", write_diags(w, said));
    pb_map_add(&b, "declared", pb_list_done(&declared, w->a));
    pb_map_add(&b, "providers", pb_list_done(&providers, w->a));
    put_value(&b, w, "outputs", r->declared.outputs);
    pb_map_add(&b, "schemas", pb_list_done(&schemas, w->a));
    return pb_map_done(&b, w->a);
}

int pb_tf_cache_store(const char *dir, const char *key, const struct pb_declare_result *r,
                      const struct pb_diags *said, const struct pb_seal *seal, time_t expires,
                      struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = pb_asprintf("%s/declared/%s.json", dir, key);
    struct writer w = {a, seal};
    struct pb_value whole;

    whole = write_all(&w, r, said, expires);
    pb_json_add(&text, &whole);
    return pb_fs_cache(path, text.s, text.len, err);
}

/* ---- reading ------------------------------------------------------------------------------- */

static const char *const *read_list(struct pb_arena *a, const struct pb_value *list)
{
    const char **v;

    if (!pb_is(list, PB_LIST))
        return NULL;
    v = pb_arena_zalloc(a, (list->n + 1) * sizeof(*v));
    for (size_t i = 0; i < list->n; i++)
        v[i] = pb_str(&list->items[i]) ? pb_str(&list->items[i]) : "";
    return v;
}

static bool read_line(unsigned *out, const struct pb_value *v, const char *key)
{
    int64_t n;

    if (pb_get_int(&n, v, key) == -1 || n < 0 || n > INT32_MAX)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool read_effects(const struct pb_side_effect **out, size_t *n, struct pb_arena *a,
                         const struct pb_value *list)
{
    struct pb_side_effect *v = pb_arena_zalloc(a, (pb_len(list) + 1) * sizeof(*v));

    for (*n = 0; *n < pb_len(list); (*n)++) {
        const struct pb_value *e = pb_at(list, *n);
        v[*n] = (struct pb_side_effect){.what = pb_get_str(e, "what"),
                                        .file = pb_get_str(e, "file"),
                                        .on_create = pb_get_bool(e, "create", true),
                                        .on_destroy = pb_get_bool(e, "destroy", true),
                                        .invoked = pb_get_bool(e, "invoked", true)};
        if (!v[*n].what || !read_line(&v[*n].line, e, "line") ||
            !read_line(&v[*n].last_line, e, "end"))
            return false;
    }
    *out = v;
    return true;
}

static bool read_declared(struct pb_declared *out, struct pb_arena *a, const struct pb_value *v)
{
    unsigned line, end;
    int64_t action = 0;

    if (pb_get_int(&action, v, "action") == -1 || action < PB_ACT_NONE || action > PB_ACT_UNKNOWN ||
        !read_line(&line, v, "source_line") || !read_line(&end, v, "source_end"))
        return false;
    *out = (struct pb_declared){
        .address = pb_get_str(v, "address"),
        .type = pb_get_str(v, "type"),
        .provider = pb_get_str(v, "provider"),
        .action = (enum pb_action)action,
        .planned = pb_get(v, "planned"),
        .prior = pb_get(v, pb_get(v, "prior_is_planned") ? "planned" : "prior"),
        .configured = pb_get(v, "configured"),
        .configured_opaque = pb_get_bool(v, "opaque", true),
        .ignore_changes = read_list(a, pb_get(v, "ignore_changes")),
        .replace_paths = read_list(a, pb_get(v, "replace_paths")),
        .previous_address = pb_get_str(v, "previous_address"),
        .importing = pb_get_bool(v, "importing", false),
        .source_file = pb_get_str(v, "source_file"),
        .source_line = line,
        .source_end = end,
    };
    return read_effects(&out->effects, &out->neffects, a, pb_get(v, "effects")) && out->address &&
           out->type;
}

static bool read_resources(struct pb_declare_result *out, struct pb_arena *a,
                           const struct pb_value *list)
{
    struct pb_declared *v;

    if (!pb_is(list, PB_LIST))
        return false;
    v = pb_arena_zalloc(a, (list->n + 1) * sizeof(*v));
    for (size_t i = 0; i < list->n; i++)
        if (!read_declared(&v[i], a, &list->items[i]) ||
            (i > 0 && strcmp(v[i - 1].address, v[i].address) >= 0))
            return false;
    out->declared.v = v;
    out->declared.n = list->n;
    return true;
}

static bool read_providers(struct pb_declare_result *out, struct pb_arena *a,
                           const struct pb_value *list)
{
    struct pb_provider_config *v;

    if (!pb_is(list, PB_LIST))
        return false;
    v = pb_arena_zalloc(a, (list->n + 1) * sizeof(*v));
    for (size_t i = 0; i < list->n; i++) {
        const struct pb_value *p = &list->items[i];
        v[i] = (struct pb_provider_config){
            .key = pb_get_str(p, "key"),
            .source = pb_get_str(p, "source"),
            .alias = pb_get_str(p, "alias"),
            .version = pb_get_str(p, "version"),
            .values = pb_get(p, "values"),
            .hashes = read_list(a, pb_get(p, "hashes")),
        };
        if (!v[i].key || !v[i].source)
            return false;
    }
    out->declared.providers = v;
    out->declared.nproviders = list->n;
    return true;
}

static bool read_schemas(struct pb_declare_result *out, struct pb_arena *a,
                         const struct pb_value *list)
{
    const struct pb_schema **v;

    if (!pb_is(list, PB_LIST))
        return false;
    v = pb_arena_zalloc(a, (list->n + 1) * sizeof(*v));
    for (size_t i = 0; i < list->n; i++)
        if (pb_schema_from_value(&v[i], a, &list->items[i], NULL) == -1)
            return false;
    out->schemas.v = v;
    out->schemas.n = list->n;
    return true;
}

static void read_diags(struct pb_diags *said, struct pb_arena *a, const struct pb_value *list)
{
    for (size_t i = 0; said && i < pb_len(list); i++) {
        const struct pb_value *v = pb_at(list, i);
        const char *severity = pb_get_str(v, "severity"), *code = pb_get_str(v, "code");
        const char *message = pb_get_str(v, "message");
        if (severity && code && message)
            pb_diag_add(said, a, severity, code, pb_get_str(v, "address"), "%s", message);
    }
}

bool pb_tf_cache_load(struct pb_declare_result *out, struct pb_diags *said, struct pb_arena *a,
                      const char *dir, const char *key, time_t now)
{
    PB_AUTO(str) char *path = pb_asprintf("%s/declared/%s.json", dir, key);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_value *raw, *v;
    int64_t format, expires;

    memset(out, 0, sizeof(*out));
    if (pb_fs_read(&text, path, ENTRY_MAX, NULL) == -1 ||
        pb_json_parse(&raw, a, text.s, text.len, path, NULL) == -1)
        return false;
    v = pb_json_unwrap(a, raw);
    if (pb_get_int(&format, v, "format") == -1 || format != FORMAT ||
        pb_get_int(&expires, v, "expires") == -1 || (expires && expires <= now))
        return false;
    out->declared.complete = pb_get_bool(v, "complete", false);
    out->declared.outputs = pb_get(v, "outputs");
    out->from_cache = true;
    if (!read_resources(out, a, pb_get(v, "declared")) ||
        !read_providers(out, a, pb_get(v, "providers")) ||
        !read_schemas(out, a, pb_get(v, "schemas")) ||
        !read_effects(&out->declared.effects, &out->declared.neffects, a, pb_get(v, "effects")))
        return false;
    read_diags(said, a, pb_get(v, "said"));
    pb_fs_used(path);
    return true;
}

/* ---- secrets of provider blocks ------------------------------------------------------------ */

static bool is_sealed(const struct pb_value *v)
{
    if (!v)
        return false;
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        if (is_sealed(&v->items[i]))
            return true;
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        if (is_sealed(&v->members[i].value))
            return true;
    return v->kind == PB_SEALED;
}

bool pb_tf_cache_is_sealed(const struct pb_declare_result *r)
{
    for (size_t i = 0; i < r->declared.nproviders; i++)
        if (is_sealed(r->declared.providers[i].values))
            return true;
    return false;
}

static bool unseal(struct pb_value *out, struct pb_arena *a, const struct pb_seal *seal,
                   const struct pb_value *kept, const struct pb_value *text)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_list_builder l = PB_BUILDER_INIT;
    bool ok = true;

    *out = *kept;
    if (!is_sealed(kept))
        return true;
    if (kept->kind == PB_SEALED) {
        if (!text || text->kind == PB_SEALED || !pb_seal_matches(seal, kept, text))
            return false;
        *out = *text;
        out->flags |= PB_V_SENSITIVE;
        return true;
    }
    for (size_t i = 0; kept->kind == PB_MAP && i < kept->n; i++) {
        const struct pb_member *e = &kept->members[i];
        struct pb_value x;

        ok &= unseal(&x, a, seal, &e->value, pb_get(text, e->key));
        pb_map_add(&m, e->key, x);
    }
    for (size_t i = 0; kept->kind == PB_LIST && i < kept->n; i++) {
        struct pb_value x;

        ok &= unseal(&x, a, seal, &kept->items[i], pb_at(text, i));
        pb_list_add(&l, x);
    }
    *out = kept->kind == PB_MAP ? pb_map_done(&m, a) : pb_list_done(&l, a);
    out->flags = kept->flags;
    return ok;
}

bool pb_tf_cache_unseal(struct pb_declare_result *r, struct pb_arena *a, const struct pb_seal *seal,
                        const struct pb_provider_config *v, size_t n)
{
    struct pb_declared_set *d = &r->declared;
    struct pb_provider_config *whole = pb_arena_zalloc(a, (d->nproviders + 1) * sizeof(*whole));

    for (size_t i = 0; i < d->nproviders; i++) {
        const struct pb_value *text = NULL;
        struct pb_value values;

        whole[i] = d->providers[i];
        if (!is_sealed(whole[i].values))
            continue;
        for (size_t k = 0; k < n && !text; k++)
            if (strcmp(v[k].key, whole[i].key) == 0)
                text = v[k].values;
        if (!unseal(&values, a, seal, whole[i].values, text))
            return false;
        whole[i].values = pb_box(a, values);
    }
    d->providers = whole;
    return true;
}
