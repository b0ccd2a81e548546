/* ahead.h: reading the packs in a thread, while others find out what to ask. */
#ifndef PB_BACKENDS_REST_AHEAD_H
#define PB_BACKENDS_REST_AHEAD_H

#include "backends/backend.h"
#include "backends/rest/pack.h"

/* As pb_observer.ahead and .ahead_end. */
void *pb_rest_ahead(struct pb_crew *crew, const char *pack_dirs,
                    const struct pb_recorded_set *recorded);
void pb_rest_ahead_end(void *ahead);

/* What was read, once it is. Packs that could not be read are missing and are read, and refused,
 * when they are looked for. Only one thread at a time may go on with them. */
struct pb_packs *pb_rest_ahead_packs(void *ahead);

#endif
