#include "report/level.h"

const char *const pb_level_names[] = {"none", "note", "warning", "error"};

enum pb_level pb_level_of_verdict(enum pb_verdict v)
{
    switch (v) {
    case PB_DRIFTED:
    case PB_LAUNDERED:
    case PB_MISSING:
    case PB_CONFLICT: return PB_LEVEL_ERROR;
    case PB_PENDING:
    case PB_UNMANAGED:
    case PB_UNKNOWN_V:
    case PB_UNOBSERVED: return PB_LEVEL_WARNING;
    case PB_STALE_RECORD:
    case PB_CONVERGED: return PB_LEVEL_NOTE;
    default: return PB_LEVEL_NONE;
    }
}

void pb_add_verdict_words(struct pb_buf *b, enum pb_verdict v)
{
    for (const char *c = pb_verdict_name(v); *c; c++)
        pb_buf_addc(b, *c == '_' ? ' ' : *c);
}

void pb_add_count(struct pb_buf *b, size_t n, const char *what)
{
    pb_buf_addf(b, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

size_t pb_add_verdict_counts(struct pb_buf *b, const size_t by[PB_NVERDICTS],
                             enum pb_verdict_effect effect)
{
    size_t n = 0;

    for (size_t k = PB_NVERDICTS; k-- > 0;) {
        if (!by[k] || pb_verdicts[k].effect != effect)
            continue;
        pb_buf_addf(b, "%s%zu ", n ? ", " : "", by[k]);
        pb_add_verdict_words(b, (enum pb_verdict)k);
        n += by[k];
    }
    return n;
}

/* ---- an audit ----------------------------------------------------------------------------- */

/* All is well; or as much of it as can be said. */
static void good_news(struct pb_buf *line, const struct pb_audit *a)
{
    size_t judged = 0, unchecked = a->by_verdict[PB_UNCHECKED];

    for (size_t i = 0; i < PB_NVERDICTS; i++)
        judged += a->by_verdict[i];
    if (!a->resources) {
        pb_buf_adds(line, "there are no resources, neither in Git nor in the state");
    } else if (!judged) {
        pb_buf_adds(line, "nothing was compared");
    } else if (unchecked) {
        pb_buf_addf(line, "%zu of ", judged - unchecked);
        pb_add_count(line, judged, "resource");
        pb_buf_addf(line, " %s what Git says; nobody can check the rest",
                    judged - unchecked == 1 ? "is" : "are");
    } else if (judged == 1) {
        pb_buf_adds(line, "the one resource is what Git says");
    } else {
        pb_buf_addf(line, "all %zu resources are what Git says", judged);
    }
}

static void unowned(struct pb_buf *line, const char *lead, const struct pb_audit *a)
{
    if (a->nobodys)
        pb_buf_addf(line, "%s%zu %s what no resource here owns", lead, a->nobodys,
                    a->nobodys == 1 ? "has" : "have");
}

static void bad_news(struct pb_buf *line, const struct pb_audit *a, size_t differ, const char *list)
{
    pb_buf_addf(line, "not plumb: %zu of ", differ);
    pb_add_count(line, a->resources, "resource");
    pb_buf_addf(line, " %s from Git: %s", differ == 1 ? "differs" : "differ", list);
}

void pb_add_ignored(struct pb_buf *b, const struct pb_ignored *g)
{
    if (!g->n)
        return;
    pb_add_count(b, g->n, "attribute");
    pb_buf_addf(b, " that rules ignore%s", g->nreasons ? " (" : "");
    for (size_t i = 0; i < g->nreasons; i++)
        pb_buf_addf(b, "%s\"%s\"", i ? ", " : "", g->reasons[i]);
    pb_buf_adds(b, g->more ? ", ...)" : g->nreasons ? ")" : "");
}

enum pb_level pb_headline_audit(struct pb_buf *line, const struct pb_audit *a)
{
    PB_AUTO(buf) struct pb_buf list = PB_BUF_INIT, dark = PB_BUF_INIT;
    size_t sum[PB_NVERDICTS], differ, unknown, seen = 0;
    enum pb_level level = a->failed ? PB_LEVEL_ERROR : PB_LEVEL_NONE;

    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        sum[i] = a->by_verdict[i] + a->also[i];
        seen += a->by_verdict[i];
    }
    differ = pb_add_verdict_counts(&list, sum, PB_EFFECT_DIFFERENCE);
    unknown = pb_add_verdict_counts(&dark, sum, PB_EFFECT_INCONCLUSIVE);
    if (a->failed) {
        pb_buf_addf(line, "error: %zu of ", a->failed);
        pb_add_count(line, a->nunits, "unit");
        pb_buf_addf(line, " could not be audited%s", a->failed < a->nunits ? "; " : "");
    }
    if (differ) {
        bad_news(line, a, differ, list.s);
        level = PB_LEVEL_ERROR;
    } else if (unknown) {
        pb_buf_adds(line, "inconclusive: nothing differs in what was seen");
        level = a->failed ? PB_LEVEL_ERROR : PB_LEVEL_WARNING;
    } else if (a->failed < a->nunits) {
        pb_buf_adds(line, a->failed ? "of the others, " : "plumb: ");
        good_news(line, a);
        unowned(line, ", but ", a);
        if (a->nobodys && level == PB_LEVEL_NONE)
            level = PB_LEVEL_WARNING;
    }
    if (unknown)
        pb_buf_addf(line, "; %zu could not be observed in full", unknown);
    if (differ || unknown)
        unowned(line, "; ", a);
    if (a->resources > seen)
        pb_buf_addf(line, "; %zu ignored", a->resources - seen);
    return level;
}

/* ---- a plan ------------------------------------------------------------------------------- */

struct sum {
    size_t changes, refusals, failed;
    size_t by[3];
    enum pb_gate_decision decision;
};

static struct sum sum_of(const struct pb_audit *a, const struct pb_unit_gate *gates)
{
    struct sum s = {0};

    for (size_t i = 0; i < a->nunits; i++) {
        const struct pb_gate_out *o = &gates[i].out;

        s.failed += a->units[i].failed;
        if (a->units[i].failed)
            continue;
        s.changes += o->n;
        s.refusals += o->nrefusals;
        for (int d = 0; d < 3; d++)
            s.by[d] += o->by_decision[d];
        if (o->decision > s.decision)
            s.decision = o->decision;
    }
    return s;
}

enum pb_level pb_headline_gates(struct pb_buf *line, const struct pb_audit *a,
                                const struct pb_unit_gate *gates)
{
    static const enum pb_level levels[] = {PB_LEVEL_NONE, PB_LEVEL_WARNING, PB_LEVEL_ERROR};
    PB_AUTO(buf) struct pb_buf changes = PB_BUF_INIT, units = PB_BUF_INIT;
    struct sum s = sum_of(a, gates);

    pb_add_count(&changes, s.changes, "change");
    pb_add_count(&units, a->nunits, "unit");
    if (s.failed)
        pb_buf_addf(line, "error: %zu of %s could not be planned", s.failed, units.s);
    else if (s.decision == PB_GATE_DENY && s.by[PB_GATE_DENY])
        pb_buf_addf(line, "refused: %zu of %s%s", s.by[PB_GATE_DENY], changes.s,
                    s.refusals ? ", and the commit or plan itself" : "");
    else if (s.decision == PB_GATE_DENY)
        pb_buf_addf(line,
                    "refused: not for what it changes (%s), but for the commit or plan itself",
                    changes.s);
    else if (!s.changes)
        pb_buf_adds(line, "nothing to apply");
    else if (s.decision == PB_GATE_ASK)
        pb_buf_addf(line, "asks: %zu of %s need somebody's yes", s.by[PB_GATE_ASK], changes.s);
    else
        pb_buf_addf(line, "allowed: %s, all explained by Git", changes.s);
    return s.failed ? PB_LEVEL_ERROR : levels[s.decision];
}
