/*
 * sandbox.h: running a program that is not trusted, in bubblewrap.
 *
 *	struct pb_sandbox box = {.network = config.check.network, .memory_mib = 4096};
 *	if (pb_sandbox_usable(err) || pb_sandbox_check(&box, err))
 *	    return -1;
 *	ctx.sandbox = &box;		// of struct pb_unit_ctx: what runs for the unit runs in it
 *
 * What it is to be is decided by whoever is trusted: the base of a change, never the change.
 * Nothing that is started with a sandbox falls back to running without one: when it cannot be
 * had, that is PB_E_REFUSED with the remedy.
 *
 * What is started has its own user, process, network, IPC, host name and cgroup namespaces, no
 * capabilities, no way to new user namespaces, no controlling terminal, and no /proc at all: a
 * file of there is the only way in which an expression could read the environment. Of the file
 * system it sees the system's programs, libraries and certificates, and what its view says;
 * an empty home and /tmp are in memory. It can write what the view says. It reaches the hosts of
 * the list, through sockets that plumb holds open for it, and nothing else: no other port of
 * this machine, no abstract socket, no name server. Everything in it dies with its first process,
 * with plumb, and as soon as it uses more than it may.
 *
 * What it does not hold back:
 *   - a hole in the kernel: its calls are not filtered;
 *   - what the program is given: it may send its environment, the files it sees and the answers
 *     it gets to every host of the list, in names below a "*.SUFFIX" to that suffix's name
 *     servers, and in what it prints to whoever reads that;
 *   - lies: what an untrusted program says about its own work is what it wants it to be;
 *   - memory that no process has mapped (an unmapped memfd) is only seen when the machine runs
 *     short of it; a burst between two looks (20 ms) goes over the limits of memory and disk
 *     before it ends. Of processes there is never one more.
 */
#ifndef PB_BASE_SANDBOX_H
#define PB_BASE_SANDBOX_H

#include "base/child.h"
#include "base/err.h"

/* Limits and network of everything that runs for one unit. Zeros are the defaults. Strings are
 * the caller's and outlive every start. */
struct pb_sandbox {
    /* Where connections may go, "HOST", "HOST:PORT" or "*.SUFFIX:PORT", port 443 unless given;
     * NULL-terminated, or NULL: nowhere. A host of this machine's loopback is reached at its own
     * address; what a suffix stands for by HTTPS alone, through a proxy in the environment. */
    char *const *network;
    long memory_mib; /* all processes together; default 4096 */
    long disk_mib;   /* written to files, and to standard output and error; default 4096 */
    long processes;  /* at once, with up to eight threads for each; default 512 */
    long time_ms;    /* of each program that is started; default 900000 */
};

/* What one command sees of the file system, at the paths where it is. What does not exist is left
 * out. Of paths within each other the inner one counts, and writable ones over readable ones. */
struct pb_sandbox_view {
    const char *subject;   /* for messages: whose command it is */
    char *const *readable; /* files and folders; NULL-terminated or NULL */
    char *const *writable; /* as well */
};

struct pb_sandbox_run;

/* Whether there can be a sandbox here; tried once for the process. */
int pb_sandbox_usable(struct pb_err *err);

/* Whether the network list can be understood: else PB_E_CONFIG. */
int pb_sandbox_check(const struct pb_sandbox *s, struct pb_err *err);

/* The home that it has, for the environment. */
extern const char pb_sandbox_home[];

/*
 * As pb_child_start, where argv[0] is an absolute path, `env` is what it gets beside the proxy's
 * variables, and timeouts, signals and kept descriptors of the spec mean nothing. The view is not
 * needed any more when it returns. Until pb_sandbox_wait has returned nothing writable may be
 * touched by the caller.
 */
int pb_sandbox_start(struct pb_sandbox_run **out, const struct pb_sandbox *s,
                     const struct pb_sandbox_view *view, const struct pb_child_spec *spec,
                     struct pb_err *err);

/*
 * As pb_child_wait; frees the run. When it returns, no process of it lives, and what is writable
 * has been swept: there are no devices, sockets or pipes in it, every folder can be entered, and
 * every link leads to where the program may look. PB_E_REFUSED when it used more than it may, or
 * left a link that leads elsewhere.
 */
int pb_sandbox_wait(struct pb_child_status *status, struct pb_sandbox_run *run,
                    void (*tick)(void *ctx), void *ctx, struct pb_err *err);

#endif
