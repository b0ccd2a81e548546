/*
 * apply.h: the applying side of the executor: see backend.h for what each does.
 *
 *	WORK/apply.out, .err	what the tool said, 0600; may hold secrets and, when it could be
 *				written nowhere else, the state
 *	WORK/apply.end		how it ended, by whoever waited for it
 *	WORK/rescued.tfstate	a state that was found in apply.out
 *	WORK/replaced-N.tfstate	what was where a state was put back
 */
#ifndef PB_TERRAFORM_APPLY_H
#define PB_TERRAFORM_APPLY_H

#include "backends/backend.h"

int pb_tf_apply(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                const struct pb_apply_request *rq, struct pb_err *err);
int pb_tf_review(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                 const struct pb_apply_request *rq, struct pb_err *err);

/* keep.c */
int pb_tf_keep(bool *none, bool *torn, struct pb_arena *a, const struct pb_unit_ctx *u,
               const char *path, struct pb_err *err);
int pb_tf_put(struct pb_arena *a, const struct pb_unit_ctx *u, const char *path,
              struct pb_err *err);
int pb_tf_parse_state(struct pb_recorded_set *out, struct pb_arena *a, const char *path,
                      struct pb_err *err);

#endif
