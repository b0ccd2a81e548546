/*
 * schemas.h: provider schemas, kept per provider version.
 *
 * `terraform providers schema -json` costs seconds and 13 MB with a large provider, so its
 * answer is kept in plumb's compact form (a third of that), a file for each provider version:
 *
 *	DIR/schemas/SHA256(source, version).json	TYPE -> schema
 *
 * Only a run that plans reads it: the cached declared side brings the schemas it needs.
 */
#ifndef PB_TERRAFORM_SCHEMAS_H
#define PB_TERRAFORM_SCHEMAS_H

#include "base/strv.h"
#include "model/schema.h"
#include "model/snapshot.h"

/* Whether every type of this provider version is known. */
bool pb_tf_schemas_have(const char *dir, const char *source, const char *version);

/* Splits the tool's answer (format_version 1.x). `versions` maps source -> version, as the
 * lock file has it; providers without one are left out. */
int pb_tf_schemas_store(const char *dir, const char *text, size_t n,
                        const struct pb_value *versions, struct pb_err *err);

/* The schemas of `types` ("source\ttype" each) as far as they are in `dir`, or else in `more` (or
 * NULL), sorted by type. */
int pb_tf_schemas_load(struct pb_schema_set *out, struct pb_arena *a, const char *dir,
                       const char *more, const struct pb_strv *types,
                       const struct pb_value *versions, struct pb_err *err);

#endif
