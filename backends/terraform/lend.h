/*
 * lend.h: provider packages that an init has checked are used as they lie there.
 *
 * Terraform hashes the whole package of each provider against the lock file whenever it starts one:
 * with a package of 700 MB these are four seconds in each of init, plan and show. Once is enough.
 * What init has just checked is lent to the commands after it (dev_overrides, in a CLI
 * configuration of plumb's own), and remembered by what the file system says of each file of it:
 * device, inode, size, both times. While nothing of that changes, and no requirement in the text
 * changes either, the next audit needs no init for providers at all.
 *
 *	if (pb_tf_lend_recall(&l, p) == 0) ...	// instead of init
 *	else init; pb_tf_lend_installed(&l, p); pb_tf_lend_remember(&l, p);
 *	pb_tf_lend(&l, &p->run);		// plan, show and schemas use them from here on
 *
 * None of it is an error: what cannot be lent is found and hashed by Terraform as ever. Nothing is
 * lent to people who have dev_overrides of their own, or a CLI configuration that plumb cannot
 * repeat.
 */
#ifndef PB_TERRAFORM_LEND_H
#define PB_TERRAFORM_LEND_H

#include "backends/terraform/terraform.h"

struct pb_tf_lent {
    struct pb_value dirs; /* source -> folder of the package */
};

/* The one entry of a folder whose name begins so; NULL where there are none or several. Free it. */
char *pb_tf_lend_only(const char *dir, const char *prefix);

/* What init put into the run's data folder. */
void pb_tf_lend_installed(struct pb_tf_lent *out, const struct pb_tf_planning *p);

/* Whether all of it was remembered for the same lock file and requirements, and is unchanged.
 * Needs the text (p->tree) and a lock file of the commit. */
bool pb_tf_lend_recall(struct pb_tf_lent *out, const struct pb_tf_planning *p);
void pb_tf_lend_remember(const struct pb_tf_lent *l, const struct pb_tf_planning *p);

/* Commands of the run use the packages; false, and nothing changed, when that cannot be. */
bool pb_tf_lend(const struct pb_tf_lent *l, struct pb_tf_run *r);
/* Commands of the run find no packages: for an init that is about the backend alone, and would
 * fetch the providers of all that the state records. False, and nothing changed, as above. */
bool pb_tf_lend_nothing(struct pb_tf_run *r);
/* Terraform finds and checks packages by itself again. */
void pb_tf_lend_end(struct pb_tf_run *r);

/* Where it is kept what the provider of that file says of its types; NULL: nowhere. Free it. */
char *pb_tf_lend_types(const struct pb_tf_planning *p, const char *program);

/* Whether the person's own CLI configuration puts other providers in the place of those that the
 * lock file names (dev_overrides); before anything is lent. */
bool pb_tf_lend_replaced(const struct pb_tf_run *r);

#endif
