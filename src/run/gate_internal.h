/* gate_internal.h: what the files behind gate.h share. */
#ifndef PB_RUN_GATE_INTERNAL_H
#define PB_RUN_GATE_INTERNAL_H

#include "run/gate.h"

/* What an action on a resource starts, with where each comes from; in the arena. `last` is the
 * commit that was verified last, or NULL. */
const struct pb_gate_effect *pb_gate_effects(size_t *n, struct pb_arena *a, struct pb_audit *audit,
                                             const char *last, const struct pb_side_effect *v,
                                             size_t nv, enum pb_action action);

#endif
