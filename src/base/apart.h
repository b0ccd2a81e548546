/*
 * apart.h: a process beside plumb that runs a function of plumb's own, and may outlive plumb.
 *
 *	const int keep[] = {socket, 0};
 *	if (pb_apart_start(&pid, "provider-lender", keep, run, ctx, err) == 0) ...
 *	... waitpid(pid) when it is to be gone ...
 *
 * It is forked and executes nothing. It has a session of its own, stdin, stdout and stderr on
 * /dev/null, and no descriptor but those of `keep`: what plumb has locked is not locked by it.
 * SIGINT, SIGHUP and SIGPIPE are ignored, all else is default. When run() returns it ends.
 *
 * plumb may have other threads, and what they were in the middle of stays so in there: run() may
 * call the system, the allocator (which the C library makes ready for it), and what needs no more;
 * it takes no lock. Built with AddressSanitizer, whose allocator is not made ready, it is an error
 * to have other threads.
 */
#ifndef PB_BASE_APART_H
#define PB_BASE_APART_H

#include <sys/types.h>

#include "base/err.h"

/* `name` is what lists of processes show, up to 15 letters. 0 ends `keep`; all are above 2. */
int pb_apart_start(pid_t *out, const char *name, const int *keep, void (*run)(void *ctx), void *ctx,
                   struct pb_err *err);

#endif
