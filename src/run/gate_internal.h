/* gate_internal.h: what the files behind gate.h share. */
#ifndef PB_RUN_GATE_INTERNAL_H
#define PB_RUN_GATE_INTERNAL_H

#include "base/map.h"
#include "git/blame.h"
#include "run/gate.h"

/* What one commit asks for; `suffix` says of which, when it is not the one that is planned. Release
 * it also when it could not be made. */
struct pb_ruleset {
    struct pb_gate_policy policy;
    struct pb_gate_rule *rules;
    struct pb_gate_guard *guards;
};

int pb_ruleset_init(struct pb_ruleset *r, struct pb_arena *a, const char *file, const char *suffix,
                    const struct pb_config_gate *c, struct pb_err *err);
void pb_ruleset_release(struct pb_ruleset *r);

/* Fills in whether what is planned is signed; `old` or NULL is what the last verified commit asks
 * for. What cannot be checked is not signed. */
void pb_gate_signed(struct pb_gate_facts *f, struct pb_audit *a, struct pb_unit_result *u,
                    const struct pb_config_gate *old);

/* Asks the programs of both rule sets, with `facts` as their input, and takes what they say into
 * g->out. -1 only when interrupted, or when there is no room to work. */
int pb_gate_policies(struct pb_unit_gate *g, struct pb_audit *a, struct pb_unit_result *u,
                     const struct pb_buf *facts, struct pb_err *err);

/* What was looked up of the history for one unit. */
struct pb_gate_history {
    struct pb_audit *audit;
    struct pb_unit_result *u;
    const char *last;                    /* the commit that was verified last, or NULL */
    const struct pb_gate_review *review; /* or NULL */
    struct pb_blame *blame;
    struct pb_map known; /* "file:line", or a commit -> struct pb_gate_author */
};

/* What an action on a resource starts, with where each comes from; in the arena. */
const struct pb_gate_effect *pb_gate_effects(size_t *n, const struct pb_gate_history *h,
                                             const struct pb_side_effect *v, size_t nv,
                                             enum pb_action action);

/* Who is behind a change; never NULL. Where the history cannot be read nobody is. */
const struct pb_gate_author *pb_gate_author(struct pb_gate_history *h, const struct pb_declared *d,
                                            enum pb_cause cause);

#endif
