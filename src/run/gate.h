/*
 * gate.h: the gate (policy/gate.h) for one unit of an audit: its changes with what explains them,
 * what is true of the commit, and the rules.
 *
 * The audit was run with options.as_applied and options.all, without targets. Protected
 * resources are those of the commit and those of the commit that was last verified: a commit
 * cannot take a protection away and make use of that at once.
 */
#ifndef PB_RUN_GATE_H
#define PB_RUN_GATE_H

#include "policy/gate.h"
#include "run/audit.h"

struct pb_unit_gate {
    struct pb_gate_out out;
    struct pb_gate_facts facts;
    const struct pb_resource_result **results; /* of out.v[i], for reports */
};

/* In u->arena. `any_tree`: the commit was named, so what is not committed plays no part. */
int pb_run_gate(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                bool any_tree, struct pb_err *err);

#endif
