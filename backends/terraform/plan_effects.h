/*
 * plan_effects.h: what an apply starts beside what providers do: provisioners and actions. Part
 * of plan.c.
 */
#ifndef PB_TERRAFORM_PLAN_EFFECTS_H
#define PB_TERRAFORM_PLAN_EFFECTS_H

#include "backends/terraform/plan.h"

/* The plan tells which provisioners there are, only the text (`hint`, or NULL) when they run: where
 * the two do not fit, each is taken to run on both. */
const struct pb_side_effect *pb_tf_provisioners(size_t *n, struct pb_arena *a,
                                                const struct pb_value *provisioners,
                                                const struct pb_tf_hint *hint);

/* Adds each invocation to the resource that triggers it, or to the set when that is not there. */
int pb_tf_invocations(struct pb_declared_set *set, struct pb_arena *a, const struct pb_value *list,
                      const struct pb_tf_plan_in *in, struct pb_err *err);

#endif
