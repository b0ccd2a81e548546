/*
 * report.h: what an audit found, written for people or programs.
 *
 *	struct pb_report r = {...};
 *	const struct pb_report_format *f = pb_report_format_find("json");
 *	f->write(&buf, &r, &opts);
 *
 * A report is filled by the caller and borrowed; writers only add to the buffer. Values that
 * are sensitive are written by none of them. Formats are one table, pb_report_formats[].
 */
#ifndef PB_REPORT_REPORT_H
#define PB_REPORT_REPORT_H

#include <time.h>

#include "base/buf.h"
#include "model/snapshot.h"
#include "reconcile/reconcile.h"

struct pb_report_unit {
    const char *name, *path, *engine;
    const char *commit;         /* full id */
    const char *commit_summary; /* its first line, or NULL */
    const char *lineage;        /* NULL: no state yet */
    int64_t serial;
    const char *state_sha256;
    const char *error; /* the unit could not be audited: everything below is empty; or NULL */
    struct pb_reconcile_out result;
    size_t requests; /* made by observers */
    bool declared_from_cache;
};

struct pb_report {
    const char *plumb_version;
    time_t started_at;
    long duration_ms;
    const struct pb_report_unit *units;
    size_t nunits;
    const struct pb_diag *diags;
    size_t ndiags;
    int exit_code;
};

struct pb_report_opts {
    bool all;   /* also what is in sync */
    bool color; /* text only */
    int width;  /* columns; 0: 100 */
};

struct pb_report_format {
    const char *name;
    const char *about;
    void (*write)(struct pb_buf *b, const struct pb_report *r, const struct pb_report_opts *o);
};
extern const struct pb_report_format pb_report_formats[];
extern const size_t pb_report_formats_count;
const struct pb_report_format *pb_report_format_find(const char *name); /* NULL: none */

/* Totals over all units. */
struct pb_report_totals {
    size_t units, failed, resources;
    size_t by_verdict[PB_NVERDICTS];
    struct pb_coverage coverage;
};
void pb_report_total(struct pb_report_totals *out, const struct pb_report *r);

void pb_report_json(struct pb_buf *b, const struct pb_report *r, const struct pb_report_opts *o);
void pb_report_text(struct pb_buf *b, const struct pb_report *r, const struct pb_report_opts *o);

#endif
