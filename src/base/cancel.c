#include "base/cancel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

enum { LOOK_MS = 100 };

static atomic_int requested; /* set in a handler, read by every thread */

static void on_signal(int sig)
{
    (void)sig;
    requested = 1;
}

void pb_cancel_install(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_signal; /* no SA_RESTART: a blocked read must return */
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    sigaction(SIGQUIT, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
    sigaction(SIGXFSZ, &sa, NULL); /* a write beyond ulimit -f fails, and is cleaned up after */
}

bool pb_cancel_requested(void)
{
    return requested != 0;
}

bool pb_cancel_wait(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int rc = poll(&p, 1, 0);

    while (rc == 0 || (rc < 0 && errno == EINTR)) {
        if (requested)
            return false;
        rc = poll(&p, 1, LOOK_MS);
    }
    return true;
}

void pb_cancel_request(void)
{
    requested = 1;
}

bool pb_cancel_answered(void)
{
    return atomic_exchange(&requested, 0) != 0;
}

int pb_cancel_check(struct pb_err *err)
{
    if (!requested)
        return 0;
    return pb_fail(err, PB_E_INTERRUPTED, "interrupted");
}
