/*
 * verdict.h: the one table of verdicts. Reports, exit codes, help and the README's table
 * come from pb_verdicts[].
 */
#ifndef PB_MODEL_VERDICT_H
#define PB_MODEL_VERDICT_H

#include "base/compiler.h"

/* In order of severity: the worst attribute decides a resource, from low to high. */
enum pb_verdict {
    PB_IN_SYNC = 0,
    PB_UNCHECKED,    /* attribute: nobody can see it (write-only), or no observer maps it */
    PB_COMPUTED,     /* attribute: Git is silent and recorded differs from live */
    PB_STALE_RECORD, /* only the record is behind */
    PB_CONVERGED,
    PB_PENDING,
    PB_UNKNOWN_V,  /* attribute: could not be proved */
    PB_UNOBSERVED, /* resource: could not be observed */
    PB_UNMANAGED,
    PB_LAUNDERED,
    PB_DRIFTED,
    PB_MISSING,
    PB_CONFLICT,
    PB_NVERDICTS
};

enum pb_verdict_effect {
    PB_EFFECT_NONE,        /* exit 0 */
    PB_EFFECT_DIFFERENCE,  /* exit 2 */
    PB_EFFECT_INCONCLUSIVE /* exit 4 when there is no difference */
};

struct pb_verdict_row {
    enum pb_verdict verdict;
    const char *name; /* as in the JSON report: "in_sync" */
    enum pb_verdict_effect effect;
    bool for_resource, for_attribute;
    const char *meaning;     /* one line for people */
    const char *apply_would; /* what an apply would do */
};

extern const struct pb_verdict_row pb_verdicts[PB_NVERDICTS]; /* indexed by verdict */

const char *pb_verdict_name(enum pb_verdict v);
int pb_verdict_parse(enum pb_verdict *out, const char *name); /* -1: no such verdict */

#endif
