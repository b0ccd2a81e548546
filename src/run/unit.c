/* One unit, from its state to its verdicts. */
#include "run/session.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/export.h"
#include "git/tree.h"
#include "reconcile/ignore.h"
#include "run/confirm.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Observing while the tool plans: everything it writes is its own until it is joined. */
struct early {
    pthread_t thread;
    bool running;
    struct pb_arena *arena;
    struct pb_live_request rq;
    struct pb_diags diags;
    struct pb_live_set live;
    struct pb_observe_stats stats;
    struct pb_err err;
    int rc;
};

const struct pb_executor *pb_executor_named(const char *name)
{
    for (size_t i = 0; name && pb_executors[i]; i++)
        if (strcmp(pb_executors[i]->name, name) == 0)
            return pb_executors[i];
    return NULL;
}

/* Everything of the commit that the unit can read, as one digest. */
static int tree_key(struct pb_session *j, struct pb_err *err)
{
    const struct pb_audit *a = j->s->audit;
    PB_AUTO(strv) struct pb_strv reach = PB_STRV_INIT;
    int rc;

    pthread_mutex_lock(j->s->git);
    pb_units_reach(&reach, &a->found, a->repo, a->commit, &j->u->config);
    rc = pb_tree_reach(&reach, a->repo, a->commit, err) < 0
             ? -1
             : pb_tree_key(j->key, a->repo, a->commit, &reach, err);
    pthread_mutex_unlock(j->s->git);
    return rc;
}

int pb_session_init(struct pb_session *j, struct pb_err *err)
{
    struct pb_unit_result *u = j->u;
    struct pb_audit *a = j->s->audit;
    PB_AUTO(str) char *state = NULL;

    j->executor = pb_executor_named(u->engine);
    u->plan = j->s->options->plan;
    if (!j->executor)
        return pb_fail(err, PB_E_CONFIG, "nothing here can run a unit of engine '%s'",
                       u->engine ? u->engine : "unknown");
    if (u->config.state && pb_repo_workdir(a->repo))
        state = pb_fs_join(pb_repo_workdir(a->repo), u->config.state);
    j->ctx = (struct pb_unit_ctx){
        .name = u->config.name,
        .path = u->config.path,
        .worktree = pb_repo_workdir(a->repo),
        .workspace = u->config.workspace,
        .tree_key = j->key,
        .var_files = u->config.var_files,
        .vars = u->config.vars,
        .backend_config = u->config.backend_config,
        .tool = u->config.tool,
        .state_path = state ? pb_arena_strdup(u->arena, state) : u->config.state,
        .providers = u->config.providers,
        .seal = &j->s->seal,
        .cache_dir = j->s->cache_dir,
        .data_source_ttl_ms = (long)a->config.cache.data_source_ttl,
        .accept_state = j->s->options->accept_state,
        .plan = j->s->options->plan,
        .progress = j->s->options->progress,
        .diags = &u->diags,
        .crew = j->s->crew,
    };
    if (!j->s->options->act && !j->beside && j->executor->ahead)
        j->ctx.ahead = j->executor->ahead(&j->ctx);
    if (tree_key(j, err) < 0)
        return -1;
    if (j->s->options->act) {
        j->ctx.save = &j->saved;
        if (j->s->options->act->begin(j->s->options->act->ctx, j, err) < 0)
            return -1;
    }
    if (!j->work && pb_work_new(&j->work, err) < 0)
        return -1;
    j->ctx.work = j->work;
    return 0;
}

static int export(struct pb_audit_shared *s, struct pb_err *err)
{
    struct pb_audit *a = s->audit;
    struct pb_export e = {0};
    struct pb_export_spec spec = {.commit = a->commit};
    int rc;

    if (!s->tree && pb_work_new(&s->tree, err) < 0)
        return -1;
    spec.dir = s->tree;
    rc = pb_export(&e, a->repo, &spec, err);
    pb_export_release(&e);
    s->exported = rc == 0;
    if (rc < 0) {
        pb_work_remove(s->tree);
        free(pb_take(&s->tree));
    }
    return rc;
}

int pb_session_tree(struct pb_session *j, struct pb_err *err)
{
    int rc;

    pthread_mutex_lock(j->s->git);
    rc = j->s->exported ? 0 : export(j->s, err);
    j->ctx.tree = j->s->tree;
    pthread_mutex_unlock(j->s->git);
    return rc;
}

static const struct pb_unit_ctx *unit_with_tree(void *ctx, struct pb_err *err)
{
    struct pb_session *j = ctx;

    return pb_session_tree(j, err) < 0 ? NULL : &j->ctx;
}

/* Looked for anew each time: the tool may have installed some since. */
static const struct pb_plugin_site *plugins_now(void *ctx)
{
    struct pb_session *j = ctx;

    return j->executor->plugin_site(&j->site, j->u->arena, &j->ctx, &j->u->recorded, NULL) < 0
               ? NULL
               : &j->site;
}

struct pb_live_request pb_session_request(struct pb_session *j)
{
    const struct pb_audit *a = j->s->audit;

    return (struct pb_live_request){
        .plugins = j->executor->plugin_site ? plugins_now : NULL,
        .unit = unit_with_tree,
        .ctx = j,
        .ahead = &j->ahead,
        .recorded = &j->u->recorded,
        .whole = j->whole.n ? &j->whole : NULL,
        .local_types = j->s->local_types,
        .observer = j->s->options->observer,
        .pack_dirs = j->s->pack_dirs,
        .concurrency = j->s->requests,
        .timeout_ms = (long)a->config.observe.timeout,
        .progress = j->s->options->progress,
        .diags = &j->u->diags,
    };
}

static void *early_main(void *ctx)
{
    struct early *e = ctx;

    e->rc = pb_live_read(&e->live, &e->stats, e->arena, &e->rq, &e->err);
    return NULL;
}

/* Fine when it cannot start: observing then happens afterwards. */
static void early_start(struct early *e, struct pb_session *j)
{
    const struct pb_provider_config *v = NULL;
    size_t n = 0;

    const struct pb_observer *only =
        j->s->options->observer ? pb_live_observer(j->s->options->observer) : NULL;

    /* Plugins may not be there before the tool has installed them. */
    if ((only && only->confirms) || !j->executor->preview_providers || !j->u->recorded.n ||
        j->executor->preview_providers(&v, &n, j->u->arena, &j->ctx, NULL) < 0 || !n)
        return;
    e->arena = pb_arena_new();
    e->rq = pb_session_request(j);
    e->rq.providers = v;
    e->rq.nproviders = n;
    e->rq.diags = &e->diags;
    e->running = pthread_create(&e->thread, NULL, early_main, e) == 0;
}

/* Takes over what was observed early, and reads again what was read with other settings. */
static int early_finish(struct early *e, struct pb_session *j, struct pb_err *err)
{
    struct pb_unit_result *u = j->u;
    struct pb_live_request rq = pb_session_request(j);
    const struct pb_declare_result *d = &u->declared;
    struct pb_live *v;
    size_t again;

    rq.providers = d->declared.providers;
    rq.nproviders = d->declared.nproviders;
    rq.schemas = &d->schemas;
    if (e->rc < 0) {
        *err = e->err;
        return -1;
    }
    v = pb_arena_zalloc(u->arena, (e->live.n + 1) * sizeof(*v));
    for (size_t i = 0; i < e->live.n; i++) {
        const struct pb_live *l = &e->live.v[i];
        const struct pb_recorded *r = pb_recorded_find(&u->recorded, l->address);
        const struct pb_schema *s = r ? pb_schema_find(&d->schemas, r->type) : NULL;

        v[i] = *l;
        v[i].address = pb_arena_strdup(u->arena, l->address);
        v[i].observer = l->observer ? pb_arena_strdup(u->arena, l->observer) : NULL;
        v[i].reason = l->reason ? pb_arena_strdup(u->arena, l->reason) : NULL;
        v[i].unseeable = pb_arena_names(u->arena, l->unseeable);
        if (l->attributes) {
            struct pb_value copy = pb_value_copy(u->arena, l->attributes);

            copy = pb_live_mark(u->arena, &copy, r ? r->attributes : NULL, s ? s->root : NULL);
            v[i].attributes = pb_box(u->arena, copy);
        }
    }
    u->live = (struct pb_live_set){v, e->live.n};
    u->stats = e->stats;
    for (size_t i = 0; i < e->diags.n; i++)
        pb_diag_add(&u->diags, u->arena, e->diags.v[i].severity, e->diags.v[i].code,
                    e->diags.v[i].address, "%s", e->diags.v[i].message);
    return pb_live_again(&u->live, &again, &u->stats, u->arena, &rq, e->rq.providers,
                         e->rq.nproviders, err);
}

static int observe(struct pb_session *j, struct pb_err *err)
{
    struct pb_live_request rq = pb_session_request(j);

    rq.providers = j->u->declared.declared.providers;
    rq.nproviders = j->u->declared.declared.nproviders;
    rq.schemas = &j->u->declared.schemas;
    return pb_live_read(&j->u->live, &j->u->stats, j->u->arena, &rq, err);
}

static void refine(struct pb_session *j)
{
    if (j->executor->refine)
        j->executor->refine(&j->u->recorded, j->u->arena, &j->u->declared.schemas);
}

static int plan_and_observe(struct pb_session *j, struct pb_err *err)
{
    struct early e = {.rc = -1};
    int rc = -1;

    if (pb_session_tree(j, err) < 0)
        return -1;
    early_start(&e, j);
    rc = j->executor->declare(&j->u->declared, j->u->arena, &j->ctx, &j->u->recorded, err);
    if (e.running)
        pthread_join(e.thread, NULL);
    if (rc == 0) {
        /* Only now: the other thread reads the recorded side too. */
        refine(j);
        rc = e.running ? early_finish(&e, j, err) : observe(j, err);
    }
    pb_diags_release(&e.diags);
    pb_arena_free(e.arena);
    return rc;
}

static bool same_state(const struct pb_recorded_set *a, const struct pb_recorded_set *b)
{
    return a->serial == b->serial && pb_streq(a->lineage, b->lineage) &&
           strcmp(a->sha256, b->sha256) == 0;
}

/* The backend's place is in the files: the first audit of a tree needs them for that. */
int pb_session_record(struct pb_recorded_set *out, struct pb_arena *a, struct pb_session *j,
                      struct pb_err *err)
{
    if (j->executor->record(out, a, &j->ctx, err) == 0)
        return 0;
    if (err->sys != ENODATA || j->ctx.tree)
        return -1;
    pb_err_clear(err);
    return pb_session_tree(j, err) < 0 ? -1 : j->executor->record(out, a, &j->ctx, err);
}

int pb_session_moved(bool *moved, const struct pb_recorded_set *before, struct pb_session *j,
                     struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *scratch = pb_arena_new();
    struct pb_recorded_set after;
    bool same;

    if (j->executor->unmoved) {
        if (j->executor->unmoved(&same, scratch, &j->ctx, before, err) < 0)
            return -1;
    } else {
        if (pb_session_record(&after, scratch, j, err) < 0)
            return -1;
        same = same_state(before, &after);
    }
    *moved = !same;
    return 0;
}

struct pb_baseline_id pb_session_baseline(const struct pb_session *j)
{
    return (struct pb_baseline_id){.repo = j->s->repo_id,
                                   .folder = j->s->repo_folder,
                                   .unit = j->u->config.path,
                                   .workspace = j->u->config.workspace,
                                   .lineage = j->u->recorded.lineage,
                                   .commit = j->s->audit->commit};
}

int pb_session_save_baseline(struct pb_session *j, const struct pb_recorded_set *state,
                             struct pb_err *err)
{
    struct pb_unit_result *u = j->u;
    struct pb_baseline_id id = pb_session_baseline(j);

    id.lineage = state->lineage;
    return pb_baseline_save(&id, &u->live, &u->out, j->baseline, state, &j->s->seal,
                            &u->baseline_saved, err);
}

/* The recorded side as the observer's own upgrade of it has it: an older schema's is no drift. */
static void take_upgraded(struct pb_session *j)
{
    struct pb_unit_result *u = j->u;
    struct pb_recorded *v = NULL;

    for (size_t i = 0; i < u->live.n; i++) {
        const struct pb_live *l = &u->live.v[i];
        const struct pb_recorded *r =
            l->upgraded ? pb_recorded_find(&u->recorded, l->address) : NULL;
        const struct pb_schema *s = r ? pb_schema_find(&u->declared.schemas, r->type) : NULL;

        if (!r)
            continue;
        if (!v) {
            v = pb_arena_alloc(u->arena, u->recorded.n * sizeof(*v));
            memcpy(v, u->recorded.v, u->recorded.n * sizeof(*v));
        }
        v[r - u->recorded.v].attributes = pb_box(
            u->arena, pb_live_mark(u->arena, l->upgraded, r->attributes, s ? s->root : NULL));
    }
    if (v)
        u->recorded.v = v;
}

static void reconcile(struct pb_unit_result *u, const struct pb_audit_shared *s,
                      const struct pb_live_set *baseline, const struct pb_neighbour *others,
                      size_t nothers)
{
    const struct pb_reconcile_in whole = {.declared = &u->declared.declared,
                                          .recorded = &u->whole,
                                          .echoes = s->echoes,
                                          .others = others,
                                          .nothers = nothers};

    pb_reconcile(&u->out, u->arena,
                 &(struct pb_reconcile_in){.declared = &u->declared.declared,
                                           .recorded = &u->recorded,
                                           .live = &u->live,
                                           .baseline = baseline,
                                           .schemas = &u->declared.schemas,
                                           .ignore = u->ignore,
                                           .echoes = s->echoes,
                                           .seal = &s->seal,
                                           .all = s->options->all,
                                           .others = others,
                                           .nothers = nothers,
                                           .whole = u->whole.n ? &whole : NULL});
}

/* What a unit alone calls nobody's may be in the state of another one. */
void pb_audit_owners_elsewhere(struct pb_audit_shared *s)
{
    struct pb_audit *a = s->audit;
    struct pb_neighbour *v = pb_calloc(a->nunits + 1, sizeof(*v));

    for (size_t i = 0; i < a->nunits; i++) {
        size_t n = 0;

        if (a->units[i].failed || !a->units[i].out.nobodys)
            continue;
        for (size_t k = 0; k < a->nunits; k++)
            if (k != i && a->units[k].whole.n) /* also of one whose plan failed */
                v[n++] = (struct pb_neighbour){a->units[k].config.name, &a->units[k].whole};
        if (n)
            reconcile(&a->units[i], s, a->units[i].baseline, v, n);
    }
    free(v);
}

void pb_session_reconcile(struct pb_session *j)
{
    struct pb_unit_result *u = j->u;
    int64_t start = pb_clock_ms();

    if (!j->beside) /* else what it borrows has it already */
        take_upgraded(j);
    reconcile(u, j->s, j->baseline, NULL, 0);
    u->reconcile_ms += (long)(pb_clock_ms() - start);
}

int pb_session_judge(struct pb_session *j, struct pb_err *err)
{
    struct pb_unit_result *u = j->u;
    struct pb_baseline_id id = pb_session_baseline(j);
    struct pb_live_request rq = pb_session_request(j);
    bool cross = j->s->options->cross_check;
    struct pb_err berr = PB_ERR_INIT;
    struct pb_reconcile_out before;
    struct pb_confirmed done;

    pb_narrow_live(j);
    j->baseline = NULL;
    u->reconcile_ms = 0;
    if (pb_baseline_load(&j->baseline, &u->baseline_commit, u->arena, &id, &berr) < 0)
        pb_diag_add(&u->diags, u->arena, "warning", "baseline", NULL, "%s", berr.msg);
    u->baseline = j->baseline;
    pb_session_reconcile(j);
    before = u->out;
    rq.providers = u->declared.declared.providers;
    rq.nproviders = u->declared.declared.nproviders;
    rq.schemas = &u->declared.schemas;
    if (pb_confirm(&done, &u->live, &u->stats, u->arena, &before, cross, &rq, err) < 0)
        return -1;
    if (!done.n)
        return 0;
    pb_session_reconcile(j);
    pb_confirm_tell(&done, &u->out, cross, &u->diags);
    return 0;
}

static bool moved_outside(enum pb_verdict v)
{
    switch (v) {
    case PB_COMPUTED: /* Git is silent, but the provider may want its default back */
    case PB_STALE_RECORD:
    case PB_CONVERGED:
    case PB_UNKNOWN_V:
    case PB_UNOBSERVED:
    case PB_DRIFTED:
    case PB_MISSING:
    case PB_CONFLICT: return true;
    case PB_IN_SYNC:
    case PB_UNCHECKED:
    case PB_PENDING:
    case PB_UNMANAGED:
    case PB_LAUNDERED:
    case PB_NVERDICTS: break;
    }
    return false;
}

/* What nobody owns, and the state has known for long: no refresh would find anything. */
static bool is_recorded(const struct pb_attr_result *a)
{
    return a->nobodys && a->recorded && a->live && pb_value_equal(a->recorded, a->live);
}

/* Whether a plan that believes the state would not do what an apply does: where the world is
 * not what the state says, ignore rule or not (Terraform does not know them). */
static bool must_refresh(const struct pb_reconcile_out *out, const struct pb_declared_set *d,
                         bool partial)
{
    for (size_t i = 0; i < out->n; i++) {
        const struct pb_resource_result *r = &out->v[i];

        /* What the targets leave out is not looked at by a refresh either. */
        if (partial && !pb_declared_find(d, r->address))
            continue;
        /* Of what is computed, its attributes tell. */
        if ((r->verdict != PB_COMPUTED && moved_outside(r->verdict)) || moved_outside(r->also))
            return true;
        for (size_t k = 0; k < r->nattrs; k++)
            if (moved_outside(r->attrs[k].verdict) && !is_recorded(&r->attrs[k]))
                return true;
    }
    return false;
}

/* What an apply would do, where the world is not what the state says. */
static int plan_again(struct pb_session *j, struct pb_err *err)
{
    struct pb_unit_result *u = j->u;
    struct pb_declare_result believing = u->declared;
    struct pb_err why = PB_ERR_INIT;
    int rc;

    if (!j->s->options->as_applied ||
        !must_refresh(&u->out, &u->declared.declared, j->ctx.plan && j->ctx.plan->targets))
        return 0;
    if (pb_session_tree(j, err) < 0)
        return -1;
    j->ctx.refresh = true;
    rc = j->executor->declare(&u->declared, u->arena, &j->ctx, &u->recorded, &why);
    j->ctx.refresh = false;
    if (pb_cancel_check(err) < 0)
        return -1;
    if (rc < 0 && j->ctx.save) {
        if (err)
            *err = why;
        return -1;
    }
    if (rc < 0) { /* what the state alone says is still worth showing */
        u->declared = believing;
        u->gap =
            pb_arena_printf(u->arena, "what changed outside could not be planned: %s", why.msg);
        return 0;
    }
    u->declared.prepare_ms += believing.prepare_ms;
    u->declared.plan_ms += believing.plan_ms;
    u->declared.show_ms += believing.show_ms;
    pb_narrow_declared(j);
    pb_session_reconcile(j);
    return 0;
}

static int finish(struct pb_session *j, struct pb_err *err)
{
    struct pb_unit_result *u = j->u;

    pb_ignore_problems(u->ignore, &u->diags, u->arena);
    if (!j->s->options->save_baseline)
        return 0;
    if (j->s->options->targets)
        return pb_fail(err, PB_E_USAGE,
                       "--save-baseline remembers whole units: leave --target out");
    return pb_session_save_baseline(j, &j->whole, err);
}

static int act(struct pb_session *j, struct pb_err *err)
{
    const struct pb_audit_act *a = j->s->options->act;

    if (a)
        return a->act(a->ctx, j, err);
    return j->s->then ? j->s->then(j, err) : 0;
}

/* The secrets of provider blocks are in the files alone. */
static int declare_cached(bool *hit, struct pb_session *j, struct pb_err *err)
{
    struct pb_unit_result *u = j->u;

    if (j->executor->declare_cached(&u->declared, hit, u->arena, &j->ctx, &j->whole, err) == 0)
        return 0;
    if (err->sys != ENODATA || j->ctx.tree)
        return -1;
    pb_err_clear(err);
    if (pb_session_tree(j, err) < 0)
        return -1;
    return j->executor->declare_cached(&u->declared, hit, u->arena, &j->ctx, &j->whole, err);
}

int pb_session_declare(struct pb_session *j, struct pb_err *err)
{
    bool hit = false;

    if (declare_cached(&hit, j, err) < 0)
        return -1;
    if (hit)
        return 0;
    return pb_session_tree(j, err) < 0
               ? -1
               : j->executor->declare(&j->u->declared, j->u->arena, &j->ctx, &j->whole, err);
}

int pb_session_look_again(bool *done, struct pb_session *j, const struct pb_reconcile_out *seen,
                          struct pb_err *err)
{
    struct pb_unit_result *u = j->u;
    struct pb_live_request rq = pb_session_request(j);
    struct pb_confirmed c;

    rq.providers = u->declared.declared.providers;
    rq.nproviders = u->declared.declared.nproviders;
    rq.schemas = &u->declared.schemas;
    if (pb_confirm(&c, &u->live, &u->stats, u->arena, seen, false, &rq, err) < 0)
        return -1;
    *done = c.n > 0;
    return 0;
}

/* All three sides, seen while the state stood still. */
static int gather_once(struct pb_session *j, bool *moved, struct pb_err *err)
{
    struct pb_unit_result *u = j->u;
    bool hit = false;
    int rc;

    *moved = false;
    if (pb_session_record(&j->whole, u->arena, j, err) < 0)
        return -1;
    u->whole = j->whole;
    if (!j->ahead.of)
        pb_live_ahead_start(&j->ahead, j->s->crew, j->s->options->observer, j->s->pack_dirs,
                            &j->whole);
    if (!j->ctx.save && declare_cached(&hit, j, err) < 0)
        return -1;
    u->recorded = j->whole;
    if (hit) {
        refine(j);
        pb_narrow_recorded(j);
        rc = observe(j, err);
    } else {
        /* The plan is about all of the state; what is observed follows the targets. */
        rc = plan_and_observe(j, err);
        pb_narrow_recorded(j);
    }
    if (rc < 0 || pb_cancel_check(err) < 0)
        return -1;
    pb_narrow_declared(j);
    if (pb_session_judge(j, err) < 0 || plan_again(j, err) < 0)
        return -1;
    return pb_session_moved(moved, &j->whole, j, err);
}

static int gather(struct pb_session *j, struct pb_err *err)
{
    bool moved;

    for (int tries = 0; tries < 2; tries++) {
        if (gather_once(j, &moved, err) < 0)
            return -1;
        if (!moved)
            return 0;
        pb_diag_add(&j->u->diags, j->u->arena, "notice", "state-moved", NULL,
                    "the state changed during the audit: what was seen is thrown away");
    }
    return pb_fail(err, PB_E_LOCKED,
                   "the state of '%s' keeps changing: somebody applies at this moment, try later",
                   j->u->config.name);
}

/* A file of the commit is named as it is in the repository: the copy is gone when it is read. */
static void name_in_repository(struct pb_err *err, const char *copy)
{
    PB_AUTO(str) char *prefix = copy ? pb_asprintf("%s/", copy) : NULL;
    char *p;

    while (prefix && err && (p = strstr(err->msg, prefix)))
        memmove(p, p + strlen(prefix), strlen(p + strlen(prefix)) + 1);
}

void pb_session_end(struct pb_session *j, struct pb_err *err)
{
    name_in_repository(err, j->s->packs);
    pb_live_ahead_end(&j->ahead);
    if (j->executor && j->executor->ahead_end)
        j->executor->ahead_end(j->ctx.ahead);
    pb_map_release(&j->renamed);
    if (!j->keep)
        pb_work_remove(j->work);
    free(j->work);
}

int pb_audit_unit(struct pb_unit_result *u, struct pb_audit_shared *s, struct pb_err *err)
{
    struct pb_session j = {.u = u, .s = s, .renamed = PB_MAP_INIT};
    int64_t start = pb_clock_ms();
    int rc = -1;

    if (pb_audit_ignore(u, &s->audit->config, s->options->ignore, err) == 0 &&
        pb_session_init(&j, err) == 0 && gather(&j, err) == 0 && act(&j, err) == 0 &&
        finish(&j, err) == 0)
        rc = 0;
    u->elapsed_ms = (long)(pb_clock_ms() - start);
    pb_session_end(&j, err);
    return rc;
}
