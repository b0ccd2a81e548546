/*
 * apply.h: plan, gate, apply, verify, record, for one unit.
 *
 *	struct pb_apply_run run = {.decide = ask, .event = show, .ctx = &view};
 *	if (pb_apply(&run, &options, &err) < 0) ...	// nothing was applied
 *	... report run.outcome ...
 *	pb_apply_release(&run);
 *
 * The order, each step in the journal (journal.h) before what it announces:
 *
 *	lease     one apply of a unit on this machine, for as long as anything of it lives
 *	settle    what an earlier one left behind is brought to its end first (recover.h)
 *	plan      on the state's own backend, beside observing; the gate; somebody's decision
 *	PREPARED  what was decided, and on what evidence
 *	LOCKED    the evidence taken again: commit, plan, state, live; the state kept aside
 *	STARTED   the tool applies the plan; each object that it makes is in the journal by its id
 *	EXITED    however it ended
 *	STATE_OK  the state is whole, and was read
 *	LIVE_OK   what was touched was observed: declared equals live, or it says not verified
 *	CLOSED    baseline and ledger have it; the area is removed
 *
 * The tool locks the state itself while it plans and applies, and refuses a plan whose state has
 * moved; the lease is plumb's own and comes first.
 */
#ifndef PB_RUN_APPLY_H
#define PB_RUN_APPLY_H

#include "run/audit.h"
#include "run/gate.h"

/* Who said yes. */
enum pb_approval {
    PB_APPROVED_NOT = 0,
    PB_APPROVED_POLICY,  /* the gate allows it, and nobody had to be asked */
    PB_APPROVED_PERSON,  /* somebody at a terminal */
    PB_APPROVED_EVIDENCE /* somebody who had seen this evidence, by its hash */
};
extern const char *const pb_approval_names[]; /* "", "policy", "terminal", "evidence" */

enum pb_applied_state {
    PB_APPLIED_NOT_STARTED,
    PB_APPLIED_STARTED, /* and nobody saw how it ended */
    PB_APPLIED_DONE,
    PB_APPLIED_FAILED
};
extern const char *const pb_applied_names[];

struct pb_applied_change {
    const char *address; /* first: they are found by it */
    enum pb_action action;
    enum pb_cause cause;
    enum pb_applied_state state;
    unsigned char halves; /* of a replacement that are over */
    const char *id;       /* or NULL */
    enum pb_tri verified;
    enum pb_verdict verdict; /* when looked at again */
    const char *reason;      /* why it is not verified, or NULL */
};

enum pb_apply_end {
    PB_END_NOTHING,  /* there was nothing to apply */
    PB_END_REFUSED,  /* by the gate, or by whoever was asked */
    PB_END_MOVED,    /* what was decided about is no longer so; nothing was touched */
    PB_END_APPLIED,  /* all of it was done; `verified` says whether it is so */
    PB_END_PARTLY,   /* the tool failed or was stopped */
    PB_END_UNSETTLED /* the state could not be read afterwards: `plumb recover` goes on */
};

struct pb_apply_outcome {
    enum pb_apply_end end;
    struct pb_err why; /* of all ends but NOTHING and APPLIED */
    enum pb_approval approval;
    char evidence[PB_SHA256_HEX];
    struct pb_applied_change *changes; /* sorted by address */
    size_t nchanges;
    struct pb_apply_result tool;
    enum pb_tri verified; /* all of what was touched */
    struct pb_recorded_set before, after;
    bool interrupted;
    const char *rescued; /* where a state lies that is nowhere else; or NULL */
    size_t shown;        /* diagnostics of the unit that were there when it was decided */
    /* Until there was something to decide about, of which the unit knows the parts; the rest in
     * the order of things, without the time that somebody took to decide. */
    long elapsed_ms, sides_ms, observe_ms, gate_ms, check_ms, apply_ms, verify_ms, ledger_ms;
};

struct pb_apply_run {
    /* Shows what the gate says and decides; the gate has not denied it. -1: an error. */
    int (*decide)(void *ctx, enum pb_approval *out, struct pb_audit *a, struct pb_unit_gate *g,
                  const char *evidence, struct pb_err *err);
    /* Of `total` changes `done` are; may be NULL. */
    void (*event)(void *ctx, const struct pb_apply_event *e, size_t done, size_t total);
    void (*tick)(void *ctx);                    /* often, while the tool runs; may be NULL */
    void (*phase)(void *ctx, const char *what); /* "verify"; may be NULL */
    /* What became of an earlier apply that was interrupted, sentence by sentence; may be NULL. */
    void (*say)(void *ctx, const char *what);
    void *ctx;
    bool any_tree; /* the commit was named: what is not committed plays no part */
    long wait_ms;  /* for the lease */

    /* Results, valid until release. */
    struct pb_audit audit;
    struct pb_unit_gate gate;
    struct pb_apply_outcome outcome;
};

/* -1: it could not even be decided. 0: outcome.end says how it ended. */
int pb_apply(struct pb_apply_run *run, const struct pb_audit_options *o, struct pb_err *err);
enum pb_exit pb_apply_exit(const struct pb_apply_outcome *o);
void pb_apply_release(struct pb_apply_run *run);

#endif
