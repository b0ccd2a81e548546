/*
 * prepare.h: making an exported unit ready to be planned without touching its backend: a
 * local one takes its place, with a copy of the recorded state.
 */
#ifndef PB_TERRAFORM_PREPARE_H
#define PB_TERRAFORM_PREPARE_H

#include "backends/terraform/module.h"
#include "backends/terraform/run.h"

/* Writes the override, always the same text, into the unit's folder of the export, and checks
 * that it holds. */
int pb_tf_override_backend(const struct pb_tf_run *r, struct pb_err *err);

/* Copies the state and adds the arguments of init that point to it. PB_E_LOCKED when the
 * state is no longer the recorded one. */
int pb_tf_place_state(struct pb_strv *args, const struct pb_tf_run *r,
                      const struct pb_recorded_set *recorded, struct pb_err *err);

/* The init of the backend alone, for providers and modules that are there already. */
int pb_tf_init_backend(const struct pb_tf_run *r, const struct pb_recorded_set *recorded,
                       struct pb_err *err);

/* Adds -var-file arguments; values given one by one go into a private file. `root` may be
 * NULL when the text could not be read. */
int pb_tf_var_args(struct pb_strv *args, const struct pb_tf_run *r, const struct pb_tf_node *root,
                   struct pb_err *err);

/* Keeps the bytes of a state that is not a local file, for place_state. */
int pb_tf_keep_state(const struct pb_unit_ctx *u, const struct pb_buf *text, struct pb_err *err);

#endif
