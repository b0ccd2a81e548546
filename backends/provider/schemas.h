/*
 * schemas.h: what a provider says of its types, kept for each binary.
 *
 *	DIR/provider-schemas/SHA256	a line of ours, then GetProviderSchema's answer without
 *					data sources and functions, as it came
 *
 * The answer of a large provider is megabytes, of which an estate needs a few types: it is
 * walked, and only what is asked for is made into a type.
 */
#ifndef PB_PROVIDER_SCHEMAS_H
#define PB_PROVIDER_SCHEMAS_H

#include "base/buf.h"
#include "model/schema.h"

struct pb_plugin_schemas {
    struct pb_buf raw; /* zeroed is fine */
    size_t head;       /* bytes in front of it that a kept one begins with */
    int protocol;      /* 5 or 6: a few fields differ */
};

void pb_plugin_schemas_release(struct pb_plugin_schemas *s);

/* false: not kept, or not to be used. `binary` is its SHA-256. */
bool pb_plugin_schemas_load(struct pb_plugin_schemas *s, const char *cache_dir, const char *binary);
/* Takes the message of GetProviderSchema. Its diagnostics are the caller's to look at. */
int pb_plugin_schemas_take(struct pb_plugin_schemas *s, int protocol, const void *msg, size_t n,
                           struct pb_err *err);
/* Failing only costs time. */
void pb_plugin_schemas_store(const struct pb_plugin_schemas *s, const char *cache_dir,
                             const char *binary);

/* The provider's own settings (type NULL), or a resource type. *out stays NULL when the
 * provider has no such type. */
int pb_plugin_schema_of(const struct pb_schema **out, struct pb_arena *a,
                        const struct pb_plugin_schemas *s, const char *type, struct pb_err *err);

#endif
