/*
 * baseline.h: live values as plumb last verified them, in plumb's state folder (0600). A
 * refresh writes drift into the state and hides it; the baseline still knows. Sensitive values
 * are sealed (model/seal.h).
 *
 * It is found by the state's lineage, which only this state has, and the unit's path and
 * workspace: the URL of a remote has several spellings, and is there or not. Under the
 * repository there is only a note of what was saved last, for pb_baseline_of_other; older
 * versions kept all of it there, and that is read while there is nothing newer.
 */
#ifndef PB_RUN_BASELINE_H
#define PB_RUN_BASELINE_H

#include "base/err.h"
#include "model/seal.h"
#include "model/snapshot.h"
#include "reconcile/reconcile.h"

struct pb_baseline_id {
    const char *repo;   /* the remote's URL, or the path of the git folder */
    const char *folder; /* the path of the git folder, whatever the remote; may be NULL */
    const char *unit;   /* path of the unit */
    const char *workspace;
    const char *lineage; /* of the state; another one is another infrastructure */
    const char *commit;  /* full id; for saving: what was verified then */
};

/* *out stays NULL when there is none for this id. Of another lineage: none. `commit` is the one
 * at which it was saved; NULL in baselines of older versions. */
int pb_baseline_load(struct pb_live_set **out, const char **commit, struct pb_arena *a,
                     const struct pb_baseline_id *id, struct pb_err *err);

/* How many resources were verified in a state of another lineage than this id's, and which that
 * was; 0: none, or there is no baseline. */
int pb_baseline_of_other(size_t *n, const char **lineage, struct pb_arena *a,
                         const struct pb_baseline_id *id, struct pb_err *err);

/* Remembers the live values of every resource that is in sync, or differs in nothing that Git
 * asks for. Others that `recorded` (all of the state) still has keep what `old` has for them,
 * also those that `result` is not about. */
int pb_baseline_save(const struct pb_baseline_id *id, const struct pb_live_set *live,
                     const struct pb_reconcile_out *result, const struct pb_live_set *old,
                     const struct pb_recorded_set *recorded, const struct pb_seal *seal,
                     size_t *saved, struct pb_err *err);

#endif
