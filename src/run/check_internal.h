/* check_internal.h: what the files behind check.h share. */
#ifndef PB_RUN_CHECK_INTERNAL_H
#define PB_RUN_CHECK_INTERNAL_H

#include "base/sandbox.h"
#include "reconcile/compare.h"
#include "run/check.h"
#include "run/session.h"

/* One unit with what either tree says of it. */
struct pb_check_job {
    struct pb_check_unit *unit;
    const struct pb_config_unit *before, *after; /* NULL: that tree does not have it */
    const char *engine;
    size_t at_base;           /* index of what check->audit has of it, while that chooses */
    struct pb_text_diff text; /* in the unit's arena */
};

/* A check while it is worked on. */
struct pb_checking {
    struct pb_check *check;
    const struct pb_check_options *options;
    struct pb_audit_options audit_options;
    struct pb_audit_shared base, merged;
    struct pb_strv paths; /* that differ */
    struct pb_sandbox box;
    struct pb_check_job *jobs; /* of check->units[i] */
};

/* Adds it, with all its strings copied. */
void pb_check_add(struct pb_check_findings *f, struct pb_arena *a,
                  const struct pb_check_finding *one);
/* The same of what a rule finds: its code, and its severity unless the finding has one. */
void pb_check_find(struct pb_check_findings *f, struct pb_arena *a, const struct pb_text_rule *rule,
                   const struct pb_check_finding *one);

/* check_trust.c: fills check->trusted and check->trust. */
int pb_check_trust(struct pb_checking *k, struct pb_err *err);

/* check_units.c: which units there are, and which of them the change reaches; the audits keep
 * those alone. Sets check->broken where the merged tree cannot be worked with. */
int pb_check_choose(struct pb_checking *k, struct pb_err *err);

/* check_policy.c: what the change makes of plumb.yaml. */
void pb_check_policy(struct pb_checking *k);

/* check_text.c: what the text says; for one unit, on the thread that has the repository. Then the
 * blocks that it touches, of a unit that is not planned in the end. */
int pb_check_text(struct pb_checking *k, struct pb_check_job *job, struct pb_err *err);
void pb_check_text_blocks(struct pb_checking *k, struct pb_check_job *job);

/* check_unit.c: what is done with each unit of either audit, by several threads. */
int pb_check_each(struct pb_unit_result *u, struct pb_audit_shared *s, struct pb_err *err);
int pb_check_then(struct pb_session *j, struct pb_err *err);

/* check_imports.c: takes an import of what is recorded under an address that the change lets go of
 * for the move that it is. Not where base imports it already. */
void pb_check_imports(struct pb_declared_set *merged, struct pb_arena *a,
                      const struct pb_declared_set *base, const struct pb_recorded_set *recorded);

/* check_resources.c: the resources of a unit from what both trees make of the same world. NULL for
 * `base`: the unit is added. `seal` may be NULL. */
void pb_check_resources(struct pb_check_unit *cu, const struct pb_unit_result *base,
                        const struct pb_unit_result *merged, const struct pb_seal *seal, bool all);
/* By address; NULL: there is nothing to tell of it. */
const struct pb_check_resource *pb_check_resource_at(const struct pb_check_unit *cu,
                                                     const char *address);
/* What the change touches and no observer of the first turn looked at, or what collides by the word
 * of one that does not confirm, as something that has to be confirmed; n 0: nothing. In `a`. */
struct pb_reconcile_out pb_check_doubts(struct pb_arena *a, const struct pb_check_unit *cu,
                                        const struct pb_unit_result *merged);

/* Whether both say the same; what neither knows yet is the same. */
bool pb_check_same(const struct pb_compare *c, const struct pb_value *a, const struct pb_value *b);

/* check_plans.c: finds what the merged plan says otherwise of providers and outputs, once both are
 * there; `shared`: what the text has told of several units. `seal` may be NULL. */
void pb_check_plans(struct pb_check_unit *cu, const struct pb_check_findings *shared,
                    const struct pb_seal *seal);

/* check_gate.c: base's rules on the merged plan; on the thread that has the repository. */
int pb_check_gate(struct pb_checking *k, struct pb_check_job *job, struct pb_err *err);

#endif
