/*
 * plan.h: `terraform show -json` of a saved plan (format 1.x) as the declared side.
 *
 *	struct pb_tf_plan plan;
 *	struct pb_tf_plan_in in = {.what = "the plan of 'network'", .hints = &hints, ...};
 *	if (pb_tf_plan_parse(&plan, arena, text, n, &in, err))
 *		return -1;
 *
 * What a plan does not say comes from the configuration's text through `hints` (module.h
 * implements it): ignore_changes, dynamic blocks. Without hints a resource that may use
 * either is marked configured_opaque.
 *
 * An expression that is there counts as configured, also the empty one, {}: that is what
 * Terraform writes for jsonencode("x") or file("x"), which refer to nothing (measured with
 * 1.11.4). A constant null is as if it were not there.
 *
 * The text holds secrets in the clear: keep it private, release it after parsing.
 */
#ifndef PB_TERRAFORM_PLAN_H
#define PB_TERRAFORM_PLAN_H

#include "base/err.h"
#include "model/snapshot.h"

#define PB_TF_PLAN_MAX ((size_t)1 << 30)

/* What the text of the configuration says about one resource block. */
struct pb_tf_hint {
    const char *const *ignore_changes; /* as in pb_declared */
    /* dynamic blocks: name -> a map as in pb_declared.configured; or NULL */
    const struct pb_value *dynamic;
    bool opaque;                          /* something in it could not be read */
    const char *file;                     /* path within the repository */
    unsigned line, last_line;             /* the second 0: it is not in one piece */
    const struct pb_side_effect *effects; /* its provisioners, in order */
    size_t neffects;
};

struct pb_tf_hints {
    /* module: names of calls from the root, "net.subnets", "" for the root. The type of an
     * action has "action." in front. NULL: not found. */
    const struct pb_tf_hint *(*find)(void *ctx, const char *module, const char *type,
                                     const char *name);
    void *ctx;
};

struct pb_tf_plan_in {
    const char *what;                       /* names the plan in messages */
    const struct pb_tf_hints *hints;        /* or NULL */
    const struct pb_schema_set *schemas;    /* for sensitive attributes; or NULL */
    const struct pb_recorded_set *recorded; /* for providers of what is only there; or NULL */
    struct pb_diags *diags;                 /* or NULL */
};

struct pb_tf_plan {
    struct pb_declared_set declared;
    /* Values of root variables, a map; those flagged sensitive are marked. */
    const struct pb_value *variables;
    const struct pb_value *configuration; /* as in the plan */
    const struct pb_value *outputs;       /* planned_values.outputs, or NULL */
    bool changes_outputs;
    const char *terraform_version;
    bool errored;  /* the plan stopped half way; declared.complete is then false */
    bool has_data; /* data sources feed it: it can change with no commit */
};

int pb_tf_plan_parse(struct pb_tf_plan *out, struct pb_arena *a, const char *text, size_t n,
                     const struct pb_tf_plan_in *in, struct pb_err *err);

/* Terraform's array of actions as one; used by the event stream too. */
enum pb_action pb_tf_action(const struct pb_value *actions);

#endif
