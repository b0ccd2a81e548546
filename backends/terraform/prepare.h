/*
 * prepare.h: making an exported unit ready to be planned.
 *
 * To look only, without touching its backend: a local one takes its place, with a copy of the
 * recorded state. For a plan that is to be applied (`own`, else NULL), on the state's own backend:
 * as it stands in the unit, but for a local one, whose file is where the unit is checked out.
 */
#ifndef PB_TERRAFORM_PREPARE_H
#define PB_TERRAFORM_PREPARE_H

#include "backends/terraform/module.h"
#include "backends/terraform/run.h"
#include "backends/terraform/store.h"

/* Writes the override, always the same text, into the unit's folder of the export, and checks
 * that it holds. */
int pb_tf_override_backend(const struct pb_tf_run *r, const struct pb_tf_backend *own,
                           struct pb_err *err);

/* Adds the arguments of init that point to the state; copies it when it is not the own one.
 * PB_E_LOCKED when the state is no longer the recorded one. */
int pb_tf_place_state(struct pb_strv *args, const struct pb_tf_run *r,
                      const struct pb_tf_backend *own, const struct pb_recorded_set *recorded,
                      struct pb_err *err);

/* The init of the backend alone, for providers and modules that are there already; before anything
 * is lent. */
int pb_tf_init_backend(struct pb_tf_run *r, const struct pb_tf_backend *own,
                       const struct pb_recorded_set *recorded, struct pb_err *err);

/* Adds the unit's -var-file arguments, then those of u->plan; values given one by one go into
 * private files. `root` may be NULL when the text could not be read. */
int pb_tf_var_args(struct pb_strv *args, const struct pb_tf_run *r, const struct pb_tf_node *root,
                   struct pb_err *err);

/* Keeps the bytes of a state that is not a local file, for place_state. */
int pb_tf_keep_state(const struct pb_unit_ctx *u, const struct pb_buf *text, struct pb_err *err);

#endif
