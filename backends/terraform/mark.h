/*
 * mark.h: what schemas and states say about values besides the values: which parts are
 * secret, which are wrapped.
 */
#ifndef PB_TERRAFORM_MARK_H
#define PB_TERRAFORM_MARK_H

#include "model/schema.h"

/* A copy in which every attribute that the type calls sensitive is marked; shares whatever
 * holds none. `t` may be NULL: nothing is marked. */
struct pb_value pb_tf_mark_schema(struct pb_arena *a, const struct pb_value *v,
                                  const struct pb_type *t);

/* A copy in which every text with a secret in it is marked, and what has one as the name of a
 * member is as a whole. */
struct pb_tf_redactor;
struct pb_value pb_tf_mark_found(struct pb_arena *a, const struct pb_value *v,
                                 const struct pb_tf_redactor *secrets);

/* A state writes what can be of any type as {"value": ..., "type": ...}; plans and providers do
 * not. A copy with the values alone, where `t` says that anything can be. */
struct pb_value pb_tf_unwrap_dynamic(struct pb_arena *a, const struct pb_value *v,
                                     const struct pb_type *t);

/* Marks what lies at `steps` (strings for members, numbers for items), and whatever is below.
 * A path that leads nowhere marks the nearest part that is there: better too much. */
struct pb_value pb_tf_mark_path(struct pb_arena *a, const struct pb_value *v,
                                const struct pb_value *steps, size_t nsteps);

#endif
