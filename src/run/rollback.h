/*
 * rollback.h: everything that one unit reads, as an earlier commit had it, as a commit on top.
 *
 *	struct pb_run_rollback r;
 *	if (pb_run_rollback_look(&r, &options, "1a2b3c4d", &err) == 0 && r.git.changes.n)
 *	    ... show; pb_run_rollback_make(id, &r, NULL, &err)
 *	pb_run_rollback_release(&r);
 *
 * plumb.yaml stays: what it allows is no part of what is rolled back, and neither are a unit's
 * variables there.
 */
#ifndef PB_RUN_ROLLBACK_H
#define PB_RUN_ROLLBACK_H

#include "git/rollback.h"
#include "run/audit.h"

struct pb_run_rollback {
    struct pb_audit audit; /* of HEAD; its one unit is the one */
    struct pb_rollback git;
    size_t outside; /* changed files that are not in the unit's folder: others may read them */
};

/* options.one is set; a revision of its own it has not. */
int pb_run_rollback_look(struct pb_run_rollback *out, const struct pb_audit_options *o,
                         const char *commit, struct pb_err *err);
int pb_run_rollback_make(char id[PB_OID_HEX], struct pb_run_rollback *r, const char *branch,
                         struct pb_err *err);
void pb_run_rollback_release(struct pb_run_rollback *r);

#endif
