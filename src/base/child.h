/*
 * child.h: running another program, safely.
 *
 *	struct pb_child_spec spec = {.argv = argv.v, .env = env.v, .dir = tree,
 *				     .out_path = "plan.json", .err_path = "plan.err"};
 *	struct pb_child *c = NULL;
 *	if (pb_child_start(&c, &spec, err) == 0)
 *	    rc = pb_child_wait(&status, c, on_tick, ctx, err);
 *	pb_child_free(c);
 *
 * or, with nothing to do meanwhile, rc = pb_child_run(&status, &spec, err).
 *
 * argv arrays only, never a shell. The child has its own session, stdin on /dev/null or a file and
 * its stdio on files (0600) that the caller may tail while it runs: Terraform with a pipe
 * whose reader dies loses its state. Every other descriptor is closed, the environment is
 * exactly `env`, SIGHUP is ignored, SIGPIPE default, and the death of the thread that
 * called start sends it SIGINT or spec.death_signal: start children from a thread that lives
 * to wait for them. Where plumb has several threads and is killed, each may send one: what loses
 * something at the second has spec.one_int, and inherits one end of a pipe, by which the kernel
 * tells it that the last of plumb is gone.
 *
 * When plumb is interrupted (pb_cancel_requested), wait sends one INT to the child's pid,
 * once, and keeps waiting: a second INT makes Terraform lose data. Nothing here sends
 * SIGKILL unless spec.kill_after_ms says that the child may be killed (read-only work).
 */
#ifndef PB_BASE_CHILD_H
#define PB_BASE_CHILD_H

#include <sys/types.h>

#include "base/err.h"

struct pb_child;

struct pb_child_spec {
    char *const *argv;    /* argv[0] is looked up in the env's PATH unless it has a '/';
                             a relative path is taken from our working directory */
    char *const *env;     /* the whole environment, NULL-terminated */
    const char *dir;      /* working directory, or NULL for ours */
    const char *in_path;  /* its stdin; NULL: /dev/null */
    const char *out_path; /* created 0600, truncated; NULL: /dev/null */
    int out_fd;           /* instead of out_path when above 0; stays the caller's */
    const char *err_path; /* created 0600, truncated; NULL: /dev/null; may equal out_path */
    int err_fd;           /* instead of err_path when above 0; stays the caller's */
    int keep_fd;          /* inherited as it is when above 0, by its children too: a lease */
    const int *keep_fds;  /* the same for several; 0 ends them; or NULL */
    bool no_keys;         /* the session's keys of the kernel are not handed on */
    int (*before_exec)(void *ctx); /* the last that the forked child does: async-signal-safe;
                                      -1 with errno: it is not started,
                                      PB_E_REFUSED; or NULL */
    void *before_ctx;
    int death_signal;   /* what it gets when the starting thread ends; 0: SIGINT */
    bool one_int;       /* it gets that once, when plumb ends as a whole */
    long timeout_ms;    /* 0: none; then one INT */
    long kill_after_ms; /* 0: never; else SIGKILL this long after the INT */
    long tick_ms;       /* how often `tick` is called; 0: about ten times a second */
};

struct pb_child_status {
    bool started; /* false: it could not be run at all */
    bool exited;  /* else killed by `signal` */
    int code;     /* exit code */
    int signal;
    bool timed_out;
    int survivors; /* processes of its session that were still alive when it ended */
    long elapsed_ms;
};

int pb_child_start(struct pb_child **out, const struct pb_child_spec *spec, struct pb_err *err);
/* Calls tick(ctx) every spec.tick_ms while the child runs; may be NULL.
 * Returns 0 once the child has ended, however it ended; PB_E_INTERRUPTED after a cancel. */
int pb_child_wait(struct pb_child_status *status, struct pb_child *c, void (*tick)(void *ctx),
                  void *ctx, struct pb_err *err);
/* Starts, waits and frees. 0 once it has ended, however it ended; `status` is always filled. */
int pb_child_run(struct pb_child_status *status, const struct pb_child_spec *spec,
                 struct pb_err *err);
/* How many processes of the child's session still live (a local-exec may outlive
 * Terraform); reaps those that have ended. Ask until 0 before releasing a lease. */
int pb_child_survivors(struct pb_child *c);
pid_t pb_child_pid(const struct pb_child *c);
void pb_child_free(struct pb_child *c); /* BUG() while it still runs */

/* Searches PATH (of `path`, a PATH value; NULL: ours) for an executable file. Entries that
 * are empty or relative are passed over: they would let a repository bring its own tools. So is
 * this very program: plumb may be installed under the name of a tool that it runs.
 * Caller frees; NULL when not found. */
char *pb_child_which(const char *program, const char *path);

/* Whether that file is this program: a link to it, or a copy. */
bool pb_child_is_us(const char *path);

#endif
