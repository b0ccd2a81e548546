/*
 * apply.h: how an apply ended, for people or programs.
 */
#ifndef PB_REPORT_APPLY_H
#define PB_REPORT_APPLY_H

#include "report/level.h"
#include "report/report.h"
#include "run/apply.h"

/* What was seen to happen, as it happens: one line each. */
void pb_report_apply_event(struct pb_buf *b, const struct pb_apply_event *e,
                           const struct pb_report_opts *o);

void pb_report_apply(struct pb_buf *b, const struct pb_report_format *f,
                     const struct pb_apply_run *run, const struct pb_report_opts *o);

/* The result line, and how serious it is. */
enum pb_level pb_headline_apply(struct pb_buf *line, const struct pb_apply_outcome *o);

/* What did not go as wanted, and the result line last. */
void pb_report_apply_text(struct pb_buf *b, const struct pb_apply_run *run,
                          const struct pb_report_opts *o);

/* schemas/apply.schema.json is its contract. */
void pb_report_apply_json(struct pb_buf *b, const struct pb_apply_run *run,
                          const struct pb_report_opts *o);

#endif
