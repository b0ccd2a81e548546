/* doc_build.h: the pieces that documents are made of. Internal to report. */
#ifndef PB_REPORT_DOC_BUILD_H
#define PB_REPORT_DOC_BUILD_H

#include "report/doc.h"

void pb_doc_begin(struct pb_doc *d, const char *kind, const struct pb_audit *a, size_t nunits,
                  const struct pb_report_opts *o);
/* Sorts, counts and names; after the last item. */
void pb_doc_end(struct pb_doc *d);

/* One line that is safe to show, in the arena; NULL stays NULL. */
const char *pb_doc_safe(struct pb_doc *d, const char *s);
const char *pb_doc_printf(struct pb_doc *d, const char *fmt, ...) PB_PRINTF(2, 3);

/* A new item, all of it zero; valid until the next one. */
struct pb_doc_item *pb_doc_add(struct pb_doc *d, size_t unit);
/* Where its block is, or what else of the unit is nearest to it. */
void pb_doc_locate(struct pb_doc *d, struct pb_doc_item *i, const struct pb_unit_result *u,
                   const char *address);
/* The commit that explains it, or declared what it is about; `by` may be NULL. */
void pb_doc_author(struct pb_doc *d, struct pb_doc_item *i, enum pb_cause cause,
                   const struct pb_gate_author *by);
/* What a resource is, and what differs: with `every`, also what does not. */
void pb_doc_resource(struct pb_doc *d, struct pb_doc_item *i, const struct pb_resource_result *r,
                     bool every);

/* Name, path, commit and state; an error makes it an item of `group` and `rule`. */
struct pb_doc_unit *pb_doc_unit_of(struct pb_doc *d, size_t k, const struct pb_audit *a,
                                   size_t group, size_t rule);
/* What stands for a unit where an item has no block: a file of its folder, or where plumb.yaml
 * names it. */
void pb_doc_speaks_for(struct pb_doc *d, struct pb_doc_unit *out, const struct pb_unit_result *u);
/* Rules and groups that all documents have, in d's tables: what became of a failed unit. */
extern const struct pb_doc_rule pb_doc_failed_rule;
extern const struct pb_doc_group pb_doc_failed_group;

/* Groups, rules and items of what gates say. */
void pb_doc_add_gates(struct pb_doc *d, const struct pb_audit *a, const struct pb_unit_gate *gates);

/* Those of the audit are there from the beginning; `unit` may be NULL. */
void pb_doc_diagnostics(struct pb_doc *d, const struct pb_diags *from, const char *unit);

/* NULL-terminated lists of sentences in the arena. */
void pb_doc_note(struct pb_doc *d, const char *const **notes, const char *fmt, ...) PB_PRINTF(3, 4);

#endif
