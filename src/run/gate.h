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

/* The commit that explains a change; or declared the value that the change is about. */
struct pb_gate_author {
    const char *commit; /* NULL: none is known */
    const char *author, *summary;
    time_t time;
    const char *file; /* or NULL */
    unsigned line;    /* 0: the whole file */
    bool block;       /* it changed the block itself; else something that the unit reads */
};

struct pb_unit_gate {
    struct pb_gate_out out;
    struct pb_gate_facts facts;
    const struct pb_resource_result **results; /* of out.v[i], for reports */
    const struct pb_gate_author **by;          /* of out.v[i] */
    const struct pb_config_gate *rules;        /* what the commit asks for */
    const struct pb_config_gate *old_rules;    /* and the last verified one, if it is another */
    char evidence[PB_SHA256_HEX];              /* see pb_run_evidence */
};

/* A change that is not merged yet: a->commit is what merging would give, and a->rules_commit the
 * base, whose rules count. */
struct pb_gate_review {
    /* The unit as base has it: what it declares, Git explains when the change takes it away. NULL:
     * base does not have the unit. */
    const struct pb_unit_result *base;
    /* Whether the change overwrites something that was done outside of Git; may be NULL. */
    bool (*overwrites)(void *ctx, const char *address);
    /* Whether the change is about it, so that none but commits after a->rules_commit is behind it;
     * may be NULL. */
    bool (*touches)(void *ctx, const char *address);
    void *ctx;
};

/* In u->arena. `any_tree`: the commit was named, so what is not committed plays no part. */
int pb_run_gate(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                bool any_tree, struct pb_err *err);
/* The same before a merge: what only holds for the commit that is applied in the end is not asked
 * (branch, signatures, work tree, windows). */
int pb_run_gate_review(struct pb_unit_gate *out, struct pb_audit *a, struct pb_unit_result *u,
                       const struct pb_gate_review *r, struct pb_err *err);

/* Of a plan of all units of the audit; `gates` has one for each, and that of one that failed is not
 * read. */
enum pb_exit pb_gates_exit(const struct pb_audit *a, const struct pb_unit_gate *gates);

/*
 * Everything that the decision rests on, as canonical JSON in `canonical`, and its digest: commit,
 * unit, options, state, pinned plugins, each change with its values, the live values of what it
 * touches, and the rules. The same facts give the same bytes on every machine; what is decided is
 * not in it, and neither is the time. Of live values only those count that a configuration could
 * set: what providers compute moves by itself. A sensitive value is "(sensitive)", so that two
 * secrets are told apart only by what else follows from them; of variables there are the names.
 */
int pb_run_evidence(struct pb_buf *canonical, char hash[PB_SHA256_HEX], struct pb_unit_gate *g,
                    struct pb_audit *a, struct pb_unit_result *u, struct pb_err *err);

#endif
