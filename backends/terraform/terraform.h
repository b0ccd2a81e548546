/*
 * terraform.h: what the files of this folder share about one planning run. The executor itself
 * is pb_terraform in backends/backend.h.
 */
#ifndef PB_TERRAFORM_TERRAFORM_H
#define PB_TERRAFORM_TERRAFORM_H

#include "backends/backend.h"
#include "backends/terraform/module.h"
#include "backends/terraform/plan.h"
#include "backends/terraform/providers.h"
#include "backends/terraform/run.h"
#include "backends/terraform/store.h"

struct pb_tf_serving;

struct pb_tf_planning {
    struct pb_arena *arena;
    const struct pb_unit_ctx *u;
    const struct pb_recorded_set *recorded;
    struct pb_tf_run run;
    struct pb_tf_files files;
    struct pb_tf_tree *tree; /* NULL: the text could not be read */
    struct pb_tf_lock lock;
    bool locked;   /* the commit brings a lock file */
    bool floating; /* it brings none, and there are providers to lock */
    bool remote_modules;
    bool outside; /* it may read files of the machine, or the time */
    struct pb_value vars;
    const struct pb_provider_config *providers;
    size_t nproviders;
    struct pb_value versions; /* source -> version */
    struct pb_value packages; /* source -> folder of the package that runs, as init checked it */
    const struct pb_tf_backend *own; /* the state's, for a plan that is to be applied; else NULL */
    bool lends;                      /* packages are used as they lie there: lend.h */
    struct pb_tf_serving *served;    /* and run already: serve.h; or NULL */
    struct pb_tf_plan plan;
    struct pb_diags said; /* by planning: kept with the cached result */
    long plan_ms, show_ms;
};

/* init, plan, show: fills plan. Release p also when it fails. */
int pb_tf_plan_unit(struct pb_tf_planning *p, struct pb_err *err);
void pb_tf_planning_release(struct pb_tf_planning *p);
/* providers from what the plan knows; schemas of the types in use. */
int pb_tf_settle(struct pb_declare_result *out, struct pb_tf_planning *p, struct pb_err *err);

/* Reads tree, lock, variables and providers of u->tree; a failure leaves tree NULL. */
int pb_tf_read_text(struct pb_tf_planning *p, const struct pb_value *manifest, bool tofu,
                    struct pb_err *err);
/* given.c: the state's sensitive texts, but for short ones; `schemas` may be NULL. */
void pb_tf_recorded_secrets(struct pb_strv *out, const struct pb_recorded_set *recorded,
                            const struct pb_schema_set *schemas);
/* Marks the values that have something secret of what the tree was given, and takes it out of names
 * and addresses, unless the state has these already. */
void pb_tf_hide_given(struct pb_declare_result *out, struct pb_tf_planning *p);

/* Puts plumb.yaml's settings (provider name or name.alias -> settings) over what was read. */
void pb_tf_override_providers(struct pb_provider_config *v, size_t n, struct pb_arena *a,
                              const struct pb_value *settings);

/* Names of the variables that its providers may know, as env.h has them. */
void pb_tf_provider_names(struct pb_strv *names, const struct pb_tf_planning *p);

/* The backend that a plan to be applied has to be made on; refuses those that run elsewhere. */
int pb_tf_own_backend(const struct pb_tf_backend **out, struct pb_arena *a,
                      const struct pb_unit_ctx *u, struct pb_err *err);
/* A plan to be applied is not asked for settings of providers: an earlier one may know them, or
 * another beside it is made. */
int pb_tf_answer_saved(struct pb_tf_planning *p, struct pb_err *err);

/* What the text alone does not say of provider blocks is asked for as outputs of the plan. */
enum { PB_TF_ASKED_MAX = 64 };
struct pb_tf_asked {
    const char *text[PB_TF_ASKED_MAX]; /* expressions; output i is plumb_provider_value_i */
    size_t n;
};
void pb_tf_ask(struct pb_tf_asked *asked, const struct pb_tf_planning *p);
int pb_tf_ask_write(const struct pb_tf_asked *asked, const struct pb_tf_run *r, struct pb_err *err);
void pb_tf_ask_remove(const struct pb_tf_run *r);
/* Takes what was asked out of the unit's own outputs. */
void pb_tf_ask_forget(struct pb_declared_set *d, struct pb_arena *a,
                      const struct pb_tf_asked *asked);
void pb_tf_answer(struct pb_provider_config *v, size_t n, struct pb_arena *a,
                  const struct pb_tf_asked *asked, const struct pb_value *outputs);

#endif
