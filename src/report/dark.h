/* dark.h: why something could not be observed, and what helps. Internal to report. */
#ifndef PB_REPORT_DARK_H
#define PB_REPORT_DARK_H

#include "reconcile/reconcile.h"

/* Of a resource that could not be observed in full; never NULL. */
const char *pb_dark_reason(const struct pb_resource_result *r);
const char *pb_dark_remedy(const char *reason);

#endif
