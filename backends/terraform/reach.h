/*
 * reach.h: which folders of the repository a unit can read: its own and those of the
 * modules that it calls by a local source, theirs, and so on.
 *
 * The key of the declared side is made of their content, so missing one would serve a stale
 * cache. When an expression names a path that goes up ("${path.module}/../policy.json"), or
 * asks for the top of the repository, the whole repository is taken: "" in the list.
 */
#ifndef PB_TERRAFORM_REACH_H
#define PB_TERRAFORM_REACH_H

#include "backends/terraform/module.h"

/* Adds to `dirs`, sorted and without folders inside of others. A module that cannot be
 * parsed takes the whole repository: Terraform will say what is wrong with it. */
int pb_tf_reach(struct pb_strv *dirs, const struct pb_tf_files *files, const char *root,
                struct pb_err *err);

#endif
