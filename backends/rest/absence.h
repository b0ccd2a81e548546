/*
 * absence.h: when plumb says that an object does not exist. Pure; the whole truth table is
 * in the tests. What is not proved is unknown.
 */
#ifndef PB_BACKENDS_REST_ABSENCE_H
#define PB_BACKENDS_REST_ABSENCE_H

#include "base/arena.h"
#include "model/snapshot.h"

struct pb_absence {
    const char *label; /* the request that was answered: "ec2 DescribeVpcs" */
    const char *code;  /* the API's own not-found code, or NULL: only not listed */

    /* Not listed: a second complete listing does not have it either, and something shows
     * that the API is not merely silent. */
    bool listed_twice;
    bool others_listed;  /* that listing has other objects */
    const char *doubt;   /* why that listing may not be whole, or NULL */
    const char *witness; /* the step that found its object, or NULL */

    /* Of the recorded ARN; "" or NULL when it names none. */
    const char *recorded_region, *recorded_account;
    const char *asked_region;

    bool sibling; /* another object of that service was seen with the same credentials */
    const char *sibling_account; /* that its ARN names, or NULL */
    bool canary_ok;
    const char *canary_account; /* or NULL */
    const char *canary_reason;  /* why it is not ok */
};

/* PB_P_ABSENT with the proof, or PB_P_UNKNOWN with the reason, in *reason. */
enum pb_presence pb_absence_decide(const struct pb_absence *e, struct pb_arena *a,
                                   const char **reason);

/* Region and account of an ARN into the arena; "" when it names none; NULL when no ARN. */
void pb_arn_parts(const char **region, const char **account, struct pb_arena *a, const char *arn);

#endif
