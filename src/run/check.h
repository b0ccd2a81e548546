/*
 * check.h: what merging a change would do, before it is merged.
 *
 *	struct pb_check check;
 *	struct pb_check_options o = {.base = "origin/main"};
 *	if (pb_check_run(&check, &o, &err) == 0) ... report ...
 *	pb_check_release(&check);
 *
 * Base and head are merged in memory (git/merge.h). The units that the difference between base
 * and merged tree reaches are audited at base: that is what has credentials. The merged tree is
 * then planned beside each of them, in a sandbox, and held against the very same recorded and
 * live state. What differs between the two is what the change causes.
 *
 * Where the head is not trusted, nothing is started and nothing observed: what there is to say
 * comes from the text of the two trees and from what is kept of base's declared side.
 *
 * Everything in the result lives in its arenas until release; strings that come from Git, plans
 * or states are as written there: a report makes them safe.
 */
#ifndef PB_RUN_CHECK_H
#define PB_RUN_CHECK_H

#include "run/audit.h"
#include "run/gate.h"

/* ---- what of it is whose -------------------------------------------------------------------- */

/* From harmless to not: the worst attribute decides a resource. */
enum pb_check_class {
    PB_CHECK_NONE = 0, /* nothing to tell */
    PB_CHECK_SETTLES,  /* differed before, agrees after */
    PB_CHECK_PENDING,  /* to be applied already before, and not of this change */
    PB_CHECK_REVERTS,  /* changed outside, not of this change: any apply takes it back */
    PB_CHECK_UNSEEN,   /* could not be observed */
    PB_CHECK_CAUSED,   /* the change asks for something else, and nobody else did */
    PB_CHECK_COLLIDES, /* the change asks for something else of what was changed outside */
    PB_NCHECKS
};

struct pb_check_class_row {
    const char *name;    /* as in the JSON report: "collides" */
    const char *meaning; /* half a sentence for people */
    bool ours;           /* of the change under review, not of what was there before */
};
extern const struct pb_check_class_row pb_check_classes[PB_NCHECKS]; /* indexed by class */

/* One attribute of which there is something to tell; with options.all every one. */
struct pb_check_attr {
    const char *path; /* Terraform's notation */
    enum pb_check_class class;
    bool touched; /* base and merged tree declare different things */
    /* NULL: not there, or that tree says nothing about it. */
    const struct pb_value *base, *merged;
    const struct pb_value *recorded, *live; /* NULL: absent */
    bool seen;                              /* an observer looked at it */
    bool sensitive;
    enum pb_verdict before, after; /* against base, and against the merged tree */
    const char *reason;            /* or NULL */
};

struct pb_check_resource {
    const char *address;
    const char *moved_from; /* the address that the state has it under, or NULL */
    const char *type;
    const char *id; /* or NULL */
    enum pb_check_class class;
    bool touched;                         /* the change is about it */
    bool unseen;                          /* something that the change touches could not be seen */
    bool importing;                       /* by an import block of the change */
    enum pb_action action_before, action; /* that base asks for, and the merged tree */
    enum pb_verdict before, after;
    const char *observer, *reason; /* or NULL */
    const struct pb_check_attr *attrs;
    size_t nattrs;
    /* The block: of the merged tree, or of base's where that has it no more; NULL: not known. */
    const char *file;
    unsigned line, last_line;                       /* 0: not known */
    bool file_of_base;                              /* where `file` is to be looked up */
    const struct pb_resource_result *base, *merged; /* NULL: that tree and the state lack it */
    /* What the gate says of it, by base's rules; NULL: it asks for nothing. */
    const struct pb_gate_verdict *gate;
    const struct pb_gate_author *by; /* who last set what is declared; NULL: not known */
    bool guarded;                    /* the delete or replacement of what is protected */
};

/* ---- beside plans --------------------------------------------------------------------------- */

/* What is said of the change without a plan: of its text, its policy, its units. */
struct pb_check_finding {
    const char *code;     /* stable, kebab-case: "provisioner-added" */
    const char *severity; /* "error", "warning", "notice" */
    const char *message;  /* one sentence without its end */
    const char *address;  /* or NULL */
    const char *file;     /* within the repository, or NULL */
    unsigned line, last_line;
    bool file_of_base; /* the file is base's: the merged tree has it no more, or not like that */
    size_t resources;  /* that the block stands for, as far as base's plan is known; 0: not known */
    /* Of what is shared: the names of those that have it, NULL-terminated; NULL: of no unit, or of
     * the one that it is listed with. */
    const char *const *units;
    size_t nunits;
};

struct pb_check_findings {
    struct pb_check_finding *v;
    size_t n, cap;
};

/* What the check itself can find; the text has the executor's rules. */
enum pb_check_rule {
    PB_CHECK_CONFIG_BROKEN,
    PB_CHECK_UNIT_REMOVED,
    PB_CHECK_BLOCK_ADDED, /* in the order of enum pb_text_change */
    PB_CHECK_BLOCK_CHANGED,
    PB_CHECK_BLOCK_REMOVED,
    PB_CHECK_OUTPUT_ADDED,
    PB_CHECK_OUTPUT_CHANGED,
    PB_CHECK_OUTPUT_REMOVED,
    PB_CHECK_POLICY_GATE,
    PB_CHECK_POLICY_IGNORE,
    PB_CHECK_POLICY_PACKS,
    PB_CHECK_POLICY_CHECK,
    PB_CHECK_POLICY_LEDGER,
    PB_CHECK_POLICY_REPORT,
    PB_CHECK_POLICY_FILE,
    PB_NCHECK_RULES
};

/* All that a check can find: the table behind help, documentation and reports. The i-th of it, its
 * own first; NULL: there are no more. A finding may be milder than its rule. */
const struct pb_text_rule *pb_check_rule_at(size_t i);
const struct pb_text_rule *pb_check_rule_find(const char *code); /* NULL: no such code */

/* ---- units ---------------------------------------------------------------------------------- */

enum pb_check_mode {
    PB_CHECK_PLANNED = 0,
    PB_CHECK_STATIC,  /* not planned, since the head is not trusted: `why` */
    PB_CHECK_ADDED,   /* only the merged tree has it: planned, nothing observed */
    PB_CHECK_REMOVED, /* only base has it: its state was read */
    PB_CHECK_FAILED,  /* `err` */
    PB_NCHECK_MODES
};
extern const char *const pb_check_mode_names[PB_NCHECK_MODES]; /* "planned", ... */

/* A refusal of the gate that is about no single resource. */
struct pb_check_refusal {
    const char *code, *what, *remedy;
    bool before; /* base's own plan is refused for it, too: not of this change */
};

struct pb_check_unit {
    const char *name, *path;
    enum pb_check_mode mode;
    bool is_added, is_removed; /* also where it is static or failed */
    const char *why;           /* why not planned, with what would help; or NULL */
    struct pb_err err;         /* of PB_CHECK_FAILED */
    const char *reached_by;    /* a path that differs and that it reads, or NULL */
    struct pb_arena *arena;
    struct pb_unit_result *base;   /* NULL: added, or static */
    struct pb_unit_result *merged; /* NULL: removed, static, failed */
    struct pb_unit_gate gate;      /* of the merged plan; out.n 0 without one */
    const struct pb_check_refusal *refusals;
    size_t nrefusals;
    const struct pb_check_resource *resources; /* by address */
    size_t nresources;
    size_t recorded; /* resources in the state of an added or removed unit */
    size_t guarded;  /* of those of a removed unit: protected by base's rules */
    struct pb_check_findings findings;
    size_t by_class[PB_NCHECKS];
};

/* What makes the exit code another than 0, the mildest first. */
enum pb_check_level {
    PB_CHECK_ON_CHANGES = 0, /* 2, and what follows */
    PB_CHECK_ON_UNSEEN,      /* 4: not seen, or not planned; and what follows */
    PB_CHECK_ON_REFUSED,     /* 3, and errors */
    PB_NCHECK_LEVELS
};
extern const char *const pb_check_levels[PB_NCHECK_LEVELS + 1]; /* NULL-terminated */

struct pb_check {
    struct pb_arena *arena;
    struct pb_audit audit; /* at base: repository, configuration, diagnostics of no unit */
    struct pb_audit then;  /* the merged tree, with that repository; units: those that are added */
    const char *base_ref, *head_ref; /* as they were given */
    char base[PB_OID_HEX], head[PB_OID_HEX];
    char merged[PB_OID_HEX];          /* "" where they conflict or there is nothing to merge */
    bool up_to_date;                  /* base contains head: there is nothing to check */
    bool fast_forward;                /* head contains base */
    const char *const *conflicts;     /* paths; NULL-terminated; NULL: none */
    const char *const *conflict_what; /* of each: "changed on both sides" */
    size_t nconflicts;
    bool trusted;
    const char *trust; /* why, or why not and what would help */
    struct pb_check_unit *units;
    size_t nunits;
    size_t untouched; /* units of both trees that the change does not reach */
    const char
        *broken; /* why nothing could be done with the merged tree (its plumb.yaml), or NULL */
    struct pb_check_findings findings; /* of no unit, policy; and of several, what they share */
    struct pb_diags diags;
    /* Sums over all units. */
    size_t by_class[PB_NCHECKS];
    size_t unseen;  /* resources that the change touches and of which not all could be seen */
    size_t changes; /* that merging would bring about and that are of this change */
    size_t deletes, replaces, asks; /* of these; `asks`: base's rules want a yes */
    size_t orphaned; /* in the states of removed units: Git would not explain them any more */
    size_t guarded;  /* of these, protected by base's rules */
    size_t refused;  /* changes, and refusals of the whole, by the gate */
    size_t rules;    /* findings about plumb's own rules: they count once it is merged */
    size_t beside;   /* findings of providers and outputs: no resource has to change for them */
    size_t warned;   /* findings that are no notices */
    size_t failed;   /* units */
    long elapsed_ms;
    enum pb_exit exit_code; /* what was found */
    enum pb_check_level fail_on;
};

/* What the command exits with: 0 where what was found is milder than fail_on. */
enum pb_exit pb_check_exit(const struct pb_check *c);

/* ---- doing it ------------------------------------------------------------------------------- */

struct pb_check_options {
    const char *dir;      /* where to look for the repository; NULL: here */
    const char *base;     /* revision; required */
    const char *head;     /* NULL: HEAD */
    const char *config;   /* file in place of plumb.yaml of both trees, or NULL */
    char *const *units;   /* names, of either tree; NULL: all */
    const char *observer; /* NULL: in order */
    bool trust;           /* the head is trusted, says who calls */
    enum pb_check_level fail_on;
    bool all;                           /* keep also what there is nothing to tell of */
    const struct pb_progress *progress; /* called by several threads; or NULL */
};

/* Fails when there is nothing to report: no such revision, no way to merge, interrupted. What one
 * unit fails of is in that unit. Release `out` also then. */
int pb_check_run(struct pb_check *out, const struct pb_check_options *o, struct pb_err *err);
void pb_check_release(struct pb_check *c);

/* Counts and exit code from the units; for run, and for tests. */
void pb_check_sum(struct pb_check *c);

/* What is found alike in two or more units becomes one finding of the check, with their names; for
 * run, and for tests. Pure (check_fold.c). */
void pb_check_fold(struct pb_check *c);

/* ---- the pure part (check_class.c) ---------------------------------------------------------- */

/* One attribute: whether the change touches it, and the verdicts of both trees on the same
 * recorded and live values. */
enum pb_check_class pb_check_attr_class(bool touched, enum pb_verdict before,
                                        enum pb_verdict after);

/* A resource as a whole, beside its attributes. */
struct pb_check_cell {
    enum pb_action before, after; /* that base plans, and the merged tree */
    bool touched;                 /* base and merged tree declare different things */
    bool brought;                 /* the change itself brings an import, or moves its address */
    bool outside;                 /* changed outside in base's eyes, whichever attribute it is */
    bool missing;                 /* deleted outside */
    bool unobserved;              /* nothing of it was seen */
    bool blind;                   /* a touched attribute could not be seen */
    bool settled;                 /* held against the merged tree nothing is left but a record */
    enum pb_check_class attrs;    /* the worst attribute */
};
struct pb_check_answer {
    enum pb_check_class class;
    bool touched, unseen;
};
struct pb_check_answer pb_check_resource_class(const struct pb_check_cell *c);

#endif
