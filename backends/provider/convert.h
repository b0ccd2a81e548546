/*
 * convert.h: settings as people write them, in the types that a provider wants: "5" for a
 * number, a block for a list of one. The same that Terraform converts.
 */
#ifndef PB_PROVIDER_CONVERT_H
#define PB_PROVIDER_CONVERT_H

#include "base/err.h"
#include "model/schema.h"

/* What does not fit is left as it is: encoding names it. Unknown values stay. */
struct pb_value pb_convert(struct pb_arena *a, const struct pb_value *v, const struct pb_type *t);

/* The place of the first unknown value ("endpoints[0].s3") and its reason (may be NULL); false
 * when everything is known. */
bool pb_find_unknown(struct pb_buf *path, const char **reason, const struct pb_value *v);

#endif
