#include "run/gate_internal.h"

#include "base/mem.h"
#include "git/history.h"
#include "git/tree.h"
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

static const struct pb_gate_attr *attrs_of(struct pb_arena *a, const struct pb_resource_result *r)
{
    struct pb_gate_attr *v = pb_arena_zalloc(a, (r->nattrs + 1) * sizeof(*v));

    for (size_t i = 0; i < r->nattrs; i++)
        v[i] = (struct pb_gate_attr){.path = r->attrs[i].path,
                                     .verdict = r->attrs[i].verdict,
                                     .has_baseline = r->attrs[i].has_baseline,
                                     .baseline_is_live = r->attrs[i].baseline_is_live};
    return v;
}

static struct pb_gate_change change_of(struct pb_audit *audit, struct pb_unit_result *u,
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
        .attrs = attrs_of(u->arena, r),
        .nattrs = r->nattrs,
    };

    if (d)
        c.effects = pb_gate_effects(&c.neffects, u->arena, audit, u->baseline_commit, d->effects,
                                    d->neffects, r->action);
    return c;
}

static size_t changes(struct pb_gate_change **out, struct pb_unit_gate *g, struct pb_audit *audit,
                      struct pb_unit_result *u)
{
    struct pb_gate_change *v = pb_arena_zalloc(u->arena, (u->out.n + 1) * sizeof(*v));
    size_t n = 0;

    g->results = pb_arena_zalloc(u->arena, (u->out.n + 1) * sizeof(*g->results));
    for (size_t i = 0; i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];
        const struct pb_declared *d = pb_declared_find(&u->declared.declared, r->address);

        g->facts.unseen += pb_verdicts[r->verdict].effect == PB_EFFECT_INCONCLUSIVE;
        if (!asks_for_something(r, d))
            continue;
        g->results[n] = r;
        v[n++] = change_of(audit, u, r, d);
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

    pb_units_reach(&reach, &a->found, a->repo, a->commit, &u->config);
    pb_strv_add(&reach, PB_CONFIG_FILE);
    f->clean = PB_TRI_YES;
    for (size_t i = 0; i < reach.n && f->clean == PB_TRI_YES; i++) {
        PB_AUTO(str) char *first = NULL;

        if (pb_repo_dirty(&first, a->repo, reach.v[i], err) < 0)
            return -1;
        if (!first)
            continue;
        f->clean = PB_TRI_NO;
        f->dirty = pb_arena_strdup(u->arena, first);
    }
    return 0;
}

static int facts(struct pb_gate_facts *f, struct pb_audit *a, struct pb_unit_result *u,
                 const struct pb_config_gate *old, bool any_tree, struct pb_err *err)
{
    const struct pb_declared_set *d = &u->declared.declared;
    bool whole;

    f->commit = a->commit;
    f->last = u->baseline_commit;
    f->has_baseline = u->baseline != NULL;
    /* Targets leave out what somebody meant to be left out. */
    whole = d->complete || (u->plan && u->plan->targets && !d->broken);
    f->complete = whole && !u->gap ? PB_TRI_YES : PB_TRI_NO;
    f->gap = u->gap;
    f->clean = PB_TRI_YES;
    pb_run_added(f, a, u);
    if (f->last)
        f->descends = is_in(a->repo, f->last, a->commit);
    look_at_branch(f, a, &a->config.gate, u->arena);
    look_at_branch(f, a, old, u->arena);
    return any_tree ? 0 : look_at_tree(f, a, u, err);
}

/* ---- rules -------------------------------------------------------------------------------- */

static const char *at(struct pb_arena *a, const char *file, int64_t line)
{
    return pb_arena_printf(a, "%s:%lld", file, (long long)line);
}

static unsigned cause_bits(char *const *names)
{
    unsigned bits = 0;
    enum pb_cause c;

    for (; names && *names; names++)
        if (pb_cause_parse(&c, *names) == 0)
            bits |= 1u << c;
    return bits;
}

static unsigned action_bits(char *const *names)
{
    unsigned bits = 0;

    for (; names && *names; names++)
        for (int i = 0; i <= PB_ACT_UNKNOWN; i++)
            if (strcmp(pb_action_name((enum pb_action)i), *names) == 0)
                bits |= 1u << i;
    return bits;
}

static int rule_of(struct pb_gate_rule *out, struct pb_arena *a, const char *file,
                   const struct pb_config_rule *c, struct pb_err *err)
{
    *out = (struct pb_gate_rule){.causes = cause_bits(c->causes),
                                 .actions = action_bits(c->actions),
                                 .reason = c->reason,
                                 .at = at(a, file, c->line)};
    if (pb_gate_decision_parse(&out->decision, c->decide) < 0)
        return pb_fail(err, PB_E_CONFIG, "%s: 'decide' cannot be '%s'", out->at, c->decide);
    return pb_match_compile(&out->address, c->address, file, (int)c->line, err);
}

struct guards {
    struct pb_gate_guard *v;
    size_t n, cap;
};

static int add_guards(struct guards *g, struct pb_arena *a, const char *file, const char *suffix,
                      const struct pb_config_gate *c, struct pb_err *err)
{
    for (size_t i = 0; i < c->nguards; i++) {
        struct pb_gate_guard *one;

        g->v = pb_grow(g->v, &g->cap, g->n + 1, sizeof(*g->v));
        one = &g->v[g->n++];
        *one = (struct pb_gate_guard){
            .reason = c->guards[i].reason,
            .at = pb_arena_printf(a, "%s%s", at(a, file, c->guards[i].line), suffix)};
        if (pb_match_compile(&one->address, c->guards[i].address, file, (int)c->guards[i].line,
                             err) < 0)
            return -1;
    }
    return 0;
}

/* What the gate of the last verified commit says, empty without one. A commit cannot do away with
 * what holds it back. That commit was configured once: when its file cannot be read now, nobody can
 * say what it asks for. */
static int old_gate(struct pb_config *out, bool *another, struct pb_arena *a,
                    struct pb_audit *audit, const char *last, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_err inner = PB_ERR_INIT;

    pb_config_default(out);
    *another = false;
    if (!last || strcmp(last, audit->commit) == 0)
        return 0;
    if (pb_tree_read(&text, audit->repo, last, PB_CONFIG_FILE, PB_CONFIG_MAX, &inner) < 0)
        return inner.sys == ENOENT ? 0 : pb_fail(err, inner.cls, "%s", inner.msg);
    if (pb_config_parse(out, a, text.s, text.len, PB_CONFIG_FILE, err) < 0)
        return pb_err_wrap(err, "commit %.8s", last);
    *another = true;
    return 0;
}

static void release(struct pb_gate_rule *rules, size_t n, struct guards *g)
{
    for (size_t i = 0; i < n; i++)
        pb_match_release(&rules[i].address);
    for (size_t i = 0; i < g->n; i++)
        pb_match_release(&g->v[i].address);
    free(g->v);
}

int pb_run_gate(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                bool any_tree, struct pb_err *err)
{
    const struct pb_config_gate *c = &a->config.gate;
    struct pb_gate_rule *rules = pb_arena_zalloc(u->arena, (c->nrules + 1) * sizeof(*rules));
    PB_AUTO(buf) struct pb_buf evidence = PB_BUF_INIT;
    struct guards g = {0};
    struct pb_gate_policy p = {.rules = rules,
                               .max_delete = c->max_delete,
                               .max_replace = c->max_replace,
                               .need_branch = c->branch != NULL,
                               .see_all = c->coverage && strcmp(c->coverage, "all") == 0};
    struct pb_gate_change *v;
    struct pb_gate_in in = {.facts = &out->facts, .policy = &p};
    struct pb_config *old = pb_arena_zalloc(u->arena, sizeof(*old));
    bool another;
    int rc = old_gate(old, &another, u->arena, a, u->baseline_commit, err);

    memset(out, 0, sizeof(*out));
    out->rules = c;
    out->old_rules = another ? &old->gate : NULL;
    p.has_effects_rule =
        c->provisioners != NULL && pb_gate_decision_parse(&p.effects, c->provisioners) == 0;
    p.need_branch |= rc == 0 && old->gate.branch;
    for (; rc == 0 && p.nrules < c->nrules; p.nrules++)
        rc = rule_of(&rules[p.nrules], u->arena, a->config.file, &c->rules[p.nrules], err);
    if (rc == 0)
        rc = facts(&out->facts, a, u, &old->gate, any_tree, err);
    if (rc == 0)
        rc = add_guards(&g, u->arena, a->config.file, "", c, err);
    if (rc == 0)
        rc = add_guards(
            &g, u->arena, PB_CONFIG_FILE,
            pb_arena_printf(u->arena, " of %.8s", u->baseline_commit ? u->baseline_commit : ""),
            &old->gate, err);
    if (rc == 0) {
        p.guards = g.v;
        p.nguards = g.n;
        in.n = changes(&v, out, a, u);
        in.changes = v;
        in.effects = pb_gate_effects(&in.neffects, u->arena, a, u->baseline_commit,
                                     u->declared.declared.effects, u->declared.declared.neffects,
                                     PB_ACT_UNKNOWN);
        pb_gate(&out->out, u->arena, &in);
    }
    release(rules, p.nrules, &g);
    return rc < 0 ? -1 : pb_run_evidence(&evidence, out->evidence, out, a, u, err);
}
