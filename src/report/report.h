/*
 * report.h: what an audit found, written for people or programs.
 *
 *	const struct pb_report_format *f = pb_report_format_find("json");
 *	pb_report_audit(&buf, f, &audit, &opts);
 *
 * The audit is borrowed; writers only add to the buffer. Values that are sensitive are written
 * by none of them. Formats are one list, PB_REPORT_FORMATS, from which the table, the values of
 * --format, its help and the README's table come. Text and JSON are each command's own; the others
 * are documents (doc.h): a command that makes one has them all.
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
    char *const *units;  /* names that the command line narrowed it to; NULL: all */
    const char *more;    /* where the whole report is, for one that has to be cut; or NULL */
};

/* name, what it is for, the document's writer or NULL */
#define PB_REPORT_FORMATS(ROW)                                                                  \
    ROW("text", "people at a terminal", NULL)                                                   \
    ROW("json", "programs; the schema of each command is in schemas/", NULL)                    \
    ROW("markdown", "a comment on GitHub, GitLab or Gitea, of at most 65,536 characters",       \
        pb_report_markdown)                                                                     \
    ROW("html", "a browser: one file with search, filters and three-way diffs", pb_report_html) \
    ROW("sarif", "code scanning (SARIF 2.1.0): each finding at its block's file and line",      \
        pb_report_sarif)                                                                        \
    ROW("junit", "CI systems: a suite for each unit, a case for each resource", pb_report_junit)

struct pb_doc;

struct pb_report_format {
    const char *name;
    const char *about;
    void (*doc)(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o);
};
extern const struct pb_report_format pb_report_formats[];
extern const size_t pb_report_formats_count;
const struct pb_report_format *pb_report_format_find(const char *name); /* NULL: none */

/* The same with a message that names the formats there are. */
int pb_report_format_need(const struct pb_report_format **out, const char *name,
                          struct pb_err *err);

/* In any format. gate.h and apply.h have the same for what they are about. */
void pb_report_audit(struct pb_buf *b, const struct pb_report_format *f, const struct pb_audit *a,
                     const struct pb_report_opts *o);

void pb_report_markdown(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o);
void pb_report_html(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o);
void pb_report_sarif(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o);
void pb_report_junit(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o);

void pb_report_json(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o);
void pb_report_text(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o);

/* One resource with every attribute: `plumb explain`. */
void pb_report_resource(struct pb_buf *b, const struct pb_unit_result *u,
                        const struct pb_resource_result *r, const struct pb_report_opts *o);
/* What is live, normalised, as JSON: `plumb observe`. */
void pb_report_live(struct pb_buf *b, const struct pb_audit *a);

#endif
