/*
 * record_apply.h: what became of an apply, as entries of the ledger (record.h).
 *
 *	struct pb_record_apply a = {.unit = name, .commit = commit, .run = run, ...};
 *	pb_record_apply_refused(&r, &a, &err);		// the gate said no, or nobody said yes
 *
 *	pb_record_apply_started(&r, &a, &err);		// before the tool is started
 *	pb_record_apply_finished(&r, &a, &err);		// when what it left was observed
 *	pb_record_apply_recovered(&r, &a, &err);	// in place of finished, by a later process
 *
 * Each is durable on this machine when it returns 0; pb_record_anchor takes it further.
 *
 * Names only: no value of an attribute, no credential and nothing that a person typed may be in
 * any of the strings; `error` and `what` are the caller's to clean. All strings are the
 * caller's. What is NULL is left out of the entry, what is not UTF-8 is escaped. An entry has a
 * limit: of very many changes the last ones that went well are counted and not named.
 */
#ifndef PB_RUN_RECORD_APPLY_H
#define PB_RUN_RECORD_APPLY_H

#include "run/record.h"

enum pb_record_result {
    PB_RECORD_NO_RESULT = 0, /* left out: refused and started have none */
    PB_RECORD_DONE,
    PB_RECORD_FAILED,
    PB_RECORD_NOT_STARTED,
    PB_RECORD_UNSETTLED, /* it was started, and nobody can tell what came of it */
    PB_RECORD_NRESULTS
};
extern const char *const pb_record_results[PB_RECORD_NRESULTS]; /* "done", "not_started", ... */

/* One resource that is to change. */
struct pb_record_change {
    const char *address;
    const char *action;  /* pb_action_name() */
    const char *cause;   /* pb_cause_names[]; or NULL */
    const char *verdict; /* pb_verdict_name(): before it, or in finished and recovered as
                            observed after it; NULL: not observed */
    const char *id;      /* of the object; or NULL */
    enum pb_record_result result;
    const char *const *paths; /* attributes that change, NULL-terminated; or NULL */
};

struct pb_record_reason {
    const char *code; /* kebab-case: "stale-commit" */
    const char *what; /* or NULL */
};

/* sha256 NULL: there was none, or nobody knows. */
struct pb_record_state {
    const char *lineage; /* or NULL */
    int64_t serial;
    const char *sha256;
};

struct pb_record_apply {
    const char *unit, *path, *workspace, *commit; /* required */
    const char *run;               /* the same in every entry of one apply; or NULL */
    const char *evidence;          /* SHA-256 of everything that the decision rests on; or NULL */
    const char *command;           /* "apply", "destroy", "rollback"; NULL: apply */
    const char *approved_by, *how; /* a person; "policy", "terminal", "--approve". Or NULL */
    const struct pb_record_change *changes;
    size_t nchanges;
    struct pb_record_state before, after;
    const struct pb_record_reason *refusals; /* refused only */
    size_t nrefusals;
    /* finished and recovered only */
    bool verified; /* all that was touched was observed, and is what Git asks for */
    int exit_code; /* plumb's */
    long duration_ms;
    const char *outcome; /* recovered: the documented one, kebab-case */
    const char *error;   /* or NULL */
};

int pb_record_apply_refused(struct pb_record *r, const struct pb_record_apply *a,
                            struct pb_err *err);
int pb_record_apply_started(struct pb_record *r, const struct pb_record_apply *a,
                            struct pb_err *err);
int pb_record_apply_finished(struct pb_record *r, const struct pb_record_apply *a,
                             struct pb_err *err);
int pb_record_apply_recovered(struct pb_record *r, const struct pb_record_apply *a,
                              struct pb_err *err);

#endif
