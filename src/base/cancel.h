/*
 * cancel.h: being told to stop. main() installs the handlers for INT, TERM, HUP and QUIT;
 * everything that waits or loops asks pb_cancel_requested() and unwinds with PB_E_INTERRUPTED.
 * The handlers only set a flag, so cleanup runs in ordinary code.
 */
#ifndef PB_BASE_CANCEL_H
#define PB_BASE_CANCEL_H

#include "base/err.h"

void pb_cancel_install(void);
bool pb_cancel_requested(void);
void pb_cancel_request(void);            /* as if a signal had come: for tests */
int pb_cancel_check(struct pb_err *err); /* -1 and PB_E_INTERRUPTED once requested */

/* Waits until something can be done with `fd` (`events` as for poll(2)); false when it cannot and
 * there is a request. One that comes just before the wait, or to another thread, ends it, too. */
bool pb_cancel_wait(int fd, short events);

/* Whether there was a request, which counts as answered: what follows has to be done now, until
 * somebody asks again. After an apply that was interrupted its record is still to be written. */
bool pb_cancel_answered(void);

#endif
