/*
 * identity.h: which repository it is, for what this machine keeps of it: its ledger, and the
 * leases and journals of its applies.
 *
 *	if (pb_identity_find(&id, repo, err) < 0) ...
 *	... only who is about to keep something:
 *	if (pb_identity_keep(id, repo, err) < 0) ...
 *
 * The identity is the URL of its remote, or the path of its git folder where there is none, as
 * it was when something was first kept. It stays that when the URL is spelled otherwise, for
 * every clone (a file for each URL in plumb's state folder says which it is), and when a remote
 * is added, renamed or moved, for this clone (a file in its git folder says so, which counts
 * only where that folder still lies where it lay: a copy is another repository).
 */
#ifndef PB_RUN_IDENTITY_H
#define PB_RUN_IDENTITY_H

#include "base/err.h"
#include "git/repo.h"

/* Reads only. Caller frees. */
int pb_identity_find(char **id, struct pb_repo *repo, struct pb_err *err);
/* Sees to it that this is found from now on. A git folder that cannot be written is left as it
 * is: then it depends on the URL alone. */
int pb_identity_keep(const char *id, struct pb_repo *repo, struct pb_err *err);

#endif
