/*
 * terraform_opts.h: rows of commands.c's tables for commands that plan: Terraform's options
 * under their own names, those that are taken and those that are refused.
 */
#ifndef PB_CMD_TERRAFORM_OPTS_H
#define PB_CMD_TERRAFORM_OPTS_H

#include "cmd/cmd.h"

#define TF_SWITCH(id, name, help)                                         \
    {                                                                     \
        id, 0, name, NULL, help, NULL, false, PB_OPT_DASH | PB_OPT_SWITCH \
    }
#define TF_ARG(id, name, arg, help)                      \
    {                                                    \
        id, 0, name, arg, help, NULL, false, PB_OPT_DASH \
    }
#define TF_ARGS(id, name, arg, help)                    \
    {                                                   \
        id, 0, name, arg, help, NULL, true, PB_OPT_DASH \
    }
#define TF_REFUSED(name, why)                                         \
    {                                                                 \
        PB_O_REFUSED, 0, name, NULL, why, NULL, false, PB_OPT_REFUSED \
    }

/* Beside -target. */
#define TERRAFORM_OPTS                                                                             \
    TF_ARGS(PB_O_REPLACE, "replace", "ADDRESS", "replace this resource, changed or not"),          \
        TF_SWITCH(PB_O_DESTROY, "destroy", "destroy everything that the unit has"),                \
        TF_ARGS(PB_O_VAR, "var", "NAME=VALUE", "set a variable, which Git then does not explain"), \
        TF_ARGS(PB_O_VAR_FILE, "var-file", "FILE",                                                 \
                "take variables from FILE; part of Git if it is committed"),                       \
        TF_SWITCH(PB_O_REFRESH, "refresh",                                                         \
                  "with =false what was changed outside is left as it is, unless Git asks for "    \
                  "something else"),                                                               \
        TF_ARG(PB_O_PARALLELISM, "parallelism", "N", "how much Terraform does at once"),           \
        TF_ARG(PB_O_LOCK_TIMEOUT, "lock-timeout", "TIME",                                          \
               "how long to wait for the lock of the state: 30s, 5m"),                             \
        TF_SWITCH(PB_O_INPUT, "input", "no effect: nobody is ever asked for a variable"),          \
        TF_SWITCH(PB_O_COMPACT_WARNINGS, "compact-warnings", "no effect: warnings are short")

/* What only an apply takes. */
#define TERRAFORM_APPLY_OPTS \
    TF_SWITCH(PB_O_AUTO_APPROVE, "auto-approve", "ask nobody: what needs a yes is refused")

#define TERRAFORM_REFUSED_OPTS                                                                     \
    TF_REFUSED("state", "the state is where the commit says; for another file set 'state' of the " \
                        "unit in plumb.yaml"),                                                     \
        TF_REFUSED("state-out", "the state goes back to where it was read; 'terraform state "      \
                                "pull' copies it elsewhere"),                                      \
        TF_REFUSED("backup", "a copy of the state is kept before every apply, so leave it out"),   \
        TF_REFUSED("lock", "nothing is changed without the lock of the state; 'plumb recover' "    \
                           "deals with one that was left behind"),                                 \
        TF_REFUSED("out", "a plan that lies about is not applied; 'plumb apply' plans, shows and " \
                          "applies, and '--format json --output FILE' keeps what was shown"),      \
        TF_REFUSED("detailed-exitcode", "the exit code always tells (0 nothing to do, 2 changes, " \
                                        "3 refused), so leave it out"),                            \
        TF_REFUSED("json", "'--format json' is for programs, with causes and decisions"),          \
        TF_REFUSED("generate-config-out", "configuration is written first: run 'terraform plan "   \
                                          "-generate-config-out=FILE' and commit what it wrote"),  \
        TF_REFUSED("allow-deferral",                                                               \
                   "what is left for later cannot be verified; go step by step with -target"),     \
        TF_REFUSED("concise", "the report is short as it is, so leave it out"),                    \
        TF_REFUSED("refresh-only", "it hides outside changes in the state; 'plumb audit' shows "   \
                                   "them, a commit adopts them, 'plumb apply' undoes them"),       \
        TF_REFUSED("show-sensitive", "secrets are shown to nobody"),                               \
        TF_REFUSED("target-file", "name each address with -target"),                               \
        TF_REFUSED("exclude", "name what is meant with -target"),                                  \
        TF_REFUSED("exclude-file", "name what is meant with -target"),                             \
        TF_REFUSED("invoke", "what an action did cannot be verified; let a resource's lifecycle "  \
                             "trigger it, in a commit"),                                           \
        TF_REFUSED("ignore-remote-version",                                                        \
                   "another version of the tool may write a state that others cannot read; use "   \
                   "the one that the workspace asks for"),                                         \
        TF_REFUSED("PLANFILE", "a plan made earlier is not applied; plumb plans the commit "       \
                               "itself and applies just what the gate saw, so leave the file out")

#endif
