/* What all units together come to. */
#include "run/check.h"

#include "base/text.h"

#include <string.h>

/* Not what was not to be seen, which is told apart, nor what any apply would take back. */
static bool is_refused(const struct pb_check_resource *r)
{
    const struct pb_gate_verdict *g = r->gate;

    if (!g || g->decision != PB_GATE_DENY || !r->touched || r->class < PB_CHECK_UNSEEN)
        return false;
    if (g->cause == PB_CAUSE_UNSEEN && g->by_default)
        return false;
    return g->cause != PB_CAUSE_REVERT || r->class == PB_CHECK_COLLIDES;
}

static size_t count_beside(const struct pb_check_findings *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += strcmp(f->v[i].code, "provider-config-changed") == 0 ||
             strncmp(f->v[i].code, "output-", strlen("output-")) == 0;
    return n;
}

static size_t count_warned(const struct pb_check_findings *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += !pb_streq(f->v[i].severity, "notice");
    return n;
}

static void sum_change(struct pb_check *c, const struct pb_check_resource *r)
{
    c->changes++;
    c->deletes += r->action == PB_ACT_DELETE;
    c->replaces += r->action == PB_ACT_REPLACE;
    c->asks += r->gate && r->gate->decision == PB_GATE_ASK;
}

static void sum_unit(struct pb_check *c, const struct pb_check_unit *u)
{
    c->warned += count_warned(&u->findings);
    if (u->mode == PB_CHECK_FAILED) {
        c->refused += u->err.cls == PB_E_REFUSED;
        c->failed += u->err.cls != PB_E_REFUSED;
        return;
    }
    c->beside += count_beside(&u->findings);
    for (size_t i = 0; i < PB_NCHECKS; i++)
        c->by_class[i] += u->by_class[i];
    for (size_t i = 0; i < u->nresources; i++) {
        const struct pb_check_resource *r = &u->resources[i];

        if (r->touched && r->class >= PB_CHECK_UNSEEN)
            sum_change(c, r);
        c->unseen += r->unseen;
        c->refused += is_refused(r);
    }
    for (size_t i = 0; i < u->nrefusals; i++)
        c->refused += !u->refusals[i].before;
    /* Merging takes nothing away, and nobody explains any more what is there. */
    if (u->mode == PB_CHECK_REMOVED) {
        c->orphaned += u->recorded;
        c->guarded += u->guarded;
    }
}

/* A notice says how plumb works, and not by which rules. */
static size_t count_rules(const struct pb_check_findings *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += strncmp(f->v[i].code, "policy-", strlen("policy-")) == 0 &&
             strcmp(f->v[i].severity, "notice") != 0;
    return n;
}

static enum pb_exit exit_code(const struct pb_check *c)
{
    if (c->nconflicts || c->broken || c->refused)
        return PB_EXIT_REFUSED;
    if (c->failed)
        return PB_EXIT_ERROR;
    if (c->unseen || (c->nunits && !c->trusted))
        return PB_EXIT_INCONCLUSIVE;
    return c->changes || c->orphaned || c->beside ? PB_EXIT_DRIFT : PB_EXIT_PLUMB;
}

void pb_check_sum(struct pb_check *c)
{
    memset(c->by_class, 0, sizeof(c->by_class));
    c->unseen = c->changes = c->refused = c->failed = c->orphaned = c->guarded = 0;
    c->deletes = c->replaces = c->asks = 0;
    c->rules = count_rules(&c->findings);
    c->warned = count_warned(&c->findings);
    c->beside = count_beside(&c->findings);
    for (size_t i = 0; i < c->nunits; i++)
        sum_unit(c, &c->units[i]);
    c->exit_code = exit_code(c);
}

const char *const pb_check_levels[PB_NCHECK_LEVELS + 1] = {"changes", "unseen", "refused", NULL};

enum pb_exit pb_check_exit(const struct pb_check *c)
{
    bool mild = (c->exit_code == PB_EXIT_DRIFT && c->fail_on > PB_CHECK_ON_CHANGES) ||
                (c->exit_code == PB_EXIT_INCONCLUSIVE && c->fail_on > PB_CHECK_ON_UNSEEN);

    return mild ? PB_EXIT_PLUMB : c->exit_code;
}
