/* Plans: whatever is accepted is sorted, has a provider, and declares nothing on deletion. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_diags diags = {NULL, 0, 0};
    struct pb_tf_plan_in in = {.what = "plan", .diags = &diags};
    struct pb_arena *a = pb_arena_new();
    struct pb_tf_plan plan;

    if (pb_tf_plan_parse(&plan, a, (const char *)data, size, &in, NULL) == 0) {
        for (size_t i = 0; i < plan.declared.n; i++) {
            const struct pb_declared *d = &plan.declared.v[i];
            if (!d->provider || (d->action == PB_ACT_DELETE && d->planned))
                abort();
            if (i && strcmp(d[-1].address, d->address) >= 0)
                abort();
        }
    }
    pb_diags_release(&diags);
    pb_arena_free(a);
    return 0;
}
