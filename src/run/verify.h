/*
 * verify.h: after an apply: is the world what was declared? Pure; apply.c observes.
 */
#ifndef PB_RUN_VERIFY_H
#define PB_RUN_VERIFY_H

#include "run/apply.h"

/* The declared side when the tool has done its part: what the plan could not know is what the state
 * says now, what was deleted is gone, what was moved or imported is where it belongs. What was not
 * `done` stays as planned. */
void pb_verify_declared(struct pb_declared_set *out, struct pb_arena *a,
                        const struct pb_declared_set *planned, const struct pb_recorded_set *after,
                        const struct pb_applied_change *changes, size_t n);

/* What has to be looked at: objects that were made or changed, as the state has them now, and
 * those that were deleted, as it had them before. Sorted. */
void pb_verify_touched(struct pb_recorded_set *out, struct pb_arena *a,
                       const struct pb_recorded_set *before, const struct pb_recorded_set *after,
                       const struct pb_applied_change *changes, size_t n);

/* `base` with the answers of `seen` in place of its own. Sorted. */
struct pb_live_set pb_verify_merge(struct pb_arena *a, const struct pb_live_set *base,
                                   const struct pb_live_set *seen);

/* Fills verified, verdict and reason of each change from a reconcile with the declared side of
 * above, and `seen`. The answer for all of them: NO before UNKNOWN before YES. */
enum pb_tri pb_verify_judge(struct pb_applied_change *changes, size_t n, struct pb_arena *a,
                            const struct pb_reconcile_out *out, const struct pb_live_set *seen);

/* The first of the touched whose live side is not what it was when it was decided about, NULL:
 * none. What Git is silent about may move. */
const char *pb_verify_moved(const struct pb_reconcile_out *then, const struct pb_reconcile_out *now,
                            const struct pb_applied_change *changes, size_t n);

#endif
