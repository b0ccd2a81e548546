/*
 * examine.h: what doctor asks of the provider observer; as pb_observer's examine.
 */
#ifndef PB_PROVIDER_EXAMINE_H
#define PB_PROVIDER_EXAMINE_H

#include "backends/backend.h"

void pb_provider_examine(struct pb_diags *out, struct pb_arena *a,
                         const struct pb_observe_request *rq);

#endif
