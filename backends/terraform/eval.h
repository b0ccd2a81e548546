/*
 * eval.h: the value of an expression as far as it can be had from the text alone: literals,
 * lists, maps, var.x, local.x, terraform.workspace, templates of those and a few functions.
 * Anything else is PB_UNKNOWN with the expression as its reason; never an error.
 *
 * A sensitive variable marks what is made of it.
 */
#ifndef PB_TERRAFORM_EVAL_H
#define PB_TERRAFORM_EVAL_H

#include "backends/terraform/module.h"

enum { PB_TF_EVAL_BUDGET = 1000000 };

struct pb_tf_scope {
    struct pb_arena *arena;
    const struct pb_tf_node *node;
    const struct pb_value *vars; /* of the root, a map (vars.h) */
    const char *workspace;
    int depth;      /* starts at 0 */
    size_t *budget; /* expressions still to be looked at: locals can double at each step */
};

struct pb_value pb_tf_eval(const struct pb_tf_scope *s, const struct pb_hcl_expr *e);
/* Attributes and blocks of a body; a type of block is a list of maps. `skip` is a
 * NULL-terminated list of attributes to leave out, or NULL. */
struct pb_value pb_tf_eval_body(const struct pb_tf_scope *s, const struct pb_hcl_body *b,
                                const char *const *skip);

#endif
