/*
 * path.h: attribute paths in Terraform's notation, ingress[0].from_port, tags.team,
 * tags["a.b"]; and resource addresses.
 */
#ifndef PB_MODEL_PATH_H
#define PB_MODEL_PATH_H

#include "base/buf.h"
#include "base/err.h"
#include "model/value.h"

/* Appends a member (".name", or "name" at the start, or ["..."] when the key is no
 * identifier) or an index ("[3]") to a path under construction. */
void pb_path_add_key(struct pb_buf *path, const char *key);
void pb_path_add_index(struct pb_buf *path, size_t i);

/* Whether `path` is `pattern` or lies below it; "[*]" matches any one index or key. */
bool pb_path_covers(const char *pattern, const char *path);

/* The resource address without its last instance key: aws_vpc.a["x"] -> aws_vpc.a */
void pb_addr_resource_of(struct pb_buf *out, const char *address);
/* The module part, "" for the root: module.a.module.b["c"].aws_x.y -> module.a.module.b["c"] */
void pb_addr_module_of(struct pb_buf *out, const char *address);
/* Whether it is a data source's. */
bool pb_addr_is_data(const char *address);
/* Whether `address` is `target` itself, or inside the module or resource it names. */
bool pb_addr_within(const char *address, const char *target);
/* Builds an address from a state's parts; index_key may be NULL, a number or a string. */
void pb_addr_build(struct pb_buf *out, const char *module, const char *mode, const char *type,
                   const char *name, const struct pb_value *index_key);

#endif
