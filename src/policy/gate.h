/*
 * gate.h: between plan and apply. Every planned change needs a cause that Git explains; what has
 * none, or cannot be seen, is refused with what would resolve it.
 *
 *	struct pb_gate_in in = {.changes = v, .n = n, .facts = &f, .policy = &p};
 *	pb_gate(&out, arena, &in);
 *	if (out.decision == PB_GATE_ALLOW) ...
 *
 * Nothing is looked up here: what is not known is PB_TRI_UNKNOWN and refuses like a no.
 */
#ifndef PB_POLICY_GATE_H
#define PB_POLICY_GATE_H

#include "base/err.h"
#include "model/match.h"
#include "model/snapshot.h"
#include "model/verdict.h"
#include "policy/window.h"

/* ---- what is to happen -------------------------------------------------------------------- */

/* Why the plan wants a change, from harmless to not. */
enum pb_cause {
    PB_CAUSE_RECORD,      /* only the record changes: the world is what Git asks for already */
    PB_CAUSE_GIT,         /* Git asks for something else since the last verified apply */
    PB_CAUSE_REVERT,      /* it undoes a change that was made outside of Git */
    PB_CAUSE_REQUESTED,   /* the command line asks for it by name, and Git does not */
    PB_CAUSE_OVERWRITE,   /* Git asks for one thing, somebody did another outside */
    PB_CAUSE_UNEXPLAINED, /* neither Git nor the world changed: a provider, a variable, a state */
    PB_CAUSE_UNSEEN,      /* the live value could not be seen: no cause can be proved */
    PB_NCAUSES
};
extern const char *const pb_cause_names[PB_NCAUSES];    /* "record", "git", ... */
extern const char *const pb_cause_meanings[PB_NCAUSES]; /* half a sentence for people */

/* An attribute that is not in sync; what an ignore rule covers too: an apply does not ask it. */
struct pb_gate_attr {
    const char *path;
    enum pb_verdict verdict;
    bool has_baseline, baseline_is_live; /* as last verified; and the world is that still */
    bool settable;                       /* a configuration could set it: it does not move alone */
};

/* Where something that an apply would start comes from. */
enum pb_gate_origin {
    PB_ORIGIN_NONE,      /* no commit has it: downloaded code, or nobody knows */
    PB_ORIGIN_COMMITTED, /* the commit has it, what was verified last has not */
    PB_ORIGIN_VERIFIED,  /* word for word as in what was verified last */
    PB_NORIGINS
};
extern const char *const pb_gate_origins[PB_NORIGINS]; /* "none", "committed", "verified" */

/* A provisioner or an action, which no plan tells the effect of. */
struct pb_gate_effect {
    const char *what;  /* "local-exec" */
    const char *where; /* "main.tf:12", or NULL */
    enum pb_gate_origin origin;
};

/* One resource that the plan wants to change. */
struct pb_gate_change {
    const char *address;
    enum pb_action action;
    enum pb_verdict verdict, also;
    bool recorded;    /* the state has it */
    bool in_baseline; /* it was in sync when last verified */
    bool moves;       /* the block has another address by now */
    bool imports;     /* an import block asks for it */
    bool requested;   /* the command line asks for just this action */
    /* Why it overwrites what somebody did outside, where the caller knows more than verdicts tell;
     * or NULL. */
    const char *overwrites;
    const struct pb_gate_attr *attrs;
    size_t nattrs;
    const struct pb_gate_effect *effects; /* that this action would start */
    size_t neffects;
};

/* `why` is a sentence without its end, about the attribute that decided; in the arena. */
enum pb_cause pb_cause_of(const char **why, struct pb_arena *a, const struct pb_gate_change *c,
                          bool has_baseline);

/* ---- what is true ------------------------------------------------------------------------- */

enum pb_tri { PB_TRI_UNKNOWN = 0, PB_TRI_NO, PB_TRI_YES };

struct pb_gate_facts {
    const char *commit;
    enum pb_tri merged;    /* the commit is on the branch of the policy, on the remote */
    enum pb_tri descends;  /* from the commit that was last applied or verified */
    enum pb_tri clean;     /* nothing of the unit is uncommitted in the work tree */
    enum pb_tri complete;  /* the plan says that it is */
    const char *last;      /* commit that was last applied or verified; NULL: none is known */
    const char *last_who;  /* " by NAME (\"SUMMARY\")" of it; NULL: not known */
    const char *gap;       /* why it is not complete, or NULL */
    const char *dirty;     /* a path that is not committed, or NULL */
    const char *branch_is; /* "main on origin", for messages; NULL when no branch is required */
    bool has_baseline;
    /* It is about what a merge would give: nothing that only the commit that will be applied, and
     * the moment of that, can be asked for is asked. */
    bool before_merge;
    size_t unseen; /* resources of the unit that could not be observed */
    bool needs_signature;
    const char *not_signed; /* why not, or NULL */
    time_t now;
    size_t lost;              /* resources that were verified in a state that is not this one */
    const char *lost_lineage; /* of that state */
    const char *lineage;      /* of this one; NULL: there is none */
    /* What the command line adds to the commit, for people; NULL-terminated or NULL. And what of
     * it may change any value: Git explains no change then; NULL: nothing. */
    const char *const *added;
    const char *outside;
};

/* ---- what is wanted ----------------------------------------------------------------------- */

enum pb_gate_decision { PB_GATE_ALLOW, PB_GATE_ASK, PB_GATE_DENY };
extern const char *const pb_gate_decision_names[]; /* "allow", "ask", "deny" */

/* The first rule that fits decides; without one the defaults of DESIGN.md do: git and record are
 * allowed, revert and requested ask, the rest is denied. */
struct pb_gate_rule {
    unsigned causes;  /* bits 1 << cause; 0: any */
    unsigned actions; /* bits 1 << action; 0: any */
    struct pb_match address;
    enum pb_gate_decision decision;
    const char *reason; /* or NULL */
    const char *at;     /* "plumb.yaml:12" */
};

struct pb_gate_guard { /* never deleted or replaced */
    struct pb_match address;
    const char *reason, *at;
};

struct pb_gate_policy {
    const struct pb_gate_rule *rules;
    size_t nrules;
    const struct pb_gate_guard *guards;
    size_t nguards;
    int64_t max_delete, max_replace; /* below 0: no limit */
    /* Of provisioners and actions. Without: what was verified is allowed, what a commit brings
     * asks, the rest is denied. */
    bool has_effects_rule;
    enum pb_gate_decision effects;
    bool need_branch;
    bool see_all; /* every resource of the unit has to be seen, not only those that change */
    struct pb_windows windows;
    const char *suffix; /* " of 1a2b3c4d" when it is another commit's, else "" or NULL */
};

/* ---- the answer --------------------------------------------------------------------------- */

struct pb_gate_verdict {
    const struct pb_gate_change *change;
    enum pb_cause cause;
    enum pb_gate_decision decision;
    const char *why;  /* of the cause */
    const char *rule; /* what decided: "plumb.yaml:12 (reason)", "the default for revert" */
    bool by_default;  /* no rule decided */
    bool guarded;     /* it is protected, and would be deleted or replaced */
};

/* Why it is refused whatever the changes are. */
struct pb_gate_refusal {
    const char *code; /* stable, kebab-case: "stale-commit" */
    const char *what; /* what is wrong */
    const char *remedy;
};

struct pb_gate_out {
    enum pb_gate_decision decision; /* the strictest of all */
    struct pb_gate_verdict *v;      /* one for each change, in order */
    size_t n;
    struct pb_gate_refusal *refusals;
    size_t nrefusals;
    size_t by_cause[PB_NCAUSES], by_decision[3];
};

struct pb_gate_in {
    const struct pb_gate_change *changes;
    size_t n;
    const struct pb_gate_effect *effects; /* of no resource that changes: nobody can be asked */
    size_t neffects;
    const struct pb_gate_facts *facts;
    const struct pb_gate_policy *policy;
    const struct pb_gate_policy
        *older; /* of what was verified last, or NULL: the stricter counts */
};

void pb_gate(struct pb_gate_out *out, struct pb_arena *a, const struct pb_gate_in *in);

/* What somebody else says of it afterwards: one more refusal, in the arena; or every change is
 * decided at least so strictly. Neither makes anything milder. */
void pb_gate_refuse(struct pb_gate_out *out, struct pb_arena *a, const char *code, const char *what,
                    const char *remedy);
void pb_gate_raise(struct pb_gate_out *out, enum pb_gate_decision d, const char *rule);

int pb_cause_parse(enum pb_cause *out, const char *name);
int pb_gate_decision_parse(enum pb_gate_decision *out, const char *name);

#endif
