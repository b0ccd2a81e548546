/* The document of a plan: what the gate refuses, then the changes by what was decided, each with
 * its cause as its rule. */
#include "report/doc_build.h"

#include "base/mem.h"

#include <string.h>

enum { FAILED = 0, REFUSED, DENIED, ASKED, ALLOWED, NGROUPS };
/* Rules: a failed unit, the causes, then the codes of refusals as they come. */
enum { RULE_FAILED = 0, RULE_CAUSES = 1, RULE_REFUSALS = RULE_CAUSES + PB_NCAUSES };

static const char *const helps[PB_NCAUSES] = {
    [PB_CAUSE_RECORD] = "Nothing is to be done.",
    [PB_CAUSE_GIT] = "Where it is not allowed, a rule of plumb.yaml says so.",
    [PB_CAUSE_REVERT] = "Put the outside change into Git if it is wanted; else say yes to it.",
    [PB_CAUSE_REQUESTED] = "Somebody has to say yes to what the command line asks for.",
    [PB_CAUSE_OVERWRITE] = "Put into Git what was done outside, or undo it there, and plan again.",
    [PB_CAUSE_UNEXPLAINED] = ("Look for a provider upgrade, a variable or a state from elsewhere; "
                              "bring it into Git, and plan again."),
    [PB_CAUSE_UNSEEN] = "'plumb doctor' checks credentials; plan again when it can be seen.",
};
static const enum pb_level levels[] = {PB_LEVEL_NOTE, PB_LEVEL_WARNING, PB_LEVEL_ERROR};
static const enum pb_doc_outcome outcomes[] = {PB_DOC_PASS, PB_DOC_SKIP, PB_DOC_FAIL};

static size_t count_refusals(const struct pb_audit *a, const struct pb_unit_gate *gates)
{
    size_t n = 0;

    for (size_t i = 0; i < a->nunits; i++)
        n += a->units[i].failed ? 0 : gates[i].out.nrefusals;
    return n;
}

static void tables(struct pb_doc *d, size_t refusals)
{
    static const struct pb_doc_group rows[NGROUPS] = {
        [REFUSED] = {"refused", "refused", "the commit or the plan as a whole", PB_LEVEL_ERROR,
                     false, 0},
        [DENIED] = {"deny", "denied", "the gate does not let it be applied", PB_LEVEL_ERROR, false,
                    0},
        [ASKED] = {"ask", "needs a yes", "somebody who has seen it has to say yes",
                   PB_LEVEL_WARNING, false, 0},
        [ALLOWED] = {"allow", "allowed", "the gate lets it be applied", PB_LEVEL_NOTE, false, 0},
    };
    struct pb_doc_rule *rules =
        pb_arena_zalloc(d->arena, (RULE_REFUSALS + refusals) * sizeof(*rules));

    d->groups = pb_arena_alloc(d->arena, sizeof(rows));
    memcpy(d->groups, rows, sizeof(rows));
    d->groups[FAILED] = pb_doc_failed_group;
    d->ngroups = NGROUPS;
    rules[RULE_FAILED] = pb_doc_failed_rule;
    for (size_t c = 0; c < PB_NCAUSES; c++)
        rules[RULE_CAUSES + c] = (struct pb_doc_rule){
            pb_cause_names[c], pb_cause_names[c], pb_cause_meanings[c], helps[c], PB_LEVEL_WARNING};
    d->rules = rules;
    d->nrules = RULE_REFUSALS;
}

static size_t rule_of_refusal(struct pb_doc *d, const struct pb_gate_refusal *r)
{
    struct pb_doc_rule *rules = (struct pb_doc_rule *)(uintptr_t)d->rules;

    for (size_t i = RULE_REFUSALS; i < d->nrules; i++)
        if (strcmp(rules[i].code, r->code) == 0)
            return i;
    rules[d->nrules] = (struct pb_doc_rule){r->code, r->code, "the gate refuses the whole plan",
                                            "The result names the remedy.", PB_LEVEL_ERROR};
    return d->nrules++;
}

static void refusal(struct pb_doc *d, size_t unit, const struct pb_unit_result *u,
                    const struct pb_gate_refusal *r)
{
    struct pb_doc_item *i = pb_doc_add(d, unit);

    i->group = REFUSED;
    i->rule = rule_of_refusal(d, r);
    i->level = PB_LEVEL_ERROR;
    i->outcome = PB_DOC_FAIL;
    i->subject = i->badge = pb_doc_safe(d, r->code);
    i->why = pb_doc_safe(d, r->what);
    i->remedy = pb_doc_safe(d, r->remedy);
    pb_doc_locate(d, i, u, NULL);
}

static void change(struct pb_doc *d, size_t unit, const struct pb_unit_result *u,
                   const struct pb_unit_gate *g, size_t k)
{
    const struct pb_gate_verdict *v = &g->out.v[k];
    const struct pb_resource_result *r = g->results[k];
    struct pb_doc_item *i = pb_doc_add(d, unit);

    i->group = (size_t)ALLOWED - (size_t)v->decision;
    i->rule = RULE_CAUSES + (size_t)v->cause;
    i->level = levels[v->decision];
    i->outcome = outcomes[v->decision];
    i->badge = pb_cause_names[v->cause];
    pb_doc_resource(d, i, r, false);
    pb_doc_locate(d, i, u, r->address);
    i->action = r->action != PB_ACT_NONE ? pb_action_name(r->action)
                : v->change->imports     ? "import"
                                         : "move";
    i->why = pb_doc_printf(d, "%s; decided by %s", v->why, v->rule);
    if (v->decision != PB_GATE_ALLOW)
        i->remedy = d->rules[i->rule].help;
    pb_doc_author(d, i, v->cause, g->by ? g->by[k] : NULL);
    for (size_t e = 0; e < v->change->neffects; e++)
        pb_doc_note(d, &i->notes, "starts %s%s%s, which no plan tells the effect of",
                    v->change->effects[e].what, v->change->effects[e].where ? " of " : "",
                    v->change->effects[e].where ? v->change->effects[e].where : "");
}

static void unit(struct pb_doc *d, size_t k, const struct pb_audit *a, const struct pb_unit_gate *g)
{
    const struct pb_unit_result *u = &a->units[k];
    struct pb_doc_unit *out = pb_doc_unit_of(d, k, a, FAILED, RULE_FAILED);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (u->failed)
        return;
    for (size_t i = 0; i < g->out.nrefusals; i++)
        refusal(d, k, u, &g->out.refusals[i]);
    for (size_t i = 0; i < g->out.n; i++)
        change(d, k, u, g, i);
    if (g->out.nrefusals)
        pb_buf_adds(&b, "refused");
    for (int w = PB_GATE_DENY; w >= PB_GATE_ALLOW; w--)
        if (g->out.by_decision[w])
            pb_buf_addf(&b, "%s%zu %s", b.len ? ", " : "", g->out.by_decision[w],
                        d->groups[ALLOWED - w].title);
    out->result = b.len ? pb_arena_strdup(d->arena, b.s) : "no changes";
    out->quiet = !b.len;
    if (g->facts.last)
        pb_doc_note(d, &out->notes, "last verified at commit %.8s", g->facts.last);
    for (size_t i = 0; g->facts.added && g->facts.added[i]; i++)
        pb_doc_note(d, &out->notes, "not in Git, but asked for here: %s", g->facts.added[i]);
    if (g->out.n)
        pb_doc_note(d, &out->notes, "evidence: sha256:%s", g->evidence);
}

void pb_doc_add_gates(struct pb_doc *d, const struct pb_audit *a, const struct pb_unit_gate *gates)
{
    tables(d, count_refusals(a, gates));
    for (size_t k = 0; k < a->nunits; k++)
        unit(d, k, a, &gates[k]);
}

void pb_doc_of_gates(struct pb_doc *d, const struct pb_audit *a, const struct pb_unit_gate *gates,
                     const struct pb_report_opts *o)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;

    pb_doc_begin(d, "plan", a, a->nunits, o);
    d->exit_code = pb_gates_exit(a, gates);
    d->level = pb_headline_gates(&line, a, gates);
    d->headline = pb_arena_strdup(d->arena, line.s);
    pb_doc_add_gates(d, a, gates);
    pb_doc_end(d);
}
