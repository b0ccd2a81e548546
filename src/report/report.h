/*
 * report.h: what an audit found, written for people or programs.
 *
 *	const struct pb_report_format *f = pb_report_format_find("json");
 *	f->write(&buf, &audit, &opts);
 *
 * The audit is borrowed; writers only add to the buffer. Values that are sensitive are written
 * by none of them. Formats are one table, pb_report_formats[].
 */
#ifndef PB_REPORT_REPORT_H
#define PB_REPORT_REPORT_H

#include "base/buf.h"
#include "run/audit.h"

struct pb_report_opts {
    const char *version; /* plumb's */
    bool all;            /* also what is in sync, ignored or a known echo */
    bool color;          /* text only */
    int width;           /* columns; 0: 100 */
};

struct pb_report_format {
    const char *name;
    const char *about;
    void (*write)(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o);
};
extern const struct pb_report_format pb_report_formats[];
extern const size_t pb_report_formats_count;
const struct pb_report_format *pb_report_format_find(const char *name); /* NULL: none */

/* The same with a message that names the formats there are. */
int pb_report_format_need(const struct pb_report_format **out, const char *name,
                          struct pb_err *err);

void pb_report_json(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o);
void pb_report_text(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o);

/* One resource with every attribute: `plumb explain`. */
void pb_report_resource(struct pb_buf *b, const struct pb_unit_result *u,
                        const struct pb_resource_result *r, const struct pb_report_opts *o);
/* What is live, normalised, as JSON: `plumb observe`. */
void pb_report_live(struct pb_buf *b, const struct pb_audit *a);

#endif
