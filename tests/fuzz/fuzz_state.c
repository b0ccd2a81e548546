/* State files: whatever is accepted is sorted and has no instance twice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_recorded_set set;

    pb_tf_state_encrypted((const char *)data, size);
    if (pb_tf_state_parse(&set, a, (const char *)data, size, "state", NULL, NULL) == 0) {
        for (size_t i = 0; i < set.n; i++)
            if (!pb_recorded_find(&set, set.v[i].address) || !set.v[i].attributes)
                abort();
        for (size_t i = 1; i < set.n; i++)
            if (strcmp(set.v[i - 1].address, set.v[i].address) > 0)
                abort();
    }
    pb_arena_free(a);
    return 0;
}
