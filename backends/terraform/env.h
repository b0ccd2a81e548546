/*
 * env.h: the environment that Terraform gets: nothing of ours but what is on the list, so that
 * TF_CLI_ARGS and its kin cannot change what is planned.
 */
#ifndef PB_TERRAFORM_ENV_H
#define PB_TERRAFORM_ENV_H

#include "backends/backend.h"
#include "base/digest.h"

/* Variables of a provider begin with its name, "ACME_" for example/acme. What begins so is handed
 * on, and counts for the key, unless the list says otherwise. */
void pb_tf_env_add_name(struct pb_strv *names, const char *source, size_t n);
void pb_tf_env_recorded_names(struct pb_strv *names, const struct pb_recorded_set *recorded);

/* `from` is the one to choose from, `names` as above or NULL. `data_dir` becomes TF_DATA_DIR;
 * `workspace` NULL or "default" sets no TF_WORKSPACE. A variable that people may rely on and
 * that is dropped gets a warning in `diags` (or NULL). */
void pb_tf_env_build(struct pb_strv *out, char *const *from, const struct pb_strv *names,
                     const char *data_dir, const char *workspace, struct pb_diags *diags,
                     struct pb_arena *a);

/* Adds everything in `from` that can change what is declared, sealed: a digest of such a
 * key tells nobody a secret. Credentials that change by the hour are left out; they say who
 * asks, not what is asked for. */
void pb_tf_env_key(struct pb_sha256 *d, char *const *from, const struct pb_strv *names,
                   const struct pb_seal *seal);

#endif
