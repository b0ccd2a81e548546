/*
 * lock.h: one process at a time, by flock on a file that stays where it is.
 *
 *	PB_AUTO(fd) int lock = pb_lock_take(path, wait_ms, &err);	// close() lets go
 *
 * The kernel lets go when the process ends, however it ends, so a lock is never left behind.
 * Children do not inherit it (O_CLOEXEC). Not for files on NFS that several machines share.
 */
#ifndef PB_BASE_LOCK_H
#define PB_BASE_LOCK_H

#include "base/err.h"

/* The descriptor that holds the lock; -1 with PB_E_LOCKED when another process has it still
 * after `wait_ms`, or with PB_E_INTERRUPTED. The file is made (0600). */
int pb_lock_take(const char *path, long wait_ms, struct pb_err *err);

#endif
