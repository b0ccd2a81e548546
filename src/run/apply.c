#include "run/apply.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "run/apply_internal.h"
#include "run/identity.h"
#include "run/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_MAX ((size_t)1 << 30)

const char *const pb_approval_names[] = {"", "policy", "terminal", "evidence"};
const char *const pb_applied_names[] = {"not_started", "started", "done", "failed"};

static void phase(const struct pb_applying *p, const char *what)
{
    if (p->run->phase)
        p->run->phase(p->run->ctx, what);
}

/* ---- begin ---------------------------------------------------------------------------------- */

static int begin(void *ctx, struct pb_session *j, struct pb_err *err)
{
    struct pb_applying *p = ctx;
    struct pb_baseline_id id = pb_session_baseline(j);

    p->j = j;
    if (!j->executor->apply)
        return pb_fail(err, PB_E_CONFIG, "units of engine '%s' cannot be applied",
                       j->executor->name);
    if (!j->ctx.worktree)
        return pb_fail(err, PB_E_REFUSED,
                       "an apply needs a clone with a work tree: this repository is bare");
    if (pb_record_open(&p->record, p->run->audit.repo, &p->run->audit.config.ledger, err) < 0)
        return -1;
    p->recording = true;
    if (pb_identity_keep(p->record.id, p->record.repo, err) < 0 ||
        pb_area_take(&p->area, &id, p->run->wait_ms, j->executor->is_plugin, err) < 0 ||
        pb_apply_settle(p, err) < 0 || pb_area_clean(&p->area, err) < 0)
        return -1;
    p->fresh = true;
    j->work = pb_area_file(&p->area, "work");
    j->keep = true;
    free(j->s->tree);
    j->s->tree = pb_area_file(&p->area, "tree");
    j->s->keep_tree = true;
    if (pb_fs_mkdirs(j->work, 0700, err) < 0 || pb_fs_mkdirs(j->s->tree, 0700, err) < 0)
        return -1;
    return pb_apply_begun(p, err);
}

/* ---- what is to be done --------------------------------------------------------------------- */

static void take_changes(struct pb_applying *p)
{
    const struct pb_gate_out *g = &p->run->gate.out;
    struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_arena *a = p->j->u->arena;

    o->changes = pb_arena_zalloc(a, (g->n + 1) * sizeof(*o->changes));
    o->nchanges = g->n;
    for (size_t i = 0; i < g->n; i++)
        o->changes[i] = (struct pb_applied_change){.address = g->v[i].change->address,
                                                   .action = g->v[i].change->action,
                                                   .cause = g->v[i].cause,
                                                   .id = p->run->gate.results[i]->id};
}

static int end_with(struct pb_applying *p, enum pb_apply_end end, enum pb_err_class cls,
                    const char *fmt, ...) PB_PRINTF(4, 5);

/* The apply has an end, if not the one that was wanted: that is no failure to decide. */
static int end_with(struct pb_applying *p, enum pb_apply_end end, enum pb_err_class cls,
                    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    pb_vfail(&p->run->outcome.why, cls, fmt, ap);
    va_end(ap);
    p->run->outcome.end = end;
    return 0;
}

/* ---- evidence, once more -------------------------------------------------------------------- */

static int same_commit(struct pb_applying *p, struct pb_err *err)
{
    char now[PB_OID_HEX];

    if (pb_repo_resolve(now, p->run->audit.repo, p->rev, err) < 0)
        return -1;
    if (strcmp(now, p->run->audit.commit) != 0)
        return pb_fail(err, PB_E_REFUSED, "'%s' is another commit by now (%.8s, was %.8s)", p->rev,
                       now, p->run->audit.commit);
    return 0;
}

static int same_plan(struct pb_applying *p, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    char hex[PB_SHA256_HEX];

    if (pb_fs_read(&text, p->j->saved.path, PLAN_MAX, err) < 0)
        return -1;
    pb_sha256_hex_of(hex, text.s, text.len);
    if (strcmp(hex, p->j->saved.sha256) != 0)
        return pb_fail(err, PB_E_REFUSED, "the plan file is not the one that was decided about");
    return 0;
}

static int same_state(struct pb_applying *p, struct pb_err *err)
{
    bool moved;

    if (pb_session_moved(&moved, &p->j->whole, p->j, err) < 0)
        return -1;
    if (moved)
        return pb_fail(err, PB_E_REFUSED,
                       "the state is not the one that was planned on: somebody "
                       "applied meanwhile");
    return 0;
}

/* Looks at what will be touched once more, and at what differs in the same way as before. */
static int same_world(struct pb_applying *p, struct pb_err *err)
{
    struct pb_unit_result *u = p->j->u;
    struct pb_reconcile_out then = u->out;
    struct pb_live_set was = u->live, seen;
    struct pb_recorded_set touched;
    const char *moved;

    for (size_t i = 0; i < p->run->outcome.nchanges; i++)
        p->run->outcome.changes[i].state = PB_APPLIED_STARTED; /* so that all are looked at */
    pb_verify_touched(&touched, u->arena, &u->recorded, &u->recorded, p->run->outcome.changes,
                      p->run->outcome.nchanges);
    for (size_t i = 0; i < p->run->outcome.nchanges; i++)
        p->run->outcome.changes[i].state = PB_APPLIED_NOT_STARTED;
    if (!touched.n)
        return 0;
    if (pb_apply_look(&seen, p, &touched, err) < 0)
        return -1;
    u->live = pb_verify_merge(u->arena, &was, &seen);
    if (pb_session_judge(p->j, err) < 0)
        return -1;
    moved = pb_verify_moved(&then, &u->out, p->run->outcome.changes, p->run->outcome.nchanges);
    u->out = then; /* the gate's answers point into it */
    u->live = was;
    if (moved)
        return pb_fail(err, PB_E_REFUSED, "'%s' was changed outside meanwhile", moved);
    return 0;
}

/* ---- the steps ------------------------------------------------------------------------------ */

static int keep_state(struct pb_applying *p, struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_area_file(&p->area, PB_AREA_BEFORE);
    bool none, torn;

    if (pb_fault("apply.snapshot"))
        return pb_fail_errno(err, PB_E_IO, "cannot keep the state aside");
    if (p->j->executor->keep_state(&none, &torn, p->j->u->arena, &p->j->ctx, path, err) < 0)
        return -1;
    if (torn || (none && p->j->whole.lineage))
        return pb_fail(err, PB_E_REFUSED, "the state is empty: put it back first (plumb recover)");
    return 0;
}

/* Up to the point from which on something may have happened. */
static int prepare(struct pb_applying *p, struct pb_err *err)
{
    struct pb_ledger_origin o = pb_record_origin(&p->record);
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_value body = pb_apply_prepared(p, a);

    if (pb_journal_begin(&p->journal, p->area.current, &o, err) < 0 ||
        pb_journal_add(p->journal, PB_JS_PREPARED, &body, err) < 0)
        return -1;
    phase(p, "look again");
    if (same_commit(p, err) < 0 || same_plan(p, err) < 0 || same_state(p, err) < 0 ||
        same_world(p, err) < 0) {
        if (err && err->cls == PB_E_REFUSED)
            p->moved = true;
        return -1;
    }
    if (keep_state(p, err) < 0 || pb_journal_add(p->journal, PB_JS_LOCKED, NULL, err) < 0)
        return -1;
    return pb_apply_tell_started(p, err);
}

static void on_event(void *ctx, const struct pb_apply_event *e)
{
    struct pb_applying *p = ctx;
    struct pb_apply_outcome *o = &p->run->outcome;

    if (e->step != PB_APPLY_RUNNING && p->journal_err.cls == PB_E_NONE)
        pb_journal_event(p->journal, e, &p->journal_err); /* the apply goes on whatever comes */
    pb_apply_take_event(p, e);
    if (p->run->event)
        p->run->event(p->run->ctx, e, p->done, o->nchanges);
}

static void on_tick(void *ctx)
{
    struct pb_applying *p = ctx;

    if (p->run->tick)
        p->run->tick(p->run->ctx);
}

static int start(struct pb_applying *p, struct pb_err *err)
{
    struct pb_apply_request rq = {.plan = &p->j->saved,
                                  .lease_fd = p->area.lease,
                                  .event = on_event,
                                  .tick = on_tick,
                                  .ctx = p};
    struct pb_apply_outcome *o = &p->run->outcome;
    int64_t from = pb_clock_ms();
    int rc;

    if (pb_journal_add(p->journal, PB_JS_STARTED, NULL, err) < 0)
        return -1;
    rc = p->j->executor->apply(&o->tool, p->j->u->arena, &p->j->ctx, &rq, err);
    o->interrupted = pb_cancel_answered();
    o->apply_ms = (long)(pb_clock_ms() - from);
    return rc;
}

static int apply(struct pb_applying *p, struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;

    int64_t from = pb_clock_ms();
    bool ready = prepare(p, &why) == 0;

    p->run->outcome.check_ms = (long)(pb_clock_ms() - from);
    if (!ready || start(p, &why) < 0) {
        /* Nothing was touched. */
        p->moved |= ready && why.cls == PB_E_REFUSED; /* the executor looks once more, too */
        pb_apply_tell_not_started(p, &why);
        pb_apply_close(p);
        if (p->moved)
            return end_with(p, PB_END_MOVED, why.cls, "%s: plan again", why.msg);
        if (err)
            *err = why;
        return -1;
    }
    phase(p, "verify");
    pb_apply_finish(p);
    return 0;
}

/* ---- deciding ------------------------------------------------------------------------------- */

static int decide(struct pb_applying *p, struct pb_err *err)
{
    struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_unit_gate *g = &p->run->gate;

    if (g->out.decision == PB_GATE_DENY)
        return end_with(p, PB_END_REFUSED, PB_E_REFUSED, "the gate refuses it");
    if (p->run->decide(p->run->ctx, &o->approval, &p->run->audit, g, o->evidence, err) < 0)
        return -1;
    if (o->approval == PB_APPROVED_NOT)
        return end_with(p, PB_END_REFUSED, PB_E_REFUSED, "nobody said yes");
    return 0;
}

/* Without a yes: what is there would be made a second time, whatever the gate says of it. */
static void check_adopted(struct pb_applying *p)
{
    PB_AUTO(str) char *file = NULL;
    const char *address = pb_apply_unadopted(&file, p);

    p->unadopted = address != NULL;
    if (address)
        end_with(p, PB_END_REFUSED, PB_E_REFUSED,
                 "'%s' was made by an apply that was interrupted, and the plan would make it "
                 "again: commit the import blocks of '%s', or remove that file if what it names "
                 "is gone",
                 address, file);
}

static int act(void *ctx, struct pb_session *j, struct pb_err *err)
{
    struct pb_applying *p = ctx;
    struct pb_apply_run *run = p->run;
    struct pb_apply_outcome *o = &run->outcome;
    PB_AUTO(buf) struct pb_buf evidence = PB_BUF_INIT;
    int64_t from = pb_clock_ms();
    int rc;

    o->sides_ms = (long)(from - p->start);
    o->observe_ms = j->u->stats.elapsed_ms;
    o->before = j->whole;
    if (pb_run_gate(&run->gate, &run->audit, j->u, run->any_tree, err) < 0 ||
        pb_run_evidence(&evidence, o->evidence, &run->gate, &run->audit, j->u, err) < 0)
        return -1;
    o->gate_ms = (long)(pb_clock_ms() - from);
    take_changes(p);
    if (!o->nchanges && !j->saved.outputs && run->gate.out.decision != PB_GATE_DENY) {
        o->end = PB_END_NOTHING;
        /* It has been looked at as it would have been after an apply, such as one that was
         * interrupted. */
        return pb_session_save_baseline(j, &j->whole, err);
    }
    o->shown = j->u->diags.n;
    check_adopted(p);
    if (o->end != PB_END_REFUSED && decide(p, err) < 0)
        return -1;
    rc = o->end == PB_END_REFUSED ? pb_apply_tell_refused(p, err) : apply(p, err);
    from = pb_clock_ms();
    pb_apply_anchor(p);
    o->ledger_ms += (long)(pb_clock_ms() - from);
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void release(struct pb_applying *p)
{
    pb_journal_end(p->journal);
    if (p->fresh && !p->keep_area)
        pb_fs_remove_tree(p->area.current, NULL);
    if (p->recording)
        pb_record_release(&p->record);
    pb_area_release(&p->area);
}

int pb_apply(struct pb_apply_run *run, const struct pb_audit_options *o, struct pb_err *err)
{
    struct pb_applying p = {
        .run = run, .area = PB_AREA_INIT, .rev = o->rev ? o->rev : "HEAD", .start = pb_clock_ms()};
    struct pb_audit_act hooks = {begin, act, &p};
    struct pb_audit_options with = *o;
    int rc;

    pb_random_hex(p.id);
    with.all = true; /* an apply does not ask what an audit ignores */
    with.as_applied = true;
    with.act = &hooks;
    run->outcome.why = (struct pb_err)PB_ERR_INIT;
    rc = pb_audit_run(&run->audit, &with, err);
    if (rc == 0 && run->audit.units[0].failed) {
        if (err)
            *err = run->audit.units[0].err;
        rc = -1;
    }
    if (rc < 0 && err && err->sys == ECHILD)
        p.keep_area = true; /* planning takes the state's lock, and was killed: see recover.c */
    run->outcome.elapsed_ms = (long)(pb_clock_ms() - p.start);
    release(&p);
    return rc;
}

void pb_apply_release(struct pb_apply_run *run)
{
    pb_audit_release(&run->audit);
}
