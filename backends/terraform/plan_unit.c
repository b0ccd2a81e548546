/* One planning run: the exported unit, its text, init, plan, show. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backends/terraform/confine.h"
#include "backends/terraform/env.h"
#include "backends/terraform/lend.h"
#include "backends/terraform/serve.h"
#include "backends/terraform/outside.h"
#include "backends/terraform/prepare.h"
#include "backends/terraform/schemas.h"
#include "backends/terraform/site.h"
#include "backends/terraform/terraform.h"
#include "backends/terraform/vars.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

#include <unistd.h>

#define SCHEMAS_MAX  ((size_t)512 << 20)
#define MANIFEST_MAX ((size_t)16 << 20)

enum { INIT_WAIT_MS = 600000 };

/* The first of two failures, with all that it says. */
static int fail_as(struct pb_err *err, const struct pb_err *first)
{
    if (err)
        *err = *first;
    return -1;
}

static const char builtin_source[] = "terraform.io/builtin/terraform";

/* ---- text ------------------------------------------------------------------------------------ */

int pb_tf_read_text(struct pb_tf_planning *p, const struct pb_value *manifest, bool tofu,
                    struct pb_err *err)
{
    struct pb_tf_vars_in vin = {
        .files = &p->files,
        .var_files = p->u->var_files,
        .vars = p->u->vars,
        .more_var_files = p->u->plan ? p->u->plan->var_files : NULL,
        .more_vars = p->u->plan ? p->u->plan->vars : NULL,
        .env = environ,
    };
    struct pb_tf_providers_in pin = {.lock = &p->lock, .workspace = p->u->workspace, .tofu = tofu};

    p->tree = NULL;
    if (pb_tf_lock_read(&p->lock, p->arena, &p->files, p->u->path, err) ||
        pb_tf_tree_load(&p->tree, p->arena, &p->files, p->u->path, manifest, tofu, err))
        return -1;
    vin.root = p->tree->v[0];
    if (pb_tf_vars(&p->vars, p->arena, &vin, err)) {
        p->tree = NULL;
        return -1;
    }
    for (size_t i = 0; i < p->tree->n; i++) {
        const struct pb_hcl_block *call = p->tree->v[i]->call;
        const char *source = call ? pb_hcl_str(pb_hcl_attr_of(call->body, "source")) : "./";
        p->remote_modules |= !pb_tf_is_local(source);
    }
    p->outside = pb_tf_tree_reads_outside(p->tree);
    pin.tree = p->tree;
    pin.vars = &p->vars;
    pb_tf_providers(&p->providers, &p->nproviders, p->arena, &pin);
    return 0;
}

/* The secrets among the variables, so that no message repeats them; and those of the state, where
 * nobody vouches for the tree that is planned. */
static void collect_secrets(struct pb_tf_planning *p)
{
    for (size_t i = 0; p->vars.kind == PB_MAP && i < p->vars.n; i++) {
        const struct pb_value *v = &p->vars.members[i].value;
        if ((v->flags & PB_V_SENSITIVE) && v->kind == PB_STRING)
            pb_strv_add(&p->run.secrets, v->s);
    }
    if (p->u->sandbox)
        pb_tf_recorded_secrets(&p->run.secrets, p->recorded, NULL);
}

/* ---- init ------------------------------------------------------------------------------------ */

/* Providers that somebody's init has already put into the work tree: init checks them
 * against the lock file like any other. */
static char *plugin_dir(const struct pb_tf_planning *p)
{
    PB_AUTO(str) char *dir = p->u->worktree ? pb_fs_join(p->u->worktree, p->u->path) : NULL;
    char *plugins = dir ? pb_fs_join(dir, ".terraform/providers") : NULL;
    const struct pb_hcl_block *b;

    if (!plugins || !p->locked)
        goto none;
    for (size_t i = 0; (b = pb_hcl_block_of(p->lock.body, "provider", i)); i++) {
        const char *version = pb_hcl_str(pb_hcl_attr_of(b->body, "version"));
        PB_AUTO(str)
        char *have = pb_asprintf("%s/%s/%s", plugins, pb_hcl_label(b, 0), version ? version : "?");
        if (!pb_fs_is_dir(have))
            goto none;
    }
    return plugins;
none:
    free(plugins);
    return NULL;
}

/* For a unit that is not trusted plumb's own packages are the ones that are there: the work tree
 * may be its, too, and what is fetched for it is nobody else's. */
static bool plugin_dirs(struct pb_strv *out, const struct pb_tf_planning *p)
{
    PB_AUTO(str) char *dir = NULL;

    if (p->u->sandbox)
        return p->locked && pb_tf_confine_packages(out, &p->run, p->lock.body);
    dir = plugin_dir(p);
    if (dir)
        pb_strv_add(out, dir);
    return dir != NULL;
}

/* What is downloaded is kept: the next audit may need the provider without planning. Terraform's
 * plugin cache is not made for two inits at once. */
static int init_keeping(struct pb_tf_planning *p, char *const *args, struct pb_err *err)
{
    PB_AUTO(str) char *dir = pb_tf_packages_dir(p->u);
    PB_AUTO(str) char *lock_path = pb_asprintf("%s.lock", dir);
    PB_AUTO(fd) int lock = -1;

    if (!pb_tf_has_plugin_cache(p->run.tool.tofu)) {
        lock = pb_lock_take(lock_path, INIT_WAIT_MS, err);
        if (lock < 0 || pb_fs_mkdirs(dir, 0700, err))
            return -1;
        pb_strv_setenv(&p->run.env, "TF_PLUGIN_CACHE_DIR", dir);
    }
    return pb_tf_run(&p->run, "init", args, err);
}

static int init_alone(struct pb_tf_planning *p, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;
    PB_AUTO(strv) struct pb_strv plugins = PB_STRV_INIT;
    bool there = plugin_dirs(&plugins, p);
    struct pb_err first = PB_ERR_INIT;

    pb_strv_add(&args, "init");
    pb_strv_add(&args, "-input=false");
    pb_strv_add(&args, "-no-color");
    if (pb_tf_tool_at_least(&p->run.tool, 1, 9))
        pb_strv_add(&args, "-json");
    if (p->locked)
        pb_strv_add(&args, "-lockfile=readonly");
    pb_strv_add(&args, "-reconfigure"); /* an earlier plan may have been made on another backend */
    if (pb_tf_place_state(&args, &p->run, p->own, p->recorded, err))
        return -1;
    if (there) {
        PB_AUTO(strv) struct pb_strv with = PB_STRV_INIT;
        for (size_t i = 0; i < args.n; i++)
            pb_strv_add(&with, args.v[i]);
        for (size_t i = 0; i < plugins.n; i++)
            pb_strv_addf(&with, "-plugin-dir=%s", plugins.v[i]);
        if (pb_tf_run(&p->run, "init", with.v, &first) == 0)
            return 0;
        if (first.cls == PB_E_INTERRUPTED || first.cls == PB_E_REFUSED)
            return fail_as(err, &first);
    }
    return p->u->sandbox ? pb_tf_run(&p->run, "init", args.v, err) : init_keeping(p, args.v, err);
}

/* One after the other: a plugin cache that several write at once ends up damaged. */
static int init(struct pb_tf_planning *p, struct pb_err *err)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    int rc;

    pthread_mutex_lock(&one);
    rc = pb_cancel_check(err) ? -1 : init_alone(p, err);
    pthread_mutex_unlock(&one);
    return rc;
}

/* ---- schemas --------------------------------------------------------------------------------- */

/* Versions of everything that is locked, and of what the tool brings itself. */
static void read_versions(struct pb_tf_planning *p)
{
    struct pb_map_builder b = PB_BUILDER_INIT;
    const struct pb_hcl_block *blk;
    struct pb_err why = PB_ERR_INIT;

    if (!p->locked)
        (void)pb_tf_lock_read(&p->lock, p->arena, &p->files, p->u->path, &why);
    for (size_t i = 0; (blk = pb_hcl_block_of(p->lock.body, "provider", i)); i++) {
        const char *version = pb_hcl_str(pb_hcl_attr_of(blk->body, "version"));
        if (version)
            pb_map_add(&b, pb_hcl_label(blk, 0), pb_mk_string(p->arena, version));
    }
    p->floating = !p->locked && pb_hcl_block_of(p->lock.body, "provider", 0);
    pb_map_add(&b, builtin_source, pb_mk_string(p->arena, p->run.tool.version));
    p->versions = pb_map_done(&b, p->arena);
}

static bool uses_builtin(const struct pb_tf_planning *p)
{
    for (size_t i = 0; i < p->nproviders; i++)
        if (strcmp(p->providers[i].source, builtin_source) == 0)
            return true;
    return !p->tree;
}

static bool schemas_missing(const struct pb_tf_planning *p)
{
    for (size_t i = 0; i < p->versions.n; i++) {
        const struct pb_member *m = &p->versions.members[i];
        if (strcmp(m->key, builtin_source) == 0 && !uses_builtin(p))
            continue;
        if (!pb_tf_schemas_have(p->u->cache_dir, m->key, m->value.s) &&
            !(p->u->sandbox && pb_tf_schemas_have(p->u->work, m->key, m->value.s)))
            return true;
    }
    return false;
}

static int store_schemas(struct pb_tf_planning *p, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (pb_fs_read(&text, pb_tf_run_file(&p->run, "schemas", "out"), SCHEMAS_MAX, err))
        return -1;
    /* What a program says that is not trusted is for this unit alone. */
    return pb_tf_schemas_store(p->u->sandbox ? p->u->work : p->u->cache_dir, text.s, text.len,
                               &p->versions, err);
}

/* Schemas only refine comparing: without them the audit goes on and says so. */
static int say_no_schemas(struct pb_tf_planning *p, const struct pb_err *why)
{
    pb_diag_add(&p->said, p->arena, "warning", "terraform-schemas", NULL,
                "no provider schemas, values are compared by their shape alone: %s", why->msg);
    return 0;
}

static void finish_schemas(struct pb_tf_planning *p, struct pb_tf_command *c)
{
    struct pb_err why = PB_ERR_INIT;

    if (pb_tf_finish(c, &why) || store_schemas(p, &why))
        say_no_schemas(p, &why);
}

/* ---- plan ------------------------------------------------------------------------------------ */

static const char *plan_path(const struct pb_tf_planning *p)
{
    return pb_tf_run_file(&p->run, p->u->save ? "saved" : "plan", "bin");
}

static void add_options(struct pb_strv *args, const struct pb_plan_options *o)
{
    for (char *const *t = o->targets; t && *t; t++)
        pb_strv_addf(args, "-target=%s", *t);
    for (char *const *t = o->replace; t && *t; t++)
        pb_strv_addf(args, "-replace=%s", *t);
    if (o->destroy)
        pb_strv_add(args, "-destroy");
    if (o->parallelism > 0)
        pb_strv_addf(args, "-parallelism=%d", o->parallelism);
}

static int plan_once(struct pb_tf_planning *p, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;
    const struct pb_plan_options *o = p->u->plan;
    struct pb_tf_command c;

    pb_strv_add(&args, "plan");
    pb_strv_add(&args, "-input=false");
    pb_strv_add(&args, "-no-color");
    pb_strv_add(&args, p->u->refresh ? "-refresh=true" : "-refresh=false");
    pb_strv_add(&args, p->u->save ? "-lock=true" : "-lock=false");
    if (p->u->save && o && o->lock_timeout_ms > 0)
        pb_strv_addf(&args, "-lock-timeout=%ldms", o->lock_timeout_ms);
    pb_strv_add(&args, "-json");
    pb_strv_addf(&args, "-out=%s", plan_path(p));
    if (o)
        add_options(&args, o);
    /* Made here, so that nobody else can read it while it is written. */
    if (pb_fs_write_atomic(plan_path(p), "", 0, 0600, err) ||
        pb_tf_var_args(&args, &p->run, p->tree ? p->tree->v[0] : NULL, err) ||
        pb_tf_start(&c, &p->run, "plan", args.v, err))
        return -1;
    c.total = p->recorded->n;
    return pb_tf_finish(&c, err);
}

/* An expression that may not be an output fails the plan: then it is planned without. */
static int plan_asking(struct pb_tf_planning *p, struct pb_tf_asked *asked, struct pb_err *err)
{
    struct pb_err first = PB_ERR_INIT;

    if (!p->u->save) /* what is applied has the outputs of the commit, and no others */
        pb_tf_ask(asked, p);
    if (!asked->n)
        return plan_once(p, err);
    if (pb_tf_ask_write(asked, &p->run, err))
        return -1;
    if (plan_once(p, &first) == 0)
        return 0;
    pb_tf_ask_remove(&p->run);
    asked->n = 0;
    if (first.cls == PB_E_INTERRUPTED || first.cls == PB_E_REFUSED)
        return fail_as(err, &first);
    return plan_once(p, err);
}

/* In a sandbox one command runs at a time: run.h. */
static int schemas_afterwards(struct pb_tf_planning *p, char *const *args, struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;

    if (!schemas_missing(p))
        return 0;
    if (pb_tf_run(&p->run, "schemas", args, &why) == 0 && store_schemas(p, &why) == 0)
        return 0;
    if (why.cls == PB_E_INTERRUPTED || why.cls == PB_E_REFUSED)
        return fail_as(err, &why);
    return say_no_schemas(p, &why);
}

static int plan_with_schemas(struct pb_tf_planning *p, struct pb_tf_asked *asked,
                             struct pb_err *err)
{
    static const char *const words[] = {"providers", "schema", "-json"};
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;
    struct pb_tf_command schemas = {.child = NULL};
    struct pb_tf_run all;
    int rc = -1;

    for (size_t i = 0; i < PB_COUNT(words); i++)
        pb_strv_add(&args, words[i]);
    if (p->u->sandbox)
        return plan_asking(p, asked, err) ? -1 : schemas_afterwards(p, args.v, err);
    all = p->run;
    all.env = (struct pb_strv)PB_STRV_INIT;
    for (size_t i = 0; i < p->run.env.n; i++)
        pb_strv_add(&all.env, p->run.env.v[i]);
    pb_tf_serve_whole(p->served, &all.env);
    if (schemas_missing(p) && pb_tf_start(&schemas, &all, "schemas", args.v, err))
        goto out;
    rc = plan_asking(p, asked, err);
    if (schemas.child)
        finish_schemas(p, &schemas);
out:
    pb_strv_release(&all.env);
    return rc;
}

static int show(struct pb_tf_planning *p, struct pb_err *err)
{
    const char *out = pb_tf_run_file(&p->run, "show", "out");
    char *args[] = {pb_arena_strdup(p->arena, "show"), pb_arena_strdup(p->arena, "-json"),
                    pb_arena_strdup(p->arena, plan_path(p)), NULL};
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_tf_plan_in in = {
        .what = pb_arena_printf(p->arena, "the plan of '%s'", p->u->name),
        .hints = p->tree ? &p->tree->hints : NULL,
        .recorded = p->recorded,
        .diags = &p->said,
    };
    int rc;

    if (pb_tf_run(&p->run, "show", args, err) || pb_fs_read(&text, out, PB_TF_PLAN_MAX, err))
        return -1;
    rc = pb_tf_plan_parse(&p->plan, p->arena, text.s, text.len, &in, err);
    pb_buf_wipe(&text);
    unlink(out); /* secrets in the clear */
    return rc;
}

/* Where init put modules, for hints about what is in them. */
static const struct pb_value *manifest_of(const struct pb_tf_planning *p)
{
    PB_AUTO(str) char *path = pb_fs_join(p->run.data_dir, "modules/modules.json");
    const struct pb_value *v;

    return pb_json_read(&v, p->arena, path, MANIFEST_MAX, NULL) == 0 ? v : NULL;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void read_text(struct pb_tf_planning *p)
{
    struct pb_err why = PB_ERR_INIT;

    if (pb_tf_read_text(p, manifest_of(p), p->run.tool.tofu, &why))
        pb_diag_add(&p->said, p->arena, "warning", "terraform-text-unread", NULL,
                    "%s: ignore_changes and dynamic blocks are not known", why.msg);
}

static void serve_no_more(struct pb_tf_planning *p)
{
    pb_tf_serve_end(p->served, &p->run, NULL);
    p->served = NULL;
}

/* With providers that an earlier init has checked: what is left are the backend, in a folder
 * that requires no provider, and the local modules. */
static bool reuse(struct pb_tf_planning *p)
{
    char *get[] = {pb_arena_strdup(p->arena, "get"), pb_arena_strdup(p->arena, "-no-color"), NULL};
    struct pb_tf_lent lent;

    if (pb_tf_read_text(p, NULL, p->run.tool.tofu, NULL) || !pb_tf_lend_recall(&lent, p))
        return false;
    p->served = pb_tf_serve(p, &lent);
    if (pb_tf_init_backend(&p->run, p->own, p->recorded, NULL) || !pb_tf_lend(&lent, &p->run))
        return false;
    if (p->tree->n > 1 && pb_tf_run(&p->run, "get", get, NULL)) {
        pb_tf_lend_end(&p->run);
        return false;
    }
    p->packages = lent.dirs;
    p->lends = true;
    return true;
}

static int install(struct pb_tf_planning *p, struct pb_err *err)
{
    struct pb_tf_lent lent;

    if (init(p, err))
        return -1;
    read_text(p);
    read_versions(p);
    pb_tf_lend_installed(&lent, p);
    pb_tf_lend_remember(&lent, p);
    p->packages = lent.dirs;
    p->lends = pb_tf_lend(&lent, &p->run);
    if (p->lends)
        p->served = pb_tf_serve(p, &lent);
    return 0;
}

static int plan_and_show(struct pb_tf_planning *p, struct pb_tf_asked *asked, struct pb_err *err)
{
    int64_t from = pb_clock_ms(), planned;

    if (plan_with_schemas(p, asked, err))
        return -1;
    planned = pb_clock_ms();
    p->plan_ms = (long)(planned - from);
    if (show(p, err))
        return -1;
    p->show_ms = (long)(pb_clock_ms() - planned);
    return 0;
}

/* What is served tells of the types that the unit means, as far as plumb knows them. */
static bool misses_types(const struct pb_err *e)
{
    return strstr(e->msg, "schema") || strstr(e->msg, "does not support") ||
           strstr(e->msg, "nvalid resource type") || strstr(e->msg, "nvalid data source");
}

static int plan(struct pb_tf_planning *p, struct pb_tf_asked *asked, struct pb_err *err)
{
    struct pb_err first = PB_ERR_INIT;

    collect_secrets(p);
    if (!pb_tf_serve_use(p->served, &p->run))
        serve_no_more(p);
    if (plan_and_show(p, asked, &first) == 0)
        return 0;
    if (!p->served || first.cls != PB_E_TOOL || !misses_types(&first) || pb_cancel_requested())
        return fail_as(err, &first);
    pb_tf_ask_remove(&p->run);
    serve_no_more(p);
    return plan_and_show(p, asked, err);
}

/* What Terraform misses it asks to be initialised. */
static bool wants_init(const struct pb_err *e)
{
    return strstr(e->msg, "terraform init") || strstr(e->msg, "tofu init");
}

static int plan_reusing(struct pb_tf_planning *p, struct pb_tf_asked *asked, struct pb_err *err)
{
    struct pb_err first = PB_ERR_INIT;

    if (reuse(p)) {
        read_versions(p);
        if (plan(p, asked, &first) == 0)
            return 0;
        if (first.cls == PB_E_INTERRUPTED || !wants_init(&first))
            return fail_as(err, &first);
        pb_tf_ask_remove(&p->run);
        pb_tf_lend_end(&p->run);
    }
    serve_no_more(p);
    if (pb_cancel_check(err) || install(p, err))
        return -1;
    return plan(p, asked, err);
}

/* Of what is recorded, and of what the lock file adds. */
void pb_tf_provider_names(struct pb_strv *names, const struct pb_tf_planning *p)
{
    const struct pb_hcl_block *b;

    pb_tf_env_recorded_names(names, p->recorded);
    /* A lock file that is not trusted would choose whose variables are handed on. */
    for (size_t i = 0;
         !p->u->sandbox && p->lock.body && (b = pb_hcl_block_of(p->lock.body, "provider", i)); i++)
        pb_tf_env_add_name(names, pb_hcl_label(b, 0), strlen(pb_hcl_label(b, 0)));
}

int pb_tf_plan_unit(struct pb_tf_planning *p, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    PB_AUTO(str) char *dir = pb_fs_join(p->u->tree, p->u->path);
    struct pb_tf_asked asked = {.n = 0};

    p->files = pb_tf_files_disk(p->u->tree);
    (void)pb_tf_lock_read(&p->lock, p->arena, &p->files, p->u->path, NULL);
    pb_tf_provider_names(&names, p);
    if (pb_tf_run_init(&p->run, p->arena, p->u, "data", pb_arena_strdup(p->arena, dir),
                       p->u->workspace, &names, err))
        return -1;
    pb_tf_run_hurry(&p->run, p->recorded->n);
    p->locked = p->lock.body != NULL;
    pb_tf_ask_remove(&p->run); /* of an earlier plan in the same tree */
    p->run.holds_lock = p->u->save != NULL;
    if (p->u->save && pb_tf_lend_replaced(&p->run))
        return pb_fail(err, PB_E_REFUSED,
                       "Terraform's CLI configuration has dev_overrides: other providers would run "
                       "than the lock file of '%s' names; remove them to apply",
                       p->u->name);
    if ((p->u->save && pb_tf_own_backend(&p->own, p->arena, p->u, err)) ||
        pb_tf_override_backend(&p->run, p->own, err) || plan_reusing(p, &asked, err))
        return -1;
    pb_tf_answer((struct pb_provider_config *)(uintptr_t)p->providers, p->nproviders, p->arena,
                 &asked, p->plan.outputs);
    pb_tf_ask_forget(&p->plan.declared, p->arena, &asked);
    if (p->floating)
        pb_diag_add(&p->said, p->arena, "warning", "terraform-no-lock", NULL,
                    "'%s' has no .terraform.lock.hcl in Git: which provider versions plan it "
                    "depends on the day; commit the file",
                    p->u->name);
    return 0;
}

void pb_tf_planning_release(struct pb_tf_planning *p)
{
    serve_no_more(p);
    pb_diags_release(&p->said);
    pb_tf_run_release(&p->run);
}
