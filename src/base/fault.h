/*
 * fault.h: named places where a test makes a durable step fail, to prove what follows.
 *
 *	if (pb_fault("ledger.sync") || fdatasync(fd))
 *	    return pb_fail_errno(...);
 *
 * PLUMB_FAULT names what is to happen: `POINT=ACTION`, or `POINT:N=ACTION` for the Nth time that
 * the point is reached; several with commas. Actions: `eio`, `enospc`, `kill` (the process ends
 * there as by power loss), `stop` (it waits for SIGCONT and goes on: a test changes something
 * meanwhile). Unset, a point costs one comparison. Every point stands in the table in fault.c, so
 * that the crash tests can go through all of them.
 */
#ifndef PB_BASE_FAULT_H
#define PB_BASE_FAULT_H

#include "base/compiler.h"

/* Whether the step is to fail here: true, with errno set. */
bool pb_fault(const char *point);

extern const char *const pb_fault_points[]; /* NULL-terminated */

#endif
