/*
 * key.h: the key of the cached declared side: a digest of everything it depends on. Anything
 * secret goes in under the local key, so that the name of a cache file tells nothing.
 */
#ifndef PB_TERRAFORM_KEY_H
#define PB_TERRAFORM_KEY_H

#include "backends/backend.h"
#include "backends/terraform/tool.h"
#include "base/digest.h"

/* `from` as in env.h. */
void pb_tf_key(char out[PB_SHA256_HEX], const struct pb_unit_ctx *u,
               const struct pb_recorded_set *recorded, const struct pb_tf_tool *tool,
               char *const *from);

#endif
