/*
 * state.h: Terraform's state, version 4, as the recorded side.
 *
 *	struct pb_recorded_set set;
 *	if (pb_tf_state_parse(&set, arena, text, n, path, NULL, err))
 *		return -1;
 *
 * Refused, each with its remedy: an empty or cut off file (what a killed Terraform leaves),
 * other versions, OpenTofu's encrypted form, attributes of Terraform 0.11, the same instance
 * twice. Data sources are left out. Deposed objects follow the current one of their address.
 *
 * `schemas` marks what providers call sensitive, besides what the state itself marks; may be
 * NULL. The text is not kept: release it afterwards.
 */
#ifndef PB_TERRAFORM_STATE_H
#define PB_TERRAFORM_STATE_H

#include "base/err.h"
#include "model/snapshot.h"

/* The largest state that is read. */
#define PB_TF_STATE_MAX ((size_t)1 << 30)

int pb_tf_state_parse(struct pb_recorded_set *out, struct pb_arena *a, const char *text, size_t n,
                      const char *what, const struct pb_schema_set *schemas, struct pb_err *err);

/* The set of a unit whose state does not exist yet. */
void pb_tf_state_none(struct pb_recorded_set *out);

/* Whether these bytes are OpenTofu's encrypted form, which only `tofu` can read. */
bool pb_tf_state_encrypted(const char *text, size_t n);

/* For a set that was read before the schemas were known: marks what they call sensitive and
 * takes values of any type out of their wrapping. Once for each set. */
void pb_tf_state_refine(struct pb_recorded_set *set, struct pb_arena *a,
                        const struct pb_schema_set *schemas);

#endif
