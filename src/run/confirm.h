/*
 * confirm.h: what the observers that start first did not find in sync is read again through the
 * tool's own plugins before it is called drifted, and so is what those do not cover.
 *
 *	... reconcile ...
 *	pb_confirm(&done, &live, &out, ...);	// which, and reading them
 *	if (done.n) ... reconcile again ...
 *	pb_confirm_tell(&done, ...);		// where the two disagreed
 */
#ifndef PB_RUN_CONFIRM_H
#define PB_RUN_CONFIRM_H

#include "reconcile/reconcile.h"
#include "run/live.h"

struct pb_confirmed {
    const struct pb_reconcile_out *before; /* verdicts that the first observers gave */
    const char **addresses;                /* what was read again */
    size_t n;
    struct pb_arena *arena;
};

/* `cross_check`: everything that has a live side. */
int pb_confirm(struct pb_confirmed *out, struct pb_live_set *live, struct pb_observe_stats *stats,
               struct pb_arena *a, const struct pb_reconcile_out *seen, bool cross_check,
               const struct pb_live_request *rq, struct pb_err *err);

/* A diagnostic for each resource on which they disagree: a warning under cross_check, else a
 * notice. The confirming observer's word is what counts. */
void pb_confirm_tell(const struct pb_confirmed *c, const struct pb_reconcile_out *after,
                     bool cross_check, struct pb_diags *diags);

#endif
