/*
 * plan_options.h: what a command line adds to the plan of a commit, for the commands that plan.
 *
 *	struct pb_cmd_plan_options p;
 *	if (pb_cmd_plan_options(&p, args, &err) == 0) {
 *	    pb_cmd_plan_into(&o, &p);	// o: struct pb_audit_options
 *	    ...
 *	}
 *	pb_cmd_plan_options_release(&p);	// after all that o was given to
 */
#ifndef PB_CMD_PLAN_OPTIONS_H
#define PB_CMD_PLAN_OPTIONS_H

#include "cmd/cmd.h"
#include "run/audit.h"

struct pb_cmd_plan_options {
    struct pb_plan_options plan;
    struct pb_strv var_files; /* absolute: a path is meant from where the person stands */
    bool believe_state;       /* -refresh=false */
    bool adds;                /* more than how fast: the plan is no longer the commit's alone */
};

/* Wrong values are PB_E_USAGE. Values of variables are in no message. */
int pb_cmd_plan_options(struct pb_cmd_plan_options *out, const struct pb_args *args,
                        struct pb_err *err);
void pb_cmd_plan_options_release(struct pb_cmd_plan_options *p);

/* Makes an audit one that plans so, as an apply would; `p` outlives it. */
void pb_cmd_plan_into(struct pb_audit_options *o, const struct pb_cmd_plan_options *p);

/* "1m30s", "500ms", "0": as Terraform writes times. In milliseconds. */
int pb_cmd_duration(long *out, const char *text);

#endif
