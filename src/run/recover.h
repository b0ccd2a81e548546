/*
 * recover.h: bringing an apply to its end that another process left, however it ended.
 *
 *	struct pb_recovery r;
 *	if (pb_recover(&r, &options, wait_ms, &err) < 0) ...	// see below
 *	... r.found, r.outcome, r.said ...
 *	pb_recovery_release(&r);
 *
 * Every apply does the same at its start. Each state that an apply can be left in has one
 * outcome, by the last step of its journal; the table is in README.md of this folder.
 *
 * PB_E_LOCKED: an apply, or what one started, still lives. PB_E_REFUSED: a person has to decide,
 * and the message says what; everything is kept. It can be killed at any point and done again.
 */
#ifndef PB_RUN_RECOVER_H
#define PB_RUN_RECOVER_H

#include "base/strv.h"
#include "run/audit.h"

enum pb_recovered {
    PB_RECOVERED_NOT_STARTED, /* nothing was touched */
    PB_RECOVERED_BELIEVED,    /* the state is whole, and stands as it is */
    PB_RECOVERED_RESCUED,     /* put back from what the tool itself saved */
    PB_RECOVERED_RESTORED,    /* put back from the copy that was taken before the apply */
    PB_RECOVERED_FINISHED     /* it was over, but for the record of it */
};
extern const char *const pb_recovered_names[]; /* "not-started", ..., as the ledger has them */

struct pb_recovery {
    bool found; /* there was one */
    enum pb_recovered outcome;
    struct pb_strv said; /* what was found and what was done; one sentence each */
};

/* Exactly one unit, as options choose it. */
int pb_recover(struct pb_recovery *out, const struct pb_audit_options *o, long wait_ms,
               struct pb_err *err);
void pb_recovery_release(struct pb_recovery *r);

#endif
