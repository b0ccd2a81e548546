/*
 * cache.h: the declared side, kept under a key of everything it depends on.
 *
 *	DIR/declared/KEY.json	one entry: resources, provider settings, the schemas of their types
 *
 * The key is the caller's; this file only stores and finds. Secrets are kept sealed: those of
 * resources are compared as they are, those of provider blocks are needed again and found where
 * they were, in the configuration's text and variables (pb_tf_cache_unseal()). An entry that is
 * damaged, expired or of another version is no hit and no error.
 */
#ifndef PB_TERRAFORM_CACHE_H
#define PB_TERRAFORM_CACHE_H

#include <time.h>

#include "backends/backend.h"

/* `expires` 0: never. `said` is what planning had to say, repeated on each hit; or NULL. */
int pb_tf_cache_store(const char *dir, const char *key, const struct pb_declare_result *r,
                      const struct pb_diags *said, const struct pb_seal *seal, time_t expires,
                      struct pb_err *err);

/* true: *out is filled (from_cache set) and lives in the arena. `said` may be NULL. */
bool pb_tf_cache_load(struct pb_declare_result *out, struct pb_diags *said, struct pb_arena *a,
                      const char *dir, const char *key, time_t now);

/* Whether provider blocks of an entry hold secrets: it is of use then only with
 * pb_tf_cache_unseal(). */
bool pb_tf_cache_is_sealed(const struct pb_declare_result *r);
/* Puts the secrets of `v`, the provider blocks as they are read from the text now, where they are
 * the sealed ones. False where one of these is another one or cannot be read: plan again. */
bool pb_tf_cache_unseal(struct pb_declare_result *r, struct pb_arena *a, const struct pb_seal *seal,
                        const struct pb_provider_config *v, size_t n);

#endif
