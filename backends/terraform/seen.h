/*
 * seen.h: which state of a unit plumb saw last, so that an older one or another's is not
 * taken for the truth: a restored backup, a wrong bucket, a state pushed by force.
 *
 * Kept in plumb's state folder, a small file for each repository and unit.
 */
#ifndef PB_TERRAFORM_SEEN_H
#define PB_TERRAFORM_SEEN_H

#include "backends/backend.h"

/* `where` names the state in messages; `identity` names repository and unit. Refuses
 * (PB_E_REFUSED) a lower serial or another lineage than the last one unless `accept`;
 * remembers this one otherwise. The same serial with other content is warned of. */
int pb_tf_seen_check(const struct pb_recorded_set *set, const char *identity, const char *where,
                     bool accept, struct pb_diags *diags, struct pb_arena *a, struct pb_err *err);

#endif
