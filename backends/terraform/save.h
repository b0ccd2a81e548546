/*
 * save.h: a plan that can be applied once, and what whoever applies it, perhaps another process,
 * has to know of how it was made.
 *
 *	WORK/saved.bin	the plan
 *	WORK/saved.json	names of variables for providers, packages, secrets not to be repeated
 */
#ifndef PB_TERRAFORM_SAVE_H
#define PB_TERRAFORM_SAVE_H

#include "backends/terraform/terraform.h"

/* Fills u->save after planning, and writes saved.json. */
int pb_tf_save(const struct pb_tf_planning *p, const struct pb_declare_result *r,
               struct pb_err *err);

struct pb_tf_saved {
    struct pb_strv names;   /* as env.h */
    struct pb_strv secrets; /* whatever the plan calls sensitive */
    struct pb_value packages;
    bool lends;
    bool serves;      /* providers were served: serve.h */
    size_t resources; /* that the state had */
};
int pb_tf_saved_read(struct pb_tf_saved *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                     struct pb_err *err);
void pb_tf_saved_release(struct pb_tf_saved *s);

/* Over what the file system says of every file of the packages (lend.h): nobody but root can
 * write into one without its being seen. A package that is not there counts as that. */
void pb_tf_plugins(char out[PB_SHA256_HEX], const struct pb_value *packages);

/* Of the lock file that the unit's tree has now; of nothing when it has none. */
int pb_tf_lock_sha256(char out[PB_SHA256_HEX], const struct pb_unit_ctx *u, struct pb_err *err);

/* Of a file, read piece by piece. */
int pb_tf_file_sha256(char out[PB_SHA256_HEX], const char *path, struct pb_err *err);

#endif
