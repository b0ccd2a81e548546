/*
 * confine.h: what the tool may see and know when it runs for a unit that is not trusted
 * (u->sandbox): its folders, its environment, its CLI configuration.
 *
 *	struct pb_unit_ctx own;
 *	if (pb_tf_confine_unit(&own, a, u, err))	// a copy of the tree, to be written in
 *	    return -1;
 *	pb_tf_run_init(&r, a, &own, ...);		// confines the environment by itself
 *	pb_tf_confine_start(&c->box, &r, &spec, err);	// as pb_tf_start does
 *
 * Which credentials planning gets: those of the environment, and only where the base's list allows
 * some host that they could be used at. Files with credentials are not shown, whoever names them:
 * an expression could read them. Nor is what belongs to the one who runs plumb rather than to the
 * providers: SSH, Git, proxies, profiles, the CI system's own tokens unless the state has resources
 * of its provider. The tokens of the CLI configuration come as TF_TOKEN_ variables.
 */
#ifndef PB_TERRAFORM_CONFINE_H
#define PB_TERRAFORM_CONFINE_H

#include "backends/terraform/hcl.h"
#include "backends/terraform/run.h"
#include "base/child.h"
#include "base/sandbox.h"

/* A copy of `u` whose tree is a copy of its own, in u->work: the tool writes there, and what it
 * leaves is no other unit's. */
int pb_tf_confine_unit(struct pb_unit_ctx *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                       struct pb_err *err);

/* Takes out of an environment as env.h builds it what planning does not need, and adds every
 * value in it that is a secret by its name to `secrets`. `recorded` as env.h has names. */
void pb_tf_confine_env(struct pb_strv *env, struct pb_strv *secrets, const struct pb_sandbox *s,
                       const struct pb_strv *recorded);

/* The same for a run that is being made, with a CLI configuration of its own. */
int pb_tf_confine_run(struct pb_tf_run *r, const struct pb_strv *recorded, struct pb_err *err);

/* Starts the tool: argv[0] is its path. */
int pb_tf_confine_start(struct pb_sandbox_run **out, const struct pb_tf_run *r,
                        const struct pb_child_spec *spec, struct pb_err *err);

/* What to add to the failure of a command that ran in there: what it had, and had not. */
const char *pb_tf_confine_note(struct pb_arena *a, const struct pb_sandbox *s);

/* Folders with packages that init may use in there; adds those that hold what is locked. False
 * when some of it is in none. */
bool pb_tf_confine_packages(struct pb_strv *dirs, const struct pb_tf_run *r,
                            const struct pb_hcl_body *lock);

/* Whether a package lies where plumb or its user keeps packages, or in the run's own folder. */
bool pb_tf_confine_is_package(const struct pb_tf_run *r, const char *dir);

#endif
