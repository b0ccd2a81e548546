/* record_internal.h: what the files behind record.h share. */
#ifndef PB_RUN_RECORD_INTERNAL_H
#define PB_RUN_RECORD_INTERNAL_H

#include "run/record.h"

#define PB_RECORD_CHECKPOINT "checkpoint"
#define PB_RECORD_SIGNATURE  "checkpoint.sig"
#define PB_RECORD_NAMESPACE  "plumb-ledger" /* of the signature: it is good for nothing else */

/* The checkpoint of a commit; *text as it is written. */
int pb_record_checkpoint_at(struct pb_checkpoint *out, struct pb_buf *text, struct pb_repo *repo,
                            const char *commit, const char *what, struct pb_err *err);

/* A state as entries name it: without its content. `lineage` may be NULL. */
struct pb_value pb_record_state_value(struct pb_arena *a, const char *lineage, int64_t serial,
                                      const char *sha256);

/* Puts the log of `commit` into `dir`, which must not be there yet, once it has been shown to
 * be what its checkpoint says. */
int pb_record_restore(const char *dir, struct pb_repo *repo, const char *commit, const char *what,
                      struct pb_err *err);

/* A ledger that this machine does not have, but Git does: before it is opened for anything. */
int pb_record_bring_back(struct pb_record *r, struct pb_err *err);

/* Signs `text` with ssh-keygen. */
int pb_record_sign(struct pb_buf *out, const char *text, size_t n, const char *key,
                   struct pb_err *err);
/* The principal that `signers` (the file's content) gives a good signature of `text`. */
int pb_record_signer(char *out, size_t size, const char *text, size_t n, const char *sig,
                     const char *signers, const char *what, struct pb_err *err);

#endif
