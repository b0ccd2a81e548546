/* audit.h: what the commands that audit share. */
#ifndef PB_CMD_AUDIT_H
#define PB_CMD_AUDIT_H

#include "cmd/cmd.h"
#include "report/report.h"

/* Options of the command line; valid as long as args. */
struct pb_audit_options pb_cmd_audit_options(const struct pb_args *args);

/* Runs with progress. On failure prints the message and returns the exit code; else -1. */
int pb_cmd_audit_run(struct pb_audit *out, const struct pb_args *args,
                     const struct pb_audit_options *o);

struct pb_report_opts pb_cmd_report_options(const struct pb_args *args);

/* Each --format that was given, or text: the n-th into the n-th --output, what has none to stdout.
 * 0 or an exit code. */
typedef void pb_cmd_report_fn(struct pb_buf *b, const struct pb_report_format *f,
                              const struct pb_report_opts *o, const void *what);
int pb_cmd_reports(const struct pb_args *args, pb_cmd_report_fn *write, const void *what);
void pb_cmd_write_audit(struct pb_buf *b, const struct pb_report_format *f,
                        const struct pb_report_opts *o, const void *what); /* struct pb_audit */
/* Before the work: 0, or the exit code when two of them would go to stdout or one file. */
int pb_cmd_reports_usage(const struct pb_args *args);
/* Whether stdout is for people: the report that goes there is text. */
bool pb_cmd_reports_for_people(const struct pb_args *args);

/* To FILE when it was given, else to stdout. 0 or the exit code of the failure. */
int pb_cmd_put(const struct pb_buf *b, const char *file);

#endif
