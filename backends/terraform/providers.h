/*
 * providers.h: provider configurations from the text of a unit, as far as it says them.
 */
#ifndef PB_TERRAFORM_PROVIDERS_H
#define PB_TERRAFORM_PROVIDERS_H

#include "backends/terraform/module.h"
#include "model/snapshot.h"

#define PB_TF_LOCK_FILE ".terraform.lock.hcl"

/* Versions that the lock file of a unit names. */
struct pb_tf_lock {
    const struct pb_hcl_body *body; /* NULL: there is none */
};
int pb_tf_lock_read(struct pb_tf_lock *out, struct pb_arena *a, const struct pb_tf_files *files,
                    const char *dir, struct pb_err *err);
const char *pb_tf_lock_version(const struct pb_tf_lock *lock, const char *source);
/* NULL-terminated, on the arena; NULL when it names none. */
const char *const *pb_tf_lock_hashes(const struct pb_tf_lock *lock, struct pb_arena *a,
                                     const char *source);

struct pb_tf_providers_in {
    const struct pb_tf_tree *tree;
    const struct pb_value *vars; /* vars.h, or a plan's */
    const struct pb_tf_lock *lock;
    const char *workspace;
    bool tofu;
};

/* Every provider block of every module, and an empty configuration for each provider that is
 * used without one. Sorted by key. */
void pb_tf_providers(const struct pb_provider_config **out, size_t *n, struct pb_arena *a,
                     const struct pb_tf_providers_in *in);

#endif
