#include "model/verdict.h"

#include <string.h>

#define ROW(v, name, effect, res, attr, meaning, would) \
    [v] = {v, name, PB_EFFECT_##effect, res, attr, meaning, would}

const struct pb_verdict_row pb_verdicts[PB_NVERDICTS] = {
    ROW(PB_IN_SYNC, "in_sync", NONE, true, true, "Git, the state and the world agree", "nothing"),
    ROW(PB_UNCHECKED, "unchecked", NONE, true, true,
        "nobody can see it (write-only), or no observer maps it", "not known"),
    ROW(PB_COMPUTED, "computed", NONE, true, true,
        "Git is silent about it, and the world differs from the state",
        "a record, or the provider's own value back: 'plumb plan' tells"),
    ROW(PB_STALE_RECORD, "stale_record", DIFFERENCE, true, true,
        "Git and the world agree, the state is behind", "nothing but a record"),
    ROW(PB_CONVERGED, "converged", DIFFERENCE, true, true,
        "somebody already did by hand what Git asks for", "nothing but a record"),
    ROW(PB_PENDING, "pending", DIFFERENCE, true, true, "Git asks for a change not yet applied",
        "bring Git's change about"),
    ROW(PB_UNKNOWN_V, "unknown", INCONCLUSIVE, true, true, "it was looked at and could not be seen",
        "cannot be proved"),
    ROW(PB_UNOBSERVED, "unobserved", INCONCLUSIVE, true, false,
        "the resource could not be observed", "cannot be proved"),
    ROW(PB_UNMANAGED, "unmanaged", DIFFERENCE, true, false, "it is live and in no state",
        "nothing: it is not Terraform's"),
    ROW(PB_LAUNDERED, "laundered", DIFFERENCE, true, true,
        "changed outside, and a refresh hid it in the state", "revert an outside change"),
    ROW(PB_DRIFTED, "drifted", DIFFERENCE, true, true, "changed outside of Git",
        "revert an outside change"),
    ROW(PB_MISSING, "missing", DIFFERENCE, true, false, "deleted outside of Git",
        "create it again"),
    ROW(PB_CONFLICT, "conflict", DIFFERENCE, true, true,
        "changed outside, and Git asks for something else again",
        "overwrite an outside change with a different one: a person decides"),
};

const char *pb_verdict_name(enum pb_verdict v)
{
    return pb_verdicts[v].name;
}

int pb_verdict_parse(enum pb_verdict *out, const char *name)
{
    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        if (strcmp(pb_verdicts[i].name, name) == 0) {
            *out = pb_verdicts[i].verdict;
            return 0;
        }
    }
    return -1;
}
