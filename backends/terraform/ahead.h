/*
 * ahead.h: reading the declared side from the cache while the state is still read. Which entry it
 * will be is known only then, so the one of last time is read, and is of use when the key turns
 * out to be the same:
 *
 *	DIR/declared/last-ID	the key that a unit had last
 *
 * What is planned in a sandbox is a change that is not merged: its key is not remembered.
 */
#ifndef PB_TERRAFORM_AHEAD_H
#define PB_TERRAFORM_AHEAD_H

#include "backends/terraform/cache.h"

/* As pb_executor.ahead and .ahead_end. NULL: there is nothing to begin with. */
void *pb_tf_ahead(const struct pb_unit_ctx *u);
void pb_tf_ahead_end(void *ahead);

/* As the executor's declare_last. */
bool pb_tf_declare_last(struct pb_declare_result *out, struct pb_arena *a,
                        const struct pb_unit_ctx *u);

/* As pb_tf_cache_load() of u->cache_dir, through u->ahead where that has read it; remembers the key
 * for the next time. */
bool pb_tf_ahead_load(struct pb_declare_result *out, struct pb_diags *said, struct pb_arena *a,
                      const struct pb_unit_ctx *u, const char *key, time_t now);

/* Remembers the key of what was planned anew. */
void pb_tf_ahead_remember(const struct pb_unit_ctx *u, const char *key);

#endif
