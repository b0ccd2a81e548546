/* What is done with one unit: base's is audited, and the merged tree's is planned beside it. */
#include "run/check_internal.h"

#include "base/cancel.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static struct pb_check_job *job_of(struct pb_checking *k, const char *name)
{
    for (size_t i = 0; i < k->check->nunits; i++)
        if (strcmp(k->jobs[i].unit->name, name) == 0)
            return &k->jobs[i];
    BUG("unit '%s' was not chosen", name);
}

static void fail(struct pb_check_unit *cu, const char *where, const struct pb_err *err)
{
    cu->mode = PB_CHECK_FAILED;
    cu->err = *err;
    if (where)
        pb_err_wrap(&cu->err, "%s", where);
}

/* ---- the merged tree ------------------------------------------------------------------------ */

static struct pb_unit_result *unit_result(const struct pb_config_unit *c, const char *engine)
{
    struct pb_unit_result *u = pb_calloc(1, sizeof(*u));

    u->arena = pb_arena_new();
    u->config = *c;
    u->engine = engine;
    return u;
}

/* What a change says of the program that plans is not taken at its word. */
static void use_tool_of(struct pb_unit_result *merged, const struct pb_config_unit *base)
{
    merged->config.tool = base ? base->tool : NULL;
}

static int declare_merged(struct pb_session *m, struct pb_session *j, struct pb_checking *k,
                          struct pb_err *err)
{
    if (pb_session_init(m, err) < 0)
        return -1;
    m->ctx.sandbox = &k->box;
    m->ctx.recorded_by = &j->ctx;
    m->whole = j->u->recorded; /* what schemas call sensitive is marked in it */
    m->baseline = j->baseline;
    return pb_session_declare(m, err);
}

static void borrow(struct pb_unit_result *merged, const struct pb_unit_result *base)
{
    merged->recorded = base->recorded;
    merged->live = base->live;
    merged->baseline = base->baseline;
    merged->baseline_commit = base->baseline_commit;
    merged->ignore = base->ignore;
}

static void hold_against(struct pb_check_unit *cu, struct pb_session *m, const struct pb_session *j)
{
    borrow(m->u, j->u);
    pb_session_reconcile(m);
    pb_check_resources(cu, j->u, m->u, &j->s->seal,
                       ((struct pb_checking *)j->s->ctx)->options->all);
}

/* What is in doubt is looked at by the provider's own code. */
static int look_closer(struct pb_check_unit *cu, struct pb_session *m, struct pb_session *j,
                       struct pb_err *err)
{
    struct pb_reconcile_out doubts = pb_check_doubts(j->u->arena, cu, m->u);
    bool seen = false;

    if (!doubts.n)
        return 0;
    if (pb_session_look_again(&seen, j, &doubts, err) < 0)
        return -1;
    if (!seen)
        return 0;
    pb_session_reconcile(j);
    hold_against(cu, m, j);
    return 0;
}

static int check_unmoved(struct pb_session *j, struct pb_err *err)
{
    bool moved;

    if (pb_session_moved(&moved, &j->whole, j, err) < 0)
        return -1;
    return moved ? pb_fail(err, PB_E_LOCKED,
                           "the state of '%s' changed meanwhile: somebody applies at this moment, "
                           "try later",
                           j->u->config.name)
                 : 0;
}

/* -1 only when interrupted: what goes wrong with the merged tree is that unit's. */
int pb_check_then(struct pb_session *j, struct pb_err *err)
{
    struct pb_checking *k = j->s->ctx;
    struct pb_check_job *job = job_of(k, j->u->config.name);
    struct pb_check_unit *cu = job->unit;
    struct pb_session m = {.s = &k->merged, .renamed = PB_MAP_INIT, .beside = true};
    struct pb_err why = PB_ERR_INIT;

    m.u = unit_result(job->after, job->engine);
    use_tool_of(m.u, job->before);
    cu->base = j->u;
    cu->merged = m.u;
    if (declare_merged(&m, j, k, &why) == 0) {
        pb_check_imports(&m.u->declared.declared, m.u->arena, &j->u->declared.declared,
                         &j->u->recorded);
        hold_against(cu, &m, j);
        if (look_closer(cu, &m, j, &why) == 0)
            (void)check_unmoved(j, &why);
    }
    if (why.cls != PB_E_NONE)
        fail(cu, "after merging", &why);
    pb_session_end(&m, &cu->err);
    return pb_cancel_check(err);
}

/* ---- units that only one tree has ----------------------------------------------------------- */

static int look_at_removed(struct pb_check_job *job, struct pb_unit_result *u,
                           struct pb_audit_shared *s, struct pb_err *err)
{
    struct pb_session j = {.u = u, .s = s, .renamed = PB_MAP_INIT};
    int rc = -1;

    if (pb_session_init(&j, err) == 0 && pb_session_record(&u->recorded, u->arena, &j, err) == 0)
        rc = 0;
    job->unit->base = u;
    job->unit->recorded = rc == 0 ? u->recorded.n : 0;
    pb_session_end(&j, err);
    return rc;
}

/* Nothing of it is observed: only the change says where it is and how to get there. */
static void nothing_seen(struct pb_unit_result *u)
{
    struct pb_live *v = pb_arena_zalloc(u->arena, (u->recorded.n + 1) * sizeof(*v));

    for (size_t i = 0; i < u->recorded.n; i++)
        v[i] = (struct pb_live){.address = u->recorded.v[i].address,
                                .reason = "the unit is not in base: nothing of it is observed "
                                          "before it is merged"};
    u->live = (struct pb_live_set){v, u->recorded.n};
}

static int look_at_added(struct pb_check_job *job, struct pb_unit_result *u,
                         struct pb_audit_shared *s, struct pb_err *err)
{
    struct pb_checking *k = s->ctx;
    struct pb_session j = {.u = u, .s = s, .renamed = PB_MAP_INIT, .beside = true};
    int rc = -1;

    use_tool_of(u, NULL);
    if (pb_audit_ignore(u, &k->check->audit.config, NULL, err) == 0 &&
        pb_session_init(&j, err) == 0) {
        j.ctx.sandbox = &k->box; /* where its state is, is what the change says */
        rc = pb_session_record(&j.whole, u->arena, &j, err);
    }
    if (rc == 0) {
        u->recorded = j.whole;
        rc = pb_session_declare(&j, err);
    }
    if (rc == 0) {
        if (j.executor->refine)
            j.executor->refine(&u->recorded, u->arena, &u->declared.schemas);
        nothing_seen(u);
        pb_session_reconcile(&j);
        job->unit->merged = u;
        job->unit->recorded = u->recorded.n;
        pb_check_resources(job->unit, NULL, u, &s->seal, k->options->all);
    }
    pb_session_end(&j, err);
    return rc;
}

int pb_check_each(struct pb_unit_result *u, struct pb_audit_shared *s, struct pb_err *err)
{
    struct pb_checking *k = s->ctx;
    struct pb_check_job *job = job_of(k, u->config.name);
    int rc;

    if (job->unit->is_removed)
        rc = look_at_removed(job, u, s, err);
    else if (job->unit->is_added)
        rc = look_at_added(job, u, s, err);
    else
        rc = pb_audit_unit(u, s, err);
    if (rc < 0)
        fail(job->unit, job->unit->is_added ? "after merging" : "at base", err);
    return rc;
}
