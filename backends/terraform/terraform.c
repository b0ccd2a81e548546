#include "backends/terraform/terraform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/terraform/apply.h"
#include "backends/terraform/ahead.h"
#include "backends/terraform/cache.h"
#include "backends/terraform/confine.h"
#include "backends/terraform/eval.h"
#include "backends/terraform/key.h"
#include "backends/terraform/lock.h"
#include "backends/terraform/mark.h"
#include "backends/terraform/redact.h"
#include "backends/terraform/prepare.h"
#include "backends/terraform/save.h"
#include "backends/terraform/scan.h"
#include "backends/terraform/schemas.h"
#include "backends/terraform/seen.h"
#include "backends/terraform/site.h"
#include "backends/terraform/state.h"
#include "backends/terraform/store.h"
#include "backends/terraform/textdiff.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { DATA_TTL_MS = 3600 * 1000 };

static bool is_unit_dir(const char *const *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pb_tf_is_config(files[i]))
            return true;
    return false;
}

/* A state of another name that the configuration chose is not known here. */
static bool leaves(const char *path)
{
    static const char *const ends[] = {".tfstate", ".tfstate.backup", ".lock.info", ".terraform/",
                                       "terraform.tfstate.d/"};
    size_t n = strlen(path);

    for (size_t i = 0; i < PB_COUNT(ends); i++) {
        size_t m = strlen(ends[i]);

        if (n >= m && strcmp(path + n - m, ends[i]) == 0)
            return true;
    }
    return false;
}

/* ---- recorded -------------------------------------------------------------------------------- */

static const char *identity(struct pb_arena *a, const struct pb_unit_ctx *u, const char *where)
{
    return pb_arena_printf(a, "%s\n%s\n%s\n%s", u->worktree ? u->worktree : where, u->path, u->name,
                           u->workspace ? u->workspace : "default");
}

static int record(struct pb_recorded_set *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                  struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_tf_backend be;
    bool none;

    pb_tf_state_none(out);
    if (pb_tf_backend_find(&be, a, u, err) || pb_tf_store_read(&text, &none, a, &be, u, err))
        return -1;
    if (!none) {
        if (pb_tf_state_parse(out, a, text.s, text.len, be.where, NULL, err))
            return -1;
        if (strcmp(be.type, "local") != 0 && pb_tf_keep_state(u, &text, err))
            return -1;
    }
    if (u->sandbox)
        return 0; /* what it calls its state is not what is remembered of the unit */
    return pb_tf_seen_check(out, identity(a, u, be.where), be.where, u->accept_state, u->diags, a,
                            err);
}

/* By the digest of its bytes: parsing a large state takes seconds. */
static int unmoved(bool *same, struct pb_arena *a, const struct pb_unit_ctx *u,
                   const struct pb_recorded_set *recorded, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    char sha[PB_SHA256_HEX];
    struct pb_tf_backend be;
    bool none;

    if (pb_tf_backend_find(&be, a, u, err) || pb_tf_store_read(&text, &none, a, &be, u, err))
        return -1;
    pb_sha256_hex_of(sha, text.s, text.len);
    *same = none ? !recorded->lineage : strcmp(sha, recorded->sha256) == 0;
    return 0;
}

/* ---- declared -------------------------------------------------------------------------------- */

void pb_tf_override_providers(struct pb_provider_config *v, size_t n, struct pb_arena *a,
                              const struct pb_value *settings)
{
    for (size_t i = 0; settings && i < n; i++) {
        const char *slash = strrchr(v[i].source, '/');
        const char *name = slash ? slash + 1 : v[i].source;
        PB_AUTO(str)
        char *key = v[i].alias ? pb_asprintf("%s.%s", name, v[i].alias) : pb_strdup(name);
        const struct pb_value *over = pb_get(settings, key), *base = v[i].values;
        struct pb_map_builder b = PB_BUILDER_INIT;
        if (!pb_is(over, PB_MAP))
            continue;
        for (size_t j = 0; pb_is(base, PB_MAP) && j < base->n; j++)
            pb_map_add(&b, base->members[j].key, base->members[j].value);
        for (size_t j = 0; j < over->n; j++)
            pb_map_add(&b, over->members[j].key, over->members[j].value);
        v[i].values = pb_box(a, pb_map_done(&b, a));
    }
}

static void warn_unknown_settings(struct pb_tf_planning *p, const struct pb_provider_config *v,
                                  size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pb_has_unknown(v[i].values))
            pb_diag_add(&p->said, p->arena, "warning", "terraform-provider-settings", NULL,
                        "%s has settings that are known only to Terraform: what it manages may "
                        "not be observable; give them under 'providers' in plumb.yaml",
                        v[i].key);
}

/* Marks what only schemas call sensitive; the plan's own masks know of it in new versions. */
static void mark_declared(struct pb_declare_result *out, struct pb_arena *a)
{
    struct pb_declared *v = pb_arena_alloc(a, out->declared.n * sizeof(*v) + 1);

    for (size_t i = 0; i < out->declared.n; i++) {
        const struct pb_schema *s = pb_schema_find(&out->schemas, out->declared.v[i].type);
        v[i] = out->declared.v[i];
        if (s && v[i].planned)
            v[i].planned = pb_box(a, pb_tf_mark_schema(a, v[i].planned, s->root));
        if (s && v[i].prior)
            v[i].prior = pb_box(a, pb_tf_mark_schema(a, v[i].prior, s->root));
    }
    out->declared.v = v;
}

/* provider["registry.terraform.io/hashicorp/aws"].west -> the source between the quotes. */
static void add_type(struct pb_strv *types, const char *provider, const char *type)
{
    const char *from = provider ? strstr(provider, "provider[\"") : NULL;
    const char *to = from ? strstr(from + 10, "\"]") : NULL;

    if (to)
        pb_strv_addf(types, "%.*s\t%s", (int)(to - from - 10), from + 10, type);
}

static void sort_unique(struct pb_strv *v)
{
    size_t n = 0;

    pb_strv_sort(v);
    for (size_t i = 0; i < v->n; i++) {
        if (n && strcmp(v->v[n - 1], v->v[i]) == 0)
            free(v->v[i]);
        else
            v->v[n++] = v->v[i];
    }
    v->n = n;
    if (v->v)
        v->v[n] = NULL;
}

int pb_tf_settle(struct pb_declare_result *out, struct pb_tf_planning *p, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv types = PB_STRV_INIT;
    struct pb_provider_config *v = pb_arena_alloc(p->arena, p->nproviders * sizeof(*v) + 1);

    out->declared = p->plan.declared;
    out->tool_version = p->run.tool.version;
    if (p->nproviders)
        memcpy(v, p->providers, p->nproviders * sizeof(*v));
    for (size_t i = 0; i < p->nproviders; i++) {
        if (v[i].version)
            continue;
        /* Known since init when the commit has no lock file. */
        v[i].version = pb_get_str(&p->versions, v[i].source);
        v[i].hashes = pb_tf_lock_hashes(&p->lock, p->arena, v[i].source);
    }
    pb_tf_override_providers(v, p->nproviders, p->arena, p->u->providers);
    warn_unknown_settings(p, v, p->nproviders);
    out->declared.providers = v;
    out->declared.nproviders = p->nproviders;
    for (size_t i = 0; i < out->declared.n; i++)
        add_type(&types, out->declared.v[i].provider, out->declared.v[i].type);
    for (size_t i = 0; i < p->recorded->n; i++)
        add_type(&types, p->recorded->v[i].provider, p->recorded->v[i].type);
    sort_unique(&types);
    if (pb_tf_schemas_load(&out->schemas, p->arena, p->u->cache_dir,
                           p->u->sandbox ? p->u->work : NULL, &types, &p->versions, err))
        return -1;
    mark_declared(out, p->arena);
    if (p->u->sandbox)
        pb_tf_hide_given(out, p);
    return 0;
}

/* What data sources, floating versions, modules or files from elsewhere feed is true for a
 * while. */
static time_t expiry(const struct pb_tf_planning *p)
{
    long ttl = p->u->data_source_ttl_ms > 0 ? p->u->data_source_ttl_ms : DATA_TTL_MS;

    if (p->tree && !p->floating && !p->remote_modules && !p->outside && !p->plan.has_data)
        return 0;
    return pb_clock_wall() + (ttl + 999) / 1000;
}

static void store(struct pb_tf_planning *p, const struct pb_declare_result *r)
{
    struct pb_err why = PB_ERR_INIT;
    char key[PB_SHA256_HEX];

    pb_tf_key(key, p->u, p->recorded, &p->run.tool, environ);
    if (pb_tf_cache_store(p->u->cache_dir, key, r, &p->said, p->u->seal, expiry(p), &why))
        pb_diag_add(p->u->diags, p->arena, "warning", "cache", NULL,
                    "the declared side could not be kept, the next audit plans again: %s", why.msg);
    else
        pb_tf_ahead_remember(p->u, key);
}

static void repeat(const struct pb_unit_ctx *u, struct pb_arena *a, const struct pb_diags *said)
{
    for (size_t i = 0; i < said->n; i++)
        pb_diag_add(u->diags, a, said->v[i].severity, said->v[i].code, said->v[i].address, "%s",
                    said->v[i].message);
}

static int declare(struct pb_declare_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                   const struct pb_recorded_set *recorded, struct pb_err *err)
{
    struct pb_tf_planning p = {.arena = a, .u = u, .recorded = recorded};
    struct pb_unit_ctx confined;
    int64_t start = pb_clock_ms();
    int rc = -1;

    memset(out, 0, sizeof(*out));
    if (u->sandbox) {
        if (pb_tf_confine_unit(&confined, a, u, err))
            return -1;
        p.u = u = &confined;
    }
    if (pb_tf_plan_unit(&p, err) == 0 && (!u->save || pb_tf_answer_saved(&p, err) == 0) &&
        pb_tf_settle(out, &p, err) == 0 && (!u->save || pb_tf_save(&p, out, err) == 0)) {
        if (!p.plan.errored && out->declared.complete && !u->refresh && !u->save)
            store(&p, out);
        out->elapsed_ms = (long)(pb_clock_ms() - start);
        out->plan_ms = p.plan_ms;
        out->show_ms = p.show_ms;
        out->prepare_ms = out->elapsed_ms - p.plan_ms - p.show_ms;
        rc = 0;
    }
    repeat(u, a, &p.said);
    pb_tf_planning_release(&p);
    return rc;
}

static int preview_providers(const struct pb_provider_config **out, size_t *n, struct pb_arena *a,
                             const struct pb_unit_ctx *u, struct pb_err *err)
{
    struct pb_tf_planning p = {.arena = a, .u = u};
    struct pb_provider_config *v;
    struct pb_tf_tool tool;

    p.files = pb_tf_files_disk(u->tree);
    if (pb_tf_tool_find(&tool, a, u, err) || pb_tf_read_text(&p, NULL, tool.tofu, err))
        return -1;
    v = pb_arena_alloc(a, p.nproviders * sizeof(*v) + 1);
    if (p.nproviders)
        memcpy(v, p.providers, p.nproviders * sizeof(*v));
    pb_tf_override_providers(v, p.nproviders, a, u->providers);
    *out = v;
    *n = p.nproviders;
    return 0;
}

/* The secrets of provider blocks are not kept: they are read anew from where they were. */
static int find_secrets(bool *hit, struct pb_declare_result *out, struct pb_arena *a,
                        const struct pb_unit_ctx *u, struct pb_err *err)
{
    const struct pb_provider_config *v = NULL;
    size_t n = 0;

    if (!pb_tf_cache_is_sealed(out))
        return 0;
    if (!u->tree) {
        pb_fail(err, PB_E_INTERNAL, "the provider blocks of '%s' are not known without its files",
                u->name);
        if (err)
            err->sys = ENODATA;
        return -1;
    }
    *hit = preview_providers(&v, &n, a, u, NULL) == 0 && pb_tf_cache_unseal(out, a, u->seal, v, n);
    return 0;
}

static int declare_cached(struct pb_declare_result *out, bool *hit, struct pb_arena *a,
                          const struct pb_unit_ctx *u, const struct pb_recorded_set *recorded,
                          struct pb_err *err)
{
    struct pb_diags said = {0};
    struct pb_tf_tool tool;
    char key[PB_SHA256_HEX];
    int64_t start = pb_clock_ms();
    int rc = 0;

    *hit = false;
    if (pb_tf_tool_find(&tool, a, u, err))
        return -1;
    pb_tf_key(key, u, recorded, &tool, environ);
    *hit = pb_tf_ahead_load(out, &said, a, u, key, pb_clock_wall());
    if (*hit)
        rc = find_secrets(hit, out, a, u, err);
    if (rc == 0 && *hit)
        repeat(u, a, &said);
    out->tool_version = tool.version; /* the key has it: it is the one that planned */
    pb_diags_release(&said);
    out->elapsed_ms = (long)(pb_clock_ms() - start);
    return rc;
}

static bool is_plugin(const char *program)
{
    const char *slash = strrchr(program, '/');

    return pb_starts_with(slash ? slash + 1 : program, "terraform-provider-");
}

const struct pb_executor pb_terraform = {
    .name = "terraform",
    .lock_file = PB_TF_LOCK_FILE,
    .is_unit_dir = is_unit_dir,
    .leaves = leaves,
    .scan = pb_tf_scan,
    .record = record,
    .unmoved = unmoved,
    .declare_cached = declare_cached,
    .declare_last = pb_tf_declare_last,
    .ahead = pb_tf_ahead,
    .ahead_end = pb_tf_ahead_end,
    .declare = declare,
    .refine = pb_tf_state_refine,
    .preview_providers = preview_providers,
    .plugin_site = pb_tf_plugin_site,
    .compare_text = pb_tf_compare_text,
    .text_rules = pb_tf_text_rules,
    .apply = pb_tf_apply,
    .is_plugin = is_plugin,
    .review = pb_tf_review,
    .keep_state = pb_tf_keep,
    .put_state = pb_tf_put,
    .parse_state = pb_tf_parse_state,
    .lock_holder = pb_tf_lock_holder,
    .lock_is_seen = pb_tf_lock_is_seen,
    .unlock = pb_tf_unlock,
};
