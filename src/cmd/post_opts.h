/*
 * post_opts.h: rows of commands.c's tables for commands whose result can be told on a host.
 */
#ifndef PB_CMD_POST_OPTS_H
#define PB_CMD_POST_OPTS_H

#include "cmd/cmd.h"

#define POST_OPT(id, name, arg, help, values)    \
    {                                            \
        id, 0, name, arg, help, values, false, 0 \
    }

/* `what`: the values of --post. */
#define POST_OPTS(what)                                                                            \
    {PB_O_POST,                                                                                    \
     0,                                                                                            \
     "post",                                                                                       \
     "WHAT,...",                                                                                   \
     "tell the result where the code is reviewed; the host and what it is about are those of the " \
     "CI job",                                                                                     \
     what,                                                                                         \
     true,                                                                                         \
     PB_OPT_LIST},                                                                                 \
        POST_OPT(PB_O_POST_TO, "post-to", "HOST", "the host, where CI does not say it",            \
                 pb_post_host_names),                                                              \
        POST_OPT(PB_O_POST_URL, "post-url", "URL", "its API, where it is your own", NULL),         \
        POST_OPT(PB_O_POST_REPO, "post-repo", "OWNER/NAME", "the repository there", NULL),         \
        POST_OPT(PB_O_POST_CHANGE, "post-change", "NUMBER",                                        \
                 "the pull or merge request to comment on", NULL),                                 \
        POST_OPT(PB_O_POST_COMMIT, "post-commit", "ID", "the commit whose status is set", NULL),   \
        POST_OPT(PB_O_POST_NAME, "post-name", "NAME",                                              \
                 "what it is called there, one for each job (default: 'plumb' and the command)",   \
                 NULL),                                                                            \
        POST_OPT(PB_O_POST_TIMEOUT, "post-timeout", "TIME",                                        \
                 "how long posting may take in all (default: 2m)", NULL)

#endif
