/* dark.h: why something could not be observed, and what helps. Internal to report. */
#ifndef PB_REPORT_DARK_H
#define PB_REPORT_DARK_H

#include "base/buf.h"
#include "reconcile/reconcile.h"

/* Of a resource that could not be observed in full; never NULL. */
const char *pb_dark_reason(const struct pb_resource_result *r);
const char *pb_dark_remedy(const char *reason);
/* Adds the first n bytes of it with "..." for what others of that cause say otherwise: numbers of
 * requests, and `id` of the object (or NULL). */
void pb_dark_alike(struct pb_buf *b, const char *why, size_t n, const char *id);

#endif
