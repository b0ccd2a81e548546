/* From the exit of the tool to the end of an apply. */
#include "run/apply_internal.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "run/verify.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between one look and the next at what is not yet as it should be. */
static const int waits_ms[] = {500, 1000, 2000, 4000, 8000, 15000};

enum { NAP_MS = 50 };

/* ---- events --------------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A replacement is over when both its halves are. */
static bool is_whole(struct pb_applied_change *c, enum pb_action half)
{
    if (c->action != PB_ACT_REPLACE)
        return true;
    c->halves |= half == PB_ACT_DELETE ? 1 : 2;
    return c->halves == 3;
}

void pb_apply_take_event(struct pb_applying *p, const struct pb_apply_event *e)
{
    struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_applied_change *c =
        o->nchanges ? bsearch(&e->address, o->changes, o->nchanges, sizeof(*c), by_address) : NULL;

    if (!c)
        return;
    switch (e->step) {
    case PB_APPLY_STARTED: c->state = PB_APPLIED_STARTED; break;
    case PB_APPLY_RUNNING: break;
    case PB_APPLY_FAILED: c->state = PB_APPLIED_FAILED; break;
    case PB_APPLY_DONE:
        if (e->id && e->action != PB_ACT_DELETE)
            c->id = pb_arena_strdup(p->j->u->arena, e->id);
        if (!is_whole(c, e->action))
            break;
        p->done += c->state != PB_APPLIED_DONE;
        c->state = PB_APPLIED_DONE;
        break;
    }
}

/* ---- looking -------------------------------------------------------------------------------- */

int pb_apply_look(struct pb_live_set *out, struct pb_applying *p, const struct pb_recorded_set *set,
                  struct pb_err *err)
{
    struct pb_unit_result *u = p->j->u;
    struct pb_live_request rq = pb_session_request(p->j);
    struct pb_observe_stats stats = {0};

    rq.recorded = set;
    rq.providers = u->declared.declared.providers;
    rq.nproviders = u->declared.declared.nproviders;
    rq.schemas = &u->declared.schemas;
    return pb_live_read(out, &stats, u->arena, &rq, err);
}

/* Answers about what is in no state are not part of what is reconciled. */
static struct pb_live_set within(struct pb_arena *a, const struct pb_live_set *live,
                                 const struct pb_recorded_set *recorded)
{
    struct pb_live *v = pb_arena_zalloc(a, (live->n + 1) * sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; i < live->n; i++)
        if (pb_recorded_find(recorded, live->v[i].address))
            v[n++] = live->v[i];
    return (struct pb_live_set){v, n};
}

/* Those that another look may still find as they should be. */
static size_t unproved(struct pb_applied_change *out, const struct pb_apply_outcome *o)
{
    size_t n = 0;

    for (size_t i = 0; i < o->nchanges; i++)
        if (o->changes[i].state == PB_APPLIED_DONE && o->changes[i].verified != PB_TRI_YES)
            out[n++] = o->changes[i];
    return n;
}

static void nap(struct pb_applying *p, int ms)
{
    for (int64_t until = pb_clock_ms() + ms; pb_clock_ms() < until && !pb_cancel_requested();) {
        usleep(NAP_MS * 1000);
        if (p->run->tick)
            p->run->tick(p->run->ctx);
    }
}

/* One look at `n` of the changes, and what follows from it for all. */
static int look_once(struct pb_applying *p, struct pb_live_set *seen,
                     const struct pb_applied_change *changes, size_t n, struct pb_err *err)
{
    struct pb_unit_result *u = p->j->u;
    struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_recorded_set touched;
    struct pb_live_set now = {NULL, 0}, merged;

    pb_verify_touched(&touched, u->arena, &o->before, &o->after, changes, n);
    if (touched.n && pb_apply_look(&now, p, &touched, err) < 0)
        return -1;
    *seen = pb_verify_merge(u->arena, seen, &now);
    merged = pb_verify_merge(u->arena, &u->live, seen);
    u->live = within(u->arena, &merged, &o->after);
    if (pb_session_judge(p->j, err) < 0)
        return -1;
    o->verified = pb_verify_judge(o->changes, o->nchanges, u->arena, &u->out, seen);
    return 0;
}

/* The unit's sides become those after the apply: what an audit would find now. */
static int look(struct pb_applying *p, struct pb_err *err)
{
    struct pb_unit_result *u = p->j->u;
    struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_applied_change *open = pb_arena_zalloc(u->arena, (o->nchanges + 1) * sizeof(*open));
    struct pb_declared_set planned = u->declared.declared;
    struct pb_live_set seen = {NULL, 0};
    size_t n = o->nchanges;

    pb_verify_declared(&u->declared.declared, u->arena, &planned, &o->after, o->changes,
                       o->nchanges);
    u->recorded = o->after;
    pb_narrow_recorded(p->j);
    if (look_once(p, &seen, o->changes, n, err) < 0)
        return -1;
    for (size_t i = 0; i < PB_COUNT(waits_ms) && (n = unproved(open, o)); i++) {
        nap(p, waits_ms[i]);
        if (pb_cancel_check(err) < 0 || look_once(p, &seen, open, n, err) < 0)
            return -1;
    }
    return 0;
}

static void verify(struct pb_applying *p)
{
    struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_err why = PB_ERR_INIT;
    int64_t from = pb_clock_ms();

    if (look(p, &why) < 0) {
        o->verified = PB_TRI_UNKNOWN;
        for (size_t i = 0; i < o->nchanges; i++)
            if (o->changes[i].verified != PB_TRI_YES)
                o->changes[i].reason = pb_arena_strdup(p->j->u->arena, why.msg);
    }
    o->verify_ms = (long)(pb_clock_ms() - from);
}

/* ---- the state ------------------------------------------------------------------------------ */

static const char *not_in_state(const struct pb_apply_outcome *o)
{
    for (size_t i = 0; i < o->nchanges; i++) {
        const struct pb_applied_change *c = &o->changes[i];

        if ((c->action == PB_ACT_CREATE || c->action == PB_ACT_REPLACE) &&
            c->state == PB_APPLIED_DONE && !pb_recorded_find(&o->after, c->address))
            return c->address;
    }
    return NULL;
}

static int read_state(struct pb_applying *p, struct pb_err *err)
{
    struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_session *j = p->j;
    const char *lost;

    if (o->tool.rescued)
        return pb_fail(err, PB_E_TOOL, "the state could not be written where it belongs");
    if (o->tool.signal) /* its lock may be left, and what it did not write down */
        return pb_fail(err, PB_E_TOOL, "the tool was killed by signal %d", o->tool.signal);
    if (o->tool.died) /* what it was in the middle of may exist, and is in no state */
        return pb_fail(err, PB_E_TOOL, "%s", o->tool.died);
    if (pb_session_record(&o->after, j->u->arena, j, err) < 0)
        return -1;
    if (o->before.lineage && !pb_streq(o->after.lineage, o->before.lineage))
        return pb_fail(err, PB_E_INPUT, "the state is another one than before (lineage %s, was %s)",
                       o->after.lineage ? o->after.lineage : "none", o->before.lineage);
    if (o->after.serial < o->before.serial)
        return pb_fail(err, PB_E_INPUT, "the state is older than before (serial %lld, was %lld)",
                       (long long)o->after.serial, (long long)o->before.serial);
    lost = not_in_state(o);
    if (lost)
        return pb_fail(err, PB_E_INPUT, "'%s' was made, and the state does not have it", lost);
    if (j->executor->refine)
        j->executor->refine(&o->after, j->u->arena, &j->u->declared.schemas);
    return 0;
}

static void tool_done(struct pb_apply_outcome *o)
{
    for (size_t i = 0; o->tool.ok && i < o->nchanges; i++)
        if (o->changes[i].state == PB_APPLIED_NOT_STARTED)
            o->changes[i].state = PB_APPLIED_DONE; /* moves, imports: there is no event for them */
}

/* ---- ends ----------------------------------------------------------------------------------- */

void pb_apply_close(struct pb_applying *p)
{
    struct pb_err why = PB_ERR_INIT;

    if (p->journal && pb_journal_add(p->journal, PB_JS_CLOSED, NULL, &why) < 0)
        p->keep_area = true;
}

static void unsettled(struct pb_applying *p, const struct pb_err *why)
{
    struct pb_apply_outcome *o = &p->run->outcome;

    p->keep_area = true;
    o->end = PB_END_UNSETTLED;
    o->verified = PB_TRI_UNKNOWN;
    o->rescued = o->tool.rescued;
    pb_fail(&o->why, why->cls, "%s; 'plumb recover' goes on from here", why->msg);
}

static void end_of(struct pb_apply_outcome *o)
{
    if (o->tool.ok) {
        o->end = PB_END_APPLIED;
        return;
    }
    o->end = PB_END_PARTLY;
    if (o->interrupted)
        pb_fail(&o->why, PB_E_INTERRUPTED, "interrupted");
    else if (o->tool.errors)
        pb_fail(&o->why, o->tool.locked ? PB_E_LOCKED : PB_E_TOOL, "%s", o->tool.errors);
    else if (o->tool.signal)
        pb_fail(&o->why, PB_E_TOOL, "the tool was killed by signal %d", o->tool.signal);
    else
        pb_fail(&o->why, PB_E_TOOL, "the tool failed and gave no reason");
}

static int save_baseline(struct pb_applying *p, struct pb_err *err)
{
    if (pb_fault("apply.baseline"))
        return pb_fail_errno(err, PB_E_IO, "cannot save the baseline");
    return pb_session_save_baseline(p->j, &p->run->outcome.after, err);
}

static int settle_down(struct pb_applying *p, struct pb_err *err)
{
    struct pb_apply_outcome *o = &p->run->outcome;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_value body = pb_apply_exited(p, a);
    int64_t from;

    if (pb_journal_add(p->journal, PB_JS_EXITED, &body, err) < 0 || read_state(p, err) < 0 ||
        pb_journal_add(p->journal, PB_JS_STATE_OK, NULL, err) < 0)
        return -1;
    verify(p);
    end_of(o);
    from = pb_clock_ms();
    if (pb_journal_add(p->journal, PB_JS_LIVE_OK, NULL, err) < 0 || save_baseline(p, err) < 0 ||
        pb_apply_tell_finished(p, err) < 0)
        return -1;
    o->ledger_ms = (long)(pb_clock_ms() - from);
    return 0;
}

void pb_apply_finish(struct pb_applying *p)
{
    struct pb_apply_outcome *o = &p->run->outcome;
    const struct pb_plan_options *plan = p->j->ctx.plan;
    struct pb_err why = PB_ERR_INIT;

    tool_done(o);
    if (settle_down(p, &why) < 0) {
        unsettled(p, &why);
        return;
    }
    if (o->end == PB_END_APPLIED && o->verified == PB_TRI_YES && !(plan && plan->targets))
        pb_area_forget(&p->area);
    pb_apply_close(p);
}
