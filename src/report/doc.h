/*
 * doc.h: one report as data, for the formats that are documents: markdown, html, sarif, junit.
 *
 *	struct pb_doc d;
 *	pb_doc_of_audit(&d, &audit, &opts);	// or of gates, of an apply, of a check
 *	format->doc(&buf, &d, &opts);
 *	pb_doc_release(&d);
 *
 * What a document is made from outlives it. Its strings are one line each and safe to show:
 * controls and bidirectional overrides are visible escapes, nothing that is sensitive is in them.
 * What means something to a format (a quote, a backtick) is that format's own affair. There is
 * one way to make documents and one to write each format, so that a command that reports has all
 * formats and a format has all commands.
 *
 * Items are sorted: by unit, the most serious group first, by address. Everything that is
 * compared has one, also what is as it should be.
 */
#ifndef PB_REPORT_DOC_H
#define PB_REPORT_DOC_H

#include "base/digest.h"
#include "report/cell.h"
#include "report/level.h"
#include "report/report.h"
#include "run/apply.h"
#include "run/check.h"
#include "run/gate.h"

#define PB_DOC_NO_UNIT SIZE_MAX

/* What a row of tests would make of it. */
enum pb_doc_outcome { PB_DOC_PASS, PB_DOC_FAIL, PB_DOC_UNSEEN, PB_DOC_SKIP };

/* A kind of finding: the rule of a SARIF result. */
struct pb_doc_rule {
    const char *code;    /* stable: "drifted" */
    const char *title;   /* a few words: "drifted" */
    const char *meaning; /* half a sentence */
    const char *help;    /* what to do about it */
    enum pb_level level;
};

/* Items that are shown under one heading. */
struct pb_doc_group {
    const char *code, *title, *meaning;
    enum pb_level level;
    bool folded; /* nobody has to see it at once */
    size_t n;
};

/* The commit that explains an item; commit NULL: none is known. */
struct pb_doc_by {
    const char *commit, *author, *when, *summary;
    const char *says; /* what it did: "changed" */
    const char *file;
    unsigned line;
};

struct pb_doc_item {
    size_t unit, group, rule;
    enum pb_level level;
    enum pb_doc_outcome outcome;
    const char *subject;                           /* the address, or what else it is about */
    const char *type, *id, *observer, *moved_from; /* each may be NULL */
    const char *badge;                             /* "drifted, pending" */
    const char *action;                            /* "update", or NULL */
    const char *why, *remedy;                      /* or NULL */
    const char *const *notes;                      /* more sentences; NULL-terminated or NULL */
    /* Of what several units have alike: their names, NULL-terminated; NULL: it is of one unit, or
     * of none. */
    const char *const *units;
    /* What else tells it from others with this subject: the folder that stands for the units, or
     * what it says; or NULL. */
    const char *apart;
    const char *file;          /* of its block; or NULL */
    unsigned line, last_line;  /* 0: not known */
    const struct pb_row *rows; /* three-way; what differs, or with all, all */
    size_t nrows;
    struct pb_doc_by by;
    char fingerprint[PB_SHA256_HEX]; /* of what it is, without lines and values */
    size_t nth;                      /* in order of making: of what is the same otherwise */
};

struct pb_doc_count {
    const char *code, *title;
    enum pb_level level;
    size_t n;
};

struct pb_doc_unit {
    const char *name, *path, *engine, *commit;
    const char *state;  /* "state serial 12", or NULL */
    const char *result; /* "2 drifted, 1 pending" */
    const char *error;  /* it failed; or NULL */
    const char *file;   /* that speaks for it where an item has no block; or NULL */
    unsigned line;
    enum pb_level level;
    long elapsed_ms;
    bool quiet;                 /* nothing to tell but that all is well */
    size_t observed, resources; /* resources 0: it is not about coverage */
    const char *const *notes;   /* NULL-terminated or NULL */
    size_t first, n;            /* its items */
};

struct pb_doc_diag {
    const char *severity, *code, *message, *address; /* address may be NULL */
    const char *unit;                                /* or NULL */
};

struct pb_doc {
    struct pb_arena *arena;
    const char *kind; /* "audit", "plan", "apply", "check" */
    const char *version, *headline;
    const char *const
        *columns;       /* of rows: declared, recorded, live; of a check base, merged, live */
    bool trees;         /* rows compare two trees, the second of which is to be */
    const char *scope;  /* of the marker */
    const char *commit; /* that it is about; or NULL */
    const char *base;   /* what it is compared with; or NULL */
    const char *repository, *branch; /* a URL without user and password; each may be NULL */
    enum pb_level level;
    enum pb_exit exit_code;
    time_t started_at;
    long elapsed_ms;
    struct pb_coverage coverage;
    struct pb_doc_unit *units;
    size_t nunits;
    struct pb_doc_group *groups;
    size_t ngroups;
    const struct pb_doc_rule *rules;
    size_t nrules;
    struct pb_doc_count *counts;
    size_t ncounts;
    struct pb_doc_item *items;
    size_t nitems, cap;
    struct pb_doc_diag *diags;
    size_t ndiags;
    const char *const *notes; /* of the whole; NULL-terminated or NULL */
};

void pb_doc_of_audit(struct pb_doc *d, const struct pb_audit *a, const struct pb_report_opts *o);
/* With the exit code of the command, which counts more than one unit's. */
void pb_doc_of_gates(struct pb_doc *d, const struct pb_audit *a, const struct pb_unit_gate *gates,
                     const struct pb_report_opts *o);
void pb_doc_of_apply(struct pb_doc *d, const struct pb_apply_run *run,
                     const struct pb_report_opts *o);
void pb_doc_of_check(struct pb_doc *d, const struct pb_check *c, const struct pb_report_opts *o);
void pb_doc_release(struct pb_doc *d);

/* How many differ and fail, for those who count. */
size_t pb_doc_count_of(const struct pb_doc *d, const struct pb_doc_unit *u,
                       enum pb_doc_outcome outcome);

/* What helps, where it is the same for all of these items: then it is said once. Or NULL. */
const char *pb_doc_common_remedy(const struct pb_doc *d, size_t from, size_t to);

/*
 * The first line of a report in Markdown, by which whoever posted it finds it again:
 *
 *	<!-- plumb:KIND:SCOPE -->
 *
 * KIND is the command. SCOPE is what the command line narrowed it to, which stays the same from
 * one push to the next: "all", or the names of --unit joined by commas. What is none of
 * [A-Za-z0-9._/-] in a name, and a dash behind a dash, is %XX.
 */
void pb_doc_marker(struct pb_buf *b, const char *kind, const char *scope);
/* That SCOPE of these names (NULL-terminated; NULL: "all"). */
void pb_doc_scope(struct pb_buf *b, char *const *units);

#endif
