/*
 * yaml.h: YAML text to values, for plumb.yaml and packs.
 *
 * A strict subset on libyaml's event API: one document, at most 1 MiB and 64 levels, no
 * anchors, aliases, merge keys or tags, no duplicate keys. Plain scalars are null, true,
 * false (as in YAML 1.2's core schema) or what JSON calls a number; everything else and all
 * quoted scalars are strings: `no`, `on`, `1_000` and `007` are strings, as people mean them.
 * Every value carries the line it stands on.
 */
#ifndef PB_MODEL_YAML_H
#define PB_MODEL_YAML_H

#include "base/err.h"
#include "model/value.h"

/* An empty document is an empty map. Messages read "FILE:LINE: what is wrong". */
int pb_yaml_parse(const struct pb_value **out, struct pb_arena *a, const char *text, size_t n,
                  const char *file, struct pb_err *err);

#endif
