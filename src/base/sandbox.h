/*
 * sandbox.h: running a program that is not trusted, in bubblewrap.
 *
 *	struct pb_sandbox box = {.network = config.check.network, .memory_mib = 4096};
 *	ctx.sandbox = &box;		// of struct pb_unit_ctx: what runs for the unit runs in it
 *
 * What it is to be is decided by whoever is trusted: the base of a change, never the change.
 * Nothing that is started with a sandbox falls back to running without one: when it cannot be
 * had, that is PB_E_REFUSED with the remedy.
 */
#ifndef PB_BASE_SANDBOX_H
#define PB_BASE_SANDBOX_H

#include "base/err.h"

/* Limits and network of everything that runs for one unit. Zeros are the defaults. Strings are
 * the caller's and outlive every start. */
struct pb_sandbox {
    /* Where connections may go, "HOST", "HOST:PORT" or "*.SUFFIX:PORT", port 443 unless given;
     * NULL-terminated, or NULL: nowhere. */
    char *const *network;
    long memory_mib; /* all processes together; default 4096 */
    long disk_mib;   /* written to files, and to standard output and error; default 4096 */
    long processes;  /* at once; default 512 */
    long time_ms;    /* of each program that is started; default 900000 */
};

#endif
