/*
 * lock.h: who holds a state's own lock, and letting go of it.
 *
 *	local	.NAME.lock.info beside the state, and whether a process holds the file: without one
 *		it was left behind and nobody holds anything; unlock removes it
 *	http	the lock is asked for with our own name; who is answered instead holds it. If we
 *		get it we give it back at once
 *	s3	the object KEY.tflock, when the backend locks by one
 *	other	a command that changes nothing is asked to take the lock for a moment
 */
#ifndef PB_TERRAFORM_LOCK_H
#define PB_TERRAFORM_LOCK_H

#include "backends/terraform/store.h"
#include "base/buf.h"

int pb_tf_lock_holder(struct pb_state_lock *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                      struct pb_err *err);
/* Whether that is told without taking it: the first and the third. */
bool pb_tf_lock_is_seen(struct pb_arena *a, const struct pb_unit_ctx *u);
/* A lock that somebody else holds by now (another id) is left alone: PB_E_LOCKED. */
int pb_tf_unlock(struct pb_arena *a, const struct pb_unit_ctx *u, const char *id,
                 struct pb_err *err);

/* Puts a state behind http, under its lock. */
int pb_tf_http_put(struct pb_arena *a, const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                   const struct pb_buf *text, struct pb_err *err);

/* Whether a process has the lock on a state's file that Terraform takes while it works. */
bool pb_tf_local_is_held(const char *path);

/* From the JSON that Terraform keeps with a lock; false: it is none. */
bool pb_tf_lock_parse(struct pb_state_lock *out, struct pb_arena *a, const char *text, size_t n);
/* From what it tells people when it does not get a lock; false: it says nothing of one. */
bool pb_tf_lock_parse_text(struct pb_state_lock *out, struct pb_arena *a, const char *text);
/* The same as an error, PB_E_LOCKED; false, and no error: it did not fail for a lock. */
bool pb_tf_lock_refused(struct pb_err *err, struct pb_arena *a, const char *errors,
                        const char *unit);

#endif
