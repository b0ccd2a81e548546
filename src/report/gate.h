/*
 * gate.h: what the gate says of a plan, for people or programs. `gates` has one for each unit
 * of the audit; that of a unit that failed is not read.
 */
#ifndef PB_REPORT_GATE_H
#define PB_REPORT_GATE_H

#include "report/report.h"
#include "run/gate.h"

void pb_report_gate(struct pb_buf *b, const struct pb_report_format *f, const struct pb_audit *a,
                    const struct pb_unit_gate *gates, const struct pb_report_opts *o);
void pb_report_gate_text(struct pb_buf *b, const struct pb_audit *a,
                         const struct pb_unit_gate *gates, const struct pb_report_opts *o);
/* schemas/plan.schema.json is its contract. */
void pb_report_gate_json(struct pb_buf *b, const struct pb_audit *a,
                         const struct pb_unit_gate *gates, const struct pb_report_opts *o);

#endif
