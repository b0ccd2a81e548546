/* internal.h: what the files behind audit.h share. */
#ifndef PB_RUN_INTERNAL_H
#define PB_RUN_INTERNAL_H

#include <pthread.h>

#include "base/crew.h"
#include "model/seal.h"
#include "policy/gate.h"
#include "run/audit.h"

/* What all units have in common; owned by pb_audit_run. */
struct pb_audit_shared {
    struct pb_audit *audit;
    const struct pb_audit_options *options;
    const struct pb_echo_set *echoes;
    const struct pb_value *local_types;
    struct pb_seal seal;
    char *cache_dir, *state_dir;
    char *tree;      /* where the tree of the commit is exported to; NULL: to a folder of ours */
    bool exported;   /* somebody needed it */
    bool keep_tree;  /* whose it is will remove it */
    char *pack_dirs; /* colon-separated, or NULL */
    char *packs;     /* the private folder that they are in */
    const char *repo_id, *repo_folder;
    struct pb_crew *crew;
    struct pb_crew_job curl;
    struct {
        struct pb_crew_job job;
        struct pb_arena *arena; /* of `echoes` and `local_types` until they are waited for */
        struct pb_err err;
        bool failed;
    } tables;
    pthread_mutex_t *git; /* over audit->repo and `tree`: libgit2's objects are of one thread */
    int requests;         /* under way at once for one unit; 0: the observer's default */
    /* What is done with each unit, several at once; NULL: pb_audit_unit. */
    int (*each)(struct pb_unit_result *u, struct pb_audit_shared *s, struct pb_err *err);
    /* In pb_audit_unit when the verdicts stand, before what they rest on is gone; or NULL. */
    int (*then)(struct pb_session *j, struct pb_err *err);
    void *ctx; /* of these two */
};

/* Before the audit is opened, and behind everything. */
void pb_audit_shared_init(struct pb_audit_shared *s, struct pb_audit *a,
                          const struct pb_audit_options *o);
void pb_audit_shared_release(struct pb_audit_shared *s);

/* When it is known what the audit is about. */
int pb_audit_shared_ready(struct pb_audit_shared *s, struct pb_err *err);

/* The same for another commit of the same repository, `other`, whose tree is one more. Leave it
 * before the first is released. */
void pb_audit_shared_beside(struct pb_audit_shared *out, const struct pb_audit_shared *s,
                            struct pb_audit *other);
void pb_audit_shared_leave(struct pb_audit_shared *s);

/* Those of its units that keep says yes to; the others are released. */
void pb_audit_keep(struct pb_audit *a, bool (*keep)(void *ctx, const struct pb_unit_result *u),
                   void *ctx);

/* Takes plumb.yaml of a->commit, or from a file, into a->config. */
int pb_audit_load_config(struct pb_audit *a, const char *file, struct pb_err *err);

/* All of them, some at the same time; a unit that fails says so itself. -1: interrupted. */
int pb_audit_units(struct pb_audit_shared *s, struct pb_err *err);
/* Judges again what no unit owns by itself, once all of them are known. */
void pb_audit_owners_elsewhere(struct pb_audit_shared *s);

/* NULL: nothing here is called so. */
const struct pb_executor *pb_executor_named(const char *name);

/* One unit from record to verdicts. -1 with u->err set: it failed. */
int pb_audit_unit(struct pb_unit_result *u, struct pb_audit_shared *s, struct pb_err *err);

/* The rules of the configuration, of the unit and of the command line as one set. */
int pb_audit_check_ignore(char *const *adhoc, struct pb_err *err); /* of the command line alone */
int pb_audit_ignore(struct pb_unit_result *u, const struct pb_config *c, char *const *adhoc,
                    struct pb_err *err);

/* Notices "ignore-unused", once all units are judged. */
void pb_audit_tell_unused(struct pb_audit *a, char *const *adhoc);

/* What a configuration can set; the rest is the provider's, and moves by itself. */
bool pb_run_settable(const struct pb_type *root, const char *name);

/* What the command line adds to the commit, into the facts; and whether it asks for just this. */
void pb_run_added(struct pb_gate_facts *f, struct pb_audit *a, const struct pb_unit_result *u);
bool pb_run_requested(const struct pb_plan_options *p, const char *address, enum pb_action action);

#endif
