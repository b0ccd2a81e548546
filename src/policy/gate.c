#include "policy/gate.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const char *const pb_gate_decision_names[] = {"allow", "ask", "deny"};

static const enum pb_gate_decision defaults[PB_NCAUSES] = {
    [PB_CAUSE_RECORD] = PB_GATE_ALLOW,   [PB_CAUSE_GIT] = PB_GATE_ALLOW,
    [PB_CAUSE_REVERT] = PB_GATE_ASK,     [PB_CAUSE_REQUESTED] = PB_GATE_ASK,
    [PB_CAUSE_OVERWRITE] = PB_GATE_DENY, [PB_CAUSE_UNEXPLAINED] = PB_GATE_DENY,
    [PB_CAUSE_UNSEEN] = PB_GATE_DENY,
};

int pb_gate_decision_parse(enum pb_gate_decision *out, const char *name)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(pb_gate_decision_names[i], name) == 0) {
            *out = (enum pb_gate_decision)i;
            return 0;
        }
    return -1;
}

struct gate {
    struct pb_gate_out *out;
    struct pb_arena *arena;
    const struct pb_gate_in *in;
    const struct pb_gate_policy *policy; /* the one that is asked */
};

static void stricter(enum pb_gate_decision *d, enum pb_gate_decision than)
{
    if (than > *d)
        *d = than;
}

/* ---- each change -------------------------------------------------------------------------- */

static bool destroys(const struct pb_gate_change *c)
{
    return c->action == PB_ACT_DELETE || c->action == PB_ACT_REPLACE || c->action == PB_ACT_UNKNOWN;
}

static const char *place(struct gate *g, const char *at, const char *reason)
{
    return reason ? pb_arena_printf(g->arena, "%s (%s)", at, reason) : at;
}

/* A pattern that fails may have been meant: what it allows is not allowed, what it guards is
 * guarded. */
static bool rule_fits(struct gate *g, const struct pb_gate_rule *r, struct pb_gate_verdict *v)
{
    int rc;

    if ((r->causes && !(r->causes & 1u << v->cause)) ||
        (r->actions && !(r->actions & 1u << v->change->action)))
        return false;
    rc = pb_match_address(&r->address, v->change->address);
    if (rc < 0) {
        v->decision = PB_GATE_DENY;
        v->rule = pb_arena_printf(g->arena, "the pattern at %s failed", r->at);
        return true;
    }
    if (rc == 0)
        return false;
    v->decision = r->decision;
    v->rule = place(g, r->at, r->reason);
    return true;
}

static void apply_guards(struct gate *g, struct pb_gate_verdict *v)
{
    const struct pb_gate_policy *p = g->policy;

    for (size_t i = 0; i < p->nguards && destroys(v->change); i++) {
        if (pb_match_address(&p->guards[i].address, v->change->address) == 0)
            continue;
        v->decision = PB_GATE_DENY;
        v->guarded = true;
        v->by_default = false;
        v->rule = pb_arena_printf(g->arena, "protected by %s",
                                  place(g, p->guards[i].at, p->guards[i].reason));
        return;
    }
}

const char *const pb_gate_origins[PB_NORIGINS] = {"none", "committed", "verified"};

static enum pb_gate_decision of_effect(const struct pb_gate_policy *p,
                                       const struct pb_gate_effect *e)
{
    static const enum pb_gate_decision by_origin[PB_NORIGINS] = {
        [PB_ORIGIN_NONE] = PB_GATE_DENY,
        [PB_ORIGIN_COMMITTED] = PB_GATE_ASK,
        [PB_ORIGIN_VERIFIED] = PB_GATE_ALLOW};

    return p->has_effects_rule ? p->effects : by_origin[e->origin];
}

static const char *about_effect(struct gate *g, const struct pb_gate_effect *e)
{
    static const char *const words[PB_NORIGINS] = {"no commit of this repository has it",
                                                   "no verified apply had it like this",
                                                   "it was verified like this"};

    return pb_arena_printf(g->arena, "'%s'%s%s, of which no plan tells what it does (%s)", e->what,
                           e->where ? " of " : "", e->where ? e->where : "", words[e->origin]);
}

static void apply_effects(struct gate *g, struct pb_gate_verdict *v)
{
    for (size_t i = 0; i < v->change->neffects; i++) {
        const struct pb_gate_effect *e = &v->change->effects[i];
        enum pb_gate_decision d = of_effect(g->policy, e);

        if (d <= v->decision)
            continue;
        v->decision = d;
        v->by_default = false;
        v->rule = pb_arena_printf(g->arena,
                                  "%s: it starts %s; 'gate: provisioners: allow' in plumb.yaml "
                                  "lets such things run",
                                  g->policy->has_effects_rule ? "gate.provisioners"
                                                              : "the default for provisioners",
                                  about_effect(g, e));
    }
}

/* What the policy that is asked says of it; the cause is known. */
static void decide(struct gate *g, struct pb_gate_verdict *v)
{
    const struct pb_gate_policy *p = g->policy;
    bool decided = false;

    for (size_t i = 0; i < p->nrules && !decided; i++)
        decided = rule_fits(g, &p->rules[i], v);
    v->by_default = !decided;
    v->guarded = false;
    if (!decided) {
        v->decision = defaults[v->cause];
        v->rule = pb_arena_printf(g->arena, "the default for %s", pb_cause_names[v->cause]);
    }
    /* No rule can make seen what was not. */
    if (v->cause == PB_CAUSE_UNSEEN && v->decision == PB_GATE_ALLOW) {
        v->decision = PB_GATE_ASK;
        v->rule = pb_arena_printf(g->arena, "%s; unseen is never allowed unasked", v->rule);
    }
    apply_effects(g, v);
    apply_guards(g, v);
}

/* A commit is not judged by its own rules alone: it could bring the rule that lets it pass. */
static void judge(struct gate *g, struct pb_gate_verdict *v)
{
    v->cause = pb_cause_of(&v->why, g->arena, v->change, g->in->facts->has_baseline);
    if (v->change->overwrites && v->cause != PB_CAUSE_UNSEEN) {
        v->cause = PB_CAUSE_OVERWRITE;
        v->why = v->change->overwrites;
    }
    if (v->cause == PB_CAUSE_GIT && g->in->facts->outside) {
        v->cause = PB_CAUSE_UNEXPLAINED;
        v->why = pb_arena_printf(g->arena,
                                 "Git alone does not say so, with %s: put them into plumb.yaml or "
                                 "a file in Git",
                                 g->in->facts->outside);
    }
    decide(g, v);
    if (g->in->older) {
        struct pb_gate_verdict then = *v;

        g->policy = g->in->older;
        decide(g, &then);
        g->policy = g->in->policy;
        v->guarded |= then.guarded;
        if (then.decision > v->decision) {
            v->decision = then.decision;
            v->by_default = then.by_default;
            v->rule = strstr(then.rule, "the default for") == then.rule
                          ? pb_arena_printf(g->arena, "%s, since the rules%s have no other",
                                            then.rule, g->in->older->suffix)
                          : then.rule;
        }
    }
    g->out->by_cause[v->cause]++;
    g->out->by_decision[v->decision]++;
    stricter(&g->out->decision, v->decision);
}

/* ---- the whole ---------------------------------------------------------------------------- */

void pb_gate_refuse(struct pb_gate_out *o, struct pb_arena *a, const char *code, const char *what,
                    const char *remedy)
{
    struct pb_gate_refusal *v = pb_arena_alloc(a, (o->nrefusals + 1) * sizeof(*v));

    if (o->nrefusals)
        memcpy(v, o->refusals, o->nrefusals * sizeof(*v));
    v[o->nrefusals++] = (struct pb_gate_refusal){code, what, remedy};
    o->refusals = v;
    o->decision = PB_GATE_DENY;
}

void pb_gate_raise(struct pb_gate_out *o, enum pb_gate_decision d, const char *rule)
{
    for (size_t i = 0; i < o->n; i++) {
        if (o->v[i].decision >= d)
            continue;
        o->by_decision[o->v[i].decision]--;
        o->by_decision[d]++;
        o->v[i].decision = d;
        o->v[i].by_default = false;
        o->v[i].rule = rule;
    }
    if (o->n)
        stricter(&o->decision, d);
}

static void refuse(struct gate *g, const char *code, const char *what, const char *remedy)
{
    pb_gate_refuse(g->out, g->arena, code, what, remedy);
}

static void check_commit(struct gate *g)
{
    const struct pb_gate_facts *f = g->in->facts;
    struct pb_arena *a = g->arena;

    if (f->clean == PB_TRI_NO)
        refuse(g, "dirty-tree",
               pb_arena_printf(a, "'%s' is not committed", f->dirty ? f->dirty : "something"),
               "commit it, or take it away: only what is in Git can be applied");
    else if (f->clean == PB_TRI_UNKNOWN)
        refuse(g, "dirty-tree", "whether everything is committed could not be seen",
               "run plumb in a clone whose work tree git status can read");
    if (f->last && f->descends == PB_TRI_NO)
        refuse(g, "stale-commit",
               pb_arena_printf(a,
                               "commit %.8s does not contain %.8s%s, which was applied last: it "
                               "would take back what others applied",
                               f->commit, f->last, f->last_who ? f->last_who : ""),
               pb_arena_printf(a, "rebase or merge so that %.8s is in it", f->last));
    else if (f->last && f->descends == PB_TRI_UNKNOWN)
        refuse(g, "stale-commit",
               pb_arena_printf(a,
                               "whether commit %.8s contains %.8s, which was applied last, "
                               "cannot be told",
                               f->commit, f->last),
               "fetch the missing history: git fetch --unshallow");
    if ((!g->policy->need_branch && !(g->in->older && g->in->older->need_branch)) ||
        f->merged == PB_TRI_YES)
        return;
    refuse(g, "not-merged",
           pb_arena_printf(a,
                           f->merged == PB_TRI_NO ? "commit %.8s is not on %s"
                                                  : "whether commit %.8s is on %s cannot be told",
                           f->commit, f->branch_is ? f->branch_is : "the branch"),
           f->merged == PB_TRI_NO ? "merge and push it, then apply what was merged"
                                  : "fetch that branch first");
}

static void check_signatures(struct gate *g)
{
    const struct pb_gate_facts *f = g->in->facts;

    if (f->needs_signature && f->not_signed)
        refuse(g, "not-signed", f->not_signed,
               "sign the commit ('git commit -S') with a key that was allowed before it");
}

static void check_state(struct gate *g)
{
    const struct pb_gate_facts *f = g->in->facts;

    if (!f->lost)
        return;
    refuse(g, "state-lost",
           f->lineage
               ? pb_arena_printf(g->arena,
                                 "the state has lineage '%s', and %zu resources were verified in "
                                 "one with '%s': it is another's, or was begun anew",
                                 f->lineage, f->lost, f->lost_lineage)
               : pb_arena_printf(g->arena,
                                 "there is no state, and %zu resources were verified in one with "
                                 "lineage '%s': all of them would be made a second time",
                                 f->lost, f->lost_lineage),
           "restore the state, or correct where it is; if it is meant to begin anew: 'plumb audit "
           "--accept-state --save-baseline'");
}

static const char *suffix(const struct gate *g)
{
    return g->policy->suffix ? g->policy->suffix : "";
}

static bool check_effects(struct gate *g)
{
    for (size_t i = 0; i < g->in->neffects; i++) {
        const struct pb_gate_effect *e = &g->in->effects[i];

        if (of_effect(g->policy, e) == PB_GATE_ALLOW)
            continue;
        refuse(g, "action", pb_arena_printf(g->arena, "the plan starts %s", about_effect(g, e)),
               pb_arena_printf(g->arena, "'gate: provisioners: allow' in plumb.yaml%s lets it run",
                               suffix(g)));
        return true;
    }
    return false;
}

static bool check_coverage(struct gate *g)
{
    if (!g->policy->see_all || !g->in->facts->unseen)
        return false;
    refuse(g, "coverage",
           pb_arena_printf(g->arena, "%zu resources of the unit could not be observed",
                           g->in->facts->unseen),
           "'plumb audit' says why for each of them");
    return true;
}

static const char *when(struct gate *g, time_t t)
{
    char s[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(s, t);
    return pb_arena_strdup(g->arena, s);
}

static bool check_windows(struct gate *g)
{
    const struct pb_windows *w = &g->policy->windows;
    const struct pb_freeze *freeze;
    const char *by;
    time_t next;

    if (g->in->facts->before_merge || pb_windows_open(&freeze, w, g->in->facts->now))
        return false;
    next = pb_windows_next(w, g->in->facts->now);
    by = freeze      ? place(g, freeze->at, freeze->reason)
         : w->n == 1 ? place(g, w->v[0].at, w->v[0].reason)
                     : pb_arena_printf(g->arena, "the windows from %s on", w->v[0].at);
    refuse(g, "closed",
           pb_arena_printf(g->arena, "at %s nothing is applied: %s by %s",
                           when(g, g->in->facts->now), freeze ? "it is frozen" : "it is closed",
                           by),
           next < 0 ? "no window opens within a year: change plumb.yaml"
                    : pb_arena_printf(g->arena, "it opens again at %s", when(g, next)));
    return true;
}

static bool check_limit(struct gate *g, enum pb_action action, int64_t max, const char *code,
                        const char *verb)
{
    int64_t n = 0;

    for (size_t i = 0; i < g->in->n; i++)
        n += g->in->changes[i].action == action;
    if (max < 0 || n <= max)
        return false;
    refuse(g, code,
           pb_arena_printf(g->arena, "%lld resources would be %s, and the limit is %lld%s",
                           (long long)n, verb, (long long)max, suffix(g)),
           "apply in smaller steps, or raise the limit in plumb.yaml with a commit");
    return true;
}

static bool check_deletes(struct gate *g)
{
    return check_limit(g, PB_ACT_DELETE, g->policy->max_delete, "too-many-deletes", "deleted");
}

static bool check_replaces(struct gate *g)
{
    return check_limit(g, PB_ACT_REPLACE, g->policy->max_replace, "too-many-replaces", "replaced");
}

/* By the rules of the commit, and by those of the last verified one unless the first refused. */
static void check_by_rules(struct gate *g)
{
    static bool (*const checks[])(struct gate *) = {check_windows, check_effects, check_coverage,
                                                    check_deletes, check_replaces};

    for (size_t i = 0; i < PB_COUNT(checks); i++) {
        if (checks[i](g) || !g->in->older)
            continue;
        g->policy = g->in->older;
        checks[i](g);
        g->policy = g->in->policy;
    }
}

void pb_gate(struct pb_gate_out *out, struct pb_arena *a, const struct pb_gate_in *in)
{
    struct gate g = {.out = out, .arena = a, .in = in, .policy = in->policy};

    memset(out, 0, sizeof(*out));
    out->n = in->n;
    out->v = pb_arena_zalloc(a, (in->n + 1) * sizeof(*out->v));
    for (size_t i = 0; i < in->n; i++) {
        out->v[i].change = &in->changes[i];
        judge(&g, &out->v[i]);
    }
    if (!in->facts->before_merge) {
        check_commit(&g);
        check_signatures(&g);
    }
    check_state(&g);
    if (in->facts->complete != PB_TRI_YES)
        refuse(&g, "incomplete-plan",
               in->facts->gap ? in->facts->gap : "the plan does not say that it is complete",
               "resolve what the tool or the provider complains of, then plan again");
    check_by_rules(&g);
}
