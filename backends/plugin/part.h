/*
 * part.h: what a provider says of its types, without the types that nobody needs.
 *
 *	struct pb_buf part = PB_BUF_INIT;
 *	if (pb_plugin_part(&part, reply, n, &names) == 0) ...
 *
 * `reply` is the answer to GetProviderSchema (of protocol 5: GetSchema). Resources, data sources
 * and lists of resources stay when `names` has their type; all else is copied as it is. -1: it is
 * no such answer, or tells of an error, which is to be seen whole.
 */
#ifndef PB_PLUGIN_PART_H
#define PB_PLUGIN_PART_H

#include "base/buf.h"
#include "base/map.h"

int pb_plugin_part(struct pb_buf *out, const void *reply, size_t n, const struct pb_map *names);

#endif
