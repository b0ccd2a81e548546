/*
 * signed.h: whether commits are signed by somebody who is allowed to.
 *
 * The git program checks, with nothing of the person's configuration or keys: only the given
 * signers count. They are the text of an allowed signers file (ssh-keygen) or of armored OpenPGP
 * public keys; a signature of the other kind is none.
 */
#ifndef PB_GIT_SIGNED_H
#define PB_GIT_SIGNED_H

#include "git/repo.h"

enum { PB_SIGNED_MAX = 1000 }; /* commits that are looked at */

/* `bad` is the first that has no good signature, "" when all have: of `commit` and, with `since`,
 * of everything in its history that is not in that of `since`. */
int pb_git_signed(char bad[PB_OID_HEX], struct pb_repo *repo, const char *commit, const char *since,
                  const char *signers, size_t n, struct pb_err *err);

#endif
