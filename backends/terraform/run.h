/*
 * run.h: running terraform or tofu with a built environment, its output on private files.
 *
 *	struct pb_tf_run r;
 *	if (pb_tf_run_init(&r, arena, u, dir, err) == 0 &&
 *	    pb_tf_run(&r, "init", args, "init", err) == 0) ...
 *	pb_tf_run_release(&r);
 *
 * Each command's output is in WORK/NAME.out and WORK/NAME.err, 0600.
 */
#ifndef PB_TERRAFORM_RUN_H
#define PB_TERRAFORM_RUN_H

#include "backends/backend.h"
#include "backends/terraform/events.h"
#include "backends/terraform/tool.h"

struct pb_child;
struct pb_sandbox_run;

struct pb_tf_run {
    struct pb_arena *arena;
    const struct pb_unit_ctx *u;
    struct pb_tf_tool tool;
    struct pb_strv env;
    struct pb_strv secrets;  /* never to be shown, whatever the tool says */
    struct pb_strv readable; /* in a sandbox: what has to be seen beside the usual */
    const char *dir;         /* where it runs */
    const char *data_dir;    /* TF_DATA_DIR */
    const char *own_config;  /* TF_CLI_CONFIG_FILE of the person while lend.h has its own */
    bool holds_lock;         /* commands take the state's lock: they get long to let go of it */
};

/* Finds the tool and builds the environment; `names` as in env.h. `name` makes the
 * private folder, WORK/NAME. */
int pb_tf_run_init(struct pb_tf_run *r, struct pb_arena *a, const struct pb_unit_ctx *u,
                   const char *name, const char *dir, const char *workspace,
                   const struct pb_strv *names, struct pb_err *err);
void pb_tf_run_release(struct pb_tf_run *r);

/* The tool spends a quarter of its time collecting what decoding schemas left behind, which with a
 * state of few resources is most of its memory: it may take more of that, to be done sooner. */
enum { PB_TF_FEW = 2000 };
void pb_tf_run_hurry(struct pb_tf_run *r, size_t resources);

/* What of an environment must not be shown even if a tool quotes it; `providers` as in env.h. */
void pb_tf_run_secrets(struct pb_strv *out, char *const *from, const struct pb_strv *providers);

/* WORK/NAME.SUFFIX, on the arena. */
const char *pb_tf_run_file(const struct pb_tf_run *r, const char *name, const char *suffix);

/* A command that is under way. */
struct pb_tf_command {
    const struct pb_tf_run *run;
    const char *name;  /* of the files */
    const char *doing; /* for progress: "plan" */
    size_t total;      /* for progress: how many resources are to be expected; 0: unknown */
    struct pb_child *child;
    struct pb_sandbox_run *boxed; /* in place of it, for a unit with a sandbox */
    struct pb_tf_tail tail;
};
/* For a unit with a sandbox nothing that the tool can write may be touched while a command is under
 * way: start no second one beside it. */
int pb_tf_start(struct pb_tf_command *c, const struct pb_tf_run *r, const char *name,
                char *const *args, struct pb_err *err);
/* Waits. Fails with the tool's own errors unless it exits with 0; a plan's exit 2 is 0. */
int pb_tf_finish(struct pb_tf_command *c, struct pb_err *err);

/* An init of which the backend is all that matters: it says that it failed for want of the
 * providers that the state records, when the backend is long initialised. */
int pb_tf_run_backend(const struct pb_tf_run *r, const char *type, char *const *args,
                      struct pb_err *err);

/* Both. */
int pb_tf_run(const struct pb_tf_run *r, const char *name, char *const *args, struct pb_err *err);

#endif
