#include "run/gate_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "git/history.h"
#include "git/tree.h"
#include "model/json.h"
#include "run/baseline.h"
#include "run/identity.h"
#include "run/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- changes ------------------------------------------------------------------------------ */

static bool asks_for_something(const struct pb_resource_result *r, const struct pb_declared *d)
{
    return (r->action != PB_ACT_NONE && r->action != PB_ACT_READ) ||
           (d && (d->importing || d->previous_address));
}

static const struct pb_gate_attr *attrs_of(struct pb_unit_result *u,
                                           const struct pb_resource_result *r)
{
    const struct pb_schema *s = pb_schema_find(&u->declared.schemas, r->type);
    struct pb_gate_attr *v = pb_arena_zalloc(u->arena, (r->nattrs + 1) * sizeof(*v));

    for (size_t i = 0; i < r->nattrs; i++) {
        const char *path = r->attrs[i].path;
        const char *top = pb_arena_printf(u->arena, "%.*s", (int)strcspn(path, ".["), path);

        v[i] = (struct pb_gate_attr){.path = r->attrs[i].path,
                                     .verdict = r->attrs[i].verdict,
                                     .has_baseline = r->attrs[i].has_baseline,
                                     .baseline_is_live = r->attrs[i].baseline_is_live,
                                     .settable = pb_run_settable(s ? s->root : NULL, top)};
    }
    return v;
}

static bool overwrites(const struct pb_gate_review *r, const char *address)
{
    return r && r->overwrites && r->overwrites(r->ctx, address);
}

/* What base declares and the change does not was Git's, whether it was verified or not. */
static void before_merge(struct pb_gate_change *c, const struct pb_gate_review *r)
{
    const struct pb_declared *was =
        r->base ? pb_declared_find(&r->base->declared.declared, c->address) : NULL;

    if (c->recorded && was && was->planned)
        c->in_baseline = true;
    if (overwrites(r, c->address))
        c->overwrites = "the change asks for something else of what was changed outside of Git";
}

static struct pb_gate_change change_of(const struct pb_gate_history *h, struct pb_unit_result *u,
                                       const struct pb_resource_result *r,
                                       const struct pb_declared *d)
{
    const char *was = d && d->previous_address ? d->previous_address : r->address;
    struct pb_gate_change c = {
        .address = r->address,
        .action = r->action,
        .verdict = r->verdict,
        .also = r->also,
        .recorded = pb_recorded_find(&u->recorded, was) != NULL,
        .in_baseline = u->baseline &&
                       (pb_live_find(u->baseline, r->address) || pb_live_find(u->baseline, was)),
        .moves = d && d->previous_address,
        .imports = d && d->importing,
        .requested = pb_run_requested(u->plan, r->address, r->action),
        .attrs = attrs_of(u, r),
        .nattrs = r->nattrs,
    };

    if (h->review)
        before_merge(&c, h->review);
    if (d)
        c.effects = pb_gate_effects(&c.neffects, h, d->effects, d->neffects, r->action);
    return c;
}

static size_t changes(struct pb_gate_change **out, struct pb_unit_gate *g,
                      const struct pb_gate_history *h, struct pb_unit_result *u)
{
    struct pb_gate_change *v = pb_arena_zalloc(u->arena, (u->out.n + 1) * sizeof(*v));
    size_t n = 0;

    g->results = pb_arena_zalloc(u->arena, (u->out.n + 1) * sizeof(*g->results));
    for (size_t i = 0; i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];
        const struct pb_declared *d = pb_declared_find(&u->declared.declared, r->address);

        g->facts.unseen += pb_verdicts[r->verdict].effect == PB_EFFECT_INCONCLUSIVE;
        if (!asks_for_something(r, d) && !overwrites(h->review, r->address))
            continue;
        g->results[n] = r;
        v[n++] = change_of(h, u, r, d);
    }
    *out = v;
    return n;
}

/* ---- facts -------------------------------------------------------------------------------- */

/* A commit whose history is not here is not known, which is no error of this work. */
static enum pb_tri is_in(struct pb_repo *repo, const char *a, const char *b)
{
    bool yes;

    if (pb_history_is_ancestor(&yes, repo, a, b, NULL) < 0)
        return PB_TRI_UNKNOWN;
    return yes ? PB_TRI_YES : PB_TRI_NO;
}

/* Asked for by this commit's file and by that of the last verified one; the second counts only
 * when the first is satisfied, and then the facts are its own. */
static void look_at_branch(struct pb_gate_facts *f, struct pb_audit *a,
                           const struct pb_config_gate *c, struct pb_arena *arena)
{
    const char *remote = c->remote ? c->remote : "origin";
    char tip[PB_OID_HEX];

    if (!c->branch || (f->branch_is && f->merged != PB_TRI_YES))
        return;
    f->merged = PB_TRI_UNKNOWN;
    f->branch_is = pb_arena_printf(arena, "%s of '%s'", c->branch, remote);
    if (pb_repo_resolve(tip, a->repo,
                        pb_arena_printf(arena, "refs/remotes/%s/%s", remote, c->branch), NULL) == 0)
        f->merged = is_in(a->repo, a->commit, tip);
}

static int look_at_tree(struct pb_gate_facts *f, struct pb_audit *a, struct pb_unit_result *u,
                        struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv reach = PB_STRV_INIT;
    const struct pb_executor *x = pb_executor_named(u->engine);

    pb_units_reach(&reach, &a->found, a->repo, a->commit, &u->config);
    pb_strv_add(&reach, PB_CONFIG_FILE);
    f->clean = PB_TRI_YES;
    for (size_t i = 0; i < reach.n && f->clean == PB_TRI_YES; i++) {
        PB_AUTO(str) char *first = NULL;

        if (pb_repo_dirty(&first, a->repo, reach.v[i], x ? x->leaves : NULL, err) < 0)
            return -1;
        if (!first)
            continue;
        f->clean = PB_TRI_NO;
        f->dirty = pb_arena_strdup(u->arena, first);
    }
    return 0;
}

/* What was verified once, and is in no state that can be seen. */
static int look_for_lost(struct pb_gate_facts *f, struct pb_audit *a, struct pb_unit_result *u,
                         struct pb_err *err)
{
    PB_AUTO(str) char *repo = NULL, *folder = pb_repo_folder(a->repo);

    if (pb_identity_find(&repo, a->repo, err) < 0)
        return -1;
    struct pb_baseline_id id = {.repo = repo,
                                .folder = folder,
                                .unit = u->config.path,
                                .workspace = u->config.workspace,
                                .lineage = u->recorded.lineage};

    return pb_baseline_of_other(&f->lost, &f->lost_lineage, u->arena, &id, err);
}

/* As it follows the commit's id in a message; NULL: it is not here. */
static const char *who_wrote(struct pb_repo *repo, const char *id, struct pb_arena *arena)
{
    struct pb_commit c = {0};
    const char *out = NULL;

    if (id && pb_repo_commit(&c, repo, id, NULL) == 0)
        out = pb_arena_printf(arena, " by %s (\"%s\")", c.author, c.summary);
    pb_commit_release(&c);
    return out;
}

/* What there is to know of the commit that is applied. */
static int look_at_commit(struct pb_gate_facts *f, struct pb_audit *a, struct pb_unit_result *u,
                          const struct pb_config_gate *old, bool any_tree, struct pb_err *err)
{
    if (f->last)
        f->descends = is_in(a->repo, f->last, a->commit);
    look_at_branch(f, a, &a->config.gate, u->arena);
    if (old)
        look_at_branch(f, a, old, u->arena);
    pb_gate_signed(f, a, u, old);
    return any_tree ? 0 : look_at_tree(f, a, u, err);
}

static int facts(struct pb_gate_facts *f, struct pb_audit *a, struct pb_unit_result *u,
                 struct pb_err *err)
{
    const struct pb_declared_set *d = &u->declared.declared;
    bool whole;

    f->commit = a->commit;
    f->last = u->baseline_commit;
    f->last_who = who_wrote(a->repo, f->last, u->arena);
    f->has_baseline = u->baseline != NULL;
    /* Targets leave out what somebody meant to be left out. */
    whole = d->complete || (u->plan && u->plan->targets && !d->broken);
    f->complete = whole && !u->gap ? PB_TRI_YES : PB_TRI_NO;
    f->gap = u->gap;
    f->clean = PB_TRI_YES;
    pb_run_added(f, a, u);
    f->now = pb_clock_wall();
    f->lineage = u->recorded.lineage;
    return look_for_lost(f, a, u, err);
}

/* ---- rules -------------------------------------------------------------------------------- */

/* What the gate of the last verified commit says; NULL when that is the planned one, or there is
 * none. A commit cannot do away with what holds it back. That commit was configured once: when its
 * file cannot be read now, nobody can say what it asks for. */
static int old_gate(const struct pb_config_gate **out, struct pb_audit *audit,
                    struct pb_unit_result *u, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_err inner = PB_ERR_INIT;
    struct pb_config *c = pb_arena_zalloc(u->arena, sizeof(*c));
    const char *last = u->baseline_commit;

    *out = NULL;
    if (!last || strcmp(last, audit->commit) == 0)
        return 0;
    pb_config_default(c);
    if (pb_tree_read(&text, audit->repo, last, PB_CONFIG_FILE, PB_CONFIG_MAX, &inner) < 0) {
        if (inner.sys != ENOENT)
            return pb_fail(err, inner.cls, "%s", inner.msg);
    } else if (pb_config_parse(c, u->arena, text.s, text.len, PB_CONFIG_FILE, err) < 0) {
        return pb_err_wrap(err, "commit %.8s", last);
    }
    *out = &c->gate;
    return 0;
}

static void decide(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                   const struct pb_gate_policy *now, const struct pb_gate_policy *then,
                   const struct pb_gate_review *review)
{
    struct pb_gate_history h = {.audit = a,
                                .u = u,
                                .last = u->baseline_commit,
                                .review = review,
                                .blame = pb_blame_new(a->repo),
                                .known = PB_MAP_INIT};
    const struct pb_declared_set *d = &u->declared.declared;
    struct pb_gate_in in = {.facts = &out->facts, .policy = now, .older = then};
    struct pb_gate_change *v;

    in.n = changes(&v, out, &h, u);
    in.changes = v;
    in.effects = pb_gate_effects(&in.neffects, &h, d->effects, d->neffects, PB_ACT_UNKNOWN);
    pb_gate(&out->out, u->arena, &in);
    out->by = pb_arena_zalloc(u->arena, (in.n + 1) * sizeof(*out->by));
    for (size_t i = 0; i < in.n; i++)
        out->by[i] = pb_gate_author(&h, pb_declared_find(d, v[i].address), out->out.v[i].cause);
    pb_map_release(&h.known);
    pb_blame_free(h.blame);
}

static void put(struct pb_map_builder *b, struct pb_arena *a, const char *key, const char *s)
{
    pb_map_add(b, key, s ? pb_mk_string(a, s) : pb_null);
}

static struct pb_value decisions(struct pb_arena *a, const struct pb_unit_gate *g)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; i < g->out.n; i++) {
        const struct pb_gate_verdict *v = &g->out.v[i];
        struct pb_map_builder b = PB_BUILDER_INIT;

        put(&b, a, "address", v->change->address);
        put(&b, a, "action", pb_action_name(v->change->action));
        put(&b, a, "cause", pb_cause_names[v->cause]);
        put(&b, a, "decision", pb_gate_decision_names[v->decision]);
        put(&b, a, "rule", v->rule);
        put(&b, a, "commit", g->by[i]->commit);
        put(&b, a, "author", g->by[i]->author);
        pb_list_add(&list, pb_map_done(&b, a));
    }
    return pb_list_done(&list, a);
}

static struct pb_value refusals(struct pb_arena *a, const struct pb_gate_out *o)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; i < o->nrefusals; i++)
        pb_list_add(&list, pb_mk_string(a, o->refusals[i].code));
    return pb_list_done(&list, a);
}

/* What policies are asked about: the evidence, and what was decided so far. */
static int ask_others(struct pb_unit_gate *g, struct pb_audit *a, struct pb_unit_result *u,
                      const struct pb_buf *evidence, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf facts = PB_BUF_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT;
    const struct pb_value *doc;
    struct pb_value whole;

    if (!g->rules->npolicies && !(g->old_rules && g->old_rules->npolicies))
        return 0;
    if (pb_json_parse(&doc, u->arena, evidence->s, evidence->len, "the evidence", err) < 0)
        return -1;
    pb_map_add(&b, "format", pb_mk_int(u->arena, 1));
    put(&b, u->arena, "sha256", g->evidence);
    put(&b, u->arena, "decision", pb_gate_decision_names[g->out.decision]);
    pb_map_add(&b, "refusals", refusals(u->arena, &g->out));
    pb_map_add(&b, "decisions", decisions(u->arena, g));
    pb_map_add(&b, "evidence", *doc);
    whole = pb_map_done(&b, u->arena);
    pb_json_add(&facts, &whole);
    return pb_gate_policies(g, a, u, &facts, err);
}

static int gate(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                bool any_tree, const struct pb_gate_review *review, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf evidence = PB_BUF_INIT;
    const char *suffix =
        pb_arena_printf(u->arena, " of %.8s", u->baseline_commit ? u->baseline_commit : "");
    struct pb_ruleset now = {0}, then = {0};
    int rc;

    memset(out, 0, sizeof(*out));
    out->rules = &a->config.gate;
    rc = old_gate(&out->old_rules, a, u, err);
    if (rc == 0)
        rc = pb_ruleset_init(&now, u->arena, a->config.file, "", out->rules, err);
    if (rc == 0 && out->old_rules)
        rc = pb_ruleset_init(&then, u->arena, PB_CONFIG_FILE, suffix, out->old_rules, err);
    if (rc == 0)
        rc = facts(&out->facts, a, u, err);
    out->facts.before_merge = review != NULL;
    if (rc == 0 && !review)
        rc = look_at_commit(&out->facts, a, u, out->old_rules, any_tree, err);
    if (rc == 0)
        decide(out, a, u, &now.policy, out->old_rules ? &then.policy : NULL, review);
    pb_ruleset_release(&now);
    pb_ruleset_release(&then);
    if (rc < 0 || pb_run_evidence(&evidence, out->evidence, out, a, u, err) < 0)
        return -1;
    return ask_others(out, a, u, &evidence, err);
}

enum pb_exit pb_gates_exit(const struct pb_audit *a, const struct pb_unit_gate *gates)
{
    bool changes = false, refused = false;

    if (a->failed)
        return PB_EXIT_ERROR;
    for (size_t i = 0; i < a->nunits; i++) {
        changes |= gates[i].out.n > 0;
        refused |= gates[i].out.decision == PB_GATE_DENY;
    }
    return refused ? PB_EXIT_REFUSED : changes ? PB_EXIT_DRIFT : PB_EXIT_PLUMB;
}

int pb_run_gate(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                bool any_tree, struct pb_err *err)
{
    return gate(out, a, u, any_tree, NULL, err);
}

int pb_run_gate_review(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                       const struct pb_gate_review *r, struct pb_err *err)
{
    return gate(out, a, u, true, r, err);
}
