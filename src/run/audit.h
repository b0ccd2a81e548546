/*
 * audit.h: a repository and a revision in, verdicts out.
 *
 *	struct pb_audit audit;
 *	if (pb_audit_run(&audit, &options, &err) < 0) ...	// nothing could be audited
 *	... report ...
 *	pb_audit_release(&audit);
 *
 * For each unit: the recorded side, then the declared side from the cache. When the cache has
 * it, no tool is started. When not, the tool plans on this thread while a second one
 * observes with the provider settings that could be read from the text; what those got wrong is
 * observed again. What is not in sync then is confirmed through the tool's own plugins. If the
 * state moved meanwhile everything is thrown away and tried once more.
 *
 * A unit that fails has `failed` and `err` set and the others go on; pb_audit_run itself
 * fails only when there is nothing to report, or when interrupted. Everything in the result
 * lives in its arenas until release.
 */
#ifndef PB_RUN_AUDIT_H
#define PB_RUN_AUDIT_H

#include <time.h>

#include "backends/backend.h"
#include "base/exits.h"
#include "config/config.h"
#include "git/repo.h"
#include "reconcile/reconcile.h"
#include "run/units.h"

struct pb_session;

/* Work of one unit beyond looking, while all that looking needed is there (session.h). */
struct pb_audit_act {
    /* Before anything is read: may set j->work and the audit's tree, which are kept then. */
    int (*begin)(void *ctx, struct pb_session *j, struct pb_err *err);
    /* When the verdicts stand. */
    int (*act)(void *ctx, struct pb_session *j, struct pb_err *err);
    void *ctx;
};

struct pb_audit_options {
    const char *dir;      /* where to look for the repository; NULL: here */
    const char *rev;      /* NULL: HEAD */
    const char *config;   /* file, or NULL: plumb.yaml of the commit */
    char *const *units;   /* names; NULL: all */
    char *const *targets; /* addresses; NULL: everything */
    char *const *ignore;  /* ADDRESS or ADDRESS:PATH patterns; NULL: none */
    char *const *fail_on; /* lists of verdict names; NULL: the configuration's */
    const char *observer; /* NULL: in order */
    bool cross_check;     /* read everything with both kinds of observers */
    bool all;             /* keep attributes that are in sync */
    bool save_baseline;
    bool as_applied;                    /* plan like an apply: refresh where drift was seen */
    bool accept_state;                  /* an older or foreign state is meant */
    const struct pb_plan_options *plan; /* what the command line adds to each plan; or NULL */
    const struct pb_audit_act *act;     /* to apply: exactly one unit; or NULL */
    bool one; /* about one unit: when there are more, that of the folder plumb stands in */
    const char *workspace; /* with `one`: of just this folder, and with this workspace; or NULL */
    bool everywhere;       /* also where plumb stands in a unit; and there may be none at all */
    const struct pb_progress *progress; /* called by several threads; or NULL */
};

struct pb_unit_result {
    struct pb_arena *arena;
    struct pb_config_unit config;
    const char *engine; /* "terraform" */
    bool failed;
    bool narrowed; /* to targets: what is not among the sides may be there all the same */
    struct pb_err err;
    struct pb_recorded_set recorded;
    struct pb_recorded_set whole; /* the same, whatever targets leave of it; or nothing */
    struct pb_declare_result declared;
    struct pb_live_set live;
    struct pb_observe_stats stats;
    struct pb_reconcile_out out;
    struct pb_ignore_set *ignore;
    struct pb_diags diags;
    const struct pb_plan_options *plan; /* of the command line, or NULL */
    const char *gap;                    /* why the plan is not what an apply would do, or NULL */
    const struct pb_live_set *baseline; /* NULL: none was saved */
    const char *baseline_commit;        /* NULL: not known */
    size_t baseline_saved;
    long elapsed_ms, reconcile_ms;
};

struct pb_audit {
    struct pb_arena *arena;
    struct pb_repo *repo;
    char commit[PB_OID_HEX];
    /* Whose plumb.yaml `config` is, and who may say what runs, where that is another commit than
     * the audited one (check.h); NULL: that one. */
    const char *rules_commit;
    const char *merges; /* where `commit` is in memory alone: the head that it takes in; or NULL */
    time_t started_at;
    long elapsed_ms;
    struct pb_config config;
    struct pb_units found; /* every module folder of the commit */
    struct pb_unit_result *units;
    size_t nunits;
    struct pb_diags diags; /* of no unit */
    size_t resources;
    size_t by_verdict[PB_NVERDICTS]; /* without what is ignored */
    size_t also[PB_NVERDICTS];       /* what differs of those that could not be seen in full */
    /* What --fail-on makes of a verdict: 1: it gives 2, -1: it does not, 0: nothing was said. */
    signed char fails[PB_NVERDICTS];
    struct pb_coverage coverage;
    size_t nobodys; /* resources that show something which no resource owns */
    struct pb_ignored ignored;
    size_t failed;
    enum pb_exit exit_code;
};

int pb_audit_run(struct pb_audit *out, const struct pb_audit_options *o, struct pb_err *err);
void pb_audit_release(struct pb_audit *a);

/* The first half of it: repository, commit, configuration, units. For init and doctor. */
int pb_audit_open_config(struct pb_audit *out, const struct pb_audit_options *o,
                         struct pb_err *err); /* without units */
int pb_audit_open(struct pb_audit *out, const struct pb_audit_options *o, struct pb_err *err);

/* Fills audit->units from configuration, tree and the folder plumb was started in. */
int pb_audit_choose(struct pb_audit *a, const struct pb_audit_options *o, struct pb_err *err);

/* Verdicts, coverage and exit code of the units; called by run, and by tests. */
int pb_audit_sum(struct pb_audit *a, char *const *fail_on, struct pb_err *err);

#endif
