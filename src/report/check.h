/*
 * check.h: what a check before a merge found, for people or programs. The check is borrowed, and
 * was made with options.all where `o->all` is to show everything.
 */
#ifndef PB_REPORT_CHECK_H
#define PB_REPORT_CHECK_H

#include "report/report.h"
#include "run/check.h"

void pb_report_check(struct pb_buf *b, const struct pb_report_format *f, const struct pb_check *c,
                     const struct pb_report_opts *o);
void pb_report_check_text(struct pb_buf *b, const struct pb_check *c,
                          const struct pb_report_opts *o);
/* schemas/check.schema.json is its contract. */
void pb_report_check_json(struct pb_buf *b, const struct pb_check *c,
                          const struct pb_report_opts *o);

/* The line that matters first, in plain text and in `a`: also for other formats. */
const char *pb_check_headline(struct pb_arena *a, const struct pb_check *c);
/* The same of a unit and a resource: how it was looked at, what an apply would do (NULL: nothing),
 * and what became of one that base finds missing, which is not yet safe to show. */
const char *pb_check_mode(struct pb_arena *a, const struct pb_check_unit *u);
const char *pb_check_action(struct pb_arena *a, const struct pb_check_resource *r);
bool pb_check_is_denied(const struct pb_check_resource *r); /* though it collides with nothing */
const char *pb_check_deleted(struct pb_arena *a, const struct pb_check_resource *r);

enum pb_check_column { PB_CHECK_BASE, PB_CHECK_MERGED, PB_CHECK_LIVE };
/* A value as cell.h shows it, or why it is not shown. */
const char *pb_check_cell(struct pb_arena *a, const struct pb_check_attr *at,
                          enum pb_check_column column);
/* "not of this change, and there before: 1 reverts (sim_disk.data)"; NULL: nothing was. */
const char *pb_check_before(struct pb_arena *a, const struct pb_check_unit *u);
/* Why it is as it is, where the values do not say that, nor `told`; else NULL. */
const char *pb_check_why(struct pb_arena *a, const struct pb_check_attr *at, const char *told);
/* What the state has of it, where a collision cannot be understood without; else NULL. */
const char *pb_check_recorded(struct pb_arena *a, const struct pb_check_attr *at);

/* "in 7 units: a, b, c, d and 3 more"; NULL: it is of one, or of none. */
const char *pb_check_shared_by(struct pb_arena *a, const struct pb_check_finding *f);
/* "stands for 2 resources"; NULL: not known of it. */
const char *pb_check_stands_for(struct pb_arena *a, const struct pb_check_finding *f);

#endif
