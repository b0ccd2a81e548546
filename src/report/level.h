/* level.h: how serious something is, and the line that a report begins with. */
#ifndef PB_REPORT_LEVEL_H
#define PB_REPORT_LEVEL_H

#include "run/audit.h"
#include "run/gate.h"

enum pb_level { PB_LEVEL_NONE, PB_LEVEL_NOTE, PB_LEVEL_WARNING, PB_LEVEL_ERROR };
extern const char *const pb_level_names[]; /* "none", "note", "warning", "error", as in SARIF */

enum pb_level pb_level_of_verdict(enum pb_verdict v);

/* The one line that matters, and how serious it is. */
enum pb_level pb_headline_audit(struct pb_buf *line, const struct pb_audit *a);
enum pb_level pb_headline_gates(struct pb_buf *line, const struct pb_audit *a,
                                const struct pb_unit_gate *gates);

/* "in sync" of PB_IN_SYNC. */
void pb_add_verdict_words(struct pb_buf *b, enum pb_verdict v);
/* "1 resource", "2 resources". */
void pb_add_count(struct pb_buf *b, size_t n, const char *what);
/* "2 drifted, 1 pending" of those verdicts that have that effect, the worst first; how many. */
size_t pb_add_verdict_counts(struct pb_buf *b, const size_t by[PB_NVERDICTS],
                             enum pb_verdict_effect effect);
/* "2 attributes that rules ignore ("the autoscaler owns it")"; nothing when there are none. */
void pb_add_ignored(struct pb_buf *b, const struct pb_ignored *g);

#endif
