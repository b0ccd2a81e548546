/*
 * vars.h: the values of a root module's variables, in Terraform's order: default, TF_VAR_x,
 * terraform.tfvars(.json), *.auto.tfvars(.json), then the unit's var files and vars.
 */
#ifndef PB_TERRAFORM_VARS_H
#define PB_TERRAFORM_VARS_H

#include "backends/terraform/module.h"

struct pb_tf_vars_in {
    const struct pb_tf_node *root;
    const struct pb_tf_files *files;
    char *const *var_files; /* paths of the repository; or NULL */
    char *const *vars;      /* NAME=VALUE; or NULL */
    /* Of a command line, behind all others; absolute paths; or NULL. */
    char *const *more_var_files, *const *more_vars;
    char *const *env; /* NAME=VALUE: where TF_VAR_x is looked for; or NULL */
};

/* A map of every declared variable that has a value; sensitive ones marked. */
int pb_tf_vars(struct pb_value *out, struct pb_arena *a, const struct pb_tf_vars_in *in,
               struct pb_err *err);

/* Whether Terraform reads a -var or TF_VAR_ of this variable as an expression: its type is
 * neither missing nor a plain string, number or bool. */
bool pb_tf_var_is_complex(const struct pb_tf_node *root, const char *name);

#endif
