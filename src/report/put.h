/* put.h: the pieces that JSON reports are made of. Internal to report. */
#ifndef PB_REPORT_PUT_H
#define PB_REPORT_PUT_H

#include "report/report.h"

void pb_put_string(struct pb_buf *b, const char *s); /* NULL is null */
void pb_put_key(struct pb_buf *b, const char *name); /* ,"name": */
void pb_put_member(struct pb_buf *b, const char *name, const char *s);
/* NULL is null; what is sensitive, as a whole or in parts, is not told. */
void pb_put_value(struct pb_buf *b, const struct pb_value *v, bool sensitive);
/* The list of a resource's attributes; nothing that is sensitive. */
void pb_put_attributes(struct pb_buf *b, const struct pb_resource_result *r, bool all);
void pb_put_diagnostics(struct pb_buf *b, const struct pb_audit *a); /* the items of the list */

#endif
