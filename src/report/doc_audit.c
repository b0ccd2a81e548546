/* The document of an audit: a group and a rule for each verdict. */
#include "report/doc_build.h"

#include "base/text.h"
#include "report/dark.h"

#include <string.h>

/* Groups: what failed, the verdicts from the worst on, what nobody owns, what is ignored. */
enum { FAILED = 0, NGROUPS = PB_NVERDICTS + 3, IGNORED = NGROUPS - 1, UNOWNED = NGROUPS - 2 };
#define GROUP_OF(v) ((size_t)PB_NVERDICTS - (size_t)(v))

static const char *const helps[PB_NVERDICTS] = {
    [PB_IN_SYNC] = "Nothing is to be done.",
    [PB_UNCHECKED] = "A write-only value cannot be compared by anybody; for a type that no "
                     "observer maps, write a pack (schemas/observers/README.md).",
    [PB_COMPUTED] = "'plumb plan' tells what an apply would make of it.",
    [PB_STALE_RECORD] = "The next apply brings the record up to date.",
    [PB_CONVERGED] = "The next apply brings the record up to date.",
    [PB_PENDING] = "'plumb plan' shows what an apply would do, 'plumb apply' does it.",
    [PB_UNKNOWN_V] = "'plumb doctor' checks credentials, 'plumb explain ADDRESS' says more.",
    [PB_UNOBSERVED] = "'plumb doctor' checks credentials, 'plumb explain ADDRESS' says more.",
    [PB_UNMANAGED] = "Import it with an import block, or delete it where it is.",
    [PB_LAUNDERED] = "Put the change into Git if it is wanted; else 'plumb apply' takes it back, "
                     "after somebody's yes.",
    [PB_DRIFTED] = "Put the change into Git if it is wanted; else 'plumb apply' takes it back, "
                   "after somebody's yes.",
    [PB_MISSING] = "'plumb apply' creates it again; if it is not wanted any more, take its block "
                   "out of Git.",
    [PB_CONFLICT] = "Somebody has to decide: put into Git what was done outside, or undo it there.",
};

static void tables(struct pb_doc *d)
{
    struct pb_doc_rule *rules = pb_arena_zalloc(d->arena, NGROUPS * sizeof(*rules));

    d->ngroups = d->nrules = NGROUPS;
    d->groups = pb_arena_zalloc(d->arena, NGROUPS * sizeof(*d->groups));
    d->rules = rules;
    d->groups[FAILED] = pb_doc_failed_group;
    rules[FAILED] = pb_doc_failed_rule;
    for (int v = 0; v < PB_NVERDICTS; v++) {
        PB_AUTO(buf) struct pb_buf words = PB_BUF_INIT;
        const struct pb_verdict_row *row = &pb_verdicts[v];
        size_t g = GROUP_OF(v);

        pb_add_verdict_words(&words, (enum pb_verdict)v);
        rules[g] = (struct pb_doc_rule){row->name, pb_arena_strdup(d->arena, words.s), row->meaning,
                                        helps[v], pb_level_of_verdict((enum pb_verdict)v)};
        d->groups[g] = (struct pb_doc_group){rules[g].code,
                                             rules[g].title,
                                             row->meaning,
                                             rules[g].level,
                                             row->effect == PB_EFFECT_NONE,
                                             0};
    }
    rules[UNOWNED] = (struct pb_doc_rule){
        "unowned", "unowned",
        "a parent shows what Git says nothing about and no resource here has made",
        "Find out who made it: write and import its resource if it is wanted, else take it away "
        "where it is.",
        PB_LEVEL_WARNING};
    d->groups[UNOWNED] = (struct pb_doc_group){rules[UNOWNED].code,
                                               rules[UNOWNED].title,
                                               rules[UNOWNED].meaning,
                                               rules[UNOWNED].level,
                                               false,
                                               0};
    d->groups[IGNORED] = (struct pb_doc_group){
        "ignored", "ignored", "an ignore rule takes it out", PB_LEVEL_NONE, true, 0};
    rules[IGNORED] = (struct pb_doc_rule){"ignored", "ignored", "an ignore rule takes it out",
                                          "plumb.yaml has the rule.", PB_LEVEL_NONE};
}

/* As the exit code has it. */
static bool fails(const struct pb_audit *a, enum pb_verdict v)
{
    return a->fails[v] ? a->fails[v] > 0 : pb_verdicts[v].effect == PB_EFFECT_DIFFERENCE;
}

static enum pb_doc_outcome outcome_of(const struct pb_audit *a, const struct pb_resource_result *r)
{
    if (r->ignored)
        return PB_DOC_SKIP;
    if ((r->also && fails(a, r->also)) || fails(a, r->verdict))
        return PB_DOC_FAIL;
    if (r->verdict == PB_UNCHECKED)
        return PB_DOC_SKIP;
    return pb_verdicts[r->verdict].effect == PB_EFFECT_INCONCLUSIVE ? PB_DOC_UNSEEN : PB_DOC_PASS;
}

/* Why and what helps; not what is said of the group already. */
static void say(struct pb_doc *d, struct pb_doc_item *i, const struct pb_resource_result *r)
{
    bool dark = pb_verdicts[r->verdict].effect == PB_EFFECT_INCONCLUSIVE;

    i->why = pb_doc_safe(d, dark ? pb_dark_reason(r) : r->reason);
    if (r->ignored)
        return;
    i->remedy = dark ? pb_dark_remedy(pb_dark_reason(r)) : d->rules[i->rule].help;
    if (r->verdict == PB_PENDING || r->also == PB_PENDING)
        if (r->action != PB_ACT_NONE && r->action != PB_ACT_UNKNOWN)
            i->action = pb_action_name(r->action);
}

static void add(struct pb_doc *d, const struct pb_audit *a, size_t unit,
                const struct pb_resource_result *r, bool all)
{
    const struct pb_unit_result *u = &a->units[unit];

    PB_AUTO(buf) struct pb_buf badge = PB_BUF_INIT;
    struct pb_doc_item *i = pb_doc_add(d, unit);
    enum pb_verdict worst = r->also ? r->also : r->verdict;

    bool unowned = r->nobodys && worst == PB_COMPUTED;

    i->group = i->rule = r->ignored ? (size_t)IGNORED : unowned ? UNOWNED : GROUP_OF(worst);
    i->level = r->ignored ? PB_LEVEL_NONE : d->rules[i->rule].level;
    i->outcome = outcome_of(a, r);
    if (unowned)
        pb_buf_adds(&badge, "unowned");
    else
        pb_add_verdict_words(&badge, worst);
    if (r->also) {
        pb_buf_adds(&badge, ", ");
        pb_add_verdict_words(&badge, r->verdict);
    }
    i->badge = pb_arena_intern(d->arena, badge.s, badge.len);
    pb_doc_resource(d, i, r, all);
    pb_doc_locate(d, i, u, r->address);
    say(d, i, r);
}

static void result(struct pb_doc *d, struct pb_doc_unit *out, const struct pb_unit_result *u)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT, dark = PB_BUF_INIT;
    size_t sum[PB_NVERDICTS], n;

    for (size_t v = 0; v < PB_NVERDICTS; v++)
        sum[v] = u->out.by_verdict[v] + u->out.also[v];
    n = pb_add_verdict_counts(&b, sum, PB_EFFECT_DIFFERENCE);
    if (pb_add_verdict_counts(&dark, sum, PB_EFFECT_INCONCLUSIVE))
        pb_buf_addf(&b, "%s%s", n ? ", " : "", dark.s);
    if (!b.len)
        pb_buf_adds(&b, u->out.n ? "in sync" : "no resources");
    if (u->out.nobodys)
        pb_buf_addf(&b, ", %zu unowned", u->out.nobodys);
    out->result = pb_arena_strdup(d->arena, b.s);
    out->observed = u->out.coverage.resources_observed;
    out->resources = u->out.coverage.resources_total;
    out->quiet = !u->baseline_saved && !u->out.nobodys && u->recorded.lineage &&
                 u->out.n == u->out.by_verdict[PB_IN_SYNC] + u->out.by_verdict[PB_COMPUTED];
    if (u->baseline_saved)
        pb_doc_note(d, &out->notes, "baseline saved: %zu resource%s in sync", u->baseline_saved,
                    u->baseline_saved == 1 ? "" : "s");
}

void pb_doc_of_audit(struct pb_doc *d, const struct pb_audit *a, const struct pb_report_opts *o)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT, ignored = PB_BUF_INIT;

    pb_doc_begin(d, "audit", a, a->nunits, o);
    tables(d);
    d->level = pb_headline_audit(&line, a);
    d->headline = pb_arena_strdup(d->arena, line.s);
    for (size_t k = 0; k < a->nunits; k++) {
        const struct pb_unit_result *u = &a->units[k];
        struct pb_doc_unit *out = pb_doc_unit_of(d, k, a, FAILED, FAILED);

        if (u->failed)
            continue;
        result(d, out, u);
        for (size_t i = 0; i < u->out.n; i++)
            add(d, a, k, &u->out.v[i], o->all);
    }
    if (a->ignored.n && !o->all) {
        pb_add_ignored(&ignored, &a->ignored);
        pb_doc_note(d, &d->notes, "not shown: %s; --all shows them", ignored.s);
    }
    pb_doc_end(d);
}
